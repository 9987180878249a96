/** Places that anchors are copied to. Each takes a line or rejects with `storage.unreachable`. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { messageOf, SallyportError } from '../errors.ts';
import type { ObjectStore } from './object-store.ts';

/** A receiver that takes longer has failed, milliseconds. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;

export interface AnchorSink {
  /** For people, without secrets. */
  readonly place: string;
  /** @param name unique, for places that keep one object each */
  put(anchor: { readonly name: string; readonly line: string }): Promise<void>;
}

/** Appends to a file, which is made when missing; durable when it resolves. */
export function anchorFile(path: string): AnchorSink {
  const { O_APPEND, O_CREAT, O_DSYNC, O_WRONLY } = constants;
  return {
    place: path,
    put: async ({ line }) => {
      try {
        const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_DSYNC, 0o600);
        try {
          await file.writeFile(line);
        } finally {
          await file.close();
        }
      } catch (error) {
        throw away(path, error, 'check the folder and its free space');
      }
    },
  };
}

/** Posts each line as JSON; any answer but 2xx is a failure, and redirects aren't followed. */
export function anchorWebhook(url: string): AnchorSink {
  const place = new URL(url).origin;
  return {
    place,
    put: async ({ line }) => {
      try {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: line,
          redirect: 'error',
          signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
        });
        await answer.body?.cancel();
        if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      } catch (error) {
        throw away(place, error, 'check the address and the receiver');
      }
    },
  };
}

/** @param lockDays nobody may delete an anchor for so long; null = the bucket's own rules */
export function anchorBucket(
  store: ObjectStore,
  lockDays: number | null,
  nowMs: () => number,
): AnchorSink {
  return {
    place: store.place,
    put: ({ line, name }) => {
      const until = lockDays === null ? null : new Date(nowMs() + lockDays * DAY_MS);
      return store.put(`anchors/${name}`, Buffer.from(line), until);
    },
  };
}

function away(place: string, error: unknown, hint: string): SallyportError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = `the anchor ${place} did not take a record (${messageOf(cause)})`;
  return new SallyportError('storage.unreachable', message, hint, { cause: error });
}
