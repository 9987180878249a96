/**
 * Builtins that change what later commands of the session mean. Not caught here: options of the shell
 * that change its grammar (`set -o`, `setopt`).
 */
import { changeDirectory } from '../directory.ts';
import { NO_VALUES } from '../option-table.ts';
import { hasOption, optionValue, readOptions } from '../options.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { remember, valuesIn } from '../state.ts';
import { exactText, literal, unknown } from '../word.ts';
import type { Word } from '../word.ts';
import { formatPrintf } from './text.ts';

function cd(call: Call): Output {
  const read = readOptions(call.words, NO_VALUES, true);
  const word = call.words[read.end];
  if (word === undefined) {
    if (call.name === 'cd') changeDirectory(literal('~'), call.shell);
    else call.shell.moveTo(null, true);
  } else changeDirectory(exactText(word) === '-' ? null : word, call.shell);
  return '';
}

function popd(call: Call): Output {
  call.shell.moveTo(null, true);
  return '';
}

function execute(call: Call): Output {
  const read = readOptions(call.words, { ...NO_VALUES, short: 'a' }, true);
  const rest = call.words.slice(read.end);
  if (rest.length > 0) return call.run.runWords(rest, subshell(call.frame, 'exec'), true);
  for (const [descriptor, input] of call.descriptors) {
    if (call.shell.descriptors.size < MAX_DESCRIPTORS)
      call.shell.descriptors.set(descriptor, input);
    if (descriptor === 0) call.shell.input = input;
  }
  return '';
}

const MAX_DESCRIPTORS = 256;

function trap(call: Call): Output {
  const words = call.texts[0] === '--' ? call.words.slice(1) : call.words;
  const first = words[0];
  if (first === undefined || words.length < 2 || exactText(first)?.startsWith('-') === true)
    return '';
  const text = exactText(first);
  if (text !== null) remember(call.shell.traps, text, valuesIn(text, call.shell));
  call.run.runWord(first, subshell(call.frame, 'trap'), 'trap');
  return '';
}

function alias(call: Call): Output {
  for (const text of call.texts) {
    if (text === null) call.run.uncertain("an alias is set to something that can't be known");
    const at = text?.indexOf('=') ?? -1;
    if (text !== null && at > 0)
      remember(call.shell.aliases, text.slice(0, at), text.slice(at + 1));
  }
  return '';
}

function unalias(call: Call): Output {
  // `-a` too: an alias that is still followed makes the reading stricter, never laxer.
  for (const text of call.texts) if (text !== null) call.shell.aliases.delete(text);
  return '';
}

function setOptions(call: Call): Output {
  const at = call.texts.indexOf('--');
  if (at >= 0) call.shell.positional = call.words.slice(at + 1);
  else if (call.words.length > 0 && !/^[-+]/.test(call.texts[0] ?? '-')) {
    call.shell.positional = call.words;
  }
  return '';
}

function shift(call: Call): Output {
  const by = Number(call.texts[0] ?? '1');
  const { positional } = call.shell;
  if (positional !== null)
    call.shell.positional = Number.isInteger(by) ? positional.slice(by) : null;
  return '';
}

function hash(call: Call): Output {
  const at = call.texts.indexOf('-p');
  const path = call.texts[at + 1];
  const name = call.texts[at + 2];
  if (at >= 0 && typeof path === 'string' && typeof name === 'string') {
    remember(call.shell.hashed, name, path);
  }
  return '';
}

function declare(call: Call): Output {
  const reference = call.texts.some((text) => text !== null && /^-\w*n/.test(text));
  for (const node of call.written) {
    if (node.type !== 'Assignment') continue;
    if (node.value.type === 'ArrayValue') {
      const words = node.value.elements.flatMap((element) => call.run.expand(element, call.frame));
      const keyed = node.value.elements.some((element) => /^\[.*\]=/.test(element.text));
      if (!keyed) call.shell.setVariable(node.name, { kind: 'array', words });
      continue;
    }
    const word = call.run.expandWhole(node.value, call.frame);
    const target = exactText(word);
    if (reference && target !== null) {
      call.shell.setVariable(node.name, { kind: 'reference', name: target });
    } else call.run.assign(node.name, word, { ...call.frame, state: call.shell });
  }
  if (call.written.length > 0) return '';
  // Behind a wrapper (`command export x=y`) the words are all there is.
  for (const text of call.texts) {
    const at = text?.indexOf('=') ?? -1;
    if (text !== null && at > 0) {
      call.run.assign(text.slice(0, at), literal(text.slice(at + 1)), {
        ...call.frame,
        state: call.shell,
      });
    }
  }
  return '';
}

function unset(call: Call): Output {
  for (const text of call.texts) {
    if (text === null || text.startsWith('-')) continue;
    if (call.texts[0] !== '-f') call.shell.setWord(text, []);
  }
  return '';
}

function read(call: Call): Output {
  const options = readOptions(call.words, { ...NO_VALUES, short: 'adinNptu' }, true);
  const names = call.words.slice(options.end).map(exactText);
  const { input } = call.frame;
  const why = 'it is read from the input';
  const array = optionValue(options, '-a');
  if (array !== undefined) names.push(array === null ? null : exactText(array));
  if (input.kind !== 'text' || hasOption(options, '-d', '-n', '-N', '-u', '-a')) {
    for (const name of names.length > 0 ? names : ['REPLY']) {
      if (name !== null) call.shell.setWord(name, [unknown(why, true)]);
    }
    return '';
  }
  const fields = (input.text.split('\n')[0] ?? '').trim().split(/\s+/);
  const line = (input.text.split('\n')[0] ?? '').trim();
  if (names.length === 0) call.shell.setWord('REPLY', plain(line));
  names.forEach((name, index) => {
    const last = index === names.length - 1;
    const value = last ? fields.slice(index).join(' ') : (fields[index] ?? '');
    if (name !== null) call.shell.setWord(name, plain(value));
  });
  return '';
}

function plain(text: string): Word {
  return [{ kind: 'text', text, quoted: false }];
}

function mapfile(call: Call): Output {
  const name = call.texts.at(-1) ?? 'MAPFILE';
  const { input } = call.frame;
  const words =
    input.kind === 'text'
      ? input.text.replace(/\n$/, '').split('\n').map(literal)
      : [[unknown('it is read from the input', true)]];
  call.shell.setVariable(name.startsWith('-') ? 'MAPFILE' : name, { kind: 'array', words });
  return '';
}

function getopts(call: Call): Output {
  const name = call.texts[1];
  if (typeof name === 'string') call.shell.setWord(name, [unknown('it is an option', true)]);
  return '';
}

function printf(call: Call): Output {
  const words = call.texts[0] === '--' ? call.texts.slice(1) : call.texts;
  if (words[0] !== '-v') return formatPrintf(words);
  const name = words[1];
  const output = formatPrintf(words.slice(2));
  const value: Word = output === null ? [unknown('printf made it', true)] : plain(output);
  if (typeof name === 'string') call.run.assign(name, value, { ...call.frame, state: call.shell });
  return '';
}

/** Builtins that load code or make it run later; keys that type, or that submit a line. */
function loads(call: Call): Output {
  const risky: Readonly<Record<string, RegExp>> = {
    enable: /^-\w*f/,
    bind: /^-\w*[xf]|:\s*["']|accept-line|operate-and-get-next|edit-and-execute|insert-comment/,
    complete: /^-[CF]$/,
  };
  const pattern = risky[call.name];
  if (call.texts.some((text) => text === null || pattern?.test(text) === true)) {
    call.run.uncertain(`${call.name} makes the shell run code later`);
  }
  return '';
}

function silent(): Output {
  return '';
}

/** Runs an earlier command again, perhaps with other words in it. */
function fixCommand(call: Call): Output {
  const lists = call.texts.some((text) => text !== null && /^-\w*l/.test(text));
  if (!lists) call.run.uncertain('fc runs an earlier command again');
  return null;
}

/** A terminal that changes letters or ends lines at other keys hides what is typed. */
function stty(call: Call): Output {
  const risky =
    /^-?(?:iuclc|olcuc|xcase|lcase|LCASE|istrip|cooked7|eof|eol2?)$|^[\da-f]+(?::[\da-f]+){9}/;
  if (call.texts.some((text) => text !== null && risky.test(text))) {
    call.run.uncertain('stty changes what is read from the keys');
  }
  return null;
}

export const BUILTINS: Readonly<Record<string, Program>> = {
  cd,
  pushd: cd,
  chdir: cd,
  popd,
  exec: execute,
  trap,
  alias,
  unalias,
  set: setOptions,
  shift,
  hash,
  declare,
  typeset: declare,
  local: declare,
  readonly: declare,
  export: declare,
  unset,
  read,
  mapfile,
  readarray: mapfile,
  getopts,
  printf,
  enable: loads,
  bind: loads,
  complete: loads,
  fc: fixCommand,
  stty,
  true: silent,
  false: silent,
  ':': silent,
  shopt: silent,
};
