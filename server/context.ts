/**
 * The composition root: makes each adapter once, gives it the ports that it needs, and closes
 * everything in reverse. Here the compiler checks that adapters fit the ports that others declared.
 */
import { Home } from './cli/home.ts';
import { openVaultKeys, type VaultKeys } from './cli/vault-keys.ts';
import type { VerbInput } from './cli/verb.ts';
import { permit } from './access/permission.ts';
import { systemClock, type Clock } from './clock.ts';
import type { Config } from './config/environment.ts';
import type { BucketPlace } from './config/record-places.ts';
import { SallyportError } from './errors.ts';
import type {
  ApprovalDesk,
  ChainReader,
  HeaderReader,
  LiveReader,
  RecordingReader,
  ReplayReader,
} from './http/ports.ts';
import type { Logger } from './log.ts';
import { compilePolicy } from './policy/document.ts';
import type { Policy } from './policy/policy.ts';
import type { BuiltinQueries } from './session/builtin.ts';
import { withHours } from './session/policy-hours.ts';
import type { Approvals, Authorities, Policies } from './session/ports.ts';
import type { BastionIdentity } from './session/ssh-config.ts';
import { anchorBucket, anchorFile, type AnchorSink, anchorWebhook } from './store/anchor-sinks.ts';
import { createAccessRequests, type StoredAccessRequests } from './store/access-requests.ts';
import { createAuthorities } from './store/authorities.ts';
import { createApprovals } from './store/approvals.ts';
import { createControls } from './store/controls.ts';
import { createCredentials, type Credentials } from './store/credentials.ts';
import { openDatabase, type Database } from './store/database.ts';
import { createDirectoryObjects, type DirectoryObjects } from './store/directory-objects.ts';
import { createDirectoryVersions, type DirectoryVersions } from './store/directory-versions.ts';
import { readWritten } from './store/directory-written.ts';
import { createDirectory, type StoredDirectory } from './store/directory.ts';
import { createDeviceLogins, type DeviceLogins } from './store/device-logins.ts';
import { createFailureJournal } from './store/failure-journal.ts';
import { createHolds, type Holds } from './store/holds.ts';
import { createJournal, type StoredJournal } from './store/journal.ts';
import { createLinks, type StoredLinks } from './store/links.ts';
import {
  createObjectStore,
  type ObjectStore,
  type ObjectStoreOptions,
} from './store/object-store.ts';
import { currentPolicy } from './store/policies.ts';
import { createSealedCredentials, type SealedCredentialRows } from './store/sealed-credentials.ts';
import { createRecordingReader } from './store/recording-reader.ts';
import { createRememberedKeys, type RememberedKeys } from './store/remembered-keys.ts';
import { createSearch, type StoredSearch } from './store/search.ts';
import { isUuid } from './store/query-text.ts';
import { createSettings, type Settings } from './store/settings.ts';
import { createShortKeys, type ShortKeys } from './store/short-keys.ts';
import { createSignIns, type StoredSignIns } from './store/sign-ins.ts';
import { createTokenDesk, type TokenDesk } from './store/token-desk.ts';
import { withTemporaryGrants } from './store/temporary-grants.ts';
import { createTokens, type Tokens } from './store/tokens.ts';
import { createVault, type SealingVault } from './vault/vault.ts';

/** Everything that stands on the database; what command-line verbs and the server share. */
export interface Stores {
  readonly home: Home;
  readonly clock: Clock;
  readonly database: Database;
  readonly journal: StoredJournal;
  readonly directory: StoredDirectory;
  readonly authorities: Authorities;
  readonly credentials: Credentials;
  readonly sealedCredentials: SealedCredentialRows;
  readonly tokens: Tokens;
  readonly tokenDesk: TokenDesk;
  readonly issuerDesk: StoredSignIns;
  /** Whether clients without a key get a link now. */
  readonly linkSwitch: { isOn: boolean };
  readonly settings: Settings;
  readonly policies: Policies;
  /** A policy as it was written, or null. */
  policyDocument(name: string): Promise<unknown>;
  readonly recordings: RecordingReader &
    ChainReader &
    HeaderReader &
    Omit<ReplayReader, 'prepare'> &
    Omit<LiveReader, 'watch'>;
  readonly search: StoredSearch;
  readonly approvals: Approvals & ApprovalDesk & { cancelStale(): Promise<void> };
  readonly accessRequests: StoredAccessRequests;
  readonly controls: ReturnType<typeof createControls>;
  readonly holds: Holds;
  readonly shortKeys: ShortKeys;
  readonly links: StoredLinks;
  readonly devices: DeviceLogins;
  readonly rememberedKeys: RememberedKeys;
  readonly directoryObjects: DirectoryObjects;
  readonly versions: DirectoryVersions;
  /** The keys of the vault; a master key is read, or made, at the first call. */
  vaultKeys(): Promise<VaultKeys>;
  vault(): Promise<SealingVault>;
  close(): Promise<void>;
}

/**
 * @param publicUrl where browsers reach the web server, asked whenever a link is written
 */
export async function openStores(
  config: Config,
  logger: Logger,
  publicUrl: () => string,
): Promise<Stores> {
  const linkSwitch = { isOn: config.links.mode === 'on' };
  const clock = systemClock;
  const home = Home.open(config.home);
  const database = await openDatabase({
    url: config.secrets.databaseUrl,
    ownerUrl: config.secrets.databaseOwnerUrl,
    objects: coldStore(config),
    homeDirectory: home.directory,
    logger,
  });
  try {
    const failures = createFailureJournal({
      journal: createJournal({ database, clock, logger }),
      clock,
      logger,
    });
    const { journal } = failures;
    const approvals = createApprovals({ database, journal, publicUrl, clock });
    const credentials = createCredentials(database);
    const settings = createSettings(database);
    let opened: Promise<VaultKeys> | null = null;
    const vaultKeys = (): Promise<VaultKeys> => (opened ??= openVaultKeys(config, home));
    let vault: Promise<SealingVault> | null = null;
    return {
      home,
      clock,
      database,
      journal,
      directory: withTemporaryGrants(createDirectory(database), database),
      authorities: createAuthorities(database),
      credentials,
      sealedCredentials: createSealedCredentials(database, journal),
      tokens: createTokens(database),
      tokenDesk: createTokenDesk({ database, journal }),
      linkSwitch,
      issuerDesk: createSignIns({
        database,
        journal,
        secret: { value: config.secrets.clientSecret, file: config.clientSecretFile },
      }),
      settings,
      policies: withHours(compiledPolicies(database), clock),
      policyDocument: async (name) => (await currentPolicy(database, name))?.document ?? null,
      recordings: createRecordingReader(database),
      search: createSearch(database),
      approvals,
      accessRequests: createAccessRequests({ database, journal, approvals, clock }),
      controls: createControls({ database, journal, clock, logger }),
      holds: createHolds({ database, journal, clock }),
      shortKeys: createShortKeys({ database, journal }),
      links: createLinks({
        database,
        journal,
        publicUrl,
        isOn: () => linkSwitch.isOn,
        remembers: config.links.rememberMs > 0,
      }),
      devices: createDeviceLogins({ database, journal }),
      rememberedKeys: createRememberedKeys({ database, journal }),
      directoryObjects: createDirectoryObjects(database),
      versions: createDirectoryVersions(database, readWritten),
      vaultKeys,
      vault: () =>
        (vault ??= vaultKeys().then((keys) => createVault({ keys, credentials, journal }))),
      close: async () => {
        await failures.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Where old chunks go; null = they stay in the database. */
export function coldStore(config: Config): ObjectStore | null {
  const options = coldStoreOptions(config);
  return options === null ? null : createObjectStore(options);
}

/** The same, for threads, which make their own. */
export function coldStoreOptions(config: Config): ObjectStoreOptions | null {
  const { cold } = config.record;
  return cold === null ? null : bucketOptions(config, cold.bucket);
}

/** Where anchors go; null = nowhere. */
export function anchorSink(config: Config, clock: Clock): AnchorSink | null {
  const { anchor } = config.record;
  switch (anchor?.kind) {
    case undefined:
      return null;
    case 'file':
      return anchorFile(anchor.path);
    case 'webhook':
      return anchorWebhook(anchor.url);
    case 'bucket':
      return anchorBucket(bucketStore(config, anchor.bucket), anchor.lockDays, () => clock.nowMs());
  }
}

function bucketOptions({ secrets }: Config, bucket: BucketPlace): ObjectStoreOptions {
  const key = secrets.objectKey;
  if (key === null) {
    const hint = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
    throw new SallyportError('config.invalid', 'the object store has no key', hint);
  }
  return { ...bucket, accessKeyId: key.id, secretAccessKey: key.secret };
}

function bucketStore(config: Config, bucket: BucketPlace): ObjectStore {
  return createObjectStore(bucketOptions(config, bucket));
}

/** Runs a verb on the stores; an embedded server that nobody else uses is stopped afterwards. */
export async function withStores<T>(
  input: VerbInput,
  use: (stores: Stores) => Promise<T>,
): Promise<T> {
  const { config, logger } = input;
  const stores = await openStores(
    config,
    logger,
    () => config.publicUrl ?? 'http://localhost:8022',
  );
  try {
    return await use(stores);
  } finally {
    await stores.close();
  }
}

/** Compiles a policy when its version changes. */
function compiledPolicies(database: Database): Policies {
  const compiled = new Map<string, { readonly version: number; readonly policy: Policy }>();
  return {
    byName: async (name) => {
      const stored = await currentPolicy(database, name);
      if (stored === null) {
        throw new SallyportError(
          'object.unknown',
          `the policy "${name}" of this grant does not exist`,
          'an admin can apply a configuration that has it',
        );
      }
      const known = compiled.get(name);
      const { directoryVersion } = stored;
      if (known?.version === stored.version) return { ...known, directoryVersion };
      const outcome = compilePolicy(name, stored.document);
      if (outcome.kind === 'invalid') {
        throw new SallyportError(
          'config.invalid',
          `the policy "${name}" can't be read: ${outcome.problems[0]?.message ?? 'unknown problem'}`,
          'an admin can apply a corrected configuration',
        );
      }
      const fresh = { version: stored.version, policy: outcome.policy };
      compiled.set(name, fresh);
      return { ...fresh, directoryVersion };
    },
  };
}

/** What the commands of the bastion itself ask for. */
export function builtinQueries(stores: Stores, identity: BastionIdentity): BuiltinQueries {
  return {
    identity,
    directory: stores.directory,
    access: stores.accessRequests,
    recentSessions: async (principal, limit) => {
      const outcome = permit(principal, 'session.list');
      if (outcome.kind !== 'allowed') return [];
      const page = await stores.recordings.listSessions(
        outcome.scope === 'all' ? { limit } : { principal: principal.name, limit },
      );
      return page.items.map((one) => ({
        id: one.id,
        startedAt: one.startedAt,
        principal: one.principal.name,
        target: one.target,
        kind: one.kind,
        status: one.status,
      }));
    },
    recording: async (id, { principal, source }) => {
      const session = isUuid(id) ? await stores.recordings.session(id) : null;
      if (session === null) return null;
      const owner = session.principal.name;
      if (permit(principal, 'session.read', owner).kind !== 'allowed') return null;
      await stores.journal.append({
        type: 'recording.viewed',
        principal: principal.name,
        source,
        session: id,
        target: session.target,
        data: { owner, what: 'play' },
      });
      return stores.recordings.events(id);
    },
    waitingApprovals: (limit) => stores.approvals.listApprovals({ status: 'waiting', limit }),
    decide: (id, decision, by) => stores.approvals.decide(id, decision, by),
    standingApprovals: (limit) => stores.approvals.standing(limit),
    revoke: async (id, by) => (await stores.approvals.revoke(id, by)).kind,
    awaitApproval: async (id, principal, signal) => {
      const standing = await stores.approvals.standingFor(id, principal);
      const knows = permit(principal, 'approval.list').kind === 'allowed';
      if (standing === null || !(standing.isTheirs || knows)) return null;
      return stores.approvals.decided(id, signal);
    },
  };
}
