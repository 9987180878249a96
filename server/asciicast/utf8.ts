/**
 * Cuts a stream of output bytes into pieces that can be recorded as text without losing a bit.
 * Not caught here: what the text means; escape sequences pass as they are and may be split between
 * pieces. A byte order mark stays in the text.
 */
import { isUtf8 } from 'node:buffer';
import type { RecordedEvent, Utf8Output } from './event.ts';

export type TextPiece =
  /** Valid UTF-8. */
  | { readonly exact: true; readonly bytes: Buffer }
  /** In `text` U+FFFD stands for what was not UTF-8; it is empty for the start of a character. */
  | { readonly exact: false; readonly bytes: Buffer; readonly text: string };

/**
 * Bytes in, pieces out, in order and without a gap: the pieces' bytes joined are the input's bytes, and
 * nothing is held back, since what goes to the client must be recorded first. A character that is split
 * over two packets gives a piece without text for its first bytes and its text with the rest.
 */
export class OutputDecoder {
  /** The first bytes of a character whose rest has not come, at most three. */
  #begun: Buffer = Buffer.alloc(0);

  /** The pieces may share memory with `bytes`. */
  push(bytes: Buffer): TextPiece[] {
    const completed = this.#complete(bytes);
    const rest = bytes.subarray(completed?.bytes.length ?? 0);
    const begun = this.#begun.length === 0 ? incompleteTail(rest) : 0;
    const whole = rest.subarray(0, rest.length - begun);
    const tail = rest.subarray(rest.length - begun);
    if (begun > 0) this.#begun = Buffer.from(tail);
    return [
      ...(completed === null ? [] : [completed]),
      ...(whole.length === 0 ? [] : [wholePiece(whole)]),
      ...(tail.length === 0 ? [] : [{ text: '', exact: false, bytes: tail } as const]),
    ];
  }

  /** What of `bytes` belongs to the character that has begun; null when none has. */
  #complete(bytes: Buffer): TextPiece | null {
    if (this.#begun.length === 0 || bytes.length === 0) return null;
    const missing = characterLength(this.#begun[0] ?? 0) - this.#begun.length;
    let taken = 0;
    while (taken < missing && isContinuation(bytes[taken])) taken += 1;
    const part = bytes.subarray(0, taken);
    const character = Buffer.concat([this.#begun, part]);
    const isStillIncomplete = taken < missing && taken === bytes.length;
    this.#begun = isStillIncomplete ? character : Buffer.alloc(0);
    return { text: isStillIncomplete ? '' : character.toString('utf8'), exact: false, bytes: part };
  }
}

function wholePiece(bytes: Buffer): TextPiece {
  return isUtf8(bytes)
    ? { exact: true, bytes }
    : { exact: false, bytes, text: bytes.toString('utf8') };
}

/** The events that record these pieces at `atUs`: `o`, or `b` and `o` where the text is not exact. */
export function outputEvents(
  atUs: number,
  pieces: readonly TextPiece[],
): (RecordedEvent | Utf8Output)[] {
  return pieces.flatMap((piece): (RecordedEvent | Utf8Output)[] =>
    piece.exact
      ? [{ atUs, code: 'utf8', bytes: piece.bytes }]
      : [
          { atUs, code: 'b', base64: piece.bytes.toString('base64') },
          { atUs, code: 'o', text: piece.text },
        ],
  );
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Length of the unfinished character at the end, 0..3; RFC 3629 section 3. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
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
