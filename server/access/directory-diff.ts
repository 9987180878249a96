/**
 * What differs between two states of one entry of the directory, in lines that people read. Pure. Not caught
 * here: what a difference means; two rules that say the same in other words differ.
 */
import { printable } from '../printable.ts';

/** Longer values are cut in a line. */
const MAX_SHOWN_CHARACTERS = 300;
/** Lines about one entry; the rest is counted. */
export const MAX_DIFF_LINES = 100;

/** @param before undefined = it wasn't there: the lines say what it is now */
export function entryDiff(before: unknown, after: unknown): readonly string[] {
  const lines: string[] = [];
  compare('', before, after, lines);
  if (lines.length <= MAX_DIFF_LINES) return lines;
  return [...lines.slice(0, MAX_DIFF_LINES), `… ${lines.length - MAX_DIFF_LINES} more lines`];
}

type Mapping = Readonly<Record<string, unknown>>;

function compare(path: string, before: unknown, after: unknown, lines: string[]): void {
  if (sameText(before) === sameText(after)) return;
  const isNew = before === undefined;
  if ((isNew || isMapping(before)) && isMapping(after) && (path === '' || !isNew)) {
    compareMappings(path, isMapping(before) ? before : {}, after, lines);
  } else if (Array.isArray(before) && Array.isArray(after)) {
    compareLists(path, before, after, lines);
  } else if (isNew) {
    lines.push(`${path}: ${shown(after)}`);
  } else {
    lines.push(`${path}: ${shown(before)} → ${after === undefined ? 'left out' : shown(after)}`);
  }
}

function compareMappings(path: string, before: Mapping, after: Mapping, lines: string[]): void {
  const prefix = path === '' ? '' : `${path}.`;
  const keys = [...Object.keys(before), ...Object.keys(after).filter((key) => !(key in before))];
  for (const key of keys) {
    // The name of an entry stands in front of its lines.
    if (path === '' && key === 'name') continue;
    compare(`${prefix}${key}`, before[key], after[key], lines);
  }
}

function compareLists(
  path: string,
  before: readonly unknown[],
  after: readonly unknown[],
  lines: string[],
): void {
  const [named, namedNow] = [byName(before), byName(after)];
  const start = lines.length;
  if (named !== null && namedNow !== null) {
    for (const [name, value] of named) {
      if (!namedNow.has(name)) lines.push(`${path}: - ${shown(value)}`);
      else compare(`${path}[${name}]`, value, namedNow.get(name), lines);
    }
    for (const [name, value] of namedNow) {
      if (!named.has(name)) lines.push(`${path}: + ${shown(value)}`);
    }
    const kept = (names: ReadonlyMap<string, unknown>): string =>
      [...names.keys()].filter((name) => named.has(name) && namedNow.has(name)).join(', ');
    if (kept(named) !== kept(namedNow)) {
      lines.push(`${path}: in the order ${[...namedNow.keys()].join(', ')}`);
    }
    return;
  }
  const left = after.map(sameText);
  for (const value of before) {
    const at = left.indexOf(sameText(value));
    if (at === -1) lines.push(`${path}: - ${shown(value)}`);
    else left.splice(at, 1);
  }
  const known = before.map(sameText);
  for (const value of after) {
    const at = known.indexOf(sameText(value));
    if (at === -1) lines.push(`${path}: + ${shown(value)}`);
    else known.splice(at, 1);
  }
  if (lines.length === start) {
    lines.push(`${path}: in the order ${after.map(shown).join(', ')}`);
  }
}

/** null = they aren't all mappings of different names. */
function byName(list: readonly unknown[]): ReadonlyMap<string, Mapping> | null {
  const names = new Map<string, Mapping>();
  for (const one of list) {
    if (!isMapping(one) || typeof one['name'] !== 'string') return null;
    names.set(one['name'], one);
  }
  return names.size === list.length ? names : null;
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same for values that differ in the order of keys alone. */
function sameText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isMapping(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

function shown(value: unknown): string {
  const plain = (one: unknown): string =>
    typeof one === 'string' && /^[^\s,[\]{}"'][^,[\]{}"']*$/.test(one)
      ? one
      : (JSON.stringify(one) ?? '');
  const text =
    Array.isArray(value) && value.every((one) => typeof one !== 'object')
      ? value.map(plain).join(', ')
      : plain(value);
  return printable(text, MAX_SHOWN_CHARACTERS);
}
