/**
 * Effects of programs that depend on more than a line of the tables can say: find, tar, git,
 * cpio, socat, tools for disks. Not caught here: what archives contain, and lists that such programs read elsewhere.
 */
import { dropLeading, leading, type ReadOptions } from '../shell/options.ts';
import { foundWords } from '../shell/programs/collect.ts';
import { exactText, literal, unknown, type Word } from '../shell/word.ts';
import { effect, pathsIn, type Effect } from './effect.ts';
import {
  GIT_PROGRAMS,
  gitServes,
  hgServes,
  restrictedServes,
  rsyncEffects,
  scpEffects,
} from './effects-transfers.ts';
import type { Access } from './policy.ts';

/** null = the tables say it. */
type SpecialEffects = (words: readonly Word[], read: ReadOptions) => Effect[] | null;

const READ: ReadonlySet<Access> = new Set<Access>(['read']);
const WRITE: ReadonlySet<Access> = new Set<Access>(['write']);
const DELETE: ReadonlySet<Access> = new Set<Access>(['delete']);
const READ_WRITE: ReadonlySet<Access> = new Set<Access>(['read', 'write']);
const MOVE: ReadonlySet<Access> = new Set<Access>(['read', 'delete']);
const REPLACE: ReadonlySet<Access> = new Set<Access>(['write', 'delete']);

const DRY_RUN = [/^-n$/, /^-[qv]$/] as const;
/** Options that only look at a disk, and those that may be given beside them and do nothing by themselves. */
const INSPECTING: Readonly<Record<string, readonly [looks: RegExp, besides: RegExp]>> = {
  sgdisk: [
    /^(?:-[pivEFDO]|--(?:print|info|verify|end-of-largest|first-in-largest|display-alignment|print-mbr))$/,
    /^$/,
  ],
  gdisk: [/^-l$/, /^$/],
  sfdisk: [
    /^(?:-[ldJsVF]|--(?:list|dump|json|show-size|verify|list-free))$/,
    /^(?:-[qo]|--(?:quiet|output|bytes))$/,
  ],
  mdadm: [
    /^(?:-[DEQX]|--(?:detail|examine|query|examine-bitmap))$/,
    /^(?:-[svbY]|--(?:scan|verbose|brief|export))$/,
  ],
  mke2fs: DRY_RUN,
  'mkfs.ext2': DRY_RUN,
  'mkfs.ext3': DRY_RUN,
  'mkfs.ext4': DRY_RUN,
};

export const SPECIAL_EFFECTS: Readonly<Record<string, SpecialEffects>> = {
  find: findEffects,
  gfind: findEffects,
  bfs: findEffects,
  tar: tarEffects,
  bsdtar: tarEffects,
  gtar: tarEffects,
  rsync: rsyncEffects,
  scp: scpEffects,
  ...Object.fromEntries(
    GIT_PROGRAMS.map((name) => [
      name,
      (_, { operands }) => gitServes(name.slice('git-'.length), wordsOf(operands)),
    ]),
  ),
  cpio: cpioEffects,
  socat: socatEffects,
  parted: partedEffects,
  ...Object.fromEntries(
    Object.entries(INSPECTING).map(([name, own]) => [name, (_, read) => diskEffects(own, read)]),
  ),
};

/** What some calls do besides what the tables say. */
export const FURTHER_EFFECTS: Readonly<Record<string, SpecialEffects>> = {
  git: gitEffects,
  hg: hgServes,
  borg: restrictedServes,
  svnserve: restrictedServes,
  cmake: cmakeEffects,
  parallel: parallelEffects,
};

function diskEffects(
  [looks, besides]: readonly [looks: RegExp, besides: RegExp],
  { options, operands }: ReadOptions,
): Effect[] {
  const isOnlySeen =
    options.some(({ name }) => looks.test(name)) &&
    options.every(({ name }) => looks.test(name) || besides.test(name));
  return operands.flatMap(({ word }) =>
    pathsIn(word).map((path) => effect(isOnlySeen ? READ : REPLACE, path)),
  );
}

/** Commands of parted that change nothing, and what may stand behind them. */
const PARTED_LOOKS =
  /^(?:p|print|unit|help|align-check|q|quit|all|devices|free|list|opt|optimal|min|minimal|s|B|[kMGT]i?B|%|cyl|chs|compact|\d+)$/;

/** `parted DEVICE [COMMAND…]`; without a command it asks for them. */
function partedEffects(_: readonly Word[], { operands }: ReadOptions): Effect[] {
  const [device, ...commands] = operands.map(({ word }) => word);
  if (device === undefined) return [];
  const looks =
    commands.length > 0 && commands.every((word) => PARTED_LOOKS.test(exactText(word) ?? ''));
  return [effect(looks ? READ : REPLACE, device)];
}

/** Names come from a list whose contents aren't known. */
function listed(access: ReadonlySet<Access>, list: Word | null): Effect[] {
  // The reader follows the names that come on standard input.
  if (list === null || exactText(list) === '-') return [];
  return [effect(READ, list), effect(access, [unknown('it is taken from a list', true)])];
}

function findEffects(words: readonly Word[]): Effect[] {
  const { found } = foundWords(words);
  const effects: Effect[] = [];
  words.forEach((word, index) => {
    const flag = exactText(word) ?? '';
    const next = words[index + 1];
    if (flag === '-delete') effects.push(...found.map((path) => effect(DELETE, path)));
    if (next === undefined) return;
    if (/^-f(print|print0|printf|ls)$/.test(flag)) effects.push(effect(WRITE, next));
    if (flag === '-files0-from') effects.push(effect(READ, next));
  });
  return effects;
}

function tarEffects(words: readonly Word[], read: ReadOptions): Effect[] {
  const first = exactText(words[0] ?? []) ?? '';
  const bundled = first.startsWith('-') ? '' : first;
  const has = (letter: string, long: string) =>
    (letter !== '' && bundled.includes(letter)) ||
    read.options.some(({ name }) => name === `-${letter}` || isStart(name, long));
  const value = (letter: string, long: string) =>
    read.options.findLast(({ name }) => name === letter || isStart(name, long))?.value ?? null;
  const operands = read.operands.slice(bundled === '' ? 0 : 1).map(({ word }) => word);
  // The letters of a bundle take their values from the words behind it, in their own order.
  const taken = new Map<string, Word>();
  for (const letter of bundled) {
    const next = /[fCTXbgHILNKVF]/.test(letter) ? operands.shift() : undefined;
    if (next !== undefined) taken.set(letter, next);
  }
  const directory = value('-C', '--directory') ?? taken.get('C') ?? null;
  const archive = value('-f', '--file') ?? taken.get('f') ?? null;
  const extracts = has('x', '--extract') || has('x', '--get');
  const lists = has('t', '--list') || has('d', '--diff') || has('d', '--compare');
  const effects: Effect[] = [];
  if (archive !== null && exactText(archive) !== '-') {
    effects.push(effect(extracts || lists ? READ : WRITE, archive));
  }
  if (extracts && !has('O', '--to-stdout')) {
    const replaces = has('U', '--unlink-first') || has('U', '--recursive-unlink');
    effects.push(effect(replaces ? REPLACE : WRITE, directory ?? literal('.'), true));
    if (has('P', '--absolute-names') || has('P', '--absolute-paths')) {
      effects.push(effect(WRITE, [unknown('the archive says where it is unpacked')]));
    }
  }
  const list = value('-T', '--files-from') ?? taken.get('T') ?? null;
  if (!extracts && !lists) {
    const removes = has('', '--remove-files');
    const access = removes ? MOVE : READ;
    for (const word of operands) {
      for (const path of pathsIn(word)) effects.push(effect(access, path, true, directory));
    }
    effects.push(...listed(access, list));
  } else if (list !== null) effects.push(effect(READ, list));
  const added = value('', '--add-file');
  if (added !== null) effects.push(effect(READ, added, true, directory));
  const exclude = value('-X', '--exclude-from');
  if (exclude !== null) effects.push(effect(READ, exclude));
  const index = value('', '--index-file') ?? value('-g', '--listed-incremental');
  if (index !== null) effects.push(effect(WRITE, index));
  return effects;
}

/** GNU programs take any start of a long name. */
function isStart(name: string, long: string): boolean {
  return long !== '' && name.startsWith('--') && name.length > 3 && long.startsWith(name);
}

/** Names come on standard input, which the reader follows. */
function cpioEffects(words: readonly Word[], read: ReadOptions): Effect[] {
  const texts = words.map(exactText);
  const extracts = read.options.some(({ name }) => name === '-i' || name === '--extract');
  const passes = read.options.some(({ name }) => name === '-p' || name === '--pass-through');
  const effects: Effect[] = [];
  texts.forEach((text, index) => {
    const next = words[index + 1];
    const joined = /^--file=(.*)$/.exec(text ?? '')?.[1];
    if (joined !== undefined) effects.push(effect(READ_WRITE, literal(joined)));
    if (next === undefined) return;
    if (/^-\w*[FIO]$|^--file$/.test(text ?? '')) effects.push(effect(READ_WRITE, next));
    if (text === '-E' || text === '--pattern-file') effects.push(effect(READ, next));
  });
  const target = read.operands.at(-1)?.word;
  if (passes && target !== undefined) effects.push(effect(WRITE, target, true));
  if (extracts) effects.push(effect(WRITE, literal('.'), true));
  return effects;
}

const SOCAT_FILES =
  /^(?:file|open|gopen|create|creat|pipe|fifo|unix-[\w-]+|unix|abstract-[\w-]+):/i;

/** `FILE:path,options`; an address with a slash and no colon is a file too. */
function socatEffects(_: readonly Word[], read: ReadOptions): Effect[] {
  const effects: Effect[] = [];
  for (const { word } of read.operands) {
    for (const address of (exactText(word) ?? leading(word)).split('!!')) {
      const mark = SOCAT_FILES.exec(address)?.[0].length;
      if (mark === undefined && !/^[^:]*\//.test(address)) continue;
      const path =
        exactText(word) === null
          ? dropLeading(word, mark ?? 0)
          : literal(address.slice(mark ?? 0).replace(/,.*$/s, ''));
      effects.push(effect(READ_WRITE, path));
    }
  }
  return effects;
}

/** What a directory holds, not the directory itself. */
const EVERYTHING_HERE: Word = [{ kind: 'glob', pattern: '*' }];

/** `git clean` deletes what no word names. */
function gitEffects(words: readonly Word[], read: ReadOptions): Effect[] {
  const verb = exactText(read.operands[0]?.word ?? []);
  if (verb !== null && verb !== 'clean') return gitServes(verb, wordsOf(read.operands.slice(1)));
  const directory = read.options.find(({ name }) => name === '-C' || name === '--work-tree')?.value;
  const forced = words.some((word) => /^-[a-z]*f|^--force/.test(exactText(word) ?? ''));
  if (verb !== 'clean' || !forced) return [];
  const paths = read.operands.slice(1).map(({ word }) => word);
  return (paths.length === 0 ? [EVERYTHING_HERE] : paths).map((path) =>
    effect(DELETE, path, true, directory ?? null),
  );
}

function wordsOf(operands: ReadOptions['operands']): readonly Word[] {
  return operands.map(({ word }) => word);
}

/** Files behind `::::` are lists. */
function parallelEffects(words: readonly Word[]): Effect[] {
  const from = words.findIndex((word) => exactText(word)?.startsWith('::::') === true);
  return from < 0 ? [] : words.slice(from + 1).map((word) => effect(READ, word));
}

const CMAKE_TOOLS: Readonly<Record<string, ReadonlySet<Access>>> = {
  cat: READ,
  compare_files: READ,
  md5sum: READ,
  copy: READ_WRITE,
  copy_directory: READ_WRITE,
  rename: new Set<Access>(['read', 'write', 'delete']),
  touch: WRITE,
  remove: DELETE,
  remove_directory: DELETE,
  rm: DELETE,
};

/** `cmake -E TOOL FILE…` */
function cmakeEffects(words: readonly Word[]): Effect[] {
  const at = words.findIndex((word) => exactText(word) === '-E');
  const access = at < 0 ? undefined : CMAKE_TOOLS[exactText(words[at + 1] ?? []) ?? ''];
  if (access === undefined) return [];
  return words
    .slice(at + 2)
    .filter((word) => !leading(word).startsWith('-'))
    .map((word) => effect(access, word, true));
}
