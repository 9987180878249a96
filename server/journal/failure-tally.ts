/**
 * How failed sign-ins get into the journal when there are many: the first ones of a source in a minute each
 * as they are, the rest as one row with their number when the minute is over. Every failure is counted in
 * exactly one row. Pure but for the time that is passed in. Not caught here: what a process that is killed
 * has counted and not yet written, at most a minute's worth.
 */
import type { AuditEvent } from './event.ts';

/** Rows of one source, and of all together, that are written one by one in a minute. */
export const ROWS_PER_SOURCE = 20;
export const ROWS_IN_ALL = 600;
/** Sources that get a row of their own at the end of a minute; the others share one. */
export const COUNTED_SOURCES = 200;
export const TALLY_MS = 60_000;
const MANY = 'many sources';

interface Count {
  rows: number;
  counted: number;
  last: AuditEvent;
}

export class FailureTally {
  readonly #placeOf: (source: string) => string;
  readonly #sources = new Map<string, Count>();
  #sinceMs: number | null = null;
  #rows = 0;

  /** @param placeOf what counts as one source */
  constructor(placeOf: (source: string) => string) {
    this.#placeOf = placeOf;
  }

  /** @returns what is to be written now; null = it is counted */
  note(event: AuditEvent, nowMs: number): AuditEvent | null {
    this.#sinceMs ??= nowMs;
    const source = this.#placeOf(event.source ?? 'nowhere');
    const count = this.#countOf(source, event);
    if (count.rows < ROWS_PER_SOURCE && this.#rows < ROWS_IN_ALL) {
      count.rows += 1;
      this.#rows += 1;
      return event;
    }
    count.counted += 1;
    count.last = event;
    return null;
  }

  /** When `close` is due; null = nothing has failed. */
  get endsMs(): number | null {
    return this.#sinceMs === null ? null : this.#sinceMs + TALLY_MS;
  }

  /** Ends the minute. @returns the rows for what was only counted */
  close(): readonly AuditEvent[] {
    const since = new Date(this.#sinceMs ?? 0).toISOString();
    const rows = [...this.#sources]
      .filter(([, { counted }]) => counted > 0)
      .map(([source, { counted, last }]): AuditEvent => ({
        ...last,
        principal: null,
        source: source === MANY ? null : source,
        data: { ...last.data, count: counted, since, ...(source === MANY && { sources: MANY }) },
      }));
    this.#sources.clear();
    this.#sinceMs = null;
    this.#rows = 0;
    return rows;
  }

  #countOf(source: string, event: AuditEvent): Count {
    const isKnown = this.#sources.has(source) || this.#sources.size < COUNTED_SOURCES;
    const key = isKnown ? source : MANY;
    const count = this.#sources.get(key) ?? { rows: 0, counted: 0, last: event };
    this.#sources.set(key, count);
    return count;
  }
}
