/** What every change of an approval shares: its row, its notification, and how its waiting ends. */
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import type { AuditEvent, EventType } from '../journal/event.ts';
import { APPROVAL_COLUMNS, type ApprovalRow } from './approval-row.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import { storable } from './storable.ts';

/** Notified with the approval's id whenever anything about it changes. */
export const APPROVALS_CHANNEL = 'sallyport_approvals';
export const MAX_REASON_CHARACTERS = 1000;

export interface ApprovalStores {
  readonly database: Database;
  readonly journal: StoredJournal;
  readonly clock: Clock;
}

/** Somebody else was first; never leaves the files of approvals. */
export class Settled extends Error {}

export async function approvalRow(knex: Knex, id: string): Promise<ApprovalRow | null> {
  const typed = storable(id.trim().toLowerCase());
  const found = knex<ApprovalRow>('approvals').select(knex.raw(APPROVAL_COLUMNS));
  return ((await found.where('id', typed).first()) as ApprovalRow | undefined) ?? null;
}

/** Inside a transaction it goes out with the commit. */
export async function notify(trx: Knex, id: string): Promise<void> {
  await trx.raw('select pg_notify(?, ?)', [APPROVALS_CHANNEL, id]);
}

export function bounded(reason: string | null): string | null {
  return reason === null ? null : storable(reason.slice(0, MAX_REASON_CHARACTERS));
}

/**
 * Commits the event and `work` together.
 * @returns false = `work` found that somebody else was first
 */
export async function commit(
  { journal }: ApprovalStores,
  event: AuditEvent,
  work: (trx: Knex) => Promise<void>,
): Promise<boolean> {
  try {
    await journal.appendWith([event], work);
    return true;
  } catch (error) {
    if (error instanceof Settled) return false;
    throw error;
  }
}

const EVENTS = {
  expired: 'approval.expired',
  cancelled: 'approval.cancelled',
} as const satisfies Record<string, EventType>;

/**
 * Ends the waiting of an approval that nobody decided, with its journal row.
 * @returns whether this call ended it
 */
export async function giveUp(
  stores: ApprovalStores,
  id: string,
  status: 'expired' | 'cancelled',
  why: string | null,
): Promise<boolean> {
  const row = await approvalRow(stores.database.knex, id);
  if (row === null || row.status !== 'waiting') return false;
  const reason = bounded(why);
  const event: AuditEvent = {
    type: EVENTS[status],
    principal: null,
    source: null,
    session: row.session_id,
    target: row.target,
    data: { id: row.id, decision: status, requester: row.principal, seq: row.command_seq, reason },
  };
  return commit(stores, event, async (trx) => {
    const changed = await trx<ApprovalRow>('approvals')
      .where({ id: row.id, status: 'waiting' })
      .update({
        status,
        decided_at: new Date(stores.clock.nowMs()),
        decision_reason: reason,
      });
    if (changed === 0) throw new Settled('it was decided before');
    await notify(trx, row.id);
  });
}
