/**
 * The effects tables, compiled once, and how they are looked up. Not caught here: options that the tables
 * don't name; what stands behind them is taken for an operand.
 */
import { NO_VALUES, optionGrammar, type OptionGrammar } from '../shell/option-table.ts';
import { exactText, type Word } from '../shell/word.ts';
import { PROGRAM_EFFECTS } from './effects-programs.ts';
import { FILE_EFFECTS } from './effects-table.ts';
import { TOOL_EFFECTS } from './effects-tools.ts';
import type { Access } from './policy.ts';

/** What the value of an option names. */
export type ValueKind = 'path' | 'list' | 'volume' | 'directory' | 'at' | 'form' | 'url';

export interface OptionEffect {
  readonly kind: ValueKind;
  readonly access: ReadonlySet<Access>;
}

/** What an option changes about the operands. */
interface Condition {
  readonly option: string;
  /** It is about the last operand only. */
  readonly last: boolean;
  readonly access: ReadonlySet<Access>;
}

export interface Entry {
  readonly first: ReadonlySet<Access> | null;
  readonly operands: ReadonlySet<Access>;
  readonly last: ReadonlySet<Access>;
  /** The last operand is something else than the others. */
  readonly hasTarget: boolean;
  readonly skip: number;
  readonly unless: readonly string[];
  readonly tree: readonly string[] | 'always';
  readonly options: ReadonlyMap<string, OptionEffect>;
  /** Options are whole words behind one dash (`-in FILE`). */
  readonly isSingleDash: boolean;
  readonly prefixes: readonly { readonly text: string; readonly access: ReadonlySet<Access> }[];
  readonly with: readonly Condition[];
  readonly without: readonly Condition[];
  readonly into: boolean;
  readonly target: readonly string[];
  readonly grammar: OptionGrammar;
}

/** An entry, and the index of the first operand that it speaks about. */
export interface FoundEntry {
  readonly entry: Entry;
  /** Words of the subcommand before the operands. */
  readonly verbs: number;
}

const LETTERS: Readonly<Record<string, Access>> = {
  r: 'read',
  w: 'write',
  d: 'delete',
  x: 'execute',
};
const KINDS: Readonly<Record<string, ValueKind>> = {
  l: 'list',
  v: 'volume',
  c: 'directory',
  a: 'at',
  f: 'form',
  u: 'url',
};
const READ: ReadonlySet<Access> = new Set<Access>(['read']);
const MOUNTED: ReadonlySet<Access> = new Set<Access>(['read', 'write']);

function accessOf(letters: string): ReadonlySet<Access> {
  return new Set(Array.from(letters).flatMap((letter) => LETTERS[letter] ?? []));
}

const TABLE = new Map<string, Entry>();
/** Programs of which the tables have lines for subcommands. */
const WITH_VERBS = new Set<string>();
for (const text of [TOOL_EFFECTS, FILE_EFFECTS, PROGRAM_EFFECTS]) readTable(text);

function readTable(text: string): void {
  for (const line of text.split('\n')) {
    // The builtin `:` stands among the names.
    const [head, names] = /^(.*?\S): /.exec(line) ?? [];
    if (head === undefined || names === undefined) continue;
    for (const name of names.split(' ')) {
      const program = name.split('+', 1)[0] ?? name;
      if (program !== name) WITH_VERBS.add(program);
      TABLE.set(name, readEntry(line.slice(head.length), program));
    }
  }
}

function readEntry(text: string, program: string): Entry {
  const [operands = '-', ...rest] = text.split(' ');
  const [, first, others = '-', last = others] =
    /^(?:(.*)<)?([^<>]*)(?:>(.*))?$/.exec(operands) ?? [];
  const values = (key: string) =>
    rest.filter((part) => part.startsWith(`${key}=`)).map((part) => part.slice(key.length + 1));
  const list = (key: string) => values(key)[0]?.split(',') ?? [];
  const conditions = (key: string) =>
    values(key).map((value): Condition => {
      const [option = '', letters = ''] = value.split(':');
      return { option, last: letters.startsWith('>'), access: accessOf(letters) };
    });
  const options = new Map<string, OptionEffect>();
  const prefixes: { text: string; access: ReadonlySet<Access> }[] = [];
  for (const part of rest) {
    const option = /^(--?[\w-]+)=([rwdx]+|[-lvcafu])$/.exec(part);
    const prefix = /^([\w:/@.~]+):([rwdx]+)$/.exec(part);
    if (option !== null) options.set(option[1] ?? '', optionEffect(option[2] ?? ''));
    else if (prefix !== null) {
      const start = prefix[1] ?? '';
      prefixes.push({
        text: /\w$/.test(start) ? `${start}=` : start,
        access: accessOf(prefix[2] ?? ''),
      });
    }
  }
  return {
    first: first === undefined ? null : accessOf(first),
    operands: accessOf(others),
    last: accessOf(last),
    hasTarget: last !== others,
    skip: Number(values('skip')[0] ?? 0),
    unless: list('unless'),
    tree: rest.includes('tree') ? 'always' : list('tree'),
    options,
    isSingleDash: [...options.keys()].some((name) => /^-\w{2,}$/.test(name)),
    prefixes,
    with: conditions('with'),
    without: conditions('without'),
    into: rest.includes('into'),
    target: list('target'),
    grammar: grammarWith(program, options),
  };
}

function optionEffect(letters: string): OptionEffect {
  const kind = KINDS[letters];
  if (kind === undefined) return { kind: 'path', access: accessOf(letters) };
  return { kind, access: kind === 'volume' ? MOUNTED : kind === 'directory' ? new Set() : READ };
}

/** What is known of the program's options, and those whose value an entry speaks about. */
function grammarWith(program: string, options: ReadonlyMap<string, OptionEffect>): OptionGrammar {
  const base = optionGrammar(program) ?? NO_VALUES;
  const names = [...options.keys()];
  const short = names.filter((name) => /^-\w$/.test(name)).map((name) => name.slice(1));
  const long = names.filter((name) => name.startsWith('--')).map((name) => name.slice(2));
  return {
    short: base.short + short.join(''),
    sometimes: base.sometimes,
    long: new Set([...base.long, ...long]),
  };
}

function plainEntry(program: string): Entry | null {
  return TABLE.get(program) ?? TABLE.get(program.replace(/[-.]?\d[\d.]*$/, '')) ?? null;
}

const MAX_VERBS = 3;

/**
 * @param operands the words of the call that are no options
 * @returns null for a program that the tables don't name
 */
export function findEntry(
  program: string,
  operands: () => readonly { readonly word: Word }[],
): FoundEntry | null {
  const plain = plainEntry(program);
  if (!WITH_VERBS.has(program)) return plain === null ? null : { entry: plain, verbs: 0 };
  let key = program;
  let found: FoundEntry | null = plain === null ? null : { entry: plain, verbs: 0 };
  const words = operands();
  for (let verbs = 1; verbs <= MAX_VERBS && verbs <= words.length; verbs++) {
    key += `+${exactText(words[verbs - 1]?.word ?? []) ?? ''}`;
    const entry = TABLE.get(key);
    if (entry !== undefined) found = { entry, verbs };
  }
  return found;
}

/** The line of the program itself, whatever its subcommand. */
export function baseEntry(program: string): Entry | null {
  return plainEntry(program);
}

/** Does a line of the tables speak about the program? */
export function isKnownProgram(program: string): boolean {
  return plainEntry(program) !== null || WITH_VERBS.has(program);
}
