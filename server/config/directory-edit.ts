/**
 * One entry of the directory changed by itself: the whole is read by the same reader as a configuration file,
 * with the same words, and mistakes are placed in the entry as it was sent. Pure. Not caught here: a change
 * that is valid and gives more than its author meant.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DirectoryDocument } from '../access/directory.ts';
import type { WrittenDirectory, WrittenEntry } from '../store/directory-written.ts';
import { documentFrom } from './document.ts';
import type { Checks } from './entries.ts';
import { pathText, type Path, type Problem } from './problem.ts';
import type { Source } from './source.ts';

/** The sections whose entries can be changed one by one. */
export const EDITED_SECTIONS = [
  'principals',
  'targets',
  'grants',
  'policies',
  'credentials',
] as const;
export type EditedSection = (typeof EDITED_SECTIONS)[number];

/** Deeper values are refused; no entry needs more than a handful. */
const MAX_DEPTH = 64;

export interface EntryProblem {
  /** Where in what was sent; '' = the whole of it. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

export type EditOutcome =
  | {
      readonly kind: 'ok';
      readonly document: DirectoryDocument;
      /** Where the entry stands in its section. */
      readonly at: number;
      /** Of a policy, else of whatever has one. */
      readonly name: string | null;
      readonly warnings: readonly EntryProblem[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly EntryProblem[] };

/** The directory and what its grants are called. */
export interface EditedDirectory {
  readonly written: WrittenDirectory;
  /** In the order of the grants. */
  readonly grantIds: readonly string[];
}

/**
 * The directory with one entry more, or another one in place of the one of its name.
 * @param entry as it was sent; a policy as {name, policy}
 * @param place of a grant that it replaces; null = a new one goes to the end
 */
export function putEntry(
  directory: EditedDirectory,
  section: EditedSection,
  entry: unknown,
  place: number | null,
  checks: Checks,
): EditOutcome {
  const odd = oddity(entry);
  if (odd !== null) return { kind: 'invalid', problems: [odd] };
  const { written } = directory;
  if (section === 'policies') return putPolicy(directory, entry as WrittenEntry, checks);
  const { name } = entry as WrittenEntry;
  const there: readonly WrittenEntry[] = written[section];
  const found =
    section === 'grants' ? (place ?? -1) : there.findIndex((one) => one['name'] === name);
  const at = found === -1 ? there.length : found;
  const value = { ...written, [section]: there.toSpliced(at, 1, entry as WrittenEntry) };
  const base = [section, at];
  const read = readValue({ ...directory, written: value }, base, [], checks);
  if (read.kind === 'invalid') return read;
  const { grants } = read.document;
  const same = grants.findIndex((one, index) => index < at && isDeepStrictEqual(one, grants[at]));
  if (section === 'grants' && place === null && same !== -1) {
    // They are a set: what is there already is that one.
    const document = { ...read.document, grants: grants.slice(0, -1) };
    return { ...read, document, at: same, name: null };
  }
  return { ...read, at, name: typeof name === 'string' ? name : null };
}

function putPolicy(
  directory: EditedDirectory,
  { name, policy, ...others }: WrittenEntry,
  checks: Checks,
): EditOutcome {
  const fault = (path: string, message: string, hint: string): EditOutcome => ({
    kind: 'invalid',
    problems: [{ path, message, hint }],
  });
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return fault(unknown, 'unknown key', 'known: name, policy');
  if (typeof name !== 'string') return fault('name', 'name is missing', 'add "name: …"');
  if (name === '__proto__') return fault('name', 'the name "__proto__" is not read', 'use another');
  if (policy === undefined) return fault('policy', 'policy is missing', 'add "policy: {…}"');
  const { written } = directory;
  const policies = { ...written.policies, [name]: policy };
  const value = { ...directory, written: { ...written, policies } };
  const read = readValue(value, ['policies', name], ['policy'], checks);
  return read.kind === 'invalid' ? read : { ...read, at: 0, name };
}

/** What still names an entry that is to go, `grant ID at principals[0]`; empty = nothing does. */
export function namersOf(
  directory: EditedDirectory,
  section: Exclude<EditedSection, 'grants'>,
  name: string,
  checks: Checks,
): readonly string[] {
  const { written } = directory;
  const rest =
    section === 'policies'
      ? {
          policies: Object.fromEntries(
            Object.entries(written.policies).filter(([one]) => one !== name),
          ),
        }
      : { [section]: written[section].filter((one) => one['name'] !== name) };
  const value = { ...directory, written: { ...written, ...rest } };
  const read = documentFrom([sourceOf(value)], checks);
  if (read.kind === 'ok') return [];
  return [...new Set(read.problems.map(({ file }) => file))];
}

function readValue(
  directory: EditedDirectory,
  base: Path,
  sentAs: Path,
  checks: Checks,
):
  | {
      readonly kind: 'ok';
      readonly document: DirectoryDocument;
      readonly warnings: readonly EntryProblem[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly EntryProblem[] } {
  const read = documentFrom([sourceOf(directory, { base, sentAs })], checks);
  const sent = (problem: Problem): EntryProblem => inEntry(problem, directory, base, sentAs);
  if (read.kind === 'invalid') return { kind: 'invalid', problems: read.problems.map(sent) };
  // What the rest of the directory is warned of isn't news.
  const warnings = read.warnings.filter(({ line }) => line === SENT).map(sent);
  return { kind: 'ok', document: read.document, warnings };
}

/** In place of a line number: the problem is in what was sent. */
const SENT = 1;

/** The directory as a source; its problems name an entry and the place in it instead of a line. */
function sourceOf(
  directory: EditedDirectory,
  entry: { readonly base: Path; readonly sentAs: Path } | null = null,
): Source {
  const at = (path: Path, message: string, hint: string): Problem => {
    const isSent = entry !== null && entry.base.every((step, index) => path[index] === step);
    const file = isSent
      ? pathText([...entry.sentAs, ...path.slice(entry.base.length)])
      : placeText(directory, path);
    return { file, line: isSent ? SENT : 0, column: 0, message, hint };
  };
  return {
    file: '',
    value: directory.written,
    problems: [],
    at,
    atKey: at,
    placeOf: (path) => placeText(directory, path),
  };
}

const NOUNS: Readonly<Record<string, string>> = {
  authorities: 'authority',
  principals: 'principal',
  targets: 'target',
  credentials: 'credential',
  policies: 'policy',
  webhooks: 'webhook',
};

/** `grant 0199… at principals[0]` */
function placeText({ grantIds, written }: EditedDirectory, path: Path): string {
  const [section = '', key = '', ...inner] = path;
  const where = inner.length === 0 ? '' : ` at ${pathText(inner)}`;
  if (section === 'grants' && typeof key === 'number') {
    return `grant ${grantIds[key] ?? 'that is new'}${where}`;
  }
  const noun = NOUNS[String(section)];
  if (noun === undefined) return pathText(path);
  if (typeof key !== 'number') return `${noun} ${key}${where}`;
  const entries = (written as unknown as Readonly<Record<string, readonly WrittenEntry[]>>)[
    section
  ];
  const name = entries?.[key]?.['name'];
  return `${noun} ${typeof name === 'string' ? name : key}${where}`;
}

const ENTRY_PATH =
  /\b(authorities|principals|targets|grants|credentials|webhooks)\[(\d+)\]|\bpolicies\.([\w.-]+?)(?=\.rules|\.default|[ :]|$)/g;

/** The problem with what was sent called by its own names. */
function inEntry(
  { file, hint, message }: Problem,
  directory: EditedDirectory,
  base: Path,
  sentAs: Path,
): EntryProblem {
  const own = pathText(base);
  const prefix = pathText(sentAs);
  const said = message
    .replaceAll(`${own}.`, prefix === '' ? '' : `${prefix}.`)
    .replaceAll(own, prefix === '' ? 'what was sent' : prefix)
    .replace(ENTRY_PATH, (whole: string, section?: string, index?: string) =>
      section === undefined ? whole : placeText(directory, [section, Number(index)]),
    );
  return { path: file, message: said, hint };
}

/** What no YAML file could say, or no reader should follow; null = nothing. */
function oddity(entry: unknown): EntryProblem | null {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    return { path: '', message: 'what was sent is no JSON object', hint: 'send {"name": …}' };
  }
  const walk = (value: unknown, path: Path): EntryProblem | null => {
    if (typeof value === 'string') {
      const hint = 'send whole characters, without U+0000';
      return value.includes('\0') || !value.isWellFormed()
        ? { path: pathText(path), message: 'the text has characters that can not be kept', hint }
        : null;
    }
    if (typeof value !== 'object' || value === null) return null;
    if (path.length > MAX_DEPTH) {
      const message = 'it is nested too deeply';
      return { path: pathText(path.slice(0, 4)), message, hint: `use at most ${MAX_DEPTH} levels` };
    }
    for (const [key, inner] of Object.entries(value)) {
      if (key === '__proto__') {
        return {
          path: pathText(path),
          message: 'the key "__proto__" is not read',
          hint: 'remove it',
        };
      }
      const odd = walk(inner, [...path, Array.isArray(value) ? Number(key) : key]);
      if (odd !== null) return odd;
    }
    return null;
  };
  return walk(entry, []);
}
