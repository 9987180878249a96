/**
 * Copies the journal to other places, at least once each entry: how far a copy has come is kept in the
 * database once the place has taken it. Nobody who works waits for it. Each machine copies for itself. Not
 * caught here: who changes a copy afterwards; its entries have the journal's own hashes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { JournalEntry } from '../journal/event.ts';
import type { Logger } from '../log.ts';
import type { Database } from './database.ts';
import { JOURNAL_CHANNEL } from './journal.ts';
import type { JournalCopySink } from './journal-copy-sinks.ts';

/** Entries that a place gets at once. */
const BATCH_ENTRIES = 500;
/** How often it looks without being told. */
const LOOK_EVERY_MS = 15_000;
/** The wait after a failure: doubled from the first to the second. */
const RETRY_MS = { first: 500, most: 30_000 } as const;

export interface JournalCopiesOptions {
  readonly database: Pick<Database, 'knex' | 'listen'>;
  readonly sinks: readonly JournalCopySink[];
  /** Of this installation, which has copies of its own. */
  readonly instanceId: string;
  readonly logger: Logger;
}

/** Starts at once. */
export async function startJournalCopies(
  options: JournalCopiesOptions,
): Promise<{ close(): Promise<void> }> {
  const stop = new AbortController();
  const wakes = new Set<() => void>();
  const unlisten = await options.database.listen(JOURNAL_CHANNEL, () => {
    for (const wake of wakes) wake();
  });
  const running = options.sinks.map((sink) => copying(options, sink, wakes, stop.signal));
  return {
    close: async () => {
      stop.abort();
      unlisten();
      for (const wake of wakes) wake();
      await Promise.all(running);
    },
  };
}

async function copying(
  options: JournalCopiesOptions,
  sink: JournalCopySink,
  wakes: Set<() => void>,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    // Asked for before the journal is read, so that no entry falls between.
    let wake = (): void => {};
    const woken = new Promise<void>((resolve) => (wake = resolve));
    wakes.add(wake);
    let waitMs: number = LOOK_EVERY_MS;
    try {
      while ((await copySome(options, sink)) && !signal.aborted);
      if (failures > 0)
        options.logger.info('journal-copy.resumed', { place: sink.place, failures });
      failures = 0;
    } catch (error) {
      if (failures === 0) {
        options.logger.error('journal-copy.failed', { place: sink.place, why: messageOf(error) });
      }
      failures += 1;
      waitMs = Math.min(RETRY_MS.first * 2 ** Math.min(failures - 1, 10), RETRY_MS.most);
    }
    const pause = sleep(waitMs, null, { signal, ref: false }).catch(() => {});
    // A place that doesn't take anything is left alone, whatever happens meanwhile.
    await (failures > 0 ? pause : Promise.race([pause, woken]));
    wakes.delete(wake);
  }
}

/** @returns whether there may be more */
export async function copySome(
  { database: { knex }, instanceId }: Pick<JournalCopiesOptions, 'database' | 'instanceId'>,
  sink: JournalCopySink,
): Promise<boolean> {
  const place = `${instanceId} ${sink.place}`;
  // A new copy has everything from the first entry on.
  const stood = await knex<{ place: string; seq: number }>('journal_copies')
    .where({ place })
    .first();
  const rows: readonly { body: string; hash: string }[] = await knex('journal')
    .where('seq', '>', stood?.seq ?? 0)
    .orderBy('seq')
    .limit(BATCH_ENTRIES)
    .select('body', 'hash');
  const entries = rows.map(({ body, hash }) => ({
    ...(JSON.parse(body) as Omit<JournalEntry, 'hash'>),
    hash,
  }));
  const last = entries.at(-1);
  if (last === undefined) return false;
  await sink.put(entries);
  await knex('journal_copies')
    .insert({ place, seq: last.seq, copied_at: knex.fn.now() })
    .onConflict('place')
    .merge();
  return entries.length === BATCH_ENTRIES;
}
