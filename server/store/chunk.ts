/**
 * Chunks: event lines gathered until there are enough, chained, and compressed.
 * Not caught here: lines that aren't durable; the recording adds a line once the spool has it.
 */
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { RecordedEvent, Utf8Output } from '../asciicast/event.ts';
import { SallyportError } from '../errors.ts';
import { type ChunkHeader, chunkHash } from '../journal/chain.ts';
import { MAX_LINE_BYTES } from './spool-segment.ts';

/** A chunk is sealed when its lines reach this size. */
export const CHUNK_BYTES = 64 * 1024;
/** From this size on a chunk ends before the marker of a command. */
export const BOUNDARY_BYTES = CHUNK_BYTES / 2;
/** The longest that a chunk can get: one line before it is full, then one of the largest lines. */
export const MAX_CHUNK_BYTES = CHUNK_BYTES + MAX_LINE_BYTES;
/** Values of the column `codec`; never reuse one. */
export const CODEC_PLAIN = 0;
export const CODEC_BROTLI = 1;
/** Brotli quality: typing and slow output; output in bulk; more than gets away. CPU is 5 : 1.5 : 1. */
export const QUALITY = { calm: 5, bulk: 2, busy: 1 } as const;
/** A full chunk that took less than this to fill is bulk, microseconds. */
export const BULK_US = 500_000;
/** What is shorter stays as it is: compressing takes longer than writing it. */
export const MIN_PACKED_BYTES = 256;
/** Window of the compressor, as power of two: a chunk is hardly ever longer. */
const WINDOW_BITS = 18;

const compress = promisify(brotliCompress);
const expand = promisify(brotliDecompress);

export interface SealedChunk {
  readonly header: ChunkHeader;
  readonly prevHash: string;
  readonly hash: string;
  readonly lines: Buffer;
  /** Bytes of output that the lines hold. */
  readonly outputBytes: number;
}

/** Where a recording stands: what its last chunk says. */
export interface ChainPlace {
  /** Number of the next chunk, from 1. */
  readonly seq: number;
  /** Number of the next event, from 1. */
  readonly event: number;
  readonly prevHash: string;
}

/** Gathers the lines of one session. */
export class ChunkBuilder {
  readonly #sessionId: string;
  #place: ChainPlace;
  #lines: Buffer[] = [];
  #bytes = 0;
  #outputBytes = 0;
  /** The next output's exact bytes were counted already. */
  #exact = false;
  #t0Us = 0;
  #t1Us = 0;

  constructor(sessionId: string, place: ChainPlace) {
    this.#sessionId = sessionId;
    this.#place = place;
  }

  /** Where the next chunk will stand. */
  get place(): ChainPlace {
    return this.#place;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** The number that the next event must have. */
  get nextEvent(): number {
    return this.#place.event + this.#lines.length;
  }

  /** Time of the last event so far, microseconds. */
  get lastUs(): number {
    return this.#t1Us;
  }

  /**
   * Adds the line of `event`; gives the chunk that it fills, or that ends before it, if there is one.
   * Throws `internal` when event numbers have a gap: order is what the chain is for.
   */
  add(eventNumber: number, event: RecordedEvent | Utf8Output, line: Buffer): SealedChunk | null {
    if (eventNumber !== this.nextEvent) {
      const message = `event ${eventNumber} of session ${this.#sessionId} came instead of ${this.nextEvent}`;
      throw new SallyportError('internal', message, 'report this; the recording stops here');
    }
    // Whoever reads a command wants no chunk of the one before.
    const before = event.code === 'm' && this.#bytes >= BOUNDARY_BYTES ? this.seal() : null;
    if (this.isEmpty) this.#t0Us = event.atUs;
    this.#t1Us = event.atUs;
    this.#lines.push(line);
    this.#bytes += line.length;
    this.#count(event);
    return before ?? (this.#bytes >= CHUNK_BYTES ? this.seal() : null);
  }

  /** The chunk of what was added since the last; null = nothing. */
  seal(): SealedChunk | null {
    if (this.isEmpty) return null;
    const lines = Buffer.concat(this.#lines, this.#bytes);
    const header: ChunkHeader = {
      sessionId: this.#sessionId,
      seq: this.#place.seq,
      t0Us: this.#t0Us,
      t1Us: this.#t1Us,
      firstEvent: this.#place.event,
      events: this.#lines.length,
      rawLength: lines.length,
    };
    const prevHash = this.#place.prevHash;
    const hash = chunkHash(prevHash, header, lines);
    const chunk = { header, prevHash, hash, lines, outputBytes: this.#outputBytes };
    this.#place = { seq: header.seq + 1, event: this.nextEvent, prevHash: hash };
    this.#lines = [];
    this.#bytes = 0;
    this.#outputBytes = 0;
    return chunk;
  }

  #count(event: RecordedEvent | Utf8Output): void {
    switch (event.code) {
      case 'utf8':
        this.#outputBytes += event.bytes.length;
        break;
      case 'b':
        this.#outputBytes += Buffer.byteLength(event.base64, 'base64');
        this.#exact = true;
        break;
      case 'o':
        if (!this.#exact) this.#outputBytes += Buffer.byteLength(event.text);
        this.#exact = false;
        break;
      case 'r':
      case 'm':
      case 'x':
        break;
    }
  }
}

export interface PackedLines {
  readonly codec: number;
  readonly data: Buffer;
}

export type Quality = (typeof QUALITY)[keyof typeof QUALITY];

/** How hard to compress a chunk. @param isBusy whether chunks come faster than they are stored */
export function qualityFor({ header }: SealedChunk, isBusy: boolean): Quality {
  if (isBusy) return QUALITY.busy;
  const isFull = header.rawLength >= CHUNK_BYTES;
  return isFull && header.t1Us - header.t0Us < BULK_US ? QUALITY.bulk : QUALITY.calm;
}

/** Compresses lines on another thread; what doesn't get smaller stays as it is. */
export async function packLines(lines: Buffer, quality: Quality): Promise<PackedLines> {
  if (lines.length < MIN_PACKED_BYTES) return { codec: CODEC_PLAIN, data: lines };
  const data = await compress(lines, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: lines.length,
    },
  });
  if (data.length < lines.length) return { codec: CODEC_BROTLI, data };
  return { codec: CODEC_PLAIN, data: lines };
}

/**
 * The lines of a stored chunk. The row is not trusted: more than `rawLength` bytes are never made.
 * Rejects with `internal` for what can't be expanded to exactly that length.
 */
export async function unpackLines(packed: PackedLines, rawLength: number): Promise<Buffer> {
  const damaged = (why: string, cause?: unknown): SallyportError =>
    new SallyportError('internal', `a chunk can't be read: ${why}`, 'run sallyport verify', {
      cause,
    });
  if (rawLength > MAX_CHUNK_BYTES) throw damaged('it claims to be larger than any chunk');
  let lines: Buffer;
  if (packed.codec === CODEC_PLAIN) lines = packed.data;
  else if (packed.codec === CODEC_BROTLI) {
    try {
      lines = await expand(packed.data, { maxOutputLength: Math.max(rawLength, 1) });
    } catch (error) {
      throw damaged('its data is not what was compressed', error);
    }
  } else throw damaged(`its codec ${packed.codec} is unknown`);
  if (lines.length !== rawLength) throw damaged('its length is not the recorded one');
  return lines;
}
