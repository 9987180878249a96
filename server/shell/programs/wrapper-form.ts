/**
 * The table of wrappers as forms that can be followed. Not caught here: what the table says wrongly.
 */
import { optionGrammar, type OptionGrammar } from '../option-table.ts';
import { WRAPPERS } from './wrapper-table.ts';

/** One way in which a program is given the command that it runs. */
export interface WrapperForm {
  /** Alternatives for each subcommand; `*` fits any. */
  readonly verbs: readonly ReadonlySet<string>[];
  readonly how: 'words' | 'text' | 'dash' | 'dashtext' | 'each' | 'none';
  /** Operands of its own before the command. */
  readonly skip: number;
  readonly grammar: OptionGrammar | null;
  /** Options whose value is program text. */
  readonly texts: readonly string[];
  /** Options whose value is the program; its words are the operands. */
  readonly program: readonly string[];
  /** Options that take every word behind them, as those of terminals do. */
  readonly ends: readonly string[];
  /** Options that set the directory. */
  readonly directory: readonly string[];
  /** Options that show a directory of the host at another place. */
  readonly mounts: readonly string[];
  /** With one of these options nothing is run. */
  readonly unless: readonly string[];
  /** Options with which a shell runs when there is no command. */
  readonly shell: readonly string[] | 'always';
  /** It runs on another host or in a container. */
  readonly isAway: boolean;
}

const HOW = /^(words|text|dash|dashtext|each|none)(?:\+(\d))?$/;

/** By program, in the order of the table. */
export const FORMS: ReadonlyMap<string, readonly WrapperForm[]> = readTable(WRAPPERS);

function readTable(table: string): ReadonlyMap<string, readonly WrapperForm[]> {
  const forms = new Map<string, WrapperForm[]>();
  for (const line of table.split('\n')) {
    const [programs = '', ...rest] = line.split(': ');
    if (rest.length === 0) continue;
    for (const program of programs.split(' ')) {
      const form = readForm(program, rest.join(': ').trim().split(/\s+/));
      forms.set(program, [...(forms.get(program) ?? []), form]);
    }
  }
  return forms;
}

function readForm(program: string, parts: readonly string[]): WrapperForm {
  const at = parts.findIndex((part) => HOW.test(part));
  const how = HOW.exec(parts[at] ?? '');
  const more = parts.slice(at + 1);
  const value = (key: string) =>
    more.find((part) => part.startsWith(`${key}=`))?.slice(key.length + 1);
  const list = (key: string) => value(key)?.split(',') ?? [];
  const takes = value('takes');
  const ends = list('exec').filter((name) => name.length === 2);
  const programs = list('exec').filter((name) => name.length > 2);
  const own = [...list('text'), ...programs, ...list('cwd'), ...list('mounts')];
  return {
    verbs: parts.slice(0, at).map((verb) => new Set(verb.split('/'))),
    how: (how?.[1] ?? 'none') as WrapperForm['how'],
    skip: Number(how?.[2] ?? 0),
    grammar:
      takes === undefined && own.length === 0
        ? optionGrammar(program)
        : grammarOf(takes ?? '', own, list('pairs'), optionGrammar(program)),
    texts: list('text'),
    program: programs,
    ends,
    directory: list('cwd'),
    mounts: list('mounts'),
    unless: list('unless'),
    shell: more.includes('shell') ? 'always' : list('shell'),
    isAway: more.includes('away'),
  };
}

function grammarOf(
  takes: string,
  own: readonly string[],
  pairs: readonly string[],
  base: OptionGrammar | null,
): OptionGrammar {
  const [letters = '', long = '', single = ''] = takes.split(':');
  const short = own.filter((name) => /^-[^-]$/.test(name)).map((name) => name.slice(1));
  const named = own.filter((name) => name.length > 2).map((name) => name.replace(/^--?/, ''));
  return {
    short: (base?.short ?? '') + letters + short.join(''),
    sometimes: base?.sometimes ?? '',
    long: new Set([...(base?.long ?? []), ...long.split(',').filter(Boolean), ...named]),
    pairs: new Set(pairs),
    single: new Set(
      [...single.split(','), ...own.map((name) => name.slice(1))].filter((name) =>
        /^\w[\w-]/.test(name),
      ),
    ),
    ...(base?.flags === undefined ? {} : { flags: base.flags }),
  };
}
