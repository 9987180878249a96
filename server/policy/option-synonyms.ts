/**
 * Which spellings of an option mean the same, as data: `-r`, `-R`, `--recursive` of rm. Sources: the
 * programs' own `--help` and manuals (coreutils 9.1, util-linux 2.38, git 2.39, kubectl 1.32, docker 28,
 * PostgreSQL 15, systemd 252, …). Not caught here: options that have one spelling only.
 *
 * A line is `program[ subcommand], …: SPELLINGS | SPELLINGS`. A subcommand's line goes before its
 * program's: `-f` is `--force` of `docker rm` and `--file` of `docker build`.
 */
export const OPTION_SYNONYMS = `
adduser, deluser, git bundle, git gc, git submodule: -q --quiet
apt-get: -y --yes --assume-yes | -q --quiet | -f --fix-broken | -d --download-only | -m --ignore-missing --fix-missing | -s --simulate --just-print --dry-run --recon --no-act | -t --target-release --default-release | -o --option | -c --config-file | -b --compile --build
awk: -f --file | -v --assign | -F --field-separator | -i --include | -e --source | -l --load | -o --pretty-print | -S --sandbox
blkdiscard: -f --force | -o --offset | -l --length | -p --step | -s --secure | -z --zeroout | -v --verbose
bzip2: -d --decompress | -z --compress | -k --keep | -f --force | -t --test | -c --stdout | -q --quiet | -v --verbose | -L --license | -s --small
cat: -A --show-all | -b --number-nonblank | -E --show-ends | -n --number | -s --squeeze-blank | -T --show-tabs | -v --show-nonprinting
chage: -d --lastday | -E --expiredate | -i --iso8601 | -I --inactive | -l --list | -m --mindays | -M --maxdays | -R --root | -W --warndays
chgrp, chown: -c --changes | -f --silent --quiet | -v --verbose | -h --no-dereference | -R --recursive
chmod: -c --changes | -f --silent --quiet | -v --verbose | -R --recursive
cp: -a --archive | -f --force | -i --interactive | -l --link | -L --dereference | -n --no-clobber | -P --no-dereference | -R -r --recursive | -s --symbolic-link | -S --suffix | -t --target-directory | -T --no-target-directory | -u --update | -v --verbose | -x --one-file-system
createdb: -D --tablespace | -e --echo | -E --encoding | -l --locale | -O --owner | -S --strategy | -T --template | -h --host | -p --port | -U --username | -w --no-password | -W --password
createuser: -c --connection-limit | -d --createdb | -D --no-createdb | -e --echo | -g --role | -i --inherit | -I --no-inherit | -l --login | -L --no-login | -P --pwprompt | -r --createrole | -R --no-createrole | -s --superuser | -S --no-superuser | -h --host | -p --port | -U --username | -w --no-password | -W --password
cryptsetup: -q --batch-mode | -d --key-file | -y --verify-passphrase
curl: -a --append | -E --cert | -K --config | -C --continue-at | -b --cookie | -c --cookie-jar | -d --data | -q --disable | -D --dump-header | -f --fail | -F --form | -P --ftp-port | -G --get | -g --globoff | -I --head | -H --header | -0 --http1 | -i --include | -k --insecure | -4 --ipv4 | -6 --ipv6 | -j --junk-session-cookies | -l --list-only | -L --location | -M --manual | -m --max-time | -n --netrc | -N --no-buffer | -o --output | -Z --parallel | -x --proxy | -U --proxy-user | -p --proxytunnel | -Q --quote | -r --range | -e --referer | -J --remote-header-name | -O --remote-name | -R --remote-time | -X --request | -S --show-error | -s --silent | -Y --speed-limit | -y --speed-time | -2 --sslv2 | -3 --sslv3 | -t --telnet-option | -z --time-cond | -1 --tlsv1 | -T --upload-file | -B --use-ascii | -u --user | -A --user-agent | -v --verbose | -w --write-out
cut: -b --bytes | -c --characters | -d --delimiter | -f --fields | -s --only-delimited | -z --zero-terminated
date: -d --date | -f --file | -I --iso-8601 | -R --rfc-email | -r --reference | -s --set | -u --utc --universal
df: -a --all | -B --block-size | -h --human-readable | -H --si | -i --inodes | -l --local | -P --portability | -t --type | -T --print-type | -x --exclude-type
diff: -q --brief | -s --report-identical-files | -c -C --context | -u -U --unified | -e --ed | -n --rcs | -y --side-by-side | -W --width | -p --show-c-function | -F --show-function-line | -t --expand-tabs | -T --initial-tab | -l --paginate | -r --recursive | -N --new-file | -x --exclude | -X --exclude-from | -S --starting-file | -i --ignore-case | -E --ignore-tab-expansion | -Z --ignore-trailing-space | -b --ignore-space-change | -w --ignore-all-space | -B --ignore-blank-lines | -I --ignore-matching-lines | -a --text | -D --ifdef | -d --minimal
dnf: -y --assumeyes | -q --quiet | -v --verbose | -c --config | -b --best
docker: -c --context | -D --debug | -H --host | -l --log-level
docker build: -c --cpu-shares | -f --file | -m --memory | -q --quiet | -t --tag
docker commit: -a --author | -c --change | -m --message | -p --pause
docker compose: -f --file | -p --project-name
docker compose down: -v --volumes | -t --timeout
docker compose rm: -f --force | -s --stop | -v --volumes
docker compose up: -d --detach | -t --timeout
docker container prune, docker network prune, docker network rm, docker rmi, docker volume rm, git worktree remove, insmod: -f --force
docker cp: -a --archive | -L --follow-link | -q --quiet
docker exec: -d --detach | -e --env | -i --interactive | -t --tty | -u --user | -w --workdir
docker export, docker save: -o --output
docker image prune, docker system prune, docker volume prune: -a --all | -f --force
docker kill: -s --signal
docker load: -i --input | -q --quiet
docker login: -u --username | -p --password
docker logs: -f --follow | -n --tail | -t --timestamps
docker ps: -a --all | -f --filter | -n --last | -l --latest | -q --quiet | -s --size
docker restart, docker stop: -t --time | -s --signal
docker rm: -f --force | -l --link | -v --volumes
docker run: -a --attach | -c --cpu-shares | -d --detach | -e --env | -h --hostname | -i --interactive | -l --label | -m --memory | -p --publish | -P --publish-all | -q --quiet | -t --tty | -u --user | -v --volume | -w --workdir
dpkg: -i --install | -r --remove | -P --purge | -L --listfiles | -l --list | -s --status | -S --search | -p --print-avail | -c --contents | -x --extract | -X --vextract | -C --audit | -V --verify
dropdb: -e --echo | -f --force | -i --interactive | -h --host | -p --port | -U --username | -w --no-password | -W --password
dropuser: -e --echo | -i --interactive | -h --host | -p --port | -U --username | -w --no-password | -W --password
du: -0 --null | -a --all | -B --block-size | -b --bytes | -c --total | -D --dereference-args | -d --max-depth | -h --human-readable | -L --dereference | -l --count-links | -P --no-dereference | -S --separate-dirs | -s --summarize | -t --threshold | -X --exclude-from | -x --one-file-system
env: -i --ignore-environment | -0 --null | -u --unset | -C --chdir | -S --split-string | -v --debug
fdisk: -l --list | -w --wipe | -u --units
flock: -s --shared | -x --exclusive | -u --unlock | -n --nonblock | -w --timeout | -E --conflict-exit-code | -o --close | -c --command | -F --no-fork
fuser: -a --all | -i --interactive | -I --inode | -k --kill | -l --list-signals | -m --mount | -M --ismountpoint | -n --namespace | -s --silent | -u --user | -v --verbose | -w --writeonly | -4 --ipv4 | -6 --ipv6
gh: -R --repo | -f --field | -F --raw-field
git add: -n --dry-run | -v --verbose | -i --interactive | -p --patch | -e --edit | -f --force | -u --update | -N --intent-to-add | -A --all
git am: -3 --3way | -s --signoff
git apply: -R --reverse | -p --strip
git archive: -o --output | -l --list
git branch: -v --verbose | -q --quiet | -t --track | -u --set-upstream-to | -r --remotes | -a --all | -d --delete | -m --move | -c --copy | -l --list | -f --force
git checkout: -q --quiet | -m --merge | -d --detach | -t --track | -f --force | -2 --ours | -3 --theirs | -p --patch
git cherry-pick, git revert: -n --no-commit | -e --edit | -s --signoff | -m --mainline | -X --strategy-option | -S --gpg-sign
git clean: -q --quiet | -n --dry-run | -f --force | -i --interactive | -e --exclude
git clone: -v --verbose | -q --quiet | -n --no-checkout | -l --local | -s --shared | -j --jobs | -o --origin | -b --branch | -u --upload-pack | -c --config | -4 --ipv4 | -6 --ipv6
git commit: -q --quiet | -v --verbose | -F --file | -m --message | -c --reedit-message | -C --reuse-message | -s --signoff | -t --template | -e --edit | -S --gpg-sign | -a --all | -i --include | -p --patch | -o --only | -n --no-verify | -z --null | -u --untracked-files
git config: -f --file | -l --list | -e --edit | -t --type | -z --null
git fetch: -v --verbose | -q --quiet | -a --append | -f --force | -m --multiple | -t --tags | -j --jobs | -p --prune | -P --prune-tags | -k --keep | -u --update-head-ok | -o --server-option | -4 --ipv4 | -6 --ipv6
git filter-branch: -f --force | -d --tempdir
git log: -p --patch -u | -n --max-count | -i --regexp-ignore-case | -E --extended-regexp
git merge: -e --edit | -s --strategy | -X --strategy-option | -m --message | -F --file | -v --verbose | -q --quiet | -S --gpg-sign
git pull: -v --verbose | -q --quiet | -r --rebase | -s --strategy | -X --strategy-option | -S --gpg-sign | -a --append | -f --force | -t --tags | -p --prune | -j --jobs | -k --keep | -o --server-option | -4 --ipv4 | -6 --ipv6
git push: -v --verbose | -q --quiet | -d --delete | -n --dry-run | -f --force | -u --set-upstream | -o --push-option | -4 --ipv4 | -6 --ipv6
git rebase: -q --quiet | -v --verbose | -n --no-stat | -f --force-rebase | -m --merge | -i --interactive | -S --gpg-sign | -x --exec | -r --rebase-merges | -s --strategy | -X --strategy-option
git remote: -v --verbose
git reset: -q --quiet | -p --patch | -N --intent-to-add
git restore: -s --source | -S --staged | -W --worktree | -q --quiet | -m --merge | -2 --ours | -3 --theirs | -p --patch
git rm: -n --dry-run | -q --quiet | -f --force
git stash: -p --patch | -k --keep-index | -u --include-untracked | -a --all | -m --message | -q --quiet
git switch: -c --create | -C --force-create | -q --quiet | -m --merge | -d --detach | -t --track | -f --force
git tag: -l --list | -d --delete | -v --verify | -a --annotate | -m --message | -F --file | -e --edit | -s --sign | -u --local-user | -f --force | -i --ignore-case
gpasswd: -a --add | -d --delete | -Q --root | -r --remove-password | -R --restrict | -M --members | -A --administrators
gpg: -e --encrypt | -d --decrypt | -s --sign | -c --symmetric | -r --recipient | -o --output | -a --armor | -k --list-keys | -K --list-secret-keys | -u --local-user | -b --detach-sign | -n --dry-run
grep: -E --extended-regexp | -F --fixed-strings | -G --basic-regexp | -P --perl-regexp | -e --regexp | -f --file | -i --ignore-case | -w --word-regexp | -x --line-regexp | -z --null-data | -s --no-messages | -v --invert-match | -m --max-count | -b --byte-offset | -n --line-number | -H --with-filename | -h --no-filename | -o --only-matching | -q --quiet --silent | -a --text | -d --directories | -D --devices | -r --recursive | -R --dereference-recursive | -L --files-without-match | -l --files-with-matches | -c --count | -T --initial-tab | -Z --null | -B --before-context | -A --after-context | -C --context | -U --binary
groupadd: -f --force | -g --gid | -K --key | -o --non-unique | -p --password | -r --system | -R --root | -P --prefix | -U --users
groupdel: -R --root | -P --prefix | -f --force
groupmod: -a --append | -g --gid | -n --new-name | -o --non-unique | -p --password | -R --root | -P --prefix | -U --users
gzip: -c --stdout | -d --decompress | -f --force | -k --keep | -l --list | -L --license | -n --no-name | -N --name | -q --quiet | -r --recursive | -S --suffix | -t --test | -v --verbose | -1 --fast | -9 --best
head: -c --bytes | -n --lines | -q --quiet --silent | -v --verbose | -z --zero-terminated
helm: -n --namespace | -f --values
helm install: -g --generate-name
helm upgrade: -i --install
install: -C --compare | -d --directory | -g --group | -m --mode | -o --owner | -p --preserve-timestamps | -s --strip | -S --suffix | -t --target-directory | -T --no-target-directory | -v --verbose
ionice: -c --class | -n --classdata | -p --pid | -P --pgid | -t --ignore | -u --uid
iptables: -A --append | -C --check | -D --delete | -I --insert | -R --replace | -L --list | -S --list-rules | -F --flush | -Z --zero | -N --new-chain | -X --delete-chain | -P --policy | -E --rename-chain | -p --protocol --proto | -s --source --src | -d --destination --dst | -j --jump | -g --goto | -i --in-interface | -o --out-interface | -t --table | -n --numeric | -w --wait
journalctl: -M --machine | -m --merge | -D --directory | -S --since | -U --until | -c --cursor | -b --boot | -u --unit | -t --identifier | -p --priority | -g --grep | -k --dmesg | -o --output | -n --lines | -r --reverse | -x --catalog | -a --all | -f --follow | -q --quiet | -e --pager-end | -N --fields | -F --field
jq: -r --raw-output | -f --from-file | -n --null-input | -c --compact-output | -s --slurp | -e --exit-status | -R --raw-input | -j --join-output | -a --ascii-output | -S --sort-keys
killall: -e --exact | -I --ignore-case | -g --process-group | -y --younger-than | -o --older-than | -i --interactive | -l --list | -q --quiet | -r --regexp | -s --signal | -u --user | -v --verbose | -w --wait | -n --ns | -Z --context
kubectl: -n --namespace | -s --server | -f --filename | -l --selector | -k --kustomize | -R --recursive | -o --output | -A --all-namespaces | -c --container
kubectl apply, kubectl scale: -f --filename | -k --kustomize | -o --output | -R --recursive | -l --selector
kubectl attach, kubectl debug: -c --container | -i --stdin | -t --tty | -q --quiet
kubectl cp: -c --container
kubectl delete: -A --all-namespaces | -f --filename | -i --interactive | -k --kustomize | -o --output | -R --recursive | -l --selector
kubectl drain: -l --selector
kubectl exec: -c --container | -f --filename | -q --quiet | -i --stdin | -t --tty
kubectl get: -A --all-namespaces | -f --filename | -k --kustomize | -L --label-columns | -o --output | -R --recursive | -l --selector | -w --watch
kubectl logs: -c --container | -f --follow | -p --previous | -l --selector
kubectl run: -i --stdin | -t --tty | -l --labels
ln: -d -F --directory | -f --force | -i --interactive | -L --logical | -n --no-dereference | -P --physical | -r --relative | -s --symbolic | -S --suffix | -t --target-directory | -T --no-target-directory | -v --verbose
losetup: -d --detach | -D --detach-all | -a --all | -f --find | -o --offset | -r --read-only | -P --partscan
ls: -a --all | -A --almost-all | -b --escape | -B --ignore-backups | -d --directory | -D --dired | -F --classify | -G --no-group | -h --human-readable | -H --dereference-command-line | -i --inode | -I --ignore | -k --kibibytes | -L --dereference | -n --numeric-uid-gid | -N --literal | -p --indicator-style | -q --hide-control-chars | -Q --quote-name | -r --reverse | -R --recursive | -s --size | -T --tabsize | -w --width | -Z --context
lvremove, pvremove, vgremove: -f --force | -y --yes
make: -B --always-make | -C --directory | -e --environment-overrides | -E --eval | -f --file --makefile | -i --ignore-errors | -I --include-dir | -j --jobs | -k --keep-going | -l --load-average --max-load | -L --check-symlink-times | -n --just-print --dry-run --recon | -o --old-file --assume-old | -O --output-sync | -p --print-data-base | -q --question | -r --no-builtin-rules | -R --no-builtin-variables | -s --silent --quiet | -S --no-keep-going --stop | -t --touch | -w --print-directory | -W --what-if --new-file --assume-new
mdadm: -S --stop | -r --remove | -f --fail --set-faulty | -C --create | -A --assemble | -D --detail | -a --add
mkdir: -m --mode | -p --parents | -v --verbose
mkfs: -t --type | -V --verbose
modprobe: -r --remove | -f --force | -a --all | -n --dry-run --show | -v --verbose | -c --showconfig
mount: -a --all | -c --no-canonicalize | -f --fake | -F --fork | -T --fstab | -i --internal-only | -l --show-labels | -m --mkdir | -n --no-mtab | -o --options | -O --test-opts | -r --read-only | -t --types | -v --verbose | -w --rw --read-write | -N --namespace | -L --label | -U --uuid | -B --bind | -M --move | -R --rbind
mv: -f --force | -i --interactive | -n --no-clobber | -S --suffix | -t --target-directory | -T --no-target-directory | -u --update | -v --verbose | -Z --context
mysql: -e --execute | -u --user | -h --host | -p --password | -P --port | -D --database | -S --socket | -f --force | -N --skip-column-names | -B --batch | -s --silent | -v --verbose | -H --html | -t --table
mysqladmin: -f --force | -u --user | -h --host | -p --password | -P --port | -S --socket | -i --sleep | -c --count | -w --wait
mysqldump: -A --all-databases | -B --databases | -u --user | -h --host | -p --password | -P --port | -r --result-file | -d --no-data | -w --where | -S --socket | -R --routines
ncat: -e --exec | -c --sh-exec | -l --listen | -k --keep-open | -u --udp | -p --source-port | -w --wait | -v --verbose | -n --nodns
nft: -f --file | -c --check | -a --handle | -j --json | -D --define | -I --includepath
nice: -n --adjustment
node: -e --eval | -p --print | -c --check | -r --require | -i --interactive | -C --conditions
npm: -g --global | -f --force | -y --yes | -D --save-dev | -S --save | -E --save-exact | -w --workspace
nsenter: -a --all | -t --target | -m --mount | -u --uts | -i --ipc | -n --net | -p --pid | -C --cgroup | -U --user | -T --time | -S --setuid | -G --setgid | -r --root | -w --wd | -W --wdns | -F --no-fork | -Z --follow-context
pacman: -S --sync | -R --remove | -U --upgrade | -Q --query | -D --database | -F --files | -T --deptest
parallel: -j --jobs | -N --max-replace-args | -a --arg-file | -k --keep-order | -q --quote | -S --sshlogin | -X --xargs
passwd: -a --all | -d --delete | -e --expire | -k --keep-tokens | -i --inactive | -l --lock | -n --mindays | -q --quiet | -r --repository | -R --root | -S --status | -u --unlock | -w --warndays | -x --maxdays
patch: -p --strip | -F --fuzz | -l --ignore-whitespace | -c --context | -e --ed | -n --normal | -u --unified | -N --forward | -R --reverse | -i --input | -o --output | -r --reject-file | -D --ifdef | -E --remove-empty-files | -Z --set-utc | -T --set-time | -b --backup | -V --version-control | -B --prefix | -Y --basename-prefix | -z --suffix | -g --get | -t --batch | -f --force | -s --quiet --silent | -d --directory
pg_dump: -f --file | -F --format | -j --jobs | -v --verbose | -Z --compress | -a --data-only | -b --blobs | -B --no-blobs | -c --clean | -C --create | -e --extension | -E --encoding | -n --schema | -N --exclude-schema | -O --no-owner | -s --schema-only | -S --superuser | -t --table | -T --exclude-table | -x --no-privileges | -d --dbname | -h --host | -p --port | -U --username | -w --no-password | -W --password
pg_dumpall: -f --file | -v --verbose | -a --data-only | -c --clean | -E --encoding | -g --globals-only | -O --no-owner | -r --roles-only | -s --schema-only | -S --superuser | -t --tablespaces-only | -x --no-privileges | -d --dbname | -h --host | -l --database | -p --port | -U --username | -w --no-password | -W --password
pg_restore: -d --dbname | -f --file | -F --format | -l --list | -v --verbose | -a --data-only | -c --clean | -C --create | -e --exit-on-error | -I --index | -j --jobs | -L --use-list | -n --schema | -N --exclude-schema | -O --no-owner | -P --function | -s --schema-only | -S --superuser | -t --table | -T --trigger | -x --no-privileges | -1 --single-transaction | -h --host | -p --port | -U --username | -w --no-password | -W --password
php: -r --run | -f --file | -i --info | -m --modules | -B --process-begin | -R --process-code | -S --server | -a --interactive | -n --no-php-ini | -d --define | -c --php-ini
pip: -q --quiet | -v --verbose
pip install: -r --requirement | -U --upgrade | -e --editable | -t --target | -i --index-url | -c --constraint
pip uninstall: -y --yes | -r --requirement
pkill: -q --queue | -e --echo | -c --count | -f --full | -g --pgroup | -G --group | -i --ignore-case | -n --newest | -o --oldest | -O --older | -P --parent | -s --session | -t --terminal | -u --euid | -U --uid | -x --exact | -F --pidfile | -L --logpidfile | -r --runstates | -A --ignore-ancestors
psql: -c --command | -d --dbname | -f --file | -l --list | -v --set --variable | -X --no-psqlrc | -a --echo-all | -b --echo-errors | -e --echo-queries | -E --echo-hidden | -L --log-file | -n --no-readline | -o --output | -q --quiet | -s --single-step | -S --single-line | -A --no-align | -F --field-separator | -H --html | -P --pset | -R --record-separator | -t --tuples-only | -T --table-attr | -x --expanded | -z --field-separator-zero | -0 --record-separator-zero | -h --host | -p --port | -U --username | -w --no-password | -W --password
rclone: -n --dry-run | -i --interactive | -P --progress | -v --verbose | -q --quiet
reboot: -p --poweroff | -f --force | -w --wtmp-only | -d --no-wtmp
renice: -n --priority | -p --pid | -g --pgrp | -u --user
rm: -f --force | -r -R --recursive | -d --dir | -v --verbose
rmdir: -p --parents | -v --verbose
rmmod: -f --force | -w --wait | -s --syslog | -v --verbose
rpm: -e --erase | -i --install | -U --upgrade | -F --freshen | -v --verbose | -h --hash
rsync: --verbose -v | --quiet -q | --checksum -c | --archive -a | --recursive -r | --inc-recursive --i-r | --relative -R | --backup -b | --update -u | --append-verify --append | --dirs -d | --links -l | --copy-links -L | --copy-dirlinks -k | --keep-dirlinks -K | --hard-links -H | --perms -p | --executability -E | --acls -A | --xattrs -X | --owner -o | --group -g | --times -t | --atimes -U | --crtimes -N | --omit-dir-times -O | --omit-link-times -J | --sparse -S | --dry-run -n | --whole-file -W | --no-whole-file --no-W | --one-file-system -x | --block-size -B | --rsh -e | --prune-empty-dirs -m | --ignore-times -I | --temp-dir -T | --fuzzy -y | --compress -z | --cvs-exclude -C | --filter -f | --secluded-args -s | --human-readable -h | --itemize-changes -i | --remote-option -M
runuser: -u --user | -m -p --preserve-environment | -w --whitelist-environment | -g --group | -G --supp-group | -c --command | -f --fast | -s --shell | -P --pty
script: -I --log-in | -O --log-out | -B --log-io | -T --log-timing | -t --timing | -m --logging-format | -a --append | -c --command | -e --return | -f --flush | -E --echo | -o --output-limit | -q --quiet
sed: -n --quiet --silent | -e --expression | -f --file | -i --in-place | -l --line-length | -E -r --regexp-extended | -s --separate | -u --unbuffered | -z --null-data
setfacl: -m --modify | -x --remove | -b --remove-all | -k --remove-default | -R --recursive | -M --modify-file | -X --remove-file | -d --default
sfdisk: -l --list | -d --dump | -f --force | -n --no-act | -a --append | -N --partno | -w --wipe
sgdisk: -Z --zap-all | -z --zap | -o --clear | -d --delete | -n --new | -p --print | -t --typecode
shred: -f --force | -n --iterations | -s --size | -v --verbose | -x --exact | -z --zero | -u --remove
shutdown: -H --halt | -P --poweroff | -r --reboot
sort: -b --ignore-leading-blanks | -d --dictionary-order | -f --ignore-case | -g --general-numeric-sort | -i --ignore-nonprinting | -M --month-sort | -h --human-numeric-sort | -n --numeric-sort | -R --random-sort | -r --reverse | -V --version-sort | -c --check | -k --key | -m --merge | -o --output | -s --stable | -S --buffer-size | -t --field-separator | -T --temporary-directory | -u --unique | -z --zero-terminated
split: -a --suffix-length | -b --bytes | -C --line-bytes | -e --elide-empty-files | -l --lines | -n --number | -t --separator | -u --unbuffered
stdbuf: -i --input | -o --output | -e --error
su: -m -p --preserve-environment | -w --whitelist-environment | -g --group | -G --supp-group | -c --command | -f --fast | -s --shell | -P --pty
sudo: -u --user | -g --group | -i --login | -s --shell | -E --preserve-env | -H --set-home | -n --non-interactive | -b --background | -e --edit | -l --list | -S --stdin | -k --reset-timestamp | -K --remove-timestamp | -v --validate | -h --host | -p --prompt | -C --close-from | -D --chdir | -R --chroot | -T --command-timeout | -A --askpass
swapoff: -a --all | -v --verbose
sysctl: -a --all | -b --binary | -e --ignore | -N --names | -n --values | -p --load | -r --pattern | -q --quiet | -w --write
systemctl: -H --host | -M --machine | -t --type | -p --property | -a --all | -l --full | -r --recursive | -T --show-transaction | -s --signal | -q --quiet | -f --force | -n --lines | -o --output
systemd-run: -u --unit | -p --property | -t --pty | -S --shell | -P --pipe | -q --quiet | -G --collect | -H --host | -M --machine | -E --setenv | -d --same-dir
tail: -c --bytes | -f --follow | -n --lines | -q --quiet --silent | -s --sleep-interval | -v --verbose | -z --zero-terminated
tar: -A --catenate --concatenate | -c --create | -d --diff --compare | -r --append | -t --list | -u --update | -x --extract --get | -g --listed-incremental | -G --incremental | -n --seek | -S --sparse | -C --directory | -T --files-from | -X --exclude-from | -k --keep-old-files | -U --unlink-first | -W --verify | -O --to-stdout | -m --touch | -p --preserve-permissions --same-permissions | -s --preserve-order --same-order | -f --file | -F --info-script --new-volume-script | -L --tape-length | -M --multi-volume | -b --blocking-factor | -B --read-full-records | -i --ignore-zeros | -H --format | --old-archive --portability | -V --label | -a --auto-compress | -I --use-compress-program | -j --bzip2 | -J --xz | -z --gzip --gunzip --ungzip | -Z --compress --uncompress | -h --dereference | -K --starting-file | -N --newer --after-date | -P --absolute-names | --transform --xform | -l --check-links | -R --block-number | -v --verbose | -w --interactive --confirmation
tee: -a --append | -i --ignore-interrupts
timeout: -k --kill-after | -s --signal | -v --verbose
touch: -c --no-create | -d --date | -h --no-dereference | -r --reference
truncate: -c --no-create | -o --io-blocks | -r --reference | -s --size
umount: -a --all | -A --all-targets | -c --no-canonicalize | -d --detach-loop | -f --force | -i --internal-only | -n --no-mtab | -l --lazy | -O --test-opts | -R --recursive | -r --read-only | -t --types | -v --verbose | -q --quiet | -N --namespace
uniq: -c --count | -d --repeated | -f --skip-fields | -i --ignore-case | -s --skip-chars | -u --unique | -z --zero-terminated | -w --check-chars
unshare: -m --mount | -u --uts | -i --ipc | -n --net | -p --pid | -U --user | -C --cgroup | -T --time | -f --fork | -r --map-root-user | -c --map-current-user | -R --root | -w --wd | -S --setuid | -G --setgid
useradd: -b --base-dir | -c --comment | -d --home-dir | -D --defaults | -e --expiredate | -f --inactive | -F --add-subids-for-system | -g --gid | -G --groups | -k --skel | -K --key | -l --no-log-init | -m --create-home | -M --no-create-home | -N --no-user-group | -o --non-unique | -p --password | -r --system | -R --root | -P --prefix | -s --shell | -u --uid | -U --user-group | -Z --selinux-user
userdel: -f --force | -r --remove | -R --root | -P --prefix | -Z --selinux-user
usermod: -a --append | -b --badname | -c --comment | -d --home | -e --expiredate | -f --inactive | -g --gid | -G --groups | -l --login | -L --lock | -m --move-home | -o --non-unique | -p --password | -P --prefix | -r --remove | -R --root | -s --shell | -u --uid | -U --unlock | -v --add-subuids | -V --del-subuids | -w --add-subgids | -W --del-subgids | -Z --selinux-user
visudo: -c --check | -f --file | -s --strict | -q --quiet
watch: -b --beep | -c --color | -d --differences | -e --errexit | -g --chgexit | -q --equexit | -n --interval | -p --precise | -t --no-title | -w --no-wrap | -x --exec
wc: -c --bytes | -m --chars | -l --lines | -L --max-line-length | -w --words
wget: -b --background | -e --execute | -o --output-file | -a --append-output | -d --debug | -q --quiet | -v --verbose | -i --input-file | -F --force-html | -B --base | -t --tries | -O --output-document | -c --continue | -N --timestamping | -S --server-response | -T --timeout | -w --wait | -Q --quota | -4 --inet4-only | -6 --inet6-only | -x --force-directories | -P --directory-prefix | -E --adjust-extension | -U --user-agent | -r --recursive | -l --level | -k --convert-links | -K --backup-converted | -m --mirror | -p --page-requisites | -A --accept | -R --reject | -D --domains | -H --span-hosts | -L --relative | -I --include-directories | -X --exclude-directories
wipefs: -a --all | -b --backup | -f --force | -i --noheadings | -J --json | -n --no-act | -o --offset | -O --output | -p --parsable | -q --quiet | -t --types
xargs: -0 --null | -a --arg-file | -d --delimiter | -e --eof | -i --replace | -L --max-lines | -n --max-args | -o --open-tty | -P --max-procs | -p --interactive | -r --no-run-if-empty | -s --max-chars | -t --verbose | -x --exit
xz: -z --compress | -d --decompress | -t --test | -l --list | -k --keep | -f --force | -c --stdout | -e --extreme | -T --threads | -q --quiet | -v --verbose | -H --long-help
zip: -r --recurse-paths | -m --move | -d --delete | -u --update | -e --encrypt | -P --password | -j --junk-paths | -q --quiet | -T --test | -x --exclude | -i --include
zstd: -k --keep | -d --decompress | -f --force | -c --stdout | -v --verbose | -q --quiet
zypper: -n --non-interactive | -y --no-confirm | -q --quiet
`;
