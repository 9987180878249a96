/**
 * What earlier commands of a session changed for later ones, as far as it can be known: variables,
 * functions, aliases, the directory, files written. Not caught here: start-up files of the target.
 */
import type { FunctionBody } from './grammar.ts';
import { MAX_DIRECTORIES, MAX_REMEMBERED, MAX_VALUE_CHARACTERS } from './limits.ts';
import type { Word } from './word.ts';

/** What a program reads from its standard input. */
export type Input =
  /** The session's own input: a terminal, or what the client sends. */
  | { readonly kind: 'session' }
  | { readonly kind: 'text'; readonly text: string }
  /** `lines`: every line is one of these words. */
  | { readonly kind: 'unknown'; readonly why: string; readonly lines?: readonly Word[] };

/** What is known of a file that this session made. */
export type KnownFile =
  | { readonly kind: 'text'; readonly text: string }
  /** `link`: what is done to it is done to the other. */
  | { readonly kind: 'copy'; readonly of: string; readonly link?: true }
  | { readonly kind: 'unknown' };

/** A directory that a container shows at a place of its own; `of` is its path outside. */
export interface Mount {
  readonly at: string;
  readonly of: Word;
}

/** A variable's value; `reference` names the variable that it stands for (`declare -n`). */
export type Value =
  | { readonly kind: 'word'; readonly word: Word }
  | { readonly kind: 'array'; readonly words: readonly Word[] }
  /** An array under names, or with gaps, in the order in which it was filled. */
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, Word])[] }
  | { readonly kind: 'reference'; readonly name: string };

/** Entries copied from state to state. */
interface Copying {
  entries: number;
}

/**
 * Made by `initialState` and handed on by a Reading's `after`; outside the reader it is never changed
 * in place, so that a refused line leaves no trace.
 */
export class ShellState {
  readonly variables: Map<string, Value>;
  readonly functions: Map<string, FunctionBody>;
  readonly aliases: Map<string, string>;
  readonly files: Map<string, KnownFile>;
  /** Commands remembered under another name by `hash -p`. */
  readonly hashed: Map<string, string>;
  readonly descriptors: Map<number, Input>;
  /** Text that `trap` runs later, with the values of its variables when it was last looked at. */
  readonly traps: Map<string, string>;
  /** Names of files that earlier commands may have written; shared by all copies for one input. */
  readonly named: Set<string>;
  /** `$1`, `$2`, …; null = not known. */
  positional: readonly Word[] | null;
  /** Where the shell may be, the likeliest first: absolute, or `~` and below; null = anywhere. */
  directories: readonly string[] | null;
  /** Wherever it may have been, where `cd -` and `popd` lead back to; null = anywhere. */
  visited: readonly string[] | null;
  /** Where it would be if the last `cd` failed; null = that `cd` can't fail, or is settled. */
  #beforeCd: readonly string[] | 'anywhere' | null = null;
  /** The standard input of the shell itself. */
  input: Input;
  readonly interactive: boolean;
  /** What is seen of another file system here; empty but in a container. */
  mounts: readonly Mount[];
  /** What copies of this state have cost since the input began; shared by all of them. */
  readonly copying: Copying;

  constructor(
    from: ShellState | { readonly interactive: boolean },
    copying?: Copying,
    files?: Map<string, KnownFile>,
  ) {
    const old = from instanceof ShellState ? from : null;
    this.variables = new Map(old?.variables);
    this.functions = new Map(old?.functions);
    this.aliases = new Map(old?.aliases);
    this.files = files ?? new Map(old?.files);
    this.hashed = new Map(old?.hashed);
    this.descriptors = new Map(old?.descriptors);
    this.traps = new Map(old?.traps);
    this.named = old === null || copying !== undefined ? new Set(old?.named) : old.named;
    this.positional = old?.positional ?? null;
    this.directories = old === null ? ['~'] : old.directories;
    this.visited = old === null ? ['~'] : old.visited;
    this.#beforeCd = old === null ? null : old.#beforeCd;
    this.input = old?.input ?? { kind: 'session' };
    this.interactive = from.interactive;
    this.mounts = old?.mounts ?? [];
    this.copying = copying ?? old?.copying ?? { entries: 0 };
    this.copying.entries += this.size;
  }

  copy(): ShellState {
    return new ShellState(this);
  }

  /** The state of a program of its own: only the files that it makes stay. */
  child(): ShellState {
    return new ShellState(this, undefined, this.files);
  }

  /** A copy that starts a count of its own. */
  forInput(): ShellState {
    return new ShellState(this, { entries: 0 });
  }

  /** Everything that is remembered. */
  get size(): number {
    return (
      this.variables.size +
      this.functions.size +
      this.aliases.size +
      this.files.size +
      this.hashed.size +
      this.descriptors.size
    );
  }

  get likeliestDirectory(): string | null {
    return this.directories?.[0] ?? null;
  }

  /** The working directory if it is certain. */
  get directory(): string | null {
    return this.directories?.length === 1 ? (this.directories[0] ?? null) : null;
  }

  /** After `cd`. @param sure the directory exists on every host */
  moveTo(directories: readonly string[] | null, sure: boolean): void {
    if (!sure) this.#beforeCd = this.directories ?? 'anywhere';
    this.directories = directories;
    this.visited = either(this.visited, directories);
  }

  /** At the end of a statement: the last `cd` may have failed. */
  settle(): void {
    if (this.#beforeCd === null) return;
    this.directories =
      this.#beforeCd === 'anywhere' ? null : either(this.directories, this.#beforeCd);
    this.#beforeCd = null;
  }

  setVariable(name: string, value: Value): void {
    remember(this.variables, name, value);
  }

  setWord(name: string, word: Word): void {
    this.setVariable(name, { kind: 'word', word });
  }
}

/** What the variables that a text names hold. */
export function valuesIn(text: string, state: ShellState): string {
  const names = [...text.matchAll(/\$\{?[!#]?(\w+)/g)].map(([, name]) => name ?? '');
  return JSON.stringify(names.map((name) => state.variables.get(name) ?? null));
}

/** Adds an entry; the oldest goes when there are too many. */
export function remember<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key) && map.size >= MAX_REMEMBERED) {
    const oldest = map.keys().next();
    if (oldest.done !== true) map.delete(oldest.value);
    map.set(FORGOTTEN, value);
  }
  map.set(key, value);
}

/** No name: stands in a full map for what had to go. */
const FORGOTTEN = '\0';

/** A command may have another meaning, which nobody remembers. */
export function hasForgotten({ functions, aliases, hashed }: ShellState): boolean {
  return functions.has(FORGOTTEN) || aliases.has(FORGOTTEN) || hashed.has(FORGOTTEN);
}

/** Notes what a redirection puts into a file. */
export function writeFile(state: ShellState, path: string, append: boolean, file: KnownFile): void {
  if (path.startsWith('/dev/')) return;
  const before = state.files.get(path);
  if (!append) remember(state.files, path, file);
  else if (
    before?.kind === 'text' &&
    file.kind === 'text' &&
    before.text.length + file.text.length <= MAX_VALUE_CHARACTERS
  ) {
    remember(state.files, path, { kind: 'text', text: before.text + file.text });
  } else remember(state.files, path, { kind: 'unknown' });
}

/**
 * The state of a fresh login: in the login's home directory, nothing else known.
 * @param interactive lines are typed at a terminal, so history and aliases are expanded
 */
export function initialState(interactive = false): ShellState {
  return new ShellState({ interactive });
}

/** Makes `state` what all of `branches` agree on; what only some of them define may be defined. */
export function joinStates(state: ShellState, branches: readonly ShellState[]): void {
  const first = branches[0];
  if (first === undefined) return;
  const names = new Set(branches.flatMap((branch) => [...branch.variables.keys()]));
  state.copying.entries += names.size * branches.length;
  for (const name of names) {
    const values = branches.map((branch) => branch.variables.get(name));
    const agreed = values.every((value) => value !== undefined && sameValue(value, values[0]));
    const value = values[0];
    if (agreed && value !== undefined) state.setVariable(name, value);
    else {
      const why = `$${name} depends on which branch runs`;
      state.setWord(name, [{ kind: 'unknown', why, splits: true }]);
    }
  }
  for (const branch of branches) {
    for (const [name, body] of branch.functions) remember(state.functions, name, body);
    for (const [name, text] of branch.aliases) remember(state.aliases, name, text);
    for (const [name, path] of branch.hashed) remember(state.hashed, name, path);
    for (const [path, file] of branch.files) remember(state.files, path, file);
    for (const [text, values] of branch.traps) remember(state.traps, text, values);
  }
  state.directories = branches.reduce<readonly string[] | null>(
    (all, branch) => either(all, branch.directories),
    first.directories,
  );
  state.visited = branches.reduce<readonly string[] | null>(
    (all, branch) => either(all, branch.visited),
    state.visited,
  );
}

function either(
  one: readonly string[] | null,
  other: readonly string[] | null,
): readonly string[] | null {
  if (one === null || other === null) return null;
  const all = [...new Set([...one, ...other])];
  return all.length > MAX_DIRECTORIES ? null : all;
}

function sameValue(one: Value | undefined, other: Value | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
