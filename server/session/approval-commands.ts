/** The bastion's own commands about approvals: `approvals`, `approvals wait ID`, `approve ID`, `deny ID`. */
import { permit } from '../access/permission.ts';
import { readScope, SCOPE_FORM, type GrantedScope } from '../access/approval-scope.ts';
import type { Principal } from '../access/principal.ts';
import { printable } from '../printable.ts';
import { EXIT_DENIED, EXIT_FAILED, notice, utcText } from './notice.ts';

const MAX_LISTED = 50;
/** Longer than any reason of a decision. */
const MAX_REASON_CHARACTERS = 1_000;
const MAX_TEXT_CHARACTERS = 300;
/** Of what is still to be decided on. */
const MAX_ASKED_CHARACTERS = 4096;
const MAX_ID_CHARACTERS = 64;

/** What is shown of an approval. */
export interface BuiltinApproval {
  readonly id: string;
  readonly status: 'waiting' | 'approved' | 'refused' | 'expired' | 'cancelled';
  readonly principal: string;
  readonly target: string;
  readonly text: string;
  /** Why it is held, as everywhere; null = the rule says nothing. */
  readonly reason: string | null;
  readonly expiresAt: string;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly until: string | null;
  readonly uses: number;
}

export interface BuiltinDecider {
  readonly principal: Principal;
  readonly source: string;
  readonly reason: string | null;
  readonly scope?: GrantedScope;
}

export type BuiltinDecision =
  | { readonly kind: 'decided'; readonly approval: BuiltinApproval; readonly isAgain: boolean }
  | { readonly kind: 'agreed'; readonly missing: number }
  | { readonly kind: 'already-decided'; readonly approval: BuiltinApproval }
  | { readonly kind: 'once-only'; readonly why: string }
  | { readonly kind: 'unknown' | 'own-request' | 'four-eyes' | 'not-an-approver' };

export interface ApprovalQueries {
  waitingApprovals(limit: number): Promise<readonly BuiltinApproval[]>;
  decide(
    id: string,
    decision: 'approved' | 'refused',
    by: BuiltinDecider,
  ): Promise<BuiltinDecision>;
  /** Those that count for more than once. */
  standingApprovals(limit: number): Promise<readonly BuiltinApproval[]>;
  revoke(id: string, by: BuiltinDecider): Promise<'revoked' | 'not-standing' | 'unknown'>;
  /** Resolves with the end of its waiting; null = it is not theirs to know of, or `signal` came first. */
  awaitApproval(
    id: string,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<BuiltinApproval | null>;
}

export interface ApprovalCaller {
  readonly principal: Principal;
  readonly source: string;
}

export interface ApprovalAnswer {
  readonly lines: readonly string[];
  readonly exitStatus: number;
}

/** Whether it blocks until a person decides: then whoever asked may be gone meanwhile. */
export function isWait(words: readonly string[]): boolean {
  return words[0] === 'approvals' && words[1] === 'wait';
}

/** `approvals wait ID`: exit status 0 when it was approved, 126 otherwise. */
export async function waitForDecision(
  queries: ApprovalQueries,
  { principal }: ApprovalCaller,
  [, , id, ...more]: readonly string[],
  signal: AbortSignal,
): Promise<ApprovalAnswer> {
  if (id === undefined || more.length > 0) return usage('write: approvals wait ID');
  const known = id.length <= MAX_ID_CHARACTERS;
  const approval = known ? await queries.awaitApproval(id, principal, signal) : null;
  if (approval === null) {
    return refused(signal.aborted ? 'no longer waiting' : DECISION_FAILURES.unknown);
  }
  const line = endOf(approval);
  return { lines: [notice(line)], exitStatus: approval.status === 'approved' ? 0 : EXIT_DENIED };
}

/** Nobody shall decide on an end that they haven't seen. */
function askedText(text: string): string {
  const more = text.length - MAX_ASKED_CHARACTERS;
  const shown = printable(text, MAX_ASKED_CHARACTERS);
  return more <= 0
    ? shown
    : `${shown} (${more} more characters: read all of it in the browser before you decide)`;
}

/** `approvals [standing | revoke ID [reason]]`, for who may see them. */
export async function runApprovals(
  queries: ApprovalQueries,
  { principal, source }: ApprovalCaller,
  [what, id, ...reason]: readonly string[],
): Promise<ApprovalAnswer> {
  switch (what) {
    case undefined:
    case 'list':
      return listed(await queries.waitingApprovals(MAX_LISTED), 'nothing waits', (one) => {
        const why =
          one.reason === null ? '' : `  (${printable(one.reason, MAX_REASON_CHARACTERS)})`;
        return `until ${utcText(one.expiresAt)}: ${askedText(one.text)}${why}`;
      });
    case 'standing':
      return listed(
        await queries.standingApprovals(MAX_LISTED),
        'no approval counts for more than once',
        (one) =>
          `approved by ${one.decidedBy ?? 'nobody'}${untilText(one)}, used ${one.uses === 1 ? 'once' : `${one.uses} times`}: ` +
          printable(one.text, MAX_TEXT_CHARACTERS),
      );
    case 'revoke': {
      if (id === undefined) return usage('write: approvals revoke ID [reason]');
      const by = { principal, source, reason: reasonOf(reason) };
      const may = permit(principal, 'approval.decide').kind === 'allowed';
      const outcome =
        may && id.length <= MAX_ID_CHARACTERS ? await queries.revoke(id, by) : 'unknown';
      if (outcome === 'revoked') return ok([`${printable(id, MAX_ID_CHARACTERS)} revoked`]);
      return refused(
        outcome === 'unknown'
          ? DECISION_FAILURES.unknown
          : 'that approval counts for nothing any more; see: ssh BASTION approvals standing',
      );
    }
    default:
      return usage('write: approvals, approvals wait ID, approvals standing, approvals revoke ID');
  }
}

/** `approve ID [--for once|session|30m] [reason]`, `deny ID [reason]`. */
export async function runDecision(
  queries: ApprovalQueries,
  { principal, source }: ApprovalCaller,
  verb: 'approve' | 'deny',
  args: readonly string[],
): Promise<ApprovalAnswer> {
  const read = readDecision(verb, args);
  if (typeof read === 'string') return usage(read);
  const { id, reason, scope } = read;
  if (id.length > MAX_ID_CHARACTERS) return refused(DECISION_FAILURES.unknown);
  const decision = verb === 'approve' ? 'approved' : 'refused';
  const outcome = await queries.decide(id, decision, { principal, source, reason, scope });
  switch (outcome.kind) {
    case 'decided': {
      return ok([`${id} ${decision}${untilText(outcome.approval)}`]);
    }
    case 'agreed': {
      const people = outcome.missing === 1 ? 'one more person' : `${outcome.missing} more people`;
      return ok([`${id} noted; ${people} must approve`]);
    }
    case 'already-decided': {
      const { decidedBy, status } = outcome.approval;
      const by = decidedBy === null ? '' : ` by ${decidedBy}`;
      return refused(`that approval is decided already: ${status}${by}`);
    }
    case 'once-only':
      return refused(`it can be approved only once: ${outcome.why}; leave --for out`);
    case 'unknown':
    case 'own-request':
    case 'four-eyes':
    case 'not-an-approver':
      return refused(DECISION_FAILURES[outcome.kind]);
  }
}

/** @returns what to write instead, as a text */
function readDecision(
  verb: 'approve' | 'deny',
  [id, ...rest]: readonly string[],
): { id: string; reason: string | null; scope: GrantedScope } | string {
  if (id === undefined) return `${verb} needs the id of an approval`;
  const inline = /^--for=(.*)$/s.exec(rest[0] ?? '')?.[1];
  const isScoped = verb === 'approve' && (rest[0] === '--for' || inline !== undefined);
  if (!isScoped) return { id, reason: reasonOf(rest), scope: { kind: 'once' } };
  const scope = readScope(inline ?? rest[1] ?? '');
  if (scope === null) return `--for takes ${SCOPE_FORM}`;
  return { id, reason: reasonOf(rest.slice(inline === undefined ? 2 : 1)), scope };
}

function endOf({ decidedBy, decisionReason, id, status, until }: BuiltinApproval): string {
  const by = decidedBy ?? 'nobody';
  const why = decisionReason === null ? '' : `: ${decisionReason}`;
  switch (status) {
    case 'approved':
      return `approved by ${by}${until === null ? '' : ` (until ${utcText(until)})`}${why}`;
    case 'refused':
      return `refused by ${by}${why}`;
    case 'expired':
      return `approval ${id} expired`;
    case 'cancelled':
    case 'waiting':
      return `approval ${id} cancelled${why}`;
  }
}

export const DECISION_FAILURES = {
  unknown: 'there is no such approval; see: ssh BASTION approvals',
  'own-request': 'nobody decides their own request; ask another approver',
  'four-eyes':
    'the rule asks for somebody who doesn’t own the agent that asks; ask another approver',
  'not-an-approver': 'you are not an approver of that request; ask one of its approvers',
} as const;

function listed(
  found: readonly BuiltinApproval[],
  none: string,
  show: (one: BuiltinApproval) => string,
): ApprovalAnswer {
  if (found.length === 0) return ok([none]);
  return ok(found.map((one) => `${one.id}  ${one.principal} on ${one.target} ${show(one)}`));
}

function untilText({ until }: BuiltinApproval): string {
  return until === null ? '' : ` until ${utcText(until)}`;
}

function reasonOf(words: readonly string[]): string | null {
  return words.length === 0 ? null : words.join(' ');
}

function ok(lines: readonly string[]): ApprovalAnswer {
  return { lines, exitStatus: 0 };
}

function refused(text: string): ApprovalAnswer {
  return { lines: [notice(text)], exitStatus: EXIT_DENIED };
}

function usage(text: string): ApprovalAnswer {
  return { lines: [notice(text)], exitStatus: EXIT_FAILED };
}
