/**
 * One session channel, from its request to its sealed recording: refuse or begin the record, gate
 * the command, dial, move units both ways, close both ends once.
 *
 * States: starting → (refused | running) → ending → over. Only `run` moves between them.
 */
import { v7 as uuidv7 } from 'uuid';
import { authorise, type GrantRule } from '../access/grant.ts';
import { messageOf } from '../errors.ts';
import type { Detectors } from '../mask/detectors.ts';
import { initialState } from '../shell/state.ts';
import { gapNotice, withLastPolicy } from './break-glass.ts';
import { conversationOf } from './conversation.ts';
import { isOnSameTerms, ruleStands, type Standing } from './connection-sessions.ts';
import { asFailure, clientGone, type Cut, denied } from './cut.ts';
import { Gate } from './gate.ts';
import { InputQueue } from './input-queue.ts';
import { LiveControl } from './live-control.ts';
import { tallyOf } from './masked-record.ts';
import { detectorsOf } from './masking.ts';
import { errorNotice, EXIT_FAILED, notice } from './notice.ts';
import { OutputPipe } from './output.ts';
import type { Recording } from './ports.ts';
import type { Conversation, Scene, SessionContext, SessionDependencies } from './scene.ts';
import { Valve } from './valve.ts';
import { within } from './wait.ts';

/** What a session without a terminal records as its size. */
const NO_TERMINAL = { cols: 80, rows: 24 };

export class Session {
  readonly id = uuidv7();
  readonly #dependencies: SessionDependencies;
  readonly #context: SessionContext;
  readonly #startUs: number;
  readonly #input: InputQueue;
  readonly #valve = new Valve();
  #output: OutputPipe | null = null;
  #cut: ((cut: Cut) => void) | null = null;

  constructor(dependencies: SessionDependencies, context: SessionContext) {
    this.#dependencies = dependencies;
    this.#context = context;
    this.#startUs = dependencies.clock.monotonicUs();
    const { end, request } = context;
    const { maxPendingInputBytes } = dependencies.limits;
    this.#input = new InputQueue(end, maxPendingInputBytes, request.pty !== null, this.#valve);
  }

  /** Runs to the end; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      this.#context.onOver();
    }
  }

  async #run(): Promise<void> {
    const { recordings, clock, logger, policies } = this.#dependencies;
    const { attributed, grant, request, source, via } = this.#context;
    let recording: Recording;
    let detectors: Detectors;
    try {
      const { directoryVersion, policy, version } = await policies.byName(grant.rule.policy);
      detectors = detectorsOf(policy);
      recording = await recordings.begin({
        id: this.id,
        kind: grant.kind,
        principal: grant.principal,
        target: grant.target.name,
        login: grant.login.name,
        via,
        source,
        ...attributed,
        startedAtMs: clock.nowMs(),
        size: request.pty?.size ?? NO_TERMINAL,
        term: request.pty?.term ?? null,
        command: request.command?.toString('utf8') ?? null,
        policy: grant.rule.policy,
        policyVersion: version,
        directoryVersion: directoryVersion ?? 0,
        recording: grant.rule.recording,
        keepDays: grant.rule.keepDays,
        ...(grant.rule.access === undefined ? {} : { access: grant.rule.access }),
      });
    } catch (error) {
      logger.error('session refused', { session: this.id, why: messageOf(error) });
      await this.#refuse(error);
      return;
    }
    const output = new OutputPipe(
      recording,
      this.#context.end,
      this.#nowUs,
      this.#dependencies.limits.maxUndurableBytes,
      (gap) => void this.say(gapNotice(gap)).catch(() => {}),
    );
    this.#output = output;
    // The contents of files stay as they are.
    if (!detectors.isEmpty && (grant.kind === 'shell' || grant.kind === 'exec')) {
      const tally = tallyOf(recording);
      const width = request.pty?.size.cols ?? null;
      output.mask({ detectors, width, onMasked: (total, atUs) => tally?.masked(total, atUs) });
    }
    // What can't be said is a failure of the recording, which ends the session by itself.
    this.#context.onBegun?.().catch(() => {});
    const conversation = conversationOf(this.#scene(recording, output));
    const cut = await this.#live(conversation, output);
    await this.#finish(recording, output, conversation, cut);
  }

  /** Tells the client something without touching the session. */
  async say(text: string): Promise<void> {
    const line = this.#context.request.pty === null ? `${text}\n` : `\r\n${text}\r\n`;
    const stream = this.#context.request.pty === null ? 'stderr' : 'stdout';
    await this.#output?.say({ kind: 'data', stream, bytes: Buffer.from(line) });
  }

  /** Ends the session with a notice; the recording is completed. */
  terminate(text: string, why: string): void {
    this.#cut?.({ notice: notice(text), exitStatus: EXIT_FAILED, status: 'closed', why });
  }

  get rule(): GrantRule {
    return this.#context.grant.rule;
  }

  mayStay(standing: Standing): boolean | 'changed' {
    const { principal, rules, targets } = standing;
    const { kind, login, target } = this.#context.grant;
    // What was granted for a time under a policy of its own doesn't go on by another grant.
    if (this.rule.access !== undefined && !ruleStands(this.#context.grant, standing)) return false;
    const now = targets.find(({ name }) => name === target.name);
    // Forwards are granted by place, and are sessions of their own.
    if (now === undefined || kind === 'forward') return false;
    const outcome = authorise(principal, now, login.name, kind, rules);
    if (outcome.kind !== 'granted' || this.rule.access !== undefined) {
      return outcome.kind === 'granted';
    }
    return isOnSameTerms(this.rule, outcome.grant.rule) ? true : 'changed';
  }

  /** The transport below has ended: whatever waits for this client stops waiting. */
  clientGone(): void {
    this.#input.abandon();
    const { orphanWaitMs } = this.#dependencies.limits;
    setTimeout(() => this.#cut?.(clientGone()), orphanWaitMs).unref();
  }

  readonly #nowUs = (): number => this.#dependencies.clock.monotonicUs() - this.#startUs;

  /** From the recording's begin to the moment that nothing more will happen; says why it ended. */
  async #live(conversation: Conversation, output: OutputPipe): Promise<Cut> {
    const { controls, logger } = this.#dependencies;
    const cut = new Promise<Cut>((resolve) => (this.#cut = resolve));
    const control = new LiveControl(controls, logger, {
      id: this.id,
      valve: this.#valve,
      announce: (text) => conversation.announce?.(text) ?? this.say(text),
      terminate: (text, why) => this.terminate(text, why),
    });
    try {
      const failed = output.failed.then((error): never => {
        throw error;
      });
      return await Promise.race([cut, failed, this.#converse(conversation)]);
    } catch (error) {
      const failure = asFailure(error);
      this.#dependencies.logger.error('session failed', {
        session: this.id,
        why: messageOf(error),
      });
      return {
        notice: errorNotice(failure),
        exitStatus: EXIT_FAILED,
        status: 'failed',
        why: messageOf(failure),
      };
    } finally {
      control.end();
      this.#input.abandon();
    }
  }

  /** Nothing begins while something else of the connection waits for an approval. */
  async #converse(conversation: Conversation): Promise<Cut> {
    const { holds } = this.#context;
    if (holds === undefined) return conversation.run();
    const isFree = await this.#input.interruptible(
      (abandoned) => holds.whenFree(this, abandoned, (text) => this.say(text)),
      (free) => !free,
    );
    if (isFree) return conversation.run();
    return this.#input.gone.aborted ? clientGone() : denied(notice('cancelled before it began'));
  }

  #scene(recording: Recording, output: OutputPipe): Scene {
    const { grant, holds, request } = this.#context;
    const isBreakGlass = grant.rule.recording === 'continue';
    const gate = new Gate(isBreakGlass ? withLastPolicy(this.#dependencies) : this.#dependencies, {
      sessionId: this.id,
      grant,
      recording,
      output,
      nowUs: this.#nowUs,
      state: initialState(request.pty !== null),
      ...(holds !== undefined && { holds }),
      isThere: () => this.#isClientThere(),
    });
    return {
      sessionId: this.id,
      dependencies: this.#dependencies,
      context: this.#context,
      input: this.#input,
      output,
      gate,
      valve: this.#valve,
      nowUs: this.#nowUs,
      say: (text) => this.say(text),
      terminate: (text, why) => this.terminate(text, why),
    };
  }

  /** Nothing is run for a client that went away without a word. */
  async #isClientThere(): Promise<boolean> {
    if (this.#input.gone.aborted) return false;
    const answer = this.#context.end.isThere?.() ?? Promise.resolve(true);
    const isThere = (await within(this.#dependencies.limits.maxAnswerMs, answer)) === true;
    return isThere && !this.#input.gone.aborted;
  }

  /** Says the last word, seals the recording, closes both ends. Never rejects. */
  async #finish(
    recording: Recording,
    output: OutputPipe,
    conversation: Conversation,
    cut: Cut,
  ): Promise<void> {
    const { logger, limits } = this.#dependencies;
    await conversation.close();
    let { exitStatus } = conversation;
    try {
      if (cut.notice !== null) {
        const said = this.say(cut.notice).then(() => true);
        // A record that takes nothing and says nothing must not silence the last word.
        if ((await within(limits.sealWaitMs, said)) !== true)
          throw new Error('not recorded in time');
        if (exitStatus === null) {
          exitStatus = cut.exitStatus;
          await within(limits.sealWaitMs, output.push({ kind: 'exit', status: cut.exitStatus }));
        }
        await within(limits.sealWaitMs, output.push({ kind: 'eof' }));
      }
      await within(limits.sealWaitMs, output.flush());
    } catch {
      // The record can't be written any more. The client still learns why, from us, not from the target.
      const text = cut.notice ?? notice('the recording failed');
      await within(limits.sealWaitMs, this.#sayUnrecorded(text, cut.exitStatus));
    }
    conversation.ended(exitStatus, cut.why);
    const sealed = recording.end({
      atUs: this.#nowUs(),
      status: cut.status,
      exitStatus,
      bytesOut: output.bytesOut,
      why: cut.why,
    });
    sealed.catch((error: unknown) => {
      logger.error('recording not sealed', { session: this.id, why: messageOf(error) });
    });
    await within(limits.sealWaitMs, sealed).catch(() => {});
    await this.#context.end.write({ kind: 'close' });
  }

  async #refuse(error: unknown): Promise<void> {
    await this.#sayUnrecorded(errorNotice(asFailure(error)), EXIT_FAILED);
    await this.#context.end.write({ kind: 'close' });
  }

  async #sayUnrecorded(text: string, status: number): Promise<void> {
    const { end, request } = this.#context;
    const bytes = Buffer.from(`${text}${request.pty === null ? '\n' : '\r\n'}`);
    await end.write({ kind: 'data', stream: request.pty === null ? 'stderr' : 'stdout', bytes });
    await end.write({ kind: 'exit', status });
    await end.write({ kind: 'eof' });
  }
}
