/** What is in the directory when a bastion starts: the configuration, or the demo. */
import type { DirectoryDocument } from './access/directory.ts';
import type { Closers } from './cli/closers.ts';
import {
  DEMO_CREDENTIAL,
  DEMO_SETTING,
  demoDirectory,
  demoKeys,
  endDemo,
  startDemoTargetProcess,
} from './cli/demo.ts';
import { loadConfiguration } from './cli/configuration.ts';
import { journalChanges } from './cli/journal.ts';
import type { Config } from './config/environment.ts';
import type { Stores } from './context.ts';
import { SallyportError } from './errors.ts';
import type { Logger } from './log.ts';
import { generateKeyPair, parsePublicLine } from './ssh/key.ts';
import { applyDocument } from './store/directory-apply.ts';
import type { VersionOrigin } from './store/directory-versions.ts';

export interface DirectoryOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Account that the demo logs in as, and its shell. */
  readonly login: string;
  readonly shell: string;
}

/** Applies the configuration, or sets the demo up. @returns whether this is the demo */
export async function prepareDirectory(
  options: DirectoryOptions,
  stores: Stores,
  closers: Closers,
): Promise<boolean> {
  const { config, logger, login, shell } = options;
  const { home, settings, directory, credentials } = stores;
  if (config.configuration !== null) {
    const document = await loadConfiguration(config.configuration);
    await endDemo(settings);
    await applyAtStart(stores, document, config.configuration);
    return false;
  }
  if (await directory.isEmpty()) await settings.writeOnce(DEMO_SETTING, home.instanceId());
  if ((await settings.read(DEMO_SETTING)) !== home.instanceId()) return false;

  const keys = await demoKeys(home);
  const vault = await stores.vault();
  if ((await credentials.byName(DEMO_CREDENTIAL)) === null) {
    const pair = generateKeyPair(DEMO_CREDENTIAL);
    const sealed = await vault.seal(DEMO_CREDENTIAL, 'private-key', pair.privateKeyPem);
    await credentials.put(sealed, pair.publicLine);
  }
  await vault.check(DEMO_CREDENTIAL);
  const known = (await credentials.list()).find((one) => one.name === DEMO_CREDENTIAL);
  const authorized = parsePublicLine(known?.publicKey ?? '');
  if (authorized.kind === 'invalid') {
    throw new SallyportError('internal', authorized.why, 'start with a fresh home folder');
  }
  const target = await startDemoTargetProcess(
    { hostKeyPem: keys.targetHostKey, authorizedKey: authorized.blob, shell },
    logger,
  );
  closers.add('demo target', () => target.stop());
  const document = demoDirectory(keys, { host: target.host, port: target.port }, login);
  await applyAtStart(stores, document, 'the demo');
  return true;
}

async function applyAtStart(
  { database, journal }: Pick<Stores, 'database' | 'journal'>,
  document: DirectoryDocument,
  from: string,
): Promise<void> {
  const origin: VersionOrigin = { via: 'start', principal: null, source: null, from };
  const applied = await applyDocument(database, document, { prune: false, dryRun: false, origin });
  await journalChanges(journal, applied, origin);
}
