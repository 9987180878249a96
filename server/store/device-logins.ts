/**
 * Logins of machines without a browser (RFC 8628): a machine waits with a secret of its own, a person types
 * the short code that it shows. What it gets is a token, and its key where it has proven one.
 */
import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import type { Principal } from '../access/principal.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { ShownKey } from '../session/ports.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import type { KeyStanding } from './links.ts';
import { rememberKey } from './remembered-keys.ts';
import { storable } from './storable.ts';
import { insertApiToken } from './token-desk.ts';
import { hashOf, isSecret, newCode, newSecret, readCode } from './typed-code.ts';

export const DEVICE_LIFE_MS = 10 * 60_000;
/** How often a machine may ask, and how much longer it has to wait each time that it asks too early. */
export const POLL_INTERVAL_S = 5;
const MAX_INTERVAL_S = 60;
/** Machines of one source that wait, and of all. */
const MAX_WAITING_OF_SOURCE = 10;
const MAX_WAITING = 1_000;
const FORGET_AFTER = '1 day';
const TOKEN_BYTES = 32;
export const LOGIN_TOKEN_NAME = 'sallyport login';

export interface WaitingDevice {
  /** `http:ADDRESS` */
  readonly source: string;
  readonly key: {
    readonly algorithm: string;
    readonly fingerprint: string;
    readonly standing: KeyStanding;
  } | null;
  /** ISO 8601. */
  readonly expiresAt: string;
}

export type RedeemOutcome =
  | {
      readonly kind: 'signed-in';
      readonly principal: string;
      readonly token: string;
      readonly lifeMs: number;
      readonly key: { readonly fingerprint: string; readonly expiresAt: string } | null;
    }
  | { readonly kind: 'pending' }
  | { readonly kind: 'slow-down'; readonly intervalMs: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'unproven' }
  | { readonly kind: 'unknown' };

export interface DeviceLogins {
  /** null = too many of this source wait already. */
  open(wish: { readonly source: string; readonly key: ShownKey | null }): Promise<{
    readonly deviceCode: string;
    readonly userCode: string;
    readonly lifeMs: number;
    readonly intervalMs: number;
  } | null>;
  waiting(code: string, principalId: string): Promise<WaitingDevice | null>;
  decide(
    code: string,
    isAllowed: boolean,
    by: { readonly principal: Principal; readonly source: string },
  ): Promise<boolean>;
  /** Issues the token once, and registers the key when the machine has proven it. */
  redeem(
    deviceCode: string,
    wish: {
      readonly source: string;
      readonly lifeMs: number;
      readonly isProven: (blob: Buffer) => boolean;
    },
  ): Promise<RedeemOutcome>;
}

interface DeviceRow {
  readonly id: string;
  readonly source: string;
  readonly algorithm: string | null;
  readonly blob: Buffer | null;
  readonly fingerprint: string | null;
  readonly state: 'waiting' | 'confirmed' | 'refused' | 'used';
  readonly principal_id: string | null;
  readonly browser: string | null;
  readonly interval_s: number;
  readonly expires_at: Date;
}

interface DeviceOptions {
  readonly database: Pick<Database, 'knex'>;
  readonly journal: Pick<StoredJournal, 'append' | 'appendWith'>;
}

/** Another request has used it; never leaves this file. */
class Used extends Error {}

export function createDeviceLogins({ database, journal }: DeviceOptions): DeviceLogins {
  const { knex } = database;
  return {
    open: async ({ key, source }) => {
      await knex('device_logins')
        .whereRaw(`expires_at < now() - interval '${FORGET_AFTER}'`)
        .delete();
      const { rows } = await knex.raw<{ rows: readonly { all: string; own: string }[] }>(
        `select count(*) as all, count(*) filter (where source = ?) as own
         from device_logins where state = 'waiting' and expires_at > now()`,
        [source],
      );
      const { all = '0', own = '0' } = rows[0] ?? {};
      if (Number(own) >= MAX_WAITING_OF_SOURCE || Number(all) >= MAX_WAITING) return null;
      const deviceCode = newSecret();
      const userCode = newCode();
      await knex('device_logins').insert({
        id: uuidv7(),
        device_hash: hashOf(deviceCode),
        code_hash: hashOf(readCode(userCode) ?? ''),
        source: storable(source),
        algorithm: key?.algorithm ?? null,
        blob: key?.blob ?? null,
        fingerprint: key?.fingerprint ?? null,
        interval_s: POLL_INTERVAL_S,
        expires_at: knex.raw(`now() + ? * interval '1 millisecond'`, [DEVICE_LIFE_MS]),
      });
      const intervalMs = POLL_INTERVAL_S * 1000;
      return { deviceCode, userCode, lifeMs: DEVICE_LIFE_MS, intervalMs };
    },
    waiting: async (code, principalId) => {
      const row = await waitingRow(knex, code);
      if (row === undefined) return null;
      const { algorithm, expires_at, fingerprint, source } = row;
      const key =
        algorithm === null || fingerprint === null
          ? null
          : { algorithm, fingerprint, standing: await standingOf(knex, fingerprint, principalId) };
      return { source, key, expiresAt: expires_at.toISOString() };
    },
    decide: async (code, isAllowed, { principal, source }) => {
      const row = await waitingRow(knex, code);
      if (row === undefined) return false;
      const changed = await knex('device_logins')
        .where({ id: row.id, state: 'waiting' })
        .update({
          state: isAllowed ? 'confirmed' : 'refused',
          principal_id: principal.id,
          browser: source,
        });
      if (changed === 1 && !isAllowed) {
        const why = 'somebody says that it is not theirs';
        await journal.append(failed(row, why, { source, principal: principal.name }));
      }
      return changed === 1;
    },
    redeem: async (deviceCode, wish) => {
      if (!isSecret(deviceCode)) return { kind: 'unknown' };
      const row = await knex('device_logins')
        .where('device_hash', hashOf(deviceCode))
        .first<(DeviceRow & { is_over: boolean; is_early: boolean }) | undefined>(
          '*',
          knex.raw('expires_at <= now() as is_over'),
          // A little early is the network's doing.
          knex.raw(
            `coalesce(polled_at > now() - interval_s * interval '0.9 seconds', false) as is_early`,
          ),
        );
      if (row === undefined || row.state === 'used') return { kind: 'unknown' };
      if (row.is_over) return { kind: 'expired' };
      if (row.state === 'refused') return { kind: 'refused' };
      if (row.state === 'waiting') return poll(knex, row);
      if (row.blob !== null && !wish.isProven(row.blob)) return { kind: 'unproven' };
      return issue(journal, knex, row, wish);
    },
  };
}

async function waitingRow(knex: Knex, typed: string): Promise<DeviceRow | undefined> {
  const code = readCode(typed);
  if (code === null) return undefined;
  return knex('device_logins')
    .where({ code_hash: hashOf(code), state: 'waiting' })
    .where('expires_at', '>', knex.fn.now())
    .first<DeviceRow | undefined>();
}

async function standingOf(
  knex: Knex,
  fingerprint: string,
  principalId: string,
): Promise<KeyStanding> {
  const row = await knex('principal_keys').where({ fingerprint }).first<
    | {
        readonly principal_id: string;
        readonly expires_at: Date | null;
        readonly revoked_at: Date | null;
      }
    | undefined
  >('principal_id', 'expires_at', 'revoked_at');
  if (row === undefined) return { kind: 'unknown' };
  if (row.principal_id !== principalId) return { kind: 'taken' };
  if (row.revoked_at !== null || row.expires_at === null) return { kind: 'revoked' };
  return { kind: 'expired', at: row.expires_at.toISOString() };
}

async function poll(
  knex: Knex,
  row: DeviceRow & { readonly is_early: boolean },
): Promise<RedeemOutcome> {
  const longer = Math.min(row.interval_s + POLL_INTERVAL_S, MAX_INTERVAL_S);
  const interval = row.is_early ? longer : row.interval_s;
  await knex('device_logins')
    .where('id', row.id)
    .update({ polled_at: knex.fn.now(), interval_s: interval });
  return row.is_early ? { kind: 'slow-down', intervalMs: interval * 1000 } : { kind: 'pending' };
}

async function issue(
  journal: DeviceOptions['journal'],
  knex: Knex,
  row: DeviceRow,
  { lifeMs, source }: { readonly lifeMs: number; readonly source: string },
): Promise<RedeemOutcome> {
  const owner = await knex('principals')
    .where({ id: row.principal_id, kind: 'human' })
    .whereNull('disabled_at')
    .first<{ readonly id: string; readonly name: string } | undefined>('id', 'name');
  if (owner === undefined) {
    await journal.append(failed(row, 'whoever confirmed it may not come in', { source }));
    return { kind: 'refused' };
  }
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const login = { login: row.id, browser: row.browser };
  const by = { principal: owner.name, source };
  const about = { ...by, session: null, target: null };
  const events: readonly AuditEvent[] = [
    { type: 'auth.succeeded', ...about, data: { method: 'device', ...login } },
    {
      type: 'token.created',
      ...about,
      data: { kind: 'api', name: LOGIN_TOKEN_NAME, owner: owner.name, lifeMs, ...login },
    },
  ];
  try {
    await journal.appendWith(events, async (trx) => {
      const used = await trx('device_logins')
        .where({ id: row.id, state: 'confirmed' })
        .update({ state: 'used' });
      if (used === 0) throw new Used();
      const wish = { name: LOGIN_TOKEN_NAME, scopes: null, ttlMs: lifeMs, madeWith: null };
      await insertApiToken(trx, owner.id, { principal: owner.name, ...wish }, by, token);
    });
  } catch (error) {
    if (error instanceof Used) return { kind: 'unknown' };
    throw error;
  }
  const { algorithm, blob, fingerprint } = row;
  const signedIn = { kind: 'signed-in', principal: owner.name, token, lifeMs } as const;
  if (algorithm === null || blob === null || fingerprint === null)
    return { ...signedIn, key: null };
  const key = { algorithm, blob, fingerprint };
  const expiresAt = await rememberKey(
    journal,
    { principalId: owner.id, key, lifeMs, from: source },
    {
      type: 'key.registered',
      ...about,
      data: { method: 'device', ...login, key: fingerprint, lifeMs },
    },
    'device',
  );
  return { ...signedIn, key: expiresAt === null ? null : { fingerprint, expiresAt } };
}

function failed(
  row: DeviceRow,
  why: string,
  by: { readonly source: string; readonly principal?: string },
): AuditEvent {
  return {
    type: 'auth.failed',
    principal: by.principal ?? null,
    source: by.source,
    session: null,
    target: null,
    data: { method: 'device', login: row.id, why, client: row.source },
  };
}
