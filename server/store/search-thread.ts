/**
 * The thread that keeps the search up to date, over a connection of its own. It rests as long as it works,
 * so that a large backlog takes neither the database nor a processor from sessions.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { silentLogger } from '../log.ts';
import type { ServerAddress } from './connect.ts';
import { createPool } from './database.ts';
import { createObjectStore, type ObjectStoreOptions } from './object-store.ts';
import { Indexer, INDEXER_POOL_SIZE } from './search-indexer.ts';

/** What the thread is started with. */
export interface SearchThreadData {
  readonly address: ServerAddress;
  /** Where old recordings are; null = in the database. */
  readonly objects: ObjectStoreOptions | null;
}

export type SearchThreadOrder = 'catch-up';

/** The answer to the order to catch up; `why` is null when that worked. */
export interface SearchThreadAnswer {
  readonly why: string | null;
}

/** Sessions that run go first. */
const NICENESS = 10;
/** Longest rest between two steps. */
const MAX_REST_MS = 2000;

const port = parentPort;
if (port === null) throw new Error('this is a thread of its own');
yieldToSessions();
const { address, objects } = workerData as SearchThreadData;
const store = objects === null ? null : createObjectStore(objects);
const indexer = new Indexer(createPool(address, INDEXER_POOL_SIZE, silentLogger, store));
let wasCalledAgain = false;
let isRunning = false;

port.on('message', () => {
  wasCalledAgain = true;
  if (!isRunning) void catchUp();
});

async function catchUp(): Promise<void> {
  isRunning = true;
  let why: string | null = null;
  try {
    while (wasCalledAgain) {
      wasCalledAgain = false;
      for (let isMore = true; isMore;) {
        const startMs = performance.now();
        isMore = await indexer.step();
        if (isMore) await sleep(Math.min(MAX_REST_MS, performance.now() - startMs));
      }
    }
  } catch (error) {
    why = messageOf(error);
  }
  isRunning = false;
  port?.postMessage({ why } satisfies SearchThreadAnswer);
}

/** Linux gives every thread a priority of its own; elsewhere it stays as it is. */
function yieldToSessions(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (thread > 0) setPriority(thread, NICENESS);
  } catch {
    // It works all the same.
  }
}
