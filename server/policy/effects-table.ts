/**
 * What common programs do to the files that their words name, as data. Not caught here: programs that
 * the table doesn't name; they are taken to do anything to a path that they are given.
 *
 * A line is `programs: operands [options…]`. Operands: letters of what happens to each of them
 * (`r` read, `w` write, `d` delete, `x` execute, `-` nothing), or `a>b` = the last one `b`, the others
 * `a`. Options of the line:
 * `skip=N` the first N operands are no paths, `unless=-e,-f` but all are when one of these is given;
 * `tree` or `tree=-r,-R` it reaches everything below, always or with one of these options;
 * `-o=w`, `--output=w` what happens to the value of an option; `of:w` an operand `of=PATH`;
 * `with=-k:d` what happens to the operands besides, when the option is given (`without=` likewise);
 * `into` the last operand may be a directory into which the others go under their own names;
 * `target=-t` an option that names that directory instead.
 */
export const EFFECTS = `
rm grm srm: d tree=-r,-R,--recursive
rmdir unlink trash trash-put rip: d tree
shred: w with=-u:d with=--remove:d --random-source=r
wipe scrub: wd tree
truncate: w -r=- --reference=-
mv gmv rename.ul: rd>w tree into target=-t,--target-directory
cp gcp: r>w tree=-r,-R,-a,--recursive,--archive into target=-t,--target-directory with=--remove-destination:d
ln link: r>w into target=-t,--target-directory
install: r>w into target=-t,--target-directory
scp: r>w tree=-r into
rename prename: w skip=1
dd: - if:r of:w
cat tac nl less more most pg zless zmore bat batcat view: r
head tail cut sort uniq comm paste join column fold fmt pr expand unexpand shuf tsort rev wc cmp od hexdump hd xxd strings base64 base32 basenc uuencode: r -o=w --output=w --files0-from=r
md5sum sha1sum sha224sum sha256sum sha512sum b2sum cksum sum: r
sponge: w
diff colordiff sdiff vimdiff meld: r tree=-r,--recursive --output=w
diff3: r
patch: w -i=r --input=r -o=w
split csplit: r
grep egrep fgrep zgrep zegrep zfgrep ugrep: r skip=1 unless=-e,-f,--regexp,--file tree=-r,-R,--recursive,--dereference-recursive -f=r --file=r
rg ag ack: r skip=1 unless=-e,-f,--regexp,--file tree -f=r --file=r
sed gsed: r skip=1 unless=-e,-f,--expression,--file with=-i:w with=--in-place:w -f=r --file=r
awk gawk mawk nawk: r skip=1 unless=-f,--file -f=r --file=r with=-i:w
perl ruby lua php: r -f=r
python node nodejs tclsh Rscript: rx
jq yq xq: r skip=1 unless=-f,--from-file -f=r --from-file=r --slurpfile=r --rawfile=r with=-i:w
xmllint xmlstarlet csvtool: r
tr: -
tee: w
touch: w -r=- --reference=-
mkdir mkfifo mknod mktemp: w
chmod chown chgrp chattr setfacl: w skip=1 unless=--reference tree=-R,--recursive --reference=-
getfacl lsattr: -
ls dir vdir ll eza exa lsd tree du df stat file readlink realpath basename dirname test [ namei mountpoint findmnt lsof fuser pathchk: -
gzip gunzip bzip2 bunzip2 xz unxz lzma zstd unzstd lz4 pigz compress uncompress: rwd tree=-r,--recursive without=-k:d
zcat bzcat xzcat zstdcat lzcat gzcat: r
zip: r tree=-r with=-m:d
unzip: r -d=w
7z 7za 7zr rar unrar: rw
cpio: - -F=rw -I=r -O=w
ar: rw
pax: rw tree
vim vi nvim ex nano pico emacs emacsclient ed red joe micro mcedit gedit kate code sublime kak helix hx: rw -u=r
mount umount swapon swapoff losetup cryptsetup: w
mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkswap wipefs blkdiscard fdisk sfdisk parted sgdisk mdadm pvcreate vgremove lvremove: wd
fsck e2fsck xfs_repair tune2fs resize2fs: w
source .: rx
sh bash dash zsh ksh mksh ash fish csh tcsh: rx
nc ncat netcat socat telnet: -
curl: - -o=w --output=w -T=r --upload-file=r -d=r --data=r --data-binary=r --data-urlencode=r -F=r --form=r -K=r --config=r -b=r --cookie=r -c=w --cookie-jar=w --cacert=- --cert=r -E=r --key=r -H=r
wget: - -O=w --output-document=w -o=w -P=w -i=r --input-file=r --post-file=r --body-file=r
ssh sftp mosh ssh-copy-id: - -i=- -F=r
ssh-keygen: - -f=rw -s=r
ssh-add: r
rclone: r>w tree skip=1
gpg gpg2: r -o=w --output=w
openssl: - -in=r -out=w -inkey=r -key=r -keyout=w -CAfile=- -cert=r -certfile=r -kfile=r -rand=r
age: r -o=w -i=r
date: - -f=r --file=r -r=-
xargs: - -a=r --arg-file=r
parallel: - -a=r --arg-file=r
script: w
strace ltrace: - -o=w --output=w
time: - -o=w --output=w
flock: -
env sudo doas su nohup nice timeout watch: -
echo printf true false : pwd cd pushd popd set unset export declare local readonly typeset read mapfile readarray shift trap alias unalias type which whereis command builtin hash exec eval exit return wait jobs fg bg kill pkill killall disown let help history fc umask ulimit shopt getopts times break continue logout suspend enable bind complete compgen compopt caller dirs: -
man info apropos whatis tldr cheat figlet toilet cowsay fortune lolcat banner notify-send wall write mesg: -
cal uptime uname hostname hostnamectl whoami id groups who w last lastlog users tty stty arch nproc free vmstat iostat mpstat sar dmesg lscpu lsblk lspci lsusb lsmod ps top htop pgrep pidof ip ifconfig ss netstat ping traceroute dig nslookup host route arp printenv locale seq sleep yes clear reset tput factor bc expr: -
git hg svn bzr: -
kubectl oc helm docker podman nerdctl docker-compose crictl lxc minikube kind k3s terraform tofu pulumi vagrant: -
apt apt-get aptitude dpkg rpm yum dnf zypper pacman apk snap flatpak brew: -
npm npx yarn pnpm bun deno pip pip3 pipx poetry uv conda gem bundle cargo go rustup mvn gradle composer make gmake cmake ninja: -
systemctl service journalctl loginctl timedatectl localectl systemd-analyze systemd-cgls shutdown reboot halt poweroff init telinit supervisorctl: -
psql mysql mariadb mysqladmin mysqldump pg_dump pg_dumpall createdb dropdb redis-cli mongosh clickhouse-client sqlcmd: - -f=r --file=r -i=r -o=w --output=w
pg_restore: r
sqlite3: rw
locate updatedb plocate: -
crontab at batch: r
useradd userdel usermod groupadd groupdel passwd chage gpasswd adduser deluser: -
aws gcloud az virsh qm ipmitool vboxmanage: -
tmux screen: -
getent: -
unshadow john hashcat: r
visudo vipw vigr: - -f=rw
logger: - -f=r --file=r
mail mailx sendmail mutt: - -a=r -A=r
lp lpr: r
gcc g++ cc clang rustc javac: r -o=w
java: r
tar bsdtar rsync find gfind fd fdfind: -
`;

/** Subcommands that reach a path which no word names. */
export const IMPLIED_PATHS: readonly {
  readonly program: string;
  readonly words: readonly string[];
  readonly access: 'read' | 'write';
  readonly path: string;
}[] = [
  { program: 'getent', words: ['shadow'], access: 'read', path: '/etc/shadow' },
  { program: 'getent', words: ['gshadow'], access: 'read', path: '/etc/gshadow' },
  { program: 'vipw', words: ['-s'], access: 'write', path: '/etc/shadow' },
  { program: 'visudo', words: [], access: 'write', path: '/etc/sudoers' },
];
