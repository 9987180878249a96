/**
 * What a line reads like once its aliases are replaced. Not caught here: aliases that end in the middle
 * of a quoted text.
 */

import { MAX_VALUE_CHARACTERS } from './limits.ts';
import type { Frame, Runner } from './runner.ts';
import { exactText, type Word } from './word.ts';

/** Key of an alias that counts anywhere on a line (`alias -g` of zsh). */
export function anywhere(name: string): string {
  return ` ${name}`;
}

/**
 * @param alias the text that stands for the command's name
 * @param rest the words behind it; null = not known
 */
export function aliasText(
  alias: string,
  rest: readonly (string | null)[],
  frame: Frame,
  run: Runner,
): string {
  const { aliases } = frame.state;
  let text = alias;
  let at = 0;
  // Behind a blank the next word is looked up as well.
  for (; at < rest.length && /[ \t]$/.test(text); at++) {
    const next = aliases.get(rest[at] ?? '');
    if (next === undefined) break;
    text += next;
    if (text.length > MAX_VALUE_CHARACTERS) {
      run.uncertain('aliases make a line that is too long to follow');
      break;
    }
  }
  return (
    text +
    rest
      .slice(at)
      .map((word) => ` ${quote(word ?? '')}`)
      .join('')
  );
}

/** The line with its global aliases replaced; null if there are none in it. */
export function globalAliasText(
  path: string,
  behind: readonly Word[],
  frame: Frame,
  run: Runner,
): string | null {
  const { aliases } = frame.state;
  if (aliases.size === 0 || frame.via.includes('alias -g')) return null;
  const words = [path, ...behind.map(exactText)];
  const texts = words.map((word) => aliases.get(anywhere(word ?? '')) ?? null);
  if (texts.every((text) => text === null)) return null;
  const size = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  if (size > MAX_VALUE_CHARACTERS) {
    run.uncertain('aliases make a line that is too long to follow');
    return null;
  }
  return words.map((word, index) => texts[index] ?? quote(word ?? '')).join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
