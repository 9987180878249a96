/**
 * What every part of a file transfer needs: deciding an operation, answering the client, telling the
 * record. Not caught here: which request is which operation.
 */
import { type FileOperation, fileText } from '../policy/file-operation.ts';
import { STATUS_FAILURE, STATUS_OK, STATUS_PERMISSION_DENIED, statusReply } from '../sftp/reply.ts';
import type { Request } from '../sftp/request.ts';
import { writeId } from '../sftp/wire.ts';
import type { Answer, FileTarget } from './file-target.ts';
import { FileTurns } from './file-turns.ts';
import type { GateOutcome } from './gate.ts';
import { type Direction, Keeping, KeptFile } from './kept-file.ts';
import type { FileResult } from './ports.ts';
import type { Scene } from './scene.ts';
import type { WorkShare } from './turns.ts';

export type FileDecision =
  | {
      readonly kind: 'released';
      /** Of the row; null = it has none. */
      readonly seq: number | null;
      /** Somebody has approved it. */
      readonly isApproved: boolean;
      /** What was known of its paths may have changed meanwhile. */
      readonly hasWaited: boolean;
    }
  | { readonly kind: 'refused' };

export class FileDesk {
  readonly turns = new FileTurns();
  readonly #scene: Scene;
  readonly #target: FileTarget;
  readonly #keeping: Keeping | null;
  #fail: (error: unknown) => void = () => {};
  #break: (why: string) => void = () => {};
  /** Rejects with what makes it impossible to go on, for instance `recording.failed`. */
  readonly failed: Promise<never> = new Promise((_, reject) => (this.#fail = reject));
  /** Resolves with what the target did that no target does. */
  readonly brokenBy: Promise<string> = new Promise((resolve) => (this.#break = resolve));

  constructor(scene: Scene, target: FileTarget) {
    this.#scene = scene;
    this.#target = target;
    this.failed.catch(() => {});
    const { context, dependencies, sessionId } = scene;
    this.#keeping = context.grant.rule.keepFiles
      ? new Keeping(dependencies.files, sessionId, (error) => this.#fail(error))
      : null;
  }

  /** Resolves when more contents may come; null = at once. */
  room(): Promise<void> | null {
    return this.#keeping?.room() ?? null;
  }

  /** Keeps the contents that go through the file that this row opened; null = nothing is kept. */
  keeper(seq: number | null): ((direction: Direction) => KeptFile) | null {
    const keeping = this.#keeping;
    if (keeping === null || seq === null) return null;
    const { maxKeptFileBytes } = this.#scene.dependencies.limits;
    return (direction) => new KeptFile(keeping, seq, direction, maxKeptFileBytes);
  }

  get work(): WorkShare {
    return this.#scene.gate.work;
  }

  get nowUs(): number {
    return this.#scene.nowUs();
  }

  get isOver(): boolean {
    return this.#scene.input.gone.aborted;
  }

  broken(why: string): void {
    this.#break(why);
  }

  /** Runs a task beside the others; its failure ends the session. */
  start(work: () => Promise<void>): void {
    this.turns.run(work().catch((error: unknown) => this.#fail(error)));
  }

  /**
   * Decides, and tells the client of a refusal.
   * @param held the operation waits for a person from now on
   */
  async decide(
    operation: FileOperation,
    id: number,
    options: { readonly held?: () => void; readonly isOwn?: boolean } = {},
  ): Promise<FileDecision> {
    const { gate, input, say } = this.#scene;
    let hasWaited = false;
    const told = (text: string): Promise<void> => {
      hasWaited = true;
      options.held?.();
      return say(text);
    };
    const { isOwn } = options;
    const outcome: GateOutcome = await gate.decideFile(operation, input.gone, told, isOwn);
    if (outcome.kind === 'refused') {
      await this.refuse(id, outcome.notice);
      return { kind: 'refused' };
    }
    // An approval may come after the client has left or the session was ended: nothing happens then.
    if (this.isOver) return { kind: 'refused' };
    const isApproved = outcome.decision.verdict === 'hold';
    return { kind: 'released', seq: outcome.seq, isApproved, hasWaited };
  }

  /** Decides, and sends the request up if it may go. Never rejects. */
  async decideAndDo(
    operation: FileOperation,
    id: number,
    packet: Buffer,
    request: Request['kind'],
    done: (answer: Answer) => void,
  ): Promise<void> {
    try {
      const decision = await this.decide(operation, id);
      if (decision.kind === 'released') {
        await this.perform(operation, decision.seq, id, packet, request, done);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Sends an allowed request up, and tells what came of it before the client is told. */
  perform(
    operation: FileOperation,
    seq: number | null,
    id: number,
    packet: Buffer,
    request: Request['kind'],
    done: (answer: Answer) => void = () => {},
  ): Promise<void> {
    const fromUs = this.nowUs;
    return this.#target.forward(packet, request, (answer) => {
      done(answer);
      writeId(answer.packet, id);
      const { reply } = answer;
      const status = reply.kind === 'status' ? reply.code : STATUS_OK;
      return { packet: answer.packet, shown: this.done(operation, seq, fromUs, status) };
    });
  }

  /** An operation has ended with this status; null = nothing more is said of it. */
  done(
    operation: FileOperation,
    seq: number | null,
    fromUs: number,
    status: number,
  ): Promise<void> | null {
    if (seq === null) return null;
    const result = status === STATUS_OK ? resultOf(operation) : null;
    this.ended(seq, fromUs, status, result);
    const end = status === STATUS_OK ? 'done' : `failed with status ${status}`;
    return this.line(`${fileText(operation)}: ${end}`);
  }

  /** For the row and the journal. */
  ended(seq: number, fromUs: number, status: number | null, result: FileResult | null): void {
    const times = { outputFromUs: fromUs, outputToUs: Math.max(fromUs, this.nowUs) };
    const file = result === null ? {} : { file: result };
    this.#scene.gate.commands.fileEnded(seq, { ...times, exitStatus: status, ...file });
  }

  /** A line of the record; what the client gets waits for it. */
  line(text: string): Promise<void> {
    const { output, nowUs } = this.#scene;
    return output.event({ atUs: nowUs(), code: 'o', text: `${text}\n` });
  }

  /** Denied for this request only. The words go to the terminal too: few clients show those of an answer. */
  async refuse(id: number, text: string): Promise<void> {
    await this.#scene.say(text);
    await this.answer(id, STATUS_PERMISSION_DENIED, text);
  }

  answer(id: number, status: number, text: string): Promise<void> {
    return this.deliver(statusReply(id, status, text));
  }

  deliver(packet: Buffer, shown: Promise<unknown> | null = null): Promise<void> {
    return this.#scene.output.pass(packet, shown);
  }
}

/** What an operation that has succeeded leaves in the journal beside its row; null = nothing. */
function resultOf({ verb, places, detail }: FileOperation): FileResult | null {
  const [first, second] = places;
  const data = {
    path: first?.path ?? '',
    ...(first?.spelt != null && { spelt: first.spelt }),
    ...(second !== undefined && { to: second.path }),
    ...(detail !== null && { detail }),
  };
  switch (verb) {
    case 'rename':
      return { type: 'file.renamed', data };
    case 'remove':
    case 'rmdir':
      return { type: 'file.removed', data };
    case 'mkdir':
    case 'symlink':
    case 'hardlink':
      return { type: 'file.created', data: { ...data, what: verb } };
    case 'setstat':
      return { type: 'file.changed', data };
    case 'copy':
      return { type: 'file.copied', data };
    case 'realpath':
    case 'stat':
    case 'statvfs':
    case 'readlink':
    case 'list':
    case 'read':
    case 'write':
    case 'update':
      return null;
  }
}

/** A status as words, for what is answered in the target's place. */
export function statusText(status: number): string {
  if (status === STATUS_FAILURE) return 'the target cannot go there';
  return status === STATUS_PERMISSION_DENIED
    ? 'the target does not let its login go there'
    : 'there is no such file or directory';
}
