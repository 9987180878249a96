/**
 * Options whose value is a command that the program runs, as data. Not caught here: the same said in a
 * configuration file, and options that the table doesn't name.
 */

/** How the command stands in the value: as a whole line, or behind a mark. */
export type CommandForm = 'line' | keyof typeof HOOK_OPTIONS;

export interface CommandOption {
  readonly name: string;
  readonly form: CommandForm;
}

/** Forms of values that only sometimes hold a command; the command in a group. */
export const HOOK_OPTIONS = {
  /** `--checkpoint-action=exec=CMD` */
  exec: /^exec=([^]*)$/g,
  /** `-o ProxyCommand=CMD` of the ssh family. */
  ssh: /^\s*(?:ProxyCommand|LocalCommand|KnownHostsCommand|PermitLocalCommand|RemoteCommand|ssh_command)\s*[= ]\s*([^]*)$/gi,
  /** `a,b,c` = the words of a command. */
  commas: /^([^]*)$/g,
  /** `change:execute(CMD)+abort`, `enter:become(CMD)` of fzf. */
  binding: /(?:execute|execute-silent|become|reload|preview|transform[\w-]*)[([:]([^)\]]*)/g,
  /** `APT::Update::Pre-Invoke::=CMD` */
  invoke: /(?:Pre|Post)-(?:Invoke|Install-Pkgs)\S*?=\s*([^]*)$/gi,
  /** `%(CMD)` in a macro of rpm. */
  macro: /%\(([^]*)\)/g,
  /** `alias.x=!CMD` of hg. */
  setting: /^[\w.-]+=\s*!([^]*)$/g,
  /** `|CMD` instead of a file. */
  bar: /^[|!]([^]*)$/g,
  /** `unixexec:path=…,argv1=…` */
  address: /unixexec:path=([^]*)$/g,
} as const;

/** `program: option[:form]…`; without a form the value is a command line. */
const TABLE = `
rsync: -e --rsh --rsync-path
tar gtar: --to-command --use-compress-program -I --rsh-command --info-script -F --new-volume-script --checkpoint-action:exec
bsdtar: --use-compress-program
split: --filter
man: -P --pager -H --html
zip: -TT --unzip-command
sort: --compress-program
tcpdump: -z
scp sftp: -S -o:ssh
sshfs: -o:ssh
nc netcat: -e -c
ncat: -e -c --exec --sh-exec
socket: -p
openvpn: --up --down --ipchange --route-up --tls-verify --auth-user-pass-verify --client-connect
rg: --pre
fzf: --preview --bind:binding
dpkg: --pre-invoke --post-invoke
apt apt-get aptitude: -o:invoke
rpm rpmbuild rpmquery rpmdb rpmverify: --pipe --eval:macro -E:macro --define:macro -D:macro
strace ltrace: -o:bar
borg: --rsh
restic: --password-command
aria2c: --on-download-complete --on-download-error --on-download-start --on-download-stop --on-bt-download-complete
certbot: --pre-hook --post-hook --deploy-hook --renew-hook --manual-auth-hook --manual-cleanup-hook
dnsmasq: --conf-script --dhcp-script
dhclient: -sf
agetty getty: -l
enscript: -I --filter
gcc g++ cc clang: -wrapper:commas
gem: -e
genie: -c
ksu: -e
latexmk: -pdflatex -latex -e
msgfilter: -P
pidstat: -e
pip pip3: --editor
plymouth: --command
scrot: -e
sshuttle: --ssh-cmd -e
tmate: -c
wget: --use-askpass
yt-dlp youtube-dl: --exec
dmsetup: --exec
csvtool: call
busctl systemctl dbus-send: --address:address
hg: --config:setting
logrotate: -m --mail
xdotool: exec
check_by_ssh: -o:ssh
zathura: -x
rclone: --password-command --metadata-mapper
`;

export const COMMAND_OPTIONS: ReadonlyMap<string, readonly CommandOption[]> = readTable();

function readTable(): ReadonlyMap<string, readonly CommandOption[]> {
  const table = new Map<string, readonly CommandOption[]>();
  for (const line of TABLE.split('\n')) {
    const [names, list] = line.split(': ');
    if (names === undefined || list === undefined) continue;
    const options = list.split(' ').map((option): CommandOption => {
      const [name = '', form] = option.split(':');
      return { name, form: isForm(form) ? form : 'line' };
    });
    for (const name of names.split(' ')) table.set(name, options);
  }
  return table;
}

function isForm(form: string | undefined): form is keyof typeof HOOK_OPTIONS {
  return form !== undefined && Object.hasOwn(HOOK_OPTIONS, form);
}
