/**
 * Requests of an SFTP client: each that names a path is resolved on the target, decided, and only then
 * sent up as it came; what isn't known here never reaches the target. Not caught here: what happens between
 * the answer of the target to where a path leads and the operation; files that are opened are looked up
 * once more, so that whoever swaps a link has to do it twice at the right moments.
 */
import type { FileOperation, FilePlace } from '../policy/file-operation.ts';
import {
  STATUS_BAD_MESSAGE,
  STATUS_FAILURE,
  STATUS_OK,
  STATUS_OP_UNSUPPORTED,
  STATUS_PERMISSION_DENIED,
} from '../sftp/reply.ts';
import {
  handleRequest,
  OPEN_APPEND,
  OPEN_CREATE,
  OPEN_EXCLUSIVE,
  OPEN_TRUNCATE,
  type Request,
  type RequestOf,
} from '../sftp/request.ts';
import { MAX_PATH_BYTES, writeId } from '../sftp/wire.ts';
import { type Asked, askedBy, type NamingRequest } from './file-asked.ts';
import { type FileDesk, statusText } from './file-desk.ts';
import { FileHandles } from './file-handles.ts';
import { type FilePaths, pathText } from './file-paths.ts';
import type { Answer, FileTarget } from './file-target.ts';
import { notice } from './notice.ts';

/** A request that can be answered. */
type AnyRequest = Exclude<Request, { readonly kind: 'init' | 'nameless' }>;

/** Where the paths of an operation lead, or why the target can't do it. */
type Found =
  | { readonly kind: 'operation'; readonly operation: FileOperation }
  | {
      readonly kind: 'nowhere';
      readonly operation: FileOperation;
      readonly status: number;
    };

export class FileRequests {
  readonly handles: FileHandles;
  readonly #desk: FileDesk;
  readonly #target: FileTarget;
  readonly #paths: FilePaths;
  readonly #refusedKinds: ReadonlySet<Request['kind']>;

  /** @param refusedKinds what is answered as unsupported although it is known here */
  constructor(
    desk: FileDesk,
    target: FileTarget,
    paths: FilePaths,
    refusedKinds: ReadonlySet<Request['kind']>,
  ) {
    this.#desk = desk;
    this.#target = target;
    this.#paths = paths;
    this.#refusedKinds = refusedKinds;
    this.handles = new FileHandles(desk, target);
  }

  /** Takes one request. Resolves when the next may come. */
  async take(request: AnyRequest, packet: Buffer): Promise<void> {
    const { id } = request;
    if (this.#refusedKinds.has(request.kind)) {
      return this.#desk.answer(id, STATUS_OP_UNSUPPORTED, 'the operation is not supported here');
    }
    switch (request.kind) {
      case 'unknown':
        return this.#desk.answer(id, STATUS_OP_UNSUPPORTED, 'the operation is not supported');
      case 'malformed':
        return this.#desk.answer(id, STATUS_BAD_MESSAGE, request.why);
      case 'close':
      case 'read':
      case 'write':
      case 'fstat':
      case 'readdir':
      case 'fstatvfs':
      case 'fsync':
      case 'fsetstat':
      case 'copy-data':
        return this.handles.take(request, packet);
      case 'limits':
      case 'home-directory':
      case 'users-groups-by-id':
        return this.#target.forward(packet, request.kind, (answer) => {
          writeId(answer.packet, id);
          return { packet: answer.packet, shown: null };
        });
      case 'open':
      case 'opendir':
      case 'lstat':
      case 'stat':
      case 'statvfs':
      case 'realpath':
      case 'expand-path':
      case 'readlink':
      case 'remove':
      case 'rmdir':
      case 'mkdir':
      case 'rename':
      case 'posix-rename':
      case 'hardlink':
      case 'symlink':
      case 'setstat':
      case 'lsetstat':
        return this.#start(request, packet);
    }
  }

  async #start(request: NamingRequest, packet: Buffer): Promise<void> {
    const asked = askedBy(request);
    const problem = problemOf(asked);
    if (problem !== null) return this.#desk.answer(request.id, STATUS_FAILURE, problem);
    const turn = this.#desk.turns.take(asked.changes);
    this.#desk.start(async () => {
      try {
        await turn.begins;
        await this.#operate(request, packet, asked, turn.pass);
      } finally {
        turn.pass();
      }
    });
    await this.#desk.turns.room();
  }

  async #operate(
    request: NamingRequest,
    packet: Buffer,
    asked: Asked,
    pass: () => void,
  ): Promise<void> {
    if (asked.verb === 'realpath') return this.#realPath(request, packet, asked);
    const { id, kind } = request;
    const found = await this.#find(asked);
    const { operation } = found;
    const [from, to] = operation.places;
    const isOwn = asked.verb === 'rename' && this.handles.isOwn(from?.path ?? '');
    const startUs = this.#desk.nowUs;
    const decision = await this.#desk.decide(operation, id, { held: pass, isOwn });
    if (decision.kind === 'refused') return;
    const { seq, isApproved, hasWaited } = decision;
    if (found.kind === 'nowhere') {
      const shown = this.#desk.done(operation, seq, startUs, found.status);
      await shown;
      return this.#desk.answer(id, found.status, statusText(found.status));
    }
    if (hasWaited) {
      const again = await this.#find(asked);
      if (again.kind === 'nowhere' || !isSame(again.operation, operation)) {
        return this.#refuseMoved(operation, seq, startUs, id);
      }
    }
    if (request.kind === 'open' || request.kind === 'opendir') {
      return this.#open(request, packet, asked, operation, { seq, isApproved }, pass);
    }
    const sent = this.#desk.perform(operation, seq, id, packet, kind, ({ reply }) => {
      const isDone = reply.kind === 'status' && reply.code === STATUS_OK;
      if (isDone && operation.verb === 'rename')
        this.handles.moved(from?.path ?? '', to?.path ?? '');
    });
    pass();
    return sent;
  }

  /** The target's answer says itself where the path leads, and is all that the client gets. */
  async #realPath(request: NamingRequest, packet: Buffer, asked: Asked): Promise<void> {
    const { id, kind } = request;
    const answer = await this.#target.ask(kind, (own) => {
      writeId(packet, own);
      return packet;
    });
    const { reply } = answer;
    const bytes = asked.paths[0]?.bytes ?? Buffer.alloc(0);
    const spelt = this.#paths.spelt(bytes);
    const [name] = reply.kind === 'name' ? reply.names : [];
    const path = name === undefined ? spelt : this.#paths.spelt(name);
    const place = { path, spelt: path === spelt || isTilde(request) ? null : spelt };
    const operation = { verb: asked.verb, places: [place], detail: null };
    const decision = await this.#desk.decide(operation, id);
    if (decision.kind === 'refused') return;
    writeId(answer.packet, id);
    return this.#desk.deliver(answer.packet);
  }

  async #find({ verb, paths, detail }: Asked): Promise<Found> {
    const found = await Promise.all(
      paths.map(({ bytes, follows }) => this.#paths.resolve(bytes, follows)),
    );
    const places: FilePlace[] = [];
    let status: number | null = null;
    for (const [index, one] of found.entries()) {
      if (one.kind === 'place') {
        places.push(one.place);
        continue;
      }
      status ??= one.status;
      places.push({ path: this.#paths.spelt(paths[index]?.bytes ?? Buffer.alloc(0)), spelt: null });
    }
    const operation = { verb, places, detail };
    if (status === null) return { kind: 'operation', operation };
    return { kind: 'nowhere', operation, status };
  }

  async #open(
    request: RequestOf<'open' | 'opendir'>,
    packet: Buffer,
    asked: Asked,
    operation: FileOperation,
    decided: { readonly seq: number | null; readonly isApproved: boolean },
    pass: () => void,
  ): Promise<void> {
    const { id, kind } = request;
    const { seq } = decided;
    const openedUs = this.#desk.nowUs;
    if (this.handles.isFull) {
      await this.#desk.done(operation, seq, openedUs, STATUS_FAILURE);
      return this.#desk.answer(id, STATUS_FAILURE, 'too many files are open in this session');
    }
    let opened: (answer: Answer) => void = () => {};
    const answered = new Promise<Answer>((resolve) => (opened = resolve));
    const sent = this.#target.forward(packet, kind, (answer) => {
      opened(answer);
      return null;
    });
    // Right behind it: where does the path lead now?
    const checked = this.#find(asked);
    pass();
    await sent;
    const { reply, packet: answer } = await answered;
    if (reply.kind !== 'handle') {
      const status = reply.kind === 'status' ? reply.code : STATUS_FAILURE;
      writeId(answer, id);
      return this.#desk.deliver(answer, this.#desk.done(operation, seq, openedUs, status));
    }
    const { handle } = reply;
    const now = await checked;
    if (now.kind === 'nowhere' || !isSame(now.operation, operation)) {
      void this.#target.ask('close', (own) => handleRequest('close', own, handle));
      return this.#refuseMoved(operation, seq, openedUs, id);
    }
    const flags = request.kind === 'open' ? request.flags : 0;
    const isAdded = this.handles.add(handle, {
      operation,
      ...decided,
      openedUs,
      isAppending: (flags & OPEN_APPEND) !== 0,
      beginsEmpty: beginsEmpty(flags),
    });
    if (!isAdded) return this.#desk.broken('it opened a second file under the same handle');
    writeId(answer, id);
    return this.#desk.deliver(answer);
  }

  /** A link on the way was changed between the decision and the operation. */
  async #refuseMoved(
    operation: FileOperation,
    seq: number | null,
    fromUs: number,
    id: number,
  ): Promise<void> {
    await this.#desk.done(operation, seq, fromUs, STATUS_PERMISSION_DENIED);
    const path = operation.places[0]?.path ?? '';
    const why = `refused: the path does not lead to ${path} any more, as was decided; try again`;
    return this.#desk.refuse(id, notice(why));
  }
}

function problemOf({ paths }: Asked): string | null {
  for (const { bytes } of paths) {
    if (bytes.length > MAX_PATH_BYTES) return `a path has at most ${MAX_PATH_BYTES} bytes`;
    if (bytes.includes(0)) return 'a path contains no NUL byte';
  }
  return null;
}

/** `~user` is no name of a file. */
function isTilde(request: NamingRequest): boolean {
  return request.kind === 'expand-path' && pathText(request.path).startsWith('~');
}

function isSame(one: FileOperation, other: FileOperation): boolean {
  return one.places.every(({ path }, index) => path === other.places[index]?.path);
}

/** The file is new, or has just lost all that it held. */
function beginsEmpty(flags: number): boolean {
  if ((flags & OPEN_TRUNCATE) !== 0) return true;
  return (flags & OPEN_CREATE) !== 0 && (flags & OPEN_EXCLUSIVE) !== 0;
}
