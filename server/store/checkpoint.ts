/**
 * Seals the recordings of running sessions from time to time: the heads are signed, and the journal's own
 * chain takes them in, so that nobody can cut or rewrite what was recorded before, however long the
 * session runs. Not caught here: what came after the last checkpoint of a bastion that was killed; its
 * next start seals that.
 */
import type { Clock } from '../clock.ts';
import type { HeadSigner } from '../journal/signature.ts';
import type { ChainPlace } from './chunk.ts';
import { attachedInsert, type StoredJournal } from './journal.ts';

/** How often running recordings are sealed. */
export const CHECKPOINT_EVERY_MS = 60_000;
/** Heads of one journal entry; more sessions take more entries. */
export const MAX_CHECKPOINT_HEADS = 50;

/** A running recording, as far as its chunks are in Postgres. */
export interface OpenHead {
  readonly sessionId: string;
  readonly place: ChainPlace;
}

/** Rejects as `appendWith` does; heads of earlier entries are kept then. */
export async function checkpoint(
  { clock, journal, signer }: { clock: Clock; journal: StoredJournal; signer: HeadSigner },
  open: readonly OpenHead[],
): Promise<void> {
  for (let at = 0; at < open.length; at += MAX_CHECKPOINT_HEADS) {
    const heads = open.slice(at, at + MAX_CHECKPOINT_HEADS).map(({ place, sessionId }) => {
      const head = {
        sessionId,
        chunks: place.seq - 1,
        events: place.event - 1,
        hash: place.prevHash,
      };
      return { ...head, signature: signer.sign(head) };
    });
    const event = {
      type: 'recording.checkpoint',
      principal: null,
      source: null,
      session: null,
      target: null,
      data: { keyId: signer.keyId, heads },
    } as const;
    await journal.appendWith([event], {
      statements: heads.map((head) =>
        attachedInsert(
          'heads',
          {
            session_id: head.sessionId,
            chunks: head.chunks,
            events: head.events,
            hash: Buffer.from(head.hash, 'hex'),
            key_id: signer.keyId,
            signature: head.signature,
            signed_at: new Date(clock.nowMs()),
          },
          'on conflict (session_id, chunks) do nothing',
        ),
      ),
      notices: [],
    });
  }
}
