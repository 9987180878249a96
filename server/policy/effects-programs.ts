/**
 * What common programs do to the files that their words name, as data: networks, systems, containers,
 * databases, development. The form is that of `effects-table.ts`. Not caught here: files that such
 * programs reach by configuration, and what services do for them.
 */
export const PROGRAM_EFFECTS = `
nc ncat netcat telnet: -
curl: - file://:r FILE://:r file:/:r -o=w --output=w -T=r --upload-file=r -d=a --data=a --data-binary=a --data-urlencode=a --data-ascii=a --json=a --url-query=a -F=f --form=f -K=r --config=r -b=r --cookie=r -c=w --cookie-jar=w --cacert=- -E=r --cert=r --key=r -H=a --header=a --url=u -D=w --dump-header=w --trace=w --trace-ascii=w --stderr=w --netrc-file=r --etag-compare=r --etag-save=w --hsts=rw --output-dir=w -w=a --write-out=a
wget wget2: - file://:r -O=w --output-document=w -o=w --output-file=w -a=w --append-output=w -P=w --directory-prefix=w -i=r --input-file=r --post-file=r --body-file=r --load-cookies=r --save-cookies=w --config=r --certificate=r --private-key=r --ca-certificate=- --warc-file=w
http https xh curlie: - @:r
aria2c: - -i=r --input-file=r -d=w --dir=w -o=w --out=w -l=w --log=w --conf-path=r --load-cookies=r
lynx links links2 elinks w3m: r file://:r -cfg=r -o=w
yt-dlp youtube-dl: - -a=r --batch-file=r -o=w -P=w --cookies=r --config-location=r
axel httrack: - -o=w -O=w
ssh autossh sftp mosh slogin rlogin: - -i=- -F=r -E=w -b=r
ssh-copy-id: - -i=r -t=w
ssh-keygen: - -f=rw -s=r -D=x with=-R:w
ssh-add ssh-keyscan: r -f=r
sshpass: - -f=r
lftp ftp tftp ncftp ncftpput ncftpget: - -f=r
rclone+copy rclone+copyto rclone+bisync rclone+check rclone+mount: r>w tree --files-from=l --config=r with=--delete-during:>d with=--delete-after:>d with=--delete-excluded:>d
rclone+sync: r>wd tree --files-from=l --config=r
rclone+move rclone+moveto: rd>w tree --config=r
rclone+purge rclone+delete rclone+deletefile rclone+rmdir rclone+rmdirs rclone+cleanup: d tree
rclone+cat rclone+hashsum rclone+md5sum rclone+sha1sum: r tree
rclone+rcat rclone+touch rclone+mkdir rclone+copyurl: w
rclone: - --config=r
unison: rw tree
mutagen syncthing: -
restic borg duplicity bup rdiff-backup rsnapshot kopia: r tree
gpg gpg2: r -o=w --output=w --options=r --passphrase-file=r --homedir=-
gpgv gpgsm gpg-zip: r
age rage: r -o=w --output=w -i=r --identity=r -R=r --recipients-file=r
minisign signify: r -m=r -x=w -s=r -p=r
ccrypt ccencrypt ccdecrypt mcrypt aescrypt: rw
openssl: - -in=r -out=w -inkey=r -key=r -keyout=w -CAfile=- -CApath=- -cert=r -certfile=r -kfile=r -rand=r -config=r -infiles=r -sign=r -verify=r -signature=r -sigfile=r -pass=- -passin=- -passout=- -CAkey=r -CA=r -extfile=r -data=r -content=r -inform=- -outform=- -k=- -K=- -iv=- -connect=- -engine=x -writerand=w -hmac=- -subj=- -days=- -cipher=-
openssl+dgst openssl+sha1 openssl+sha256 openssl+sha512 openssl+md5 openssl+prime openssl+verify: r -out=w -sign=r -verify=r -prverify=r -signature=r -hmac=- -CAfile=- -CApath=- -keyform=- -passin=- -rand=r -engine=x
certtool certutil keytool: - --infile=r --outfile=w -i=r -o=w -file=r -keystore=rw
date gdate: - -f=r --file=r -r=- --reference=- -d=- --date=- -s=- --set=-
xargs gxargs: - -a=r --arg-file=r
parallel: - -a=r --arg-file=r --joblog=w
strace ltrace: - -o=w --output=w -F=r
perf: - -o=w -i=r
time gtime: - -o=w --output=w
flock: -
sudoedit: rw
env sudo doas su nohup nice timeout watch chroot ionice stdbuf setsid unshare nsenter taskset chrt setpriv runuser pkexec runcon: -
echo gecho printf true false : pwd cd pushd popd set unset export declare local readonly typeset read mapfile readarray shift trap alias unalias type which whereis command builtin hash exec eval exit return wait jobs fg bg kill pkill killall disown let help fc umask ulimit shopt getopts times break continue logout suspend enable bind complete compgen compopt caller dirs setopt unsetopt autoload zmodload print: -
history: - -r=r -w=w -a=w -n=r
apropos whatis tldr cheat cowsay cowthink fortune notify-send zenity: -
cal ncal uptime uname hostname hostnamectl whoami id groups lastlog tty arch nproc free vmstat iostat mpstat sar lscpu lspci lsusb lsmod lsipc lsns lsmem lshw inxi ps pstree top htop btop atop iotop nmon glances pgrep pidof ping ping6 traceroute tracepath nslookup host whois route netstat printenv locale localectl seq sleep usleep yes clear reset tput expr nologin hostid logname pinky runlevel users iw iwconfig ethtool arping numastat: -
stty: - -F=w --file=w
who: r
w: -
last lastb: - -f=r --file=r
dmidecode: - --dump-bin=w --from-dump=r
dmesg: - -F=r --file=r
dig drill kdig: - -f=r
ip bridge: - -b=r -batch=r
tc: - -b=r -batch=r
ss: - -F=r --filter=r -D=w
arp: - -f=r
nmap masscan zmap: - -iL=r -oN=w -oX=w -oG=w -oA=w -oS=w -excludefile=r --excludefile=r --resume=r --stylesheet=- --datadir=r -iR=-
fping hping3: - -f=r --file=r
tcpdump tshark dumpcap: - -r=r -w=w -F=r -z=-
ngrep: - -I=r -O=w -F=r
iptables ip6tables ufw firewall-cmd ebtables: -
iptables-restore ip6tables-restore ipset arptables-restore: r -f=r -file=r
iptables-save ip6tables-save: - -f=w --file=w
nft: - -f=r --file=r
sysctl: - -p=r --load=r with=-p:r with=--load:r
modprobe insmod rmmod depmod: -
dmsetup lvcreate vgcreate vgs lvs pvs lvextend lvresize vgextend lvm: -
dmsetup+create dmsetup+load dmsetup+reload: r<r
btrfs: w
btrfs+filesystem btrfs+device btrfs+balance btrfs+scrub btrfs+quota btrfs+qgroup: -
btrfs+subvolume+delete: d tree
btrfs+subvolume+list btrfs+subvolume+show btrfs+subvolume+find-new: -
zfs+list zpool+list zpool+status zfs+get zpool+get: -
git: - -C=c -c=- --git-dir=- --work-tree=c
git+add git+stage git+hash-object git+check-ignore git+update-index git+diff git+blame git+difftool: r -O=r
git+grep: r skip=1 unless=-e,-f tree -f=r -O=x
git+mv: rd>w tree
git+rm: d tree=-r without=--cached:d without=-n:d
git+checkout git+restore git+switch: - -s=- --source=- --pathspec-from-file=r
git+clone git+init: r>w file://:r
git+apply git+am: r --directory=c
git+archive: - -o=w --output=w
git+bundle+create: w
git+config: - -f=rw --file=rw
git+commit git+tag git+notes git+merge: - -F=r --file=r -t=r
git+worktree+remove: d tree
git+worktree+add: w<-
git+log git+show git+ls-files git+status git+branch git+stash git+fetch git+pull git+push git+remote git+rev-parse git+reset git+rebase git+cherry-pick git+clean: -
git-upload-pack git-upload-archive git-receive-pack git-lfs-transfer git-lfs-authenticate: -
hg: - file://:r -R=- --repository=-
svn bzr fossil jj cvs: - file://:r
svnserve sftp-server internal-sftp: - -r=-
svn+export svn+checkout svn+import svn+co: - file://:r
gh glab hub: - -F=r --body-file=r --input=r
kubectl oc helm k9s kubectx kubens kustomize argocd flux: - --kubeconfig=-
kubectl+apply kubectl+create kubectl+replace kubectl+delete kubectl+diff kubectl+patch kubectl+set oc+apply oc+create oc+replace oc+delete: - -f=r --filename=r --from-file=r --from-env-file=r --patch-file=r --kubeconfig=- -k=r --kustomize=r
kubectl+create+secret kubectl+create+configmap oc+create+secret oc+create+configmap: - --from-file=r --from-env-file=r --cert=r --key=r
kubectl+cp oc+cp oc+rsync: r>w tree
helm+install helm+upgrade helm+template helm+lint: - -f=r --values=r --set-file=r
docker podman nerdctl docker-compose crictl lxc incus minikube kind k3s terraform tofu pulumi vagrant buildah skopeo ctr: -
docker+run docker+create podman+run podman+create nerdctl+run nerdctl+create docker+container+run podman+container+run docker+container+create podman+container+create: - -v=v --volume=v --mount=v --env-file=r --label-file=r --cidfile=w --device=v
docker+cp podman+cp nerdctl+cp docker+container+cp podman+container+cp crictl+cp: r>w tree
docker+build podman+build nerdctl+build docker+buildx+build buildah+bud: r -f=r --file=r
docker+load podman+load docker+import podman+import docker+image+load: r<- -i=r --input=r
docker+save podman+save docker+export podman+export docker+image+save: - -o=w --output=w
docker+secret+create docker+config+create docker+stack+deploy podman+secret+create: r -c=r --compose-file=r
apt apt-get aptitude dnf yum zypper pacman snap flatpak brew apk pkg opkg dpkg-query emerge xbps-install rpmbuild: -
dpkg rpm: -
dpkg-deb: - -x=r -c=r
alien rpm2cpio: r
update-alternatives: - --install=w
npm npx yarn pnpm pip pip3 pipx poetry uv conda mamba gem bundle cargo rustup mvn gradle composer ninja meson bazel ant sbt lein tox nox pre-commit: -
pip+install pip3+install: - -r=r --requirement=r -c=r --constraint=r
pip+download pip3+download: - -r=r -d=w
make gmake cmake: - -f=r --file=r --makefile=r -C=c --directory=c -include=-
go+run: rx
go+build go+test go+vet go+fmt: -
go: -
gofmt black prettier eslint shfmt isort autopep8 yapf rubocop clang-format: r with=-w:w
mypy ruff flake8 pylint shellcheck yamllint hadolint ansible-lint tflint jsonlint: r
gcc g++ cc c99 c89 clang clang++ tcc: r -o=w -include=r -imacros=r -T=r -specs=r -MF=w -x=-
tsc: r --outFile=w --outDir=w -p=r --project=r
rustc ghc ocamlc javac scalac kotlinc fpc nasm yasm: r -o=w -d=w
as gas ld gold ld.lld objcopy strip: r -o=w -T=r
nm objdump readelf size addr2line ldd c++filt: r
gdb lldb: r -x=r -p=- -ex=- -iex=- -ix=r -s=r -e=r -c=r -d=- --command=r --args=- -eval-command=-
valgrind: - --log-file=w
java: r -jar=r -cp=- -classpath=- -D=- -XX=-
systemctl service journalctl loginctl timedatectl systemd-analyze systemd-cgls systemd-cgtop shutdown reboot halt poweroff init telinit supervisorctl networkctl resolvectl busctl dbus-send gdbus machinectl bootctl coredumpctl rc-service rc-update update-rc.d chkconfig initctl: -
systemctl+link systemctl+enable: -
machinectl+copy-to machinectl+copy-from: r>w
psql mysql mariadb mysqladmin mysqldump mariadb-dump pg_dump pg_dumpall createdb dropdb redis-cli mongosh mongo clickhouse-client clickhouse sqlcmd mysqlimport usql pgcli mycli vacuumdb reindexdb pg_basebackup pg_isready createuser dropuser cqlsh influx: - -f=r --file=r -i=r -o=w --output=w --defaults-file=r --defaults-extra-file=r --result-file=w -L=w --log-file=w --tee=w --config-file=r -r=- --queries-file=r
pg_restore mongorestore: r -f=w
mongodump mongoexport mongoimport: - -o=w --out=w --file=r
sqlite3 sqlite duckdb litecli isql: rw -init=r -cmd=- -separator=- -newline=- -nullvalue=-
dbm mdb-export: r
locate updatedb plocate mlocate slocate: - -d=r -o=w
crontab: r -u=-
batch: r -f=r
at: - -f=r -t=- -q=-
useradd userdel usermod groupadd groupdel groupmod passwd chage gpasswd adduser deluser addgroup delgroup chsh chfn newgrp sg faillock pwck grpck pwconv pwunconv: -
newusers: r
chpasswd: -
aws gcloud az virsh virt-install qm pct ipmitool vboxmanage VBoxManage doctl linode-cli hcloud oci openstack: - file://:r fileb://:r
aws+s3+cp aws+s3+sync: r>w tree with=--delete:>d
aws+s3+mv: rd>w tree
aws+s3+rm aws+s3+ls: -
gsutil+cp gsutil+rsync gcloud+storage+cp gcloud+storage+rsync gcloud+compute+scp: r>w tree with=-d:>d
gsutil+mv gcloud+storage+mv: rd>w tree
gsutil: -
s3cmd+put s3cmd+get s3cmd+sync: r>w tree with=--delete-removed:>d
s3cmd: - -c=r
azcopy+copy azcopy+cp azcopy+sync: r>w tree
azcopy: -
tmux: - -f=r
screen: - -c=r -Logfile=w
byobu zellij: -
getent: -
unshadow john hashcat: r -o=w --outfile=w --wordlist=r --rules=-
hydra medusa: - -L=r -P=r -C=r -M=r -o=w
ansible ansible-vault ansible-galaxy: - -i=r --inventory=r -e=a --extra-vars=a --vault-password-file=rx --private-key=r
ansible-playbook: rx -i=r --inventory=r -e=a --extra-vars=a --vault-password-file=rx --private-key=r
visudo vipw vigr: - -f=rw -c=r
mail mailx bsd-mailx s-nail heirloom-mailx: - -a=r -A=r -q=r -f=r -s=- -r=- -c=- -b=-
sendmail msmtp ssmtp exim exim4 postfix postmap postconf: - -C=r
mutt neomutt: - -a=r -i=r -F=r -H=r -f=r -s=- -b=- -c=-
swaks: - --attach=a --body=a --data=a
apache2 httpd apache2ctl apachectl nginx haproxy caddy lighttpd: - -f=r -c=r --config=r
openvpn stunnel wg-quick: r --config=r --auth-user-pass=r
wg: - --private-key=r
rsyslogd syslog-ng: - -f=r
auditctl ausearch aureport augenrules: - -R=r -if=r
aide tripwire lynis rkhunter chkrootkit: - -l=w --log=w
clamscan clamdscan: r tree=-r,--recursive -l=w --log=w -f=l --file-list=l -d=r --database=r
ascii85 base85 z85 btoa: r
ntpdate: - -k=r
mtr: - -F=r --filename=r
neofetch fastfetch: - --config=x --ascii=r --file=r -c=x -l=r
rake: - -f=rx --rakefile=rx
rlwrap: - -l=w -f=r -H=rw -P=-
puppet+filebucket: r
puppet+apply: rx -e=-
yelp: r
bc: r
apparmor_parser aa-enforce aa-complain semodule setsebool getsebool restorecon: -
qemu-img+convert qemu-img+rebase qemu-img+create: r>w
qemu-img: r
partclone.ext4 partimage clonezilla fsarchiver dump restore xfsdump: r -s=r -o=w -f=w
tar bsdtar gtar rsync find gfind fd fdfind cpio socat bfs: -
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
  { program: 'vigr', words: ['-s'], access: 'write', path: '/etc/gshadow' },
  { program: 'visudo', words: [], access: 'write', path: '/etc/sudoers' },
];
