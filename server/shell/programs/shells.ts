/**
 * Programs that run shell text: the shells themselves and those that hand text to one. Not caught
 * here: script files that this session didn't write; they are uncertain unless they lie in a
 * directory of the system.
 */
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { hasOption, optionValue, readOptions } from '../options.ts';
import { absolutePath } from '../path.ts';
import { fileInput } from '../redirect.ts';
import type { Call, Frame, Output, Program } from '../runner.ts';
import { deeper, subshell } from '../runner.ts';
import { setPositional } from '../walk.ts';
import { exactText, joinWords } from '../word.ts';
import type { Word } from '../word.ts';

const SHELLS =
  'sh bash dash zsh ksh ksh93 mksh oksh yash ash rbash rzsh fish csh tcsh posh hush lksh pdksh bash5 elvish nu';

/** Directories that only an administrator writes to. */
const SYSTEM = /^\/(etc|usr|bin|sbin|lib|lib64|opt|nix|snap|run\/current-system)\//;

function shell(call: Call): Output {
  const { words, texts, name } = call;
  let index = 0;
  let takesText = false;
  let takesInput = false;
  for (; index < words.length; index++) {
    const text = texts[index];
    if (takesText && text === null) break;
    if (text === null || text === undefined) {
      call.run.uncertain(`the words of ${name} can't be known`);
      return null;
    }
    if (text === '--' || text === '-') {
      index++;
      break;
    }
    if (text === '--rcfile' || text === '--init-file') {
      call.run.uncertain(`${name} reads a start-up file`);
      index++;
    } else if (text === '--command' || text.startsWith('--command=')) {
      takesText = true;
      if (text.includes('=')) {
        return run(call, [{ kind: 'text', text: text.slice(10), quoted: true }], []);
      }
    } else if (/^[-+][A-Za-z]/.test(text) && !text.startsWith('--')) {
      if (text.startsWith('-') && text.includes('c')) takesText = true;
      if (text.startsWith('-') && text.includes('s')) takesInput = true;
      if (/[oO]$/.test(text)) index++;
    } else if (!text.startsWith('--')) break;
  }
  if (takesText) {
    if (texts[index] === '--') index++;
    return run(call, words[index], words.slice(index + 1));
  }
  const file = words[index];
  if (takesInput || file === undefined) return readsInput(call, words.slice(index));
  return runFile(call, file, words.slice(index), subshell(call.frame, name));
}

function run(call: Call, text: Word | undefined, rest: readonly Word[]): Output {
  if (text === undefined) return null;
  const frame = subshell(call.frame, `${call.name} -c`);
  frame.state.functions.clear();
  setPositional(frame.state, rest);
  return call.run.runWord(text, frame, `${call.name} -c`);
}

function readsInput(call: Call, rest: readonly Word[]): Output {
  const own = call.shell.input;
  const input = call.frame.input.kind === 'session' && !call.fed ? own : call.frame.input;
  const frame = subshell(call.frame, call.name, { input });
  setPositional(frame.state, [[{ kind: 'text', text: call.name, quoted: true }], ...rest]);
  return call.run.runInput(frame, call.name);
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
  const input = fileInput(file, call.frame);
  if (input.kind === 'text') {
    if (positional.length > 1) setPositional(frame.state, positional);
    return call.run.runText(input.text, frame);
  }
  if (path === null || !SYSTEM.test(path)) {
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

/** `su [options] [-] [user] [-c text | args]`, and runuser, which may also run words. */
function su(call: Call): Output {
  const read = readOptions(call.words, optionGrammar(call.name), false);
  const text = optionValue(read, '-c', '--command', '--session-command');
  const frame = subshell(call.frame, text === undefined ? call.name : `${call.name} -c`);
  if (hasOption(read, '-l', '--login') || call.texts.includes('-')) {
    const user = read.operands.map(({ word }) => exactText(word)).find((name) => name !== '-');
    frame.state.moveTo(user === null ? null : [user === undefined ? '~root' : `~${user}`], true);
  }
  if (text !== undefined && text !== null) return call.run.runWord(text, frame, `${call.name} -c`);
  if (call.name === 'runuser' && hasOption(read, '-u', '--user')) {
    const start = readOptions(call.words, optionGrammar('runuser'), true).end;
    return call.run.runWords(call.words.slice(start), frame, true);
  }
  return call.run.runInput(frame, call.name);
}

function sg(call: Call): Output {
  const at = call.texts.indexOf('-c');
  const text = at >= 0 ? call.words[at + 1] : call.words[1];
  return text === undefined ? null : call.run.runWord(text, subshell(call.frame, 'sg'), 'sg');
}

function script(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('script'), false);
  const text = optionValue(read, '-c', '--command');
  if (text !== undefined && text !== null) {
    return call.run.runWord(text, subshell(call.frame, 'script -c'), 'script -c');
  }
  return call.run.runInput(subshell(call.frame, 'script'), 'script');
}

/** at and batch read the program from standard input or a file. */
function at(call: Call): Output {
  if (call.texts.includes('-f')) {
    const file = call.words[call.texts.indexOf('-f') + 1];
    if (file !== undefined) return runFile(call, file, [], subshell(call.frame, call.name));
  }
  if (call.texts.some((text) => text !== null && /^-[lrdc]/.test(text))) return null;
  return call.run.runInput(subshell(call.frame, call.name), call.name);
}

function crontab(call: Call): Output {
  if (call.texts.some((text) => text === '-l' || text === '-r')) return null;
  const { input } = call.frame;
  const reads = call.texts.includes('-') || call.words.length === 0;
  if (!reads || input.kind !== 'text') {
    call.run.uncertain("crontab installs commands that can't be known");
    return null;
  }
  for (const line of input.text.split('\n')) {
    const command = /^\s*(?:@\w+|(?:[^\s#]\S*\s+){5})(.*)$/.exec(line)?.[1];
    if (command !== undefined && command !== '') {
      call.run.runText(
        command,
        subshell(call.frame, 'crontab', { input: { kind: 'text', text: '' } }),
      );
    }
  }
  return '';
}

/** tmux and screen: commands for windows of their own. */
function multiplexer(call: Call): Output {
  const { name, texts, words } = call;
  const at = texts.findIndex((text) => text !== null && MULTIPLEXER_COMMANDS.has(text));
  if (at >= 0) {
    const read = readOptions(words.slice(at + 1), MULTIPLEXER_OPTIONS, true);
    const rest = words.slice(at + 1 + read.end);
    if (texts[at]?.startsWith('send') === true) {
      call.run.uncertain(`${name} types keys into another window`);
      return null;
    }
    if (rest.length === 0) return null;
    return call.run.runWord(joinWords(rest), subshell(call.frame, name), name);
  }
  if (name === 'tmux') return null;
  if (texts.includes('-X')) {
    call.run.uncertain('screen sends a command to another window');
    return null;
  }
  const read = readOptions(words, optionGrammar('screen'), true);
  const rest = words.slice(read.end);
  return rest.length === 0 ? null : call.run.runWords(rest, subshell(call.frame, name), true);
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
  sg,
  script,
  at,
  batch: at,
  crontab,
  tmux: multiplexer,
  screen: multiplexer,
};
