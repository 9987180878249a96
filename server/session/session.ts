/**
 * One session channel, from its request to its sealed recording: refuse or begin the record, gate
 * the command, dial, move units both ways, close both ends once.
 *
 * States: starting → (refused | running) → ending → over. Only `run` moves between them.
 */
import { v7 as uuidv7 } from 'uuid';
import type { Grant } from '../access/grant.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { initialState } from '../shell/state.ts';
import { gapNotice, withLastPolicy } from './break-glass.ts';
import { asFailure, clientGone, type Cut, denied } from './cut.ts';
import { Gate, type GateDependencies } from './gate.ts';
import { InputQueue } from './input-queue.ts';
import type { SessionLimits } from './limits.ts';
import { errorNotice, EXIT_FAILED, notice } from './notice.ts';
import { OutputPipe } from './output.ts';
import type {
  ChannelRequest,
  Controls,
  Dialer,
  DownstreamEnd,
  Journal,
  Recording,
  RecordingSink,
  UpstreamEnd,
} from './ports.ts';
import { upstreamRequest } from './shell-start.ts';
import { signalStatus } from './signal.ts';
import { inputReader, LOGIN_SHELL } from './program-input.ts';
import { commandLine, readInput } from './stdin-input.ts';
import { TerminalInput } from './terminal-input.ts';
import type { WorkShare } from './turns.ts';

export interface SessionDependencies extends GateDependencies {
  readonly recordings: RecordingSink;
  readonly journal: Journal;
  readonly controls: Controls;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: SessionLimits;
  /** Letters and digits that nobody can guess. */
  readonly nonce: () => string;
}

export interface SessionContext {
  readonly grant: Grant;
  readonly source: string;
  readonly via: 'direct' | 'jump';
  readonly run: string | null;
  readonly task: string | null;
  readonly request: ChannelRequest;
  readonly end: DownstreamEnd;
  readonly dialer: Dialer;
  /** Called once, when the session is over. */
  readonly onOver: () => void;
}

/** What a session without a terminal records as its size. */
const NO_TERMINAL = { cols: 80, rows: 24 };

export class Session {
  readonly id = uuidv7();
  readonly #dependencies: SessionDependencies;
  readonly #context: SessionContext;
  readonly #startUs: number;
  readonly #input: InputQueue;
  #output: OutputPipe | null = null;
  #upstream: UpstreamEnd | null = null;
  #cut: ((cut: Cut) => void) | null = null;
  #exitStatus: number | null = null;
  /** A command of the input was refused: then the target's own end isn't the session's. */
  #refusal: Cut | null = null;
  #gate: Gate | null = null;

  constructor(dependencies: SessionDependencies, context: SessionContext) {
    this.#dependencies = dependencies;
    this.#context = context;
    this.#startUs = dependencies.clock.monotonicUs();
    const { end, request } = context;
    const { maxPendingInputBytes } = dependencies.limits;
    this.#input = new InputQueue(end, maxPendingInputBytes, request.pty !== null);
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
    const { grant, request, source, via, run, task } = this.#context;
    let recording: Recording;
    try {
      const { version } = await policies.byName(grant.rule.policy);
      recording = await recordings.begin({
        id: this.id,
        kind: grant.kind,
        principal: grant.principal,
        target: grant.target.name,
        login: grant.login.name,
        via,
        source,
        run,
        task,
        startedAtMs: clock.nowMs(),
        size: request.pty?.size ?? NO_TERMINAL,
        term: request.pty?.term ?? null,
        command: request.command?.toString('utf8') ?? null,
        policy: grant.rule.policy,
        policyVersion: version,
        recording: grant.rule.recording,
        keepDays: grant.rule.keepDays,
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
    const cut = await this.#live(recording, output);
    await this.#finish(recording, output, cut);
  }

  /** Tells the client something without touching the session. */
  async say(text: string): Promise<void> {
    const line = this.#context.request.pty === null ? `${text}\n` : `\r\n${text}\r\n`;
    const stream = this.#context.request.pty === null ? 'stderr' : 'stdout';
    await this.#output?.push({ kind: 'data', stream, bytes: Buffer.from(line) });
  }

  /** Ends the session with a notice; the recording is completed. */
  terminate(text: string, why: string): void {
    this.#cut?.({ notice: notice(text), exitStatus: EXIT_FAILED, status: 'closed', why });
  }

  /** The transport below has ended: whatever waits for this client stops waiting. */
  clientGone(): void {
    this.#input.abandon();
    const { orphanWaitMs } = this.#dependencies.limits;
    setTimeout(() => this.#cut?.(clientGone()), orphanWaitMs).unref();
  }

  readonly #nowUs = (): number => this.#dependencies.clock.monotonicUs() - this.#startUs;

  /** From the recording's begin to the moment that nothing more will happen; says why it ended. */
  async #live(recording: Recording, output: OutputPipe): Promise<Cut> {
    const { controls } = this.#dependencies;
    const cut = new Promise<Cut>((resolve) => (this.#cut = resolve));
    const unwatch = controls.watch(this.id, (by) =>
      this.terminate(`session ended by ${by}`, `terminated by ${by}`),
    );
    try {
      const failed = output.failed.then((error): never => {
        throw error;
      });
      return await Promise.race([cut, failed, this.#converse(recording, output)]);
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
      unwatch();
      this.#input.abandon();
    }
  }

  async #converse(recording: Recording, output: OutputPipe): Promise<Cut> {
    const { grant, request, dialer } = this.#context;
    const { limits, journal } = this.#dependencies;
    const isBreakGlass = grant.rule.recording === 'continue';
    const gate = new Gate(isBreakGlass ? withLastPolicy(this.#dependencies) : this.#dependencies, {
      sessionId: this.id,
      grant,
      recording,
      output,
      nowUs: this.#nowUs,
      state: initialState(request.pty !== null),
    });
    this.#gate = gate;
    const say = (text: string): Promise<void> => this.say(text);

    let reader = LOGIN_SHELL;
    if (request.kind === 'exec') {
      const bytes = request.command ?? Buffer.alloc(0);
      const line = commandLine(bytes, bytes.toString('utf8'));
      const outcome = await this.#input.interruptible(
        (abandoned) => gate.decide(line, abandoned, say),
        ({ kind }) => kind === 'refused',
      );
      if (outcome.kind === 'refused') return denied(outcome.notice);
      // An approval may come after the client has left or the session was ended: nothing runs then.
      if (this.#input.gone.aborted) return clientGone();
      reader = inputReader(outcome.decision);
    }

    const mode = grant.target.shellIntegration;
    const nonce = mode === 'inject' ? this.#dependencies.nonce() : null;
    const dialled = await dialer.dial(grant, upstreamRequest(request, limits.environment, nonce));
    if (dialled.kind === 'failed') {
      await journal.append({
        type: 'upstream.failed',
        principal: grant.principal.name,
        source: this.#context.source,
        session: this.id,
        target: grant.target.name,
        data: { code: dialled.error.code, why: messageOf(dialled.error) },
      });
      return {
        notice: errorNotice(dialled.error),
        exitStatus: EXIT_FAILED,
        status: 'failed',
        why: messageOf(dialled.error),
      };
    }
    const upstream = dialled.end;
    this.#upstream = upstream;
    if (this.#input.gone.aborted) return clientGone();

    const terminal =
      request.pty === null
        ? null
        : new TerminalInput({
            input: this.#input,
            upstream,
            gate,
            say,
            output,
            size: request.pty.size,
            marks: { mode, nonce },
            end: (text) => this.terminate(text, 'the shell ran another line than was read'),
            nowUs: this.#nowUs,
          });
    const inbound =
      terminal !== null
        ? terminal.run()
        : readInput({ input: this.#input, upstream, gate, say, reader, limits });
    const outbound = this.#pumpOutput(upstream, output, terminal, gate.work);
    // A client that has closed its channel still gets the exit status, as from the target itself.
    return Promise.race([
      outbound,
      inbound.then((end) =>
        end.kind === 'refused' ? this.#refused(end.notice, outbound) : outbound,
      ),
    ]);
  }

  /** Says so at once; what came before the refused command ends as it would, and nothing follows. */
  async #refused(text: string, outbound: Promise<Cut>): Promise<Cut> {
    const { grant, request } = this.#context;
    if (request.pty !== null) return denied(text);
    const rest = `nothing after that command was sent to ${grant.target.name}`;
    this.#refusal = denied(notice(`the session ends here: ${rest}`));
    await this.say(text);
    await this.#upstream?.write({ kind: 'eof' });
    const { gone } = this.#input;
    const left = new Promise<void>((resolve) => {
      gone.addEventListener('abort', () => resolve());
      if (gone.aborted) resolve();
    });
    await Promise.race([outbound, left, elapsed(this.#dependencies.limits.maxWaitAfterRefusalMs)]);
    return this.#refusal;
  }

  /** Moves the target's units to the client until the target has closed. */
  async #pumpOutput(
    upstream: UpstreamEnd,
    output: OutputPipe,
    terminal: TerminalInput | null,
    work: WorkShare,
  ): Promise<Cut> {
    let exited = false;
    for (;;) {
      const unit = await upstream.read();
      const atUs = this.#nowUs();
      if (unit.kind === 'data') await terminal?.observe(unit.bytes, atUs);
      // The client is told the refusal's status instead.
      if (this.#refusal !== null && unit.kind !== 'data' && unit.kind !== 'close') continue;
      if (unit.kind === 'exit' || unit.kind === 'exit-signal') {
        exited = true;
        this.#exitStatus = unit.kind === 'exit' ? unit.status : signalStatus(unit.name);
      }
      if (unit.kind === 'close') {
        await output.flush();
        if (this.#refusal !== null) return this.#refusal;
        if (exited) {
          return { notice: null, exitStatus: 0, status: 'closed', why: 'the command ended' };
        }
        if (this.#input.gone.aborted) return clientGone();
        return {
          notice: notice(
            `the connection to ${this.#context.grant.target.name} ended without an exit status; try again, or ask the target's operator`,
          ),
          exitStatus: EXIT_FAILED,
          status: 'failed',
          why: 'the target closed without an exit status',
        };
      }
      await work.run(() => output.push(unit, atUs));
      await work.pause();
    }
  }

  /** Says the last word, seals the recording, closes both ends. Never rejects. */
  async #finish(recording: Recording, output: OutputPipe, cut: Cut): Promise<void> {
    const { logger, limits } = this.#dependencies;
    await this.#upstream?.write({ kind: 'close' });
    try {
      if (cut.notice !== null) {
        const said = this.say(cut.notice).then(() => true);
        // A record that takes nothing and says nothing must not silence the last word.
        if ((await within(limits.sealWaitMs, said)) !== true)
          throw new Error('not recorded in time');
        if (this.#exitStatus === null) {
          this.#exitStatus = cut.exitStatus;
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
    const isExec = this.#context.request.kind === 'exec' && this.#refusal === null;
    this.#gate?.sessionEnded(isExec ? this.#exitStatus : null);
    const sealed = recording.end({
      atUs: this.#nowUs(),
      status: cut.status,
      exitStatus: this.#exitStatus,
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

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The work's outcome, or undefined when it takes longer. */
function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work, elapsed(ms).then(() => undefined)]);
}
