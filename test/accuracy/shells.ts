/**
 * The shells under test, each with a hook of its own that writes down what it really read: the truth
 * that the bastion's reading is compared with. bash writes its history at every prompt, zsh and fish
 * have functions that get each line; dash and ash print each line that they read (`-v`) to standard
 * error, which is a file here.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShellIntegration } from '../../server/access/target.ts';
import { markedShell } from '../../server/session/shell-start.ts';
import { NONCE } from '../support/session-fakes.ts';

export const SHELLS = ['bash', 'zsh', 'fish', 'dash', 'ash'] as const;
export type Shell = (typeof SHELLS)[number];

/** Shells whose lines the terminal edits, or that know no history search and no macros. */
export function isPlain(shell: Shell): boolean {
  return shell === 'dash' || shell === 'ash';
}

export interface Launch {
  /** For `sh`. */
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Variant {
  /** A second prompt at the right margin, where the shell can. */
  readonly rightPrompt: boolean;
  /** Suggestions after the cursor, where the shell can. */
  readonly suggests: boolean;
  /** A prompt of two rows. */
  readonly tallPrompt?: boolean;
  /** `observe`: the shell's own settings mark prompts and commands; `inject`: it is told to, if it can. */
  readonly marks?: ShellIntegration;
}

const FILES: Readonly<Record<string, string>> = {
  'alpha_report.txt': 'one\ntwo\n',
  'alpha_notes.txt': 'one\n',
  'alpha_notes_old.txt': 'one\n',
  'beta_config.yaml': 'one: 1\n',
  'uniquefile.log': 'one\n',
  'file with space.txt': 'one\n',
  'long.txt': Array.from({ length: 200 }, (_, n) => `line ${n}\n`).join(''),
};

/** A home of its own for one shell: its settings, something to work on, and what the hooks write. */
export class Place {
  readonly home = mkdtempSync(join(tmpdir(), 'sallyport-accuracy-'));
  readonly work = join(this.home, 'work');
  readonly shell: Shell;
  readonly #variant: Variant;
  readonly #ownMarks: boolean;
  readonly #isTold: boolean;

  constructor(shell: Shell, variant: Variant) {
    this.shell = shell;
    this.#variant = variant;
    mkdirSync(join(this.work, 'gamma-dir'), { recursive: true });
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(this.work, name), text);
    writeFileSync(join(this.work, 'gamma-dir', 'inner.txt'), 'x\n');
    for (const name of ['lines', 'prompts', 'program-lines']) this.#write(name, '');
    this.#write('.inputrc', 'set bell-style none\n');
    const { marks = 'off' } = variant;
    const isTold = marks === 'inject' && (shell === 'bash' || shell === 'fish');
    this.#ownMarks = marks !== 'off' && !isTold;
    this.#isTold = isTold;
    const { tallPrompt = false } = variant;
    const tall = tallPrompt ? TALL_PROMPTS : null;
    this.#write('rc', BASH_RC + (tall?.bash ?? '') + (this.#ownMarks ? BASH_MARKS : ''));
    this.#write('.bash_profile', '. "$HOME/rc"\n');
    this.#write('.zshrc', zshRc(variant) + (tall?.zsh ?? '') + (this.#ownMarks ? ZSH_MARKS : ''));
    this.#write('init.fish', FISH_INIT + (tall?.fish ?? '') + (this.#ownMarks ? FISH_MARKS : ''));
    mkdirSync(join(this.home, 'config', 'fish'), { recursive: true });
    // Without them fish reads all manuals to make them, and takes a processor for a minute.
    mkdirSync(join(this.home, 'data', 'fish', 'generated_completions'), { recursive: true });
    if (isTold) this.#write('config/fish/config.fish', 'source "$HOME/init.fish"\n');
    this.#write('start.py', PYTHON_START);
    this.#write('start.cjs', NODE_START);
    this.#write('inner', this.#innerScript());
    this.#write('docker', CONTAINER);
    chmodSync(join(this.home, 'docker'), 0o755);
  }

  launch(): Launch {
    const env = {
      ...process.env,
      HOME: this.home,
      ZDOTDIR: this.home,
      XDG_CONFIG_HOME: join(this.home, 'config'),
      XDG_DATA_HOME: join(this.home, 'data'),
      TMUX_TMPDIR: this.home,
      INPUTRC: join(this.home, '.inputrc'),
      LANG: 'C.UTF-8',
      LC_ALL: 'C.UTF-8',
      TERM: 'xterm-256color',
      PAGER: 'cat',
      LESS: '',
      USER: 'dev',
      TRUTH_LINES: join(this.home, 'lines'),
      TRUTH_PROMPTS: join(this.home, 'prompts'),
      TRUTH_PROGRAM: join(this.home, 'program-lines'),
      PYTHONSTARTUP: join(this.home, 'start.py'),
      SQLITE_HISTORY: join(this.home, '.sqlite_history'),
      PSQL_HISTORY: join(this.home, '.psql_history'),
      MYSQL_HISTFILE: join(this.home, '.mysql_history'),
      REDISCLI_HISTFILE: join(this.home, '.redis_history'),
      SCREENDIR: join(this.home, 'screen'),
    };
    const right = this.#variant.rightPrompt ? { TRUTH_RIGHT: '[right]' } : {};
    if (this.#isTold) {
      return { command: markedShell(NONCE), env: { ...env, ...right, SHELL: this.shell } };
    }
    const mark = this.#ownMarks ? '\u001b]133;B\u0007' : '';
    switch (this.shell) {
      case 'bash':
        return {
          command: `exec bash --noprofile --rcfile "$HOME/rc" -i`,
          env,
        };
      case 'zsh':
        return { command: 'exec zsh -i', env };
      case 'fish':
        return {
          command: `exec fish -i --init-command 'source "$HOME/init.fish"'`,
          env: { ...env, ...right },
        };
      case 'dash':
        return {
          command: 'exec dash -i -v 2>>"$TRUTH_LINES"',
          env: {
            ...env,
            // What dash prints after Ctrl-C goes to the file too, so that the prompt has to make up for it.
            PS1: `$([ $? = 130 ] && echo >/dev/tty; printf '$ ${mark}' >/dev/tty; printf . >>"$TRUTH_PROMPTS")\u0001`,
            PS2: `$(printf '> ' >/dev/tty)\u0002`,
          },
        };
      case 'ash':
        return {
          command: 'exec busybox ash -i -v 2>>"$TRUTH_LINES"',
          env: {
            ...env,
            PS1: `$([ $? = 130 ] && echo >/dev/tty; printf '\u0001' >&2; printf . >>"$TRUTH_PROMPTS")ash:\\W $ ${mark}`,
            PS2: `$(printf '\u0002' >&2)> `,
          },
        };
    }
  }

  /** Starts a shell of the same kind in the folder where it is called, from wherever that is. */
  #innerScript(): string {
    const { command, env } = this.launch();
    const own = Object.entries(env).filter(
      ([name, value]) => value !== undefined && (process.env[name] !== value || name === 'PATH'),
    );
    const exports = own.map(
      ([name, value]) => `export ${name}='${(value ?? '').replaceAll("'", String.raw`'\''`)}'`,
    );
    return `${exports.join('\n')}\ncd '${this.work}'\n${command}\n`;
  }

  /** How many prompts the shell has shown. */
  prompts(): number {
    return statSync(join(this.home, 'prompts')).size;
  }

  /** What the shell read, one entry per input, which may span rows. */
  shellLines(): string[] {
    const raw = readFileSync(join(this.home, 'lines'), 'utf8');
    switch (this.shell) {
      case 'bash':
        return historyEntries(raw);
      case 'zsh':
      case 'fish':
        return raw.split('\0').slice(0, -1);
      case 'dash':
      case 'ash':
        // oxlint-disable-next-line no-control-regex -- what the prompts above write
        return [...raw.matchAll(/[\u0001\u0002]([^\n\u0001\u0002]*)\n/g)].map(
          (one) => one[1] ?? '',
        );
    }
  }

  /** What interactive programs of other languages read. */
  programLines(): string[] {
    const hooked = this.#read('program-lines').split('\0').slice(0, -1);
    const sqlite = this.#read('.sqlite_history').split('\n');
    const psql = this.#read('.psql_history').split('\n');
    const redis = this.#read('.redis_history').split('\n');
    const irb = this.#read('.irb_history').split('\n');
    const mysql = editlineHistory(this.#read('.mysql_history'));
    const joined = psql.map((line) => line.replaceAll('\u0001', '\n'));
    return [...hooked, ...sqlite, ...joined, ...redis, ...mysql, ...irb];
  }

  remove(): void {
    try {
      rmSync(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    } catch {
      // A shell of it is still writing; what is left lies in the folder for temporary files.
    }
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.home, name), text);
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.home, name), 'utf8');
    } catch {
      return '';
    }
  }
}

/** Blanks and other signs are written as numbers there. */
function editlineHistory(raw: string): string[] {
  const bytes = raw
    .replace(/^_HiStOrY_V2_\n/, '')
    .replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
  return bytes.split('\n');
}

/** `history 1` before every command and every prompt: the same number of the same shell is no news. */
function historyEntries(raw: string): string[] {
  const entries = new Map<string, string>();
  for (const entry of raw.split('\0').slice(0, -1)) {
    const match = /^(\d+ +\d+)\*? {2}([^]*)\n$/.exec(entry);
    if (match !== null) entries.set(match[1] ?? '', match[2] ?? '');
  }
  return [...entries.values()];
}

const BASH_RC = `
PS1='\\u@host:\\w\\$ '
HISTFILE=/dev/null HISTCONTROL= HISTIGNORE= HISTSIZE=100000
shopt -s lithist cmdhist checkwinsize
truth_line() { printf '%s ' $$ >>"$TRUTH_LINES"; HISTTIMEFORMAT= history 1 >>"$TRUTH_LINES"; printf '\\0' >>"$TRUTH_LINES"; }
truth_prompt() { truth_line; printf . >>"$TRUTH_PROMPTS"; }
PROMPT_COMMAND="truth_prompt\${PROMPT_COMMAND:+; }$PROMPT_COMMAND"
PS0='$(truth_line)'
`;

const TALL_PROMPTS = {
  bash: `PS1='\\n[\\t] \\w (main)\\n\\$ '\n`,
  zsh: `PROMPT=$'\\n%* %~ (main)\\n%# '\n`,
  fish: `function fish_prompt; printf '\\n%s (main)\\n❯ ' (date +%T); end\n`,
} as const;

/** Marks of FinalTerm, as people put them into their own settings. */
const BASH_MARKS = `
PS1="\\[\\e]133;A\\a\\]$PS1\\[\\e]133;B\\a\\]"
PS0="$PS0"'\\e]133;C\\a'
PROMPT_COMMAND='printf "\\e]133;D;%s\\a" "$?";'" $PROMPT_COMMAND"
`;
const ZSH_MARKS = `
PROMPT=$'%{\\e]133;A\\a%}'"$PROMPT"$'%{\\e]133;B\\a%}'
preexec() { print -n '\\e]133;C\\a' }
precmd_functions+=(mark_end)
mark_end() { print -n '\\e]133;D\\a' }
`;
const FISH_MARKS = `
functions -c fish_prompt plain_prompt
function fish_prompt; printf '\\e]133;A\\a'; plain_prompt; printf '\\e]133;B\\a'; end
function mark_start --on-event fish_preexec; printf '\\e]133;C\\a'; end
function mark_end --on-event fish_postexec; printf '\\e]133;D;%s\\a' $status; end
`;

function zshRc({ rightPrompt, suggests }: Variant): string {
  return `
PROMPT='%n@host:%~%# '
${rightPrompt ? "RPROMPT='[%T]'" : ''}
HISTSIZE=10000 SAVEHIST=0
setopt interactive_comments
bindkey -e
autoload -Uz compinit && compinit -u -D -d "$HOME/zcomp"
zshaddhistory() { print -rn -- "\${1%$'\\n'}"$'\\0' >>$TRUTH_LINES }
precmd() { print -n . >>$TRUTH_PROMPTS }
${suggests ? ZSH_SUGGESTIONS : ''}
`;
}

/** The newest line of the history that starts with what was typed, grey, behind the cursor. */
const ZSH_SUGGESTIONS = `
suggest() {
  POSTDISPLAY= region_highlight=()
  (( $#BUFFER )) || return
  local found=\${history[(r)\${(b)BUFFER}*]}
  [[ -n $found && $found != *$'\\n'* ]] || return
  POSTDISPLAY=\${found#$BUFFER}
  region_highlight=("$#BUFFER $(( $#BUFFER + $#POSTDISPLAY )) fg=8")
}
self-insert-suggest() { zle .self-insert; suggest }
backward-delete-suggest() { zle .backward-delete-char; suggest }
finish-suggest() { POSTDISPLAY= }
zle -N self-insert self-insert-suggest
zle -N backward-delete-char backward-delete-suggest
zle -N zle-line-finish finish-suggest
`;

const FISH_INIT = `
function fish_greeting; end
function fish_prompt; printf 'dev@host> '; end
function fish_right_prompt; printf '%s' "$TRUTH_RIGHT"; end
function truth_line --on-event fish_preexec; printf '%s\\0' $argv[1] >>$TRUTH_LINES; end
function truth_prompt --on-event fish_prompt; printf . >>$TRUTH_PROMPTS; end
set -g fish_history truth
`;

/** Python's own loop, with each line written down where it comes out of the line editor. */
const PYTHON_START = `
import code, os, sys
try:
    import readline
except ImportError:
    pass
def truth_line(prompt):
    line = input(prompt)
    with open(os.environ['TRUTH_PROGRAM'], 'a') as file:
        file.write(line + '\\0')
    return line
code.interact(banner='', readfunc=truth_line, exitmsg='')
sys.stdout.flush()
os._exit(0)
`;

/** What `docker exec -it NAME` does for the one who sits before it: a terminal of its own for a program. */
const CONTAINER = `#!/usr/bin/env python3
import fcntl, pty, signal, sys, termios
SIZE = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
def read(master):
    global SIZE
    if SIZE:
        fcntl.ioctl(master, termios.TIOCSWINSZ, SIZE)
        SIZE = b''
    return pty.os.read(master, 1024)
pty.spawn(sys.argv[4:], read)
`;

const NODE_START = `
const { appendFileSync } = require('node:fs');
const { Interface } = require('node:readline');
const emit = Interface.prototype.emit;
Interface.prototype.emit = function (name, line, ...rest) {
  if (name === 'line') appendFileSync(process.env.TRUTH_PROGRAM, line + '\\0');
  return emit.call(this, name, line, ...rest);
};
`;
