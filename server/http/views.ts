/**
 * Journals who reads whose recording, before the first byte is read. One entry for each look: the page,
 * its segments and its commands, read by the same principal within the window, are one look.
 */
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { AuditWriter, SessionView } from './ports.ts';

/** Reads of one session by one principal, none further apart than this, are one look. */
export const LOOK_WINDOW_MS = 15 * 60_000;
/** Remembered looks; the oldest is forgotten first, which costs one more journal entry. */
export const MAX_LOOKS = 10_000;

interface Look {
  lastMs: number;
  readonly journalled: Promise<void>;
}

export class Views {
  readonly #audit: AuditWriter;
  readonly #clock: Clock;
  readonly #looks = new Map<string, Look>();

  constructor(audit: AuditWriter, clock: Clock) {
    this.#audit = audit;
    this.#clock = clock;
  }

  /** Resolves when the look is in the journal; one's own session needs no entry. */
  async looked(principal: Principal, session: SessionView, source: string): Promise<void> {
    if (session.principal.name === principal.name) return;
    const key = `${principal.id} ${session.id}`;
    const nowMs = this.#clock.nowMs();
    const known = this.#looks.get(key);
    if (known !== undefined && nowMs - known.lastMs < LOOK_WINDOW_MS) {
      known.lastMs = nowMs;
      return known.journalled;
    }
    const journalled = this.#audit.append({
      type: 'recording.viewed',
      principal: principal.name,
      source,
      session: session.id,
      target: session.target,
      data: { owner: session.principal.name },
    });
    this.#looks.delete(key);
    this.#looks.set(key, { lastMs: nowMs, journalled });
    const oldest = this.#looks.keys().next();
    if (this.#looks.size > MAX_LOOKS && oldest.done !== true) this.#looks.delete(oldest.value);
    try {
      await journalled;
    } catch (error) {
      this.#looks.delete(key);
      throw error;
    }
  }

  /** Resolves when the export is in the journal. Also one's own: the copy leaves this system. */
  async exported(
    principal: Principal,
    session: SessionView,
    source: string,
    format: string,
  ): Promise<void> {
    await this.#audit.append({
      type: 'recording.exported',
      principal: principal.name,
      source,
      session: session.id,
      target: session.target,
      data: { owner: session.principal.name, format },
    });
  }
}
