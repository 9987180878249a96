/**
 * Files that make other programs run something later: start-up files, crontabs, units. What a crontab or
 * a unit runs is followed when its text is known. Not caught here: settings that name such files elsewhere.
 */
import type { Frame, Output, Runner } from './runner.ts';
import { subshell } from './runner.ts';
import { exactText, literal, whyUnknown } from './word.ts';

/** Files that programs read as code or as settings that name code, by the end of their path. */
const START_UP_FILES = new RegExp(
  [
    String.raw`/\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin)$`,
    String.raw`/\.(?:kshrc|mkshrc|cshrc|tcshrc|login|inputrc|vimrc|exrc|nvimrc|emacs|gitconfig|envrc|psqlrc|sqliterc)$`,
    String.raw`/\.(?:mylogin\.cnf|pythonrc|pythonstartup|irbrc|perldb|gdbinit|tmux\.conf|screenrc|lessfilter|xinitrc)$`,
    String.raw`/\.(?:xsession|xprofile|pam_environment|npmrc|pryrc|Rprofile|forward|procmailrc|rhosts)$`,
    String.raw`/\.ssh/(?:config|rc|authorized_keys2?|environment)$`,
    String.raw`/\.config/(?:fish/(?:config\.fish|conf\.d/|functions/)|nvim/init|autostart/|systemd/user/|environment\.d/)`,
    String.raw`/\.git/(?:hooks/|config$)|/(?:site|user)customize\.py$|\.pth$`,
    String.raw`^/etc/(?:profile|bash\.bashrc|zsh/|zshrc|zshenv|ld\.so\.|sudoers|cron|anacrontab|rc\.local|environment$)`,
    String.raw`^/etc/(?:init\.d/|inittab|pam\.d/|udev/rules\.d/|update-motd\.d/|apt/apt\.conf|ssh/sshd?_config|logrotate)`,
    String.raw`^/var/spool/cron/|/systemd/(?:system|user)/[^/]+\.(?:service|timer|socket|path)(?:$|\.d/)`,
    String.raw`^/proc/sys/kernel/(?:core_pattern|modprobe|hotplug|poweroff_cmd)$`,
  ].join('|'),
);
/** Their lines name a user between the time and the command. */
const SYSTEM_CRONTAB = /^\/etc\/(?:crontab|cron\.d\/[^/]+)$/;
const USER_CRONTAB = /^\/var\/spool\/cron\/(?:crontabs\/|tabs\/)?[^/]+$/;
const UNIT = /\/systemd\/(?:system|user)\/[^/]+\.(?:service|timer|socket|path)(?:$|\.d\/)/;
/** A shell runs them as they are. */
const SCRIPT =
  /\/\.(?:bashrc|bash_\w+|profile|zshrc|zshenv|zprofile|zlogin|kshrc|mkshrc|xinitrc|xprofile|envrc)$|^\/etc\/(?:profile|bash\.bashrc|cron\.(?:hourly|daily|weekly|monthly)\/|rc\.local|init\.d\/|update-motd\.d\/)|\/\.git\/hooks\//;
const KERNEL_COMMAND = /^\/proc\/sys\/kernel\//;

/** Looks at what a command writes into a file that other programs act upon. */
export function laterFile(path: string, output: Output, frame: Frame, run: Runner): void {
  if (!START_UP_FILES.test(path)) return;
  const why = `${path} decides what runs later`;
  if (SYSTEM_CRONTAB.test(path) || USER_CRONTAB.test(path)) {
    if (!crontabOf(output, SYSTEM_CRONTAB.test(path), frame, run)) run.uncertain(why);
    return;
  }
  if (KERNEL_COMMAND.test(path)) {
    kernelCommand(typeof output === 'string' ? output : null, frame, run);
    return;
  }
  const isFollowed = typeof output === 'string' && UNIT.test(path) && unit(output, frame, run);
  if (isFollowed) return;
  run.uncertain(why);
  if (typeof output === 'string' && SCRIPT.test(path)) run.runText(output, subshell(frame, path));
}

/** What says that a text is the crontab which is installed already. */
export const INSTALLED = 'the crontab that is installed is not known';

/**
 * Follows the commands of a crontab.
 * @returns false when it holds lines that aren't known, and aren't installed already
 */
export function crontabOf(output: Output, hasUser: boolean, frame: Frame, run: Runner): boolean {
  const inner = subshell(frame, 'crontab');
  if (typeof output === 'string') {
    for (const line of output.split('\n')) if (run.spend(1)) cronLine(line, hasUser, inner, run);
    return true;
  }
  if (output === null) return false;
  let isKnown = true;
  for (const word of output.words) {
    const text = exactText(word);
    if (text !== null) cronLine(text, hasUser, inner, run);
    else if (whyUnknown(word) !== INSTALLED) isKnown = false;
  }
  return isKnown;
}

/** Five fields of time or a word for them; some programs know a sixth, for seconds or years. */
const CRON_TIME = /^\s*-?(?:@\w+(?:\s+\d+[smhd]?)?|(?:[^\s#=]+\s+){4}[^\s#=]+)\s+/;
const SIXTH_FIELD = /^[\d*][\d*,/-]*\s+/;
const SETTING = /^\s*(["']?)(\w+)\1\s*=\s*(["']?)(.*?)\3\s*$/;

function cronLine(line: string, hasUser: boolean, frame: Frame, run: Runner): void {
  const time = CRON_TIME.exec(line)?.[0];
  if (time === undefined) {
    const [, , name, , value] = SETTING.exec(line) ?? [];
    if (name === undefined || value === undefined) return;
    if (name === 'SHELL' && !/^\/(?:usr\/)?bin\/(?:ba|da|z|k)?sh$/.test(value)) {
      run.uncertain(`the crontab gives its commands to ${value}`);
    }
    run.assign(name, literal(value), frame);
    return;
  }
  const rest = line.slice(time.length).replace(SIXTH_FIELD, '');
  const command = hasUser ? rest.replace(/^\S+\s+/, '') : rest;
  // What stands behind a percent sign is the input of the command, line by line.
  const [text = '', ...input] = command.split(/(?<!\\)%/);
  const fed = { kind: 'text', text: input.map((one) => `${one}\n`).join('') } as const;
  run.runText(text.replaceAll('\\%', '%'), subshell(frame, null, { input: fed }));
}

/** Settings of a unit that name no code. */
const UNIT_SETTINGS =
  /^(?:Description|Documentation|After|Before|Wants|WantedBy|Requires|RequiredBy|BindsTo|PartOf|Conflicts|Alias|Restart|RestartSec|Type|User|Group|WorkingDirectory|StandardOutput|StandardError|SyslogIdentifier|TimeoutSec|TimeoutStartSec|TimeoutStopSec|KillMode|KillSignal|LimitNOFILE|LimitNPROC|PIDFile|RemainAfterExit|StartLimit\w+|OnCalendar|OnBootSec|OnUnitActiveSec|OnActiveSec|AccuracySec|RandomizedDelaySec|Persistent|Unit|NoNewPrivileges|Private\w+|Protect\w+|Nice|MemoryMax|MemoryHigh|CPUQuota|TasksMax|UMask|SuccessExitStatus|DefaultDependencies|Condition\w+|RuntimeDirectory|StateDirectory|LogsDirectory)$/;
const UNIT_COMMAND = /^Exec\w+$/;

/**
 * Follows the commands of a unit of systemd.
 * @returns false when it holds settings that may name code as well
 */
function unit(text: string, frame: Frame, run: Runner): boolean {
  let isKnown = true;
  const inner = subshell(frame, 'systemd', { input: { kind: 'text', text: '' } });
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    if (!run.spend(1)) return true;
    if (/^\s*(?:$|[#;[])/.test(line)) continue;
    const [, name = '', value = ''] = /^\s*(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (UNIT_COMMAND.test(name)) run.runText(value.replace(/^[-@:+!|]+/, ''), inner);
    else if (!UNIT_SETTINGS.test(name)) isKnown = false;
  }
  return isKnown;
}

/** The kernel runs what stands behind the bar of `core_pattern`, or the program that another one names. */
export function kernelCommand(text: string | null, frame: Frame, run: Runner): void {
  if (text === null) run.uncertain('what the kernel runs later is not known');
  else if (/^\s*[|/]/.test(text))
    run.runText(text.replace(/^\s*\|/, ''), subshell(frame, 'kernel'));
}
