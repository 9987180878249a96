/**
 * Contents of transferred files in the database: part by part, written once, gone with their session. The
 * journal's entry on the transfer has the number of parts and the hash of what they hold.
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { messageOf } from '../errors.ts';
import type { JournalEntry } from '../journal/event.ts';
import type { FileKeeper, KeptPart } from '../session/ports.ts';
import { packLines, QUALITY, unpackLines } from './chunk.ts';
import type { Database } from './database.ts';
import { answerWithin, COMMIT_WAIT_MS, outageReason } from './outage.ts';
import { isUuid } from './query-text.ts';
import { refusal } from './spool-backlog.ts';

interface KeptRow {
  readonly session_id: string;
  readonly seq: number;
  readonly direction: KeptPart['direction'];
  readonly part: number;
  readonly raw_len: number;
  readonly codec: number;
  readonly data: Buffer;
}

/** Which contents. */
export interface KeptPlace {
  readonly session: string;
  /** Number of the command. */
  readonly seq: number;
  readonly direction: KeptPart['direction'];
}

export interface KeptFiles extends FileKeeper {
  /** The contents in order; empty = none are kept. Rejects with `internal` at a part that can't be read. */
  contents(place: KeptPlace): AsyncIterable<Buffer>;
}

export function createKeptFiles({ knex }: Pick<Database, 'knex'>): KeptFiles {
  return {
    async keep({ session, seq, direction, part, bytes }) {
      const { codec, data } = await packLines(bytes, QUALITY.bulk);
      const row = { session_id: session, seq, direction, part, raw_len: bytes.length, codec, data };
      try {
        await answerWithin(COMMIT_WAIT_MS, knex('kept_files').insert(row));
      } catch (error) {
        throw refusal(`contents of a file can't be kept: ${outageReason(error)}`, error);
      }
    },
    contents: (place) => contentsOf(knex, place),
  };
}

async function* contentsOf(knex: Knex, place: KeptPlace): AsyncGenerator<Buffer> {
  if (!isUuid(place.session)) return;
  for (let part = 1; ; part++) {
    const row = await knex<KeptRow>('kept_files')
      .where({ session_id: place.session, seq: place.seq, direction: place.direction, part })
      .first();
    if (row === undefined) return;
    yield await unpackLines(row, row.raw_len);
  }
}

/** Entries whose contents aren't there as they say, by the number of the entry. */
export async function keptFaults(
  knex: Knex,
  entries: readonly JournalEntry[],
): Promise<ReadonlyMap<number, string>> {
  const faults = new Map<number, string>();
  for (const entry of entries) {
    for (const claim of claimsIn(entry)) {
      const why = await faultOf(knex, claim);
      if (why === null) continue;
      faults.set(
        entry.seq,
        `the kept contents of command ${claim.seq}, which entry ${entry.seq} of the journal names, ${why}`,
      );
    }
  }
  return faults;
}

interface KeptClaim extends KeptPlace {
  readonly parts: number;
  readonly bytes: number;
  readonly sha256: string;
}

function claimsIn({ data, session, type }: JournalEntry): KeptClaim[] {
  if (session === null || (type !== 'file.read' && type !== 'file.written')) return [];
  const { kept, seq } = data as { readonly kept?: unknown; readonly seq?: unknown };
  if (!Array.isArray(kept) || typeof seq !== 'number') return [];
  return kept.flatMap((one: unknown) => {
    const { bytes, direction, parts, sha256 } = (one ?? {}) as Partial<KeptClaim>;
    const isWhole =
      typeof parts === 'number' &&
      typeof bytes === 'number' &&
      typeof sha256 === 'string' &&
      (direction === 'read' || direction === 'written');
    return isWhole ? [{ session, seq, direction, parts, bytes, sha256 }] : [];
  });
}

async function faultOf(knex: Knex, claim: KeptClaim): Promise<string | null> {
  const hash = createHash('sha256');
  let bytes = 0;
  let parts = 0;
  try {
    for await (const part of contentsOf(knex, claim)) {
      hash.update(part);
      bytes += part.length;
      parts += 1;
    }
  } catch (error) {
    return `can't be read: ${messageOf(error)}`;
  }
  if (parts < claim.parts) return `are not all there: part ${parts + 1} is missing`;
  if (parts > claim.parts || bytes !== claim.bytes) return 'are more than it says';
  return hash.digest('hex') === claim.sha256 ? null : 'are not what it says: their hash differs';
}
