/**
 * Variables whose values a shell or a program runs. Not caught here: variables of programs that this
 * table doesn't name.
 */
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';
import type { Word } from './word.ts';
import { exactText, showWord } from './word.ts';

/** Their value is a command line. */
const COMMAND_VARIABLES = new Set(
  (
    'PROMPT_COMMAND PAGER GIT_PAGER MANPAGER SYSTEMD_PAGER EDITOR VISUAL SUDO_EDITOR KUBE_EDITOR LESSOPEN ' +
    'LESSCLOSE GIT_SSH_COMMAND GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_EXTERNAL_DIFF GIT_ASKPASS SSH_ASKPASS ' +
    'RSYNC_RSH PSQL_EDITOR PSQL_PAGER BROWSER FCEDIT'
  ).split(' '),
);
/** Their value is expanded like a double-quoted string. */
const PROMPTS = new Set(['PS0', 'PS1', 'PS2', 'PS4', 'PROMPT', 'RPROMPT']);
/** They make programs load code. */
const LOADERS = new Set(
  (
    'BASH_ENV ENV LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT PYTHONSTARTUP PYTHONPATH PERL5OPT PERL5LIB RUBYOPT ' +
    'RUBYLIB NODE_OPTIONS ZDOTDIR'
  ).split(' '),
);

/** Looks at what an assignment makes run, now or later. */
export function hookOf(name: string, value: Word, frame: Frame, run: Runner): void {
  const text = exactText(value);
  if (COMMAND_VARIABLES.has(name)) {
    if (text === null) run.uncertain(`$${name} makes programs run a command that can't be known`);
    else if (text !== '') run.runText(text, subshell(frame, `$${name}`));
  } else if (PROMPTS.has(name)) {
    if (text === null) return;
    if (/\$\(|`/.test(text)) {
      run.runText(`: "${text.replaceAll('"', '')}"`, subshell(frame, `$${name}`));
    }
  } else if (LOADERS.has(name)) {
    if (text !== '') run.uncertain(`$${name} makes programs load code`);
  } else if (name === 'PATH') {
    const shown = text ?? showWord(value);
    const open = /(^|:)(\.|~|\/tmp|\/var\/tmp|\/dev\/shm|\/home)(\/|:|$)/.test(shown);
    if (open && !/^(~|\/home\/[\w.-]+)\/(\.local\/|go\/|\.cargo\/)?bin:/.test(`${shown}:`)) {
      run.uncertain('$PATH names a directory where anybody can put a program');
    } else if (text === null && !/\/(usr|s?bin|opt)/.test(shown)) {
      run.uncertain("$PATH can't be known");
    }
  }
}

const START_UP_FILES =
  /\/(\.bashrc|\.bash_profile|\.bash_login|\.bash_logout|\.profile|\.zshrc|\.zshenv|\.zprofile|\.zlogin|\.kshrc|\.inputrc|\.vimrc|\.gitconfig|\.ssh\/(config|rc|authorized_keys))$|^\/etc\/(profile|bash\.bashrc|zsh\/|profile\.d\/|ld\.so\.|sudoers|cron)/;

/** Says so when a written file makes other programs run or admit something later. */
export function startUpFile(path: string, run: Runner): void {
  if (START_UP_FILES.test(path)) run.uncertain(`${path} decides what runs later`);
}
