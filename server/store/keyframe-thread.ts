/**
 * The thread that makes keyframes: it does what the keeper orders, one slice of one recording at a time,
 * over a connection of its own. What a target printed can at worst end this thread.
 */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.ts';
import { silentLogger } from '../log.ts';
import type { ServerAddress } from './connect.ts';
import { createPool } from './database.ts';
import { KeyframeMaker, type SliceOutcome } from './keyframe-maker.ts';
import { createObjectStore, type ObjectStoreOptions } from './object-store.ts';
import { isOutage } from './outage.ts';

/** What the thread is started with. */
export interface ThreadData {
  readonly address: ServerAddress;
  /** UUID of the bastion whose recordings are followed. */
  readonly instanceId: string;
  readonly objects: ObjectStoreOptions | null;
}

export type ThreadOrder =
  /** `ifDue`: only when there is enough for a new keyframe. */
  | { readonly kind: 'slice'; readonly sessionId: string; readonly ifDue: boolean }
  | { readonly kind: 'forget'; readonly sessionId: string };

/** The answer to a slice. */
export interface ThreadAnswer {
  readonly sessionId: string;
  /** `away`: the database is, for a while. */
  readonly outcome: SliceOutcome | 'failed' | 'away';
  readonly why: string | null;
}

/** Sessions that run go first. */
const NICENESS = 5;

const port = parentPort;
if (port === null) throw new Error('this is a thread of its own');
yieldToSessions();
const { address, instanceId, objects } = workerData as ThreadData;
const store = objects === null ? null : createObjectStore(objects);
const knex = createPool(address, 1, silentLogger, store);
const maker = new KeyframeMaker(knex, { instanceId });

port.on('message', (order: ThreadOrder) => {
  if (order.kind === 'forget') maker.forget(order.sessionId);
  else void answer(order.sessionId, order.ifDue);
});

async function answer(sessionId: string, ifDue: boolean): Promise<void> {
  const reply = (outcome: ThreadAnswer['outcome'], why: string | null = null): void =>
    port?.postMessage({ sessionId, outcome, why } satisfies ThreadAnswer);
  try {
    if (ifDue && !(await maker.isDue(sessionId))) reply('done');
    else reply(await maker.slice(sessionId));
  } catch (error) {
    reply(isOutage(error) ? 'away' : 'failed', messageOf(error));
  }
}

/** Linux gives every thread a priority of its own; elsewhere it stays as it is. */
function yieldToSessions(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (thread > 0) setPriority(thread, NICENESS);
  } catch {
    // It makes keyframes all the same.
  }
}
