/** How a held command is decided by a person; part of ports.ts, which adapters import. */

export interface ApprovalRequest {
  readonly session: string;
  readonly principal: string;
  readonly target: string;
  readonly commandSeq: number;
  readonly text: string;
  readonly rule: string | null;
  readonly reason: string | null;
  readonly approvers: readonly string[];
  readonly expiresAtMs: number;
}

export type ApprovalOutcome =
  | { readonly kind: 'approved'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'refused'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'expired' }
  | { readonly kind: 'cancelled' }
  /** Nobody can decide any more: what holds the requests can't be reached. */
  | { readonly kind: 'unavailable'; readonly why: string };

export interface Approvals {
  /** Commits the request; resolves with its id (short, typed by people) and where a browser finds it. */
  request(request: ApprovalRequest): Promise<{ readonly id: string; readonly url: string }>;
  /** Waits for the decision or the expiry. `signal` cancels: the requester went away. */
  outcome(id: string, signal: AbortSignal): Promise<ApprovalOutcome>;
}
