/**
 * Programs with a language of their own in which a mark runs the rest of a line in a shell: dc, ftp,
 * lftp, mail, telnet, less, m4 … Not caught here: what is typed once such a program has the
 * terminal, and programs that these tables don't name.
 */
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { literal } from '../word.ts';
import { code } from './interpreters.ts';

interface Escapes {
  /** A line with a command for a shell, the command in a group. */
  readonly shell: RegExp;
  /** A line that reads or writes the file in its group. */
  readonly reads?: RegExp;
  readonly writes?: RegExp;
  /** Other lines that run something which isn't followed. */
  readonly opaque?: RegExp;
  /** Options whose value is such lines. */
  readonly options: readonly string[];
  /** Input that isn't known is a doubt: `always`, `alone` = when no operand is given, or `never`. */
  readonly unknown: 'always' | 'alone' | 'never';
}

const FTP: Escapes = {
  shell: /^\s*!\s*(.*)$/,
  reads: /^\s*(?:m?put|append|send|reput)\s+(?:-\S+\s+)*(\S+)/,
  writes: /^\s*(?:get|recv|reget)\s+(?:-\S+\s+)*\S+\s+(\S+)/,
  opaque: /^\s*\$/,
  options: [],
  unknown: 'always',
};

/** Commands of gdb that only look at a program or drive it. */
const GDB_HARMLESS =
  /^\s*(?:#.*|bt|backtrace|where|info\b.*|thread\b[\w\s]*|frame\b.*|f\s+\d+|up|down|list|l|p(?:rint)?\s+[\w$.*>-]+|x\/\w+\s+[\w$]+|set\s+(?:pagination|confirm|height|width|logging|print)\b.*|quit|q|detach|continue|c|run|r|start|kill|y|n|next|step|finish|(?:b|break|tb|tbreak)\s+[\w:.*]+|disassemble\b.*|attach\s+\d+|generate-core-file|gcore|)\s*$/;

const PROGRAMS: Readonly<Record<string, Escapes>> = {
  dc: { shell: /!(?![<>=])(.*)$/, options: ['-e', '--expression'], unknown: 'always' },
  bc: { shell: /^\s*!\s*([a-z/~].*)$/, options: [], unknown: 'never' },
  ftp: FTP,
  tnftp: FTP,
  ncftp: FTP,
  pftp: FTP,
  sftp: { ...FTP, unknown: 'never' },
  lftp: {
    ...FTP,
    shell: /(?:^|;)\s*(?:!|shell\s+|local\s+)(.*)$/,
    options: ['-c', '-e'],
    opaque: /\bsource\b/,
  },
  smbclient: { ...FTP, options: ['-c', '--command'], unknown: 'never' },
  tftp: { ...FTP, unknown: 'never' },
  telnet: { shell: /^\s*!\s*(.*)$/, options: [], unknown: 'alone' },
  lldb: {
    shell: /^\s*(?:platform\s+shell|shell|!)\s*(.*)$/,
    opaque: /^\s*(?:script|command\s+script|process\s+launch|expression)\b/,
    options: ['-o', '--one-line', '-O'],
    unknown: 'always',
  },
  mail: {
    shell: /^~(?:[!|]|[r<]\s*!)\s*(.*)$/,
    reads: /^~[rR<d]\s+([^!\s]\S*)/,
    writes: /^~w\s+(\S+)/,
    opaque: /^~[:_xivef]/,
    options: ['--exec', '-E'],
    unknown: 'never',
  },
  less: { shell: /^(?:g|G|\/\S*\s*)?!\s*(.*)$/, opaque: /^[|s:v]/, options: [], unknown: 'never' },
  m4: {
    shell: /\be?syscmd\(\s*`?([^')]*)/,
    reads: /\bs?include\(\s*`?([^')]*)/,
    options: ['-D'],
    unknown: 'always',
  },
  debugfs: {
    shell: /^\s*!\s*(.*)$/,
    reads: /^\s*(?:cat|dump|rdump|write|ncheck|stat|blocks)\s+(?:-\S+\s+)?(\S+)/,
    writes: /^\s*(?:dump|rdump)\s+(?:-\S+\s+)?\S+\s+(\S+)/,
    options: ['-R'],
    unknown: 'always',
  },
  crash: { shell: /^\s*!\s*(.*)$/, options: [], unknown: 'always' },
  mdb: { shell: /^\s*!\s*(.*)$/, options: [], unknown: 'always' },
  scanmem: { shell: /^\s*shell\s+(.*)$/, options: ['-c', '--command'], unknown: 'always' },
  bconsole: { shell: /^\s*@exec\s+(.*)$/, options: [], unknown: 'always' },
};

const SAME: Readonly<Record<string, string>> = {
  mailx: 'mail',
  'bsd-mailx': 'mail',
  's-nail': 'mail',
  'heirloom-mailx': 'mail',
  Mail: 'mail',
  zless: 'less',
};

/** Longer lines and more lines are not looked into. */
const MAX_LINE_CHARACTERS = 1_000;
const MAX_LINES = 500;

function escapes(call: Call): Output {
  const name = SAME[call.name] ?? call.name;
  const own = PROGRAMS[name];
  if (own === undefined) return null;
  const { texts } = call;
  if (/^(--version|--help|-V|-h)$/.test(texts[0] ?? '')) return null;
  let given = false;
  let operands = 0;
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index];
    if (text === null || text === undefined) continue;
    const option = own.options.find(
      (one) => text === one || (one.startsWith('--') && text.startsWith(`${one}=`)),
    );
    if (option !== undefined) {
      given = true;
      const value = text === option ? texts[++index] : text.slice(option.length + 1);
      // Commands for mail are written without the tilde there.
      follow(call, own, name === 'mail' && value?.startsWith('!') === true ? `~${value}` : value);
    } else if (name === 'less' && text.startsWith('+')) follow(call, own, text.slice(1));
    else if (name === 'mail' && /^-\w*[~I]/.test(text) && call.frame.input.kind === 'unknown') {
      call.run.uncertain(`${name} follows escapes in a text that can't be known`);
    } else if (!text.startsWith('-')) operands++;
  }
  if (name === 'less' || (given && !call.fed)) return null;
  const { input } = call.frame;
  if (input.kind === 'text') follow(call, own, input.text);
  else if (input.kind === 'unknown' && isDoubt(own, operands)) {
    call.run.uncertain(`${call.name} reads its commands from another program`);
  }
  return null;
}

function isDoubt(own: Escapes, operands: number): boolean {
  return own.unknown === 'always' || (own.unknown === 'alone' && operands === 0);
}

function follow(call: Call, own: Escapes, text: string | null | undefined): void {
  if (text === null || text === undefined) {
    call.run.uncertain(`a command for ${call.name} can't be known`);
    return;
  }
  const lines = text.split('\n');
  if (lines.length > MAX_LINES || lines.some(({ length }) => length > MAX_LINE_CHARACTERS)) {
    call.run.uncertain(`${call.name} is given more than can be followed`);
  }
  for (const whole of lines.slice(0, MAX_LINES)) {
    const line = whole.slice(0, MAX_LINE_CHARACTERS);
    const shell = own.shell.exec(line)?.[1];
    if (shell !== undefined) {
      call.run.uncertain(`${call.name} is told to run a command`);
      call.run.runText(shell, subshell(call.frame, call.name));
    } else if (own.opaque?.test(line) === true) {
      call.run.uncertain(`${call.name} is given commands that can't be followed`);
    }
    const opened = [
      { access: 'read', path: own.reads?.exec(line)?.[1] },
      { access: 'write', path: own.writes?.exec(line)?.[1] },
    ] as const;
    for (const { access, path } of opened) {
      if (path !== undefined && path !== '') {
        call.run.opened([{ access, word: literal(path) }], call.frame);
      }
    }
  }
}

const GDB: Escapes = {
  shell: /^\s*(?:shell\b|!|make\b|pipe\b[^|]*\||\|[^|]*\|)\s*(.*)$/,
  options: [],
  unknown: 'always',
};

/** Commands of gdb, from an option or its input. */
export function debuggerLines(call: Call, text: string): void {
  follow(call, GDB, text);
  for (const line of text.split('\n').slice(0, MAX_LINES)) {
    if (line.length > MAX_LINE_CHARACTERS || GDB.shell.test(line)) continue;
    const python = /^\s*(?:python|py|python-interactive|pi)\s+(.*)$/.exec(line)?.[1];
    if (python !== undefined) code({ ...call, name: 'python' }, python);
    else if (!GDB_HARMLESS.test(line)) {
      call.run.uncertain(`${call.name} is given a command that runs code`);
    }
  }
}

export const ESCAPE_PROGRAMS: Readonly<Record<string, Program>> = Object.fromEntries(
  [...Object.keys(PROGRAMS), ...Object.keys(SAME)].map((name) => [name, escapes]),
);
