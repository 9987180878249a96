/**
 * Takes sealed chunks to Postgres in the order in which they were sealed, many in one statement, and
 * keeps trying while Postgres is away. What it holds is bounded by the spool's backlog.
 * Not caught here: chunks still on the way when the process dies; the spool has their lines.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { messageOf, type SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type PackedLines, packLines, qualityFor, type SealedChunk } from './chunk.ts';
import { isOutage, retryDelayMs } from './outage.ts';
import { refusal } from './spool-backlog.ts';

/** Notified with the session's id after chunks were stored. */
export const CHUNKS_CHANNEL = 'sallyport_chunks';
/** Rows and uncompressed bytes of one statement. */
export const MAX_BATCH_CHUNKS = 64;
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;
/** With more waiting than this, compress faster and less. */
export const BUSY_BYTES = 1024 * 1024;
/** Compressions at once: they share Node's four threads with the spool's writes. */
export const COMPRESSORS = 2;

export interface ShipperOptions {
  readonly knex: Knex;
  readonly logger: Logger;
  /** Called in order, after the commit. */
  readonly onStored: (chunk: SealedChunk) => void;
}

interface Waiting {
  readonly chunk: SealedChunk;
  readonly resolve: () => void;
  readonly reject: (error: SallyportError) => void;
}

type Row = readonly [Waiting, PackedLines];

export class Shipper {
  readonly #options: ShipperOptions;
  readonly #queue: Waiting[] = [];
  readonly #stop = new AbortController();
  /** Sessions with a chunk that Postgres refused: nothing may follow the gap. */
  readonly #refused = new Map<string, SallyportError>();
  #queuedBytes = 0;
  #isRunning = false;

  constructor(options: ShipperOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the chunk is committed. Rejects with `recording.failed` when Postgres refuses it for
   * good, or when the shipper stops first.
   */
  ship(chunk: SealedChunk): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#stop.signal.aborted) return reject(stopped());
      this.#queue.push({ chunk, resolve, reject });
      this.#queuedBytes += chunk.lines.length;
      if (this.#isRunning) return;
      this.#isRunning = true;
      void this.#run();
    });
  }

  /** The session is over. */
  forget(sessionId: string): void {
    this.#refused.delete(sessionId);
  }

  /** Stops trying; what isn't stored is rejected and stays in the spool. */
  close(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    let storing = Promise.resolve();
    while (this.#queue.length > 0) {
      const rows = await this.#pack(this.#take());
      // The next batch is compressed while this one is on its way; order stays.
      await storing;
      storing = this.#store(rows);
      if (this.#queue.length === 0) await storing;
    }
    this.#isRunning = false;
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let taken = 0;
    for (const { chunk } of this.#queue) {
      bytes += chunk.lines.length;
      if (taken > 0 && (taken === MAX_BATCH_CHUNKS || bytes > MAX_BATCH_BYTES)) break;
      taken += 1;
    }
    return this.#queue.splice(0, taken);
  }

  async #pack(batch: readonly Waiting[]): Promise<readonly Row[]> {
    const isBusy = this.#queuedBytes > BUSY_BYTES;
    const rows: Row[] = [];
    for (let at = 0; at < batch.length; at += COMPRESSORS) {
      const some = batch.slice(at, at + COMPRESSORS);
      const pack = async (one: Waiting): Promise<Row> => [
        one,
        await packLines(one.chunk.lines, qualityFor(one.chunk, isBusy)),
      ];
      rows.push(...(await Promise.all(some.map(pack))));
    }
    return rows;
  }

  /** Settles every row; never rejects. */
  async #store(rows: readonly Row[]): Promise<void> {
    const sound = rows.filter(([{ chunk }]) => !this.#refused.has(chunk.header.sessionId));
    for (const [waiting] of rows) {
      const refused = this.#refused.get(waiting.chunk.header.sessionId);
      if (refused !== undefined) this.#settle(waiting, refused);
    }
    if (sound.length === 0) return;
    const outcome = await this.#tryUntilStored(sound);
    if (outcome !== null && sound.length > 1 && !this.#stop.signal.aborted) {
      // One that Postgres never takes must not hold up the others.
      for (const row of sound) await this.#store([row]);
      return;
    }
    for (const [waiting] of sound) {
      if (outcome !== null) this.#refused.set(waiting.chunk.header.sessionId, outcome);
      this.#settle(waiting, outcome);
    }
  }

  #settle(waiting: Waiting, error: SallyportError | null): void {
    this.#queuedBytes -= waiting.chunk.lines.length;
    if (error !== null) return waiting.reject(error);
    this.#options.onStored(waiting.chunk);
    waiting.resolve();
  }

  /** Why the rows will never be stored; null = they are. */
  async #tryUntilStored(rows: readonly Row[]): Promise<SallyportError | null> {
    const { knex, logger } = this.#options;
    const { signal } = this.#stop;
    const chunks = rows.map(([{ chunk }, packed]) => ({ chunk, packed }));
    for (let failures = 0; ;) {
      try {
        await insertChunks(knex, chunks);
        if (failures > 0) logger.info('recording.shipping-resumed', { failures });
        return null;
      } catch (error) {
        if (signal.aborted) return stopped();
        if (!isOutage(error)) {
          logger.error('recording.chunk-refused', { why: messageOf(error) });
          return refusal(`Postgres refuses a chunk: ${messageOf(error)}`, error);
        }
        if (failures === 0) logger.warn('recording.shipping-waits', { why: messageOf(error) });
        failures += 1;
        await sleep(retryDelayMs(failures), null, { signal }).catch(() => {});
        if (signal.aborted) return stopped();
      }
    }
  }
}

function stopped(): SallyportError {
  return refusal('the bastion stopped before Postgres took the rest of the recording');
}

/**
 * Inserts chunks and notifies about their sessions, in one statement. A chunk that is there already
 * stays as it is, so that trying again is harmless.
 */
export async function insertChunks(
  knex: Knex,
  chunks: readonly { readonly chunk: SealedChunk; readonly packed: PackedLines }[],
): Promise<void> {
  const rows = chunks.map(() => '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?::bytea, ?::bytea, ?::bytea)');
  const bindings = chunks.flatMap(({ chunk: { header, prevHash, hash, outputBytes }, packed }) => [
    header.sessionId,
    header.seq,
    header.t0Us,
    header.t1Us,
    header.firstEvent,
    header.events,
    header.rawLength,
    outputBytes,
    packed.codec,
    Buffer.from(prevHash, 'hex'),
    Buffer.from(hash, 'hex'),
    packed.data,
  ]);
  await knex.raw(
    `with stored as (
       insert into chunks (session_id, seq, t0_us, t1_us, first_event, events, raw_len, output_bytes,
                           codec, prev_hash, hash, data)
       values ${rows.join(', ')}
       on conflict (session_id, seq) do nothing
       returning session_id
     )
     select pg_notify(?, session_id::text) from (select distinct session_id from stored) as ids`,
    [...bindings, CHUNKS_CHANNEL],
  );
}
