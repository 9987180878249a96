/** Certificate authorities: kept, compared, and asked when somebody shows a certificate. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import type { AuthorityEntry, CertificateNames, DirectoryChange } from '../access/directory.ts';
import type { Authorities } from '../session/ports.ts';
import type { Database } from './database.ts';
import { PRINCIPAL_COLUMNS, principalOf, type PrincipalRow } from './directory.ts';
import { askThrough } from './outage.ts';
import { storable } from './storable.ts';

interface AuthorityRow {
  readonly name: string;
  readonly revocations_digest: string | null;
}

/** The authorities as connections ask for them. */
export function createAuthorities(database: Pick<Database, 'knex'>): Authorities {
  const { knex } = database;
  return {
    authorityByKey: (blob) =>
      askThrough(async () => {
        const row = await knex('authorities')
          .join('authority_keys', 'authority_keys.authority', 'authorities.name')
          .where('authority_keys.blob', blob)
          .first<AuthorityRow | undefined>('authorities.name', 'revocations_digest');
        if (row === undefined) return null;
        const names = await knex('principal_certificates')
          .join('principals', 'principals.id', 'principal_certificates.principal_id')
          .where('principal_certificates.authority', row.name)
          .whereNull('principals.disabled_at')
          .select<(PrincipalRow & { readonly certified: string })[]>(
            ...PRINCIPAL_COLUMNS,
            'principal_certificates.name as certified',
          );
        return {
          name: row.name,
          revocations: row.revocations_digest,
          names: names.map((one) => ({ name: one.certified, principal: principalOf(one) })),
        };
      }),
    revocations: (authority, digest) =>
      askThrough(async () => {
        const row = await knex('authorities')
          .where({ name: authority, revocations_digest: digest })
          .first<{ readonly revocations: Buffer | null } | undefined>('revocations');
        return row?.revocations ?? null;
      }),
  };
}

/** Makes the authorities what the document says; those that it doesn't name stay. */
export async function applyAuthorities(
  knex: Knex,
  entries: readonly AuthorityEntry[],
  changes: DirectoryChange[],
): Promise<void> {
  for (const entry of entries) {
    const name = storable(entry.name);
    const stored = await knex('authorities')
      .where({ name })
      .first<AuthorityRow | undefined>('name', 'revocations_digest');
    const { revocations } = entry;
    const digest =
      revocations === null ? null : createHash('sha256').update(revocations).digest('hex');
    const listDiffers = stored === undefined || stored.revocations_digest !== digest;
    if (listDiffers) {
      const columns = { revocations, revocations_digest: digest };
      await knex('authorities')
        .insert({ name, ...columns })
        .onConflict('name')
        .merge(columns);
    }
    const keysDiffer = await applyKeys(knex, name, entry.keys);
    if (!listDiffers && !keysDiffer) continue;
    changes.push({ object: 'authority', name, change: stored === undefined ? 'added' : 'changed' });
  }
}

/** @returns whether anything changed */
async function applyKeys(
  knex: Knex,
  authority: string,
  keys: AuthorityEntry['keys'],
): Promise<boolean> {
  const rows: readonly { readonly fingerprint: string }[] = await knex('authority_keys')
    .where({ authority })
    .select('fingerprint');
  const wanted = new Map(keys.map((key) => [key.fingerprint, key]));
  const fingerprints = [...wanted.keys()].sort();
  if (isDeepStrictEqual(rows.map((row) => row.fingerprint).sort(), fingerprints)) return false;
  await knex('authority_keys')
    .where({ authority })
    .whereNotIn('fingerprint', fingerprints)
    .delete();
  for (const { blob, fingerprint } of wanted.values()) {
    await knex('authority_keys')
      .insert({ blob, fingerprint, authority })
      .onConflict('blob')
      .merge({ authority });
  }
  return true;
}

/** Makes them the names of a principal. @returns whether anything changed */
export async function applyCertificateNames(
  knex: Knex,
  principalId: string,
  certificates: readonly CertificateNames[],
): Promise<boolean> {
  const wanted = certificates.flatMap(({ authority, principals }) =>
    principals.map((name) => ({ authority: storable(authority), name: storable(name) })),
  );
  const stored: readonly { readonly authority: string; readonly name: string }[] = await knex(
    'principal_certificates',
  )
    .where('principal_id', principalId)
    .select('authority', 'name');
  const keyOf = (one: (typeof wanted)[number]): string => JSON.stringify([one.authority, one.name]);
  if (isDeepStrictEqual(stored.map(keyOf).sort(), wanted.map(keyOf).sort())) return false;
  await knex('principal_certificates').where('principal_id', principalId).delete();
  for (const one of wanted) {
    // A name that stood for somebody else stands for this principal now: it can't stand for two.
    await knex('principal_certificates')
      .insert({ ...one, principal_id: principalId })
      .onConflict(['authority', 'name'])
      .merge({ principal_id: principalId });
  }
  return true;
}

/** Removes the authorities that the document doesn't name, and all that their certificates gave. */
export async function pruneAuthorities(
  knex: Knex,
  entries: readonly AuthorityEntry[],
): Promise<readonly { readonly name: string }[]> {
  return knex('authorities')
    .whereNotIn(
      'name',
      entries.map(({ name }) => storable(name)),
    )
    .delete()
    .returning<{ name: string }[]>('name');
}
