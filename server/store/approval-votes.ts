/**
 * People's decisions on approvals. One refusal refuses; enough approvals approve; the first end of the
 * waiting is the only one, whoever writes. Roles count as they are now, also those of earlier approvers.
 */
import type { Knex } from 'knex';
import {
  missingOf,
  personOf,
  standingOf,
  type Asked,
  type Standing,
  type Voter,
} from '../access/approval-demands.ts';
import { MAX_STANDING_MS, type GrantedScope } from '../access/approval-scope.ts';
import type { Principal } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';
import type { AuditEvent, JsonValue } from '../journal/event.ts';
import {
  approvalView,
  demandsOf,
  type ApprovalObject,
  type ApprovalRow,
  type ApprovalScope,
  type VoteRow,
} from './approval-row.ts';
import {
  approvalRow,
  bounded,
  commit,
  giveUp,
  notify,
  Settled,
  type ApprovalStores,
} from './approval-settle.ts';
import { PRINCIPAL_COLUMNS, principalOf, type PrincipalRow } from './directory.ts';
import { storable } from './storable.ts';

/** How often a decision is tried while others decide at the same moment. */
const MAX_ATTEMPTS = 50;

export interface DecidedBy {
  readonly principal: Principal;
  readonly source: string;
  readonly reason: string | null;
  /** Left out = once. */
  readonly scope?: GrantedScope;
  /** At the bastion's own command line: the principal is in no directory. */
  readonly isOperator?: boolean;
}

export type DeskOutcome =
  /** `isAgain`: the same person had decided just so before. */
  | { readonly kind: 'decided'; readonly approval: ApprovalObject; readonly isAgain: boolean }
  /** It counts, and more people must approve. */
  | { readonly kind: 'agreed'; readonly approval: ApprovalObject; readonly missing: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'already-decided'; readonly approval: ApprovalObject }
  | { readonly kind: 'own-request' }
  | { readonly kind: 'four-eyes' }
  | { readonly kind: 'not-an-approver' }
  | { readonly kind: 'once-only'; readonly why: string };

/** Rejects with `journal.failed`; nothing is decided then. */
export async function decideApproval(
  stores: ApprovalStores,
  id: string,
  decision: 'approved' | 'refused',
  by: DecidedBy,
): Promise<DeskOutcome> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const outcome = await tryToDecide(stores, id, decision, by);
    if (outcome !== null) return outcome;
  }
  throw new SallyportError(
    'internal',
    'too many people decide on the same request at once',
    'look whether it is decided; otherwise try again',
  );
}

/** @returns null = somebody else decided meanwhile */
async function tryToDecide(
  stores: ApprovalStores,
  id: string,
  decision: 'approved' | 'refused',
  by: DecidedBy,
): Promise<DeskOutcome | null> {
  const { clock, database } = stores;
  const { knex } = database;
  let row = await approvalRow(knex, id);
  if (row?.escalate_at != null && row.escalate_at.getTime() <= clock.nowMs()) {
    await escalate(stores, id);
    row = await approvalRow(knex, id);
  }
  if (row === null) return { kind: 'unknown' };
  const [voter, asked, votes] = await Promise.all([
    voterOf(knex, by),
    askedBy(knex, row.principal),
    votesOn(knex, row.id),
  ]);
  const demands = demandsOf(row);
  const escalatedMs = row.escalated_at?.getTime() ?? null;
  const standing: Standing =
    voter === null ? 'not-an-approver' : standingOf(demands, voter, asked, escalatedMs);
  if (voter === null || standing !== 'may') {
    return { kind: standing === 'may' ? 'not-an-approver' : standing };
  }
  const nowMs = clock.nowMs();
  if (row.status === 'waiting' && row.expires_at.getTime() <= nowMs) {
    await giveUp(stores, row.id, 'expired', null);
    return null;
  }
  const own = votes.find(({ principal }) => principal === voter.principal.name);
  if (row.status !== 'waiting') {
    const approval = approvalView(row, votes);
    const isAgain = own?.decision === decision && row.status === decision;
    return isAgain ? { kind: 'decided', approval, isAgain } : { kind: 'already-decided', approval };
  }
  const scope =
    decision === 'approved' ? (by.scope ?? { kind: 'once' }) : { kind: 'once' as const };
  // Access lasts for a time anyway: whoever approves may make it shorter.
  const isShortened = row.kind === 'access' && scope.kind === 'time';
  if (scope.kind !== 'once' && row.repeat?.kind !== 'possible' && !isShortened) {
    const why = row.repeat?.why ?? 'requests of this kind are decided each time';
    return { kind: 'once-only', why };
  }
  const cast = { approval_id: row.id, voter, decision, scope, reason: bounded(by.reason) };
  const approvals = decision === 'approved' ? await standingVoters(knex, votes, voter) : [];
  const missing = Math.max(...missingOf(demands, approvals, asked, escalatedMs));
  if (decision === 'approved' && missing > 0 && own !== undefined) {
    return { kind: 'agreed', approval: approvalView(row, votes), missing };
  }
  const isOver = decision === 'refused' || missing === 0;
  const isDone = isOver
    ? await settle(stores, row, votes, cast, by)
    : await agree(stores, row, cast, by, missing);
  if (!isDone) return null;
  const [after, cast2] = await Promise.all([approvalRow(knex, row.id), votesOn(knex, row.id)]);
  const approval = approvalView(after ?? row, cast2);
  return isOver
    ? { kind: 'decided', approval, isAgain: false }
    : { kind: 'agreed', approval, missing };
}

/** How somebody stands to a request. */
export interface ApprovalStanding {
  readonly decides: Standing;
  /** It is their own, or that of an agent of theirs. */
  readonly isTheirs: boolean;
}

/** As the directory is now; null = there is no such request. */
export async function standingTowards(
  { database: { knex } }: ApprovalStores,
  id: string,
  principal: Principal,
): Promise<ApprovalStanding | null> {
  const row = await approvalRow(knex, id);
  if (row === null) return null;
  const by = { principal, source: '', reason: null };
  const [voter, asked] = await Promise.all([voterOf(knex, by), askedBy(knex, row.principal)]);
  const isTheirs = [asked.name, asked.owner].includes(principal.name);
  if (voter === null) return { decides: 'not-an-approver', isTheirs };
  const escalatedMs = row.escalated_at?.getTime() ?? null;
  return { decides: standingOf(demandsOf(row), voter, asked, escalatedMs), isTheirs };
}

interface Cast {
  readonly approval_id: string;
  readonly voter: Voter;
  readonly decision: 'approved' | 'refused';
  readonly scope: GrantedScope;
  readonly reason: string | null;
}

/** The decision that ends the waiting. */
async function settle(
  stores: ApprovalStores,
  row: ApprovalRow,
  votes: readonly VoteRow[],
  cast: Cast,
  by: DecidedBy,
): Promise<boolean> {
  const nowMs = stores.clock.nowMs();
  const agreeing = cast.decision === 'approved' ? votes.filter(isOther(cast)) : [];
  const names = [...agreeing.map(({ principal }) => principal), cast.voter.principal.name];
  const { scope, ms } = narrowest([...agreeing.map(scopeOfVote), cast.scope]);
  const until = scope === 'once' ? null : new Date(nowMs + ms);
  const event = eventOf('approval.decided', row, by, {
    decision: cast.decision,
    reason: cast.reason,
    by: names,
    scope,
    until: until?.toISOString() ?? null,
  });
  return commit(stores, event, async (trx) => {
    const changed = await waitingAsBefore(trx, row, nowMs).update({
      status: cast.decision,
      decided_by: names.join(', '),
      decided_at: new Date(nowMs),
      decision_reason: cast.reason,
      agreed: cast.decision === 'approved' ? names.length : row.agreed,
      scope,
      until,
    });
    if (changed === 0) throw new Settled('it was decided before');
    await storeVote(trx, cast, by, nowMs);
    await notify(trx, row.id);
  });
}

/** One of several approvals. */
async function agree(
  stores: ApprovalStores,
  row: ApprovalRow,
  cast: Cast,
  by: DecidedBy,
  missing: number,
): Promise<boolean> {
  const nowMs = stores.clock.nowMs();
  const event = eventOf('approval.agreed', row, by, { reason: cast.reason, missing });
  return commit(stores, event, async (trx) => {
    const changed = await waitingAsBefore(trx, row, nowMs).update({ agreed: row.agreed + 1 });
    if (changed === 0) throw new Settled('somebody else decided');
    await storeVote(trx, cast, by, nowMs);
    await notify(trx, row.id);
  });
}

/** Nobody decides after the end of its time, even if nothing has noted the end yet. */
function waitingAsBefore(trx: Knex, row: ApprovalRow, nowMs: number) {
  return trx<ApprovalRow>('approvals')
    .where({ id: row.id, status: 'waiting', agreed: row.agreed })
    .where('expires_at', '>', new Date(nowMs));
}

async function storeVote(trx: Knex, cast: Cast, by: DecidedBy, nowMs: number): Promise<void> {
  const { kind } = cast.scope;
  const vote: VoteRow = {
    approval_id: cast.approval_id,
    principal: cast.voter.principal.name,
    is_operator: by.isOperator === true,
    decision: cast.decision,
    scope: kind,
    scope_ms: cast.scope.kind === 'time' ? cast.scope.ms : null,
    reason: cast.reason,
    at: new Date(nowMs),
  };
  await trx('approval_votes').insert(vote).onConflict(['approval_id', 'principal']).merge();
}

/** Of several approvers' scopes what all of them gave. */
function narrowest(scopes: readonly GrantedScope[]): { scope: ApprovalScope; ms: number } {
  const ms = Math.min(
    MAX_STANDING_MS,
    ...scopes.map((one) => (one.kind === 'time' ? one.ms : MAX_STANDING_MS)),
  );
  for (const kind of ['once', 'session'] as const) {
    if (scopes.some((one) => one.kind === kind)) return { scope: kind, ms };
  }
  return { scope: 'time', ms };
}

function scopeOfVote({ scope, scope_ms: ms }: VoteRow): GrantedScope {
  return scope === 'time' ? { kind: 'time', ms: Number(ms) } : { kind: scope };
}

function isOther({ voter }: Cast): (vote: VoteRow) => boolean {
  return ({ decision, principal }) => decision === 'approved' && principal !== voter.principal.name;
}

/** Notes that further people may decide from now on, once that time has come. */
export async function escalate(stores: ApprovalStores, id: string): Promise<void> {
  const row = await approvalRow(stores.database.knex, id);
  const nowMs = stores.clock.nowMs();
  if (row === null || row.status !== 'waiting') return;
  if (row.escalate_at === null || row.escalate_at.getTime() > nowMs) return;
  if (row.expires_at.getTime() <= nowMs) return;
  const later = demandsOf(row).flatMap(({ escalation }) => escalation ?? []);
  const to = later.filter(({ atMs }) => atMs <= nowMs).flatMap((one) => one.to);
  const next = later.map(({ atMs }) => atMs).filter((atMs) => atMs > nowMs);
  const event = eventOf('approval.escalated', row, null, { to: [...new Set(to)] });
  await commit(stores, event, async (trx) => {
    const changed = await trx<ApprovalRow>('approvals')
      .where({ id: row.id, status: 'waiting', escalate_at: row.escalate_at })
      .update({
        escalated_at: new Date(nowMs),
        escalate_at: next.length === 0 ? null : new Date(Math.min(...next)),
      });
    if (changed === 0) throw new Settled('it was escalated before');
    await notify(trx, row.id);
  });
}

export function eventOf(
  type: AuditEvent['type'],
  row: Pick<ApprovalRow, 'id' | 'session_id' | 'target' | 'principal' | 'command_seq'>,
  by: DecidedBy | null,
  data: { readonly [name: string]: JsonValue },
): AuditEvent {
  const { command_seq: seq, id, principal: requester, session_id: session, target } = row;
  return {
    type,
    principal: by?.principal.name ?? null,
    source: by?.source ?? null,
    session,
    target,
    data: { id, requester, seq, ...data },
  };
}

export async function votesOn(knex: Knex, id: string): Promise<readonly VoteRow[]> {
  return knex<VoteRow>('approval_votes').where('approval_id', id).orderBy(['at', 'principal']);
}

/** Whoever asked, with the owner that the directory names now. */
export async function askedBy(knex: Knex, name: string): Promise<Asked> {
  const row = await knex('principals')
    .where('name', storable(name))
    .first<{ readonly owner: string | null } | undefined>('owner');
  return { name, owner: row?.owner ?? null };
}

/** The principal as it is now; null = it is gone or disabled. */
async function voterOf(knex: Knex, by: DecidedBy): Promise<Voter | null> {
  if (by.isOperator === true) return { principal: by.principal, owner: null };
  const [found] = await votersNamed(knex, [by.principal.name]);
  return found?.principal.id === by.principal.id ? found : null;
}

/** Those who have approved and may still do so, and the one who does now. */
async function standingVoters(
  knex: Knex,
  votes: readonly VoteRow[],
  voter: Voter,
): Promise<readonly Voter[]> {
  const before = await votersOf(knex, votes);
  return [...before.filter((one) => personOf(one) !== personOf(voter)), voter];
}

/** Whoever approved, as they are now; those who are gone are left out. */
export async function votersOf(knex: Knex, votes: readonly VoteRow[]): Promise<readonly Voter[]> {
  const approvals = votes.filter(({ decision }) => decision === 'approved');
  const operators = approvals
    .filter((vote) => vote.is_operator)
    .map((vote): Voter => ({ principal: operatorNamed(vote.principal), owner: null }));
  const names = approvals.filter((vote) => !vote.is_operator).map(({ principal }) => principal);
  return [...operators, ...(await votersNamed(knex, names))];
}

function operatorNamed(name: string): Voter['principal'] {
  return { id: '', name, kind: 'human', roles: ['admin'], groups: [] };
}

async function votersNamed(knex: Knex, names: readonly string[]): Promise<readonly Voter[]> {
  if (names.length === 0) return [];
  const rows = await knex('principals')
    .whereIn('name', names.map(storable))
    .whereNull('disabled_at')
    .select<(PrincipalRow & { readonly owner: string | null })[]>([
      ...PRINCIPAL_COLUMNS,
      'principals.owner',
    ]);
  return rows.map((row) => ({ principal: principalOf(row), owner: row.owner }));
}
