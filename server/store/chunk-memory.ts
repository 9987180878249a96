/**
 * Memory for the lines of full chunks, used again. A chunk lives until Postgres has it, which is long
 * enough for the garbage collector to count it as permanent; fresh memory for every chunk of output in
 * bulk makes it look through the whole heap every few megabytes.
 * Not caught here: who still reads a chunk that was given back.
 */

/** What a full chunk usually needs: CHUNK_BYTES and the line that goes beyond. */
const PIECE_BYTES = 160 * 1024;
/** Pieces that wait to be used again; together 10 MiB. */
const MAX_FREE_PIECES = 64;
/** Less than this is not worth a piece. */
const MIN_BYTES = PIECE_BYTES / 4;

const free: Buffer[] = [];

/** The parts in one buffer. */
export function joinLines(parts: readonly Buffer[], totalBytes: number): Buffer {
  if (totalBytes > PIECE_BYTES || totalBytes < MIN_BYTES) return Buffer.concat(parts, totalBytes);
  const piece = free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  let at = 0;
  for (const part of parts) at += part.copy(piece, at);
  return piece.subarray(0, at);
}

/** Takes back what `joinLines` gave; nobody may read it afterwards. */
export function releaseLines(lines: Buffer): void {
  if (lines.buffer.byteLength !== PIECE_BYTES || free.length >= MAX_FREE_PIECES) return;
  free.push(Buffer.from(lines.buffer));
}
