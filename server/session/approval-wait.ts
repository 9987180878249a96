/**
 * What is held: asks for an approval, tells the client, and waits for whoever decides. What was approved runs
 * only if the client is still there, and if no policy that came into force meanwhile denies it.
 */
import type { Grant } from '../access/grant.ts';
import { messageOf } from '../errors.ts';
import { groundsOf, termsOf } from '../policy/hold-terms.ts';
import type { ConnectionHolds } from './connection-holds.ts';
import type { GateDependencies, GateOutcome, JudgedLine } from './gate.ts';
import { holdKind, repeatOf } from './hold-fingerprint.ts';
import { bothReadings } from './line-text.ts';
import { deadlineNotice, heldNotice, notice, refusedNotice, ruleName, utcText } from './notice.ts';
import type { ApprovalRequest } from './ports.ts';

export interface HeldSubject {
  readonly sessionId: string;
  readonly grant: Grant;
  readonly holds: ConnectionHolds;
  /** Whether the client still answers; null = nobody can say. */
  readonly isThere: (() => Promise<boolean>) | null;
}

/** @param abandoned aborts the wait: the client pressed Ctrl-C or went away */
export async function waitForApproval(
  dependencies: GateDependencies,
  subject: HeldSubject,
  judged: JudgedLine,
  seq: number,
  abandoned: AbortSignal,
  say: (text: string) => Promise<void>,
): Promise<GateOutcome> {
  const { approvals, bastion, held, limits } = dependencies;
  const { grant, holds } = subject;
  const { decision } = judged;
  const { principal } = grant;
  const refused = (why: string): GateOutcome => ({ kind: 'refused', seq, notice: notice(why) });
  if (held.isStopping) return refused(STOPPING);
  if (!held.enter(principal.name, limits.maxHeldPerPrincipal)) {
    return refused(
      `refused: ${limits.maxHeldPerPrincipal} commands of ${principal.name} already wait for approval; ` +
        'let them be decided first',
    );
  }
  const wait = held.waiting(abandoned);
  try {
    const request = requestFor(dependencies, subject, judged, seq);
    const approval = await approvals.request(request).catch((error: unknown) => messageOf(error));
    if (typeof approval === 'string') {
      return refused(
        `refused: an approval can't be asked for: ${approval}; run the command again later`,
      );
    }
    const { standing } = approval;
    if (standing !== undefined) {
      const until = utcText(standing.untilMs);
      await say(notice(`approved by ${standing.by} (until ${until}, approval ${standing.id})`));
      return await release(dependencies, subject, judged, seq, abandoned);
    }
    holds.waitsFor(approval.id);
    const tell = async (): Promise<void> => {
      await say(heldNotice(decision, approval, bastion()));
      await say(deadlineNotice(request.expiresAtMs, dependencies.clock.nowMs(), request.demands));
    };
    const [outcome] = await Promise.all([approvals.outcome(approval.id, wait.signal), tell()]);
    if (held.isStopping && outcome.kind === 'cancelled') return refused(STOPPING);
    if (outcome.kind !== 'approved') {
      return { kind: 'refused', seq, notice: refusedNotice(outcome, approval.id) };
    }
    const released = await release(dependencies, subject, judged, seq, abandoned);
    if (released.kind === 'released') await say(notice(`approved by ${outcome.by}`));
    return released;
  } finally {
    wait.done();
    held.leave(principal.name);
  }
}

/** What a client is told when the bastion ends while it waits. */
const STOPPING =
  'refused: the bastion is stopping, and nobody has decided; run the command again later';

function requestFor(
  { clock }: GateDependencies,
  { grant, sessionId }: HeldSubject,
  judged: JudgedLine,
  seq: number,
): ApprovalRequest & { readonly demands: NonNullable<ApprovalRequest['demands']> } {
  const { decision, inForce, line } = judged;
  const { policy } = inForce;
  const grounds = groundsOf(decision);
  return {
    kind: holdKind(decision),
    session: sessionId,
    principal: grant.principal.name,
    target: grant.target.name,
    login: grant.login.name,
    commandSeq: seq,
    text: bothReadings(line),
    rule: ruleName(decision),
    reason: decision.reason,
    approvers: decision.approvers,
    demands: termsOf(policy, grounds),
    grounds,
    repeat: repeatOf(judged, grant.rule.policy),
    expiresAtMs: clock.nowMs() + policy.holdTimeoutMs,
  };
}

/** The last look before it runs. */
async function release(
  { policies }: GateDependencies,
  { grant, isThere }: HeldSubject,
  { decision, inForce }: JudgedLine,
  seq: number,
  abandoned: AbortSignal,
): Promise<GateOutcome> {
  const refused = (why: string): GateOutcome => ({ kind: 'refused', seq, notice: notice(why) });
  const now = await policies.byName(grant.rule.policy);
  const denying = groundsOf(decision).find(({ rule }) => {
    if (rule === null || now.policy === inForce.policy) return false;
    return now.policy.rules.some((one) => one.name === rule && one.action === 'deny');
  });
  if (denying !== undefined) {
    return refused(
      `refused: rule "${denying.rule ?? ''}" denies it by now; it was approved too late`,
    );
  }
  if (isThere !== null && !(await isThere())) {
    return refused(
      'refused: the client did not answer when it was approved; run the command again',
    );
  }
  if (abandoned.aborted) return refused('cancelled before it ran');
  return { kind: 'released', seq, decision };
}
