/**
 * Masks secrets in a stream of bytes before anybody sees them. What may still become a secret is held back;
 * whoever feeds it says when nobody waits any longer. Everything else passes as it is, byte for byte. Not
 * caught here: time, and secrets that no detector knows.
 *
 * When a piece isn't waited for any longer (it is the echo of a key, or was held long enough), it is passed
 * up to where it can hardly be anything but a secret, and replaced from there on: of a card number eight
 * digits are shown then, of a token its prefix and a few characters more, of a password nothing.
 */
import type { Detectors } from './detectors.ts';
import type { Findings, Found, Pending } from './detection.ts';
import { type KeyPlace, NO_KEY } from './key-blocks.ts';
import { replaced } from './replacement.ts';
import { columnAfter, type Span, type Visible, visibleOf } from './visible.ts';

/** So many characters before the end of a text are looked at again with what follows. */
const CONTEXT_CHARACTERS = 160;
/** More is never held back, nor looked at again. */
const MAX_HELD_CHARACTERS = 16_384;
/** A text inside a sequence that is shorter has no secret. */
const SHORTEST_STRING = 8;
const NOTHING = Buffer.alloc(0);

/** What becomes of what may still grow into a secret. */
type Ending = 'held' | 'passed' | 'whole';

export class Masker {
  readonly #detectors: Detectors;
  #width: number | null;
  /** Bytes that are looked at again with what follows. */
  #raw: Buffer = NOTHING;
  /** So many of them have been given out. */
  #given = 0;
  #isCut = false;
  #column = 0;
  #key: KeyPlace = NO_KEY;
  /** Characters before those of `#raw`. */
  #before = 0;
  readonly #counts = new Map<number, number>();
  readonly #countedUpTo = new Map<number, number>();
  #masked = 0;
  #maskedUpTo = 0;

  /** @param width of the terminal in columns; null = there is none */
  constructor(detectors: Detectors, width: number | null = null) {
    this.#detectors = detectors;
    this.#width = width;
  }

  /** Bytes are held back. */
  get isHolding(): boolean {
    return this.#raw.length > this.#given;
  }

  get heldBytes(): number {
    return this.#raw.length - this.#given;
  }

  /** How many secrets were replaced. */
  get masked(): number {
    return this.#masked;
  }

  /** How many secrets of a kind there were, replaced or not. */
  count(detector: number): number {
    return this.#counts.get(detector) ?? 0;
  }

  resize(width: number): void {
    this.#width = width;
  }

  /**
   * @param isEcho the bytes answer a key that somebody pressed: nothing of them is held back
   * @returns what may be seen now
   */
  push(bytes: Buffer, isEcho = false): Buffer {
    return this.#take(bytes, isEcho ? 'passed' : 'held');
  }

  /** Nobody waits any longer for what is held back. */
  flush(): Buffer {
    return this.#take(NOTHING, 'passed');
  }

  /** Nothing follows. */
  end(): Buffer {
    return this.#take(NOTHING, 'whole');
  }

  #take(bytes: Buffer, ending: Ending): Buffer {
    const raw = this.#raw.length === 0 ? bytes : Buffer.concat([this.#raw, bytes]);
    if (raw.length === 0) return raw;
    const terminal = { width: this.#width, column: this.#column };
    const visible = visibleOf(raw, terminal);
    const isWhole = ending === 'whole';
    const { findings, key } = this.#look(visible, isWhole);
    const { length } = visible.text;
    const wanted = ending === 'held' ? heldFrom(findings, length) : length;
    const isHeld = ending === 'held' && length - wanted <= MAX_HELD_CHARACTERS;
    const held = isHeld ? wanted : length;
    const upTo = isHeld ? Math.min(rawAt(visible, held), visible.rest) : raw.length;
    const sure = isHeld ? [] : sureOf(findings, length);
    const spans = [
      ...this.#spans([...findings.found, ...sure], visible, held),
      ...this.#insideSequences(raw, visible, upTo),
    ];
    const out = replaced(raw, this.#given, Math.max(upTo, this.#given), spans);
    this.#keep(raw, visible, findings, { held, upTo: Math.max(upTo, this.#given), key });
    return out;
  }

  #look(visible: Visible, isWhole: boolean): { findings: Findings; key: KeyPlace } {
    const { text, wraps } = visible;
    const isCut = this.#isCut;
    const { findings, key } = this.#detectors.look({ text, isCut, isWhole }, this.#key);
    if (wraps.length === 0) return { findings, key };
    const { joined, placeOf } = withoutWraps(text, wraps);
    const more = this.#detectors.look({ text: joined, isCut, isWhole }, null).findings;
    findings.found.push(...more.found.map((one) => moved(one, placeOf)));
    findings.pending.push(
      ...more.pending.map((one) => ({
        ...one,
        start: placeOf(one.start),
        sureFrom: one.sureFrom >= joined.length ? text.length : placeOf(one.sureFrom),
      })),
    );
    return { findings, key };
  }

  /** Counts what is given out, and says where among the bytes it is replaced. */
  #spans(found: Found[], visible: Visible, held: number): Span[] {
    const spans: Span[] = [];
    found.sort((one, other) => one.start - other.start);
    for (const { start, end, detector } of found) {
      if (start >= held) continue;
      this.#count(detector, this.#before + start, this.#before + end);
      if (this.#detectors.isMasked(detector)) spans.push(...rawSpans(visible, start, end));
    }
    return spans;
  }

  #count(detector: number, start: number, end: number): void {
    const counted = this.#countedUpTo.get(detector) ?? 0;
    if (start >= counted) this.#counts.set(detector, this.count(detector) + 1);
    this.#countedUpTo.set(detector, Math.max(counted, end));
    if (!this.#detectors.isMasked(detector)) return;
    if (start >= this.#maskedUpTo) this.#masked += 1;
    this.#maskedUpTo = Math.max(this.#maskedUpTo, end);
  }

  #insideSequences(raw: Buffer, { strings, rest }: Visible, upTo: number): Span[] {
    const spans: Span[] = [];
    const all = upTo > rest ? [...strings, { start: rest + 2, end: raw.length }] : strings;
    for (const { start, end } of all) {
      if (end <= this.#given || end - start < SHORTEST_STRING) continue;
      const text = raw.toString('latin1', start, end);
      const sight = { text, isCut: false, isWhole: true };
      for (const found of this.#detectors.look(sight, NO_KEY).findings.found) {
        if (!this.#detectors.isMasked(found.detector)) continue;
        this.#masked += 1;
        spans.push({ start: start + found.start, end: start + found.end });
      }
    }
    return spans;
  }

  #keep(
    raw: Buffer,
    visible: Visible,
    { found, pending }: Findings,
    { held, upTo, key }: { held: number; upTo: number; key: KeyPlace },
  ): void {
    const { text, wraps } = visible;
    const isLineEnd = text.endsWith('\n') && wraps.at(-1)?.end !== text.length;
    let from = isLineEnd ? text.length : contextStart(text, wraps.length > 0);
    from = Math.min(from, held, key.at);
    for (const { start } of pending) from = Math.min(from, start);
    for (const { start, end } of found) if (end === text.length) from = Math.min(from, start);
    from = Math.max(from, Math.min(held, text.length - MAX_HELD_CHARACTERS));
    const start = rawAt(visible, from);
    const dropped = text.slice(0, from);
    this.#column = columnAfter(dropped, { width: this.#width, column: this.#column });
    if (from > 0) this.#isCut = !dropped.endsWith('\n');
    this.#key = { at: Math.max(0, key.at - from), inside: key.inside };
    this.#before += from;
    this.#raw = start >= raw.length ? NOTHING : Buffer.from(raw.subarray(start));
    this.#given = Math.max(0, upTo - start);
  }
}

/** What is looked at again: the end of the line, or what may belong to it in a row above. */
function contextStart(text: string, isWrapped: boolean): number {
  const least = Math.max(0, text.length - CONTEXT_CHARACTERS);
  return isWrapped ? least : Math.max(least, text.lastIndexOf('\n') + 1);
}

/** From here on nothing is given out: nothing that begins before it may end behind it. */
function heldFrom({ found, pending }: Findings, length: number): number {
  let held = length;
  for (const { start } of pending) held = Math.min(held, start);
  for (let isMoved = held < length; isMoved;) {
    isMoved = false;
    for (const { start, end } of found) {
      if (start >= held || end <= held) continue;
      held = start;
      isMoved = true;
    }
  }
  return held;
}

function sureOf({ pending }: Findings, length: number): Found[] {
  return pending.flatMap(({ sureFrom, detector }: Pending) =>
    sureFrom < length ? [{ start: sureFrom, end: length, detector }] : [],
  );
}

function moved(found: Found, placeOf: (at: number) => number): Found {
  return { ...found, start: placeOf(found.start), end: placeOf(found.end - 1) + 1 };
}

function withoutWraps(
  text: string,
  wraps: readonly Span[],
): { readonly joined: string; readonly placeOf: (at: number) => number } {
  const parts: string[] = [];
  /** What was taken out before this place of the joined text. */
  const gaps: { readonly at: number; readonly gap: number }[] = [];
  let from = 0;
  let gap = 0;
  for (const { start, end } of wraps) {
    parts.push(text.slice(from, start));
    gap += end - start;
    gaps.push({ at: end - gap, gap });
    from = end;
  }
  parts.push(text.slice(from));
  const placeOf = (at: number): number =>
    at + (gaps[lastUpTo(gaps, at, (one) => one.at)]?.gap ?? 0);
  return { joined: parts.join(''), placeOf };
}

/** The number of the last entry whose place is not behind this one; -1 = none. */
function lastUpTo<T>(entries: readonly T[], at: number, place: (entry: T) => number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = entries[middle];
    if (entry !== undefined && place(entry) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Where a character of the text stands among the bytes. */
function rawAt({ text, pieces, rest }: Visible, at: number): number {
  if (at >= text.length) return rest;
  for (let index = lastUpTo(pieces, at, (one) => one.textAt); index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece !== undefined && piece.rawAt >= 0) {
      return piece.rawAt + Math.max(0, at - piece.textAt);
    }
  }
  return rest;
}

/** Where the characters from … to stand, with what was typed over between them. */
function rawSpans({ text, pieces, covered }: Visible, start: number, end: number): Span[] {
  const spans: Span[] = [];
  const first = Math.max(
    0,
    lastUpTo(pieces, start, (one) => one.textAt),
  );
  for (let index = first; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined || piece.textAt >= end) break;
    if (piece.rawAt < 0) continue;
    const next = pieces[index + 1]?.textAt ?? text.length;
    const from = Math.max(piece.textAt, start);
    const to = Math.min(next, end);
    if (to > from) {
      spans.push({
        start: piece.rawAt + from - piece.textAt,
        end: piece.rawAt + to - piece.textAt,
      });
    }
  }
  const low = spans[0]?.start ?? 0;
  const high = spans.at(-1)?.end ?? 0;
  for (const at of covered) if (at >= low && at < high) spans.push({ start: at, end: at + 1 });
  return spans;
}
