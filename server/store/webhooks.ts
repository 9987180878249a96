/**
 * Tells receivers of events, at least once each, from the journal itself: what was committed is told, also
 * after a crash, and nobody who works waits for it. One process sends at a time. Not caught here: a receiver
 * that gets a message and dies before it has kept it.
 */
import type { Knex } from 'knex';
import type { WebhookEntry } from '../access/directory.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { JournalEntry } from '../journal/event.ts';
import { eventName, isNamedEvent } from '../journal/webhook-events.ts';
import { webhookBody } from '../journal/webhook-message.ts';
import type { Logger } from '../log.ts';
import type { Database } from './database.ts';
import { DIRECTORY_CHANNEL } from './directory-change.ts';
import { JOURNAL_CHANNEL, type StoredJournal } from './journal.ts';
import { post, readKey, signedHeaders, type PostOutcome } from './webhook-post.ts';

/** Any number that no other advisory lock of ours uses. */
const SENDING_LOCK = 0x53_41_0e;
/** How often it looks without being told, and how soon after a failure of the database. */
const LOOK_EVERY_MS = 15_000;
const RETRY_MS = 2_000;
/** Entries of the journal that are looked at in one step, and messages that one receiver gets in one. */
const SCAN_ENTRIES = 500;
const SEND_MESSAGES = 20;
/** Messages that wait for one receiver; the journal keeps the rest meanwhile. */
export const MAX_WAITING_MESSAGES = 10_000;
/** Messages that are kept although nobody wants them; then the oldest go. */
const MAX_DEAD_MESSAGES = 1_000;
/** The wait after each failure of a message; after the last it is given up. */
export const RETRY_AFTER_MS: readonly number[] = [
  5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 28_800_000,
];
/** How long a receiver that doesn't answer is left alone: doubled from the first to the second. */
const REST_MS = { first: 1_000, most: 60_000 } as const;
const MAX_ASKED_REST_MS = 600_000;
/** A wait is made so much longer at most, so that what failed together isn't tried together. */
const JITTER = 0.25;
const MAX_WHY_CHARACTERS = 300;

export interface WebhookCounts {
  readonly waiting: number;
  readonly dead: number;
}

export interface WebhooksOptions {
  readonly database: Pick<Database, 'knex' | 'listen'>;
  readonly journal: Pick<StoredJournal, 'append'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly logger: Logger;
  /** Where browsers reach the web server, without a final slash. */
  readonly publicUrl: () => string;
  /** A variable of the environment; null = it isn't set. */
  readonly variable: (name: string) => string | null;
  /** Left out = RETRY_AFTER_MS. */
  readonly retryAfterMs?: readonly number[];
  readonly timeoutMs?: number;
  /** From 0 to 1. */
  readonly chance: () => number;
}

export interface WebhookState {
  readonly name: string;
  readonly waiting: number;
  readonly dead: number;
  readonly lastError: string | null;
}

/** What waits for each receiver, for `doctor`. */
export async function webhookStates({
  knex,
}: Pick<Database, 'knex'>): Promise<readonly WebhookState[]> {
  const { rows } = await knex.raw<{ rows: readonly WebhookState[] }>(
    `select name, last_error as "lastError",
       count(seq) filter (where dead_at is null)::int as waiting,
       count(seq) filter (where dead_at is not null)::int as dead
     from webhooks left join (select webhook, seq, dead_at from webhook_deliveries) as kept
       on kept.webhook = name
     group by name, webhooks.last_error order by name`,
  );
  return rows;
}

interface HookRow extends Omit<WebhookEntry, 'secretEnv'> {
  readonly secret_env: readonly string[];
  readonly seen_seq: number;
  readonly failures: number;
}

interface DueRow {
  readonly seq: number;
  readonly attempts: number;
  readonly body: string;
}

/** Starts at once. `counts` are those of the last look. */
export async function startWebhooks(
  options: WebhooksOptions,
): Promise<{ readonly counts: () => WebhookCounts; close(): Promise<void> }> {
  const sender = new Sender(options);
  await sender.start();
  return { counts: () => sender.counts, close: () => sender.close() };
}

class Sender {
  readonly #options: WebhooksOptions;
  readonly #knex: Knex;
  readonly #unlisten: (() => void)[] = [];
  counts: WebhookCounts = { waiting: 0, dead: 0 };
  #isClosed = false;
  #isAsked = false;
  #hasHooks = true;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#knex = options.database.knex;
  }

  async start(): Promise<void> {
    const { database } = this.#options;
    const onChange = (): void => {
      this.#hasHooks = true;
      this.#look();
    };
    // Where nobody is told of anything, a busy journal costs nothing.
    const onEntry = (): void => {
      if (this.#hasHooks) this.#look();
    };
    this.#unlisten.push(await database.listen(DIRECTORY_CHANNEL, onChange));
    this.#unlisten.push(await database.listen(JOURNAL_CHANNEL, onEntry));
    this.#look();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const unlisten of this.#unlisten) unlisten();
    await this.#running;
  }

  /** What happens during a round is looked at in the next one. */
  #look(): void {
    this.#isAsked = true;
    this.#running ??= this.#rounds();
  }

  async #rounds(): Promise<void> {
    while (this.#isAsked && !this.#isClosed) {
      this.#isAsked = false;
      let waitMs = LOOK_EVERY_MS;
      try {
        waitMs = await this.#round();
      } catch (error) {
        this.#options.logger.warn('webhooks.failed', { why: messageOf(error) });
        waitMs = RETRY_MS;
      }
      clearTimeout(this.#timer);
      if (!this.#isClosed) this.#timer = setTimeout(() => this.#look(), waitMs).unref();
    }
    this.#running = null;
  }

  /** @returns when to look again, milliseconds */
  async #round(): Promise<number> {
    const states = await webhookStates(this.#options.database);
    this.#hasHooks = states.length > 0;
    const sum = (of: (one: WebhookState) => number): number =>
      states.reduce((all, one) => all + of(one), 0);
    this.counts = { waiting: sum((one) => one.waiting), dead: sum((one) => one.dead) };
    if (!this.#hasHooks) return LOOK_EVERY_MS;
    // The lock lives in a transaction, so that it can't outlive the connection.
    return this.#knex.transaction(async (lock) => {
      const { rows } = await lock.raw<{ rows: readonly { got: boolean }[] }>(
        'select pg_try_advisory_xact_lock(?) as got',
        [SENDING_LOCK],
      );
      if (rows[0]?.got !== true) return LOOK_EVERY_MS;
      const hooks = await this.#knex<HookRow>('webhooks').select('*');
      const isMore = await Promise.all(hooks.map((hook) => this.#serve(hook)));
      return isMore.includes(true) ? 0 : this.#nextMs();
    });
  }

  /** @returns whether there is more to do at once */
  async #serve(hook: HookRow): Promise<boolean> {
    const isMoreToSee = await this.#scan(hook);
    const isMoreToSend = await this.#send(hook);
    return isMoreToSee || isMoreToSend;
  }

  /** Notes which new entries of the journal the receiver is to get. */
  async #scan(hook: HookRow): Promise<boolean> {
    const { rows: counted } = await this.#knex.raw<{ rows: readonly { count: number }[] }>(
      'select count(*)::int as count from webhook_deliveries where webhook = ? and dead_at is null',
      [hook.name],
    );
    if ((counted[0]?.count ?? 0) >= MAX_WAITING_MESSAGES) return false;
    const rows: readonly { seq: number; body: string }[] = await this.#knex('journal')
      .where('seq', '>', hook.seen_seq)
      .orderBy('seq')
      .limit(SCAN_ENTRIES)
      .select('seq', 'body');
    const last = rows.at(-1);
    if (last === undefined) return false;
    const wanted = rows.filter(({ body }) => isWanted(hook, entryOf(body)));
    await this.#knex.transaction(async (trx) => {
      const moved = await trx('webhooks')
        .where({ name: hook.name, seen_seq: hook.seen_seq })
        .update({ seen_seq: last.seq });
      if (moved === 0 || wanted.length === 0) return;
      const due = wanted.map(({ seq }) => ({ webhook: hook.name, seq }));
      await trx('webhook_deliveries').insert(due).onConflict(['webhook', 'seq']).ignore();
    });
    return rows.length === SCAN_ENTRIES;
  }

  /** Sends what is due, oldest first, until the receiver doesn't answer. */
  async #send(hook: HookRow): Promise<boolean> {
    const { rows } = await this.#knex.raw<{ rows: readonly DueRow[] }>(
      `select webhook_deliveries.seq, attempts, body
       from webhook_deliveries join journal using (seq) join webhooks on name = webhook
       where webhook = ? and dead_at is null and due_at <= now()
         and (rest_until is null or rest_until <= now())
       order by seq limit ${SEND_MESSAGES}`,
      [hook.name],
    );
    for (const row of rows) {
      if (this.#isClosed) return false;
      const outcome = await this.#post(hook, row);
      if (outcome.kind === 'taken') {
        await this.#taken(hook, row);
        continue;
      }
      await this.#failed(hook, row, outcome);
      if (outcome.kind === 'unavailable') return false;
    }
    return rows.length === SEND_MESSAGES;
  }

  async #post(hook: HookRow, { body: stored, seq }: DueRow): Promise<PostOutcome> {
    const { clock, publicUrl, timeoutMs, variable } = this.#options;
    const away = (why: string): PostOutcome => ({ kind: 'unavailable', why, afterMs: null });
    const keys: Buffer[] = [];
    for (const name of hook.secret_env) {
      const value = variable(name);
      const key = value === null ? null : readKey(value);
      if (value === null) return away(`the variable ${name} is not set`);
      if (key === null) return away(`${name} is no key: write whsec_ and 24 to 64 bytes in base64`);
      keys.push(key);
    }
    const name = hook.url.startsWith('env:') ? hook.url.slice('env:'.length) : null;
    const address = name === null ? hook.url : variable(name);
    if (address === null) return away(`the variable ${name ?? ''} is not set`);
    if (!URL.canParse(address)) return away(`${name ?? 'the address'} is no address`);
    const body = webhookBody(entryOf(stored), hook.format, publicUrl());
    const headers = signedHeaders(
      `msg_${hook.name}_${seq}`,
      Math.floor(clock.nowMs() / 1000),
      body,
      keys,
    );
    return post({
      url: new URL(address),
      body,
      headers,
      isPrivate: hook.private,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  async #taken(hook: HookRow, { seq }: DueRow): Promise<void> {
    await this.#knex('webhook_deliveries').where({ webhook: hook.name, seq }).delete();
    const { rows } = await this.#knex.raw<{ rows: readonly unknown[] }>(
      `update webhooks set failures = 0, rest_until = null, last_error = null
       where name = ? and (failures > 0 or last_error is not null) returning name`,
      [hook.name],
    );
    if (rows.length === 0) return;
    // The receiver is back: what waited for it needn't wait any longer.
    await this.#knex('webhook_deliveries')
      .where({ webhook: hook.name, dead_at: null })
      .update({ due_at: this.#knex.fn.now() });
    this.#isAsked = true;
  }

  async #failed(
    hook: HookRow,
    { attempts: before, body, seq }: DueRow,
    outcome: Exclude<PostOutcome, { kind: 'taken' }>,
  ): Promise<void> {
    const { chance, journal, logger, retryAfterMs = RETRY_AFTER_MS } = this.#options;
    const attempts = before + 1;
    const why = outcome.why.slice(0, MAX_WHY_CHARACTERS).toWellFormed();
    const longer = 1 + JITTER * chance();
    const waitMs = retryAfterMs[before];
    const after = (ms: number) => this.#knex.raw(`now() + ? * interval '1 millisecond'`, [ms]);
    await this.#knex('webhook_deliveries')
      .where({ webhook: hook.name, seq })
      .update({
        attempts,
        last_error: why,
        ...(waitMs === undefined
          ? { dead_at: this.#knex.fn.now() }
          : { due_at: after(Math.round(waitMs * longer)) }),
      });
    await this.#knex('webhooks').where('name', hook.name).update({ last_error: why });
    if (outcome.kind === 'unavailable') await this.#rest(hook, outcome.afterMs, longer);
    logger.warn('webhook.not-taken', { webhook: hook.name, seq, attempts, why });
    if (waitMs !== undefined) return;
    const entry = entryOf(body);
    await journal.append({
      type: 'webhook.failed',
      principal: null,
      source: null,
      session: entry.session,
      target: entry.target,
      data: { webhook: hook.name, entry: seq, event: eventName(entry), attempts, why },
    });
    await this.#knex.raw(
      `delete from webhook_deliveries where webhook = :name and seq in (
         select seq from webhook_deliveries where webhook = :name and dead_at is not null
         order by seq desc offset ${MAX_DEAD_MESSAGES})`,
      { name: hook.name },
    );
  }

  /** Leaves a receiver alone for a while. */
  async #rest(hook: HookRow, askedMs: number | null, longer: number): Promise<void> {
    const { rows } = await this.#knex.raw<{ rows: readonly { failures: number }[] }>(
      'update webhooks set failures = failures + 1 where name = ? returning failures',
      [hook.name],
    );
    const failures = Math.min(rows[0]?.failures ?? 1, 20);
    const ownMs = Math.min(REST_MS.first * 2 ** (failures - 1), REST_MS.most) * longer;
    const restMs = Math.max(ownMs, Math.min(askedMs ?? 0, MAX_ASKED_REST_MS));
    await this.#knex.raw(
      `update webhooks set rest_until = now() + ? * interval '1 millisecond' where name = ?`,
      [Math.round(restMs), hook.name],
    );
  }

  async #nextMs(): Promise<number> {
    const { rows } = await this.#knex.raw<{ rows: readonly { due_ms: number | null }[] }>(
      `select min(extract(epoch from greatest(due_at, rest_until) - now()))::float8 * 1000 as due_ms
       from webhook_deliveries join webhooks on name = webhook where dead_at is null`,
    );
    const dueMs = rows[0]?.due_ms ?? LOOK_EVERY_MS;
    return Math.min(Math.max(dueMs, MIN_WAIT_MS), LOOK_EVERY_MS);
  }
}

/** Nothing is looked for more often than this when nobody says that there is something. */
const MIN_WAIT_MS = 20;

function entryOf(body: string): JournalEntry {
  return { ...(JSON.parse(body) as JournalEntry), hash: '' };
}

/** Nobody is told that they could not be told. */
function isWanted(hook: Pick<HookRow, 'events' | 'name'>, entry: JournalEntry): boolean {
  if (entry.type === 'webhook.failed' && entry.data['webhook'] === hook.name) return false;
  return isNamedEvent(hook.events, entry);
}
