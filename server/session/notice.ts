/**
 * The lines that Sallyport itself says to a client: one line each, prefixed `sallyport: `.
 * Names and reasons may come from hostile input, so control characters never pass.
 */
import type { Decision } from '../policy/decision.ts';
import type { SallyportError } from '../errors.ts';
import type { ApprovalOutcome } from './ports.ts';
import { printable } from '../printable.ts';

/** Longer than any reason of a decision, so that a notice has all of it. */
const MAX_NOTICE_CHARACTERS = 1_200;

/** Exit status of a session whose command was denied, refused or whose approval expired. */
export const EXIT_DENIED = 126;
/** Exit status of a session that the bastion or the way to the target failed. */
export const EXIT_FAILED = 255;

/** @returns the line without its line end */
export function notice(text: string): string {
  return `sallyport: ${printable(text, MAX_NOTICE_CHARACTERS, ' ')}`;
}

/** What decided, as a rule name: the rule, or the policy's own `uncertain` or `default` verdict. */
export function ruleName(decision: Decision): string {
  return decision.rule ?? (decision.certainty === 'uncertain' ? 'uncertain' : 'default');
}

export function deniedNotice(decision: Decision, seq: number, sessionId: string): string {
  const reason = decision.reason ?? 'not allowed here';
  return notice(
    `denied by rule "${ruleName(decision)}": ${reason} (command ${seq} of session ${sessionId})`,
  );
}

/** @param bastion what follows `ssh` to reach this bastion */
export function heldNotice(
  decision: Decision,
  approval: { readonly id: string; readonly url: string },
  bastion: string,
): string {
  return notice(
    `held by rule "${ruleName(decision)}": waiting for approval ${approval.id} ` +
      `(${approval.url}, or: ssh ${bastion} approve ${approval.id})`,
  );
}

/** Until when it can be approved, and by how many. @param demands left out = by one */
export function deadlineNotice(
  expiresAtMs: number,
  nowMs: number,
  demands: readonly { readonly minimum: number }[] = [],
): string {
  const people = Math.max(1, ...demands.map(({ minimum }) => minimum));
  const who = people === 1 ? 'somebody approves' : `${people} people approve`;
  return notice(
    `it is refused unless ${who} by ${utcText(expiresAtMs)}, in ${lengthOf(expiresAtMs - nowMs)}`,
  );
}

/** `2026-11-22 02:58:06 UTC`, as people read it. @param at milliseconds since 1970 UTC, or ISO 8601 */
export function utcText(at: number | string): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `45 s`, `10 min`, `2 h 5 min` */
function lengthOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Why a held command doesn't run. */
export function refusedNotice(
  outcome: Exclude<ApprovalOutcome, { readonly kind: 'approved' }>,
  id: string,
): string {
  switch (outcome.kind) {
    case 'refused':
      return notice(`refused by ${outcome.by}: ${outcome.reason ?? 'no reason given'}`);
    case 'expired':
      return notice(`approval ${id} expired`);
    case 'cancelled':
      return notice(`approval ${id} cancelled${outcome.why == null ? '' : `: ${outcome.why}`}`);
    case 'unavailable':
      return notice(
        `refused: approval ${id} can't be decided: ${outcome.why}; run the command again later`,
      );
  }
}

export function errorNotice(error: SallyportError): string {
  return notice(`${error.message}; ${error.hint}`);
}
