/**
 * Interpreters of other languages with program text on the command line or standard input. A literal
 * call to a shell is followed; any other code is uncertain. Not caught here: script files of the target.
 */
import { NO_NAMES, readConsoleLine } from '../console.ts';
import { absolutePath } from '../path.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { exactText, literal } from '../word.ts';
import { readAwk } from './awk-program.ts';
import { readCode } from './code.ts';

interface Interpreter {
  /** Options whose value, the next word or the rest of this one, is program text. */
  readonly text: readonly string[];
  /** Other options that take the next word. */
  readonly values: readonly string[];
  /** First words after which nothing runs. */
  readonly ends: readonly string[];
}

const INTERPRETERS: Readonly<Record<string, Interpreter>> = {
  python: { text: ['-c'], values: ['-W', '-X'], ends: ['--version', '-V', '--help', '-h'] },
  perl: { text: ['-e', '-E'], values: [], ends: ['--version', '-v', '-V', '--help', '-h', '-c'] },
  ruby: { text: ['-e'], values: ['-I', '-r', '-C'], ends: ['--version', '-v', '--help', '-h'] },
  node: {
    text: ['-e', '--eval', '-p', '--print', '-pe'],
    values: ['-r', '--require', '--import', '-C'],
    ends: ['--version', '-v', '--help', '-h'],
  },
  php: {
    text: ['-r', '-R', '-B', '-E'],
    values: ['-d', '-c', '-S', '-t'],
    ends: ['--version', '-v', '-i', '-m', '--help'],
  },
  lua: { text: ['-e'], values: ['-l'], ends: ['-v'] },
  tclsh: { text: [], values: [], ends: [] },
  pwsh: {
    text: ['-c', '-Command', '-EncodedCommand', '-e'],
    values: [],
    ends: ['--version', '-Version'],
  },
  deno: { text: ['eval'], values: [], ends: ['--version', '--help'] },
  bun: { text: ['-e', '--eval'], values: [], ends: ['--version', '--help'] },
  R: { text: ['-e'], values: [], ends: ['--version', '--help'] },
  julia: { text: ['-e', '-E'], values: [], ends: ['--version', '-v', '--help'] },
  groovy: { text: ['-e'], values: [], ends: ['--version', '-v'] },
  scala: { text: ['-e'], values: [], ends: ['--version'] },
  elixir: { text: ['-e'], values: [], ends: ['--version', '-v'] },
  erl: { text: ['-eval'], values: [], ends: ['-version'] },
  ghc: { text: ['-e'], values: [], ends: ['--version'] },
  swipl: { text: ['-g', '-t'], values: [], ends: ['--version'] },
  ocaml: { text: ['-e'], values: ['-I'], ends: ['-version'] },
  octave: { text: ['--eval'], values: [], ends: ['--version'] },
  gnuplot: { text: ['-e'], values: [], ends: ['--version', '-V'] },
  jrunscript: { text: ['-e'], values: ['-cp', '-l'], ends: ['-help'] },
  bpftrace: { text: ['-e'], values: ['-p', '-c', '-o'], ends: ['--version', '-V', '-l'] },
  clisp: { text: ['-x'], values: ['-i'], ends: ['--version'] },
  slsh: { text: ['-e'], values: [], ends: ['--version'] },
  puppet: { text: ['-e', '--execute'], values: [], ends: ['--version', 'help'] },
  racket: { text: ['-e'], values: [], ends: ['--version'] },
  janet: { text: ['-e'], values: [], ends: ['-v'] },
  raku: { text: ['-e'], values: [], ends: ['-v', '--version'] },

  guile: { text: ['-c'], values: [], ends: ['--version'] },
  sbcl: { text: ['--eval'], values: [], ends: ['--version'] },
  osascript: { text: ['-e'], values: [], ends: [] },
  irb: { text: [], values: [], ends: ['--version', '-v'] },
  jshell: { text: [], values: [], ends: ['--version'] },
  emacs: {
    text: ['--eval', '-eval'],
    values: ['-l', '--load', '-f', '--funcall'],
    ends: ['--version'],
  },
};

const SAME: Readonly<Record<string, string>> = {
  python2: 'python',
  python3: 'python',
  pypy: 'python',
  pypy3: 'python',
  ipython: 'python',
  ipython3: 'python',
  nodejs: 'node',
  jruby: 'ruby',
  luajit: 'lua',
  wish: 'tclsh',
  powershell: 'pwsh',
  Rscript: 'R',
  ghci: 'ghc',
  iex: 'elixir',
  'octave-cli': 'octave',
  jjs: 'jrunscript',
  perl6: 'raku',
};

/** With `-i` they go on at the terminal after the code that they were given. */
const STAYS: ReadonlySet<string> = new Set(['python', 'node']);

/** Modules of python -m that run no code of the caller's. */
const KNOWN_MODULES =
  /^(http\.server|json\.tool|venv|pip|pytest|unittest|this|site|calendar|zipfile|tarfile|gzip|compileall|ensurepip|timeit|pydoc|black|ruff|mypy|flake8|build|twine|pre_commit)$/;

function interpreter(call: Call): Output {
  const name = SAME[call.name] ?? call.name;
  const entry = INTERPRETERS[name];
  if (entry === undefined) return null;
  const { texts, words } = call;
  if (texts.length > 0 && entry.ends.includes(texts[0] ?? '')) return null;
  let given = false;
  let index = 0;
  for (; index < words.length; index++) {
    const text = texts[index];
    if (text === null || text === undefined) {
      call.run.uncertain(`the words of ${call.name} can't be known`);
      return null;
    }
    if (text === '-m' && name === 'python') return module(call, texts[index + 1]);
    const inline = programText(entry, text);
    if (inline !== null) {
      given = true;
      code(call, inline.kind === 'here' ? inline.text : texts[++index]);
    } else if (entry.values.includes(text)) index++;
    else if (!text.startsWith('-') || text === '-') break;
  }
  if (given) {
    if (STAYS.has(name) && texts.some((text) => /^(?:-[a-zA-Z]*i|--interactive)$/.test(text ?? '')))
      readsInput(call);
    return null;
  }
  const script = texts[index];
  if (script === undefined || script === '-' || script === null) return readsInput(call);
  scriptFile(call, script);
  return null;
}

/** Where the program text of an option is: in this word, or the next one; null = it has none. */
function programText(
  entry: Interpreter,
  text: string,
): { readonly kind: 'next' } | { readonly kind: 'here'; readonly text: string } | null {
  if (entry.text.includes(text)) return { kind: 'next' };
  for (const option of entry.text) {
    if (option.startsWith('--') && text.startsWith(`${option}=`)) {
      return { kind: 'here', text: text.slice(option.length + 1) };
    }
    const letter = option.length === 2 && /^-[a-zA-Z]$/.test(option) ? (option[1] ?? '') : '';
    if (letter === '' || text.startsWith('--') || !text.startsWith('-')) continue;
    const at = text.indexOf(letter, 1);
    if (at < 0 || !/^[a-zA-Z0-9]*$/.test(text.slice(1, at)) || /^-[MIrVWX]/.test(text)) continue;
    return at === text.length - 1 ? { kind: 'next' } : { kind: 'here', text: text.slice(at + 1) };
  }
  return null;
}

function module(call: Call, name: string | null | undefined): Output {
  if (name === null || name === undefined || !KNOWN_MODULES.test(name)) {
    call.run.uncertain(`what the module ${name ?? '…'} of ${call.name} does isn't known`);
  }
  return null;
}

function readsInput(call: Call): Output {
  const { input } = call.frame;
  if (input.kind === 'text') code(call, input.text);
  else if (input.kind !== 'session' || !call.run.noteConsole(SAME[call.name] ?? call.name))
    call.run.uncertain(`${call.name} would read its program from standard input`);
  return null;
}

function scriptFile(call: Call, script: string): void {
  const path = absolutePath(script, call.frame.state.likeliestDirectory);
  const file = path === null ? undefined : call.frame.state.files.get(path);
  if (file?.kind === 'text') code(call, file.text);
  else if (file !== undefined)
    call.run.uncertain(`${call.name} runs ${script}, which was written in this session`);
  else if (path !== null && /^\/(tmp|var\/tmp|dev\/shm|dev\/stdin|dev\/fd)/.test(path)) {
    call.run.uncertain(`${call.name} runs ${script}, where anybody can put a program`);
  }
}

/** Follows the literal shell calls of program text and says whether there is more to it. */
export function code(call: Call, text: string | null | undefined): void {
  if (text === null || text === undefined) {
    call.run.uncertain(`the code for ${call.name} can't be known`);
    return;
  }
  const { commands, files, complete } = readCode(text, call.name);
  const frame = () =>
    subshell(call.frame, call.name, { input: { kind: 'unknown', why: 'a program writes it' } });
  for (const command of commands) {
    if (typeof command === 'string') call.run.runText(command, frame());
    else call.run.runWords(command.map(literal), frame(), true);
  }
  const opened = files.flatMap(({ access, path }) =>
    access === 'delete' ? [] : [{ access, word: literal(path) }],
  );
  if (opened.length > 0) call.run.opened(opened, call.frame);
  for (const { access, path } of files) {
    if (access === 'delete') {
      call.run.runWords([literal('rmtree'), literal(path)], frame(), true);
    }
  }
  if (complete || (call.name === 'perl' && isSubstitution(text))) return;
  const plain = readConsoleLine(text, SAME[call.name] ?? call.name, NO_NAMES);
  for (const command of plain.commands) call.run.runText(command, frame());
  if (!plain.isHarmless) call.run.uncertain(`the code for ${call.name} can't be read`);
}

/** Perl that only replaces text, without the flag and the marks that run code. */
function isSubstitution(text: string): boolean {
  if (text.length > MAX_SUBSTITUTION_CHARACTERS || /\(\?\??\{|[@$]\{|`/.test(text)) return false;
  return /^\s*(?:(?:s|y|tr)([/|#,!])(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gimsxr]*\s*;?\s*)+$/.test(
    text,
  );
}

const MAX_SUBSTITUTION_CHARACTERS = 500;

function awk(call: Call): Output {
  let index = 0;
  for (; index < call.words.length; index++) {
    const text = call.texts[index];
    if (text === null || text === undefined || !text.startsWith('-') || text === '-') break;
    if (/^(-f|-i|-l|-E|--file|--include|--load|--exec)/.test(text)) {
      call.run.uncertain(`${call.name} runs a program from a file`);
      return null;
    }
    if (/^-[Fv]$/.test(text)) index++;
    if (text === '--') {
      index++;
      break;
    }
  }
  const program = call.words[index];
  if (program === undefined) return null;
  const text = exactText(program);
  if (text === null) {
    call.run.uncertain(`the program of ${call.name} can't be known`);
    return null;
  }
  const { commands, files, isOpen } = readAwk(text);
  const input = { kind: 'unknown', why: 'the awk program writes it' } as const;
  for (const line of commands) call.run.runText(line, subshell(call.frame, call.name, { input }));
  const opened = files.map(({ access, path }) => ({ access, word: literal(path) }));
  if (opened.length > 0) call.run.opened(opened, call.frame);
  if (isOpen) {
    call.run.uncertain(`the ${call.name} program runs commands or opens files`);
  }
  return null;
}

/** Without a command it reads them from its input, one a line. */
function redisClient(call: Call): Output {
  let index = 0;
  for (; index < call.texts.length; index++) {
    const text = call.texts[index];
    if (text?.startsWith('-') !== true) break;
    if (
      /^--(?:eval|pipe|rdb|functions-rdb|help|version|bigkeys|memkeys|hotkeys|scan|stat|latency.*|lru-test|cluster)$/.test(
        text,
      )
    )
      return null;
    if (
      /^-[hpsaunridDXt]$|^--(?:user|pass|cacert|cert|key|sni|cacertdir|tls-ciphers|tls-ciphersuites)$/.test(
        text,
      )
    )
      index++;
  }
  const isLines = index >= call.texts.length && call.frame.input.kind === 'session';
  if (isLines) call.run.noteConsole('redis-cli');
  return null;
}

export const INTERPRETER_PROGRAMS: Readonly<Record<string, Program>> = {
  'redis-cli': redisClient,
  ...Object.fromEntries(
    [...Object.keys(INTERPRETERS), ...Object.keys(SAME)].map((name) => [name, interpreter]),
  ),
  awk,
  gawk: awk,
  mawk: awk,
  nawk: awk,
};
