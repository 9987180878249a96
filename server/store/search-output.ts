/**
 * Reads what sessions have printed since it was last asked, as entries of the search. Sessions that run
 * are kept open, because their text depends on what came before; others are read again from the start.
 */
import type { Knex } from 'knex';
import { SallyportError } from '../errors.ts';
import type { Verdict } from '../policy/decision.ts';
import { eventsIn, storedChunks } from './recording-reader.ts';
import type { EntrySession, SearchEntry } from './search-block.ts';
import { TextPieces } from './search-text.ts';

/** Text of one session that can be searched; the rest of it can't, and answers say so. */
export const MAX_SESSION_CHARACTERS = 4 * 1024 * 1024;
/** Recorded bytes of one session that are read for it: a flood of repaints has little text. */
export const MAX_SESSION_BYTES = 128 * 1024 * 1024;
/** Sessions that are kept open; the one not used for longest is closed first. */
export const MAX_OPEN_TEXTS = 256;
/** Reading so many recorded bytes is as much work as one character of new text. */
const BYTES_PER_CHARACTER = 4;

export interface OutputPlace extends EntrySession {
  readonly startedMs: number;
  readonly ended: boolean;
  readonly cols: number;
  readonly chunks: number;
  readonly pieces: number;
  readonly characters: number;
}

export interface ReadOutput {
  readonly entries: readonly SearchEntry[];
  readonly chunks: number;
  readonly pieces: number;
  readonly characters: number;
  readonly cutAtMs: number | null;
  readonly hasMore: boolean;
  /** What it took, in characters. */
  readonly cost: number;
}

interface OpenText {
  readonly pieces: TextPieces;
  /** Chunks that went in. */
  chunks: number;
  bytes: number;
  lastUs: number;
  /** The last command that had output. */
  seq: number;
}

export interface OutputLimits {
  readonly sessionCharacters: number;
  readonly sessionBytes: number;
}

export const OUTPUT_LIMITS: OutputLimits = {
  sessionCharacters: MAX_SESSION_CHARACTERS,
  sessionBytes: MAX_SESSION_BYTES,
};

export class OutputReader {
  readonly #limits: OutputLimits;
  /** In order of use. */
  readonly #open = new Map<string, OpenText>();

  constructor(limits: OutputLimits) {
    this.#limits = limits;
  }

  /**
   * @param newest the last chunk that is there
   * @param budget characters, in one go; a chunk may go beyond
   */
  async read(knex: Knex, place: OutputPlace, newest: number, budget: number): Promise<ReadOutput> {
    const open = this.#take(place);
    const commands = await decidedCommands(knex, place.id, open.seq);
    const entries: SearchEntry[] = [];
    let { pieces, characters } = place;
    let cutAtMs: number | null = null;
    let cost = 0;
    const collect = (): void => {
      for (const piece of open.pieces.take()) {
        if (piece.n <= pieces || cutAtMs !== null) continue;
        const atMs = place.startedMs + Math.floor(piece.atUs / 1000);
        if (characters >= this.#limits.sessionCharacters) {
          cutAtMs = atMs;
          continue;
        }
        const { seq, decision } = commandAt(commands, piece.atUs);
        open.seq = Math.max(open.seq, seq);
        entries.push({ session: place, n: piece.n, seq, atMs, decision, text: piece.text });
        pieces = piece.n;
        characters += piece.text.length;
        cost += piece.text.length;
      }
    };
    const cut = (): void => {
      cutAtMs ??= place.startedMs + Math.floor(open.lastUs / 1000);
    };
    try {
      for await (const chunk of storedChunks(knex, place.id, open.chunks + 1)) {
        for (const { event } of eventsIn(chunk)) {
          open.pieces.push(event);
          open.lastUs = event.atUs;
        }
        open.chunks = chunk.header.seq;
        open.bytes += chunk.header.rawLength;
        cost += chunk.header.rawLength / BYTES_PER_CHARACTER;
        collect();
        if (open.bytes >= this.#limits.sessionBytes) cut();
        // Never beyond what was there when the session's own row was read.
        if (cutAtMs !== null || open.chunks >= newest || cost >= budget) break;
      }
    } catch (error) {
      // A chunk that somebody edited must not keep all others out of the search.
      if (!(error instanceof SallyportError && error.code === 'internal')) throw error;
      collect();
      cut();
    }
    const hasMore = cutAtMs === null && open.chunks < newest && cost > 0;
    if (place.ended && !hasMore && cutAtMs === null) {
      open.pieces.end(open.lastUs);
      collect();
    }
    if (cutAtMs === null) this.#keep(place.id, open);
    return { entries, chunks: open.chunks, pieces, characters, cutAtMs, hasMore, cost };
  }

  forget(sessionId: string): void {
    this.#open.delete(sessionId);
  }

  clear(): void {
    this.#open.clear();
  }

  /** What is kept fits only what is stored: otherwise it is read again. */
  #take(place: OutputPlace): OpenText {
    const kept = this.#open.get(place.id);
    this.#open.delete(place.id);
    if (kept?.chunks === place.chunks && place.chunks > 0) return kept;
    return { pieces: new TextPieces(place.cols), chunks: 0, bytes: 0, lastUs: 0, seq: 0 };
  }

  #keep(id: string, open: OpenText): void {
    this.#open.set(id, open);
    const oldest = this.#open.keys().next();
    if (this.#open.size > MAX_OPEN_TEXTS && oldest.done !== true) this.#open.delete(oldest.value);
  }
}

interface CommandPlace {
  readonly seq: number;
  readonly at_us: number;
  readonly verdict: Verdict;
}

/** @param from the first one that is wanted; those before have no more output */
async function decidedCommands(
  knex: Knex,
  id: string,
  from: number,
): Promise<readonly CommandPlace[]> {
  const { rows } = await knex.raw<{ rows: readonly CommandPlace[] }>(
    'select seq, at_us, verdict from commands where session_id = ? and seq >= ? order by at_us, seq',
    [id, from],
  );
  return rows;
}

/** The command that was the last one then. */
function commandAt(
  commands: readonly CommandPlace[],
  atUs: number,
): { readonly seq: number; readonly decision: Verdict | null } {
  let low = 0;
  let high = commands.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((commands[middle]?.at_us ?? 0) <= atUs) low = middle + 1;
    else high = middle;
  }
  const found = commands[low - 1];
  return found === undefined
    ? { seq: 0, decision: null }
    : { seq: found.seq, decision: found.verdict };
}
