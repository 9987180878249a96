/**
 * The open files of a session and the requests about them. Contents of an allowed file pass without
 * waiting, counted and hashed; what changes the file beside them is decided. Not caught here: contents
 * that other programs write into the same file.
 */
import type { FileOperation } from '../policy/file-operation.ts';
import { attributesText } from '../sftp/attributes.ts';
import { STATUS_EOF, STATUS_FAILURE, STATUS_OK, STATUS_PERMISSION_DENIED } from '../sftp/reply.ts';
import { handleRequest, type RequestOf } from '../sftp/request.ts';
import { writeId } from '../sftp/wire.ts';
import { reorderBudget } from './content-digest.ts';
import type { FileDesk } from './file-desk.ts';
import { FileHandle } from './file-handle.ts';
import type { Answer, Delivery, FileTarget } from './file-target.ts';

/** Files that may be open at once in a session. */
export const MAX_OPEN_FILES = 1024;
/** Files of a session that it may rename where a grant lets it only upload. */
const MAX_OWN_FILES = 10_000;

export type HandleRequest = RequestOf<
  'close' | 'read' | 'write' | 'fstat' | 'readdir' | 'fstatvfs' | 'fsync' | 'fsetstat' | 'copy-data'
>;

export class FileHandles {
  readonly #desk: FileDesk;
  readonly #target: FileTarget;
  readonly #open = new Map<string, FileHandle>();
  readonly #own = new Set<string>();
  readonly #budget = reorderBudget();

  constructor(desk: FileDesk, target: FileTarget) {
    this.#desk = desk;
    this.#target = target;
  }

  /** Whether the session has made this file itself. */
  isOwn(path: string): boolean {
    return this.#own.has(path);
  }

  moved(from: string, to: string): void {
    if (this.#own.delete(from)) this.#own.add(to);
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN_FILES;
  }

  /** false = the target has given a handle that is in use. */
  add(
    handle: string,
    opened: Omit<ConstructorParameters<typeof FileHandle>[0], 'budget' | 'keep'>,
  ): boolean {
    if (this.#open.has(handle)) return false;
    const keep = this.#desk.keeper(opened.seq);
    const file = new FileHandle({ ...opened, budget: this.#budget, keep });
    this.#open.set(handle, file);
    if (opened.beginsEmpty && this.#own.size < MAX_OWN_FILES) this.#own.add(file.path);
    return true;
  }

  /** Takes a request about an open file. Resolves when the next may come. */
  async take(request: HandleRequest, packet: Buffer): Promise<void> {
    const file = this.#open.get(request.handle);
    if (file === undefined || file.isClosing) {
      return this.#desk.answer(request.id, STATUS_FAILURE, 'there is no such open file');
    }
    // What was asked of this file before comes before.
    if (file.deciding !== null) await file.deciding;
    switch (request.kind) {
      case 'read':
        return this.#read(file, request, packet);
      case 'write':
        return this.#write(file, request, packet);
      case 'close':
        return this.#close(file, request, packet);
      case 'readdir':
        return this.#forward(request, packet, ({ reply }) => {
          if (reply.kind === 'name') file.lists(reply.names.length);
        });
      case 'fstat':
      case 'fstatvfs':
      case 'fsync':
        return this.#forward(request, packet, () => {});
      case 'fsetstat':
        return this.#setAttributes(file, request, packet);
      case 'copy-data':
        return this.#copy(file, request, packet);
    }
  }

  /** The session is over: what is still open ends unclosed. */
  async end(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map((file) => this.#ended(file, null)));
  }

  #read(file: FileHandle, request: RequestOf<'read'>, packet: Buffer): Promise<void> {
    const { id, offset, length } = request;
    if (!file.isForReading) return this.#refuse(id, 'reading');
    file.asksFor(offset);
    return this.#forward(request, packet, ({ reply }) => {
      if (reply.kind === 'data') {
        if (reply.data.length > length) this.#desk.broken('it sent more than was asked for');
        else this.#desk.work.run(() => file.reads(offset, reply.data));
      } else if (reply.kind === 'status' && reply.code === STATUS_EOF) file.endsAt(offset);
    });
  }

  #write(file: FileHandle, request: RequestOf<'write'>, packet: Buffer): Promise<void> {
    const { id, offset, data } = request;
    if (!file.isForWriting) return this.#refuse(id, 'writing');
    this.#desk.work.run(() => file.writes(offset, data));
    return this.#forward(request, packet, ({ reply }) => {
      if (reply.kind !== 'status' || reply.code !== STATUS_OK) file.spoils();
    });
  }

  #close(file: FileHandle, request: RequestOf<'close'>, packet: Buffer): Promise<void> {
    file.isClosing = true;
    const { id, handle } = request;
    if (file.lacksSize) void this.#askSize(file, handle);
    return this.#target.forward(packet, 'close', ({ reply, packet: answer }) => {
      this.#open.delete(handle);
      const status = reply.kind === 'status' ? reply.code : STATUS_FAILURE;
      writeId(answer, id);
      return { packet: answer, shown: this.#ended(file, status) };
    });
  }

  /** Clients that know a file's size read no further: whether that was all, the target says. */
  async #askSize(file: FileHandle, handle: string): Promise<void> {
    const { reply } = await this.#target.ask('fstat', (id) => handleRequest('fstat', id, handle));
    if (reply.kind === 'attrs') file.hasSize(reply.attributes.size);
  }

  async #setAttributes(
    file: FileHandle,
    request: RequestOf<'fsetstat'>,
    packet: Buffer,
  ): Promise<void> {
    const { id, attributes } = request;
    const text = attributesText(attributes);
    const isSet = ({ reply }: Answer) => {
      if (reply.kind !== 'status' || reply.code !== STATUS_OK) return;
      file.changes(text, attributes.size);
    };
    // Who approved that the file is written has approved this as well.
    if (file.isApproved && file.isForWriting) return this.#forward(request, packet, isSet);
    const operation: FileOperation = {
      verb: 'setstat',
      places: file.operation.places,
      detail: text === '' ? null : text,
      isPart: file.isForWriting,
    };
    const decided = this.#desk.decideAndDo(operation, id, packet, 'fsetstat', isSet);
    return this.#wait(decided, file);
  }

  #copy(file: FileHandle, request: RequestOf<'copy-data'>, packet: Buffer): Promise<void> {
    const { id, toHandle, offset, length, toOffset } = request;
    const to = this.#open.get(toHandle);
    if (to === undefined || to.isClosing) {
      return this.#desk.answer(id, STATUS_FAILURE, 'there is no such open file');
    }
    if (!file.isForReading) return this.#refuse(id, 'reading');
    if (!to.isForWriting) return this.#refuse(id, 'writing');
    const isPart = offset > 0 || length > 0 || toOffset > 0;
    const what = length === 0 ? 'to the end' : `${length} bytes`;
    const operation: FileOperation = {
      verb: 'copy',
      places: [...file.operation.places, ...to.operation.places],
      detail: isPart ? `from byte ${offset} ${what} to byte ${toOffset}` : null,
    };
    const decided = this.#desk.decideAndDo(operation, id, packet, 'copy-data', () => to.spoils());
    return this.#wait(decided, file, to);
  }

  /** Requests about these files wait for the decision, others don't. */
  async #wait(decided: Promise<void>, ...files: readonly FileHandle[]): Promise<void> {
    const before = files.map(({ deciding }) => deciding);
    const all = Promise.all([...before, decided]);
    for (const file of files) file.deciding = all;
    const settled = async (): Promise<void> => {
      await all;
      for (const file of files) if (file.deciding === all) file.deciding = null;
    };
    this.#desk.turns.run(settled());
    await this.#desk.turns.room();
  }

  #forward(request: HandleRequest, packet: Buffer, look: (answer: Answer) => void): Promise<void> {
    const { id, kind } = request;
    return this.#target.forward(packet, kind, (answer): Delivery => {
      look(answer);
      writeId(answer.packet, id);
      return { packet: answer.packet, shown: null };
    });
  }

  #refuse(id: number, what: string): Promise<void> {
    const why = `the file was not opened for ${what}`;
    return this.#desk.answer(id, STATUS_PERMISSION_DENIED, why);
  }

  async #ended(file: FileHandle, status: number | null): Promise<void> {
    // Only then may the client believe that it is done.
    const kept = file.isKept ? await file.kept() : [];
    const { line, result } = file.end(status, kept);
    if (file.seq !== null) this.#desk.ended(file.seq, file.openedUs, status, result);
    return this.#desk.line(line);
  }
}
