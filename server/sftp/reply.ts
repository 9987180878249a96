/**
 * What a server answers, by draft-ietf-secsh-filexfer-02, and the answers that are given in its place.
 * Not caught here: an answer that fits no request; see `fits`.
 */
import { readAttributes, type Attributes } from './attributes.ts';
import type { Request } from './request.ts';
import {
  MAX_HANDLE_BYTES,
  MAX_PACKET_BYTES_OF_DATA,
  MAX_PAIRS,
  MAX_PATH_FIELD_BYTES,
  MAX_TEXT_BYTES,
  MalformedPacket,
  packetOf,
  PacketReader,
  readId,
} from './wire.ts';

export const STATUS_OK = 0;
export const STATUS_EOF = 1;
export const STATUS_NO_SUCH_FILE = 2;
export const STATUS_PERMISSION_DENIED = 3;
export const STATUS_FAILURE = 4;
export const STATUS_BAD_MESSAGE = 5;
export const STATUS_OP_UNSUPPORTED = 8;

const VERSION_REPLY = 2;
const STATUS = 101;
const HANDLE = 102;
const DATA = 103;
const NAME = 104;
const ATTRS = 105;
const EXTENDED_REPLY = 201;

/** An entry has at least two empty texts and the flags of its attributes. */
const MIN_ENTRY_BYTES = 12;

export type Reply =
  | {
      readonly kind: 'version';
      readonly version: number;
      readonly extensions: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'status'; readonly id: number; readonly code: number }
  | { readonly kind: 'handle'; readonly id: number; readonly handle: string }
  | { readonly kind: 'data'; readonly id: number; readonly data: Buffer }
  | { readonly kind: 'name'; readonly id: number; readonly names: readonly Buffer[] }
  | { readonly kind: 'attrs'; readonly id: number; readonly attributes: Attributes }
  | { readonly kind: 'extended'; readonly id: number }
  | { readonly kind: 'broken'; readonly why: string };

/** @param packet whole, with its length in front */
export function readReply(packet: Buffer): Reply {
  try {
    return readWhole(packet);
  } catch (error) {
    if (error instanceof MalformedPacket) return { kind: 'broken', why: error.message };
    throw error;
  }
}

function readWhole(packet: Buffer): Reply {
  const type = packet.readUInt8(4);
  const reader = new PacketReader(packet, 5);
  if (type === VERSION_REPLY) {
    const version = reader.u32();
    const extensions = new Map<string, string>();
    while (reader.left > 0) {
      if (extensions.size >= MAX_PAIRS) throw new MalformedPacket('too many extensions');
      const name = reader.string(MAX_TEXT_BYTES).toString('latin1');
      extensions.set(name, reader.string(MAX_TEXT_BYTES).toString('latin1'));
    }
    return { kind: 'version', version, extensions };
  }
  reader.u32();
  const id = readId(packet);
  switch (type) {
    case STATUS:
      // The message and its language are left out by old servers.
      return { kind: 'status', id, code: reader.u32() };
    case HANDLE: {
      const handle = reader.string(MAX_HANDLE_BYTES).toString('latin1');
      reader.end();
      return { kind: 'handle', id, handle };
    }
    case DATA: {
      const data = reader.string(MAX_PACKET_BYTES_OF_DATA);
      // One byte may follow: a server of a later version says so that the file ends there.
      if (reader.left > 1) reader.end();
      return { kind: 'data', id, data };
    }
    case NAME: {
      const count = reader.u32();
      if (count * MIN_ENTRY_BYTES > reader.left) throw new MalformedPacket('too many names');
      const names: Buffer[] = [];
      for (let entry = 0; entry < count; entry++) {
        names.push(reader.string(MAX_PATH_FIELD_BYTES));
        reader.string(MAX_TEXT_BYTES + MAX_PATH_FIELD_BYTES);
        readAttributes(reader);
      }
      reader.end();
      return { kind: 'name', id, names };
    }
    case ATTRS: {
      const attributes = readAttributes(reader);
      reader.end();
      return { kind: 'attrs', id, attributes };
    }
    case EXTENDED_REPLY:
      return { kind: 'extended', id };
    default:
      throw new MalformedPacket(`a packet of type ${type} is no answer`);
  }
}

/** Whether a server may answer such a request like this. */
export function fits(request: Request['kind'], reply: Reply): boolean {
  if (reply.kind === 'status') return true;
  switch (request) {
    case 'open':
    case 'opendir':
      return reply.kind === 'handle';
    case 'read':
      return reply.kind === 'data';
    case 'readdir':
      return reply.kind === 'name';
    case 'realpath':
    case 'readlink':
    case 'expand-path':
    case 'home-directory':
      return reply.kind === 'name' && reply.names.length === 1;
    case 'lstat':
    case 'stat':
    case 'fstat':
      return reply.kind === 'attrs';
    case 'statvfs':
    case 'fstatvfs':
    case 'limits':
    case 'users-groups-by-id':
      return reply.kind === 'extended';
    case 'init':
    case 'close':
    case 'write':
    case 'setstat':
    case 'fsetstat':
    case 'lsetstat':
    case 'mkdir':
    case 'remove':
    case 'rmdir':
    case 'rename':
    case 'posix-rename':
    case 'hardlink':
    case 'symlink':
    case 'fsync':
    case 'copy-data':
    case 'unknown':
    case 'malformed':
    case 'nameless':
      return false;
  }
}

// --- the answers that are given from here ----------------------------------------------------------

export function versionReply(version: number, extensions: ReadonlyMap<string, string>): Buffer {
  return packetOf(VERSION_REPLY, { u32: version }, ...[...extensions].flat());
}

export function statusReply(id: number, code: number, message: string): Buffer {
  return packetOf(STATUS, { u32: id }, { u32: code }, message, 'en');
}
