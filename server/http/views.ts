/**
 * Journals who reads whose recording, before the first byte is read. One entry for each look: the page,
 * its segments and its commands, read by the same principal within the window, are one look.
 */
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { AuditEvent, JsonValue } from '../journal/event.ts';
import type { AuditWriter, SessionView } from './ports.ts';

/** Reads of one session by one principal, none further apart than this, are one look. */
export const LOOK_WINDOW_MS = 15 * 60_000;
/** Whoever looks on and on is written down again after this. */
export const MAX_LOOK_MS = 60 * 60_000;
/** Remembered looks; the oldest is forgotten first, which costs one more journal entry. */
export const MAX_LOOKS = 10_000;
/** What was asked for with more filters than this is not remembered: each time is a look of its own. */
const MAX_REMEMBERED_CHARACTERS = 500;

interface Look {
  readonly firstMs: number;
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
    await this.#once(`${principal.id} ${session.id}`, {
      type: 'recording.viewed',
      principal: principal.name,
      source,
      session: session.id,
      target: session.target,
      data: { owner: session.principal.name },
    });
  }

  /** Resolves when it is in the journal that somebody looked for texts in what others did. */
  async searched(
    principal: Principal,
    source: string,
    asked: { readonly [name: string]: JsonValue } & { readonly target?: string },
  ): Promise<void> {
    await this.#audit.append({
      type: 'recording.viewed',
      principal: principal.name,
      source,
      session: null,
      target: asked.target ?? null,
      data: { what: 'search', ...asked },
    });
  }

  /** Resolves when it is in the journal that somebody reads it: it holds what others typed. */
  async readJournal(
    principal: Principal,
    source: string,
    asked: { readonly [name: string]: JsonValue },
  ): Promise<void> {
    await this.#once(`${principal.id} journal ${JSON.stringify(asked)}`, {
      type: 'journal.read',
      principal: principal.name,
      source,
      session: null,
      target: null,
      data: asked,
    });
  }

  async #once(key: string, event: AuditEvent): Promise<void> {
    if (key.length > MAX_REMEMBERED_CHARACTERS) return this.#audit.append(event);
    const nowMs = this.#clock.nowMs();
    const known = this.#looks.get(key);
    const isRecent = known !== undefined && nowMs - known.lastMs < LOOK_WINDOW_MS;
    if (isRecent && nowMs - known.firstMs < MAX_LOOK_MS) {
      known.lastMs = nowMs;
      return known.journalled;
    }
    const journalled = this.#audit.append(event);
    this.#looks.delete(key);
    this.#looks.set(key, { firstMs: nowMs, lastMs: nowMs, journalled });
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
