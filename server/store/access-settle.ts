/** What becomes of a request for access, each change with its entry of the journal and once. */
import type { Knex } from 'knex';
import type { RequestRule } from '../access/access-request.ts';
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { AuditEvent, JsonValue } from '../journal/event.ts';
import type { Approvals } from '../session/ports.ts';
import type { AccessRequestRow } from './access-request-row.ts';
import type { ApprovalRow, VoteRow } from './approval-row.ts';
import { APPROVALS_CHANNEL } from './approval-settle.ts';
import type { Database } from './database.ts';
import { tellDirectoryChange } from './directory-change.ts';
import type { StoredJournal } from './journal.ts';
import { storable } from './storable.ts';
import { stillGives, type Places } from './temporary-grants.ts';

export interface AccessStores {
  readonly database: Database;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
  readonly approvals: Approvals;
  readonly clock: Clock;
}

/** Somebody else was first; never leaves the files of requests for access. */
export class Settled extends Error {}

export async function settleRow(
  stores: AccessStores,
  row: AccessRequestRow,
  places: Places,
  rules: readonly RequestRule[],
): Promise<void> {
  const waited = async (): Promise<ApprovalRow | undefined> =>
    stores.database.knex<ApprovalRow>('approvals').where('id', row.id).first();
  const rule = rules.find(({ id }) => id === row.rule_id);
  const stands = rule !== undefined && stillGives(rule, places, row);
  if (row.status === 'granted') {
    const isOver = await isPast(stores, row.ends_at);
    if (isOver) return endAccess(stores, row, 'its time was over', null);
    if (!stands) return endAccess(stores, row, 'the configuration no longer allows it', null);
    const { revoke_reason: why = null, revoked_by: by = null } = (await waited()) ?? {};
    return by === null ? undefined : endAccess(stores, row, why ?? 'revoked', null, by);
  }
  const { clock } = stores;
  let approval = await waited();
  if (approval?.status === 'waiting' && row.expires_at.getTime() <= clock.nowMs()) {
    await stores.approvals.outcome(row.id, new AbortController().signal);
    approval = await waited();
  }
  if (approval === undefined || approval.status === 'waiting') return;
  if (approval.status === 'approved') {
    if (stands) return grant(stores, row, approval);
    const why = 'the configuration no longer allows it';
    return close(stores, row, 'refused', { by: null, why });
  }
  const status = approval.status === 'cancelled' ? 'withdrawn' : approval.status;
  const by = status === 'withdrawn' ? row.principal : approval.decided_by;
  return close(stores, row, status, { by, why: approval.decision_reason });
}

async function grant(
  stores: AccessStores,
  row: AccessRequestRow,
  approval: ApprovalRow,
): Promise<void> {
  const votes = await stores.database
    .knex<VoteRow>('approval_votes')
    .where({ approval_id: row.id, decision: 'approved' })
    .orderBy('at');
  const said = votes.flatMap(({ scope, scope_ms: ms }) => (scope === 'time' ? [Number(ms)] : []));
  const seconds = Math.max(
    1,
    Math.floor(Math.min(row.duration_s, ...said.map((ms) => ms / 1_000))),
  );
  const approvedBy = votes.map(({ principal }) => principal);
  const from = await databaseTime(stores, approval.decided_at ?? nowDate(stores));
  const endsAt = new Date(from.getTime() + seconds * 1_000);
  const data = {
    login: row.login,
    channels: row.channels,
    policy: row.policy,
    askedS: row.duration_s,
    durationS: seconds,
    endsAt: endsAt.toISOString(),
    approvedBy,
    reason: approval.decision_reason,
  };
  await change(stores, row, 'access.granted', null, data, {
    status: 'granted',
    approved_by: approvedBy,
    granted_s: seconds,
    granted_at: from,
    ends_at: endsAt,
  });
}

export function endAccess(
  stores: AccessStores,
  row: AccessRequestRow,
  why: string,
  by: { readonly principal: Principal; readonly source: string } | null,
  revokedBy: string | null = null,
): Promise<void> {
  const name = by?.principal.name ?? revokedBy;
  const changes = { status: 'ended', ...settled(name, why, nowDate(stores)) };
  return change(stores, row, 'access.ended', by, { why, by: name }, changes);
}

function close(
  stores: AccessStores,
  row: AccessRequestRow,
  status: 'refused' | 'expired' | 'withdrawn',
  { by, why }: { readonly by: string | null; readonly why: string | null },
): Promise<void> {
  const changes = { status, ...settled(by, why, nowDate(stores)) };
  return change(stores, row, `access.${status}`, null, { by, why }, changes);
}

/** Changes the row with its journal entry, unless somebody else did. */
async function change(
  stores: AccessStores,
  row: AccessRequestRow,
  type: AuditEvent['type'],
  by: { readonly principal: Principal; readonly source: string } | null,
  data: { readonly [name: string]: JsonValue },
  change: Readonly<Record<string, unknown>>,
): Promise<void> {
  const event: AuditEvent = {
    type,
    principal: by?.principal.name ?? null,
    source: by?.source ?? null,
    session: null,
    target: row.target,
    data: { request: row.id, requester: row.principal, ...data },
  };
  await commitAccess(stores, [event], async (trx) => {
    const changed = await trx('access_requests')
      .where({ id: row.id, status: row.status })
      .update(change);
    if (changed === 0) throw new Settled();
    await trx.raw('select pg_notify(?, ?)', [APPROVALS_CHANNEL, row.id]);
    await tellDirectoryChange(trx);
  });
}

export async function commitAccess(
  stores: AccessStores,
  events: readonly AuditEvent[],
  work: (trx: Knex) => Promise<void>,
): Promise<boolean> {
  try {
    await stores.journal.appendWith(events, work);
    return true;
  } catch (error) {
    if (error instanceof Settled) return false;
    throw error;
  }
}

export async function giveUp(stores: AccessStores, id: string, why: string): Promise<void> {
  await stores.approvals.outcome(id, AbortSignal.abort(why));
}

async function isPast(stores: AccessStores, at: Date | null): Promise<boolean> {
  const { rows } = await stores.database.knex.raw<{ rows: readonly { past: boolean }[] }>(
    'select ?::timestamptz <= now() as past',
    [at ?? new Date(0)],
  );
  return rows[0]?.past === true;
}

/** The same moment by the clock of the database, which says when a grant is over. */
async function databaseTime(stores: AccessStores, at: Date): Promise<Date> {
  const agoMs = stores.clock.nowMs() - at.getTime();
  const { rows } = await stores.database.knex.raw<{ rows: readonly { now: Date }[] }>(
    'select now() as now',
  );
  const nowMs = rows[0]?.now.getTime() ?? stores.clock.nowMs();
  return new Date(nowMs - Math.max(0, agoMs));
}

function nowDate(stores: AccessStores): Date {
  return new Date(stores.clock.nowMs());
}

export async function accessRow(
  stores: AccessStores,
  id: string,
): Promise<AccessRequestRow | null> {
  const typed = storable(id.trim().toLowerCase());
  return (
    (await stores.database.knex<AccessRequestRow>('access_requests').where('id', typed).first()) ??
    null
  );
}

function settled(
  by: string | null,
  why: string | null,
  at: Date,
): Readonly<Record<string, unknown>> {
  return {
    settled_by: by,
    settled_at: at,
    settled_why: why === null ? null : storable(why),
  };
}
