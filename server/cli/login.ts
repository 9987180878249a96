/**
 * `login`, `whoami`, `logout`: a person on a machine without a browser (RFC 8628). The machine gets a token
 * in a file that only its user reads, and has the user's key registered for as long.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import type { Verb, VerbInput } from './verb.ts';

/** As the server has it: what the key signs the device code for. */
const NAMESPACE = 'login@sallyport';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';
const DEFAULT_URL = 'http://localhost:8022';
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_POLLS = 1_000;
/** Keys that ssh itself would try, the first that is there. */
const USUAL_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/** What `login.json` holds. */
export interface StoredLogin {
  readonly url: string;
  readonly token: string;
  readonly principal: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

const login: Verb = {
  name: 'login',
  usage: '[--url URL] [--key FILE | --no-key]',
  summary:
    'sign this machine in by a browser elsewhere, and have its ssh key registered for a time',
  options: { url: { type: 'string' }, key: { type: 'string' }, 'no-key': { type: 'boolean' } },
  positionals: [0, 0],
  run: async (input) => {
    const { options, terminal } = input;
    const url = await urlOf(input);
    const key = options.flag('no-key') ? null : await keyOf(options.text('key'));
    const begun = await post(`${url}/api/v1/device_authorization`, {
      client_id: 'sallyport-cli',
      ...(key === null ? {} : { public_key: key.line }),
    });
    const deviceCode = textOf(begun, 'device_code');
    const signature = key === null ? '' : await signed(key.path, deviceCode);
    terminal.err(
      [
        'Open this address in a browser where you can sign in:',
        '',
        `    ${printable(textOf(begun, 'verification_uri'), 500)}`,
        '',
        `and type this code there:  ${printable(textOf(begun, 'user_code'), 40)}`,
        '',
        'Waiting; Ctrl-C gives up.',
        '',
      ].join('\n'),
    );
    const answer = await polled(url, numberOf(begun, 'interval'), {
      grant_type: GRANT_TYPE,
      client_id: 'sallyport-cli',
      device_code: deviceCode,
      ...(key === null ? {} : { key_signature: signature }),
    });
    const stored: StoredLogin = {
      url,
      token: textOf(answer, 'access_token'),
      principal: textOf(answer, 'principal'),
      expiresAt: new Date(Date.now() + numberOf(answer, 'expires_in') * 1000).toISOString(),
    };
    const file = await store(input, stored);
    const { principal, expiresAt } = stored;
    const registered = keyIn(answer);
    if (options.flag('json')) {
      const object = { url, principal, expiresAt, file, key: registered };
      await terminal.out(`${JSON.stringify(object)}\n`);
      return 0;
    }
    await terminal.out(
      `signed in as ${printable(principal, 200)} until ${expiresAt}, see ${file}\n`,
    );
    if (registered !== null) {
      await terminal.out(`ssh signs in by itself with ${registered.fingerprint} for as long\n`);
    } else if (key !== null) {
      terminal.err(
        'sallyport: the key was not registered: it is revoked, or somebody else’s; take another one (--key FILE)\n',
      );
    }
    return 0;
  },
};

const whoami: Verb = {
  name: 'whoami',
  usage: '',
  summary: 'say who "login" signed this machine in as',
  options: {},
  positionals: [0, 0],
  run: async (input) => {
    const stored = await storedLogin(input);
    if (stored === null) return notIn(input);
    const answer = await asked(stored, 'GET', '/api/v1/login');
    if (answer === null) return notIn(input);
    const roles: unknown = answer['roles'];
    const shown = Array.isArray(roles) ? roles.join(', ') : '';
    const name = printable(textOf(answer, 'name'), 200);
    await input.terminal.out(
      input.options.flag('json')
        ? `${JSON.stringify({ ...answer, url: stored.url, expiresAt: stored.expiresAt })}\n`
        : `${name} (${printable(shown, 200)}) at ${stored.url} until ${stored.expiresAt}\n`,
    );
    return 0;
  },
};

const logout: Verb = {
  name: 'logout',
  usage: '',
  summary: 'end what "login" got; keys are revoked with "ssh-keys revoke"',
  options: {},
  positionals: [0, 0],
  run: async (input) => {
    const stored = await storedLogin(input);
    if (stored === null) return notIn(input);
    await asked(stored, 'DELETE', '/api/v1/login');
    await rm(placeOf(input), { force: true });
    const said = { revoked: true, principal: stored.principal };
    await input.terminal.out(
      input.options.flag('json') ? `${JSON.stringify(said)}\n` : 'signed out\n',
    );
    return 0;
  },
};

export const loginVerbs: readonly Verb[] = [login, whoami, logout];

/** What `login` left here; null = nothing, or what is no longer good. */
export async function storedLogin(input: Pick<VerbInput, 'config'>): Promise<StoredLogin | null> {
  const text = await readFile(placeOf(input), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const read = JSON.parse(text) as Partial<StoredLogin>;
    const { expiresAt, principal, token, url } = read;
    const isWhole = [expiresAt, principal, token, url].every((one) => typeof one === 'string');
    return isWhole ? (read as StoredLogin) : null;
  } catch {
    return null;
  }
}

/** A request with the stored token. @returns null = the token isn't good any more */
export async function asked(
  { token, url }: StoredLogin,
  method: 'GET' | 'DELETE',
  path: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  const response = await reach(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
  });
  if (response.status === 401) return null;
  const answer = await objectIn(response);
  if (response.ok) return answer;
  const { error } = answer as {
    readonly error?: { readonly message?: string; readonly hint?: string };
  };
  throw new SallyportError(
    response.status === 404 ? 'object.unknown' : 'usage.invalid',
    printable(error?.message ?? `the bastion answered ${response.status}`, 500),
    printable(error?.hint ?? 'try again', 500),
  );
}

function placeOf({ config }: Pick<VerbInput, 'config'>): string {
  return join(config.home, 'login.json');
}

/** What was asked for, what it was last time, the bastion of this very home, the usual port. */
async function urlOf(input: VerbInput): Promise<string> {
  const { config, options } = input;
  const given = options.text('url');
  const url =
    given ??
    (await storedLogin(input))?.url ??
    config.publicUrl ??
    (await runningUrl(config.home)) ??
    DEFAULT_URL;
  const isWeb = URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);
  if (isWeb) return url.replace(/\/+$/, '');
  throw new SallyportError(
    'usage.invalid',
    `${JSON.stringify(printable(url, 200))} is no web address`,
    'write --url https://HOST',
  );
}

async function runningUrl(home: string): Promise<string | null> {
  try {
    const run = JSON.parse(await readFile(join(home, 'run.json'), 'utf8')) as {
      readonly http?: { readonly url?: unknown };
    };
    return typeof run.http?.url === 'string' ? run.http.url : null;
  } catch {
    return null;
  }
}

/** The private key's path, and the line of its public one. */
async function keyOf(
  given: string | null,
): Promise<{ readonly path: string; readonly line: string } | null> {
  const paths =
    given === null
      ? USUAL_KEYS.map((name) => join(homedir(), '.ssh', name))
      : [given.replace(/\.pub$/, '')];
  for (const path of paths) {
    const line = await readFile(`${path}.pub`, 'utf8').catch(() => null);
    if (line !== null) return { path, line: line.trim() };
  }
  if (given === null) return null;
  throw new SallyportError(
    'usage.invalid',
    `there is no ${printable(given, 200)}.pub`,
    'name a key of yours, make one with ssh-keygen -t ed25519, or leave it out: --no-key',
  );
}

/** ssh-keygen asks for a passphrase or a touch by itself, and knows the agent. */
async function signed(path: string, message: string): Promise<string> {
  const hasPrivate = await stat(path).then(
    () => true,
    () => false,
  );
  const file = hasPrivate ? path : `${path}.pub`;
  return new Promise((resolve, reject) => {
    const child = execFile(
      'ssh-keygen',
      ['-q', '-Y', 'sign', '-f', file, '-n', NAMESPACE],
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const why = printable(stderr.trim() === '' ? messageOf(error) : stderr.trim(), 500);
        const hint = 'name another key with --key FILE, or go on without one: --no-key';
        reject(
          new SallyportError('key.corrupt', `ssh-keygen can't sign with ${file}: ${why}`, hint),
        );
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(message);
  });
}

/** Asks until somebody has typed the code. */
async function polled(
  url: string,
  intervalS: number,
  fields: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  let waitMs = intervalS * 1000;
  for (let polls = 0; polls < MAX_POLLS; polls += 1) {
    await sleep(waitMs);
    const response = await reach(`${url}/api/v1/device_token`, form(fields));
    const answer = await objectIn(response);
    if (response.ok) return answer;
    const { error, error_description: why } = answer;
    if (error === 'authorization_pending') continue;
    if (error === 'slow_down') {
      waitMs += 5_000;
      continue;
    }
    const text = typeof why === 'string' ? why : `the bastion answered ${response.status}`;
    throw new SallyportError(
      'access.unauthenticated',
      printable(text, 500),
      'begin again: sallyport login',
    );
  }
  throw new SallyportError('access.unauthenticated', 'nobody typed the code', 'begin again');
}

async function post(
  url: string,
  fields: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await reach(url, form(fields));
  const answer = await objectIn(response);
  if (response.ok) return answer;
  const { error, error_description: described } = answer;
  const { message } =
    typeof error === 'object' && error !== null ? (error as { message?: unknown }) : {};
  const why = [described, message].find((one): one is string => typeof one === 'string');
  throw new SallyportError(
    'usage.invalid',
    printable(why ?? `the bastion answered ${response.status}`, 500),
    'see what it says, and try again',
  );
}

function form(fields: Readonly<Record<string, string>>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) };
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, {
      ...init,
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new SallyportError(
      'target.unreachable',
      `${new URL(url).origin} does not answer: ${printable(messageOf(cause), 300)}`,
      'name the bastion’s web address with --url',
      { cause: error },
    );
  }
}

async function objectIn(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const read: unknown = await response.json().catch(() => null);
  return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
}

function textOf(answer: Readonly<Record<string, unknown>>, name: string): string {
  const value = answer[name];
  if (typeof value === 'string' && value !== '') return value;
  throw odd(name);
}

function numberOf(answer: Readonly<Record<string, unknown>>, name: string): number {
  const value = answer[name];
  if (typeof value === 'number' && value >= 1 && value < 1e9) return value;
  throw odd(name);
}

function keyIn(
  answer: Readonly<Record<string, unknown>>,
): { readonly fingerprint: string; readonly expiresAt: string } | null {
  const key = answer['key'];
  if (typeof key !== 'object' || key === null) return null;
  const { expiresAt, fingerprint } = key as Record<string, unknown>;
  return typeof fingerprint === 'string' && typeof expiresAt === 'string'
    ? { fingerprint: printable(fingerprint, 100), expiresAt: printable(expiresAt, 40) }
    : null;
}

function odd(name: string): SallyportError {
  return new SallyportError(
    'usage.invalid',
    `the answer has no "${name}", so this is no bastion`,
    'name the bastion’s web address with --url',
  );
}

async function store(input: VerbInput, stored: StoredLogin): Promise<string> {
  const file = placeOf(input);
  await mkdir(input.config.home, { recursive: true, mode: 0o700 });
  await rm(file, { force: true });
  await writeFile(file, `${JSON.stringify(stored)}\n`, { mode: 0o600, flag: 'wx' });
  await chmod(file, 0o600);
  return file;
}

async function notIn({ options, terminal }: VerbInput): Promise<number> {
  if (options.flag('json')) await terminal.out(`${JSON.stringify({ signedIn: false })}\n`);
  terminal.err('sallyport: this machine is not signed in; do: sallyport login\n');
  return 1;
}
