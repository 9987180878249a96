/**
 * Directories of the host that a container shows in places of its own: what a command inside does to
 * them, it does to the host's. Not caught here: volumes with a name, what a container was given before,
 * and what a file of compose mounts.
 */
import { dropLeading, leading } from './options.ts';
import { absolutePath } from './path.ts';
import { globbed } from './program-file.ts';
import { globPatterns, meet } from './pattern.ts';
import type { ResolvedCommand } from './command.ts';
import type { Frame } from './runner.ts';
import type { Mount } from './state.ts';
import { exactText, isUnknown, literal, patternText, unknown, type Word } from './word.ts';

/** Mounts of one container, and words of one command, that are looked at. */
const MAX_MOUNTS = 16;
const MAX_MOUNTED_WORDS = 128;
const MORE: Word = [unknown('it names more files in a container than can be followed', true)];

const SLASH = { kind: 'text', text: '/', quoted: true } as const;

/** The value of `-v` (`SOURCE:TARGET:OPTIONS`) or `--mount` (`type=bind,source=…,target=…`). */
export function mountOf(value: Word, directory: string | null): Mount | 'named' | 'unknown' {
  const isLong =
    /^(?:\w+=|bind-|readonly|ro,)/.test(leading(value)) && !leading(value).includes(':');
  const parts = splitAt(value, isLong ? ',' : ':');
  const named = (name: RegExp) => {
    const part = parts.find((one) => name.test(leading(one)));
    return part === undefined ? undefined : dropLeading(part, leading(part).indexOf('=') + 1);
  };
  const source = isLong ? named(/^(?:source|src)=/) : parts[0];
  // Some programs show the directory in the same place if no other is named.
  const target = isLong ? named(/^(?:target|destination|dst)=/) : parts[1];
  if (source === undefined) return 'named';
  if (target === undefined) return isUnknown(value) && leading(value) === '' ? 'unknown' : 'named';
  return mountAt(source, target, directory);
}

export function mountAt(
  source: Word,
  target: Word,
  directory: string | null,
): Mount | 'named' | 'unknown' {
  const at = exactText(target);
  const text = exactText(source);
  // A name that begins like this is a volume's.
  if (/^[^/~.]/.test(text ?? leading(source))) return 'named';
  if (at?.startsWith('/') !== true) return 'unknown';
  const path = absolutePath(at, null) ?? at;
  if (text === null) return { at: path, of: source };
  const from = absolutePath(text, directory);
  return {
    at: path,
    of: from === null ? [unknown('the directory that is mounted is not known')] : literal(from),
  };
}

/** The pieces of a word between the separators that its literal text holds. */
function splitAt(word: Word, separator: string): Word[] {
  const parts: Word[] = [];
  let part: Word = [];
  for (const piece of word) {
    if (piece.kind !== 'text') {
      part = [...part, piece];
      continue;
    }
    const texts = piece.text.split(separator);
    texts.forEach((text, index) => {
      if (index > 0) {
        parts.push(part);
        part = [];
      }
      if (text !== '') part = [...part, { ...piece, text }];
    });
  }
  return [...parts, part];
}

/** @returns the mounts that may be told; `unsure` when one of them can't */
export function mountsOf(found: readonly (Mount | 'named' | 'unknown')[]): {
  readonly mounts: readonly Mount[];
  readonly unsure: boolean;
} {
  const mounts = [
    ...new Map(
      found.flatMap((one) => (typeof one === 'string' ? [] : [[one.at, one] as const])),
    ).values(),
  ];
  return {
    mounts: mounts.slice(0, MAX_MOUNTS),
    unsure: found.includes('unknown') || mounts.length > MAX_MOUNTS,
  };
}

type Files = ResolvedCommand['redirected'];

/** The same command as the host sees it; null if it reaches nothing of the host by a mount. */
export function throughMounts(
  words: readonly Word[],
  files: Files,
  frame: Frame,
): { readonly words: readonly Word[]; readonly files: Files; readonly frame: Frame } | null {
  const { mounts, directories } = frame.state;
  const isDeep = words.some(isRecursive);
  let isLed = false;
  const lead = (word: Word): readonly Word[] => {
    const head = leading(word);
    const mark = MARK.exec(head)?.[0].length;
    if (mark === undefined) return [word];
    const path = mark === 0 ? word : dropLeading(word, mark);
    const led = ledPaths(path, mounts, isDeep);
    if (led.length === 0) return [word];
    isLed = true;
    return mark === 0 ? led : led.map((one) => [...literal(head.slice(0, mark)), ...one]);
  };
  const ledWords = words.flatMap((word, index) =>
    index === 0 ? [word] : index > MAX_MOUNTED_WORDS ? [MORE] : lead(word),
  );
  const ledFiles = files.flatMap((file) => lead(file.word).map((word) => ({ ...file, word })));
  const places: (string | null)[] = [];
  for (const directory of directories ?? []) {
    for (const led of ledPaths(literal(directory), mounts, isDeep)) places.push(exactText(led));
  }
  if (places.length > 0) isLed = true;
  const isKnown = directories !== null && !places.includes(null);
  const all = isKnown ? [...places, ...directories].filter((place) => place !== null) : null;
  if (!isLed) return null;
  const state = frame.state.child();
  state.mounts = [];
  state.moveTo(all, true);
  return { words: ledWords, files: ledFiles, frame: { ...frame, state } };
}

/** What may stand before a path in the same word. */
const MARK = /^(?:--?[\w-]+=|-[A-Za-z](?=\/)|\w+=@?|@)?(?=\/)/;

/** It goes on below the directories that it is given, or its name says so. */
function isRecursive(word: Word, index: number): boolean {
  const text = exactText(word) ?? '';
  return index === 0
    ? /(?:^|\/)(?:find|fd|tree|shred|rsync|tar)$/.test(text)
    : RECURSIVE.test(text);
}

const RECURSIVE = /^(?:-[A-Za-z]*[rRa][A-Za-z]*|--recursive|--archive)$/;

/** Where a path leads on the host, by each mount that it may go through. */
function ledPaths(path: Word, mounts: readonly Mount[], isDeep: boolean): Word[] {
  return mounts.flatMap(({ at, of }) => {
    const led = throughMount(path, at, of, isDeep);
    return led === null ? [] : [led];
  });
}

function throughMount(path: Word, at: string, of: Word, isDeep: boolean): Word | null {
  const text = exactText(path);
  if (text !== null) {
    const whole = absolutePath(text, null);
    if (whole === null) return null;
    if (isBelow(whole, at)) return joined(of, whole.slice(at === '/' ? 0 : at.length));
    return isDeep && isBelow(at, whole) ? of : null;
  }
  const head = leading(path);
  const cut = head.lastIndexOf('/') + 1;
  const directory = absolutePath(head.slice(0, cut), null);
  if (directory === null) return null;
  const rest = dropLeading(path, cut);
  if (isBelow(directory, at)) {
    return [...joined(of, directory.slice(at === '/' ? 0 : at.length)), SLASH, ...rest];
  }
  if (!isBelow(at, directory)) return null;
  const pattern = patternText(rest);
  if (pattern === null) return [...of, SLASH, ...rest];
  const names = at.slice(directory === '/' ? 1 : directory.length + 1).split('/');
  const patterns = pattern.split('/');
  const isFit = patterns
    .slice(0, names.length)
    .every((one, index) => globPatterns(one).some((glob) => meet(glob, names[index] ?? '')));
  if (!isFit || (patterns.length < names.length && !isDeep)) return null;
  const below = patterns.slice(names.length).join('/');
  return below === '' ? of : [...of, SLASH, ...globbed(below)];
}

function isBelow(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`);
}

function joined(of: Word, rest: string): Word {
  const text = exactText(of);
  if (text !== null) return literal(`${text === '/' && rest !== '' ? '' : text}${rest}`);
  return rest === '' ? of : [...of, ...literal(rest)];
}
