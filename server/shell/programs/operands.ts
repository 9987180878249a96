/**
 * Programs that no table knows, with words that look like a command of their own: `foo sh -c '…'`. What
 * such a program would run is followed for what it would do for sure; its doubts don't count, since the
 * words may as well be plain operands. Not caught here: commands inside one word.
 */
import { baseName } from '../path.ts';
import type { Frame, Runner } from '../runner.ts';
import { deeper, subshell } from '../runner.ts';
import type { Word } from '../word.ts';
import { exactText, literal } from '../word.ts';

/** Their words name programs, files, packages, units or texts, and none of them runs one. */
const NEVER = new Set(
  (
    'echo printf cat tac nl less more most head tail grep egrep fgrep zgrep rg ag ack sed awk gawk cut sort uniq wc tr ' +
    'ls dir vdir ll la stat file readlink realpath basename dirname test [ [[ touch mkdir rmdir rm cp mv ln install ' +
    'chmod chown chgrp df du mount umount lsof fuser diff cmp comm tee which whereis whatis apropos man info tldr type ' +
    'help whence where apt apt-get apt-cache apt-file aptitude dpkg dpkg-query rpm yum dnf zypper pacman apk snap brew ' +
    'port gem pip pip3 cargo go rustup rustc gcc cc clang cmake ninja mvn gradle ant java javac git hg svn gh glab ' +
    'systemctl service journalctl loginctl hostnamectl update-rc.d chkconfig rc-service rc-update sv s6-rc supervisorctl ' +
    'initctl update-alternatives dpkg-reconfigure debconf-show needrestart checkrestart kill pkill killall killall5 pgrep ' +
    'pidof ps top htop kubectl oc helm docker podman nerdctl crictl lxc terraform tofu ansible-doc ansible-galaxy aws az ' +
    'gcloud virsh openstack nova xe doctl hcloud adb fastboot ipmitool racadm cowsay figlet toilet notify-send say wall ' +
    'logger mail mailx sendmail mutt curl wget dig nslookup host ping traceroute tar zip unzip gzip gunzip md5sum ' +
    'sha256sum strings od xxd hexdump jq yq base64 date cal seq sleep true false : pwd cd alias unalias export set unset ' +
    'read declare local typeset readonly complete compgen compopt bind history fc jobs fg bg disown wait hash ' +
    'getent id groups useradd userdel usermod passwd chage visudo vi vim nvim nano emacs code ed view aspell look dict ' +
    'psql mysql mariadb sqlite3 redis-cli mongosh nc ncat socat telnet ftp sftp scp rsync rclone locate updatedb tree ' +
    'crontab molly-guard strip nm objdump readelf ldd ldconfig checksec getcap setcap auditctl ausearch aureport ' +
    'namei etckeeper puppet chef-client cfengine rdiff-backup restic borg'
  ).split(' '),
);

/** Programs by which a command of its own is recognised, whatever its words are. */
const COMMANDS = new Set(
  (
    'sh bash dash zsh ksh mksh ash fish csh tcsh busybox env sudo doas su runuser setsid nohup nice ionice timeout stdbuf ' +
    'xargs find chroot nsenter unshare systemd-run command eval exec flock watch script ssh kubectl oc docker podman ' +
    'nerdctl psql mysql mariadb mysqladmin dropdb systemctl loginctl rm cat dd python python3 perl ruby node php awk'
  ).split(' '),
);
/** They are subcommands of many programs as well, so it takes more to see a command in them. */
const ALONE = new Set('shutdown reboot poweroff halt init telinit dbus-send'.split(' '));
const THEIR_ARGUMENT = /^(?:-[A-Za-z]+|now|\+\d+|\d?\d:\d\d|[06])$/;
const PROGRAM_PATH = /^\/(?:usr\/(?:local\/)?)?s?bin\//;
/** Rather an operand of a wrapper whose options were not all known. */
const NO_PROGRAM = /^[\d.]+[smhd]?$|^[-+%]|[=:,]/;
/** Words behind this many aren't looked at. */
const MAX_OPERANDS = 24;

/** Supposes what an unknown program may run; a function or an alias of the session isn't one. */
export function followUnknown(
  path: string,
  name: string,
  words: readonly Word[],
  frame: Frame,
  run: Runner,
): void {
  const { functions, aliases } = frame.state;
  if (functions.has(path) || aliases.has(path)) return;
  const at = commandWithin(name, words);
  if (at !== null) run.suppose(words.slice(at), subshell(frame, name));
  // zsh: `=name` is the path of a program.
  if (/^=./.test(name)) run.runWords([literal(name.slice(1)), ...words], deeper(frame, null), true);
}

/** Index of the first word of a command, null if there is none. */
function commandWithin(name: string, words: readonly Word[]): number | null {
  if (words.length === 0 || NEVER.has(name)) return null;
  const count = Math.min(words.length, MAX_OPERANDS);
  const isMistaken = NO_PROGRAM.test(name);
  for (let index = 0; index < count; index++) {
    const text = exactText(words[index] as Word);
    if (text === null || text === '') continue;
    const program = baseName(text);
    if (COMMANDS.has(program) && index + 1 < words.length) return index;
    if (!ALONE.has(program)) continue;
    const before = index > 0 ? exactText(words[index - 1] as Word) : null;
    const next = index + 1 < words.length ? exactText(words[index + 1] as Word) : null;
    const called = PROGRAM_PATH.test(text) || before === '--' || (index === 0 && isMistaken);
    if (called || (next !== null && THEIR_ARGUMENT.test(next))) return index;
  }
  return null;
}
