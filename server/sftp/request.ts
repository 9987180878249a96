/**
 * What a client asks for, by draft-ietf-secsh-filexfer-02 and the extensions of OpenSSH (its file
 * PROTOCOL, section 4). Not caught here: a request that is none of these; it is told apart as `unknown`.
 */
import { type Attributes, readAttributes } from './attributes.ts';
import {
  MAX_HANDLE_BYTES,
  MAX_PACKET_BYTES_OF_DATA,
  MAX_PATH_FIELD_BYTES,
  MAX_TEXT_BYTES,
  MalformedPacket,
  packetOf,
  PacketReader,
  readId,
} from './wire.ts';

export const OPEN_READ = 0x01;
export const OPEN_WRITE = 0x02;
export const OPEN_APPEND = 0x04;
export const OPEN_CREATE = 0x08;
export const OPEN_TRUNCATE = 0x10;
export const OPEN_EXCLUSIVE = 0x20;
const OPEN_KNOWN = 0x3f;

const TYPES = {
  1: 'init',
  3: 'open',
  4: 'close',
  5: 'read',
  6: 'write',
  7: 'lstat',
  8: 'fstat',
  9: 'setstat',
  10: 'fsetstat',
  11: 'opendir',
  12: 'readdir',
  13: 'remove',
  14: 'mkdir',
  15: 'rmdir',
  16: 'realpath',
  17: 'stat',
  18: 'rename',
  19: 'readlink',
  20: 'symlink',
  200: 'extended',
} as const;
const NUMBERS = Object.fromEntries(
  Object.entries(TYPES).map(([number, name]) => [name, Number(number)]),
) as Record<(typeof TYPES)[keyof typeof TYPES], number>;

/** Extensions and the data of the version that is spoken here. */
export const EXTENSIONS: Readonly<Record<string, string>> = {
  'posix-rename@openssh.com': '1',
  'statvfs@openssh.com': '2',
  'fstatvfs@openssh.com': '2',
  'hardlink@openssh.com': '1',
  'fsync@openssh.com': '1',
  'lsetstat@openssh.com': '1',
  'limits@openssh.com': '1',
  'expand-path@openssh.com': '1',
  'copy-data': '1',
  'home-directory': '1',
  'users-groups-by-id@openssh.com': '1',
};

/** Ways to name one thing by a path. */
type PathKind =
  | 'lstat'
  | 'stat'
  | 'opendir'
  | 'remove'
  | 'rmdir'
  | 'realpath'
  | 'readlink'
  | 'statvfs'
  | 'expand-path';
type HandleKind = 'close' | 'fstat' | 'readdir' | 'fstatvfs' | 'fsync';

/** A kind of its own for each, so that one of them can be told from the others. */
type Each<K extends string, T> = K extends string ? { readonly kind: K } & T : never;

type Body =
  | Each<PathKind, { readonly path: Buffer }>
  | Each<HandleKind, { readonly handle: string }>
  | {
      readonly kind: 'open';
      readonly path: Buffer;
      readonly flags: number;
      readonly attributes: Attributes;
    }
  | {
      readonly kind: 'read';
      readonly handle: string;
      readonly offset: number;
      readonly length: number;
    }
  | {
      readonly kind: 'write';
      readonly handle: string;
      readonly offset: number;
      readonly data: Buffer;
    }
  | Each<
      'setstat' | 'lsetstat' | 'mkdir',
      { readonly path: Buffer; readonly attributes: Attributes }
    >
  | { readonly kind: 'fsetstat'; readonly handle: string; readonly attributes: Attributes }
  | Each<'rename' | 'posix-rename' | 'hardlink', { readonly from: Buffer; readonly to: Buffer }>
  /** In the order of OpenSSH, which all but the draft follow: first where it leads. */
  | { readonly kind: 'symlink'; readonly leadsTo: Buffer; readonly link: Buffer }
  | {
      readonly kind: 'copy-data';
      readonly handle: string;
      readonly offset: number;
      /** 0 = to the end. */
      readonly length: number;
      readonly toHandle: string;
      readonly toOffset: number;
    }
  /** They name no file. */
  | Each<'limits' | 'home-directory' | 'users-groups-by-id', object>
  /** Nothing that is known here. */
  | { readonly kind: 'unknown'; readonly name: string }
  /** Of a known kind, but not as it should be. */
  | { readonly kind: 'malformed'; readonly why: string };

export type Request =
  | { readonly kind: 'init'; readonly version: number }
  | ({ readonly id: number } & Body)
  /** It has not even an id to answer. */
  | { readonly kind: 'nameless'; readonly why: string };

export type RequestOf<K extends Request['kind']> = Extract<Request, { readonly kind: K }>;

/** @param packet whole, with its length in front */
export function readRequest(packet: Buffer): Request {
  const type = packet.readUInt8(4);
  if (type === NUMBERS.init) {
    if (packet.length < 9) return { kind: 'nameless', why: 'its beginning is too short' };
    return { kind: 'init', version: packet.readUInt32BE(5) };
  }
  if (packet.length < 9) return { kind: 'nameless', why: `a packet of type ${type} has no id` };
  const id = readId(packet);
  try {
    return { id, ...readBody(type, new PacketReader(packet, 9)) };
  } catch (error) {
    if (error instanceof MalformedPacket) return { id, kind: 'malformed', why: error.message };
    throw error;
  }
}

function readBody(type: number, reader: PacketReader): Body {
  const kind = Object.hasOwn(TYPES, type) ? TYPES[type as keyof typeof TYPES] : null;
  if (kind === null || kind === 'init') return { kind: 'unknown', name: `type ${type}` };
  const body = kind === 'extended' ? readExtended(reader) : readPlain(kind, reader);
  if (body.kind !== 'unknown') reader.end();
  return body;
}

type PlainKind = Exclude<(typeof TYPES)[keyof typeof TYPES], 'init' | 'extended'>;

function readPlain(kind: PlainKind, reader: PacketReader): Body {
  switch (kind) {
    case 'open': {
      const path = readPath(reader);
      const flags = reader.u32();
      if ((flags & ~OPEN_KNOWN) !== 0)
        throw new MalformedPacket('a way to open of another version');
      return { kind, path, flags, attributes: readAttributes(reader) };
    }
    case 'read': {
      const handle = readHandle(reader);
      return { kind, handle, offset: reader.u64(), length: reader.u32() };
    }
    case 'write': {
      const handle = readHandle(reader);
      const offset = reader.u64();
      return { kind, handle, offset, data: reader.string(MAX_PACKET_BYTES_OF_DATA) };
    }
    case 'setstat':
    case 'mkdir': {
      const path = readPath(reader);
      return { kind, path, attributes: readAttributes(reader) };
    }
    case 'fsetstat': {
      const handle = readHandle(reader);
      return { kind, handle, attributes: readAttributes(reader) };
    }
    case 'rename': {
      const from = readPath(reader);
      return { kind, from, to: readPath(reader) };
    }
    case 'symlink': {
      const leadsTo = readPath(reader);
      return { kind, leadsTo, link: readPath(reader) };
    }
    case 'close':
    case 'fstat':
    case 'readdir':
      return { kind, handle: readHandle(reader) };
    case 'lstat':
    case 'stat':
    case 'opendir':
    case 'remove':
    case 'rmdir':
    case 'realpath':
    case 'readlink':
      return { kind, path: readPath(reader) };
  }
}

function readExtended(reader: PacketReader): Body {
  const name = reader.string(MAX_TEXT_BYTES).toString('latin1');
  switch (name) {
    case 'posix-rename@openssh.com':
    case 'hardlink@openssh.com': {
      const from = readPath(reader);
      const kind = name === 'hardlink@openssh.com' ? 'hardlink' : 'posix-rename';
      return { kind, from, to: readPath(reader) };
    }
    case 'statvfs@openssh.com':
      return { kind: 'statvfs', path: readPath(reader) };
    case 'expand-path@openssh.com':
      return { kind: 'expand-path', path: readPath(reader) };
    case 'fstatvfs@openssh.com':
      return { kind: 'fstatvfs', handle: readHandle(reader) };
    case 'fsync@openssh.com':
      return { kind: 'fsync', handle: readHandle(reader) };
    case 'lsetstat@openssh.com': {
      const path = readPath(reader);
      return { kind: 'lsetstat', path, attributes: readAttributes(reader) };
    }
    case 'copy-data': {
      const handle = readHandle(reader);
      const offset = reader.u64();
      const length = reader.u64();
      const toHandle = readHandle(reader);
      return { kind: 'copy-data', handle, offset, length, toHandle, toOffset: reader.u64() };
    }
    case 'limits@openssh.com':
      return { kind: 'limits' };
    case 'home-directory':
      reader.string(MAX_TEXT_BYTES);
      return { kind: 'home-directory' };
    case 'users-groups-by-id@openssh.com':
      reader.string(MAX_TEXT_BYTES);
      reader.string(MAX_TEXT_BYTES);
      return { kind: 'users-groups-by-id' };
    default:
      return { kind: 'unknown', name };
  }
}

/** Longer ones are read too, so that they can be answered by what they are. */
function readPath(reader: PacketReader): Buffer {
  return reader.string(MAX_PATH_FIELD_BYTES);
}

/** A key of its exact bytes. */
function readHandle(reader: PacketReader): string {
  return reader.string(MAX_HANDLE_BYTES).toString('latin1');
}

// --- the requests that are asked from here -------------------------------------------------------

/** The version that is spoken here. */
export const VERSION = 3;

export function initRequest(): Buffer {
  return packetOf(NUMBERS.init, { u32: VERSION });
}

export function pathRequest(
  kind: 'realpath' | 'readlink' | 'lstat' | 'stat',
  id: number,
  path: Buffer,
): Buffer {
  return packetOf(NUMBERS[kind], { u32: id }, path);
}

export function handleRequest(kind: 'close' | 'fstat', id: number, handle: string): Buffer {
  return packetOf(NUMBERS[kind], { u32: id }, Buffer.from(handle, 'latin1'));
}
