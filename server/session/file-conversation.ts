/**
 * A session of the subsystem `sftp`: between the client and the target's own server. Requests are cut out
 * of the client's bytes, decided and sent up; answers are checked and delivered. The record shows each
 * operation and what came of it, contents of files are counted and hashed.
 */
import { Framer } from '../sftp/framer.ts';
import { versionReply } from '../sftp/reply.ts';
import { EXTENSIONS, initRequest, readRequest, type Request, VERSION } from '../sftp/request.ts';
import { clientGone, type Cut } from './cut.ts';
import { dial } from './dialled.ts';
import { FileDesk } from './file-desk.ts';
import { FilePaths } from './file-paths.ts';
import { FileRequests } from './file-requests.ts';
import { FileTarget } from './file-target.ts';
import { EXIT_FAILED, notice } from './notice.ts';
import type { UpstreamEnd } from './ports.ts';
import type { Conversation, Scene } from './scene.ts';
import { upstreamRequest } from './shell-start.ts';
import { signalStatus } from './signal.ts';

/** Extensions that only a grant without limits has. */
const FULL_ONLY: ReadonlySet<string> = new Set(['posix-rename@openssh.com']);

export class FileConversation implements Conversation {
  readonly #scene: Scene;
  #upstream: UpstreamEnd | null = null;
  #requests: FileRequests | null = null;
  #exitStatus: number | null = null;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get exitStatus(): number | null {
    return this.#exitStatus;
  }

  async run(): Promise<Cut> {
    const { context, dependencies, input } = this.#scene;
    const { environment } = dependencies.limits;
    const dialled = await dial(this.#scene, upstreamRequest(context.request, environment, null));
    if (dialled.kind === 'cut') return dialled.cut;
    const upstream = dialled.end;
    this.#upstream = upstream;
    if (input.gone.aborted) return clientGone();
    const target = new FileTarget(upstream);
    const desk = new FileDesk(this.#scene, target);
    const outbound = this.#pumpOutput(upstream, target, desk);
    const inbound = this.#pumpInput(upstream, target, desk);
    return Promise.race([
      outbound,
      inbound.then((cut) => cut ?? outbound),
      desk.brokenBy.then((why) => this.#brokenTarget(why)),
      desk.failed,
    ]);
  }

  async close(): Promise<void> {
    // Without a record there is no more to say of what is open.
    await this.#requests?.handles.end().catch(() => {});
    await this.#upstream?.write({ kind: 'close' });
  }

  ended(): void {}

  /** Moves requests until the client sends no more; null = the target's own end is the session's. */
  async #pumpInput(upstream: UpstreamEnd, target: FileTarget, desk: FileDesk): Promise<Cut | null> {
    const { input, gate } = this.#scene;
    const framer = new Framer();
    let requests: FileRequests | null = null;
    for (;;) {
      const unit = await input.next();
      if (unit.kind === 'close') return clientGone();
      if (unit.kind === 'eof') {
        await desk.turns.idle();
        await upstream.write(unit);
        return null;
      }
      if (unit.kind !== 'data') continue;
      const framed = framer.push(unit.bytes);
      if (framed.kind === 'broken') return brokenClient(framed.why);
      for (const packet of framed.packets) {
        const request = readRequest(packet);
        if (request.kind === 'nameless') return brokenClient(request.why);
        if (request.kind === 'init') {
          if (requests !== null) return brokenClient('it began a second time');
          const begun = await this.#begin(target, desk);
          if ('why' in begun) return begun;
          requests = begun;
        } else if (requests === null) return brokenClient('it asked before it began');
        else await requests.take(request, packet);
        await desk.room();
      }
      await gate.work.pause();
    }
  }

  /** Agrees on the version, and asks the target where it is. */
  async #begin(target: FileTarget, desk: FileDesk): Promise<FileRequests | Cut> {
    const { reply } = await target.begin(initRequest());
    if (reply.kind !== 'version' || reply.version !== VERSION) {
      const version = reply.kind === 'version' ? reply.version : 0;
      return this.#brokenTarget(`its server speaks version ${version} of SFTP and not ${VERSION}`);
    }
    const paths = await FilePaths.begin(target);
    if (paths === null) return this.#brokenTarget('it does not say in which directory it begins');
    const isFull = this.#scene.context.grant.rule.files === 'full';
    const extensions = new Map(
      [...reply.extensions].filter(
        ([name, data]) =>
          Object.hasOwn(EXTENSIONS, name) &&
          EXTENSIONS[name] === data &&
          (isFull || !FULL_ONLY.has(name)),
      ),
    );
    const refused = new Set<Request['kind']>();
    if (!isFull) refused.add('posix-rename');
    // The draft and OpenSSH name a link's two ends in opposite orders.
    const isOpenSsh = [...reply.extensions.keys()].some((name) => name.endsWith('@openssh.com'));
    if (!isOpenSsh) refused.add('symlink');
    const requests = new FileRequests(desk, target, paths, refused);
    this.#requests = requests;
    await desk.deliver(versionReply(VERSION, extensions));
    return requests;
  }

  /** Moves answers until the target has closed. */
  async #pumpOutput(upstream: UpstreamEnd, target: FileTarget, desk: FileDesk): Promise<Cut> {
    const { gate, input, output } = this.#scene;
    const framer = new Framer();
    let exited = false;
    for (;;) {
      const unit = await upstream.read();
      if (unit.kind === 'data' && unit.stream === 'stdout') {
        const framed = framer.push(unit.bytes);
        if (framed.kind === 'broken') return this.#brokenTarget(framed.why);
        for (const packet of framed.packets) {
          const received = target.received(packet);
          if (received.kind === 'broken') return this.#brokenTarget(received.why);
          if (received.kind === 'taken') continue;
          await desk.deliver(received.delivery.packet, received.delivery.shown);
          await desk.room();
        }
        await gate.work.pause();
        continue;
      }
      if (unit.kind === 'exit' || unit.kind === 'exit-signal') {
        exited = true;
        this.#exitStatus = unit.kind === 'exit' ? unit.status : signalStatus(unit.name);
      }
      if (unit.kind === 'close') {
        await output.flush();
        if (exited || input.gone.aborted) {
          const why = exited ? 'the transfer ended' : 'the client went away';
          return { notice: null, exitStatus: 0, status: 'closed', why };
        }
        return this.#brokenTarget('it closed without an exit status');
      }
      await output.push(unit);
    }
  }

  #brokenTarget(why: string): Cut {
    const { name } = this.#scene.context.grant.target;
    return {
      notice: notice(
        `the file server of ${name} can't be used: ${why}; ask the target's operator to look at its sftp-server`,
      ),
      exitStatus: EXIT_FAILED,
      status: 'failed',
      why: `the target's file server: ${why}`,
    };
  }
}

function brokenClient(why: string): Cut {
  return {
    notice: notice(`this is no SFTP of version 3: ${why}; use another client`),
    exitStatus: EXIT_FAILED,
    status: 'failed',
    why: `the client: ${why}`,
  };
}
