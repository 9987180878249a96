/**
 * A session of scp's old protocol: the request is decided, then each file and directory as the client or the
 * target names it. What is refused is denied by the protocol's own line, and the transfer goes on without
 * it. Contents are counted and hashed. Not caught here: links on the target.
 */
import { problemLine } from '../scp/control.ts';
import { ByteStream } from './byte-stream.ts';
import { clientGone, type Cut, denied } from './cut.ts';
import { dial } from './dialled.ts';
import { EXIT_FAILED, notice } from './notice.ts';
import type { OutputUnit, UpstreamEnd } from './ports.ts';
import type { Conversation, Scene } from './scene.ts';
import type { ScpCall } from './scp-call.ts';
import { ScpDesk } from './scp-desk.ts';
import { ScpRelay, type RelayEnd, type ScpEnd } from './scp-relay.ts';
import { upstreamRequest } from './shell-start.ts';
import { signalStatus } from './signal.ts';
import { commandLine } from './stdin-input.ts';
import { TransferCount } from './transfer-count.ts';

/** As scp ends when a file could not be copied. */
const EXIT_INCOMPLETE = 1;

export class ScpConversation implements Conversation {
  readonly #scene: Scene;
  readonly #call: ScpCall;
  readonly #count = new TransferCount('scp');
  readonly #client = new ByteStream();
  readonly #target = new ByteStream();
  #upstream: UpstreamEnd | null = null;
  #exitStatus: number | null = null;
  /** What the target said of its end; the client gets it when all files are through. */
  readonly #last: OutputUnit[] = [];

  constructor(scene: Scene, call: ScpCall) {
    this.#scene = scene;
    this.#call = call;
  }

  get exitStatus(): number | null {
    return this.#exitStatus;
  }

  async run(): Promise<Cut> {
    const { context, dependencies, gate, input, say } = this.#scene;
    const bytes = context.request.command ?? Buffer.alloc(0);
    const line = { ...commandLine(bytes, bytes.toString('utf8')), isServed: this.#call.isExact };
    const outcome = await input.interruptible(
      (abandoned) => gate.decide(line, abandoned, say),
      ({ kind }) => kind === 'refused',
    );
    if (outcome.kind === 'refused') return denied(outcome.notice);
    // An approval may come after the client has left or the session was ended: nothing runs then.
    if (input.gone.aborted) return clientGone();
    // From here on rows are of files; that of the request ends with the session.
    gate.enterInput();
    const request = upstreamRequest(context.request, dependencies.limits.environment, null);
    const dialled = await dial(this.#scene, request);
    if (dialled.kind === 'cut') return dialled.cut;
    this.#upstream = this.#count.counting(dialled.end);
    if (input.gone.aborted) return clientGone();
    return this.#relay(this.#upstream);
  }

  async #relay(upstream: UpstreamEnd): Promise<Cut> {
    const { direction, isRecursive } = this.#call;
    const client: ScpEnd = { stream: this.#client, send: (bytes) => this.#deliver(bytes) };
    const target: ScpEnd = {
      stream: this.#target,
      send: (bytes) => upstream.write({ kind: 'data', bytes }),
    };
    const desk = new ScpDesk(this.#scene, this.#call);
    const relay =
      direction === 'upload'
        ? new ScpRelay({ source: client, sink: target, files: desk, isRecursive, client: 'source' })
        : new ScpRelay({ source: target, sink: client, files: desk, isRecursive, client: 'sink' });
    const inbound = this.#pumpInput(upstream);
    const outbound = this.#pumpOutput(upstream);
    const [end] = await Promise.race([
      relay.run().then((one) => [one] as const),
      desk.failed,
      // A failure of these ends everything; that they end by themselves is no news.
      Promise.all([inbound, outbound]).then(() => relayIsLast()),
    ]);
    if (end.kind === 'broken') return this.#broken(end);
    await upstream.write({ kind: 'eof' });
    // What comes behind the last file of a download is no answer to anybody.
    if (direction === 'download') this.#target.abort();
    const [isBrokenOff] = await Promise.all([outbound, this.#deliverRest()]);
    return this.#ended(desk.refused > 0, isBrokenOff);
  }

  /** The target has closed, and all files are through. */
  async #ended(hasRefused: boolean, isBrokenOff: boolean): Promise<Cut> {
    const { context, input, output } = this.#scene;
    for (const unit of this.#last) {
      const isLess = hasRefused && unit.kind === 'exit' && unit.status === 0;
      if (isLess) this.#exitStatus = EXIT_INCOMPLETE;
      await output.push(isLess ? { kind: 'exit', status: EXIT_INCOMPLETE } : unit);
    }
    await output.flush();
    if (this.#exitStatus !== null) return cut(null, 'closed', 'the transfer ended');
    if (input.gone.aborted) return cut(null, 'closed', 'the client went away');
    const { name } = context.grant.target;
    return isBrokenOff
      ? cut(
          `the connection to ${name} ended in the middle of the transfer; try again`,
          'failed',
          'the connection to the target ended',
        )
      : cut(null, 'closed', 'the target closed without an exit status');
  }

  async #broken({ by, why }: Extract<RelayEnd, { kind: 'broken' }>): Promise<Cut> {
    const isClient = (by === 'source') === (this.#call.direction === 'upload');
    const { name } = this.#scene.context.grant.target;
    const who = isClient ? 'the client' : name;
    await this.#deliver(problemLine(`scp: ${who} breaks the protocol: ${why}`, true));
    const advice = isClient ? 'use another client' : "ask the target's operator to look at its scp";
    const text = `this transfer ends here, for ${who} breaks scp's protocol: ${why}; ${advice}`;
    return cut(text, 'failed', `${isClient ? 'the client' : 'the target'}: ${why}`);
  }

  /** Moves what the client sends until it has gone. */
  async #pumpInput(upstream: UpstreamEnd): Promise<void> {
    const { input } = this.#scene;
    for (;;) {
      const unit = await input.next();
      if (unit.kind === 'data') await this.#client.push(unit.bytes);
      if (unit.kind === 'signal') await upstream.write(unit);
      if (unit.kind === 'eof') this.#client.end();
      if (unit.kind !== 'close') continue;
      this.#client.end();
      this.#target.abort();
      await upstream.write(unit);
      return;
    }
  }

  /** Moves what the target sends until it has closed. @returns whether the connection to it broke off */
  async #pumpOutput(upstream: UpstreamEnd): Promise<boolean> {
    const { output, gate } = this.#scene;
    for (;;) {
      const unit = await upstream.read();
      if (unit.kind === 'data' && unit.stream === 'stdout') {
        await this.#target.push(unit.bytes);
        await gate.work.pause();
      } else if (unit.kind === 'data') await output.push(unit);
      else if (unit.kind === 'close') {
        this.#target.end();
        // Nobody takes any more of an upload.
        if (this.#call.direction === 'upload') this.#client.abort();
        return unit.isBroken === true;
      } else {
        if (unit.kind === 'exit') this.#exitStatus = unit.status;
        if (unit.kind === 'exit-signal') this.#exitStatus = signalStatus(unit.name);
        if (unit.kind === 'eof') this.#target.end();
        this.#last.push(unit);
      }
    }
  }

  async #deliver(bytes: Buffer): Promise<void> {
    this.#count.received(bytes);
    await this.#scene.output.pass(bytes);
  }

  /** Words of a target that has ended early. */
  async #deliverRest(): Promise<void> {
    for (;;) {
      const bytes = await this.#target.take(4096);
      if (bytes === null) return;
      const { output, nowUs } = this.#scene;
      await output.event({ atUs: nowUs(), code: 'o', text: bytes.toString('utf8') });
      await this.#deliver(bytes);
    }
  }

  async close(): Promise<void> {
    this.#client.abort();
    this.#target.abort();
    if (this.#upstream === null) return;
    const { output, nowUs } = this.#scene;
    await this.#count.tell(output, nowUs()).catch(() => {});
    await this.#upstream.write({ kind: 'close' });
  }

  ended(exitStatus: number | null, why: string): void {
    const isDone = this.#upstream !== null;
    this.#scene.gate.sessionEnded(exitStatus, isDone ? this.#count.result(why) : null);
  }
}

function cut(text: string | null, status: Cut['status'], why: string): Cut {
  return { notice: text === null ? null : notice(text), exitStatus: EXIT_FAILED, status, why };
}

/** Both ends have closed, so the relay comes to its end. */
function relayIsLast(): Promise<never> {
  return new Promise(() => {});
}
