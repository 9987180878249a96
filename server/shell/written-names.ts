/**
 * Which files earlier commands of a session may have written, by the names in their words. Not caught
 * here: files that a program writes without being told their names, like those of an archive.
 */
import { baseName } from './path.ts';
import type { Word } from './word.ts';
import { exactText, isUnknown } from './word.ts';

/** Programs that change no file that they are given the name of, or only how it may be used. */
const READERS = new Set(
  (
    'cat less more head tail ls ll stat file wc grep egrep fgrep rg diff cmp md5sum sha256sum test [ [[ cd pwd ' +
    'echo printf chmod chown which type command source . sh bash dash zsh ksh python python3 node ruby ' +
    'perl php sudo env time timeout nohup nice set export trap for if exec exit true false : ps pgrep kill ' +
    'systemctl journalctl npm pip mkdir rm rmdir read sleep date'
  ).split(' '),
);
/** Stands for all names. */
const ANY = '*';
/** Names remembered in one session; beyond, any file may have been written. */
const MAX_NAMES = 1_000;

/** Remembers the names of the files that a command may write. */
export function noteNames(
  words: readonly Word[],
  redirected: readonly { readonly access: 'read' | 'write'; readonly word: Word }[],
  names: Set<string>,
): void {
  const [program, ...texts] = words.map(exactText);
  const name = baseName(program ?? '');
  const writes = program === null || !(READERS.has(name) || onlyShows(name, texts));
  for (const word of writes ? words.slice(1) : []) note(word, names);
  for (const { access, word } of redirected) if (access === 'write') note(word, names);
}

/** find and sed, unless they are told to write. */
function onlyShows(program: string, texts: readonly (string | null | undefined)[]): boolean {
  if (program === 'find')
    return !texts.some((text) => text === null || /^-f(print|ls)/.test(text ?? ''));
  return program === 'sed' && texts[0] === '-n' && /^[\d,$+ ]*p$/.test(texts[1] ?? '');
}

function note(word: Word, names: Set<string>): void {
  const text = exactText(word);
  if (text === null && isUnknown(word)) names.add(ANY);
  if (names.size >= MAX_NAMES) names.add(ANY);
  if (text === null || names.has(ANY)) return;
  // In options (`-o`, `--output=`, `of=`) and in programs (`w FILE`) as well.
  for (const part of text.split(/[\s"'=:,;()<>|]+/)) {
    names.add(baseName(part.replace(/\/+$/, '')));
    if (/^-\w./.test(part)) names.add(baseName(part.slice(2)));
  }
}

/** May a file of this name have been written since the session began? */
export function mayBeWritten(path: string, names: ReadonlySet<string>): boolean {
  return names.has(ANY) || names.has(baseName(path));
}
