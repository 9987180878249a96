/** What the routes and pages of approvals are given; part of ports.ts. */
import type { GrantedScope } from '../access/approval-scope.ts';
import type { Principal } from '../access/principal.ts';
import type { EventType } from '../journal/event.ts';
import type { CommandView, SessionView } from './ports.ts';

export interface ApprovalDemandView {
  /** null = no rule: the policy's default, or its verdict for the uncertain. */
  readonly rule: string | null;
  /** Empty = every approver. */
  readonly approvers: readonly string[];
  readonly minimum: number;
  readonly fourEyes: boolean;
  readonly escalation: { readonly at: string; readonly to: readonly string[] } | null;
}

export interface ApprovalView {
  readonly id: string;
  readonly kind: 'command' | 'file' | 'forward' | 'access';
  readonly status: 'waiting' | 'approved' | 'refused' | 'expired' | 'cancelled';
  /** null = what waits is no part of a session. */
  readonly session: string | null;
  readonly principal: string;
  readonly target: string;
  readonly login: string | null;
  readonly commandSeq: number | null;
  readonly text: string;
  readonly rule: string | null;
  readonly reason: string | null;
  /** Why it is held, rule by rule. */
  readonly grounds: readonly {
    readonly rule: string | null;
    readonly isDoubt: boolean;
    readonly why: string;
  }[];
  /** Each must be met. */
  readonly demands: readonly ApprovalDemandView[];
  readonly escalatedAt: string | null;
  readonly requestedAt: string;
  readonly expiresAt: string;
  /** Whether it can be approved for more than once; `onceBecause`: why not. */
  readonly repeatable: boolean;
  readonly onceBecause: string | null;
  readonly votes: readonly {
    readonly by: string;
    readonly decision: 'approved' | 'refused';
    readonly reason: string | null;
    readonly at: string;
  }[];
  /** Everybody who approved, with commas. */
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  readonly decisionReason: string | null;
  readonly scope: 'once' | 'session' | 'time';
  readonly until: string | null;
  /** How often something passed by it. */
  readonly uses: number;
  /** The earlier approval by which it passed without being asked for. */
  readonly standing: string | null;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
  readonly revokeReason: string | null;
}

export interface ApprovalDecider {
  readonly principal: Principal;
  readonly source: string;
  readonly reason: string | null;
  /** Left out = once. */
  readonly scope?: GrantedScope;
  /** At the bastion's own command line: the principal is in no directory. */
  readonly isOperator?: boolean;
}

export type ApprovalDecision =
  /** `isAgain`: the same person had decided just so before. */
  | { readonly kind: 'decided'; readonly approval: ApprovalView; readonly isAgain: boolean }
  /** It counts, and more people must approve. */
  | { readonly kind: 'agreed'; readonly approval: ApprovalView; readonly missing: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'already-decided'; readonly approval: ApprovalView }
  | { readonly kind: 'own-request' }
  | { readonly kind: 'four-eyes' }
  | { readonly kind: 'not-an-approver' }
  | { readonly kind: 'once-only'; readonly why: string };

export interface ApprovalBackground {
  /** null = it is no part of one. */
  readonly session: SessionView | null;
  readonly certainty: 'exact' | 'observed' | 'uncertain' | null;
  /** Every command of the line, behind its wrappers. */
  readonly resolved: readonly {
    readonly argv: readonly string[] | null;
    readonly text: string;
    readonly via: readonly string[];
    readonly language: string;
  }[];
  readonly moreResolved: number;
  /** The commands of the session before it, oldest first. */
  readonly earlier: readonly CommandView[];
}

/** The last screen of a session, as far as it is stored. */
export interface ScreenView {
  readonly cols: number;
  readonly rows: number;
  /** As plain text, blank lines at the end left out. */
  readonly lines: readonly string[];
}

export interface ApprovalDesk {
  /** Newest first. @param query.uses left out = also what passed by an earlier approval */
  listApprovals(query: {
    readonly status?: ApprovalView['status'];
    readonly uses?: false;
    /** Left out = of all sessions, and of none. */
    readonly session?: string;
    readonly limit: number;
  }): Promise<readonly ApprovalView[]>;
  approval(id: string): Promise<ApprovalView | null>;
  /** First decision wins; decision and journal row in one transaction, then a notification. */
  decide(
    id: string,
    decision: 'approved' | 'refused',
    by: ApprovalDecider,
  ): Promise<ApprovalDecision>;
  /** What counts for more than once, and is not over. */
  standing(limit: number): Promise<readonly ApprovalView[]>;
  /** From now on nothing passes by it. */
  revoke(
    id: string,
    by: ApprovalDecider,
  ): Promise<
    | { readonly kind: 'revoked'; readonly approval: ApprovalView }
    | { readonly kind: 'not-standing'; readonly approval: ApprovalView }
    | { readonly kind: 'unknown' }
  >;
  /** Waits for the end of somebody else's waiting. null = `signal` came first, or it is unknown. */
  decided(id: string, signal: AbortSignal): Promise<ApprovalView | null>;
  /** What else is known of a request; null = there is none. */
  background(id: string): Promise<ApprovalBackground | null>;
  /** In the order of the journal. @param after place of the last one that is known */
  changes(
    after: number,
    limit: number,
  ): Promise<readonly { readonly seq: number; readonly type: EventType; readonly id: string }[]>;
  /** Where the journal stands now. */
  lastPlace(): Promise<number>;
  /** Calls back with the id whenever an approval has changed, and with '' when that may have been missed. */
  watch(onChange: (id: string) => void): Promise<() => void>;
  /** Whether the principal could decide on it, were it to wait; and who may know of it beside approvers. */
  standingFor(id: string, principal: Principal): Promise<ApprovalStanding | null>;
}

/** How somebody stands to a request. */
export interface ApprovalStanding {
  readonly decides: 'may' | 'own-request' | 'four-eyes' | 'not-an-approver';
  /** It is their own, or that of an agent of theirs. */
  readonly isTheirs: boolean;
}
