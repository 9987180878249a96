/**
 * Links that sign ssh clients in: made for a client that waits, confirmed by a person in a browser, used
 * once. Waiting is by notification and a deadline; the row alone says what was decided.
 */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { Principal } from '../access/principal.ts';
import type { LinkDecision, Links, LinkWish, OpenedLink } from '../session/ports.ts';
import type { Database } from './database.ts';
import { PRINCIPAL_COLUMNS, principalOf, type PrincipalRow } from './directory.ts';
import type { StoredJournal } from './journal.ts';
import { askThrough } from './outage.ts';
import { rememberKey } from './remembered-keys.ts';
import { storable } from './storable.ts';
import { hashOf, isSameHash, isSecret, newCode, newSecret, readCode } from './typed-code.ts';

/** Notified with the link's id when it is decided. */
export const LINKS_CHANNEL = 'sallyport_links';
export const LINK_LIFE_MS = 5 * 60_000;
/** Codes that may be typed for one link. */
export const MAX_CODE_ATTEMPTS = 5;
/** How often a row is looked at that nobody was notified about. */
const LOOK_EVERY_MS = 5_000;
/** Rows are forgotten so long after their end; the journal keeps what they were. */
const FORGET_AFTER = '1 day';

/** What stands between the person and a key that a client has shown. */
export type KeyStanding =
  | { readonly kind: 'unknown' }
  /** This person's, and it counts no more since then, ISO 8601. */
  | { readonly kind: 'expired'; readonly at: string }
  | { readonly kind: 'revoked' }
  /** Somebody else's. */
  | { readonly kind: 'taken' };

/** A link that waits, for whoever has opened it. */
export interface WaitingLink {
  readonly id: string;
  /** `address:port` of the ssh client. */
  readonly source: string;
  readonly target: string;
  readonly login: string | null;
  readonly keys: readonly {
    readonly algorithm: string;
    readonly fingerprint: string;
    readonly standing: KeyStanding;
    /** It has signed, so it may be remembered. */
    readonly isProven: boolean;
  }[];
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly attemptsLeft: number;
}

export interface LinkConfirmation {
  /** As typed. */
  readonly code: string;
  readonly principal: Principal;
  /** `http:ADDRESS` */
  readonly source: string;
  readonly remember: { readonly fingerprint: string; readonly lifeMs: number } | null;
}

export type ConfirmOutcome =
  | { readonly kind: 'confirmed' }
  /** 0 left = the link is void. */
  | { readonly kind: 'wrong-code'; readonly attemptsLeft: number }
  /** The client has shown no such key, or it can't be remembered. */
  | { readonly kind: 'not-that-key' }
  /** It isn't known, has been used, was refused, or its client has gone. */
  | { readonly kind: 'gone' };

export interface StoredLinks extends Links {
  /** null = gone. @param principalId who looks */
  waiting(token: string, principalId: string): Promise<WaitingLink | null>;
  confirm(token: string, by: LinkConfirmation): Promise<ConfirmOutcome>;
  /** Somebody says that it isn't theirs. False = it was gone already. */
  refuse(token: string, by: { readonly principal: Principal }): Promise<boolean>;
}

export interface LinksOptions {
  readonly database: Pick<Database, 'knex' | 'listen'>;
  readonly journal: Pick<StoredJournal, 'append' | 'appendWith'>;
  /** Where browsers reach the web server, without a final slash; asked whenever a link is written. */
  readonly publicUrl: () => string;
  /** Asked for every client that has no key that counts. */
  readonly isOn: () => boolean;
  readonly remembers: boolean;
  readonly lifeMs?: number;
}

interface StoredKey {
  readonly algorithm: string;
  readonly fingerprint: string;
  readonly isProven: boolean;
}

interface LinkRow {
  readonly id: string;
  readonly code_hash: Buffer;
  readonly source: string;
  readonly user_name: string;
  readonly target: string;
  readonly login: string | null;
  readonly keys: readonly StoredKey[];
  readonly state: 'waiting' | 'confirmed' | 'refused' | 'used' | 'withdrawn' | 'expired';
  readonly attempts: number;
  readonly principal_id: string | null;
  readonly browser: string | null;
  readonly remember_fingerprint: string | null;
  /** bigint comes as text. */
  readonly remember_ms: string | null;
  readonly expires_at: Date;
}

export function createLinks(options: LinksOptions): StoredLinks {
  return new LinkDesk(options);
}

class LinkDesk implements StoredLinks {
  readonly #options: LinksOptions;
  readonly #knex: Knex;
  readonly #waiting = new Map<string, Bell>();
  #listening: Promise<unknown> | null = null;

  constructor(options: LinksOptions) {
    this.#options = options;
    this.#knex = options.database.knex;
  }

  get isOn(): boolean {
    return this.#options.isOn();
  }

  get remembers(): boolean {
    return this.#options.remembers;
  }

  async open(wish: LinkWish): Promise<OpenedLink> {
    const { lifeMs = LINK_LIFE_MS, publicUrl } = this.#options;
    const id = uuidv7();
    const token = newSecret();
    const code = newCode();
    const keys = wish.keys.map(({ algorithm, fingerprint, isProven }): StoredKey => {
      return { algorithm, fingerprint, isProven };
    });
    const row = {
      id,
      token_hash: hashOf(token),
      code_hash: hashOf(readCode(code) ?? '', token),
      source: wish.source,
      user_name: storable(wish.userName),
      target: storable(wish.target),
      login: wish.login === null ? null : storable(wish.login),
      keys: JSON.stringify(keys),
      expires_at: this.#knex.raw(`now() + ? * interval '1 millisecond'`, [lifeMs]),
    };
    await askThrough(async () => {
      await this.#knex('sign_in_links')
        .whereRaw(`expires_at < now() - interval '${FORGET_AFTER}'`)
        .delete();
      await this.#knex('sign_in_links').insert(row).onConflict('id').ignore();
    });
    return { id, url: `${publicUrl()}/ssh/${token}`, code, lifeMs };
  }

  async decision(id: string, signal: AbortSignal): Promise<LinkDecision> {
    this.#listening ??= this.#options.database.listen(LINKS_CHANNEL, (told) => this.#wake(told));
    await this.#listening;
    const bell = new Bell();
    const ring = (): void => bell.ring();
    this.#waiting.set(id, bell);
    signal.addEventListener('abort', ring);
    try {
      for (;;) {
        if (signal.aborted) return await this.#withdraw(id);
        const decided = await askThrough(() => this.#take(id));
        if (decided !== null) return decided;
        await bell.rung();
      }
    } finally {
      signal.removeEventListener('abort', ring);
      this.#waiting.delete(id);
    }
  }

  remember: Links['remember'] = (wish, event) =>
    rememberKey(this.#options.journal, wish, event, 'link');

  async waiting(token: string, principalId: string): Promise<WaitingLink | null> {
    const row = await this.#waitingRow(token);
    if (row === null) return null;
    const { expires_at, id, login, source, target } = row;
    return {
      id,
      source,
      target,
      login,
      keys: await this.#standings(row.keys, principalId),
      expiresAt: expires_at.toISOString(),
      attemptsLeft: MAX_CODE_ATTEMPTS - row.attempts,
    };
  }

  async confirm(token: string, by: LinkConfirmation): Promise<ConfirmOutcome> {
    const { principal, remember } = by;
    const seen = await this.#waitingRow(token);
    if (seen === null) return { kind: 'gone' };
    if (remember !== null) {
      const keys = await this.#standings(seen.keys, principal.id);
      const key = keys.find(({ fingerprint }) => fingerprint === remember.fingerprint);
      const isFree = key?.standing.kind === 'unknown' || key?.standing.kind === 'expired';
      if (!isFree || !key.isProven || !this.remembers) return { kind: 'not-that-key' };
    }
    // Counted before it is compared, so that guesses at the same time are no more than one after the other.
    const [row] = await this.#knex('sign_in_links')
      .where({ id: seen.id, state: 'waiting' })
      .where('attempts', '<', MAX_CODE_ATTEMPTS)
      .where('expires_at', '>', this.#knex.fn.now())
      .update({ attempts: this.#knex.raw('attempts + 1') })
      .returning<LinkRow[]>('*');
    if (row === undefined) return { kind: 'gone' };
    const code = hashOf(readCode(by.code) ?? '', token);
    if (!isSameHash(code, row.code_hash)) return this.#wrongCode(row, by);
    const isFirst = await this.#settle(row.id, {
      state: 'confirmed',
      principal_id: principal.id,
      browser: by.source,
      remember_fingerprint: remember?.fingerprint ?? null,
      remember_ms: remember?.lifeMs ?? null,
    });
    return { kind: isFirst ? 'confirmed' : 'gone' };
  }

  async refuse(token: string, { principal }: { readonly principal: Principal }): Promise<boolean> {
    const row = await this.#waitingRow(token);
    if (row === null) return false;
    return this.#settle(row.id, { state: 'refused', principal_id: principal.id });
  }

  async #wrongCode(row: LinkRow, by: LinkConfirmation): Promise<ConfirmOutcome> {
    const attemptsLeft = MAX_CODE_ATTEMPTS - row.attempts;
    if (attemptsLeft === 0) await this.#settle(row.id, { state: 'refused' });
    await this.#options.journal.append({
      type: 'auth.failed',
      principal: by.principal.name,
      source: by.source,
      session: null,
      target: null,
      data: {
        method: 'keyboard-interactive',
        link: row.id,
        why: 'a wrong code was typed',
        client: row.source,
        attemptsLeft,
      },
    });
    return { kind: 'wrong-code', attemptsLeft };
  }

  /** The first decision wins. */
  async #settle(id: string, change: object): Promise<boolean> {
    return this.#knex.transaction(async (trx) => {
      const changed = await trx('sign_in_links')
        .where({ id, state: 'waiting' })
        .where('expires_at', '>', trx.fn.now())
        .update(change);
      if (changed === 1) await trx.raw('select pg_notify(?, ?)', [LINKS_CHANNEL, id]);
      return changed === 1;
    });
  }

  async #waitingRow(token: string): Promise<LinkRow | null> {
    if (!isSecret(token)) return null;
    const row = await this.#knex('sign_in_links')
      .where({ token_hash: hashOf(token), state: 'waiting' })
      .where('attempts', '<', MAX_CODE_ATTEMPTS)
      .where('expires_at', '>', this.#knex.fn.now())
      .first<LinkRow | undefined>();
    return row ?? null;
  }

  async #standings(keys: readonly StoredKey[], principalId: string): Promise<WaitingLink['keys']> {
    const rows = await this.#knex('principal_keys')
      .whereIn(
        'fingerprint',
        keys.map(({ fingerprint }) => fingerprint),
      )
      .select<
        {
          readonly fingerprint: string;
          readonly principal_id: string;
          readonly expires_at: Date | null;
          readonly revoked_at: Date | null;
        }[]
      >('fingerprint', 'principal_id', 'expires_at', 'revoked_at');
    return keys.map(({ algorithm, fingerprint, isProven }) => {
      const row = rows.find((one) => one.fingerprint === fingerprint);
      const standing: KeyStanding =
        row === undefined
          ? { kind: 'unknown' }
          : row.principal_id !== principalId
            ? { kind: 'taken' }
            : row.revoked_at !== null || row.expires_at === null
              ? { kind: 'revoked' }
              : { kind: 'expired', at: row.expires_at.toISOString() };
      return { algorithm, fingerprint, standing, isProven };
    });
  }

  /** What was decided, used up in the same statement; null = nothing yet. */
  async #take(id: string): Promise<LinkDecision | null> {
    const [taken] = await this.#knex('sign_in_links')
      .where({ id, state: 'confirmed' })
      .update({ state: 'used' })
      .returning<LinkRow[]>('*');
    if (taken !== undefined) return this.#confirmed(taken);
    const row = await this.#knex('sign_in_links')
      .where('id', id)
      .first<(LinkRow & { readonly is_over: boolean }) | undefined>(
        '*',
        this.#knex.raw('expires_at <= now() as is_over'),
      );
    if (row === undefined) return { kind: 'expired' };
    if (row.state === 'refused') {
      return { kind: 'refused', by: await this.#nameOf(row.principal_id) };
    }
    // Confirmed in between: the next look takes it.
    if (row.state === 'confirmed') return this.#take(id);
    if (row.state !== 'waiting') return { kind: 'withdrawn' };
    if (!row.is_over) return null;
    await this.#knex('sign_in_links').where({ id, state: 'waiting' }).update({ state: 'expired' });
    return { kind: 'expired' };
  }

  async #confirmed(row: LinkRow): Promise<LinkDecision> {
    const principal = await this.#knex('principals')
      .where({ id: row.principal_id, kind: 'human' })
      .whereNull('disabled_at')
      .first<PrincipalRow | undefined>(PRINCIPAL_COLUMNS);
    if (principal === undefined) return { kind: 'shut-out' };
    const { browser, remember_fingerprint: fingerprint, remember_ms: lifeMs } = row;
    return {
      kind: 'confirmed',
      principal: principalOf(principal),
      browser: browser ?? 'unknown',
      remember:
        fingerprint === null || lifeMs === null ? null : { fingerprint, lifeMs: Number(lifeMs) },
    };
  }

  async #nameOf(principalId: string | null): Promise<string | null> {
    if (principalId === null) return null;
    const row = await this.#knex('principals')
      .where('id', principalId)
      .first<{ readonly name: string } | undefined>('name');
    return row?.name ?? null;
  }

  async #withdraw(id: string): Promise<LinkDecision> {
    await askThrough(() =>
      this.#knex('sign_in_links')
        .where('id', id)
        .whereIn('state', ['waiting', 'confirmed'])
        .update({ state: 'withdrawn' }),
    );
    return { kind: 'withdrawn' };
  }

  /** '' = some may have been missed. */
  #wake(id: string): void {
    const told = id === '' ? [...this.#waiting.values()] : [this.#waiting.get(id)];
    for (const bell of told) bell?.ring();
  }
}

/** Remembers that it was rung while nobody listened. */
class Bell {
  #isRung = false;
  #answer: (() => void) | null = null;

  ring(): void {
    this.#isRung = true;
    this.#answer?.();
  }

  /** Resolves once it was rung since the last time, and after a while in any case. */
  async rung(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        this.#answer = resolve;
        timer = setTimeout(resolve, LOOK_EVERY_MS);
      });
    }
    clearTimeout(timer);
    this.#answer = null;
    this.#isRung = false;
  }
}
