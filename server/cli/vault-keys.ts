/** The keys that seal and open credentials, as the environment names them. */
import type { Config } from '../config/environment.ts';
import { SallyportError } from '../errors.ts';
import type { KeyService, KeyServices } from '../vault/key-service.ts';
import { createLocalKeys } from '../vault/local-keys.ts';
import { loadMasterKeys } from '../vault/master-key.ts';
import { createTransitKeys, type TransitKeys } from '../vault/transit.ts';
import type { Home } from './home.ts';

export interface VaultKeys extends KeyServices {
  readonly transit: TransitKeys | null;
  /** The file of the master keys; null = they come from the environment, or there are none. */
  readonly keyFile: string | null;
}

/** Where a first start puts its master key. */
export function generatedKeyFile(home: Home): string {
  return home.path('keys', 'master.key');
}

/** Reads the master keys, and makes one where nothing else seals. */
export async function openVaultKeys(config: Config, home: Home): Promise<VaultKeys> {
  const { masterKeyFile, secrets } = config;
  const transit =
    config.transit === null
      ? null
      : createTransitKeys({ place: config.transit, keepMs: config.transit.keepMs });
  const sealsOutside = config.transit?.use === 'seal';
  const generatedFile = generatedKeyFile(home);
  const keyFile = secrets.masterKey === null ? (masterKeyFile ?? generatedFile) : null;
  const place =
    keyFile === null ? 'master key in SALLYPORT_MASTER_KEY' : `master key in ${keyFile}`;
  const local = await createLocalKeys(place, () =>
    loadMasterKeys({
      value: secrets.masterKey,
      file: masterKeyFile,
      generatedFile,
      generates: !sealsOutside,
    }),
  );
  const sealing = sealsOutside ? transit : local;
  if (sealing === null) {
    throw new SallyportError(
      'key.corrupt',
      'there is no master key',
      'set SALLYPORT_MASTER_KEY_FILE',
    );
  }
  const opening: KeyService[] = [];
  if (local !== null) opening.push(local);
  if (transit !== null) opening.push(transit);
  return { sealing, opening, transit, keyFile: local === null ? null : keyFile };
}
