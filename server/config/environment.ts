/**
 * What the environment says, read once into plain data; every mistake is reported, not just the first.
 * Not caught here: whether a file exists, an address is free or a database answers; starting shows that.
 */
import { join, resolve } from 'node:path';
import { readAddress, type Address } from './address.ts';
import { JOURNAL_NAMES, readJournalPlaces, type JournalPlaces } from './journal-places.ts';
import { LINK_NAMES, readLinkSettings, type LinkSettings } from './link-settings.ts';
import { nearestName } from './nearest.ts';
import { PLACE_NAMES, readRecordPlaces, type RecordPlaces } from './record-places.ts';
import { readTransitSettings, TRANSIT_NAMES, type TransitSettings } from './transit-settings.ts';
import { WEBHOOK_VARIABLE, webhookVariables } from './webhook-variables.ts';

/** What the process knows about itself and the pure reader can't ask for. */
export interface EnvironmentDefaults {
  /** The invoking user's home directory; `.sallyport` in it is the default for SALLYPORT_HOME. */
  readonly homeDirectory: string;
  /** Relative paths start here. */
  readonly workingDirectory: string;
  /** Whether a person reads the log; decides the default of SALLYPORT_LOG. */
  readonly isTerminal: boolean;
}

export interface Config {
  /** Absolute path of the folder that holds all that a start creates. */
  readonly home: string;
  /** Port 0 = any free port, in both. */
  readonly ssh: Address;
  readonly http: Address;
  /** Where browsers reach the web server, without a final slash; null = as it listens. */
  readonly publicUrl: string | null;
  /** Absolute path of the configuration, a file or a folder; null = none given. */
  readonly configuration: string | null;
  /** Absolute path of the master key's file; null = not given by file. */
  readonly masterKeyFile: string | null;
  /** The key service; null = the master key alone. */
  readonly transit: TransitSettings | null;
  readonly logFormat: 'json' | 'pretty';
  /** Absolute path of the file with the client secret at the issuer; null = not given by file. */
  readonly clientSecretFile: string | null;
  /** How long a connection to a target is kept for the next session; 0 = none is kept or shared. */
  readonly upstreamIdleMs: number;
  /** Signing in to ssh by a link. */
  readonly links: LinkSettings;
  /** Where recordings and their seals go beside the database. */
  readonly record: RecordPlaces;
  /** Where the journal is copied to. */
  readonly journal: JournalPlaces;
  readonly secrets: Secrets;
}

export type EnvironmentOutcome =
  | { readonly kind: 'ok'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

const PREFIX = 'SALLYPORT_';
const OWNER_URL = 'SALLYPORT_DATABASE_OWNER_URL';
const CLIENT_SECRET = 'SALLYPORT_OIDC_CLIENT_SECRET';
const CLIENT_SECRET_FILE = 'SALLYPORT_OIDC_CLIENT_SECRET_FILE';
const KNOWN_NAMES = [
  'SALLYPORT_HOME',
  OWNER_URL,
  'SALLYPORT_SSH_LISTEN',
  'SALLYPORT_HTTP_LISTEN',
  'SALLYPORT_PUBLIC_URL',
  'SALLYPORT_CONFIG',
  'SALLYPORT_MASTER_KEY',
  'SALLYPORT_MASTER_KEY_FILE',
  'SALLYPORT_LOG',
  'SALLYPORT_UPSTREAM_IDLE',
  CLIENT_SECRET,
  CLIENT_SECRET_FILE,
  ...PLACE_NAMES,
  ...JOURNAL_NAMES,
  ...LINK_NAMES,
  ...TRANSIT_NAMES,
] as const;
type KnownName =
  (typeof KNOWN_NAMES)[number] | 'DATABASE_URL' | 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY';

/** AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. */
export interface ObjectKey {
  readonly id: string;
  readonly secret: string;
}

/**
 * Values that must never be shown. A class because private fields are what neither JSON, nor a
 * template, nor the inspector of Node prints.
 */
export class Secrets {
  readonly #databaseUrl: string | null;
  readonly #masterKey: string | null;
  readonly #objectKey: ObjectKey | null;
  readonly #databaseOwnerUrl: string | null;
  readonly #clientSecret: string | null;
  readonly #webhooks: ReadonlyMap<string, string>;

  constructor(
    databaseUrl: string | null,
    masterKey: string | null,
    objectKey: ObjectKey | null = null,
    databaseOwnerUrl: string | null = null,
    clientSecret: string | null = null,
    webhooks: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#databaseUrl = databaseUrl;
    this.#databaseOwnerUrl = databaseOwnerUrl;
    this.#masterKey = masterKey;
    this.#objectKey = objectKey;
    this.#clientSecret = clientSecret;
    this.#webhooks = webhooks;
  }

  /** DATABASE_URL as given; null = the embedded database. */
  get databaseUrl(): string | null {
    return this.#databaseUrl;
  }

  /** SALLYPORT_DATABASE_OWNER_URL as given; null = one role, or others migrate and delete. */
  get databaseOwnerUrl(): string | null {
    return this.#databaseOwnerUrl;
  }

  /** SALLYPORT_MASTER_KEY as given; null = from a file or generated. */
  get masterKey(): string | null {
    return this.#masterKey;
  }

  /** The key of the object store; null = not given. */
  get objectKey(): ObjectKey | null {
    return this.#objectKey;
  }

  /** SALLYPORT_OIDC_CLIENT_SECRET as given; null = from a file, or none. */
  get clientSecret(): string | null {
    return this.#clientSecret;
  }

  /** A variable that webhooks may read; null = it isn't set, or is none of those. */
  webhookVariable(name: string): string | null {
    return this.#webhooks.get(name) ?? null;
  }

  toString(): string {
    return '[secrets]';
  }

  toJSON(): string {
    return '[secrets]';
  }
}

/**
 * Reads the variables of the outside contract. A variable that is set but empty is a mistake: taken as
 * unset, a failed substitution would start a demo or make a new key where another was meant.
 * @param env as `process.env`
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  defaults: EnvironmentDefaults,
): EnvironmentOutcome {
  const problems: string[] = [];
  const complain = (name: KnownName, message: string, hint: string): null => {
    problems.push(`${name} ${message} (${hint})`);
    return null;
  };
  const given = (name: KnownName): string | null => {
    const value = env[name];
    if (value === undefined) return null;
    if (value.trim() === '')
      return complain(name, 'is set but empty', 'give it a value or unset it');
    if (value.includes('\0')) return complain(name, 'holds a NUL character', 'remove it');
    return value;
  };
  const path = (name: KnownName): string | null => {
    const value = given(name);
    return value === null ? null : resolve(defaults.workingDirectory, value);
  };
  const listen = (name: KnownName, port: number): Address => {
    const fallback = { host: '127.0.0.1', port };
    const value = given(name);
    if (value === null) return fallback;
    const read = readAddress(value, `127.0.0.1:${port} or [::1]:0`);
    if (read.kind === 'address') return read.address;
    complain(name, `is ${JSON.stringify(value)}: ${read.why}`, read.hint);
    return fallback;
  };

  const record = readRecordPlaces(given, complain);
  const config: Config = {
    home: path('SALLYPORT_HOME') ?? join(defaults.homeDirectory, '.sallyport'),
    ssh: listen('SALLYPORT_SSH_LISTEN', 2222),
    http: listen('SALLYPORT_HTTP_LISTEN', 8022),
    publicUrl: readPublicUrl(given('SALLYPORT_PUBLIC_URL'), complain),
    configuration: path('SALLYPORT_CONFIG'),
    masterKeyFile: path('SALLYPORT_MASTER_KEY_FILE'),
    transit: readTransitSettings(given, path, complain),
    logFormat: readLogFormat(given('SALLYPORT_LOG'), defaults.isTerminal, complain),
    clientSecretFile: path(CLIENT_SECRET_FILE),
    upstreamIdleMs: readIdleTime(given('SALLYPORT_UPSTREAM_IDLE'), complain),
    links: readLinkSettings(given, complain),
    record,
    journal: readJournalPlaces(given, complain),
    secrets: new Secrets(
      readDatabaseUrl('DATABASE_URL', given('DATABASE_URL'), complain),
      given('SALLYPORT_MASTER_KEY'),
      usesBucket(record) ? readObjectKey(given, complain) : null,
      readDatabaseUrl(OWNER_URL, given(OWNER_URL), complain),
      given(CLIENT_SECRET),
      webhookVariables(env),
    ),
  };
  if (env['SALLYPORT_MASTER_KEY'] !== undefined && config.masterKeyFile !== null) {
    complain(
      'SALLYPORT_MASTER_KEY',
      'and SALLYPORT_MASTER_KEY_FILE are both set',
      'keep one of them: two keys leave open which one seals the credentials',
    );
  }
  if (env[CLIENT_SECRET] !== undefined && config.clientSecretFile !== null) {
    complain(CLIENT_SECRET, `and ${CLIENT_SECRET_FILE} are both set`, 'keep one of them');
  }
  if (env[OWNER_URL] !== undefined && env['DATABASE_URL'] === undefined) {
    complain(
      OWNER_URL,
      'is set without DATABASE_URL',
      'set both: the embedded database sees to its two roles by itself',
    );
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  return { kind: 'ok', config: Object.freeze(config), warnings: unknownNames(env) };
}

/** Other programs' variables are looked at only when they are needed. */
function usesBucket({ anchor, cold }: RecordPlaces): boolean {
  return cold !== null || anchor?.kind === 'bucket';
}

function readObjectKey(
  given: (name: KnownName) => string | null,
  complain: Complain,
): ObjectKey | null {
  const id = given('AWS_ACCESS_KEY_ID');
  const secret = given('AWS_SECRET_ACCESS_KEY');
  if (id !== null && secret !== null) return { id, secret };
  const missing = id === null ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
  return complain(missing, 'is not set', 'the object store needs a key and its secret');
}

type Complain = (name: KnownName, message: string, hint: string) => null;

function readPublicUrl(value: string | null, complain: Complain): string | null {
  if (value === null) return null;
  const url = URL.canParse(value) ? new URL(value) : null;
  const fits =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  if (fits) return url.href.replace(/\/+$/, '');
  return complain(
    'SALLYPORT_PUBLIC_URL',
    'is no plain web address',
    'write https://host, without user, query and fragment',
  );
}

// The value never enters a message: it usually holds a password.
function readDatabaseUrl(
  name: 'DATABASE_URL' | typeof OWNER_URL,
  value: string | null,
  complain: Complain,
): string | null {
  if (value === null) return null;
  const scheme = URL.canParse(value) ? new URL(value).protocol : null;
  if (scheme === 'postgres:' || scheme === 'postgresql:') return value;
  return complain(
    name,
    'is no PostgreSQL address',
    'write postgres://user:password@host:5432/database, or unset it for the embedded database',
  );
}

function readLogFormat(
  value: string | null,
  isTerminal: boolean,
  complain: Complain,
): 'json' | 'pretty' {
  if (value === 'json' || value === 'pretty') return value;
  if (value !== null) {
    complain('SALLYPORT_LOG', `is ${JSON.stringify(value)}`, 'use json or pretty');
  }
  return isTerminal ? 'pretty' : 'json';
}

const IDLE_UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000 };
const DEFAULT_IDLE_MS = 60_000;
/** A connection that nobody uses stays open this long at most. */
const MAX_IDLE_MS = 3_600_000;

function readIdleTime(value: string | null, complain: Complain): number {
  if (value === null) return DEFAULT_IDLE_MS;
  const [, digits = '', unit = 's'] = /^(\d{1,4})([sm])$/.exec(value) ?? [];
  const ms = value === '0' ? 0 : Number(digits || Number.NaN) * (IDLE_UNITS_MS[unit] ?? 0);
  if (ms >= 0 && ms <= MAX_IDLE_MS) return ms;
  complain(
    'SALLYPORT_UPSTREAM_IDLE',
    `is ${JSON.stringify(value)}`,
    'write 60s, 10m or 0, up to 60m',
  );
  return DEFAULT_IDLE_MS;
}

function unknownNames(env: Readonly<Record<string, string | undefined>>): string[] {
  const bare = KNOWN_NAMES.map((known) => known.slice(PREFIX.length));
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX))
    .filter((name) => !(KNOWN_NAMES as readonly string[]).includes(name))
    .filter((name) => !WEBHOOK_VARIABLE.test(name))
    .sort()
    .map((name) => {
      // Without the prefix, which would make any two names look alike.
      const nearest = nearestName(name.slice(PREFIX.length), bare);
      const hint =
        nearest === null ? `known: ${KNOWN_NAMES.join(', ')}` : `did you mean ${PREFIX}${nearest}?`;
      return `${name} is not a variable that Sallyport reads (${hint})`;
    });
}
