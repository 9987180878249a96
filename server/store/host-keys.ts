/** Host keys of targets, pinned where no configuration says one. */
import { SallyportError } from '../errors.ts';
import type { Database } from './database.ts';
import { changeDirectory } from './directory-transaction.ts';
import type { VersionOrigin } from './directory-versions.ts';
import { storable } from './storable.ts';

/**
 * Pins the host key of a target, `ssh-ed25519 AAAA…`, as a version of the directory. Rejects with
 * `object.unknown`. @returns the version
 */
export async function pinHostKey(
  database: Pick<Database, 'knex'>,
  target: string,
  line: string,
  origin: VersionOrigin,
): Promise<number> {
  const applied = await changeDirectory(
    database,
    { dryRun: false, origin },
    async ({ changes, trx }) => {
      const name = storable(target);
      const row = await trx('targets')
        .where({ name })
        .first<{ readonly host_key: string | null } | undefined>('host_key');
      if (row === undefined) {
        throw new SallyportError(
          'object.unknown',
          `there is no target named ${name}`,
          'add it to the configuration and apply that first',
        );
      }
      if (row.host_key === storable(line)) return;
      await trx('targets')
        .where({ name })
        .update({ host_key: storable(line) });
      changes.push({ object: 'target', name, change: 'changed' });
    },
  );
  return applied.version;
}
