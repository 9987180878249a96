/** How something that is held is decided by people; part of ports.ts, which adapters import. */

/** What waits. */
export type ApprovalKind = 'command' | 'file' | 'forward' | 'access';

/** What one rule asks for before what it holds may go on. */
export interface ApprovalDemand {
  /** null = no rule: the policy's default, or its verdict for the uncertain. */
  readonly rule: string | null;
  /** Principals and `group:NAME`; empty = every approver. */
  readonly approvers: readonly string[];
  /** People who must approve. */
  readonly minimum: number;
  /** The owner of the agent that asks counts as the one who asks. */
  readonly fourEyes: boolean;
  /** After this long without a decision these may decide as well; null = nobody is added. */
  readonly escalation: { readonly afterMs: number; readonly to: readonly string[] } | null;
}

/** Why it is held, rule by rule. */
export interface ApprovalGround {
  readonly rule: string | null;
  /** The rule may or may not be about it; or it can't be read with certainty. */
  readonly isDoubt: boolean;
  readonly why: string;
}

/** Whether a later request can pass by the same approval. */
export type ApprovalRepeat =
  | {
      readonly kind: 'possible';
      /** Of everything that was judged; equal = the same thing. */
      readonly fingerprint: string;
      readonly policy: string;
      readonly policyVersion: number;
    }
  | { readonly kind: 'never'; readonly why: string };

export interface ApprovalRequest {
  /** Left out = a command. */
  readonly kind?: ApprovalKind;
  /** null = there is none yet. */
  readonly session: string | null;
  readonly principal: string;
  readonly target: string;
  /** Account on the target; left out = none in particular. */
  readonly login?: string | null;
  /** null = it is no command of a session. */
  readonly commandSeq: number | null;
  readonly text: string;
  readonly rule: string | null;
  readonly reason: string | null;
  /** Every one of them must be met; left out = one person who is named in `approvers`. */
  readonly demands?: readonly ApprovalDemand[];
  /** For whoever leaves `demands` out. */
  readonly approvers: readonly string[];
  readonly grounds?: readonly ApprovalGround[];
  /** Left out = it is decided each time. */
  readonly repeat?: ApprovalRepeat;
  readonly expiresAtMs: number;
}

/** An earlier approval by which a request passes at once. */
export interface StandingUse {
  /** Id of the earlier approval. */
  readonly id: string;
  readonly by: string;
  readonly untilMs: number;
}

export interface RequestedApproval {
  /** Short, typed by people. */
  readonly id: string;
  /** Where a browser finds it. */
  readonly url: string;
  /** It is approved already; absent: it waits. */
  readonly standing?: StandingUse;
}

export type ApprovalOutcome =
  | {
      readonly kind: 'approved';
      /** Everybody who approved, with commas. */
      readonly by: string;
      readonly reason: string | null;
    }
  | { readonly kind: 'refused'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'expired' }
  /** `why`: in words, if somebody said it. */
  | { readonly kind: 'cancelled'; readonly why?: string | null }
  /** Nobody can decide any more: what holds the requests can't be reached. */
  | { readonly kind: 'unavailable'; readonly why: string };

export interface Approvals {
  /** Commits the request, or its passing by an approval that was given for a time. */
  request(request: ApprovalRequest): Promise<RequestedApproval>;
  /**
   * Waits for the decision or the expiry. `signal` cancels: the requester went away; its reason, if it is a
   * text, is kept with the row.
   */
  outcome(id: string, signal: AbortSignal): Promise<ApprovalOutcome>;
}
