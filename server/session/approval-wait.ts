/** A held command: asks for an approval, tells the client, and waits for whoever decides. */
import type { Grant } from '../access/grant.ts';
import { messageOf } from '../errors.ts';
import type { ConnectionHolds } from './connection-holds.ts';
import type { GateDependencies, GateOutcome, JudgedLine } from './gate.ts';
import { bothReadings } from './line-text.ts';
import { heldNotice, notice, refusedNotice, ruleName } from './notice.ts';

export interface HeldSubject {
  readonly sessionId: string;
  readonly grant: Grant;
  readonly holds: ConnectionHolds;
}

/** @param abandoned aborts the wait: the client pressed Ctrl-C or went away */
export async function waitForApproval(
  { approvals, held, clock, limits, bastion }: GateDependencies,
  { sessionId, grant, holds }: HeldSubject,
  { line, decision, policy }: JudgedLine,
  seq: number,
  abandoned: AbortSignal,
  say: (text: string) => Promise<void>,
): Promise<GateOutcome> {
  const { principal, target } = grant;
  if (!held.enter(principal.name, limits.maxHeldPerPrincipal)) {
    const why =
      `refused: ${limits.maxHeldPerPrincipal} commands of ${principal.name} already wait for approval; ` +
      'let them be decided first';
    return { kind: 'refused', seq, notice: notice(why) };
  }
  try {
    const requested = approvals.request({
      session: sessionId,
      principal: principal.name,
      target: target.name,
      commandSeq: seq,
      text: bothReadings(line),
      rule: ruleName(decision),
      reason: decision.reason,
      approvers: decision.approvers,
      expiresAtMs: clock.nowMs() + policy.holdTimeoutMs,
    });
    const approval = await requested.catch((error: unknown) => messageOf(error));
    if (typeof approval === 'string') {
      const why = `refused: an approval can't be asked for: ${approval}; run the command again later`;
      return { kind: 'refused', seq, notice: notice(why) };
    }
    holds.waitsFor(approval.id);
    const [outcome] = await Promise.all([
      approvals.outcome(approval.id, abandoned),
      say(heldNotice(decision, approval, bastion())),
    ]);
    if (outcome.kind !== 'approved') {
      return { kind: 'refused', seq, notice: refusedNotice(outcome, approval.id) };
    }
    await say(notice(`approved by ${outcome.by}`));
    return { kind: 'released', seq, decision };
  } finally {
    held.leave(principal.name);
  }
}
