/** For how much an approval counts: once, for the rest of the session, or for a time. Pure. */

/** Longest time that one approval counts for, a session's included. */
export const MAX_STANDING_MS = 24 * 3_600_000;
/** Shortest. */
export const MIN_STANDING_MS = 1_000;

/** For how much somebody approves. */
export type GrantedScope =
  | { readonly kind: 'once' }
  | { readonly kind: 'session' }
  | { readonly kind: 'time'; readonly ms: number };

/** How it is written: `once`, `session`, or a time such as `30m`. */
export const SCOPE_FORM = 'once, session, or a time from 1s to 24h such as 30m';

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** null = it is none of these. */
export function readScope(text: string): GrantedScope | null {
  if (text === 'once' || text === 'session') return { kind: text };
  const [, count, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) return null;
  const ms = Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
  return ms >= MIN_STANDING_MS && ms <= MAX_STANDING_MS ? { kind: 'time', ms } : null;
}
