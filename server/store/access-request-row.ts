/** The row of a request for access, and the object of the outside contract that it becomes. */
import type { ChannelKind } from '../access/grant.ts';

export interface AccessRequestRow {
  readonly id: string;
  readonly rule_id: string;
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly channels: readonly ChannelKind[];
  readonly policy: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly attribution: 'verified' | 'declared' | 'claimed' | null;
  readonly reason: string;
  readonly duration_s: number;
  readonly requested_at: Date;
  readonly expires_at: Date;
  readonly status: 'waiting' | 'granted' | 'refused' | 'expired' | 'withdrawn' | 'ended';
  readonly approved_by: readonly string[];
  readonly granted_s: number | null;
  readonly granted_at: Date | null;
  readonly ends_at: Date | null;
  readonly settled_by: string | null;
  readonly settled_at: Date | null;
  readonly settled_why: string | null;
}

/** The access request object of the outside contract. */
export function accessRequestView(row: AccessRequestRow) {
  return {
    id: row.id,
    status: row.status,
    principal: row.principal,
    target: row.target,
    login: row.login,
    channels: row.channels,
    policy: row.policy,
    run: row.run,
    task: row.task,
    attribution: row.attribution,
    reason: row.reason,
    durationS: row.duration_s,
    requestedAt: row.requested_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    approvedBy: row.approved_by,
    /** Approvers may have made it shorter. */
    grantedS: row.granted_s,
    grantedAt: row.granted_at?.toISOString() ?? null,
    endsAt: row.ends_at?.toISOString() ?? null,
    /** Who refused, withdrew or ended it; null = time, or the configuration. */
    settledBy: row.settled_by,
    settledAt: row.settled_at?.toISOString() ?? null,
    settledWhy: row.settled_why,
  };
}

export type AccessRequestObject = ReturnType<typeof accessRequestView>;
