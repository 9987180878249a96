/**
 * Legal holds: while a session is held, nothing deletes it, however old it is. Who held and released it,
 * when and why, is in the journal, and stays in rows that nobody deletes.
 */
import type { Knex } from 'knex';
import { v7 as uuidV7 } from 'uuid';
import type { Clock } from '../clock.ts';
import { SallyportError } from '../errors.ts';
import { codeOf } from './connect.ts';
import type { Database } from './database.ts';
import { auditEvent } from './head-row.ts';
import type { StoredJournal } from './journal.ts';
import { isUuid } from './query-text.ts';
import { storable } from './storable.ts';

export const MAX_REASON_CHARACTERS = 1000;
const UNIQUE_VIOLATION = '23505';

/** The hold object of the outside contract; times in ISO 8601. */
export interface HoldObject {
  readonly session: string;
  readonly heldAt: string;
  readonly heldBy: string;
  readonly reason: string;
  readonly releasedAt: string | null;
  readonly releasedBy: string | null;
  readonly releaseReason: string | null;
}

export interface HoldChange {
  readonly session: string;
  readonly reason: string;
  /** Name of the principal, or `cli:USER`. */
  readonly by: string;
  readonly principal: string | null;
  readonly source: string | null;
}

export interface Holds {
  /** Rejects with `object.unknown`, with `object.conflict` when it is held or being deleted, with `usage.invalid`. */
  hold(change: HoldChange): Promise<HoldObject>;
  /** Rejects with `object.conflict` when nothing holds it. */
  release(change: HoldChange): Promise<HoldObject>;
  /** All of a session, newest first. */
  of(sessionId: string): Promise<readonly HoldObject[]>;
  /** Sessions that are held now, the newest hold first. */
  open(limit: number): Promise<readonly HoldObject[]>;
}

interface HoldRow {
  readonly id: string;
  readonly session_id: string;
  readonly held_at: Date;
  readonly held_by: string;
  readonly reason: string;
  readonly released_at: Date | null;
  readonly released_by: string | null;
  readonly release_reason: string | null;
}

export function createHolds({
  clock,
  database,
  journal,
}: {
  readonly database: Pick<Database, 'knex'>;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}): Holds {
  const { knex } = database;
  const event = (type: 'session.held' | 'session.released', target: string, change: HoldChange) => {
    const { by, principal, reason, session, source } = change;
    const names = { id: session, principal: '', source: '', target };
    return { ...auditEvent(type, names, { by, reason }), principal, source };
  };
  const newest = async (session: string): Promise<HoldObject> => {
    const [row] = await rowsOf(knex, session);
    if (row === undefined) throw new SallyportError('internal', 'the hold is gone', 'try again');
    return holdObject(row);
  };
  return {
    hold: async (asked) => {
      const change = checked(asked);
      const { target } = await sessionOf(knex, change.session);
      await journal.appendWith([event('session.held', target, change)], async (trx) => {
        // Retention locks the row as well: it sees this hold, or has decided before.
        const session = await sessionOf(trx, change.session, true);
        if (session.deleting_at !== null) throw beingDeleted(change.session);
        const row = {
          id: uuidV7(),
          session_id: change.session,
          held_at: new Date(clock.nowMs()),
          held_by: change.by,
          reason: change.reason,
        };
        await trx('session_holds')
          .insert(row)
          .catch((error: unknown) => {
            throw codeOf(error) === UNIQUE_VIOLATION ? heldAlready(change.session) : error;
          });
      });
      return newest(change.session);
    },
    release: async (asked) => {
      const change = checked(asked);
      const { target } = await sessionOf(knex, change.session);
      await journal.appendWith([event('session.released', target, change)], async (trx) => {
        const released = await trx('session_holds')
          .where('session_id', change.session)
          .whereNull('released_at')
          .update({
            released_at: new Date(clock.nowMs()),
            released_by: change.by,
            release_reason: change.reason,
          });
        if (released === 0) throw notHeld(change.session);
      });
      return newest(change.session);
    },
    of: async (sessionId) =>
      isUuid(sessionId) ? (await rowsOf(knex, sessionId)).map(holdObject) : [],
    open: async (limit) => {
      const rows = await knex<HoldRow>('session_holds')
        .whereNull('released_at')
        .orderBy('held_at', 'desc')
        .limit(limit);
      return rows.map(holdObject);
    },
  };
}

function rowsOf(knex: Knex, sessionId: string): Promise<readonly HoldRow[]> {
  return knex<HoldRow>('session_holds').where('session_id', sessionId).orderBy('id', 'desc');
}

function holdObject(row: HoldRow): HoldObject {
  return {
    session: row.session_id,
    heldAt: row.held_at.toISOString(),
    heldBy: row.held_by,
    reason: row.reason,
    releasedAt: row.released_at?.toISOString() ?? null,
    releasedBy: row.released_by,
    releaseReason: row.release_reason,
  };
}

function checked(change: HoldChange): HoldChange {
  const reason = storable(change.reason.trim());
  if (reason !== '' && reason.length <= MAX_REASON_CHARACTERS) return { ...change, reason };
  throw new SallyportError(
    'usage.invalid',
    reason === '' ? 'a hold needs a reason' : 'the reason is too long',
    `say why, in at most ${MAX_REASON_CHARACTERS} characters`,
  );
}

interface HeldSession {
  readonly target: string;
  readonly deleting_at: Date | null;
}

async function sessionOf(knex: Knex, id: string, lock = false): Promise<HeldSession> {
  const found = isUuid(id)
    ? await knex('sessions')
        .where('id', id)
        .modify((query) => lock && void query.forUpdate())
        .first<HeldSession | undefined>('target', 'deleting_at')
    : undefined;
  if (found !== undefined) return found;
  throw new SallyportError(
    'object.unknown',
    'there is no such session',
    'see: npx sallyport sessions list; of deleted ones the journal has tombstones',
  );
}

function heldAlready(id: string): SallyportError {
  return new SallyportError(
    'object.conflict',
    `session ${id} is held already`,
    'nothing deletes it; to give another reason, release it and hold it again',
  );
}

function notHeld(id: string): SallyportError {
  return new SallyportError(
    'object.conflict',
    `nothing holds session ${id}`,
    'nothing is left to do',
  );
}

function beingDeleted(id: string): SallyportError {
  return new SallyportError(
    'object.conflict',
    `session ${id} is being deleted, because its time was over`,
    'it is too late to hold it',
  );
}
