/**
 * The directory as a configuration would say it: what `export` prints, what a version keeps, what a change
 * over the API starts from. Without secrets, and without what no configuration says: keys that end by
 * themselves, accounts that were bound at a sign-in, principals that a sign-in made.
 */
import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { durationText } from '../access/access-request.ts';
import { GRANT_DEFAULTS } from '../access/grant.ts';
import { readGrants, readTargets } from './directory.ts';
import { readRequestRules, readWebhooks } from './request-rules.ts';
import { readSignInSettings } from './sign-in-settings.ts';

/** An entry as it is written in YAML; what it leaves out is as usual. */
export type WrittenEntry = Readonly<Record<string, unknown>>;

/** Sections in the order in which people read them. */
export interface WrittenDirectory {
  readonly signIn?: WrittenEntry;
  readonly authorities: readonly WrittenEntry[];
  readonly principals: readonly WrittenEntry[];
  readonly credentials: readonly WrittenEntry[];
  readonly targets: readonly WrittenEntry[];
  readonly grants: readonly WrittenEntry[];
  readonly requests: readonly WrittenEntry[];
  readonly webhooks: readonly WrittenEntry[];
  readonly policies: Readonly<Record<string, unknown>>;
}

/** All of it, as the transaction or the connection sees it. */
export async function readWritten(knex: Knex): Promise<WrittenDirectory> {
  const signIn = await readSignInSettings(knex);
  return {
    ...(signIn !== null && { signIn: withoutUsual({ ...signIn }, SIGN_IN_USUAL) }),
    authorities: await writtenAuthorities(knex),
    principals: await writtenPrincipals(knex),
    credentials: await knex('credentials').orderBy('name').select('name'),
    targets: (await readTargets(knex, null)).map(({ host, port, hostKey, ...target }) => ({
      name: target.name,
      address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      ...(hostKey !== null && { hostKey }),
      ...withoutUsual(
        { labels: target.labels, shellIntegration: target.shellIntegration },
        TARGET_USUAL,
      ),
      logins: target.logins,
    })),
    grants: (await readGrants(knex)).map(({ id: _id, ...grant }) => writtenGrant(grant)),
    requests: (await readRequestRules(knex)).map(
      ({ id: _id, maxDurationS, timeoutS, ...rule }) => ({
        ...writtenGrant(rule),
        maxDuration: durationText(maxDurationS),
        timeout: durationText(timeoutS),
      }),
    ),
    webhooks: (await readWebhooks(knex)).map(({ secretEnv, ...hook }) => ({
      ...withoutUsual(hook, WEBHOOK_USUAL),
      ...(secretEnv.length > 0 && { secretEnv }),
    })),
    policies: await writtenPolicies(knex),
  };
}

const SIGN_IN_USUAL = { title: null, groupsClaim: null, roles: {}, create: null, logout: false };
const TARGET_USUAL = { labels: {}, shellIntegration: 'off' };
const REQUEST_USUAL = { approvers: [], approvals: 1, fourEyes: false };
const WEBHOOK_USUAL = { format: 'json', private: false };
const PRINCIPAL_USUAL = { roles: [], groups: [], owner: null };
const IDENTITY_USUAL = {
  issuer: null,
  subject: null,
  audience: null,
  email: null,
  claims: {},
  run: null,
  task: null,
};

function withoutUsual(entry: object, usual: Readonly<Record<string, unknown>>): WrittenEntry {
  return Object.fromEntries(
    Object.entries(entry).filter(
      ([name, value]) =>
        !Object.hasOwn(usual, name) || JSON.stringify(value) !== JSON.stringify(usual[name]),
    ),
  );
}

/** A grant, or what may be asked for. */
export function writtenGrant(rule: object): WrittenEntry {
  return withoutUsual(rule, { ...GRANT_DEFAULTS, ...REQUEST_USUAL });
}

interface KeyRow {
  readonly algorithm: string;
  readonly blob: string;
  readonly comment: string;
  readonly touch: boolean;
  readonly verify: boolean;
}

interface PrincipalRow {
  readonly name: string;
  readonly kind: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  readonly owner: string | null;
  readonly keys: readonly KeyRow[];
  readonly oidc: readonly object[];
  readonly certificates: readonly { readonly authority: string; readonly principals: unknown }[];
}

async function writtenPrincipals(knex: Knex): Promise<readonly WrittenEntry[]> {
  const rows: readonly PrincipalRow[] = await knex('principals')
    .where('origin', 'configuration')
    // Whom somebody has shut out is still what the configuration says.
    .where((query) => void query.whereNull('disabled_at').orWhereNotNull('locked_at'))
    .orderBy('name')
    .select('name', 'kind', 'roles', 'groups', 'owner')
    .select(
      knex.raw(`(
        select coalesce(json_agg(json_build_object(
            'algorithm', algorithm, 'blob', translate(encode(blob, 'base64'), E'\\n', ''),
            'comment', comment, 'touch', touch_required, 'verify', verify_required)
          order by created_at, id), '[]')
        from principal_keys where principal_id = principals.id
          and revoked_at is null and expires_at is null) as keys`),
      knex.raw(`(
        select coalesce(json_agg(identity order by place), '[]')
        from principal_identities where principal_id = principals.id) as oidc`),
      knex.raw(`(
        select coalesce(json_agg(named order by named->>'authority'), '[]') from (
          select json_build_object('authority', authority, 'principals', json_agg(name order by name))
            as named
          from principal_certificates where principal_id = principals.id group by authority
        ) as by_authority) as certificates`),
    );
  return rows.map(({ certificates, keys, name, kind, oidc, ...rest }) => ({
    name,
    kind,
    ...withoutUsual(rest, PRINCIPAL_USUAL),
    ...(keys.length > 0 && { keys: keys.map(keyLine) }),
    ...(oidc.length > 0 && { oidc: oidc.map((one) => withoutUsual(one, IDENTITY_USUAL)) }),
    ...(certificates.length > 0 && { certificates }),
  }));
}

function keyLine({ algorithm, blob, comment, touch, verify }: KeyRow): string {
  const demands = [...(touch ? [] : ['no-touch-required']), ...(verify ? ['verify-required'] : [])];
  return [demands.join(','), algorithm, blob, comment].filter((part) => part !== '').join(' ');
}

async function writtenAuthorities(knex: Knex): Promise<readonly WrittenEntry[]> {
  const rows: readonly { name: string; revocations: Buffer | null; blobs: readonly string[] }[] =
    await knex('authorities')
      .orderBy('name')
      .select('name', 'revocations')
      .select(
        knex.raw(`(
          select coalesce(json_agg(translate(encode(blob, 'base64'), E'\\n', '')
            order by fingerprint), '[]')
          from authority_keys where authority = authorities.name) as blobs`),
      );
  return rows.map(({ blobs, name, revocations }) => ({
    name,
    keys: blobs.map((blob) => `${algorithmOf(blob)} ${blob}`),
    ...(revocations !== null && { revokedList: revocations.toString('base64') }),
  }));
}

/** RFC 4253 section 6.6: a blob begins with its type. */
function algorithmOf(blob: string): string {
  const bytes = Buffer.from(blob, 'base64');
  const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  return bytes.toString('latin1', 4, 4 + Math.min(length, 64));
}

async function writtenPolicies(knex: Knex): Promise<Readonly<Record<string, unknown>>> {
  const rows: readonly { name: string; document: unknown }[] = await knex('policies')
    .distinctOn('name')
    .orderBy([{ column: 'name' }, { column: 'version', order: 'desc' }])
    .select('name', 'document');
  return Object.fromEntries(
    rows
      .filter(({ document }) => document !== null)
      .map(({ document, name }) => [name, inOrder(document)]),
  );
}

/** `jsonb` keeps no order of keys; people look for the name first. */
const FIRST_KEYS = ['name', 'default', 'uncertain', 'holdTimeout', 'use', 'action', 'match', 'for'];

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const placeOf = (key: string): number => {
    const at = FIRST_KEYS.indexOf(key);
    if (at !== -1) return at;
    return key === 'rules' ? FIRST_KEYS.length + 1 : FIRST_KEYS.length;
  };
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => placeOf(one) - placeOf(other) || (one < other ? -1 : 1))
      .map(([key, inner]) => [key, inOrder(inner)]),
  );
}

/** The same for people to compare: keys by their fingerprints, lists of what is revoked by their hashes. */
export function shownWritten(written: WrittenDirectory): WrittenDirectory {
  const keysOf = (entry: WrittenEntry): WrittenEntry => {
    const { keys, revokedList, ...rest } = entry;
    return {
      ...rest,
      ...(Array.isArray(keys) && { keys: keys.map((line) => shownKey(String(line))) }),
      ...(typeof revokedList === 'string' && { revokedList: sha256Of(revokedList) }),
    };
  };
  return {
    ...written,
    authorities: written.authorities.map(keysOf),
    principals: written.principals.map(keysOf),
  };
}

function shownKey(line: string): string {
  return line
    .split(' ')
    .map((word) => (word.startsWith('AAAA') ? sha256Of(word) : word))
    .join(' ');
}

function sha256Of(base64: string): string {
  const hash = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}
