/**
 * The gate: the one stage that may wait. A line is judged, its decision committed, and only then
 * released, refused, or held until a person has decided.
 */
import type { Grant } from '../access/grant.ts';
import type { Clock } from '../clock.ts';
import type { Decision, Facts, SqlPlace } from '../policy/decision.ts';
import { fileText, isQuiet, judgeFiles, type FileOperation } from '../policy/file-operation.ts';
import { forwardText, judgeForward, type ForwardWish } from '../policy/forward-place.ts';
import { judge } from '../policy/judge.ts';
import type { Policy } from '../policy/policy.ts';
import type { ShellState } from '../shell/command.ts';
import { waitForApproval, type HeldSubject } from './approval-wait.ts';
import { CommandOutput } from './command-output.ts';
import { ConnectionHolds } from './connection-holds.ts';
import { refusedByGrant } from './file-rights.ts';
import type { GateLine, GateOutcome, JudgedLine } from './gate-line.ts';
import type { HeldCommands } from './held-commands.ts';
import type { SessionLimits } from './limits.ts';
import { bothReadings, clipped, judgedBy, markerLabel, plainDecision } from './line-text.ts';
import { fileLine, strictestOf, unreadable, withoutText } from './line-text.ts';
import { innerState, joined, stateAfter, withInput } from './nested-shell.ts';
import { deniedNotice, notice } from './notice.ts';
import type { OutputPipe } from './output.ts';
import type { Approvals, FileResult, Policies, PolicyInForce, Recording } from './ports.ts';
import { inputDoubt } from './program-input.ts';
import { WorkShare } from './turns.ts';

export type { GateLine, GateOutcome, JudgedLine } from './gate-line.ts';

export interface GateDependencies {
  readonly policies: Policies;
  readonly approvals: Approvals;
  readonly held: HeldCommands;
  readonly clock: Clock;
  readonly limits: SessionLimits;
  /** What follows `ssh` to reach this bastion, for notices. */
  readonly bastion: () => string;
}

type Judge = (policy: Policy, facts: Facts) => Decision;

export class Gate {
  readonly #dependencies: GateDependencies;
  readonly #sessionId: string;
  readonly #grant: Grant;
  readonly #facts: Facts;
  readonly #recording: Recording;
  readonly #output: Pick<OutputPipe, 'event'>;
  readonly #holds: ConnectionHolds;
  readonly #held: HeldSubject;
  readonly #nowUs: () => number;
  /** What released lines changed for later ones. */
  #state: ShellState;
  /** Where the shell goes on whose command started another shell on the same input; null = none did. */
  #outer: ShellState | null = null;
  /** The lines come by the input of what the session runs. */
  #readsInput = false;
  #seq = 0;
  /** Settles when the line before is judged. */
  #judging: Promise<unknown> = Promise.resolve();
  /** What this session takes of the processor. */
  readonly work: WorkShare;
  /** Where the output of released commands begins and ends. */
  readonly commands: CommandOutput;

  constructor(
    dependencies: GateDependencies,
    subject: {
      readonly sessionId: string;
      readonly grant: Grant;
      readonly recording: Recording;
      readonly output: Pick<OutputPipe, 'event'>;
      readonly nowUs: () => number;
      readonly state: ShellState;
      /** Of the connection; left out = there is no other channel. */
      readonly holds?: ConnectionHolds;
      /** Whether the client still answers; left out = nobody can say. */
      readonly isThere?: () => Promise<boolean>;
    },
  ) {
    this.#dependencies = dependencies;
    this.#sessionId = subject.sessionId;
    this.#grant = subject.grant;
    this.#recording = subject.recording;
    this.#output = subject.output;
    const { grant, holds = new ConnectionHolds(), isThere = null, sessionId } = subject;
    this.#holds = holds;
    this.#held = { sessionId, grant, holds, isThere };
    this.#nowUs = subject.nowUs;
    this.work = new WorkShare(subject.grant.principal.name, subject.nowUs);
    this.#state = subject.state;
    this.commands = new CommandOutput((seq, end) => this.#recording.commandEnded(seq, end));
    const { principal, target } = subject.grant;
    this.#facts = {
      principal: { name: principal.name, groups: principal.groups },
      target: { name: target.name, labels: target.labels },
    };
  }

  /**
   * Decides one line. Rejects with `recording.failed` when the decision can't be committed: no
   * decision, no command.
   * @param abandoned aborts a hold: the client pressed Ctrl-C or went away
   * @param say shows a notice to the client while the line waits
   */
  async decide(
    line: GateLine,
    abandoned: AbortSignal,
    say: (text: string) => Promise<void>,
  ): Promise<GateOutcome> {
    return this.settle(await this.judge(line, abandoned, say), abandoned, say);
  }

  /**
   * Decides one operation on files; as `decide`. What only looks gets a row only if it isn't allowed.
   * `Recording.commandEnded` tells what came of it.
   * @param isOwn see `refusedByGrant`
   * @param broken what the transfer itself refuses
   */
  async decideFile(
    operation: FileOperation,
    abandoned: AbortSignal,
    say: (text: string) => Promise<void>,
    isOwn = false,
    broken: Decision | null = null,
  ): Promise<GateOutcome> {
    const refused = broken ?? refusedByGrant(this.#grant.rule.files, operation, isOwn);
    const line = fileLine(fileText(operation), isQuiet(operation));
    const judged: Judge = (policy, facts) => refused ?? judgeFiles(policy, facts, operation);
    return this.#decideAs(line, judged, abandoned, say);
  }

  /**
   * Decides the line that starts a transfer; as `decide`.
   * @param refused by the grant, whatever the policy says
   */
  decideTransfer(
    line: GateLine,
    refused: Decision | null,
    abandoned: AbortSignal,
    say: (text: string) => Promise<void>,
  ): Promise<GateOutcome> {
    if (refused !== null) return this.#decideAs(line, () => refused, abandoned, say);
    return this.decide(line, abandoned, say);
  }

  /** Decides one forward; as `decide`. */
  decideForward(
    wish: ForwardWish,
    abandoned: AbortSignal,
    say: (text: string) => Promise<void>,
  ): Promise<GateOutcome> {
    const line = fileLine(forwardText(wish.place), false);
    const judged: Judge = (policy, facts) => judgeForward(policy, facts, wish);
    return this.#decideAs(line, judged, abandoned, say);
  }

  async #decideAs(
    line: GateLine,
    judged: Judge,
    abandoned: AbortSignal,
    say: (text: string) => Promise<void>,
  ): Promise<GateOutcome> {
    await this.#holds.whenFree(this, abandoned, say);
    const inForce = await this.#dependencies.policies.byName(this.#grant.rule.policy);
    const decision = this.work.run(() => judged(inForce.policy, this.#facts));
    return this.settle(this.#commit(line, decision, inForce, null), abandoned, say);
  }

  /**
   * Judges the next line and starts to commit the decision. An allowed one counts as released from here
   * on for the lines after it; its bytes must wait for `recorded`. See `ConnectionHolds` for the rest.
   */
  judge(
    line: GateLine,
    abandoned: AbortSignal | null = null,
    say: ((text: string) => Promise<void>) | null = null,
  ): Promise<JudgedLine> {
    // One after the other: what a line leaves counts for the next one.
    const judged = this.#judging.then(async () => {
      // What is no command of its own, or runs already, is only looked at.
      const waits = !line.quiet && line.isReported !== true;
      if (waits) await this.#holds.whenFree(this, abandoned, say);
      return this.#judgeNext(line);
    });
    this.#judging = judged.catch(() => {});
    return judged;
  }

  async #judgeNext(line: GateLine): Promise<JudgedLine> {
    const inForce = await this.#dependencies.policies.byName(this.#grant.rule.policy);
    const isShell = line.language === 'shell' && line.console === undefined;
    const after = isShell
      ? this.work.run(() => stateAfter({ ...line, text: line.unshown ?? line.text }, this.#state))
      : null;
    const judged = await this.#judge(inForce.policy, line, after);
    return this.#commit(line, line.secret ? withoutText(judged) : judged, inForce, after);
  }

  #commit(
    line: GateLine,
    decision: Decision,
    inForce: PolicyInForce,
    after: ShellState | null,
  ): JudgedLine {
    if (line.quiet && decision.verdict === 'allow')
      return { seq: null, line, decision, inForce, after, recorded: Promise.resolve() };
    const seq = ++this.#seq;
    const atUs = this.#nowUs();
    this.commands.next(line.promptUs ?? atUs);
    const recorded = Promise.all([
      this.#output.event({ atUs, code: 'm', label: markerLabel(line.text) }),
      this.#recording.decided({
        seq,
        atUs,
        text: clipped(bothReadings(line), this.#dependencies.limits.maxLineBytes),
        certainty: decision.certainty === 'uncertain' ? 'uncertain' : line.certainty,
        decision,
        judgedBy: judgedBy(this.#grant.rule.policy, inForce),
      }),
    ]);
    // Whoever waits for it gets the failure; until then it is nobody's.
    recorded.catch(() => {});
    if (decision.verdict === 'allow') this.#released(seq, line, decision, after);
    return { seq, line, decision, inForce, after, recorded };
  }

  /** Waits until a judged line is committed and, if it is held, decided. */
  async settle(
    judged: JudgedLine,
    abandoned: AbortSignal,
    say: (text: string) => Promise<void>,
  ): Promise<GateOutcome> {
    const { line, seq, decision, after, recorded } = judged;
    await recorded;
    if (seq === null) return { kind: 'released', seq, decision };
    if (decision.verdict === 'deny')
      return { kind: 'refused', seq, notice: deniedNotice(decision, seq, this.#sessionId) };
    const isHeld = decision.verdict === 'hold';
    const isFree = isHeld
      ? await this.#holds.enter(this, abandoned, say)
      : await this.#holds.whenFree(this, abandoned, say);
    if (!isFree) return { kind: 'refused', seq, notice: notice('cancelled before it ran') };
    if (!isHeld) return { kind: 'released', seq, decision };
    const wait = waitForApproval(this.#dependencies, this.#held, judged, seq, abandoned, say);
    const outcome = await wait.finally(() => this.#holds.leave());
    if (outcome.kind === 'released') this.#released(seq, line, decision, after);
    return outcome;
  }

  #released(seq: number, line: GateLine, decision: Decision, after: ShellState | null): void {
    const { text, isMarked = false } = line;
    if (line.isFile === true) return;
    this.commands.released({ seq, text, isMarked }, this.#nowUs());
    const isShell = decision.commands.some(({ stdinLanguage }) => stdinLanguage === 'shell');
    // A client at a terminal may start a shell as well.
    if (after === null && !(isShell && this.#state.interactive)) return;
    if (isShell || after === null) {
      const outer = after ?? this.#state;
      const inner = innerState(outer);
      this.#outer = joined(inner, outer, this.#outer);
      this.#state = this.#outer;
    } else this.#state = this.#outer === null ? after : joined(after, this.#outer);
  }

  /** From here on the lines come by the input of what the session's command runs. */
  enterInput(): void {
    this.#readsInput = true;
    this.#outer = null;
    this.commands.enterInput();
  }

  /** See `CommandOutput`. */
  sessionEnded(exitStatus: number | null, result: FileResult | null = null): void {
    this.commands.sessionEnded(exitStatus, this.#nowUs(), result);
  }

  /** Whether a rule would hold or refuse this, should it run as a command of its own, or as SQL. */
  async wouldRefuse(text: string, sql: SqlPlace | null = null): Promise<boolean> {
    const { verdict, rule } = await this.#judgeGuess(text, sql);
    return rule !== null && verdict !== 'allow';
  }

  /** Whether a rule denies this, should it run as a command of the shell. */
  async wouldDeny(text: string): Promise<boolean> {
    const { verdict, rule } = await this.#judgeGuess(text, null);
    return rule !== null && verdict === 'deny';
  }

  async #judgeGuess(text: string, sql: SqlPlace | null): Promise<Decision> {
    const { policy } = await this.#dependencies.policies.byName(this.#grant.rule.policy);
    const shell = { text, language: 'shell', state: this.#state, isGuess: true } as const;
    const input = sql === null ? shell : ({ ...shell, language: 'sql', sql } as const);
    const decision = this.work.run(() => judge(policy, this.#facts, input));
    await this.work.pause();
    return decision;
  }

  async #judge(policy: Policy, line: GateLine, after: ShellState | null): Promise<Decision> {
    const { maxLineBytes, maxStatementBytes } = this.#dependencies.limits;
    const maxBytes = line.language === 'sql' ? maxStatementBytes : maxLineBytes;
    const refusal = unreadable(line.text, maxBytes);
    if (refusal !== null) return plainDecision('deny', refusal);
    // Where the line itself is known, what no rule knows is no reason to refuse mere guesses.
    const isRead =
      line.certainty !== 'uncertain' &&
      (line.text === '' || line.candidates.some((text) => !line.guesses.has(text)));
    const decisions: Decision[] = [];
    const state = withInput(this.#state, line.input);
    for (const text of line.candidates) {
      const isGuess = line.guesses.has(text) && (policy.default === 'allow' || isRead);
      const { language, sql, isServed = false } = line;
      const input = { text, language, state, isGuess, isServed };
      const whole = sql == null ? input : { ...input, sql };
      const decision = this.work.run(() => judge(policy, this.#facts, whole));
      const isDefault = decision.certainty === 'uncertain' || policy.default !== 'allow';
      if (!isGuess || decision.rule !== null || !isDefault) decisions.push(decision);
      await this.work.pause();
    }
    if (line.certainty === 'uncertain' && line.isReported !== true) {
      decisions.push(plainDecision(policy.uncertain, line.why ?? 'the line could not be read'));
    }
    const { doubt: inConsole = null } = line.console ?? {};
    if (inConsole !== null) decisions.push(plainDecision(policy.uncertain, inConsole));
    if (this.#readsInput && after !== null && after.input.kind !== 'session') {
      const why = 'the shell goes on with commands that do not come from this input';
      decisions.push(plainDecision(policy.uncertain, why));
    }
    const commands = decisions.find((one) => one.commands.length > 0)?.commands ?? [];
    const sqlInput = decisions.find((one) => one.sqlInput !== undefined)?.sqlInput ?? null;
    const doubt = this.#state.interactive
      ? null
      : inputDoubt({ commands, sqlInput }, this.#readsInput);
    if (doubt !== null) decisions.push(plainDecision(policy.uncertain, doubt));
    const strictest = strictestOf(decisions);
    // What runs doesn't depend on why the line was held.
    if (strictest.commands.length > 0) return strictest;
    return { ...strictest, commands, ...(sqlInput !== null && { sqlInput }) };
  }
}
