/**
 * Programs that run shell text: the shells themselves and those that hand text to one. Not caught
 * here: script files that this session didn't write; they are uncertain unless they lie in a
 * directory of the system.
 */
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { widePatterns } from '../hooks.ts';
import { crontabOf, INSTALLED } from '../later-files.ts';
import { hasOption, leading, optionValue, readOptions } from '../options.ts';
import { absolutePath } from '../path.ts';
import { fileInput } from '../redirect.ts';
import type { Call, Frame, Output, Program } from '../runner.ts';
import { deeper, inputOf, subshell } from '../runner.ts';
import { mayBeOwn } from '../program-file.ts';
import { setPositional } from '../walk.ts';
import { exactText, joinWords, literal, unknown } from '../word.ts';
import { code } from './interpreters.ts';
import type { Word } from '../word.ts';

const SHELLS =
  'sh bash dash zsh ksh ksh93 mksh oksh yash ash rbash rzsh fish csh tcsh posh hush lksh pdksh bash5 elvish nu xonsh';

/** Directories that only an administrator writes to. */
const SYSTEM = /^\/(etc|usr|bin|sbin|lib|lib64|opt|nix|snap|run\/current-system)\//;

function shell(call: Call): Output {
  const { words, texts, name } = call;
  let index = 0;
  let takesText = false;
  let takesInput = false;
  let readsOnly = false;
  for (; index < words.length; index++) {
    const text = texts[index];
    if (text === null && (takesText || /^[./~\w]/.test(leading(words[index] ?? [])))) break;
    if (text === null || text === undefined) {
      call.run.uncertain(`the words of ${name} can't be known`);
      return null;
    }
    if (text === '--' || text === '-') {
      index++;
      break;
    }
    if (text === '--rcfile' || text === '--init-file') {
      startUp(call, words[++index]);
    } else if (name === 'fish' && /^(?:-C|--init-command)(?:=|$)/.test(text)) {
      const at = text.indexOf('=');
      const own = at < 0 ? words[++index] : literal(text.slice(at + 1));
      if (own !== undefined) run(call, own, []);
    } else if (text === '--command' || text.startsWith('--command=')) {
      takesText = true;
      if (text.includes('=')) {
        return run(call, [{ kind: 'text', text: text.slice(10), quoted: true }], []);
      }
    } else if (/^[-+][A-Za-z]/.test(text) && !text.startsWith('--')) {
      if (text.startsWith('-') && text.includes('c')) takesText = true;
      if (text.startsWith('-') && text.includes('s')) takesInput = true;
      if (/^-[a-z]*n/.test(text) && !text.includes('i')) readsOnly = true;
      if (/[oO]$/.test(text)) widePatterns([texts[++index] ?? null], call.run);
    } else if (text === '--emulate') index++;
    else if (!text.startsWith('--')) break;
  }
  if (takesText) {
    if (texts[index] === '--') index++;
    // It reads Python as well as commands.
    if (name === 'xonsh') code({ ...call, name: 'python' }, texts[index]);
    return run(call, words[index], words.slice(index + 1));
  }
  const file = words[index];
  if (takesInput || file === undefined) return readsInput(call, words.slice(index));
  if (readsOnly) return null;
  return runFile(call, file, words.slice(index), subshell(call.frame, name));
}

/** `--rcfile FILE`: known text is followed, and it runs before anything else. */
function startUp(call: Call, file: Word | undefined): void {
  call.run.uncertain(`${call.name} reads a start-up file`);
  if (file !== undefined) runFile(call, file, [], subshell(call.frame, `${call.name} --rcfile`));
}

function run(call: Call, text: Word | undefined, rest: readonly Word[]): Output {
  if (text === undefined) return null;
  const frame = subshell(call.frame, `${call.name} -c`);
  for (const name of frame.state.functions.keys()) {
    if (!frame.state.variables.has(`BASH_FUNC_${name}%%`)) frame.state.functions.delete(name);
  }
  setPositional(frame.state, rest);
  return call.run.runWord(text, frame, `${call.name} -c`);
}

function readsInput(call: Call, rest: readonly Word[]): Output {
  const frame = subshell(call.frame, call.name);
  setPositional(frame.state, [[{ kind: 'text', text: call.name, quoted: true }], ...rest]);
  return shellInput(call, frame);
}

/** A shell that is started without a program reads it from its standard input. */
export function shellInput(call: Call, frame: Frame): Output {
  const own = call.shell.input;
  const input = call.frame.input.kind === 'session' && !call.fed ? own : call.frame.input;
  return call.run.runInput({ ...frame, input }, call.name);
}

/** Runs a script file, for `sh FILE` and `source FILE`. */
function runFile(call: Call, file: Word, positional: readonly Word[], frame: Frame): Output {
  const process = file.find((piece) => piece.kind === 'process');
  if (process?.kind === 'process') {
    if (process.reads !== null) return call.run.runText(process.reads, frame);
    call.run.uncertain(`${call.name} runs the output of a command, which can't be known`);
    return null;
  }
  const text = exactText(file);
  if (text === null) {
    call.run.uncertain(`which script ${call.name} runs can't be known`);
    return null;
  }
  const path = absolutePath(text, call.frame.state.likeliestDirectory);
  if (path !== null && /^\/dev\/(stdin|fd\/0)$|^\/proc\/self\/fd\/0$/.test(path)) {
    return call.run.runInput({ ...frame, input: call.frame.input }, call.name);
  }
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path ?? '')?.[1];
  const opened =
    number === undefined
      ? undefined
      : (call.descriptors.get(Number(number)) ?? call.shell.descriptors.get(Number(number)));
  if (opened !== undefined) return call.run.runInput({ ...frame, input: opened }, call.name);
  const input = fileInput(file, call.frame);
  if (input.kind === 'text') {
    if (positional.length > 1) setPositional(frame.state, positional);
    return call.run.runText(input.text, frame);
  }
  if (path === null || (!SYSTEM.test(path) && mayBeOwn(path, call.frame.state))) {
    call.run.uncertain(`${call.name} runs the script ${text}, which can't be read from here`);
  }
  return null;
}

function source(call: Call): Output {
  const file = call.words[call.texts[0] === '--' ? 1 : 0];
  // In place: what it sets stays set in this shell.
  const frame = deeper(call.frame, call.name, { state: call.shell });
  return file === undefined ? '' : runFile(call, file, [], frame);
}

function evaluate(call: Call): Output {
  const words = call.texts[0] === '--' ? call.words.slice(1) : call.words;
  const frame = deeper(call.frame, 'eval', { state: call.shell });
  const asText = words.map((word) =>
    word.map((piece) =>
      piece.kind === 'glob'
        ? ({ kind: 'text', text: piece.pattern, quoted: false } as const)
        : piece,
    ),
  );
  return words.length === 0 ? '' : call.run.runWord(joinWords(asText), frame, 'eval');
}

/** `su [options] [-] [user] [-c text | words for the shell]`; runuser -u runs words instead. */
function su(call: Call): Output {
  const read = readOptions(call.words, optionGrammar(call.name), false);
  const text = optionValue(read, '-c', '--command', '--session-command');
  const frame = subshell(call.frame, text === undefined ? call.name : `${call.name} -c`);
  const isLogin = (word: Word) => exactText(word) === '-';
  const operands = read.operands.map(({ word }) => word).filter((word) => !isLogin(word));
  if (hasOption(read, '-l', '--login') || read.operands.some(({ word }) => isLogin(word))) {
    const user = operands[0] === undefined ? undefined : exactText(operands[0]);
    frame.state.moveTo(user === null ? null : [user === undefined ? '~root' : `~${user}`], true);
  }
  if (text !== undefined && text !== null) return call.run.runWord(text, frame, `${call.name} -c`);
  if (call.name === 'runuser' && hasOption(read, '-u', '--user')) {
    const start = readOptions(call.words, optionGrammar('runuser'), true).end;
    return call.run.runWords(call.words.slice(start), frame, true);
  }
  const words = operands.slice(1);
  if (words.length > 0) return call.run.runWords([literal('sh'), ...words], frame, true);
  return shellInput(call, frame);
}

/** `newgrp [-] [group]` and `sg [-] group [-c text]`: a shell, as newgrp's own. */
function newGroup(call: Call): Output {
  const frame = subshell(call.frame, call.name);
  if (call.name === 'newgrp') return shellInput(call, frame);
  const words = call.words.filter((_, index) => !/^(-|-c|--)$/.test(call.texts[index] ?? ''));
  const text = words.slice(1);
  // Another program of that name has options there.
  if (exactText(text[0] ?? [])?.startsWith('-') === true) return null;
  return text.length === 0
    ? shellInput(call, frame)
    : call.run.runWord(joinWords(text), frame, 'sg');
}

function script(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('script'), false);
  const text = optionValue(read, '-c', '--command');
  if (text !== undefined && text !== null) {
    return call.run.runWord(text, subshell(call.frame, 'script -c'), 'script -c');
  }
  const dashes = call.texts.indexOf('--');
  const words = dashes < 0 ? [] : call.words.slice(dashes + 1);
  // Newer versions take a command behind `--`; older ones take a file there.
  if (words.length > 1) call.run.runWords(words, subshell(call.frame, 'script'), true);
  return shellInput(call, subshell(call.frame, 'script'));
}

/** at and batch read the program from standard input or a file. */
function at(call: Call): Output {
  const read = readOptions(call.words, { ...NO_VALUES, short: 'fqt' }, false);
  const file = optionValue(read, '-f');
  if (file !== undefined && file !== null) {
    return runFile(call, file, [], subshell(call.frame, call.name));
  }
  if (call.texts.some((text) => text !== null && /^-[lrdcV]/.test(text))) return null;
  return shellInput(call, subshell(call.frame, call.name));
}

function crontab(call: Call): Output {
  const read = readOptions(call.words, { ...NO_VALUES, short: 'uT' }, false);
  if (hasOption(read, '-l')) return { words: [[unknown(INSTALLED, true)]], single: false };
  if (hasOption(read, '-r', '-T', '-V', '-e')) return null;
  const file = read.operands.map(({ word }) => word).find((word) => exactText(word) !== '-');
  const process = file?.find((piece) => piece.kind === 'process');
  let { input } = call.frame;
  if (process?.kind === 'process') input = inputOf(process.reads, 'a command');
  else if (file !== undefined) input = fileInput(file, call.frame);
  const lines =
    input.kind === 'unknown' && input.lines !== undefined
      ? { words: input.lines, single: false }
      : null;
  if (!crontabOf(input.kind === 'text' ? input.text : lines, false, call.frame, call.run)) {
    call.run.uncertain("crontab installs commands that can't be known");
  }
  return '';
}

/** tmux and screen: commands for windows of their own. */
function multiplexer(call: Call): Output {
  return call.name === 'tmux' ? tmux(call) : screen(call);
}

/** `tmux [options] command [\; command]…` */
function tmux(call: Call): Output {
  let start = readOptions(call.words, optionGrammar('tmux'), true).end;
  for (let at = start; at <= call.words.length; at++) {
    const isEnd = at === call.words.length || /^;$|[^\\];$/.test(call.texts[at] ?? '');
    if (!isEnd) continue;
    if (!call.run.spend(1)) break;
    tmuxCommand(call, call.words.slice(start, at));
    start = at + 1;
  }
  return null;
}

function tmuxCommand(call: Call, words: readonly Word[]): void {
  const name = exactText(words[0] ?? []) ?? '';
  if (!MULTIPLEXER_COMMANDS.has(name)) return;
  const read = readOptions(words.slice(1), MULTIPLEXER_OPTIONS, true);
  const rest = words.slice(1 + read.end);
  const frame = subshell(call.frame, call.name);
  if (name.startsWith('send')) {
    call.run.uncertain('tmux types keys into another window');
    const keys = rest.filter((word) => !/^(Enter|C-[mj]|KPEnter)$/i.test(exactText(word) ?? ''));
    typed(call, keys.map((word) => exactText(word) ?? '').join(name === 'send' ? ' ' : ''));
    if (keys.length > 1) typed(call, keys.map((word) => exactText(word) ?? '').join(' '));
    return;
  }
  // Several words are a command of their own, one is text for a shell.
  if (rest.length === 1) call.run.runWord(rest[0], frame, call.name);
  else if (name.startsWith('if')) {
    call.run.runWord(rest[0], frame, call.name);
    for (const word of rest.slice(1)) call.run.runText(`tmux ${exactText(word) ?? ''}`, frame);
  } else if (rest.length > 1) call.run.runWord(joinWords(rest), frame, call.name);
}

/** Keys for another window: a shell may be there. */
function typed(call: Call, keys: string): void {
  const text = keys.replace(/\\n|\\r|\^M|\\015|\\012/g, '\n');
  if (text.trim() !== '') call.run.runText(text, subshell(call.frame, call.name));
}

function screen(call: Call): Output {
  const { texts, words } = call;
  const at = texts.indexOf('-X');
  if (at >= 0) {
    const name = texts[at + 1];
    const rest = words.slice(at + 2);
    call.run.uncertain('screen sends a command to another window');
    if (name === 'stuff') typed(call, rest.map((word) => exactText(word) ?? '').join(' '));
    else if (name === 'exec' || name === 'screen') {
      const command = rest.slice(readOptions(rest, MULTIPLEXER_OPTIONS, true).end);
      if (command.length > 0) call.run.runWords(command, subshell(call.frame, 'screen'), true);
    }
    return null;
  }
  const read = readOptions(words, optionGrammar('screen'), true);
  const rest = words.slice(read.end);
  return rest.length === 0 ? null : call.run.runWords(rest, subshell(call.frame, 'screen'), true);
}

const MULTIPLEXER_OPTIONS = { ...NO_VALUES, short: 'censxytF' };
const MULTIPLEXER_COMMANDS = new Set(
  (
    'new new-session new-window neww split-window splitw respawn-pane respawnp run-shell run send-keys send ' +
    'if-shell if pipe-pane display-popup popup'
  ).split(' '),
);

export const SHELL_PROGRAMS: Readonly<Record<string, Program>> = {
  ...Object.fromEntries(SHELLS.split(' ').map((name) => [name, shell])),
  '.': source,
  source,
  eval: evaluate,
  su,
  runuser: su,
  sg: newGroup,
  newgrp: newGroup,
  script,
  at,
  batch: at,
  crontab,
  tmux: multiplexer,
  screen: multiplexer,
};
