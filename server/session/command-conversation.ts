/**
 * A session that runs a shell or a command: the command is decided, the target is dialled, and units move
 * both ways, input through the reader that fits what runs.
 */
import { clientGone, type Cut, denied } from './cut.ts';
import { dial } from './dialled.ts';
import { fileLine } from './line-text.ts';
import { EXIT_FAILED, notice } from './notice.ts';
import { OutputGuard, outputRulesFor } from './output-guard.ts';
import { pipedProgram } from './piped-program.ts';
import { inputReader, LOGIN_SHELL } from './program-input.ts';
import type { ChannelRequest, OutputUnit, UpstreamEnd } from './ports.ts';
import type { Conversation, Scene } from './scene.ts';
import { upstreamRequest } from './shell-start.ts';
import { signalStatus } from './signal.ts';
import { commandLine, readInput } from './stdin-input.ts';
import { TerminalInput } from './terminal-input.ts';
import type { TerminalNotices } from './terminal-notices.ts';
import { refusedTransfer, type BulkTransfer } from './transfer.ts';
import { TransferCount } from './transfer-count.ts';
import { elapsed } from './wait.ts';

/** The target closed the channel as it likes to: the client gets exactly that. */
const NO_STATUS: Cut = {
  notice: null,
  exitStatus: EXIT_FAILED,
  status: 'closed',
  why: 'the target closed without an exit status',
};

function brokenOff(target: string): Cut {
  return {
    notice: notice(
      `the connection to ${target} ended without an exit status; try again, or ask the target's operator`,
    ),
    exitStatus: EXIT_FAILED,
    status: 'failed',
    why: 'the connection to the target ended',
  };
}

type DataUnit = Extract<OutputUnit, { readonly kind: 'data' }>;

export class CommandConversation implements Conversation {
  readonly #scene: Scene;
  readonly #transfer: BulkTransfer | null;
  /** Its output is counted and not stored. */
  readonly #count: TransferCount | null;
  #upstream: UpstreamEnd | null = null;
  #exitStatus: number | null = null;
  /** A command of the input was refused: then the target's own end isn't the session's. */
  #refusal: Cut | null = null;
  #notices: TerminalNotices | null = null;

  /** @param transfer what the request carries; null = it is a command like any other */
  constructor(scene: Scene, transfer: BulkTransfer | null) {
    this.#scene = scene;
    this.#transfer = transfer;
    this.#count = transfer === null ? null : new TransferCount(transfer.program);
  }

  get exitStatus(): number | null {
    return this.#exitStatus;
  }

  async run(): Promise<Cut> {
    const { context, dependencies, gate, input, say } = this.#scene;
    const { grant, request } = context;
    const { limits } = dependencies;

    let reader = LOGIN_SHELL;
    if (request.kind === 'exec') {
      const bytes = request.command ?? Buffer.alloc(0);
      const program = await pipedProgram(request, input);
      const plain = commandLine(bytes, bytes.toString('utf8'));
      const line = program === null ? plain : { ...plain, input: program };
      const refused = refusedTransfer(grant.rule.files, this.#transfer);
      const outcome = await input.interruptible(
        (abandoned) => gate.decideTransfer(line, refused, abandoned, say),
        ({ kind }) => kind === 'refused',
      );
      if (outcome.kind === 'refused') return denied(outcome.notice);
      // An approval may come after the client has left or the session was ended: nothing runs then.
      if (input.gone.aborted) return clientGone();
      reader = inputReader(outcome.decision);
    }

    const mode = grant.target.shellIntegration;
    const nonce = mode === 'inject' ? dependencies.nonce() : null;
    const dialled = await dial(this.#scene, upstreamRequest(request, limits.environment, nonce));
    if (dialled.kind === 'cut') return dialled.cut;
    const end = this.#count?.counting(dialled.end) ?? dialled.end;
    const { guard, stopped } = await this.#guard();
    const upstream = guard?.guarded(end) ?? end;
    this.#upstream = upstream;

    const terminal = this.#terminal(request, upstream, nonce);
    this.#notices = terminal?.notices ?? null;
    const inbound =
      terminal !== null
        ? terminal.run()
        : readInput({ input, upstream, gate, say, reader, limits });
    const outbound = this.#pumpOutput(upstream, terminal);
    // A client that has closed its channel still gets the exit status, as from the target itself.
    return Promise.race([
      stopped,
      outbound,
      inbound.then((end) =>
        end.kind === 'refused' ? this.#refused(end.notice, outbound) : outbound,
      ),
    ]);
  }

  /** Stops the session as the policy's rules on output say. */
  async #guard(): Promise<{ guard: OutputGuard | null; stopped: Promise<Cut> }> {
    const { context, dependencies, gate, input, output, say } = this.#scene;
    const { principal, rule, target } = context.grant;
    const { policy } = await dependencies.policies.byName(rule.policy);
    const rules = outputRulesFor(policy, { principal, target });
    let stop: (cut: Cut) => void = () => {};
    const stopped = new Promise<Cut>((resolve) => (stop = resolve));
    if (rules.length === 0) return { guard: null, stopped };
    const guard = new OutputGuard({
      rules,
      decide: (text, decision) =>
        gate.decideTransfer(fileLine(text, false), decision, input.gone, say),
      onRefused: (text) => stop(denied(text)),
    });
    output.guard(guard);
    return { guard, stopped };
  }

  /** Says so at once; what came before the refused command ends as it would, and nothing follows. */
  async #refused(text: string, outbound: Promise<Cut>): Promise<Cut> {
    const { context, dependencies, input, say } = this.#scene;
    const { grant, request } = context;
    if (request.pty !== null) return denied(text);
    const rest = `nothing after that command was sent to ${grant.target.name}`;
    this.#refusal = denied(notice(`the session ends here: ${rest}`));
    await say(text);
    await this.#upstream?.write({ kind: 'eof' });
    const { gone } = input;
    const left = new Promise<void>((resolve) => {
      gone.addEventListener('abort', () => resolve());
      if (gone.aborted) resolve();
    });
    await Promise.race([outbound, left, elapsed(dependencies.limits.maxWaitAfterRefusalMs)]);
    return this.#refusal;
  }

  /** Moves the target's units to the client until the target has closed. */
  async #pumpOutput(upstream: UpstreamEnd, terminal: TerminalInput | null): Promise<Cut> {
    const { context, gate, input, nowUs, output } = this.#scene;
    const { work } = gate;
    let exited = false;
    for (;;) {
      const unit = await upstream.read();
      const atUs = nowUs();
      if (unit.kind === 'data') {
        const deliver = (): Promise<void> => this.#deliver(unit, atUs, terminal);
        await (terminal === null ? deliver() : terminal.notices.showing(deliver));
        await work.pause();
        continue;
      }
      // The client is told the refusal's status instead.
      if (this.#refusal !== null && unit.kind !== 'close') continue;
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
        if (input.gone.aborted) return clientGone();
        return unit.isBroken === true ? brokenOff(context.grant.target.name) : NO_STATUS;
      }
      await output.push(unit, atUs);
    }
  }

  async #deliver(unit: DataUnit, atUs: number, terminal: TerminalInput | null): Promise<void> {
    const { gate, output } = this.#scene;
    await terminal?.observe(unit.bytes, atUs);
    if (unit.stream === 'stdout' && this.#count !== null) {
      this.#count.received(unit.bytes);
      await output.pass(unit.bytes);
    } else await gate.work.run(() => output.push(unit, atUs));
  }

  async close(): Promise<void> {
    if (this.#upstream === null) return;
    const { output, nowUs } = this.#scene;
    await this.#count?.tell(output, nowUs()).catch(() => {});
    await this.#upstream.write({ kind: 'close' });
  }

  ended(exitStatus: number | null, why: string): void {
    const { context, gate } = this.#scene;
    const isExec = context.request.kind === 'exec' && this.#refusal === null;
    const result = this.#upstream === null ? null : (this.#count?.result(why) ?? null);
    gate.sessionEnded(isExec ? exitStatus : null, result);
  }

  announce(text: string): Promise<void> {
    return this.#notices?.say(text) ?? this.#scene.say(text);
  }

  #terminal(
    request: ChannelRequest,
    upstream: UpstreamEnd,
    nonce: string | null,
  ): TerminalInput | null {
    if (request.pty === null) return null;
    const { context, gate, input, nowUs, output, say, terminate } = this.#scene;
    return new TerminalInput({
      input,
      upstream,
      gate,
      say,
      output,
      size: request.pty.size,
      marks: { mode: context.grant.target.shellIntegration, nonce },
      end: (text) => terminate(text, 'the shell ran another line than was read'),
      nowUs,
    });
  }
}
