/** The row of an approval, and the object of the outside contract that it becomes. */
import type { Demand } from '../access/approval-demands.ts';
import type { ApprovalGround, ApprovalKind, ApprovalRepeat } from '../session/ports.ts';

/** For how much an approval counts. */
export type ApprovalScope = 'once' | 'session' | 'time';

export interface ApprovalRow {
  readonly id: string;
  readonly kind: ApprovalKind;
  readonly status: 'waiting' | 'approved' | 'refused' | 'expired' | 'cancelled';
  readonly session_id: string | null;
  readonly principal: string;
  readonly target: string;
  readonly login: string | null;
  readonly command_seq: number | null;
  readonly text: string;
  readonly rule: string | null;
  readonly reason: string | null;
  readonly approvers: readonly string[];
  readonly demands: readonly Demand[];
  readonly grounds: readonly ApprovalGround[];
  readonly repeat: ApprovalRepeat | null;
  readonly requested_at: Date;
  readonly expires_at: Date;
  readonly escalate_at: Date | null;
  readonly escalated_at: Date | null;
  /** How many have approved so far. */
  readonly agreed: number;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
  readonly decision_reason: string | null;
  readonly scope: ApprovalScope;
  readonly until: Date | null;
  readonly uses: number;
  readonly standing: string | null;
  readonly revoked_at: Date | null;
  readonly revoked_by: string | null;
  readonly revoke_reason: string | null;
  /** When access that it gave for a time was over; left out where nobody asks. */
  readonly access_ended_at?: Date | null;
}

/** All that is shown of approvals, as raw SQL: access that ended early ends its approval as well. */
export const APPROVAL_COLUMNS = `approvals.*, (select settled_at from access_requests as asked
  where asked.id = approvals.id and asked.status = 'ended') as access_ended_at`;

/** One person's answer. */
export interface VoteRow {
  readonly approval_id: string;
  readonly principal: string;
  /** At the bastion's own command line, without a principal of the directory. */
  readonly is_operator: boolean;
  readonly decision: 'approved' | 'refused';
  readonly scope: ApprovalScope;
  readonly scope_ms: number | null;
  readonly reason: string | null;
  readonly at: Date;
}

/** The demands of a row; rows of older versions have one without a list. */
export function demandsOf(
  row: Pick<ApprovalRow, 'approvers' | 'demands' | 'rule'>,
): readonly Demand[] {
  if (row.demands.length > 0) return row.demands;
  const { approvers, rule } = row;
  return [{ rule, approvers, minimum: 1, fourEyes: false, escalation: null }];
}

/** The approval object of the outside contract. */
export function approvalView(row: ApprovalRow, votes: readonly VoteRow[] = []) {
  const demands = demandsOf(row);
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    session: row.session_id,
    principal: row.principal,
    target: row.target,
    login: row.login,
    commandSeq: row.command_seq,
    text: row.text,
    rule: row.rule,
    reason: row.reason,
    grounds: row.grounds,
    demands: demands.map(({ escalation, ...demand }) => ({
      ...demand,
      escalation:
        escalation === null
          ? null
          : { at: new Date(escalation.atMs).toISOString(), to: escalation.to },
    })),
    escalatedAt: row.escalated_at?.toISOString() ?? null,
    requestedAt: row.requested_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    /** Whether it can be approved for more than once; why not otherwise. */
    repeatable: row.repeat?.kind === 'possible',
    onceBecause: row.repeat?.kind === 'never' ? row.repeat.why : null,
    votes: votes.map(({ at, decision, principal, reason }) => ({
      by: principal,
      decision,
      reason,
      at: at.toISOString(),
    })),
    decidedBy: row.decided_by,
    decidedAt: row.decided_at?.toISOString() ?? null,
    decisionReason: row.decision_reason,
    scope: row.scope,
    until: untilOf(row)?.toISOString() ?? null,
    uses: row.uses,
    /** The earlier approval by which it passed without being asked for. */
    standing: row.standing,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    revokedBy: row.revoked_by,
    revokeReason: row.revoke_reason,
  };
}

function untilOf({ access_ended_at: ended = null, until }: ApprovalRow): Date | null {
  return until !== null && ended !== null && ended < until ? ended : until;
}

export type ApprovalObject = ReturnType<typeof approvalView>;
