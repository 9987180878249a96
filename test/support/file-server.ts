/** A target's file server in memory: files, directories and links of one tree, and whatever a test breaks. */
import { Framer } from '../../server/sftp/framer.ts';
import { statusReply, versionReply } from '../../server/sftp/reply.ts';
import { EXTENSIONS, readRequest, type Request } from '../../server/sftp/request.ts';
import { packetOf } from '../../server/sftp/wire.ts';
import type { InputUnit, OutputUnit } from '../../server/session/ports.ts';
import type { FakeEnd } from './session-fakes.ts';

const HANDLE = 102;
const DATA = 103;
const NAME = 104;
const ATTRS = 105;
const NOTHING_SET = { u32: 0 };

/** A request that can be answered. */
export type Answerable = Exclude<Request, { readonly kind: 'init' | 'nameless' }>;

export class FileServer {
  /** Contents by path; null = a directory. */
  readonly files = new Map<string, Buffer | null>([
    ['/home', null],
    ['/srv', null],
    ['/srv/a', Buffer.from('contents of a')],
    ['/data', null],
    ['/data/x', Buffer.from('precious')],
  ]);
  readonly links = new Map<string, string>([['/proc/self', '/proc/4711']]);
  /** The extensions that it offers. */
  extensions: ReadonlyMap<string, string> = new Map(Object.entries(EXTENSIONS));
  version = 3;
  /** REALPATH only tidies up. */
  isLexical = false;
  /** Answers instead, if it gives something; an empty buffer = nothing at all. */
  instead: (request: Answerable, packet: Buffer) => Buffer | null = () => null;
  /** Requests in the order of arrival, our own ones included. */
  readonly seen: Answerable[] = [];
  readonly #handles = new Map<string, string>();
  readonly #framer = new Framer();
  readonly #end: FakeEnd<OutputUnit, InputUnit>;
  #nextHandle = 0;

  constructor(end: FakeEnd<OutputUnit, InputUnit>) {
    this.#end = end;
    end.write = (unit) => {
      end.written.push(unit);
      if (unit.kind === 'data') this.#take(unit.bytes);
      if (unit.kind === 'eof') end.send({ kind: 'exit', status: 0 }, { kind: 'close' });
      return Promise.resolve();
    };
  }

  /** The kinds of what arrived, without where paths lead. */
  asked(): string[] {
    const looks = new Set(['realpath', 'readlink']);
    return this.seen.map(({ kind }) => kind).filter((kind) => !looks.has(kind));
  }

  send(packet: Buffer): void {
    this.#end.send({ kind: 'data', stream: 'stdout', bytes: packet });
  }

  #take(bytes: Buffer): void {
    const framed = this.#framer.push(bytes);
    if (framed.kind === 'broken') throw new Error(framed.why);
    for (const packet of framed.packets) {
      const request = readRequest(packet);
      if (request.kind === 'nameless') throw new Error(request.why);
      if (request.kind === 'init') {
        this.send(versionReply(this.version, this.extensions));
        continue;
      }
      this.seen.push(request);
      const answer = this.instead(request, packet) ?? this.#answer(request);
      if (answer.length > 0) this.send(answer);
    }
  }

  #answer(request: Answerable): Buffer {
    const { id } = request;
    const done = statusReply(id, 0, '');
    const missing = statusReply(id, 2, '');
    switch (request.kind) {
      case 'realpath':
        return this.#name(id, this.#real(request.path.toString()));
      case 'readlink': {
        const link = this.links.get(request.path.toString());
        return link === undefined ? statusReply(id, 4, '') : this.#name(id, link);
      }
      case 'stat':
      case 'lstat': {
        const found = this.files.get(this.#real(request.path.toString()));
        return found === undefined ? missing : sized(id, found?.length ?? 0);
      }
      case 'opendir':
        return this.#open(id, this.#real(request.path.toString()));
      case 'open': {
        const path = this.#real(request.path.toString());
        if ((request.flags & 0x10) !== 0) this.files.set(path, Buffer.alloc(0));
        else if ((request.flags & 0x08) !== 0 && !this.files.has(path)) {
          this.files.set(path, Buffer.alloc(0));
        }
        return this.files.has(path) ? this.#open(id, path) : missing;
      }
      case 'close':
        return this.#handles.delete(request.handle) ? done : statusReply(id, 4, '');
      case 'fstat':
        return sized(id, this.#contents(request.handle).length);
      case 'read': {
        const contents = this.#contents(request.handle);
        const { offset, length } = request;
        if (offset >= contents.length) return statusReply(id, 1, '');
        return packetOf(DATA, { u32: id }, contents.subarray(offset, offset + length));
      }
      case 'write': {
        const path = this.#handles.get(request.handle) ?? '';
        const before = this.#contents(request.handle);
        const end = request.offset + request.data.length;
        const after = Buffer.alloc(Math.max(before.length, end));
        before.copy(after);
        request.data.copy(after, request.offset);
        this.files.set(path, after);
        return done;
      }
      case 'readdir':
        return statusReply(id, 1, '');
      case 'remove':
        return this.files.delete(this.#real(request.path.toString())) ? done : missing;
      case 'rename':
      case 'posix-rename': {
        const contents = this.files.get(request.from.toString());
        if (contents === undefined) return missing;
        this.files.delete(request.from.toString());
        this.files.set(request.to.toString(), contents);
        return done;
      }
      case 'symlink':
        this.links.set(request.link.toString(), request.leadsTo.toString());
        return done;
      case 'mkdir':
        this.files.set(request.path.toString(), null);
        return done;
      case 'setstat':
      case 'fsetstat':
      case 'lsetstat':
      case 'rmdir':
      case 'hardlink':
      case 'fsync':
      case 'statvfs':
      case 'fstatvfs':
      case 'expand-path':
      case 'copy-data':
      case 'limits':
      case 'home-directory':
      case 'users-groups-by-id':
      case 'unknown':
      case 'malformed':
        return done;
    }
  }

  #contents(handle: string): Buffer {
    return this.files.get(this.#handles.get(handle) ?? '') ?? Buffer.alloc(0);
  }

  #open(id: number, path: string): Buffer {
    this.#nextHandle += 1;
    const handle = `h${this.#nextHandle}`;
    this.#handles.set(handle, path);
    return packetOf(HANDLE, { u32: id }, handle);
  }

  #name(id: number, path: string): Buffer {
    return packetOf(NAME, { u32: id }, { u32: 1 }, path, path, NOTHING_SET);
  }

  #real(path: string, links = 0): string {
    const names: string[] = [];
    const whole = path.startsWith('/') ? path : `/home/${path}`;
    for (const name of whole.split('/')) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        names.pop();
        continue;
      }
      names.push(name);
      const link = this.links.get(`/${names.join('/')}`);
      if (link === undefined || this.isLexical || links > 40) continue;
      const to = link.startsWith('/') ? link : `/${[...names.slice(0, -1), link].join('/')}`;
      names.splice(
        0,
        Infinity,
        ...this.#real(to, links + 1)
          .split('/')
          .slice(1),
      );
    }
    return `/${names.join('/')}`;
  }
}

function sized(id: number, size: number): Buffer {
  return packetOf(ATTRS, { u32: id }, { u32: 1 }, { u64: size });
}
