/**
 * What auditors say of sessions: the mark that one was reviewed, and notes. Rows are only ever added, each
 * with its entry in the journal in one transaction; a mark is taken back by another row. Who may say
 * something is the caller's to know; that it isn't their own session is checked here.
 */
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import { isUuid } from './query-text.ts';
import { storable } from './storable.ts';

export const MAX_NOTE_CHARACTERS = 2000;
/** Of one session. */
export const MAX_NOTES = 500;
export const MAX_REVIEWS = 500;
const LAST_NUMBER = 2 ** 31 - 1;

/** Times in ISO 8601. */
export interface ReviewObject {
  readonly kind: 'reviewed' | 'withdrawn';
  readonly at: string;
  readonly by: string;
}

export interface NoteObject {
  readonly number: number;
  readonly command: number | null;
  readonly at: string;
  readonly by: string;
  readonly text: string;
}

/** Who says it, and of which session. */
export interface Said {
  readonly session: string;
  readonly by: string;
  readonly source: string | null;
}

export type Unsaid =
  { readonly kind: 'unknown' } | { readonly kind: 'own' } | { readonly kind: 'too-many' };

export type ReviewOutcome =
  | { readonly kind: 'written'; readonly isNew: boolean; readonly reviewed: ReviewObject | null }
  | { readonly kind: 'running' }
  | Unsaid;

export type NoteOutcome =
  | { readonly kind: 'written'; readonly note: NoteObject }
  | { readonly kind: 'no-command' }
  | Unsaid;

export interface StoredReviews {
  /** Oldest first; the last one counts. */
  reviewsOf(sessionId: string): Promise<readonly ReviewObject[]>;
  /** Oldest first. */
  notesOf(sessionId: string): Promise<readonly NoteObject[]>;
  /** Rejects with `journal.failed`; then nothing is written. */
  review(asked: Said & { readonly kind: ReviewObject['kind'] }): Promise<ReviewOutcome>;
  /** Rejects with `usage.invalid` for an empty or too long text, and with `journal.failed`. */
  note(
    asked: Said & { readonly command: number | null; readonly text: string },
  ): Promise<NoteOutcome>;
}

interface ReviewRow {
  readonly session_id: string;
  readonly seq: number;
  readonly kind: ReviewObject['kind'];
  readonly at: Date;
  readonly by_name: string;
}

interface NoteRow extends Omit<ReviewRow, 'kind'> {
  readonly command_seq: number | null;
  readonly text: string;
}

interface Reviewed {
  readonly principal: string;
  readonly target: string;
  readonly status: string;
  readonly deleting_at: Date | null;
}

/** Why nothing is written; never leaves this file. */
class Unwritten<Outcome> extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('nothing is written');
    this.outcome = outcome;
  }
}

export function createReviews(options: {
  readonly database: Pick<Database, 'knex'>;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}): StoredReviews {
  const { clock, database, journal } = options;
  const { knex } = database;

  /** Writes the event and what `write` does together, with the session's row locked meanwhile. */
  async function said<Outcome>(
    { by, session, source }: Said,
    type: AuditEvent['type'],
    data: AuditEvent['data'],
    write: (trx: Knex, row: Reviewed) => Promise<Outcome>,
  ): Promise<Outcome | Unsaid> {
    const known = await sessionOf(knex, session, false);
    if (known === null) return { kind: 'unknown' };
    if (known.principal === by) return { kind: 'own' };
    const { principal: owner, target } = known;
    const event = { type, principal: by, source, session, target, data: { owner, ...data } };
    let outcome: Outcome | null = null;
    try {
      await journal.appendWith([event], async (trx) => {
        // Retention locks the row as well: what it deletes gets no more rows.
        const row = await sessionOf(trx, session, true);
        if (row === null) throw new Unwritten<Unsaid>({ kind: 'unknown' });
        outcome = await write(trx, row);
      });
    } catch (error) {
      if (error instanceof Unwritten) return error.outcome as Outcome | Unsaid;
      throw error;
    }
    if (outcome !== null) return outcome;
    throw new SallyportError('internal', 'what was said left no row', 'report this as a bug');
  }

  return {
    reviewsOf: async (id) =>
      isUuid(id) ? (await rowsOf<ReviewRow>(knex, 'session_reviews', id)).map(reviewObject) : [],
    notesOf: async (id) =>
      isUuid(id) ? (await rowsOf<NoteRow>(knex, 'session_notes', id)).map(noteObject) : [],
    review: ({ kind, ...asked }) => {
      const type = kind === 'reviewed' ? 'session.reviewed' : 'session.review-withdrawn';
      return said<ReviewOutcome>(asked, type, {}, async (trx, { status }) => {
        if (status === 'active') throw new Unwritten<ReviewOutcome>({ kind: 'running' });
        const rows = await rowsOf<ReviewRow>(trx, 'session_reviews', asked.session);
        const last = rows.at(-1);
        const isSo = (last?.kind ?? 'withdrawn') === kind;
        if (isSo) {
          const reviewed = last === undefined ? null : countedOf(last);
          throw new Unwritten<ReviewOutcome>({ kind: 'written', isNew: false, reviewed });
        }
        if (rows.length >= MAX_REVIEWS) throw new Unwritten<ReviewOutcome>({ kind: 'too-many' });
        const row = { ...placeOf(asked, rows), kind };
        await trx('session_reviews').insert(row);
        return { kind: 'written', isNew: true, reviewed: countedOf(row) };
      });
    },
    note: async ({ command, ...asked }) => {
      const text = noteText(asked.text);
      const isNumber = command === null || (command > 0 && command <= LAST_NUMBER);
      if (!isNumber) return { kind: 'no-command' };
      return said<NoteOutcome>(asked, 'session.noted', { command, text }, async (trx) => {
        const rows = await rowsOf<NoteRow>(trx, 'session_notes', asked.session);
        if (rows.length >= MAX_NOTES) throw new Unwritten<NoteOutcome>({ kind: 'too-many' });
        if (command !== null) {
          const place = { session_id: asked.session, seq: command };
          const found = await trx('commands').where(place).first('seq');
          if (found === undefined) throw new Unwritten<NoteOutcome>({ kind: 'no-command' });
        }
        const row = { ...placeOf(asked, rows), command_seq: command, text };
        await trx('session_notes').insert(row);
        return { kind: 'written', note: noteObject(row) };
      });
    },
  };

  function placeOf({ by, session }: Said, rows: readonly { readonly seq: number }[]) {
    const seq = (rows.at(-1)?.seq ?? 0) + 1;
    return { session_id: session, seq, at: new Date(clock.nowMs()), by_name: storable(by) };
  }
}

function noteText(text: string): string {
  const kept = storable(text.replaceAll('\r\n', '\n').trim());
  if (kept !== '' && kept.length <= MAX_NOTE_CHARACTERS) return kept;
  throw new SallyportError(
    'usage.invalid',
    kept === '' ? 'the note is empty' : 'the note is too long',
    `write at most ${MAX_NOTE_CHARACTERS} characters; a longer one can be split into several`,
  );
}

async function sessionOf(knex: Knex, id: string, lock: boolean): Promise<Reviewed | null> {
  if (!isUuid(id)) return null;
  const row = await knex('sessions')
    .where('id', id)
    .modify((query) => lock && void query.forUpdate())
    .first<Reviewed | undefined>('principal', 'target', 'status', 'deleting_at');
  return row === undefined || row.deleting_at !== null ? null : row;
}

function rowsOf<Row extends { readonly seq: number }>(
  knex: Knex,
  table: 'session_reviews' | 'session_notes',
  sessionId: string,
): Promise<Row[]> {
  return knex(table).where('session_id', sessionId).orderBy('seq');
}

function countedOf(row: ReviewRow): ReviewObject | null {
  return row.kind === 'reviewed' ? reviewObject(row) : null;
}

function reviewObject({ at, by_name: by, kind }: ReviewRow): ReviewObject {
  return { kind, at: at.toISOString(), by };
}

function noteObject(row: NoteRow): NoteObject {
  const { at, by_name: by, command_seq: command, seq, text } = row;
  return { number: seq, command, at: at.toISOString(), by, text };
}
