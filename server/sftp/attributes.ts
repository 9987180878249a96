/** File attributes of version 3. Not caught here: whether a target honours them. */
import { MAX_PAIRS, MAX_TEXT_BYTES, MalformedPacket, type PacketReader } from './wire.ts';

export interface Attributes {
  readonly size: number | null;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  readonly mode: number | null;
  /** Seconds since 1970. */
  readonly times: { readonly accessed: number; readonly modified: number } | null;
  readonly pairs: number;
}

const HAS_SIZE = 0x0000_0001;
const HAS_OWNER = 0x0000_0002;
const HAS_MODE = 0x0000_0004;
const HAS_TIMES = 0x0000_0008;
const HAS_PAIRS = 0x8000_0000;
const KNOWN = HAS_SIZE | HAS_OWNER | HAS_MODE | HAS_TIMES | HAS_PAIRS;

export function readAttributes(reader: PacketReader): Attributes {
  const flags = reader.u32();
  // A server that knows other flags would read other fields.
  if ((flags & ~KNOWN) !== 0) throw new MalformedPacket('attributes of another version');
  const size = (flags & HAS_SIZE) === 0 ? null : Number(reader.raw64());
  const owner = (flags & HAS_OWNER) === 0 ? null : { uid: reader.u32(), gid: reader.u32() };
  const mode = (flags & HAS_MODE) === 0 ? null : reader.u32();
  const times =
    (flags & HAS_TIMES) === 0 ? null : { accessed: reader.u32(), modified: reader.u32() };
  const pairs = (flags & HAS_PAIRS) === 0 ? 0 : reader.u32();
  if (pairs > MAX_PAIRS) throw new MalformedPacket('too many attributes');
  for (let pair = 0; pair < pairs; pair++) {
    reader.string(MAX_TEXT_BYTES);
    reader.string(MAX_TEXT_BYTES);
  }
  return { size, owner, mode, times, pairs };
}

/** For people: `mode 0644 size 12`; empty = nothing is set. */
export function attributesText({ size, owner, mode, times, pairs }: Attributes): string {
  const parts: string[] = [];
  if (mode !== null) parts.push(`mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`);
  if (owner !== null) parts.push(`owner ${owner.uid}:${owner.gid}`);
  if (size !== null) parts.push(`size ${size}`);
  if (times !== null) parts.push(`modified ${new Date(times.modified * 1000).toISOString()}`);
  if (pairs > 0) parts.push(`and ${pairs} more`);
  return parts.join(' ');
}
