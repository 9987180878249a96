/** Values of a query as people and clients send them: times, cursors, search text. */
import { SallyportError } from '../errors.ts';
import { storable } from './storable.ts';

/** A time in ISO 8601. Throws `usage.invalid`. */
export function timeOf(text: string): Date {
  const time = new Date(text);
  // PostgreSQL's range is smaller than JavaScript's.
  if (time.getTime() > 0 && time.getUTCFullYear() < 10_000) return time;
  throw new SallyportError(
    'usage.invalid',
    'the time is not one that can be read',
    'write it as 2026-11-21T10:00:00Z',
  );
}

/** A place in a list that is ordered by time and id. */
export interface Place {
  readonly atMs: number;
  readonly id: string;
}

export function cursorOf({ atMs, id }: Place): string {
  return Buffer.from(`${atMs} ${id}`).toString('base64url');
}

/** Reads a cursor. Throws `usage.invalid`. */
export function placeOf(cursor: string): Place {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, atMs, id] = /^(\d{1,14}) ([0-9a-f-]{36})$/.exec(text) ?? [];
  if (atMs !== undefined && id !== undefined && isUuid(id)) return { atMs: Number(atMs), id };
  throw new SallyportError('usage.invalid', 'the cursor is unknown', 'start from the first page');
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** A pattern for ILIKE that finds `text` anywhere; its own wildcards mean themselves. */
export function containing(text: string): string {
  return `%${storable(text).replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`;
}
