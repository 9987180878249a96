/**
 * What common programs do to the files that their words name, as data: files, texts, archives, editors.
 * Not caught here: programs that no table names; they are taken to do anything to a path that they
 * are given.
 *
 * A line is `programs: operands [options…]`. A program with a `+` is one with a subcommand
 * (`rclone+purge`): its operands are those behind it. Operands: letters of what happens to each of them
 * (`r` read, `w` write, `d` delete, `x` execute, `-` nothing); `a>b` = the last one `b`, the others `a`;
 * `a<b` = the first one `a`, the others `b`. Options of the line:
 * `skip=N` the first N operands are no paths, `unless=-e,-f` but all are when one of these is given;
 * `tree` or `tree=-r,-R` it reaches everything below, always or with one of these options;
 * `-o=w`, `--output=w`, `-out=w` what happens to the value of an option: the letters, or `l` a list that
 * names the operands, `v` a mount (`SOURCE:TARGET`), `c` a directory from which relative operands count;
 * `of:w`, `file://:r` what happens to operands that begin so; `with=-k:d` what happens besides to the
 * operands when the option is given, `with=-f:>d` to the last one; `without=` what then doesn't;
 * `into` the last operand may be a directory into which the others go under their own names;
 * `target=-t` an option that names that directory instead.
 */
export const FILE_EFFECTS = `
rm grm: d tree=-r,-R,--recursive
srm rmdir grmdir trash trash-put rip rmtrash gvfs-trash: d tree
unlink gunlink delete nuke: d
shred gshred: w with=-u:d with=--remove:d --random-source=r
wipe scrub: wd tree
sfill: wd tree
tmpreaper: d tree skip=1
tmpwatch stale: d tree skip=1
truncate gtruncate: w -r=- --reference=-
fallocate: w -o=- -l=-
mv gmv: rd>w tree into target=-t,--target-directory
cp gcp: r>w tree=-r,-R,-a,--recursive,--archive into target=-t,--target-directory with=--remove-destination:>d
ln link gln: r>w into target=-t,--target-directory
install ginstall: r>w into target=-t,--target-directory
scp: r>w tree=-r into -F=r -i=-
rename prename perl-rename file-rename: rwd skip=1 unless=-e,-f -f=r
rename.ul: rwd skip=2
mmv: rd>w
mcp mln: r>w
vidir qmv imv qcp: rwd tree
detox convmv: rwd tree=-r
dd gdd dcfldd dc3dd ddrescue: - if:r of:w
pv: r -o=w --output=w
cat gcat tac gtac nl more most pg bzless bzmore xzless xzmore zstdless lzless lzmore zmore bat batcat view ccat vimcat pygmentize lolcat: r
less zless: r -o=w -O=w --log-file=w -k=r --lesskey-file=r --lesskey-src=r -T=r -t=-
head tail ghead gtail tailf multitail: r
cut gcut paste gpaste fold fmt pr expand unexpand comm join nroff column col colrm colcrt ul rev wc gwc tsort numfmt ptx: r --files0-from=l
sort gsort: r -o=w --output=w --files0-from=l --random-source=r -T=- --temporary-directory=-
uniq: r>w
shuf gshuf: r -o=w --output=w --random-source=r without=-e:r without=--echo:r without=-i:r
cmp: r
od hexdump hd strings gstrings: r -f=r
xxd: r>w
base64 base32 basenc base58 uuencode: r
uudecode: r -o=w --output-file=w
md5sum sha1sum sha224sum sha256sum sha384sum sha512sum sha3sum b2sum b3sum cksum sum md5 sha1 sha256 shasum md5deep sha256deep hashdeep rhash xxhsum xxh64sum crc32 gsha256sum: r tree=-r
look: r skip=1
factor: -
iconv recode: r -o=w --output=w
piconv: r
dos2unix unix2dos mac2unix fromdos todos: rw
ts: -
sponge: w
combine: r
diff colordiff sdiff vimdiff meld wdiff dwdiff kompare kdiff3 tkdiff gvimdiff difft delta diff-so-fancy: r tree=-r,--recursive -o=w --output=w --from-file=r --to-file=r -X=r --exclude-from=r
diff3 merge: r
diffstat interdiff filterdiff lsdiff: r
patch: w -i=r --input=r -o=w --output=w -r=w --reject-file=w -d=c --directory=c
split gsplit: r>w
csplit: r<- -f=w --prefix=w
grep ggrep egrep fgrep zgrep zegrep zfgrep bzgrep bzegrep bzfgrep xzgrep xzegrep xzfgrep zstdgrep lzgrep ugrep ug: r skip=1 unless=-e,-f,--regexp,--file tree=-r,-R,--recursive,--dereference-recursive -f=r --file=r --exclude-from=r
rgrep: r tree skip=1 unless=-e,-f
agrep pcregrep pcre2grep: r skip=1 unless=-e,-f -f=r tree=-r
rg ag ack sift pt ripgrep: r skip=1 unless=-e,-f,--regexp,--file,--files tree -f=r --file=r
sed gsed: r skip=1 unless=-e,-f,--expression,--file with=-i:w with=--in-place:w -f=r --file=r
awk gawk mawk nawk original-awk goawk: r skip=1 unless=-f,--file,-E,--exec -f=r --file=r -i=- --include=- -E=r --exec=r
perl: r with=-i:w
ruby lua: r
php: r -f=r
python node nodejs tclsh wish expect Rscript lua5 luajit deno bun tsx ts-node guile clisp sbcl escript runhaskell: rx
jq gojq jaq: r skip=1 unless=-f,--from-file,-n,--null-input -f=r --from-file=r --slurpfile=r --rawfile=r --argfile=r
yq xq tomlq dasel fx: r skip=1 unless=-f,--from-file -f=r --from-file=r with=-i:w
xmllint xsltproc: r --output=w -o=w --schema=r --relaxng=r --dtdvalid=r --path=-
xmlstarlet csvtool csvlook csvcut csvgrep csvsort csvstat csvjson in2csv mlr xsv qsv q: r -o=w
tr gtr: -
tee gtee: w
touch gtouch: w -r=- --reference=-
mkdir gmkdir mkfifo mknod mktemp: w
chmod chown chgrp gchmod gchown chattr chcon: w skip=1 unless=--reference tree=-R,--recursive --reference=-
setfacl: w tree=-R,--recursive --restore=r --set-file=r --modify-file=r -m=- -x=- -M=r -X=r
getfacl: - --restore=r
setcap setfattr: w skip=1 --restore=r
getcap getfattr lsattr: -
ls gls dir vdir ll eza exa lsd tree stat gstat readlink realpath basename dirname test [ [[ namei mountpoint findmnt lsof fuser pathchk filefrag: -
du gdu ncdu dust duf df: - --files0-from=l -X=r --exclude-from=r -f=r
file: - -f=l --files-from=l -m=r --magic-file=r
sync fstrim fsfreeze: -
inotifywait inotifywatch fswatch watchman: - --fromfile=r -o=w --outfile=w
incrontab: r
gzip bzip2 xz lzma lzip lzop pigz pbzip2 pixz pxz plzip compress gunzip bunzip2 unxz unlzma unpigz uncompress unlzip unlzop bzip3: rwd tree=-r,--recursive without=-k:wd without=--keep:wd without=-c:wd without=--stdout:wd without=-t:wd without=--test:wd without=-l:wd without=--list:wd
zstd unzstd zstdmt lz4 unlz4 brotli unbrotli: r>w with=--rm:d with=-j:d -o=w
zcat bzcat xzcat zstdcat lzcat gzcat lz4cat lzmacat zdiff zcmp bzdiff bzcmp xzdiff xzcmp: r
zip: w<r tree=-r with=-m:d with=--move:d
zipnote zipinfo zipsplit: r
unzip: r<- -d=w
funzip: r
7z+a 7za+a 7zr+a 7zz+a 7z+u 7za+u 7zz+u: w<r tree with=-sdel:d
7z+d 7za+d 7zz+d 7z+rn: w<-
7z 7za 7zr 7zz p7zip: r<-
rar+a rar+u rar+f: w<r tree with=-df:d
rar+m arj+m: w<rd tree
arj+a arj+u arj+f: w<r tree
rar unrar unar unace unarj lha arj: r<-
lsar zpaq: r<-
ar gar: rw<r skip=1
pax: rw tree -f=rw
shar: r
star: r -f=rw
mksquashfs: r>w tree -ef=r
unsquashfs: r<- -d=w -ef=r
genisoimage mkisofs xorriso xorrisofs: r tree -o=w -path-list=l
isoinfo: - -i=r
cabextract innoextract: r -d=w
atool als acat apack aunpack dtrx patool: rw
vim vi nvim ex vim.basic vim.tiny gvim rvim: rw -u=r -s=r -S=r -w=w -W=w -i=rw --startuptime=w
nano pico rnano emacs emacsclient ed red joe jmacs jpico jstar micro mcedit mg jed ne tilde gedit pluma xed kate kwrite code codium sublime subl kak helix hx nvi vis e3 zile mousepad leafpad featherpad: rw --rcfile=r
mc mcview hexedit hexcurse ghex bless hte hexyl ranger nnn lf vifm: rw
mount: r>w --bind=r -B=r --rbind=r -T=r --fstab=r
umount swapon swapoff losetup: -
cryptsetup: r
cryptsetup+luksFormat cryptsetup+erase cryptsetup+luksErase cryptsetup+reencrypt cryptsetup+luksHeaderRestore: wd
fdisk: wd without=-l:wd without=--list:wd
wipefs: r with=-a:wd with=--all:wd with=-o:wd with=--offset:wd
badblocks: r with=-w:wd with=-n:w -i=r -o=w
hdparm: r with=--security-erase:wd with=--security-erase-enhanced:wd with=--write-sector:wd with=--repair-sector:wd with=--trim-sector-ranges:wd with=--trim-sector-ranges-stdin:wd with=--make-bad-sector:wd with=--fwdownload:w with=--sanitize-block-erase:wd with=--sanitize-crypto-scramble:wd with=--sanitize-overwrite:wd
mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.fat mkfs.ntfs mkfs.f2fs mke2fs mkswap blkdiscard sfdisk cfdisk gdisk parted sgdisk mdadm pvcreate pvremove vgremove lvremove nwipe dban zpool zfs: wd
fsck fsck.ext2 fsck.ext3 fsck.ext4 fsck.xfs e2fsck xfs_repair: w without=-n:w
fsck.fat fsck.vfat: w
tune2fs: r with=-c:w with=-C:w with=-e:w with=-E:w with=-g:w with=-i:w with=-I:w with=-j:w with=-J:w with=-L:w with=-m:w with=-M:w with=-o:w with=-O:w with=-Q:w with=-r:w with=-T:w with=-u:w with=-U:w
resize2fs e2label debugfs xfs_db: w
dumpe2fs xfs_growfs: r
blkid blockdev partprobe lsblk: -
source .: rx
sh bash dash zsh ksh ksh93 mksh ash fish csh tcsh yash posh rbash pdksh oksh elvish nu xonsh rc es: rx --rcfile=r --init-file=r
script scriptreplay: w -c=- --command=- -I=w -O=w -B=w -T=w --log-in=w --log-out=w --log-io=w --log-timing=w
gio+trash gio+remove: d tree
gio+move: rd>w
gio+copy gio+cat gio+save: r>w
gio: -
kioclient: rw
logrotate: rx -s=w --state=w -l=w --log=w -m=x --mail=x
systemd-tmpfiles: r --root=- --prefix=rwd --exclude-prefix=-
savelog: rwd
logger: - -f=r --file=r
wall: r
write mesg: -
enscript a2ps: r -p=w -o=w
lp lpr: r
groff troff gtroff grotty tbl eqn pic soelim preconv refer grn gropdf grops mandoc pdfroff ditroff roff2ps: r
pandoc: r -o=w --output=w
m4 cpp gcpp: r -o=w --output=w
man: - /:r ./:r ../:r ~/:r -C=r --config-file=r with=-l:r with=--local-file:r -P=- -H=- -p=- -S=- -M=- -L=- -m=- -e=- -E=- -r=- --pager=- --html=- --preprocessor=- --manpath=- --sections=- --systems=- --locale=- --encoding=- --prompt=-
info: - -f=r --file=r -o=w --output=w
dictfmt dircolors: r
dialog whiptail: - /:r ~/:r --textbox=r --editbox=r --tailbox=r --tailboxbg=r --fselect=-
aspell ispell hunspell: rw
indent: rw
figlet toilet banner: - -p=r
msgfmt msgcat msgconv msgmerge msgattrib msguniq msgfilter msggrep xgettext: r -o=w --output-file=w -f=l --files-from=l
sox ffprobe mediainfo identify pdfinfo pdftotext pdfgrep: r
exiftool convert magick mogrify composite montage gm: rw
ffmpeg: - -i=r
`;
