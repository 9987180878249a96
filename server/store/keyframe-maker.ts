/**
 * Makes keyframes of recordings from their chunks, a slice at a time, and goes on where it stopped:
 * with what it keeps in memory, or from the newest stored keyframe.
 * Not caught here: when to do so; emulating a screen is work for a thread of its own.
 */
import type { Knex } from 'knex';
import { Played } from '../asciicast/played.ts';
import { SallyportError } from '../errors.ts';
import { Keyframer, SEGMENT_CHARS } from '../terminal/keyframe.ts';
import {
  firstPlacedKeyframe,
  newestKeyframe,
  storeKeyframes,
  type NewKeyframe,
} from './keyframes.ts';
import { isUuid } from './query-text.ts';
import { eventsIn, header, storedChunks } from './recording-reader.ts';

/** Event lines that are read in one slice. */
export const SLICE_BYTES = 4 * 1024 * 1024;
/** Recordings that are kept open; the one not used for longest is closed first. */
export const MAX_OPEN_RECORDINGS = 16;
/** Recordings whose size is remembered. */
export const MAX_KNOWN_SIZES = 10_000;

export type SliceOutcome =
  /** Everything that is stored has been seen. */
  | 'done'
  | 'more'
  /** There is no such session, or it is gone. */
  | 'gone';

interface Size {
  /** The last one that was counted. */
  chunk: number;
  bytes: number;
}

/** Another bastion makes the keyframes of its recordings itself. */
const FOREIGN: Size = { chunk: 0, bytes: 0 };

interface OpenRecording {
  readonly keyframer: Keyframer;
  readonly played: Played;
  /** Number of the next keyframe. */
  n: number;
  /** The next event. */
  chunk: number;
  event: number;
}

export interface MakerOptions {
  readonly segmentChars?: number;
  readonly sliceBytes?: number;
  /** Of whose running recordings `isDue` says something; the others are never due. */
  readonly instanceId: string;
}

export class KeyframeMaker {
  readonly #knex: Knex;
  readonly #segmentChars: number;
  readonly #sliceBytes: number;
  readonly #instanceId: string;
  /** In order of use. */
  readonly #open = new Map<string, OpenRecording>();
  /** Event lines behind the newest keyframe, as far as they were counted; in order of use. */
  readonly #sizes = new Map<string, Size>();

  constructor(knex: Knex, options: MakerOptions) {
    this.#knex = knex;
    this.#segmentChars = options.segmentChars ?? SEGMENT_CHARS;
    this.#instanceId = options.instanceId;
    this.#sliceBytes = options.sliceBytes ?? SLICE_BYTES;
  }

  /** Whether a recording of this bastion has grown enough for a keyframe; costs little when it has not. */
  async isDue(sessionId: string): Promise<boolean> {
    if (!isUuid(sessionId)) return false;
    const size = this.#sizes.get(sessionId) ?? (await this.#newSize(sessionId));
    if (size === FOREIGN) return false;
    const { rows } = await this.#knex.raw<{ rows: readonly { chunk: number; bytes: number }[] }>(
      `select coalesce(max(seq), 0)::int as chunk, coalesce(sum(raw_len), 0)::bigint as bytes
       from chunks where session_id = ? and seq > ?`,
      [sessionId, size.chunk],
    );
    const [found] = rows;
    if (found !== undefined && found.chunk > 0) {
      size.chunk = found.chunk;
      size.bytes += found.bytes;
    }
    remember(this.#sizes, sessionId, size, MAX_KNOWN_SIZES);
    return size.bytes >= this.#segmentChars;
  }

  /** Reads on for about SLICE_BYTES. Rejects with `internal` at a chunk that can't be read. */
  async slice(sessionId: string): Promise<SliceOutcome> {
    const open = this.#open.get(sessionId) ?? (await this.#load(sessionId));
    if (open === null) return 'gone';
    // Only what has worked to its end is kept.
    this.#open.delete(sessionId);
    const made: NewKeyframe[] = [];
    let bytes = 0;
    let outcome: SliceOutcome = 'done';
    try {
      for await (const chunk of storedChunks(this.#knex, sessionId, open.chunk)) {
        if (bytes >= this.#sliceBytes) {
          outcome = 'more';
          break;
        }
        bytes += chunk.lines.length;
        for (const { number, event } of eventsIn(chunk)) {
          if (number < open.event) continue;
          const afterReturn = open.played.endsWithReturn;
          const cut = open.keyframer.push(open.played.push(event));
          open.event = number + 1;
          if (cut === null) continue;
          const { keyframe, pauses: newPauses } = cut;
          const place = { chunk: chunk.header.seq, event: number };
          made.push({ n: open.n, keyframe, newPauses, afterReturn, ...place });
          open.n += 1;
        }
        open.chunk = chunk.header.seq + 1;
      }
      if (!(await storeKeyframes(this.#knex, sessionId, made))) outcome = 'gone';
    } catch (error) {
      open.keyframer.dispose();
      throw error;
    }
    this.#sizes.set(sessionId, { chunk: open.chunk - 1, bytes: open.keyframer.chars });
    if (outcome === 'gone') open.keyframer.dispose();
    else this.#keep(sessionId, open);
    return outcome;
  }

  async #newSize(sessionId: string): Promise<Size> {
    const row = await this.#knex<{ id: string; owner: string }>('sessions')
      .where('id', sessionId)
      .first('owner');
    if (row?.owner === this.#instanceId) return { chunk: 0, bytes: 0 };
    remember(this.#sizes, sessionId, FOREIGN, MAX_KNOWN_SIZES);
    return FOREIGN;
  }

  /** A recording won't be needed soon. */
  forget(sessionId: string): void {
    this.#open.get(sessionId)?.keyframer.dispose();
    this.#open.delete(sessionId);
    this.#sizes.delete(sessionId);
  }

  #keep(sessionId: string, open: OpenRecording): void {
    for (const dropped of remember(this.#open, sessionId, open, MAX_OPEN_RECORDINGS)) {
      dropped.keyframer.dispose();
    }
  }

  async #load(sessionId: string): Promise<OpenRecording | null> {
    const head = await header(this.#knex, sessionId);
    if (head === null) return null;
    const newest = await newestKeyframe(this.#knex, sessionId);
    const { keyframe, chunk, event, afterReturn } = newest?.placed ?? firstPlacedKeyframe(head);
    if (chunk < 1 || event < 1) {
      throw new SallyportError(
        'internal',
        'a keyframe stands nowhere',
        "delete the session's rows of the table keyframes",
      );
    }
    const keyframer = new Keyframer(keyframe, { segmentChars: this.#segmentChars });
    return {
      keyframer,
      played: new Played(head, afterReturn),
      n: (newest?.n ?? 0) + 1,
      chunk,
      event,
    };
  }
}

/** Makes `key` the newest entry; gives what had to go for it. */
function remember<T>(map: Map<string, T>, key: string, value: T, most: number): T[] {
  map.delete(key);
  map.set(key, value);
  const dropped: T[] = [];
  for (const [oldest, one] of map) {
    if (map.size <= most) break;
    map.delete(oldest);
    dropped.push(one);
  }
  return dropped;
}
