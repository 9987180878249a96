/** One path that a command reaches, and how. Not caught here: what it then does with it. */
import { dropLeading, leading } from '../shell/options.ts';
import type { Word } from '../shell/word.ts';
import type { Access } from './policy.ts';

export interface Effect {
  readonly access: ReadonlySet<Access>;
  readonly word: Word;
  readonly tree: boolean;
  /** Where relative words start, if not where the command runs. */
  readonly directory: Word | null;
}

export const NOTHING: ReadonlySet<Access> = new Set();

export function effect(
  access: ReadonlySet<Access>,
  word: Word,
  tree = false,
  directory: Word | null = null,
): Effect {
  return { access, word, tree, directory };
}

/** The word itself, or what stands behind `--option=`, `-o`, `name=`, `@`, `file://`. */
export function pathsIn(word: Word): Word[] {
  const head = leading(word);
  const paths: Word[] = head.startsWith('-') ? [] : [word];
  const marks =
    /^(?:--?[\w-]+=@?|-[A-Za-z](?=[/~])|\w+=@|\w+=|@|file:\/\/)/.exec(head)?.[0].length ?? 0;
  const value = marks > 0 ? dropLeading(word, marks) : [];
  if (value.length > 0) paths.push(value);
  return paths;
}
