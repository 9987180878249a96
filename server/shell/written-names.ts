/**
 * Which files earlier commands of a session may have written, by the names in their words. Not caught
 * here: files that a program makes without being told their names, but for those of archives and clones.
 */
import { absolutePath, baseName } from './path.ts';
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

type Texts = readonly (string | null)[];

/** Programs that fill a directory with files whose names they aren't told, and where; null = they don't. */
const UNPACKING: ReadonlyMap<string, (texts: Texts) => string | null> = new Map(
  Object.entries({
    git: (texts: Texts) =>
      texts.includes('clone') ? cloned(texts.slice(texts.indexOf('clone') + 1)) : null,
    hg: (texts: Texts) => (texts[0] === 'clone' ? cloned(texts.slice(1)) : null),
    svn: (texts: Texts) =>
      /^(?:co|checkout|export)$/.test(texts[0] ?? '') ? cloned(texts.slice(1)) : null,
    gh: (texts: Texts) => (texts[1] === 'clone' ? cloned(texts.slice(2)) : null),
    tar: untarred,
    gtar: untarred,
    bsdtar: untarred,
    unzip: (texts: Texts) => (has(texts, /^-[lptvZ]/) ? null : (behind(texts, /^-d$/) ?? '.')),
    '7z': (texts: Texts) => (has(texts, /^[ex]$/) ? (joinedTo(texts, '-o') ?? '.') : null),
    unsquashfs: (texts: Texts) => behind(texts, /^-d$/) ?? 'squashfs-root',
    cpio: (texts: Texts) => (has(texts, /^-\w*i|^--extract$/) ? '.' : null),
  }),
);

function has(texts: Texts, pattern: RegExp): boolean {
  return texts.some((text) => pattern.test(text ?? ''));
}

function behind(texts: Texts, option: RegExp): string | null {
  const at = texts.findIndex((text) => option.test(text ?? ''));
  return at < 0 ? null : (texts[at + 1] ?? null);
}

function joinedTo(texts: Texts, option: string): string | null {
  return texts.find((text) => text?.startsWith(option) === true)?.slice(option.length) ?? null;
}

/** `clone URL [DIRECTORY]` */
function cloned(texts: Texts): string | null {
  const last = texts.findLast((text) => text?.startsWith('-') === false) ?? null;
  if (last === null || !/:|\.git\/?$/.test(last)) return last;
  return baseName(last.replace(/\/+$/, '')).replace(/\.git$/, '');
}

function untarred(texts: Texts): string | null {
  const extracts =
    /^-?[A-Za-z]*x/.test(texts[0] ?? '') || has(texts, /^(?:-[A-Za-z]*x|--extract$|--get$)/);
  if (!extracts || has(texts, /^(?:-O|--to-stdout)$/)) return null;
  return behind(texts, /^(?:-C|--directory)$/) ?? joinedTo(texts, '--directory=') ?? '.';
}

/** Remembers the names of the files that a command may write. */
export function noteNames(
  words: readonly Word[],
  redirected: readonly { readonly access: 'read' | 'write'; readonly word: Word }[],
  names: Set<string>,
  directory: string | null,
): void {
  const [program, ...texts] = words.map(exactText);
  const name = baseName(program ?? '');
  const into = UNPACKING.get(name)?.(texts) ?? null;
  if (into !== null) names.add(`${absolutePath(into, directory) ?? ''}/`);
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
  return names.has(ANY) || names.has(baseName(path)) || isUnpacked(path, names);
}

/** Does the file lie where the session has unpacked or fetched others? */
export function isUnpacked(path: string, names: ReadonlySet<string>): boolean {
  for (let at = path.lastIndexOf('/'); at >= 0; at = at > 0 ? path.lastIndexOf('/', at - 1) : -1) {
    if (names.has(path.slice(0, at + 1))) return true;
  }
  return false;
}
