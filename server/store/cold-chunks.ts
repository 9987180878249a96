/**
 * Data of chunks that lies in an object store. Reading it is like reading the rows themselves: hashes are
 * of the lines, and those are checked by whoever reads. Not caught here: an object that was changed; the
 * chain shows it.
 */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/** Data that is fetched in one request, bytes. */
const MAX_FETCH_BYTES = 8 * 1024 * 1024;

/** Where the data of a row is. */
export interface StoredData {
  readonly codec: number;
  readonly data: Buffer | null;
  readonly cold_key: string | null;
  readonly cold_at: number | null;
  readonly cold_len: number | null;
}

/** Lets whoever reads over these connections reach what was moved out of the database. */
export function withObjects(objects: ObjectStore | null): { readonly objects: ObjectStore | null } {
  return { objects };
}

function objectsOf(knex: Knex): ObjectStore | null {
  return (knex.userParams as Partial<ReturnType<typeof withObjects>>).objects ?? null;
}

/**
 * The rows with their data, in order. Neighbours in one object are fetched together. Rejects with
 * `storage.unreachable` when the store doesn't give them, or isn't configured.
 */
export async function withData<Row extends StoredData>(
  knex: Knex,
  rows: readonly Row[],
): Promise<readonly (Row & { readonly data: Buffer })[]> {
  const objects = objectsOf(knex);
  const whole: (Row & { readonly data: Buffer })[] = [];
  for (let at = 0; at < rows.length;) {
    const row = rows[at];
    if (row === undefined) break;
    if (row.data !== null) {
      whole.push({ ...row, data: row.data });
      at += 1;
      continue;
    }
    const span = spanFrom(rows, at);
    const bytes = await fetchSpan(span, objects);
    for (const { from, row: part } of span.parts) {
      whole.push({ ...part, data: bytes.subarray(from, from + lengthOf(part)) });
    }
    at += span.parts.length;
  }
  return whole;
}

interface Span<Row> {
  readonly key: string;
  readonly offset: number;
  readonly length: number;
  /** @param from where the row's data starts in the span */
  readonly parts: readonly { readonly row: Row; readonly from: number }[];
}

function spanFrom<Row extends StoredData>(rows: readonly Row[], start: number): Span<Row> {
  const key = rows[start]?.cold_key ?? '';
  const offset = rows[start]?.cold_at ?? 0;
  const parts: { row: Row; from: number }[] = [];
  let length = 0;
  for (const row of rows.slice(start)) {
    const isNext = row.cold_key === key && row.cold_at === offset + length;
    if (!isNext || (parts.length > 0 && length + lengthOf(row) > MAX_FETCH_BYTES)) break;
    parts.push({ row, from: length });
    length += lengthOf(row);
  }
  return { key, offset, length, parts };
}

function fetchSpan<Row>(span: Span<Row>, objects: ObjectStore | null): Promise<Buffer> {
  if (objects !== null) return objects.read(span.key, span.offset, span.length);
  throw new SallyportError(
    'storage.unreachable',
    'this recording was moved to an object store, and none is configured',
    'set SALLYPORT_COLD_STORE as it was when the recording was moved',
  );
}

function lengthOf({ cold_len: length }: StoredData): number {
  return length ?? 0;
}
