/**
 * Programs that only look at the files that they are given, and run nothing. What a blank in a name that
 * somebody made leads them to is looked at, too. Not caught here: options with which they write.
 */
import { baseName } from './path.ts';
import type { Word } from './word.ts';
import { exactText } from './word.ts';

const READERS = new Set(
  (
    'cat head tail wc grep egrep fgrep zgrep rg ls stat file du md5sum sha1sum sha256sum sha512sum cksum ' +
    'nl cut od hexdump strings zcat jq diff cmp basename dirname realpath readlink echo'
  ).split(' '),
);
/** It makes files run, and shows or changes nothing in them. */
const MAKES_RUN = /^[augo]*\+[xX]$/;

/** Whether a command of these words does no more to a file than to look at it. */
export function onlyReads(words: readonly Word[]): boolean {
  const name = baseName(exactText(words[0] ?? []) ?? '');
  if (name !== 'chmod') return READERS.has(name);
  return words.slice(1).some((word) => MAKES_RUN.test(exactText(word) ?? ''));
}
