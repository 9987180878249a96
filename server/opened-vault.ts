/** The vault of a running bastion: missing keys are named at the start, and the token of a key service lives on. */
import type { Closers } from './cli/closers.ts';
import type { Stores } from './context.ts';
import type { Logger } from './log.ts';
import { reportMissing, survey } from './vault/survey.ts';
import { keepTokenAlive } from './vault/transit.ts';
import type { SealingVault } from './vault/vault.ts';

/** Rejects with `vault.locked` when there are credentials and none can be opened. */
export async function openedVault(
  stores: Stores,
  logger: Logger,
  closers: Closers,
): Promise<SealingVault> {
  const vault = await stores.vault();
  closers.add('vault', async () => vault.close());
  const { transit } = await stores.vaultKeys();
  if (transit !== null) {
    const renewing = keepTokenAlive(transit.client, (event, why) => {
      if (event === 'failed') logger.error('vault.token-not-renewed', { why });
      else logger.info(`vault.token-${event}`, { why });
    });
    closers.add('token of the key service', async () => renewing.close());
  }
  reportMissing(await survey(vault.keys, stores.sealedCredentials), logger);
  return vault;
}
