/** How a PostgreSQL server is reached, and what is said when it can't be. */
import { Client, types, type ClientConfig } from 'pg';
import { messageOf, SallyportError } from '../errors.ts';

/** One attempt to connect, milliseconds. */
export const CONNECT_TIMEOUT_MS = 5_000;
export const END_TIMEOUT_MS = 2_000;
/** How long a server may take to finish its own recovery after a crash, milliseconds. */
export const RECOVERY_TIMEOUT_MS = 60_000;
const RECOVERY_POLL_MS = 100;
const KEEP_ALIVE_DELAY_MS = 10_000;
/** Oldest server that we use (`server_version_num`). */
export const OLDEST_SERVER = 130_000;
const STARTING_UP = '57P03';

/** Where a server is: an address as people write it, or the socket of the server that we run. */
export type ServerAddress =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'socket';
      readonly socketDirectory: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
    };

/** The settings of one connection, for pg and for knex alike. `int8` arrives as a number. */
export function clientConfig(address: ServerAddress): ClientConfig {
  const common = {
    application_name: 'sallyport',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    types: { getTypeParser },
  };
  if (address.kind === 'url') return { ...common, connectionString: address.url };
  const { socketDirectory, port, user, database } = address;
  // Everything that pg would otherwise take from PG* variables meant for another server is set.
  const pinned = { password: 'none', ssl: false, options: '-c search_path=public' };
  return { ...common, ...pinned, host: socketDirectory, port, user, database };
}

type TypeId = Parameters<typeof types.getTypeParser>[0];

const getTypeParser = ((oid: TypeId, format?: 'text' | 'binary') =>
  oid === types.builtins.INT8 && format !== 'binary'
    ? safeInteger
    : types.getTypeParser(oid, format)) as typeof types.getTypeParser;

function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new SallyportError(
    'internal',
    `the database holds the number ${text}, which is beyond 2^53`,
    'look for an edited row; Sallyport never writes such a number',
  );
}

/** A client whose later errors are swallowed: a bare pg client without a listener ends the process. */
export function createClient(address: ServerAddress, onError: (error: Error) => void): Client {
  const client = new Client(clientConfig(address));
  client.on('error', onError);
  return client;
}

/** Says goodbye; waits no longer than END_TIMEOUT_MS for a peer that may be gone. Never rejects. */
export async function endClient(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, END_TIMEOUT_MS);
  });
  await Promise.race([client.end().catch(() => {}), late]);
  clearTimeout(timer);
}

export interface ServerFacts {
  /** As the server says it, such as `15.20`. */
  readonly version: string;
  /** The same as a number, such as 150020. */
  readonly number: number;
  /** Whom the address connects as. */
  readonly role: string;
}

/**
 * Connects once and asks for the version; waits up to RECOVERY_TIMEOUT_MS while the server says that
 * it is starting up. Rejects with `database.unreachable`, `database.too-old` or `config.invalid`.
 */
export async function probe(address: ServerAddress): Promise<ServerFacts> {
  checkUrl(address);
  const deadlineMs = Date.now() + RECOVERY_TIMEOUT_MS;
  for (;;) {
    try {
      return await probeOnce(address);
    } catch (error) {
      if (codeOf(error) !== STARTING_UP || Date.now() > deadlineMs) {
        throw error instanceof SallyportError ? error : unreachable(address, error);
      }
      await new Promise((resolve) => setTimeout(resolve, RECOVERY_POLL_MS));
    }
  }
}

async function probeOnce(address: ServerAddress): Promise<ServerFacts> {
  const client = createClient(address, () => {});
  try {
    await client.connect();
    const { rows } = await client.query<ServerFacts>(
      `select current_setting('server_version_num')::int as number,
              split_part(current_setting('server_version'), ' ', 1) as version,
              current_user::text as role`,
    );
    const facts = rows[0] ?? { number: 0, version: 'unknown', role: '' };
    if (facts.number >= OLDEST_SERVER) return facts;
    throw new SallyportError(
      'database.too-old',
      `the database at ${placeOf(address)} is PostgreSQL ${facts.version}; 13 is the oldest that works`,
      'upgrade the server, or point DATABASE_URL at a newer one',
    );
  } finally {
    await endClient(client);
  }
}

function checkUrl(address: ServerAddress): void {
  if (address.kind !== 'url') return;
  const bad = (): SallyportError =>
    new SallyportError(
      'config.invalid',
      'DATABASE_URL is not the address of a PostgreSQL database',
      'write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE',
    );
  if (!/^(postgres|postgresql|socket):/.test(address.url) && !address.url.startsWith('/')) {
    throw bad();
  }
  try {
    placeOf(address);
  } catch {
    // The parser's own error would show the address with its password.
    throw bad();
  }
}

/** `host:port` or the socket's directory; never a password. */
export function placeOf(address: ServerAddress): string {
  if (address.kind === 'socket') return address.socketDirectory;
  const { host, port } = new Client({ connectionString: address.url });
  return host.startsWith('/') ? host : `${host}:${port}`;
}

function unreachable(address: ServerAddress, error: unknown): SallyportError {
  return new SallyportError(
    'database.unreachable',
    `the database at ${placeOf(address)} can't be used: ${whyOf(error)}`,
    hintFor(codeOf(error), address),
  );
}

function whyOf(error: unknown): string {
  // Several addresses of one name give an error that holds the others and says nothing itself.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  return messageOf(first);
}

function hintFor(code: string, address: ServerAddress): string {
  if (address.kind === 'socket') return 'read server.log beside the data for the reason';
  if (code === '28P01' || code === '28000' || /sasl/i.test(code)) {
    return 'check user and password in DATABASE_URL, and the pg_hba.conf of the server';
  }
  if (code === '3D000') return 'create the database, or correct its name in DATABASE_URL';
  if (code === '53300') return 'raise max_connections of the server, or close other clients';
  return 'start that server or correct DATABASE_URL; without DATABASE_URL Sallyport runs its own';
}

/** SQLSTATE or system error code; '' when there is none. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}
