/**
 * From a command to what it does to which paths, by the effects tables. Not caught here: what a program
 * does to paths that its words don't name.
 */
import type { ResolvedCommand } from '../shell/command.ts';
import { NO_VALUES, optionGrammar } from '../shell/option-table.ts';
import { dropLeading, leading, readOptions, type ReadOptions } from '../shell/options.ts';
import { exactText, literal, unknown, type Word } from '../shell/word.ts';
import { baseEntry, findEntry, type Entry, type OptionEffect } from './effects-entries.ts';
import { IMPLIED_PATHS } from './effects-programs.ts';
import { FURTHER_EFFECTS, SPECIAL_EFFECTS } from './effects-special.ts';
import { effect, NOTHING, pathsIn, type Effect } from './effect.ts';
import { ACCESSES, type Access } from './policy.ts';

export { isKnownProgram } from './effects-entries.ts';
export type { Effect } from './effect.ts';

const ANYTHING: ReadonlySet<Access> = new Set(ACCESSES);

/**
 * @param program base name; null = not known, or a pattern
 */
export function effectsOf(command: ResolvedCommand, program: string | null): Effect[] {
  const effects = redirections(command);
  const words = command.words.slice(1);
  if (command.words.length === 0) return effects;
  effects.push(...executed(command, program));
  if (program === null) return [...effects, ...anything(words)];
  let operands: ReadOptions | null = null;
  const readWords = () =>
    (operands ??= readOptions(
      words,
      baseEntry(program)?.grammar ?? optionGrammar(program) ?? NO_VALUES,
      false,
    ));
  const found = findEntry(program, () => readWords().operands);
  if (found === null) {
    return command.isFunction || command.carries ? effects : [...effects, ...anything(words)];
  }
  const special = SPECIAL_EFFECTS[program]?.(words, readWords()) ?? null;
  effects.push(...(special ?? byTable(found.entry, found.verbs, baseEntry(program), words)));
  effects.push(...(FURTHER_EFFECTS[program]?.(words, readWords()) ?? []));
  for (const implied of IMPLIED_PATHS) {
    if (implied.program !== program) continue;
    if (implied.words.every((word) => words.some((one) => exactText(one) === word))) {
      effects.push(effect(new Set([implied.access]), literal(implied.path)));
    }
  }
  return effects;
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

function executed(command: ResolvedCommand, program: string | null): readonly Effect[] {
  const [first] = command.words;
  if (first === undefined) return [];
  if (program === null || leading(first).includes('/')) return [effect(EXECUTE, first)];
  const known = FOUND_BY_NAME.get(program);
  if (known !== undefined) return known;
  const found = PROGRAM_DIRECTORIES.map((directory) =>
    effect(EXECUTE, literal(`${directory}/${program}`)),
  );
  if (FOUND_BY_NAME.size < MAX_NAMES_KEPT) FOUND_BY_NAME.set(program, found);
  return found;
}

/** Where a program called by its bare name may lie; the same few names come again and again. */
const FOUND_BY_NAME = new Map<string, readonly Effect[]>();
const MAX_NAMES_KEPT = 1_000;

/** Every path that the words name, in options too; words that are wholly unknown name none. */
function anything(words: readonly Word[]): Effect[] {
  return words.flatMap((word) => {
    if (word.every((piece) => piece.kind === 'unknown' || piece.kind === 'number')) return [];
    return pathsIn(word).map((path) => effect(ANYTHING, path, true));
  });
}

/** One option as it was given, with its value. */
interface Given {
  readonly name: string;
  readonly value: Word | null;
}

interface Split {
  readonly options: readonly Given[];
  readonly operands: readonly Word[];
}

function splitWords(entry: Entry, words: readonly Word[]): Split {
  if (entry.isSingleDash) return splitSingleDash(entry, words);
  const read = readOptions(words, entry.grammar, false);
  return { options: read.options, operands: read.operands.map(({ word }) => word) };
}

/** `-in FILE`: options are whole words, their values the next ones, or the rest behind one letter. */
function splitSingleDash(entry: Entry, words: readonly Word[]): Split {
  const options: Given[] = [];
  const operands: Word[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as Word;
    const text = exactText(word) ?? leading(word);
    if (!text.startsWith('-') || text === '-') {
      operands.push(word);
      continue;
    }
    const name = text.split('=', 1)[0] ?? text;
    const letter = text.slice(0, 2);
    if (name !== text) options.push({ name, value: dropLeading(word, name.length + 1) });
    else if (entry.options.has(text)) options.push({ name: text, value: words[++index] ?? null });
    else if (entry.options.has(letter)) {
      options.push({ name: letter, value: dropLeading(word, 2) });
      options.push({ name: text, value: null });
    } else options.push({ name: text, value: null });
  }
  return { options, operands };
}

function byTable(
  entry: Entry,
  verbs: number,
  base: Entry | null,
  words: readonly Word[],
): Effect[] {
  const { options, operands: all } = splitWords(entry, words);
  const given = new Set(options.map(({ name }) => name));
  const has = (names: readonly string[]) =>
    names.some((name) => given.has(name) || abbreviated(name, given) || singleDash(name, words));
  const directory = startOf(entry, base, options);
  const tree = entry.tree === 'always' || has(entry.tree);
  const extra: Record<'last' | 'others', Access[]> = { last: [], others: [] };
  for (const { option, last, access } of entry.with) {
    if (has([option])) extra[last ? 'last' : 'others'].push(...access);
  }
  const less = new Set(
    entry.without.flatMap(({ option, access }) => (has([option]) ? [...access] : [])),
  );
  const skip = verbs + (has(entry.unless) ? 0 : entry.skip);
  const operands = all.slice(skip);
  const target = options.find(({ name }) => entry.target.includes(name))?.value ?? null;
  const effects: Effect[] = [];
  operands.forEach((word, index) => {
    const isLast = index === operands.length - 1 && target === null && operands.length > 1;
    const isFirst = index === 0 && entry.first !== null;
    const ofKind = isFirst ? (entry.first ?? NOTHING) : isLast ? entry.last : entry.operands;
    const added = [
      ...(isFirst || (isLast && entry.hasTarget) ? [] : extra.others),
      ...(isLast ? extra.last : []),
    ];
    const access = new Set([...ofKind, ...added].filter((one) => !less.has(one)));
    const prefix = entry.prefixes.find(({ text }) => leading(word).startsWith(text));
    if (prefix !== undefined) {
      const cut = /[=@]$|:\/\/$/.test(prefix.text)
        ? prefix.text.length
        : Math.max(0, prefix.text.indexOf(':/') + 1);
      effects.push(effect(prefix.access, dropLeading(word, cut)));
    } else if (access.size > 0) {
      for (const path of pathsIn(word)) effects.push(effect(access, path, tree, directory));
    }
  });
  const into = target ?? (entry.into && operands.length > 1 ? operands.at(-1) : undefined);
  if (into !== undefined) {
    if (target !== null) effects.push(effect(entry.last, into));
    for (const word of target === null ? operands.slice(0, -1) : operands) {
      effects.push(effect(entry.last, [...into, SLASH, ...baseWord(word)], tree));
    }
  }
  for (const { name, value } of options) {
    const own = entry.options.get(name) ?? entry.options.get(fullName(name, entry));
    if (own !== undefined && value !== null) effects.push(...optionEffects(own, value, entry));
  }
  return effects;
}

/** Where relative operands start, when an option says so. */
function startOf(entry: Entry, base: Entry | null, options: readonly Given[]): Word | null {
  for (const { name, value } of options) {
    const kind = (entry.options.get(name) ?? base?.options.get(name))?.kind;
    if (kind === 'directory' && value !== null) return value;
  }
  return null;
}

/** GNU programs take any start of a long name. */
function fullName(name: string, entry: Entry): string {
  if (!name.startsWith('--') || name.length < 4) return name;
  for (const full of entry.options.keys()) if (full.startsWith(name)) return full;
  return name;
}

function optionEffects(own: OptionEffect, value: Word, entry: Entry): Effect[] {
  switch (own.kind) {
    case 'path':
      if (own.access.size === 0) return [];
      return pathsIn(value).map((path) => effect(own.access, path));
    case 'list':
      // The reader follows the names that come on standard input.
      if (exactText(value) === '-') return [];
      // The list names the operands, and what it holds isn't known.
      return [
        effect(own.access, value),
        effect(entry.operands, [unknown('it is taken from a list', true)]),
      ];
    case 'volume':
      return volume(value, own.access);
    case 'directory':
      return [];
    case 'at':
      return /^[^=]*@/.test(leading(value))
        ? [effect(own.access, dropLeading(value, leading(value).indexOf('@') + 1))]
        : [];
    case 'form':
      return form(value, own.access);
    case 'url':
      return /^file:\/\//i.test(leading(value)) ? [effect(own.access, dropLeading(value, 7))] : [];
  }
}

const MAX_FORM_FILES = 64;

/** `name=@FILE,FILE;type=…`, `name=<FILE`. */
function form(value: Word, access: ReadonlySet<Access>): Effect[] {
  const mark = /^[^=]*=[@<]/.exec(leading(value))?.[0].length ?? 0;
  if (mark === 0) return [];
  const file = dropLeading(value, mark);
  const text = exactText(file);
  if (text === null) return [effect(access, file)];
  const files = text.replace(/;.*$/s, '').split(',');
  if (files.length > MAX_FORM_FILES) return [effect(access, [unknown('it sends many files')])];
  return files.map((one) => effect(access, literal(one.replace(/^"|"$/g, ''))));
}

/** `SOURCE:TARGET[:options]`, or `type=bind,source=SOURCE,target=…`; a bare name is no path. */
function volume(value: Word, access: ReadonlySet<Access>): Effect[] {
  const text = exactText(value);
  if (text === null) return [effect(access, value)];
  const named = /(?:^|,)(?:source|src)=([^,]*)/.exec(text)?.[1];
  const source = named ?? text.split(':', 1)[0] ?? '';
  return /^[/.~]/.test(source) ? [effect(access, literal(source))] : [];
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

/** A flag of several letters behind one dash: `-sdel`. */
function singleDash(name: string, words: readonly Word[]): boolean {
  return /^-\w{2,}$/.test(name) && words.some((word) => exactText(word) === name);
}
