/**
 * Approvals that count for more than once: for this exact command in this session, or for a bounded time.
 * A later request passes by one only if everything that was judged is the same, under the same version of
 * the policy, and if those who approved may still approve. Each use is an approval of its own, and in the
 * journal. Not caught here: what a program that was approved by its name does differently the next time.
 */
import type { Knex } from 'knex';
import { missingOf, type Demand } from '../access/approval-demands.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { ApprovalRequest, StandingUse } from '../session/ports.ts';
import { approvalView, type ApprovalObject, type ApprovalRow } from './approval-row.ts';
import {
  approvalRow,
  bounded,
  commit,
  notify,
  Settled,
  type ApprovalStores,
} from './approval-settle.ts';
import { askedBy, eventOf, votersOf, votesOn, type DecidedBy } from './approval-votes.ts';
import { storable } from './storable.ts';

export const MAX_STANDING_LISTED = 200;
/** Standing approvals that are looked at for one request, the newest first. */
const MAX_CONSIDERED = 20;

export type RevokeOutcome =
  | { readonly kind: 'revoked'; readonly approval: ApprovalObject }
  /** It never counted for more than once, is over, or somebody else was first. */
  | { readonly kind: 'not-standing'; readonly approval: ApprovalObject }
  | { readonly kind: 'unknown' };

/**
 * Lets a request pass by an earlier approval, if one fits.
 * @param row of the request, as it would wait
 * @returns null = it has to be asked for
 */
export async function passByStanding(
  stores: ApprovalStores,
  request: ApprovalRequest,
  row: Readonly<Record<string, unknown>> & { readonly id: string },
  demands: readonly Demand[],
): Promise<StandingUse | null> {
  for (const found of await fitting(stores, request)) {
    const use = await useOnce(stores, request, row, demands, found);
    if (use !== null) return use;
  }
  return null;
}

async function fitting(
  { clock, database }: ApprovalStores,
  request: ApprovalRequest,
): Promise<readonly ApprovalRow[]> {
  const { kind = 'command', login = null, principal, repeat, session, target } = request;
  if (repeat?.kind !== 'possible') return [];
  return database
    .knex<ApprovalRow>('approvals')
    .where({ status: 'approved', principal: storable(principal), target: storable(target), kind })
    .whereNull('standing')
    .whereNull('revoked_at')
    .where('login', login)
    .where('until', '>', new Date(clock.nowMs()))
    .whereRaw('repeat = ?::jsonb', [JSON.stringify(repeat)])
    .where((scope) => {
      void scope.where('scope', 'time').orWhere({ scope: 'session', session_id: session });
    })
    .orderBy('decided_at', 'desc')
    .limit(MAX_CONSIDERED);
}

async function useOnce(
  stores: ApprovalStores,
  request: ApprovalRequest,
  row: Readonly<Record<string, unknown>> & { readonly id: string },
  demands: readonly Demand[],
  found: ApprovalRow,
): Promise<StandingUse | null> {
  const { clock, database } = stores;
  const { knex } = database;
  const [asked, voters] = await Promise.all([
    askedBy(knex, request.principal),
    votesOn(knex, found.id).then((votes) => votersOf(knex, votes)),
  ]);
  // Whoever may no longer approve has approved nothing.
  const escalatedMs = found.escalated_at === null ? null : Number.MAX_SAFE_INTEGER;
  if (Math.max(...missingOf(demands, voters, asked, escalatedMs)) > 0) return null;
  if (found.until === null || found.decided_by === null) return null;
  const now = new Date(clock.nowMs());
  const event: AuditEvent = {
    type: 'approval.used',
    principal: request.principal,
    source: null,
    session: request.session,
    target: request.target,
    data: {
      id: row.id,
      standing: found.id,
      seq: request.commandSeq,
      text: request.text,
      rule: request.rule,
      by: found.decided_by,
      until: found.until.toISOString(),
    },
  };
  const isUsed = await commit(stores, event, async (trx) => {
    const used = await trx<ApprovalRow>('approvals')
      .where({ id: found.id, status: 'approved' })
      .whereNull('revoked_at')
      .where('until', '>', now)
      .increment('uses', 1);
    if (used === 0) throw new Settled('it was revoked');
    await trx('approvals').insert({
      ...row,
      status: 'approved',
      standing: found.id,
      scope: found.scope,
      until: found.until,
      decided_by: found.decided_by,
      decided_at: now,
      decision_reason: found.decision_reason,
    });
    await notify(trx, row.id);
  });
  return isUsed ? { id: found.id, by: found.decided_by, untilMs: found.until.getTime() } : null;
}

/** Those that count now, what ends last first. */
export async function standingApprovals(
  { clock, database }: ApprovalStores,
  limit: number,
): Promise<readonly ApprovalObject[]> {
  const rows = await standing(database.knex, clock.nowMs())
    .orderBy('until', 'desc')
    .limit(Math.min(Math.max(limit, 1), MAX_STANDING_LISTED));
  return rows.map((row) => approvalView(row));
}

function standing(knex: Knex, nowMs: number) {
  return knex<ApprovalRow>('approvals')
    .where('status', 'approved')
    .whereNot('scope', 'once')
    .whereNull('standing')
    .whereNull('revoked_at')
    .where('until', '>', new Date(nowMs))
    .where((scope) => {
      void scope
        .where('scope', 'time')
        .orWhereRaw(
          `exists (select 1 from sessions where sessions.id = session_id and status = 'active')`,
        );
    })
    .whereRaw(
      // Access that was given back or taken away, whose approval is left as it was.
      `not exists (select 1 from access_requests asked
                   where asked.id = approvals.id and asked.status = 'ended')`,
    );
}

/** From now on nothing passes by it. Rejects with `journal.failed`. */
export async function revokeStanding(
  stores: ApprovalStores,
  id: string,
  by: DecidedBy,
): Promise<RevokeOutcome> {
  const { clock, database } = stores;
  const row = await approvalRow(database.knex, id);
  if (row === null) return { kind: 'unknown' };
  const reason = bounded(by.reason);
  const event = eventOf('approval.revoked', row, by, { reason, uses: row.uses });
  const isRevoked = await commit(stores, event, async (trx) => {
    const changed = await standing(trx, clock.nowMs())
      .where('id', row.id)
      .update({
        revoked_at: new Date(clock.nowMs()),
        revoked_by: by.principal.name,
        revoke_reason: reason,
      });
    if (changed === 0) throw new Settled('it does not count any more');
    await notify(trx, row.id);
  });
  const approval = approvalView((await approvalRow(database.knex, row.id)) ?? row);
  return { kind: isRevoked ? 'revoked' : 'not-standing', approval };
}
