/**
 * Effects of programs at the far end of a transfer: `rsync --server`, `scp -t`, `git-upload-pack`. Not caught here: what a client then says on that input.
 */
import { dropLeading, leading, type ReadOptions } from '../shell/options.ts';
import { exactText, literal, unknown, type Word } from '../shell/word.ts';
import { effect, pathsIn, type Effect } from './effect.ts';
import type { Access } from './policy.ts';

const READ: ReadonlySet<Access> = new Set<Access>(['read']);
const WRITE: ReadonlySet<Access> = new Set<Access>(['write']);
const READ_WRITE: ReadonlySet<Access> = new Set<Access>(['read', 'write']);
const MOVE: ReadonlySet<Access> = new Set<Access>(['read', 'delete']);
const REPLACE: ReadonlySet<Access> = new Set<Access>(['write', 'delete']);

const SLASH = { kind: 'text', text: '/', quoted: true } as const;
/** A name that the client chooses; it may begin with a dot. */
const ANY_NAME = { kind: 'number' } as const;

export function rsyncEffects(_: readonly Word[], read: ReadOptions): Effect[] {
  const isServer = has(read, /^--server$/);
  const effects = isServer ? serverTrees(read) : localTrees(read);
  const base = isServer ? (read.operands[0]?.word ?? null) : null;
  for (const { name, value } of read.options) {
    if (value === null || exactText(value) === '-') continue;
    if (/^--(files|include|exclude|password)-(from|file)$|^--(early-input|config)$/.test(name)) {
      effects.push(effect(READ, value));
    }
    if (name === '--filter' || name === '-f') effects.push(...mergedFile(value));
    if (/^--(log-file|write-batch|only-write-batch)$/.test(name))
      effects.push(effect(WRITE, value));
    const below = base === null ? value : from(base, value);
    if (/^--(backup|partial)-dir$/.test(name)) effects.push(effect(WRITE, below, true));
    if (name === '--temp-dir' || name === '-T') effects.push(effect(WRITE, below, true));
    if (/^--(compare|copy|link)-dest$/.test(name)) effects.push(effect(READ, below, true));
  }
  return effects;
}

function localTrees(read: ReadOptions): Effect[] {
  const operands = read.operands.map(({ word }) => word);
  const target = operands.length > 1 ? operands.pop() : undefined;
  const source = has(read, REMOVES) ? MOVE : READ;
  const effects = operands.flatMap((word) =>
    pathsIn(word).map((path) => effect(source, path, true)),
  );
  if (target !== undefined) {
    effects.push(effect(has(read, DELETES) ? REPLACE : WRITE, target, true));
  }
  return effects;
}

const REMOVES = /^--remove-(?:source|sent)/;
const DELETES = /^--del|^--force$/;
/** What makes the sender look into directories. */
const RECURSES =
  /^(?:-[rad]|--(?:recursive|archive|dirs|old-dirs|files-from|list-only|inc-recursive))$/;

/**
 * The first operand is the directory where it starts, the others are what it sends or, of a receiver,
 * where it goes. Names that the client sends besides stay below: rsync refuses `..` and cuts `/` off.
 */
function serverTrees(read: ReadOptions): Effect[] {
  if (has(read, /^-s$|^--(?:protect|secluded)-args$/)) return [];
  const [base = literal('.'), ...operands] = read.operands.map(({ word }) => word);
  const places = operands.length === 0 ? [base] : operands.map((word) => from(base, word));
  if (!has(read, /^--sender$/)) {
    const access = has(read, DELETES) ? REPLACE : WRITE;
    return places.map((word) => effect(access, word, true));
  }
  const access = has(read, REMOVES) ? MOVE : READ;
  const isTree = has(read, RECURSES) || operands.length === 0;
  return places.map((word) => effect(access, word, isTree));
}

/** The word as it is read from that directory. */
function from(base: Word, word: Word): Word {
  const isHere = /^(?:\.\/*)?$/.test(exactText(base) ?? 'x');
  const [first] = word;
  if (isHere || first?.kind === 'home' || leading(word).startsWith('/')) return word;
  // What isn't known may be absolute.
  return first === undefined || first.kind === 'text' || first.kind === 'glob'
    ? [...base, SLASH, ...word]
    : [unknown('where it lies is not known', false)];
}

/** `--filter='merge FILE'`: what can't be read as rules is printed. */
function mergedFile(rule: Word): Effect[] {
  const text = exactText(rule);
  if (text === null) return [effect(READ, [unknown('a filter may name a file')])];
  const file = /^(?:merge|dir-merge|[.:])[-+Cenws,/]*[\s_]+([^]+)$/.exec(text)?.[1];
  return file === undefined ? [] : [effect(READ, literal(file))];
}

/**
 * Both ends of scp's old protocol; null for a call that is neither. The client names the files that it sends,
 * so those of a target are any file in it.
 */
export function scpEffects(_: readonly Word[], read: ReadOptions): Effect[] | null {
  const operands = read.operands.map(({ word }) => word);
  const isTree = has(read, /^-r$/);
  if (has(read, /^-t$/)) {
    return operands.flatMap((word) =>
      isTree
        ? [effect(WRITE, word, true)]
        : [effect(WRITE, word), effect(WRITE, [...word, SLASH, ANY_NAME])],
    );
  }
  if (!has(read, /^-f$/)) return null;
  return operands.map((word) => effect(READ, word, isTree));
}

const GIT_SERVES: Readonly<Record<string, ReadonlySet<Access>>> = {
  'upload-pack': READ,
  'upload-archive': READ,
  'receive-pack': WRITE,
  'lfs-transfer': READ_WRITE,
};

/** What git does to the repository that it serves; it looks for `NAME.git` and `NAME/.git` as well. */
export function gitServes(verb: string, operands: readonly Word[]): Effect[] {
  const access = GIT_SERVES[verb];
  const [repository] = operands;
  if (access === undefined || repository === undefined) return [];
  const word = homed(repository);
  const withSuffix: Word = [...word, { kind: 'text', text: '.git', quoted: true }];
  return [effect(access, word, true), effect(access, withSuffix, true)];
}

/** git expands `~` and `~NAME` itself, quoted or not. */
function homed(word: Word): Word {
  const [first, ...rest] = word;
  if (first?.kind !== 'text') return word;
  const match = /^~([\w.-]*)(?=\/|$)/.exec(first.text);
  if (match === null) return word;
  const user = match[1] === '' ? null : (match[1] ?? null);
  const left = { ...first, text: first.text.slice(match[0].length) };
  return [{ kind: 'home', user }, left, ...rest];
}

/** `git-upload-pack` and its kin, by their own names. */
export const GIT_PROGRAMS: readonly string[] = Object.keys(GIT_SERVES).map((verb) => `git-${verb}`);

/** `hg -R REPOSITORY serve --stdio`. */
export function hgServes(_: readonly Word[], read: ReadOptions): Effect[] {
  const repository = read.options.find(({ name }) => /^(?:-R|--repository)$/.test(name))?.value;
  const isServer = read.operands.some(({ word }) => exactText(word) === 'serve');
  if (!isServer || repository === undefined || repository === null) return [];
  return [effect(READ_WRITE, repository, true)];
}

/** `borg serve --restrict-to-path DIR`, `svnserve -t -r DIR`: they keep below it. */
export function restrictedServes(words: readonly Word[]): Effect[] {
  return words.flatMap((word, index) => {
    const name = RESTRICTION.exec(leading(word))?.[0];
    if (name === undefined) return [];
    const value = name.endsWith('=') ? dropLeading(word, name.length) : words[index + 1];
    return value === undefined ? [] : [effect(READ_WRITE, value, true)];
  });
}

export const RESTRICTION = /^(?:-r|--root|--restrict-to-path|--restrict-to-repository)(?:=|$)/;

function has(read: ReadOptions, name: RegExp): boolean {
  return read.options.some((one) => name.test(one.name));
}
