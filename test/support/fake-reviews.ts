/** Marks and notes of auditors, in memory. */
import type {
  NoteOutcome,
  NoteView,
  ReviewDesk,
  ReviewOutcome,
  ReviewView,
  Unsaid,
} from '../../server/http/review-ports.ts';
import type { FakeRecordings, KeptSession } from './http-fakes.ts';

export class FakeReviews implements ReviewDesk {
  readonly #recordings: FakeRecordings;
  readonly #clock: { nowMs(): number };
  readonly #reviews = new Map<string, ReviewView[]>();
  readonly #notes = new Map<string, NoteView[]>();

  constructor(recordings: FakeRecordings, clock: { nowMs(): number }) {
    this.#recordings = recordings;
    this.#clock = clock;
  }

  async reviewsOf(session: string): Promise<readonly ReviewView[]> {
    return this.#reviews.get(session) ?? [];
  }

  async notesOf(session: string): Promise<readonly NoteView[]> {
    return this.#notes.get(session) ?? [];
  }

  async review({ by, kind, session }: Parameters<ReviewDesk['review']>[0]): Promise<ReviewOutcome> {
    const kept = this.#other(session, by);
    if (!('view' in kept)) return kept;
    if (kept.view.status === 'active') return { kind: 'running' };
    const history = this.#reviews.get(session) ?? [];
    const isNew = (history.at(-1)?.kind ?? 'withdrawn') !== kind;
    if (isNew) history.push({ kind, by, at: this.#now() });
    this.#reviews.set(session, history);
    const last = history.at(-1);
    const reviewed = last?.kind === 'reviewed' ? last : null;
    Object.assign(kept.view, { reviewed: reviewed && { by: reviewed.by, at: reviewed.at } });
    return { kind: 'written', isNew, reviewed };
  }

  async note(asked: Parameters<ReviewDesk['note']>[0]): Promise<NoteOutcome> {
    const { by, command, session, text } = asked;
    const kept = this.#other(session, by);
    if (!('view' in kept)) return kept;
    const isThere = command === null || kept.commands.some(({ seq }) => seq === command);
    if (!isThere) return { kind: 'no-command' };
    const notes = this.#notes.get(session) ?? [];
    const note = { number: notes.length + 1, command, at: this.#now(), by, text };
    this.#notes.set(session, [...notes, note]);
    return { kind: 'written', note };
  }

  #other(session: string, by: string): KeptSession | Unsaid {
    const kept = this.#recordings.kept.find(({ view }) => view.id === session);
    if (kept === undefined) return { kind: 'unknown' };
    return kept.view.principal.name === by ? { kind: 'own' } : kept;
  }

  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString();
  }
}
