/**
 * Revocation lists as `ssh-keygen -k` writes them (PROTOCOL.krl), and plain lists of public keys. A list
 * that can't be read whole is refused: what it can't say, it would not revoke. Pure.
 * Not caught here: a list that is old, or that somebody without the right to it has written.
 */
import { createHash } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { PacketReader } from './wire.ts';

const MAGIC = Buffer.from('SSHKRL\n\0', 'latin1');
const FORMAT_VERSION = 1;
const SECTION = { certificates: 1, keys: 2, sha1: 3, signature: 4, sha256: 5, extension: 255 };
const PART = { serials: 0x20, range: 0x21, bitmap: 0x22, keyIds: 0x23, extension: 0x39 };
/** Lists larger than this aren't read. */
export const MAX_REVOCATION_BYTES = 4 * 1024 * 1024;

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** The number `offset + n` is revoked when bit n of the big-endian number `digits` is one. */
interface Bitmap {
  readonly offset: bigint;
  readonly digits: Buffer;
}

/** What a list says of certificates of one authority, or of all. */
interface Revoked {
  readonly serials: Set<bigint>;
  readonly ranges: Range[];
  readonly bitmaps: Bitmap[];
  readonly keyIds: Set<string>;
}

export interface RevocationList {
  /** By the authority's blob in base64; '' = every authority. */
  readonly certificates: ReadonlyMap<string, Revoked>;
  /** Blobs of keys, in base64; of an authority they revoke all that it has signed. */
  readonly keys: ReadonlySet<string>;
  readonly sha1: ReadonlySet<string>;
  readonly sha256: ReadonlySet<string>;
}

export type RevocationOutcome =
  | { readonly kind: 'list'; readonly list: RevocationList }
  | { readonly kind: 'invalid'; readonly why: string };

/** A public key line as the configuration reads it. */
type ReadLine = (
  line: string,
) =>
  | { readonly kind: 'key'; readonly blob: Buffer }
  | { readonly kind: 'invalid'; readonly why: string };

/** Reads a list in either form. Never throws. @param readLine reads `TYPE BASE64 comment` */
export function readRevocationList(bytes: Buffer, readLine: ReadLine): RevocationOutcome {
  if (bytes.length > MAX_REVOCATION_BYTES) return invalid('the list is too large');
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return readLines(bytes, readLine);
  try {
    return readKrl(bytes);
  } catch {
    return invalid('the list is cut');
  }
}

/** Whether the list revokes a certificate: itself, its key, or the authority that signed it. */
export function isRevoked(list: RevocationList, certificate: Certificate): boolean {
  const { authority, key, keyId, serial } = certificate;
  if ([key, authority].some((blob) => isKeyRevoked(list, blob))) return true;
  return [authority.toString('base64'), ''].some((name) => {
    const revoked = list.certificates.get(name);
    if (revoked === undefined) return false;
    if (revoked.keyIds.has(keyId)) return true;
    // 0 is what certificates have that were given no number, as for ssh-keygen.
    if (serial === 0n) return false;
    return (
      revoked.serials.has(serial) ||
      revoked.ranges.some(({ first, last }) => serial >= first && serial <= last) ||
      revoked.bitmaps.some((bitmap) => isInBitmap(bitmap, serial))
    );
  });
}

function isKeyRevoked({ keys, sha1, sha256 }: RevocationList, blob: Buffer): boolean {
  return (
    keys.has(blob.toString('base64')) ||
    sha1.has(createHash('sha1').update(blob).digest('base64')) ||
    sha256.has(createHash('sha256').update(blob).digest('base64'))
  );
}

function readLines(bytes: Buffer, readLine: ReadLine): RevocationOutcome {
  const keys = new Set<string>();
  for (const [index, raw] of bytes.toString('utf8').split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const outcome = readLine(line);
    if (outcome.kind === 'invalid') {
      return invalid(`line ${index + 1} is no public key: ${outcome.why}`);
    }
    keys.add(outcome.blob.toString('base64'));
  }
  const list = {
    certificates: new Map(),
    keys,
    sha1: new Set<string>(),
    sha256: new Set<string>(),
  };
  return { kind: 'list', list };
}

function readKrl(bytes: Buffer): RevocationOutcome {
  const reader = new PacketReader(bytes, MAGIC.length);
  const version = reader.uint32();
  if (version !== FORMAT_VERSION) return invalid(`its format ${version} is unknown`);
  // Its own version, the time it was made, and flags: 64 bits each. Then what is reserved, and a comment.
  for (let left = 6; left > 0; left -= 1) reader.uint32();
  reader.string();
  reader.string();
  const certificates = new Map<string, Revoked>();
  const keys = new Set<string>();
  const sha1 = new Set<string>();
  const sha256 = new Set<string>();
  while (reader.position < bytes.length) {
    const type = reader.byte();
    const section = reader.string();
    switch (type) {
      case SECTION.certificates: {
        const why = readCertificates(section, certificates);
        if (why !== null) return invalid(why);
        break;
      }
      case SECTION.keys:
        for (const blob of strings(section)) keys.add(blob.toString('base64'));
        break;
      case SECTION.sha1:
        for (const hash of strings(section)) sha1.add(hash.toString('base64'));
        break;
      case SECTION.sha256:
        for (const hash of strings(section)) sha256.add(hash.toString('base64'));
        break;
      case SECTION.extension:
        if (isCritical(section)) return invalid('it has a critical extension that is unknown');
        break;
      case SECTION.signature:
        return invalid('signed lists are not read; make one without -s for signing it');
      default:
        return invalid(`its section ${type} is unknown`);
    }
  }
  return { kind: 'list', list: { certificates, keys, sha1, sha256 } };
}

/** Adds what a section says. @returns what is wrong with it; null = nothing */
function readCertificates(section: Buffer, certificates: Map<string, Revoked>): string | null {
  const reader = new PacketReader(section);
  const authority = reader.string().toString('base64');
  reader.string();
  const revoked = certificates.get(authority) ?? {
    serials: new Set<bigint>(),
    ranges: [],
    bitmaps: [],
    keyIds: new Set<string>(),
  };
  certificates.set(authority, revoked);
  while (reader.position < section.length) {
    const type = reader.byte();
    const part = reader.string();
    const numbers = new PacketReader(part);
    switch (type) {
      case PART.serials:
        while (numbers.position < part.length) revoked.serials.add(uint64(numbers));
        break;
      case PART.range: {
        const range = { first: uint64(numbers), last: uint64(numbers) };
        if (range.first > range.last) return 'a range of serial numbers is reversed';
        revoked.ranges.push(range);
        break;
      }
      case PART.bitmap:
        revoked.bitmaps.push({ offset: uint64(numbers), digits: numbers.string() });
        break;
      case PART.keyIds:
        for (const keyId of strings(part)) revoked.keyIds.add(keyId.toString('utf8'));
        continue;
      case PART.extension:
        if (isCritical(part)) return 'it has a critical extension that is unknown';
        continue;
      default:
        return `its part ${type} is unknown`;
    }
    if (numbers.rest().length > 0) return 'bytes follow a list of serial numbers';
  }
  return null;
}

function isInBitmap({ offset, digits }: Bitmap, serial: bigint): boolean {
  const place = serial - offset;
  if (place < 0n || place >= BigInt(8 * digits.length)) return false;
  const byte = digits[digits.length - 1 - Number(place >> 3n)] ?? 0;
  return ((byte >> Number(place & 7n)) & 1) === 1;
}

function strings(bytes: Buffer): readonly Buffer[] {
  const reader = new PacketReader(bytes);
  const found: Buffer[] = [];
  while (reader.position < bytes.length) found.push(reader.string());
  return found;
}

function isCritical(extension: Buffer): boolean {
  const reader = new PacketReader(extension);
  reader.string();
  return reader.boolean();
}

function uint64(reader: PacketReader): bigint {
  const high = BigInt(reader.uint32());
  return (high << 32n) | BigInt(reader.uint32());
}

function invalid(why: string): RevocationOutcome {
  return { kind: 'invalid', why };
}
