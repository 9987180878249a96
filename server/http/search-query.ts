/** Query strings of the search to queries. Every mistake names the parameter and what it takes. */
import type { SearchFilters } from './pages.ts';
import type { SearchQuery } from './ports.ts';
import {
  DEFAULT_LIMIT,
  instant,
  invalid,
  MAX_CURSOR_CHARACTERS,
  MAX_FILTER_CHARACTERS,
  MAX_LIMIT,
  oneOf,
  type RawQuery,
  refuseUnknown,
  shownFilters,
  text,
  wholeNumber,
} from './query.ts';

const PLACES = ['commands', 'output'] as const;
const DECISIONS = ['allow', 'deny', 'hold'] as const;
const TEXT_FILTERS = ['q', 'principal', 'target', 'run'] as const;
/** Lists of sessions call times `since` and `until`; here both names will do. */
const FROM = ['from', 'since'] as const;
const TO = ['to', 'until'] as const;
const PARAMETERS: readonly string[] = [
  ...TEXT_FILTERS,
  'in',
  'session',
  'decision',
  ...FROM,
  ...TO,
  'limit',
  'cursor',
];

/** Throws `usage.invalid` naming the first bad parameter; an empty value is the same as none. */
export function searchQuery(raw: RawQuery): SearchQuery {
  refuseUnknown(raw, PARAMETERS);
  const query: { -readonly [Name in keyof SearchQuery]: SearchQuery[Name] } = {
    in: oneOf(raw, 'in', PLACES) ?? 'commands',
    limit: wholeNumber(raw, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  };
  for (const name of TEXT_FILTERS) {
    const value = text(raw, name, MAX_FILTER_CHARACTERS);
    if (value !== null) query[name] = value;
  }
  const session = text(raw, 'session', MAX_FILTER_CHARACTERS);
  if (session !== null) query.session = session;
  const decision = oneOf(raw, 'decision', DECISIONS);
  if (decision !== null) query.decision = decision;
  const from = oneTime(raw, FROM, 'T00:00:00.000Z');
  if (from !== null) query.from = from;
  const to = oneTime(raw, TO, 'T23:59:59.999Z');
  if (to !== null) query.to = to;
  if (from !== null && to !== null && from > to) {
    throw invalid('to', 'is before "from"', 'swap the two');
  }
  const cursor = text(raw, 'cursor', MAX_CURSOR_CHARACTERS);
  if (cursor !== null) query.cursor = cursor;
  return query;
}

function oneTime(raw: RawQuery, names: readonly string[], ofDay: string): string | null {
  const [name = '', other = ''] = names.filter(
    (one) => text(raw, one, MAX_FILTER_CHARACTERS) !== null,
  );
  if (other !== '') throw invalid(other, `says the same as "${name}"`, 'give one of them');
  return name === '' ? null : instant(raw, name, ofDay);
}

/** The form as it is shown again, whatever was typed. */
export function searchFilters(raw: RawQuery): SearchFilters {
  const plain = ['in', 'q', 'session', 'principal', 'target', 'run', 'decision'] as const;
  const times = shownFilters(raw, [...FROM, ...TO]);
  const given = (names: readonly (keyof typeof times)[]): string =>
    names.map((name) => times[name]).find((one) => one !== '') ?? '';
  return { ...shownFilters(raw, plain), from: given(FROM), to: given(TO) };
}
