/**
 * Query strings to queries. Every mistake names the parameter and what it takes.
 * Not caught here: whether a cursor is genuine; the store answers for its own cursors.
 */
import { SallyportError } from '../errors.ts';
import type { SessionFilters } from './pages.ts';
import type { SessionQuery } from './ports.ts';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;
/** Longer filter texts are refused. */
export const MAX_FILTER_CHARACTERS = 200;
export const MAX_CURSOR_CHARACTERS = 500;

export const FORMATS = ['cast', 'cast2', 'txt', 'json', 'html'] as const;
export type Format = (typeof FORMATS)[number];

export type RawQuery = Readonly<Record<string, unknown>>;

const KINDS = ['shell', 'exec', 'sftp', 'scp', 'forward'] as const;
const STOPPING = ['deny', 'hold'] as const;
const ANSWERS = ['yes', 'no'] as const;
const STATUSES = ['active', 'closed', 'failed'] as const;
const TEXT_FILTERS = ['principal', 'target', 'run', 'q'] as const;
const SESSION_PARAMETERS: readonly string[] = [
  ...TEXT_FILTERS,
  'kind',
  'decision',
  'reviewed',
  'status',
  'since',
  'until',
  'limit',
  'cursor',
];
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?$/;

/** Throws `usage.invalid` naming the first bad parameter; an empty value is the same as none. */
export function sessionQuery(raw: RawQuery): SessionQuery {
  refuseUnknown(raw, SESSION_PARAMETERS);
  const query: { -readonly [Name in keyof SessionQuery]: SessionQuery[Name] } = {
    ...span(raw),
    limit: wholeNumber(raw, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  };
  for (const name of TEXT_FILTERS) {
    const value = text(raw, name, MAX_FILTER_CHARACTERS);
    if (value !== null) query[name] = value;
  }
  const status = oneOf(raw, 'status', STATUSES);
  if (status !== null) query.status = status;
  const kind = oneOf(raw, 'kind', KINDS);
  if (kind !== null) query.kind = kind;
  const decision = oneOf(raw, 'decision', STOPPING);
  if (decision !== null) query.decision = decision;
  const reviewed = oneOf(raw, 'reviewed', ANSWERS);
  if (reviewed !== null) query.reviewed = reviewed;
  const cursor = text(raw, 'cursor', MAX_CURSOR_CHARACTERS);
  if (cursor !== null) query.cursor = cursor;
  return query;
}

/** `since` and `until`; a day begins and ends in UTC. */
export function span(raw: RawQuery): { since?: string; until?: string } {
  const since = instant(raw, 'since', 'T00:00:00.000Z');
  const until = instant(raw, 'until', 'T23:59:59.999Z');
  if (since !== null && until !== null && since > until) {
    throw invalid('until', 'is before "since"', 'swap the two');
  }
  return { ...(since !== null && { since }), ...(until !== null && { until }) };
}

/** The filters as the form shows them again, whatever was typed. */
export function sessionFilters(raw: RawQuery): SessionFilters {
  return shownFilters(raw, [
    'principal',
    'target',
    'run',
    'kind',
    'decision',
    'reviewed',
    'status',
    'since',
    'until',
    'q',
  ]);
}

/** Parameters as a form shows them again, whatever was typed; empty where there is none. */
export function shownFilters<Name extends string>(
  raw: RawQuery,
  names: readonly Name[],
): Record<Name, string> {
  const shown = names.map((name) => {
    const value = raw[name];
    return [name, typeof value === 'string' ? value.slice(0, MAX_FILTER_CHARACTERS) : ''] as const;
  });
  return Object.fromEntries(shown) as Record<Name, string>;
}

export function recordingFormat(raw: RawQuery): Format {
  refuseUnknown(raw, ['format']);
  return oneOf(raw, 'format', FORMATS) ?? 'cast';
}

/** What a replay is asked for: `skip=idle` shortens pauses; an address that the index gives may say `until`. */
export interface ReplayQuery {
  readonly skipIdle: boolean;
  /** Microseconds; null where the index says none. */
  readonly untilUs: number | null;
}

export function replayQuery(raw: RawQuery, known: readonly ('skip' | 'until')[]): ReplayQuery {
  refuseUnknown(raw, known);
  const until = text(raw, 'until', 16);
  if (until !== null && !/^\d+$/.test(until)) {
    throw invalid('until', 'is not a time', 'use the addresses that the index gives');
  }
  return {
    skipIdle: oneOf(raw, 'skip', ['idle']) !== null,
    untilUs: until === null ? null : Number(until),
  };
}

/** Which approvals: of one status or session, or all. */
export function approvalQuery(raw: RawQuery): {
  readonly status?: 'waiting' | 'approved' | 'refused' | 'expired' | 'cancelled';
  readonly session?: string;
  readonly limit: number;
} {
  refuseUnknown(raw, ['status', 'session', 'limit']);
  const statuses = ['waiting', 'approved', 'refused', 'expired', 'cancelled'] as const;
  const status = oneOf(raw, 'status', statuses);
  const limit = wholeNumber(raw, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
  const session = text(raw, 'session', MAX_FILTER_CHARACTERS);
  return { ...(status !== null && { status }), ...(session !== null && { session }), limit };
}

export function refuseUnknown(raw: RawQuery, known: readonly string[]): void {
  for (const name of Object.keys(raw)) {
    if (!known.includes(name)) {
      throw invalid(name, 'is not known here', `use one of: ${known.join(', ')}`);
    }
  }
}

export function text(raw: RawQuery, name: string, maxCharacters: number): string | null {
  const value = raw[name];
  if (value === undefined || value === '') return null;
  if (typeof value !== 'string') throw invalid(name, 'is given more than once', 'give it once');
  if (value.length > maxCharacters) {
    throw invalid(name, 'is too long', `use at most ${maxCharacters} characters`);
  }
  if (value.includes('\0')) throw invalid(name, 'holds a NUL character', 'leave it out');
  return value;
}

export function oneOf<T extends string>(
  raw: RawQuery,
  name: string,
  choices: readonly T[],
): T | null {
  const value = text(raw, name, MAX_FILTER_CHARACTERS);
  if (value === null) return null;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) {
    throw invalid(name, 'has a value that is not known', `use one of: ${choices.join(', ')}`);
  }
  return choice;
}

export function wholeNumber(
  raw: RawQuery,
  name: string,
  least: number,
  most: number,
): number | null {
  const value = text(raw, name, MAX_FILTER_CHARACTERS);
  if (value === null) return null;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) {
    throw invalid(name, 'is not a number in range', `use ${least} to ${most}`);
  }
  return number;
}

/** @param ofDay what completes a bare date */
export function instant(raw: RawQuery, name: string, ofDay: string): string | null {
  const value = text(raw, name, MAX_FILTER_CHARACTERS);
  if (value === null) return null;
  const found = INSTANT.exec(value);
  let whole: string | null = null;
  if (DAY.test(value)) whole = value + ofDay;
  else if (found !== null) whole = found[1] === undefined ? `${value}Z` : value;
  const ms = whole === null ? Number.NaN : Date.parse(whole);
  if (Number.isNaN(ms) || !isDay(value.slice(0, 10))) {
    throw invalid(name, 'is not a time', 'use ISO 8601: 2026-01-31 or 2026-01-31T18:30:00Z (UTC)');
  }
  return new Date(ms).toISOString();
}

/** Date.parse takes 31 February for 3 March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

export function invalid(name: string, what: string, hint: string): SallyportError {
  return new SallyportError('usage.invalid', `the parameter "${name.slice(0, 50)}" ${what}`, hint);
}
