/**
 * From a command to what it does to which paths, by the effects table. Not caught here: what a program
 * does to paths that its words don't name.
 */
import type { ResolvedCommand } from '../shell/command.ts';
import { NO_VALUES, optionGrammar } from '../shell/option-table.ts';
import { dropLeading, leading, readOptions, type ReadOptions } from '../shell/options.ts';
import { foundWords } from '../shell/programs/collect.ts';
import { exactText, literal, type Word } from '../shell/word.ts';
import { EFFECTS, IMPLIED_PATHS } from './effects-table.ts';
import { ACCESSES, type Access } from './policy.ts';

/** One path that a command reaches, and how. */
export interface Effect {
  readonly access: ReadonlySet<Access>;
  readonly word: Word;
  readonly tree: boolean;
  /** Where relative words start, if not where the command runs. */
  readonly directory: Word | null;
}

interface Entry {
  readonly operands: ReadonlySet<Access>;
  readonly last: ReadonlySet<Access>;
  readonly skip: number;
  readonly unless: readonly string[];
  readonly tree: readonly string[] | 'always';
  readonly options: ReadonlyMap<string, ReadonlySet<Access>>;
  readonly prefixes: ReadonlyMap<string, ReadonlySet<Access>>;
  readonly with: readonly { readonly option: string; readonly access: ReadonlySet<Access> }[];
  readonly without: readonly { readonly option: string; readonly access: ReadonlySet<Access> }[];
  readonly into: boolean;
  readonly target: readonly string[];
}

const LETTERS: Readonly<Record<string, Access>> = {
  r: 'read',
  w: 'write',
  d: 'delete',
  x: 'execute',
};
const ANYTHING: ReadonlySet<Access> = new Set(ACCESSES);
const NOTHING: ReadonlySet<Access> = new Set();

function accessOf(letters: string): ReadonlySet<Access> {
  return new Set(Array.from(letters).flatMap((letter) => LETTERS[letter] ?? []));
}

const TABLE = readTable(EFFECTS);

function readTable(text: string): ReadonlyMap<string, Entry> {
  const table = new Map<string, Entry>();
  for (const line of text.split('\n')) {
    const match = /^(\S.*?\S|\S): (.*)$/.exec(line);
    if (match === null) continue;
    const entry = readEntry(match[2] ?? '');
    for (const name of (match[1] ?? '').split(' ')) table.set(name, entry);
  }
  return table;
}

function readEntry(text: string): Entry {
  const [operands = '-', ...rest] = text.split(' ');
  const [others = '-', last = others] = operands.split('>');
  const value = (key: string) =>
    rest.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1);
  const list = (key: string) => value(key)?.split(',') ?? [];
  const conditions = (key: string) =>
    rest
      .filter((part) => part.startsWith(`${key}=`))
      .map((part) => {
        const [option = '', letters = ''] = part.slice(key.length + 1).split(':');
        return { option, access: accessOf(letters) };
      });
  const options = new Map<string, ReadonlySet<Access>>();
  const prefixes = new Map<string, ReadonlySet<Access>>();
  for (const part of rest) {
    const option = /^(--?[\w-]+)=([rwdx-]+)$/.exec(part);
    const prefix = /^(\w+):([rwdx]+)$/.exec(part);
    if (option !== null) options.set(option[1] ?? '', accessOf(option[2] ?? ''));
    else if (prefix !== null) prefixes.set(`${prefix[1] ?? ''}=`, accessOf(prefix[2] ?? ''));
  }
  return {
    operands: accessOf(others),
    last: accessOf(last),
    skip: Number(value('skip') ?? 0),
    unless: list('unless'),
    tree: rest.includes('tree') ? 'always' : list('tree'),
    options,
    prefixes,
    with: conditions('with'),
    without: conditions('without'),
    into: rest.includes('into'),
    target: list('target'),
  };
}

/** @returns null for a program that the table doesn't name */
function entryOf(program: string): Entry | null {
  return TABLE.get(program) ?? TABLE.get(program.replace(/[-.]?\d[\d.]*$/, '')) ?? null;
}

export function isKnownProgram(program: string): boolean {
  return entryOf(program) !== null;
}

/**
 * @param program base name; null = not known, or a pattern
 */
export function effectsOf(command: ResolvedCommand, program: string | null): Effect[] {
  const effects = redirections(command);
  const words = command.words.slice(1);
  if (command.words.length === 0) return effects;
  effects.push(...executed(command, program));
  if (program === null) return [...effects, ...anything(words)];
  const entry = entryOf(program);
  if (entry === null) {
    return command.isFunction || command.carries ? effects : [...effects, ...anything(words)];
  }
  const special = SPECIAL[program];
  const read = readOptions(words, optionGrammar(program) ?? NO_VALUES, false);
  if (special !== undefined) effects.push(...special(words, read));
  else effects.push(...byTable(entry, words, read));
  for (const implied of IMPLIED_PATHS) {
    const named = implied.words.every((word) => words.some((one) => exactText(one) === word));
    if (implied.program === program && named) {
      effects.push(effect(new Set([implied.access]), literal(implied.path)));
    }
  }
  return effects;
}

function effect(
  access: ReadonlySet<Access>,
  word: Word,
  tree = false,
  directory: Word | null = null,
): Effect {
  return { access, word, tree, directory };
}

function redirections(command: ResolvedCommand): Effect[] {
  return command.redirected.map(({ access, word }) => effect(new Set<Access>([access]), word));
}

const EXECUTE: ReadonlySet<Access> = new Set<Access>(['execute']);
const PROGRAM_DIRECTORIES = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

function executed(command: ResolvedCommand, program: string | null): Effect[] {
  const [first] = command.words;
  if (first === undefined) return [];
  if (program === null || leading(first).includes('/')) return [effect(EXECUTE, first)];
  return PROGRAM_DIRECTORIES.map((directory) =>
    effect(EXECUTE, literal(`${directory}/${program}`)),
  );
}

/** Every path that the words name, in options too; words that are wholly unknown name none. */
function anything(words: readonly Word[]): Effect[] {
  return words.flatMap((word) => {
    if (word.every((piece) => piece.kind === 'unknown' || piece.kind === 'number')) return [];
    return pathsIn(word).map((path) => effect(ANYTHING, path, true));
  });
}

/** The word itself, or what stands behind `--option=`, `-o`, `name=`, `@`, `file://`. */
function pathsIn(word: Word): Word[] {
  const head = leading(word);
  const paths: Word[] = head.startsWith('-') ? [] : [word];
  const marks =
    /^(?:--?[\w-]+=|-[A-Za-z](?=[/~])|\w+=|@|file:\/\/|\w+=@)/.exec(head)?.[0].length ?? 0;
  const value = marks > 0 ? dropLeading(word, marks) : [];
  if (value.length > 0) paths.push(value);
  return paths;
}

function byTable(entry: Entry, words: readonly Word[], read: ReadOptions): Effect[] {
  const given = new Set(read.options.map(({ name }) => name));
  const has = (names: readonly string[]) =>
    names.some((name) => given.has(name) || abbreviated(name, given));
  const tree = entry.tree === 'always' || has(entry.tree);
  const extra = new Set<Access>();
  for (const { option, access } of entry.with)
    if (has([option])) for (const one of access) extra.add(one);
  const less = new Set<Access>();
  for (const { option, access } of entry.without)
    if (has([option])) for (const one of access) less.add(one);
  const skip = has(entry.unless) ? 0 : entry.skip;
  const operands = read.operands.slice(skip);
  const effects: Effect[] = [];
  const target = read.options.find(({ name }) => entry.target.includes(name));
  operands.forEach(({ word }, index) => {
    const isLast = index === operands.length - 1 && target === undefined && operands.length > 1;
    const base = isLast ? entry.last : entry.operands;
    const access = new Set([...base, ...extra].filter((one) => !less.has(one)));
    const prefix = [...entry.prefixes.keys()].find((key) => leading(word).startsWith(key));
    if (prefix !== undefined) {
      effects.push(effect(entry.prefixes.get(prefix) ?? NOTHING, dropLeading(word, prefix.length)));
    } else if (access.size > 0) {
      for (const path of pathsIn(word)) effects.push(effect(access, path, tree));
    }
  });
  const into = target?.value ?? (entry.into ? operands.at(-1)?.word : undefined);
  if (into !== undefined && into !== null && (target !== undefined || operands.length > 1)) {
    const sources = target === undefined ? operands.slice(0, -1) : operands;
    if (target !== undefined) effects.push(effect(entry.last, into));
    for (const { word } of sources)
      effects.push(effect(entry.last, [...into, SLASH, ...baseWord(word)], tree));
  }
  for (const option of read.options) {
    const access = entry.options.get(option.name);
    if (access === undefined || access.size === 0) continue;
    if (option.value !== null)
      for (const path of pathsIn(option.value)) effects.push(effect(access, path));
    else effects.push(...singleDash(option.name, words, access));
  }
  return [...effects, ...singleDashOptions(entry, words)];
}

const SLASH = { kind: 'text', text: '/', quoted: true } as const;

/** Last segment of a path word; anything when it can't be told. */
function baseWord(word: Word): Word {
  const text = exactText(word);
  if (text === null) return [{ kind: 'glob', pattern: '*' }];
  return literal(text.replace(/\/+$/, '').split('/').at(-1) ?? '');
}

function abbreviated(name: string, given: ReadonlySet<string>): boolean {
  if (!name.startsWith('--')) return false;
  for (const one of given) if (one.length > 3 && name.startsWith(one)) return true;
  return false;
}

function singleDash(name: string, words: readonly Word[], access: ReadonlySet<Access>): Effect[] {
  const at = words.findIndex((word) => exactText(word) === name);
  const value = at < 0 ? undefined : words[at + 1];
  return value === undefined ? [] : pathsIn(value).map((path) => effect(access, path));
}

/** `-in FILE` of programs whose options are whole words behind one dash. */
function singleDashOptions(entry: Entry, words: readonly Word[]): Effect[] {
  const effects: Effect[] = [];
  for (const [name, access] of entry.options) {
    if (access.size > 0 && /^-\w{2,}$/.test(name)) effects.push(...singleDash(name, words, access));
  }
  return effects;
}

const READ: ReadonlySet<Access> = new Set<Access>(['read']);
const WRITE: ReadonlySet<Access> = new Set<Access>(['write']);
const DELETE: ReadonlySet<Access> = new Set<Access>(['delete']);

/** Programs whose effects depend on more than a line of the table can say. */
const SPECIAL: Readonly<Record<string, (words: readonly Word[], read: ReadOptions) => Effect[]>> = {
  find: findEffects,
  gfind: findEffects,
  tar: tarEffects,
  bsdtar: tarEffects,
  rsync: rsyncEffects,
  git: gitEffects,
};

function findEffects(words: readonly Word[]): Effect[] {
  const { found } = foundWords(words);
  const effects: Effect[] = [];
  words.forEach((word, index) => {
    const flag = exactText(word);
    const next = words[index + 1];
    if (flag === '-delete') effects.push(...found.map((path) => effect(DELETE, path)));
    if (/^-f(print|print0|printf|ls)$/.test(flag ?? '') && next !== undefined) {
      effects.push(effect(WRITE, next));
    }
    if (/^-(files0-from)$/.test(flag ?? '') && next !== undefined) effects.push(effect(READ, next));
  });
  return effects;
}

function tarEffects(words: readonly Word[], read: ReadOptions): Effect[] {
  const first = exactText(words[0] ?? []) ?? '';
  const bundled = first.startsWith('-') ? '' : first;
  const has = (letter: string, long: string) =>
    bundled.includes(letter) ||
    read.options.some(({ name }) => name === `-${letter}` || name === long);
  const directory =
    read.options.findLast(({ name }) => name === '-C' || name === '--directory')?.value ?? null;
  const operands = read.operands.slice(bundled === '' ? 0 : 1).map(({ word }) => word);
  let archive = read.options.find(({ name }) => name === '-f' || name === '--file')?.value ?? null;
  if (bundled.includes('f')) archive = operands.shift() ?? null;
  const extracts = has('x', '--extract') || has('x', '--get');
  const lists = has('t', '--list');
  const effects: Effect[] = [];
  if (archive !== null) effects.push(effect(extracts || lists ? READ : WRITE, archive));
  if (extracts && !has('O', '--to-stdout'))
    effects.push(effect(WRITE, directory ?? literal('.'), true));
  if (!extracts && !lists) {
    const removes = read.options.some(({ name }) => name === '--remove-files');
    const access: ReadonlySet<Access> = removes ? new Set<Access>(['read', 'delete']) : READ;
    for (const word of operands) effects.push(effect(access, word, true, directory));
    const from = read.options.find(({ name }) => name === '-T' || name === '--files-from')?.value;
    if (from !== undefined && from !== null) effects.push(effect(READ, from));
  }
  return effects;
}

function rsyncEffects(_: readonly Word[], read: ReadOptions): Effect[] {
  const operands = read.operands.map(({ word }) => word);
  const deletes = read.options.some(({ name }) => name.startsWith('--del'));
  const removes = read.options.some(({ name }) => name === '--remove-source-files');
  const target = operands.length > 1 ? operands.pop() : undefined;
  const source: ReadonlySet<Access> = removes ? new Set<Access>(['read', 'delete']) : READ;
  const effects = operands.flatMap((word) =>
    pathsIn(word).map((path) => effect(source, path, true)),
  );
  if (target !== undefined) {
    effects.push(effect(deletes ? new Set<Access>(['write', 'delete']) : WRITE, target, true));
  }
  return effects;
}

/** What a directory holds, not the directory itself. */
const EVERYTHING_HERE: Word = [{ kind: 'glob', pattern: '*' }];

/** `git clean` and `git -C DIR clean`; other subcommands change what git itself keeps. */
function gitEffects(words: readonly Word[], read: ReadOptions): Effect[] {
  const verb = exactText(read.operands[0]?.word ?? []);
  const directory = read.options.find(({ name }) => name === '-C')?.value ?? null;
  const forced = words.some((word) => /^-[a-z]*f|^--force/.test(exactText(word) ?? ''));
  if (verb !== 'clean' || !forced) return [];
  const paths = read.operands.slice(1).map(({ word }) => word);
  return (paths.length === 0 ? [EVERYTHING_HERE] : paths).map((path) =>
    effect(DELETE, path, true, directory),
  );
}
