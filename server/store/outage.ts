/**
 * Which database errors pass by themselves: the server stops, restarts, fails over or is full.
 * Not caught here: whether a commit that lost its connection took place; the caller has to look.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SallyportError } from '../errors.ts';
import { codeOf } from './connect.ts';

/** SQLSTATE classes: connection, transaction rollback, resources, operator intervention, system. */
const PASSING_CLASS = /^(08|40|53|55|57|58)...$/;
const SYSTEM_CODE = /^E[A-Z]+$/;
/** What pg says without a code; knex puts the statement and ` - ` before it. */
const PASSING_MESSAGE =
  /(?:^| - )(?:Connection terminated|Client has encountered a connection error|timeout expired|Knex: Timeout acquiring|connection ended)/i;

/** Whether trying again later can help. */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== '') return PASSING_CLASS.test(code) || SYSTEM_CODE.test(code);
  return error instanceof Error && PASSING_MESSAGE.test(error.message);
}

/** What went wrong in words for a client, without the statement and ` - ` that knex puts before them. */
export function outageReason(error: unknown): string {
  return messageOf(error instanceof Error ? error.message.replace(/^.* - /s, '') : error);
}

/** Wait before the next attempt, milliseconds: doubled from the first to the second. */
export const OUTAGE_RETRY_MS = { first: 50, most: 2_000 } as const;

/** The wait before attempt `failures + 1`, milliseconds. */
export function retryDelayMs(failures: number): number {
  return Math.min(OUTAGE_RETRY_MS.first * 2 ** Math.min(failures - 1, 10), OUTAGE_RETRY_MS.most);
}

/** How long what a session can't do without may take; the journal itself tries for a while. */
export const COMMIT_WAIT_MS = 20_000;
/** How long a question to the database waits for its return. */
export const QUESTION_WAIT_MS = 10_000;

/**
 * The answer, also when the database is away for a while in between. Rejects with `database.unreachable`
 * when that takes too long, otherwise as `ask` does.
 */
export async function askThrough<T>(
  ask: () => PromiseLike<T>,
  waitMs: number = QUESTION_WAIT_MS,
): Promise<T> {
  const deadlineMs = performance.now() + waitMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await answerWithin(Math.max(deadlineMs - performance.now(), 1), ask());
    } catch (error) {
      if (!isOutage(error)) throw error;
      const pauseMs = retryDelayMs(failures);
      if (performance.now() + pauseMs > deadlineMs) throw unreachable(outageReason(error), error);
      await sleep(pauseMs);
    }
  }
}

/**
 * What `work` comes to; rejects with `database.unreachable` when that takes longer. A server that stands
 * still neither answers nor breaks the connection. What was asked for may take place all the same.
 */
export async function answerWithin<T>(waitMs: number, work: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(unreachable(`not within ${Math.ceil(waitMs / 1000)} s`, undefined));
    }, waitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(why: string, cause: unknown): SallyportError {
  return new SallyportError(
    'database.unreachable',
    `the database of the bastion doesn't answer: ${why}`,
    'try again in a minute, or tell its operator',
    { cause },
  );
}
