/**
 * Reading and writing of the data types of RFC 4251 section 5. Pure.
 * Not caught here: what the fields mean, and whether a text is safe to show.
 */

/** Message numbers, RFC 4250 section 4.1.2, and the two of OpenSSH's ping. */
export const MESSAGE = {
  DISCONNECT: 1,
  IGNORE: 2,
  UNIMPLEMENTED: 3,
  DEBUG: 4,
  SERVICE_REQUEST: 5,
  SERVICE_ACCEPT: 6,
  EXT_INFO: 7,
  KEXINIT: 20,
  USERAUTH_REQUEST: 50,
  USERAUTH_FAILURE: 51,
  USERAUTH_SUCCESS: 52,
  USERAUTH_BANNER: 53,
  USERAUTH_PK_OK: 60,
  USERAUTH_INFO_REQUEST: 60,
  USERAUTH_INFO_RESPONSE: 61,
  GLOBAL_REQUEST: 80,
  REQUEST_SUCCESS: 81,
  REQUEST_FAILURE: 82,
  CHANNEL_OPEN: 90,
  CHANNEL_OPEN_CONFIRMATION: 91,
  CHANNEL_OPEN_FAILURE: 92,
  CHANNEL_WINDOW_ADJUST: 93,
  CHANNEL_DATA: 94,
  CHANNEL_EXTENDED_DATA: 95,
  CHANNEL_EOF: 96,
  CHANNEL_CLOSE: 97,
  CHANNEL_REQUEST: 98,
  CHANNEL_SUCCESS: 99,
  CHANNEL_FAILURE: 100,
  PING: 192,
  PONG: 193,
} as const;

/** A packet ended before its fields did. The transport ends the connection for it. */
export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket';
}

/** Reads fields one after the other; throws MalformedPacket when the bytes run out. */
export class PacketReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next field begins. */
  get position(): number {
    return this.#at;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new MalformedPacket('a byte is missing');
    this.#at += 1;
    return value;
  }

  boolean(): boolean {
    return this.byte() !== 0;
  }

  uint32(): number {
    if (this.#at + 4 > this.#bytes.length) throw new MalformedPacket('a number is cut');
    const value = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  /** A view of the bytes, not a copy. */
  string(): Buffer {
    const length = this.uint32();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MalformedPacket('a string is cut');
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  /** A protocol name, which is ASCII; other bytes become other characters and match no name. */
  name(): string {
    return this.string().toString('latin1');
  }

  /** All bytes that are left. */
  rest(): Buffer {
    const value = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return value;
  }
}

/** number = uint32, boolean = one byte, text and bytes = string with its length in front. */
export type Field = number | boolean | string | Uint8Array;

/** The fields one after the other. */
export function encodeFields(fields: readonly Field[], before = 0): Buffer {
  let size = before;
  for (const field of fields) {
    if (typeof field === 'boolean') size += 1;
    else if (typeof field === 'number') size += 4;
    else size += 4 + (typeof field === 'string' ? Buffer.byteLength(field) : field.length);
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = before;
  for (const field of fields) {
    if (typeof field === 'boolean') at = bytes.writeUInt8(field ? 1 : 0, at);
    else if (typeof field === 'number') at = bytes.writeUInt32BE(field, at);
    else if (typeof field === 'string') {
      at = bytes.writeUInt32BE(Buffer.byteLength(field), at);
      at += bytes.write(field, at);
    } else {
      at = bytes.writeUInt32BE(field.length, at);
      bytes.set(field, at);
      at += field.length;
    }
  }
  return bytes;
}

/** The payload of a packet: message number and fields. */
export function encodePacket(type: number, ...fields: Field[]): Buffer {
  const payload = encodeFields(fields, 1);
  payload[0] = type;
  return payload;
}

/** The text if the bytes are valid UTF-8, else null. */
export function exactText(bytes: Buffer): string | null {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : null;
}

/** A positive integer as mpint content: no leading zeros, one zero byte in front of a high bit. */
export function encodeInteger(magnitude: Buffer): Buffer {
  let from = 0;
  while (from < magnitude.length - 1 && magnitude[from] === 0) from += 1;
  const trimmed = magnitude.subarray(from);
  return (trimmed[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), trimmed]) : trimmed;
}
