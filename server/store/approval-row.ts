/** The row of an approval, and the object of the outside contract that it becomes. */
export interface ApprovalRow {
  readonly id: string;
  readonly status: 'waiting' | 'approved' | 'refused' | 'expired' | 'cancelled';
  readonly session_id: string;
  readonly principal: string;
  readonly target: string;
  readonly command_seq: number;
  readonly text: string;
  readonly rule: string | null;
  readonly reason: string | null;
  readonly approvers: readonly string[];
  readonly requested_at: Date;
  readonly expires_at: Date;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
  readonly decision_reason: string | null;
}

/** The approval object of the outside contract. */
export function approvalView(row: ApprovalRow) {
  return {
    id: row.id,
    status: row.status,
    session: row.session_id,
    principal: row.principal,
    target: row.target,
    commandSeq: row.command_seq,
    text: row.text,
    rule: row.rule,
    reason: row.reason,
    requestedAt: row.requested_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    decidedBy: row.decided_by,
    decidedAt: row.decided_at?.toISOString() ?? null,
    decisionReason: row.decision_reason,
  };
}
