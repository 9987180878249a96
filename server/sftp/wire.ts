/**
 * Fields of SFTP packets, version 3 (draft-ietf-secsh-filexfer-02), read with bounds and written.
 * Not caught here: what the fields mean.
 */

/** Longest path that is read; no path is longer on Linux (PATH_MAX). */
export const MAX_PATH_BYTES = 4096;
/** Longest field that may hold a path: a longer path is told from a broken packet. */
export const MAX_PATH_FIELD_BYTES = 64 * 1024;
/** Contents in one packet; what the packet itself may hold is less. */
export const MAX_PACKET_BYTES_OF_DATA = 256 * 1024;
/** Longest handle, by the draft. */
export const MAX_HANDLE_BYTES = 256;
/** Longest other text: the name of an extension, a message, an entry of a listing. */
export const MAX_TEXT_BYTES = 16 * 1024;
/** Extended pairs of one set of attributes, or of one version. */
export const MAX_PAIRS = 64;

/** A packet that is not what its type says. */
export class MalformedPacket extends Error {}

export class PacketReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    this.#need(1);
    return this.#bytes.readUInt8(this.#skip(1));
  }

  u32(): number {
    this.#need(4);
    return this.#bytes.readUInt32BE(this.#skip(4));
  }

  /** Offsets and sizes; more than 2^53 bytes are no file. */
  u64(): number {
    this.#need(8);
    const value = this.#bytes.readBigUInt64BE(this.#skip(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new MalformedPacket('a number is too large');
    return Number(value);
  }

  /** Any eight bytes, as they are. */
  raw64(): bigint {
    this.#need(8);
    return this.#bytes.readBigUInt64BE(this.#skip(8));
  }

  /** A part of the packet, not a copy. */
  string(maxBytes: number): Buffer {
    const length = this.u32();
    if (length > maxBytes) throw new MalformedPacket(`a text of ${length} bytes is too long`);
    this.#need(length);
    const start = this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.left > 0) throw new MalformedPacket(`${this.left} bytes too many`);
  }

  #need(bytes: number): void {
    if (this.left < bytes) throw new MalformedPacket('it ends too early');
  }

  #skip(bytes: number): number {
    const start = this.#at;
    this.#at += bytes;
    return start;
  }
}

export type Field = { readonly u32: number } | { readonly u64: number } | Buffer | string;

/** A whole packet, its length in front. Buffers and texts are written as strings. */
export function packetOf(type: number, ...fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [Buffer.alloc(5)];
  for (const field of fields) {
    if (Buffer.isBuffer(field) || typeof field === 'string') {
      const bytes = Buffer.from(field);
      parts.push(number32(bytes.length), bytes);
    } else if ('u32' in field) parts.push(number32(field.u32));
    else {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(field.u64));
      parts.push(bytes);
    }
  }
  const packet = Buffer.concat(parts);
  packet.writeUInt32BE(packet.length - 4, 0);
  packet.writeUInt8(type, 4);
  return packet;
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The id of a packet that has one, in place. */
export function readId(packet: Buffer): number {
  return packet.readUInt32BE(5);
}

/** Gives a packet another id, in place. */
export function writeId(packet: Buffer, id: number): void {
  packet.writeUInt32BE(id, 5);
}
