/**
 * Programs that turn known text into known text, so that a pipe into a shell can be read: echo, printf,
 * cat, base64, xxd, tr, rev, head … Not caught here: programs in sed, awk or perl; their output is
 * unknown.
 */
import { plainEscape } from '../escape.ts';
import { MAX_VALUE_CHARACTERS } from '../limits.ts';
import { optionGrammar } from '../option-table.ts';
import { hasOption, optionValue, readOptions } from '../options.ts';
import { fileInput } from '../redirect.ts';
import type { Call, Output, Program } from '../runner.ts';
import { exactText } from '../word.ts';

/** Backslash escapes of `echo -e` and `printf` (bash manual, builtins). */
function unescape(text: string): string {
  return text.replace(
    /\\(x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|0[0-7]{0,3}|[1-7][0-7]{0,2}|[abeEfnrtv\\'"])/g,
    (_, code: string) => {
      const isOctal = /^[0-7]/.test(code);
      return isOctal ? String.fromCharCode(Number.parseInt(code, 8) & 0xff) : plainEscape(code);
    },
  );
}

const MAX_FORMAT_ROUNDS = 200;

/** What printf prints; null when a word isn't known. */
export function formatPrintf(words: readonly (string | null)[]): string | null {
  const format = words[0];
  if (format === null || format === undefined || words.includes(null)) return null;
  const rest = words.slice(1) as string[];
  const escaped = unescape(format);
  let output = '';
  for (let round = 0; round < MAX_FORMAT_ROUNDS; round++) {
    let used = false;
    output += escaped.replace(
      /%(%|[-0 +#]*(\d{0,3})(?:\.\d{1,3})?([sbdiucxXq]))/g,
      (_, whole: string, width: string, kind: string | undefined) => {
        if (whole === '%') return '%';
        used = true;
        const value = rest.shift() ?? '';
        return formatValue(kind ?? 's', value).padStart(Number(width));
      },
    );
    if (!used || rest.length === 0) break;
    if (output.length > MAX_VALUE_CHARACTERS) return null;
  }
  return output;
}

function formatValue(kind: string, value: string): string {
  if (kind === 'b') return unescape(value);
  if (kind === 'c') return value.slice(0, 1);
  if (kind === 'x') return Number(value).toString(16);
  if (kind === 'X') return Number(value).toString(16).toUpperCase();
  return value;
}

function echo(call: Call): Output {
  let index = 0;
  let newline = true;
  let escapes = false;
  for (; /^-[neE]+$/.test(call.texts[index] ?? ''); index++) {
    const flags = call.texts[index] ?? '';
    if (flags.includes('n')) newline = false;
    if (flags.includes('e')) escapes = true;
  }
  const rest = call.texts.slice(index);
  if (rest.includes(null)) return null;
  const text = rest.join(' ');
  return (escapes ? unescape(text) : text) + (newline ? '\n' : '');
}

/** The known text that the program reads: its operands as files, or its standard input. */
function textRead(call: Call): string | null {
  const read = readOptions(call.words, optionGrammar(call.name), false);
  let text = '';
  if (read.operands.length === 0)
    return call.frame.input.kind === 'text' ? call.frame.input.text : null;
  for (const { word } of read.operands) {
    const process = word.find((piece) => piece.kind === 'process');
    let input = exactText(word) === '-' ? call.frame.input : fileInput(word, call.frame);
    if (process?.kind === 'process' && process.reads !== null) {
      input = { kind: 'text', text: process.reads };
    }
    if (input.kind !== 'text') return null;
    text += input.text;
    if (text.length > MAX_VALUE_CHARACTERS) return null;
  }
  return text;
}

/** A program that rewrites the text that it reads; `flags` are the only options that it may have. */
/** Characters that a filter reads in one step. */
const CHARACTERS_PER_STEP = 128;

function filter(flags: string, change: (text: string, call: Call) => Output): Program {
  return (call) => {
    const read = readOptions(call.words, optionGrammar(call.name), false);
    const plain = read.options.every(({ name }) => flags.split(' ').includes(name));
    const text = plain ? textRead(call) : null;
    // Long texts through long rows of filters.
    if (text === null || !call.run.spend(Math.floor(text.length / CHARACTERS_PER_STEP)))
      return null;
    return change(text, call);
  };
}

function lines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function joinLines(list: readonly string[]): string {
  return list.map((line) => `${line}\n`).join('');
}

function decodes(call: Call): boolean {
  return call.texts.some((text) => /^(-d|-D|--decode|--d|--de|--dec|-di|-id)$/.test(text ?? ''));
}

function base(encoding: 'base64' | 'base32'): Program {
  return (call) => {
    const flags = call.words.filter((_, index) => call.texts[index]?.startsWith('-') !== true);
    const text = textRead({ ...call, words: flags, texts: flags.map(exactText) });
    if (text === null) return null;
    if (!decodes(call)) return encoding === 'base64' ? encodeBase64(text, call) : null;
    if (encoding === 'base64') return Buffer.from(text, 'base64').toString('latin1');
    return decodeBase32(text);
  };
}

function encodeBase64(text: string, call: Call): string {
  const whole = Buffer.from(text).toString('base64');
  const unwrapped = call.texts.some((flag) => flag === '-w0' || flag === '--wrap=0');
  return unwrapped ? whole : `${whole.replace(/.{76}(?=.)/g, '$&\n')}\n`;
}

function decodeBase32(text: string): string {
  let bits = '';
  for (const char of text.replace(/[=\s]/g, '')) {
    const value = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char);
    if (value >= 0) bits += value.toString(2).padStart(5, '0');
  }
  return (bits.match(/.{8}/g) ?? [])
    .map((byte) => String.fromCharCode(Number.parseInt(byte, 2)))
    .join('');
}

function xxd(call: Call): Output {
  const reverse = call.texts.some((text) => text !== null && /^-[a-z]*r/.test(text));
  const plain = call.texts.some((text) => text !== null && /^-[a-z]*p/.test(text));
  const { input } = call.frame;
  if (!reverse || !plain || input.kind !== 'text') return null;
  return Buffer.from(input.text.replace(/\s/g, ''), 'hex').toString('latin1');
}

function tr(call: Call): Output {
  const { input } = call.frame;
  const [flag, ...others] = call.texts;
  if (input.kind !== 'text' || call.texts.includes(null)) return null;
  if (flag === '-d' && others.length === 1) {
    const set = expandSet(others[0] ?? '');
    return Array.from(input.text)
      .filter((char) => !set.includes(char))
      .join('');
  }
  if (call.texts.length !== 2 || flag?.startsWith('-') === true) return null;
  const from = expandSet(flag ?? '');
  const to = expandSet(others[0] ?? '');
  return Array.from(input.text, (char) => {
    const at = from.lastIndexOf(char);
    return at < 0 ? char : (to[Math.min(at, to.length - 1)] ?? char);
  }).join('');
}

function expandSet(text: string): string {
  const classes: Readonly<Record<string, string>> = {
    upper: 'A-Z',
    lower: 'a-z',
    digit: '0-9',
    space: ' \t\n\r\f\v',
  };
  return unescape(text)
    .replace(/\[:(\w+):\]/g, (all, name: string) => classes[name] ?? all)
    .replace(/(.)-(.)/gs, (all, from: string, to: string) => {
      let out = '';
      for (let code = from.charCodeAt(0); code <= to.charCodeAt(0) && out.length < 256; code++) {
        out += String.fromCharCode(code);
      }
      return out === '' ? all : out;
    });
}

function head(call: Call): Output {
  const text = textRead({
    ...call,
    words: call.words.filter((_, at) => !/^-\d+$/.test(call.texts[at] ?? '')),
  });
  const read = readOptions(call.words, optionGrammar(call.name), false);
  const given = optionValue(read, '-n', '--lines');
  const short = call.texts.find((word) => word !== null && /^-\d+$/.test(word))?.slice(1);
  const count = Number(
    short ?? (given === undefined || given === null ? '10' : (exactText(given) ?? 'x')),
  );
  if (text === null || !Number.isInteger(count) || hasOption(read, '-c', '--bytes')) return null;
  const all = lines(text);
  return joinLines(call.name === 'head' ? all.slice(0, count) : all.slice(-count));
}

function yes(call: Call): Output {
  if (call.texts.includes(null)) return null;
  return `${call.texts.length === 0 ? 'y' : call.texts.join(' ')}\n`.repeat(20);
}

function rot13(call: Call): Output {
  const { input } = call.frame;
  if (input.kind !== 'text') return null;
  return input.text.replace(/[a-z]/gi, (char) => {
    const start = char <= 'Z' ? 65 : 97;
    return String.fromCharCode(((char.charCodeAt(0) - start + 13) % 26) + start);
  });
}

function seq(call: Call): Output {
  const numbers = call.texts.map((text) =>
    text !== null && /^-?\d{1,6}$/.test(text) ? Number(text) : null,
  );
  const [first, second] = numbers;
  if (numbers.includes(null) || first === undefined || first === null || numbers.length > 2)
    return null;
  const from = numbers.length === 2 ? first : 1;
  const to = numbers.length === 2 ? (second ?? 0) : first;
  if (to - from > 500) return null;
  let output = '';
  for (let at = from; at <= to; at++) output += `${at}\n`;
  return output;
}

/** `dirname` and `basename` of words that are known. */
function pathPart(call: Call): Output {
  const read = readOptions(call.words, optionGrammar(call.name), false);
  const paths = read.operands.map(({ word }) => exactText(word));
  if (read.options.length > 0 || paths.includes(null) || paths.length === 0) return null;
  const [path = '', suffix] = paths.map((one) => (one ?? '').replace(/(?<=.)\/+$/, ''));
  if (call.name === 'basename') {
    const name = path === '/' ? path : path.slice(path.lastIndexOf('/') + 1);
    const cut =
      suffix !== undefined && suffix !== name && name.endsWith(suffix) ? suffix.length : 0;
    return `${name.slice(0, name.length - cut)}\n`;
  }
  return joinLines(
    paths.map((one) => {
      const whole = (one ?? '').replace(/(?<=.)\/+$/, '');
      const end = whole.lastIndexOf('/');
      if (end < 0) return '.';
      return whole.slice(0, end).replace(/\/+$/, '') || '/';
    }),
  );
}

export const TEXT_PROGRAMS: Readonly<Record<string, Program>> = {
  echo,
  yes,
  seq,
  xxd,
  tr,
  head,
  tail: head,
  base64: base('base64'),
  base32: base('base32'),
  rot13,
  dirname: pathPart,
  basename: pathPart,
  cat: filter('-u -v -e -t -E -T -A', (text) => text),
  tac: filter('', (text) => joinLines(lines(text).toReversed())),
  rev: filter('', (text) =>
    joinLines(lines(text).map((line) => Array.from(line).toReversed().join(''))),
  ),
  sort: filter('-u -r', (text, call) => {
    const sorted = lines(text).toSorted();
    return joinLines(call.texts.includes('-r') ? sorted.toReversed() : sorted);
  }),
  uniq: filter('', (text) =>
    joinLines(lines(text).filter((line, at, all) => line !== all[at - 1])),
  ),
};
