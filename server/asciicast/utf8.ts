/**
 * Cuts a stream of output bytes into pieces that can be recorded as text without losing a bit.
 * Not caught here: what the text means; escape sequences pass as they are and may be split between
 * pieces. A byte order mark stays in the text.
 */
import { isUtf8 } from 'node:buffer';
import type { RecordedEvent } from './event.ts';

/** An incomplete character is at most this long: a lead byte of four and two continuation bytes. */
export const MAX_HELD_BYTES = 3;

export interface TextPiece {
  /** Valid Unicode; U+FFFD stands for what was not UTF-8 when `exact` is false. */
  readonly text: string;
  /** Encoding `text` as UTF-8 gives `bytes` again. */
  readonly exact: boolean;
  readonly bytes: Buffer;
}

/**
 * Bytes in, pieces out, in order and without a gap: the pieces' bytes joined are the input's bytes.
 * A character that is split over two packets is held back until its rest arrives or `flush`.
 */
export class OutputDecoder {
  #held: Buffer = Buffer.alloc(0);

  /** How many bytes wait for the rest of their character, 0..MAX_HELD_BYTES. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** At most one piece. The piece may share memory with `bytes`; what is held back is a copy. */
  push(bytes: Buffer): TextPiece[] {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const end = all.length - incompleteTail(all);
    this.#held = Buffer.from(all.subarray(end));
    return pieces(all.subarray(0, end));
  }

  /** What is still held; it is no valid character, since its rest never came. */
  flush(): TextPiece[] {
    const rest = this.#held;
    this.#held = Buffer.alloc(0);
    return pieces(rest);
  }
}

/** The events that record these pieces at `atUs`: `o`, or `b` and `o` where the text is not exact. */
export function outputEvents(atUs: number, pieces: readonly TextPiece[]): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  for (const piece of pieces) {
    if (!piece.exact) events.push({ atUs, code: 'b', base64: piece.bytes.toString('base64') });
    events.push({ atUs, code: 'o', text: piece.text });
  }
  return events;
}

function pieces(bytes: Buffer): TextPiece[] {
  if (bytes.length === 0) return [];
  return [{ text: bytes.toString('utf8'), exact: isUtf8(bytes), bytes }];
}

/** Length of the unfinished character at the end, 0..3; RFC 3629 section 3. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(MAX_HELD_BYTES, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return characterLength(byte) > back ? back : 0;
  }
  return 0;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xc2 && lead < 0xe0 ? 2 : 1;
}
