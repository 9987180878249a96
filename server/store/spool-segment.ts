/**
 * One file of the spool: its layout on disk, how it is made and how it is read back.
 *
 * A segment is a header (magic, number, CRC) and records. A record is 32 bytes (length of the line,
 * CRC-32, session id, event number) and the line. CRCs are seeded with the segment's number, so that
 * bytes left from an earlier use of the same file never parse. Integers are little-endian.
 *
 * Not caught here: records lost from the middle of a session; gaps in event numbers show those.
 */
import { constants, type PathLike, write, writev } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** Largest line that a record may hold: the worst spelling of the largest unit a session reads. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;
export const SEGMENT_HEADER_BYTES = 16;
export const RECORD_HEADER_BYTES = 32;
const MAGIC = Buffer.from('SALLYSP1', 'latin1');
const ZEROS = Buffer.alloc(1024 * 1024);

export interface SpoolRecord {
  /** UUID with hyphens, lower case. */
  readonly sessionId: string;
  /** 1, 2, 3, … within the session. */
  readonly eventNumber: number;
  /** The event line with its line end; a view of the segment's bytes. */
  readonly line: Buffer;
}

/** Why a scan stopped: nothing more was written, or the rest was torn by a crash (or damaged). */
export type ScanEnd = 'unwritten' | 'torn' | 'full';

/** The 16 bytes of a UUID. */
export function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

export function segmentHeader(number: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(number, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** The number of the segment that starts with these bytes; null = never used, or damaged. */
export function segmentNumber(bytes: Buffer): number | null {
  if (bytes.length < SEGMENT_HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return null;
  const number = bytes.readUInt32LE(8);
  return crc32(bytes.subarray(0, 12)) === bytes.readUInt32LE(12) ? number : null;
}

/** The bytes before a record's line. @param session 16 bytes */
export function recordHeader(
  segment: number,
  session: Buffer,
  eventNumber: number,
  line: Buffer,
): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header.writeUInt32LE(line.length, 0);
  session.copy(header, 8);
  header.writeBigUInt64LE(BigInt(eventNumber), 24);
  header.writeUInt32LE(recordCrc(segment, header, line), 4);
  return header;
}

function recordCrc(segment: number, header: Buffer, line: Buffer): number {
  const length = crc32(header.subarray(0, 4), segment);
  return crc32(line, crc32(header.subarray(8, RECORD_HEADER_BYTES), length));
}

/** The records of a segment in order, up to the first that isn't whole. */
export function* scanSegment(bytes: Buffer): Generator<SpoolRecord, ScanEnd> {
  const number = segmentNumber(bytes);
  if (number === null) return 'unwritten';
  let offset = SEGMENT_HEADER_BYTES;
  while (offset + RECORD_HEADER_BYTES <= bytes.length) {
    const header = bytes.subarray(offset, offset + RECORD_HEADER_BYTES);
    const length = header.readUInt32LE(0);
    if (length === 0) return 'unwritten';
    const end = offset + RECORD_HEADER_BYTES + length;
    if (length > MAX_LINE_BYTES || end > bytes.length) return 'torn';
    const line = bytes.subarray(offset + RECORD_HEADER_BYTES, end);
    if (recordCrc(number, header, line) !== header.readUInt32LE(4)) return 'torn';
    const eventNumber = Number(header.readBigUInt64LE(24));
    yield { sessionId: uuidText(header.subarray(8, 24)), eventNumber, line };
    offset = end;
  }
  return 'full';
}

export function segmentPath(directory: string, number: number): string {
  return join(directory, `segment-${String(number).padStart(10, '0')}.spool`);
}

/** Writes `sizeBytes` of zeros to disk under a final name; after that, writing into it needs no space. */
export async function preallocate(
  directory: string,
  number: number,
  sizeBytes: number,
): Promise<string> {
  const path = segmentPath(directory, number);
  const unfinished = `${path}.tmp`;
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      for (let at = 0; at < sizeBytes; at += ZEROS.length) {
        const wanted = Math.min(ZEROS.length, sizeBytes - at);
        for (let done = 0; done < wanted;) {
          done += (await file.write(ZEROS, 0, wanted - done, at + done)).bytesWritten;
        }
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw error;
  }
  await syncDirectory(directory);
  return path;
}

/** Writes all of `buffers` at `position`; resolves with their length, in bytes. */
export async function writeAll(
  fd: number,
  buffers: readonly Buffer[],
  position: number,
): Promise<number> {
  const total = buffers.reduce((sum, one) => sum + one.length, 0);
  const written = await new Promise<number>((resolve, reject) => {
    writev(fd, buffers, position, (error, bytes) =>
      error === null ? resolve(bytes) : reject(error),
    );
  });
  if (written === total) return total;
  // A short write is rare enough to pay for a copy.
  const rest = Buffer.concat(buffers).subarray(written);
  for (let done = 0; done < rest.length;) {
    done += await new Promise<number>((resolve, reject) => {
      write(fd, rest, done, rest.length - done, position + written + done, (error, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      );
    });
  }
  return total;
}

/** Makes renames and removals in a directory durable. */
export async function syncDirectory(directory: PathLike): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface FoundSegment {
  readonly path: string;
  /** As its header says. */
  readonly number: number;
  /** As its name says: a spent file that was to be used again has a newer name than header. */
  readonly nameNumber: number;
}

/** The segments that an earlier process left, in order of use; files that were never used are removed. */
export async function findSegments(directory: string): Promise<readonly FoundSegment[]> {
  const found: FoundSegment[] = [];
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (/^segment-\d+\.spool\.tmp$/.test(name)) await rm(path, { force: true });
    const [, nameNumber] = /^segment-(\d+)\.spool$/.exec(name) ?? [];
    if (nameNumber === undefined) continue;
    const number = await headerNumber(path);
    if (number === null) await rm(path, { force: true });
    else found.push({ path, number, nameNumber: Number(nameNumber) });
  }
  return found.sort((one, other) => one.number - other.number);
}

async function headerNumber(path: string): Promise<number | null> {
  const file = await open(path, 'r');
  try {
    const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, header.length, 0);
    return segmentNumber(header.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
