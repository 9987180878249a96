/**
 * What people do to running sessions, whichever process runs them: a row, its event in the journal and a
 * notification in one transaction, and only then an effect. Notifications are hints; rows say what is asked,
 * so that one that got lost delays and drops nothing.
 */
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { AuditEvent, EventType } from '../journal/event.ts';
import type { Logger } from '../log.ts';
import type { ControlRequest, Controls } from '../session/ports.ts';
import { codeOf } from './connect.ts';
import type { Database } from './database.ts';
import { SESSIONS_CHANNEL } from './head-row.ts';
import type { StoredJournal } from './journal.ts';
import { isUuid } from './query-text.ts';
import { storable } from './storable.ts';

/** Notified with the id of a session of which something is asked. */
export const CONTROLS_CHANNEL = 'sallyport_controls';
export const MAX_NAME_CHARACTERS = 200;
/** Of a notice, and of a reason. */
export const MAX_WORDS_CHARACTERS = 500;
/** A pause that lasts longer ends the session. */
export const MAX_PAUSE_MS = 15 * 60_000;
/** So much may be done to one session; a termination is always one more. */
export const MAX_CONTROLS_PER_SESSION = 1000;
const UNIQUE_VIOLATION = '23505';
const MAX_ATTEMPTS = 5;
/** Rows that couldn't be read are looked for again after this. */
const RETRY_MS = 500;

export type ControlKind = ControlRequest['kind'];

/** Who asks, and why. */
export interface ControlAsked {
  readonly session: string;
  readonly kind: ControlKind;
  /** Name of the principal, or `cli:USER`. */
  readonly by: string;
  /** null = nobody who has signed in. */
  readonly principal: string | null;
  readonly source: string | null;
  /** The notice's text, or a reason. */
  readonly words: string | null;
}

/** One thing that was done; times in ISO 8601. */
export interface ControlObject {
  readonly seq: number;
  readonly kind: ControlKind;
  readonly at: string;
  readonly by: string;
  /** Of a notice its text, else the reason. */
  readonly words: string | null;
  /** When a pause ends the session. */
  readonly until: string | null;
}

/** How a session stands after all that was done. */
export interface ControlState {
  /** null = it isn't paused. */
  readonly pause: ControlObject | null;
  /** It was told to end. */
  readonly isEnding: boolean;
}

export type ControlOutcome =
  /** `isNew`: false = it was so already, and nothing was written. */
  | { readonly kind: 'asked'; readonly isNew: boolean; readonly state: ControlState }
  | { readonly kind: 'over' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'too-many' };

export interface StoredControls extends Controls {
  /** Commits, journals and announces it. Rejects with `journal.failed`; then nothing is done. */
  ask(asked: ControlAsked): Promise<ControlOutcome>;
  /** All that was done to a session, oldest first. */
  controlsOf(sessionId: string): Promise<readonly ControlObject[]>;
}

interface ControlRow {
  readonly session_id: string;
  readonly seq: number;
  readonly kind: ControlKind;
  readonly at: Date;
  readonly by_name: string;
  readonly words: string | null;
  readonly until: Date | null;
}

const EVENTS = {
  notice: 'session.noticed',
  pause: 'session.paused',
  resume: 'session.resumed',
  terminate: 'session.terminated',
} as const satisfies Record<ControlKind, EventType>;

/** How a session stands, from what was done to it, oldest first. */
export function stateOf(done: readonly ControlObject[]): ControlState {
  const last = done.findLast(({ kind }) => kind === 'pause' || kind === 'resume');
  const isEnding = done.some(({ kind }) => kind === 'terminate');
  return { pause: last?.kind === 'pause' ? last : null, isEnding };
}

/** Why nothing is written; never leaves this file. */
class Unwritten extends Error {
  readonly outcome: ControlOutcome;

  constructor(outcome: ControlOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

export function createControls(options: {
  readonly database: Database;
  readonly journal: Pick<StoredJournal, 'appendWith'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
}): StoredControls {
  return new StoredControlsOf(options);
}

class StoredControlsOf implements StoredControls {
  readonly #database: Database;
  readonly #journal: Pick<StoredJournal, 'appendWith'>;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #logger: Logger;
  readonly #watchers = new Map<string, Watcher>();
  #isListening = false;

  constructor(options: Parameters<typeof createControls>[0]) {
    this.#database = options.database;
    this.#journal = options.journal;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  watch(sessionId: string, onRequest: (request: ControlRequest) => void): () => void {
    const watcher = new Watcher(
      async (seq) => (await rowsOf(this.#database.knex, sessionId, seq)).map(controlObject),
      onRequest,
      (error) =>
        this.#logger.warn('controls.not-read', { session: sessionId, why: messageOf(error) }),
    );
    this.#watchers.set(sessionId, watcher);
    if (!this.#isListening) {
      this.#isListening = true;
      const look = (session: string): void => {
        if (session === '') void this.#lookAtAll();
        else this.#watchers.get(session)?.look();
      };
      // What was asked before anybody listened is looked for then.
      void this.#database.listen(CONTROLS_CHANNEL, look).then(() => look(''));
    }
    return () => {
      watcher.stop();
      if (this.#watchers.get(sessionId) === watcher) this.#watchers.delete(sessionId);
    };
  }

  /** Notifications may have been missed: one question for all sessions. */
  async #lookAtAll(): Promise<void> {
    const sessions = [...this.#watchers.keys()];
    if (sessions.length === 0) return;
    try {
      type Row = { readonly session_id: string };
      const { rows } = await this.#database.knex.raw<{ rows: readonly Row[] }>(
        'select distinct session_id from session_controls where session_id = any(?::uuid[])',
        [sessions],
      );
      for (const row of rows) this.#watchers.get(row.session_id)?.look();
    } catch (error) {
      this.#logger.warn('controls.not-read', { why: messageOf(error) });
      setTimeout(() => void this.#lookAtAll(), RETRY_MS).unref();
    }
  }

  async ask(asked: ControlAsked): Promise<ControlOutcome> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#askOnce(asked);
      } catch (error) {
        // Somebody else has just asked something of the same session.
        if (codeOf(error) !== UNIQUE_VIOLATION || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #askOnce(asked: ControlAsked): Promise<ControlOutcome> {
    const { by, kind, principal, session, source } = asked;
    if (!isUuid(session)) return { kind: 'unknown' };
    const target = await sessionRow(this.#database.knex, session);
    if (target === null) return { kind: 'unknown' };
    const words = asked.words === null ? null : asked.words.slice(0, MAX_WORDS_CHARACTERS);
    const nowMs = this.#clock.nowMs();
    const until = kind === 'pause' ? new Date(nowMs + MAX_PAUSE_MS) : null;
    const named = kind === 'notice' ? { text: words } : { reason: words };
    const event: AuditEvent = {
      type: EVENTS[kind],
      principal,
      source,
      session,
      target: target.target,
      data: {
        by,
        owner: target.principal,
        ...named,
        ...(until !== null && { until: until.toISOString() }),
      },
    };
    let state: ControlState | null = null;
    try {
      await this.#journal.appendWith([event], async (trx) => {
        const now = await sessionRow(trx, session);
        if (now?.status !== 'active') throw new Unwritten({ kind: 'over' });
        const done = (await rowsOf(trx, session, 0)).map(controlObject);
        const before = stateOf(done);
        if (isAlready(kind, before)) {
          throw new Unwritten({ kind: 'asked', isNew: false, state: before });
        }
        if (done.length >= MAX_CONTROLS_PER_SESSION && kind !== 'terminate') {
          throw new Unwritten({ kind: 'too-many' });
        }
        const row: ControlRow = {
          session_id: session,
          seq: (done.at(-1)?.seq ?? 0) + 1,
          kind,
          at: new Date(nowMs),
          by_name: storable(by.slice(0, MAX_NAME_CHARACTERS)),
          words: words === null ? null : storable(words),
          until,
        };
        await trx('session_controls').insert(row);
        await notify(trx, session);
        state = stateOf([...done, controlObject(row)]);
      });
    } catch (error) {
      if (!(error instanceof Unwritten)) throw error;
      // Should whoever runs it not have heard of it yet.
      if (error.outcome.kind === 'asked') await notify(this.#database.knex, session);
      return error.outcome;
    }
    if (state !== null) return { kind: 'asked', isNew: true, state };
    throw new SallyportError('internal', 'a request of a session left no state', 'report this');
  }

  async pauseIsOver(sessionId: string, seq: number): Promise<boolean> {
    const { isEnding, pause } = stateOf(await this.controlsOf(sessionId));
    if (pause?.seq !== seq) return isEnding;
    const minutes = Math.round(MAX_PAUSE_MS / 60_000);
    await this.ask({
      session: sessionId,
      kind: 'terminate',
      by: 'sallyport',
      principal: null,
      source: null,
      words: `paused by ${pause.by} for more than ${minutes} minutes`,
    });
    return true;
  }

  async controlsOf(sessionId: string): Promise<readonly ControlObject[]> {
    if (!isUuid(sessionId)) return [];
    return (await rowsOf(this.#database.knex, sessionId, 0)).map(controlObject);
  }
}

/** Whether asking for it changes nothing. */
function isAlready(kind: ControlKind, { isEnding, pause }: ControlState): boolean {
  if (isEnding) return true;
  if (kind === 'pause') return pause !== null;
  return kind === 'resume' && pause === null;
}

/** One session in this process: hands over each row once, in order. */
class Watcher {
  readonly #read: (afterSeq: number) => Promise<readonly ControlObject[]>;
  readonly #onRequest: (request: ControlRequest) => void;
  readonly #onFailure: (error: unknown) => void;
  #seq = 0;
  #isReading = false;
  #hasNews = false;
  #isOver = false;

  constructor(
    read: (afterSeq: number) => Promise<readonly ControlObject[]>,
    onRequest: (request: ControlRequest) => void,
    onFailure: (error: unknown) => void,
  ) {
    this.#read = read;
    this.#onRequest = onRequest;
    this.#onFailure = onFailure;
  }

  /** There may be rows. */
  look(): void {
    this.#hasNews = true;
    if (!this.#isReading) void this.#readAll();
  }

  stop(): void {
    this.#isOver = true;
  }

  async #readAll(): Promise<void> {
    this.#isReading = true;
    while (this.#hasNews && !this.#isOver) {
      this.#hasNews = false;
      try {
        for (const one of await this.#read(this.#seq)) {
          this.#seq = one.seq;
          if (!this.#isOver) this.#onRequest(requestOf(one));
        }
      } catch (error) {
        this.#onFailure(error);
        this.#hasNews = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.#isReading = false;
  }
}

function requestOf({ at, by, kind, seq, until, words }: ControlObject): ControlRequest {
  switch (kind) {
    case 'notice':
      return { kind, by, text: words ?? '' };
    case 'pause':
      // As long as was asked for, whatever the clock of this machine says.
      return { kind, by, seq, reason: words, forMs: Date.parse(until ?? at) - Date.parse(at) };
    case 'resume':
    case 'terminate':
      return { kind, by, reason: words };
  }
}

function rowsOf(knex: Knex, session: string, afterSeq: number): Promise<readonly ControlRow[]> {
  return knex<ControlRow>('session_controls')
    .where('session_id', session)
    .where('seq', '>', afterSeq)
    .orderBy('seq');
}

async function notify(knex: Knex, session: string): Promise<void> {
  await knex.raw('select pg_notify(channel, ?) from unnest(?::text[]) as channel', [
    session,
    [CONTROLS_CHANNEL, SESSIONS_CHANNEL],
  ]);
}

async function sessionRow(knex: Knex, session: string) {
  type Row = { readonly status: string; readonly principal: string; readonly target: string };
  const row = await knex('sessions').where('id', session).first<Row | undefined>();
  return row ?? null;
}

function controlObject(row: ControlRow): ControlObject {
  return {
    seq: row.seq,
    kind: row.kind,
    at: row.at.toISOString(),
    by: row.by_name,
    words: row.words,
    until: row.until?.toISOString() ?? null,
  };
}
