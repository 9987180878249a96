/**
 * Programs that run a command for each thing that they find or read: find, fd, xargs, parallel. Not
 * caught here: what a search finds beyond its starting points and name.
 */
import { onlyReads } from '../file-readers.ts';
import { optionGrammar, type OptionGrammar } from '../option-table.ts';
import { hasOption, leading, optionValue, readOptions, type ReadOptions } from '../options.ts';
import { baseName } from '../path.ts';
import { globPatterns, meet } from '../pattern.ts';
import { fileInput } from '../redirect.ts';
import type { Call, Frame, Output, Program } from '../runner.ts';
import { inputOf, subshell } from '../runner.ts';
import type { Input } from '../state.ts';
import { exactText, joinWords, literal, replaceInWord, showWord, unknown } from '../word.ts';
import type { Word } from '../word.ts';

const MAX_ITEMS = 48;
/** Sources of items (`:::`) that are combined; more of them are left out of the command line. */
const MAX_SOURCES = 6;
const SLASH = { kind: 'text', text: '/', quoted: true } as const;
const NO_INPUT: Input = { kind: 'text', text: '' };

/** Where a `find` starts and what it would find there, as words with open ends. */
export function foundWords(words: readonly Word[]): {
  readonly starts: readonly Word[];
  readonly found: readonly Word[];
} {
  const starts: Word[] = [];
  let index = 0;
  while (/^-([HLP]|O\d?|D)$/.test(exactText(words[index] ?? []) ?? '')) index++;
  for (; index < words.length; index++) {
    const word = words[index] as Word;
    if (/^[-(!]/.test(exactText(word) ?? '.')) break;
    starts.push(word);
  }
  if (starts.length === 0) starts.push(literal('.'));
  const at = words.findIndex((word) => exactText(word) === '-name');
  // A test that is turned round, or one of two, leaves other names as well.
  const isOpen = words.some((word) => /^(?:!|-not|-o|-or|,)$/.test(exactText(word) ?? ''));
  const name = at < 0 || isOpen ? null : exactText(words[at + 1] ?? []);
  const found = starts.flatMap((start): Word[] => {
    const text = exactText(start);
    const below: Word = text?.endsWith('/') === true ? start : [...start, SLASH];
    const inside: Word = [...below, { kind: 'tree' }];
    if (name === null) return [start, inside];
    const own = text === null ? '' : baseName(text.replace(/\/+$/, ''));
    const isOwn = globPatterns(name).some((one) => meet(one, own));
    const named: Word = [...inside, { kind: 'glob', pattern: name }];
    return isOwn ? [start, named] : [named];
  });
  return { starts, found };
}

function find(call: Call): Output {
  const from = call.texts.indexOf('-files0-from');
  if (from >= 0) return findFrom(call, from);
  const { found } = foundWords(call.words);
  for (let index = 0; index < call.words.length; index++) {
    const flag = call.texts[index];
    if (flag === null || flag === undefined || !/^-(exec|execdir|ok|okdir)$/.test(flag)) continue;
    let end = index + 1;
    const isEnd = (at: number) =>
      call.texts[at] === ';' || (call.texts[at] === '+' && call.texts[at - 1] === '{}');
    while (end < call.words.length && !isEnd(end)) end++;
    const command = call.words.slice(index + 1, end);
    for (const path of found) {
      const words = command.map((word) => replaceInWord(word, '{}', path));
      const frame = subshell(call.frame, `find ${flag}`, { input: NO_INPUT });
      if (words.length > 0) call.run.runWords(words, frame, true);
    }
    index = end;
  }
  return null;
}

/** `find -files0-from FILE …`: the starting points are in a file or in the input. */
function findFrom(call: Call, at: number): Output {
  const file = call.words[at + 1];
  const input =
    file === undefined || exactText(file) === '-' ? call.frame.input : itemsOf(file, call.frame);
  if (input.kind !== 'text') {
    call.run.uncertain("where find starts can't be known");
    return null;
  }
  const starts = input.text.split(/[\0\n]/).filter((start) => start !== '');
  if (starts.length > MAX_ITEMS)
    call.run.uncertain('find starts in more places than can be followed');
  if (call.texts.lastIndexOf('-files0-from') !== at) {
    call.run.uncertain('find is told twice where to start');
    return null;
  }
  const rest = [...call.words.slice(0, at), ...call.words.slice(at + 2)];
  const words = [literal('find'), ...starts.slice(0, MAX_ITEMS).map(literal), ...rest];
  return call.run.runWords(words, subshell(call.frame, 'find -files0-from'), true);
}

const FD_OPTIONS: OptionGrammar = {
  short: 'dtenEScojx',
  sometimes: '',
  long: new Set(
    'max-depth min-depth exact-depth type extension exclude size changed-within changed-before owner threads color glob base-directory max-results'.split(
      ' ',
    ),
  ),
};

function fd(call: Call): Output {
  const at = call.texts.findIndex((text) => /^(-x|-X|--exec|--exec-batch)$/.test(text ?? ''));
  if (at < 0) return null;
  const before = call.words.slice(0, at);
  const [, ...places] = readOptions(before, FD_OPTIONS, false).operands.map(({ word }) => word);
  const start = places.length === 0 ? literal('.') : (places[0] ?? literal('.'));
  const found: Word = [...start, SLASH, { kind: 'tree' }];
  for (const place of places.slice(1)) fdIn(call, at, [...place, SLASH, { kind: 'tree' }]);
  return fdIn(call, at, found);
}

function fdIn(call: Call, at: number, found: Word): Output {
  const command = call.words.slice(at + 1).map((word) => replaceInWord(word, '{}', found));
  const named = command.some((word) => word.some((piece) => piece.kind === 'tree'));
  return runItem(call, named ? command : [...command, found], 'fd -x');
}

function runItem(call: Call, words: readonly Word[], via: string): Output {
  if (words.length === 0) return null;
  call.run.runWords(words, subshell(call.frame, via, { input: NO_INPUT }), true);
  return null;
}

function xargs(call: Call): Output {
  // `-i`, `-e` and `-l` take their value only in the same word.
  const fixed = call.words.map((word, index): Word =>
    call.texts[index] === '-i' || call.texts[index] === '--replace' ? literal('-I{}') : word,
  );
  const read = readOptions(fixed, optionGrammar('xargs'), true);
  const mark = optionValue(read, '-I', '--replace');
  const file = optionValue(read, '-a', '--arg-file');
  if (hasOption(read, '--help', '--version', '--show-limits')) return null;
  const input = file === undefined || file === null ? call.frame.input : itemsOf(file, call.frame);
  const rest = call.words.slice(read.end);
  const command = rest.length === 0 ? [literal('echo')] : rest;
  const placeholder = mark === undefined || mark === null ? null : exactText(mark);
  if (input.kind !== 'text') {
    const any: Word = [unknown('xargs takes it from its input', placeholder === null)];
    const isWhole = hasOption(read, '-0', '--null');
    const items = itemsIn(input, isWhole || onlyReads(command)) ?? [any];
    if (placeholder === null) return runItem(call, [...command, ...items], 'xargs');
    if (items.length > MAX_ITEMS)
      call.run.uncertain('xargs runs more commands than can be followed');
    for (const item of items.slice(0, MAX_ITEMS)) {
      const words = command.map((word) => replaceInWord(word, placeholder, item));
      runItem(call, words, 'xargs');
    }
    return null;
  }
  const separator = input.text.includes('\0') ? '\0' : '\n';
  const lines = input.text.split(separator).filter((line) => line.trim() !== '');
  if (placeholder !== null) {
    if (lines.length > MAX_ITEMS)
      call.run.uncertain('xargs runs more commands than can be followed');
    for (const line of lines.slice(0, MAX_ITEMS)) {
      const value = literal(separator === '\0' ? line : splitQuoted(line.trim()).join(' '));
      runItem(
        call,
        command.map((word) => replaceInWord(word, placeholder, value)),
        'xargs',
      );
    }
    return null;
  }
  const delimiter = hasOption(read, '-0', '--null', '-d', '--delimiter');
  const items = delimiter ? lines : lines.flatMap(splitQuoted);
  return runItem(call, [...command, ...items.map(literal)], 'xargs');
}

/** What lies below a directory that is named as a whole is known well enough to be refused. */
function isAbsolute(word: Word): boolean {
  return leading(word).startsWith('/');
}

/**
 * The words that lines which aren't known one by one may give; undefined = any.
 * @param isWhole a blank in a name splits nothing, or nothing that matters
 */
function itemsIn(input: Input, isWhole: boolean): readonly Word[] | undefined {
  if (input.kind !== 'unknown' || input.lines === undefined) return undefined;
  const isDeep = input.lines.some((word) => word.some((piece) => piece.kind === 'tree'));
  const any: Word = [unknown('xargs takes it from its input', true)];
  if (isDeep) return isWhole ? input.lines : [...input.lines.filter(isAbsolute), any];
  // A piece of a name that was split holds no `/` either.
  return isWhole ? input.lines : [...input.lines, [{ kind: 'number' }]];
}

/** What a file or a process substitution with items holds. */
function itemsOf(file: Word, frame: Frame): Input {
  const process = file.find((piece) => piece.kind === 'process');
  if (process?.kind === 'process') return inputOf(process.reads, 'a command');
  return fileInput(file, frame);
}

/** Words as xargs reads them: blanks, quotes, backslashes. */
function splitQuoted(line: string): string[] {
  const words: string[] = [];
  let current: string | null = null;
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const char = line[index] as string;
    if (quote !== '') {
      if (char === quote) quote = '';
      else current = (current ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      current ??= '';
    } else if (char === '\\') current = (current ?? '') + (line[++index] ?? '');
    else if (/\s/.test(char)) {
      if (current !== null) words.push(current);
      current = null;
    } else current = (current ?? '') + char;
  }
  if (current !== null) words.push(current);
  return words;
}

/** `:::` introduces items, `::::` files of items; a `+` links them to the ones before. */
const SOURCE = /^::::?\+?$/;

function parallel(call: Call): Output {
  const at = call.texts.findIndex((text) => SOURCE.test(text ?? ''));
  const before = at < 0 ? call.words : call.words.slice(0, at);
  const read = readOptions(before, optionGrammar('parallel'), true);
  const informs = ['--help', '--version', '--citation', '--dry-run', '--dryrun', '--dr'];
  if (hasOption(read, ...informs)) return null;
  const command = joinWords(before.slice(read.end));
  // The input goes to the command then, as blocks.
  if (at < 0 && hasOption(read, '--pipe', '--pipepart', '--pipe-part', '--spreadstdin')) {
    return call.run.runWord(command, subshell(call.frame, 'parallel'), 'parallel');
  }
  const sources = parallelItems(call, at, read);
  const replaced = exactText(optionValue(read, '-I') ?? []) ?? '';
  const marks = [...MARKS, ...(replaced === '' ? [] : [replaced])];
  const runs = combinations(sources);
  if (runs.length > MAX_ITEMS)
    call.run.uncertain('parallel runs more commands than can be followed');
  for (const items of runs.slice(0, MAX_ITEMS)) {
    const frame = subshell(call.frame, 'parallel', { input: NO_INPUT });
    if (command.length === 0) call.run.runWord(joinWords(items), frame, 'parallel');
    else runTemplate(call, command, items, marks, frame);
  }
  return null;
}

/** Each source of items; one of something unknown where a source isn't known. */
function parallelItems(call: Call, at: number, read: ReadOptions): (readonly Word[])[] {
  const file = optionValue(read, '-a', '--arg-file');
  if (at < 0) {
    return [
      itemWords(file === undefined || file === null ? call.frame.input : itemsOf(file, call.frame)),
    ];
  }
  const sources: Word[][] = [];
  let isFile = false;
  call.words.slice(at).forEach((word, index) => {
    const text = call.texts[at + index] ?? '';
    if (SOURCE.test(text)) {
      isFile = text.startsWith('::::');
      sources.push([]);
    } else if (isFile) sources.at(-1)?.push(...itemWords(itemsOf(word, call.frame)));
    else sources.at(-1)?.push(word);
  });
  return sources.filter((source) => source.length > 0);
}

function itemWords(input: Input): Word[] {
  const any: Word = [unknown('parallel takes it from its input', true)];
  if (input.kind === 'unknown') return [...(input.lines ?? []).filter(isAbsolute), any];
  if (input.kind !== 'text') return [any];
  return input.text.split('\n').filter(Boolean).map(literal);
}

/** One item of each source, in every combination; more than are followed are cut off. */
function combinations(sources: readonly (readonly Word[])[]): Word[][] {
  let rows: Word[][] = [[]];
  for (const source of sources.slice(0, MAX_SOURCES)) {
    rows = rows.flatMap((row) => source.slice(0, MAX_ITEMS + 1).map((item) => [...row, item]));
    rows = rows.slice(0, MAX_ITEMS + 1);
  }
  return sources.length === 0 ? [] : rows;
}

/** Marks that stand for the item: `{}`, `{.}`, `{/}`, `{1}`, `{1.}` and so on. */
const MARKS = ['{}', '{.}', '{/}', '{//}', '{/.}', '{= =}'];

/** The command line of parallel is shell text; an item that isn't known stays a variable in it. */
function runTemplate(
  call: Call,
  command: Word,
  items: readonly Word[],
  marks: readonly string[],
  frame: Frame,
): void {
  const text = exactText(command);
  if (text === null) {
    call.run.uncertain(`the command of parallel (${showWord(command)}) can't be known`);
    return;
  }
  const shown = items.map((item, index) => {
    const value = exactText(item);
    if (value !== null) return value;
    frame.state.setWord(`SALLYPORT_PIECE_${index}`, item);
    return `\${SALLYPORT_PIECE_${index}}`;
  });
  const all = shown.join(' ');
  const positions = /\{(\d{1,2})[./]*\}/g;
  const isTemplate = positions.test(text) || marks.some((mark) => text.includes(mark));
  let line = isTemplate ? text : `${text} ${all}`;
  for (const mark of marks) line = line.replaceAll(mark, () => all);
  line = line.replace(positions, (mark, number: string) => shown[Number(number) - 1] ?? mark);
  call.run.runText(line, frame);
}

export const COLLECTING_PROGRAMS: Readonly<Record<string, Program>> = {
  find,
  gfind: find,
  fd,
  fdfind: fd,
  xargs,
  gxargs: xargs,
  parallel,
  sem: parallel,
};
