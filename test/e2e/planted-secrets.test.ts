/**
 * Secrets of every kind are planted and used, and then looked for wherever the bastion leaves anything: in
 * the database, its files, its log, its answers, and in the heap of the running process.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, type JsonWebKey, type KeyObject } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseCommandLine } from '../../server/cli/verb.ts';
import { VERBS } from '../../server/cli/verbs.ts';
import { readEnvironment } from '../../server/config/environment.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { silentLogger } from '../../server/log.ts';
import { writeContainer } from '../../server/ssh/engine/private-key.ts';
import { blobOf } from '../../server/ssh/engine/signature.ts';
import { formatPublicLine } from '../../server/ssh/key.ts';
import { freshUrl } from '../support/database.ts';
import { everyRow } from '../support/every-row.ts';
import { LeakSearch, type PlantedSecret } from '../support/leak-search.ts';
import { ssh } from '../support/ssh.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

/** Longer strings than any key are kept whole in the snapshot. */
const HEAP_STRING_LIMIT = 1_000_000;
const SNAPSHOT_TIMEOUT_MS = 120_000;
const SETUP_TIMEOUT_MS = 180_000;
const KINDS = ['ed25519', 'ecdsa', 'rsa', 'password', 'authority'] as const;
type Kind = (typeof KINDS)[number];

describe('e2e: planted secrets', () => {
  /** Stands for something that may be found everywhere, so that a search that finds nothing fails. */
  const control = `control-${randomBytes(8).toString('hex')}`;
  const password = `Pw0-${randomBytes(18).toString('base64url')}`;
  const masterKey = randomBytes(32);
  const planted: PlantedSecret[] = [];
  let folder: string;
  let url: string;
  let sshd: Sshd;
  let bastion: Bastion;
  let apiToken: string;
  let cookie: string;
  const answers: Buffer[] = [];
  /** Ended in reverse, however far the set-up came. */
  const started: AsyncDisposable[] = [];

  /** A verb as another process would run it, without the start of one. */
  async function verb(...args: readonly string[]): Promise<string> {
    const env = { ...environment(), SALLYPORT_HOME: bastion.home };
    const defaults = { homeDirectory: '/nowhere', workingDirectory: '/', isTerminal: false };
    const outcome = readEnvironment(env, defaults);
    assert.ok(outcome.kind === 'ok', JSON.stringify(outcome));
    const parsed = parseCommandLine(args, VERBS);
    assert.ok(parsed.kind === 'verb', JSON.stringify(parsed));
    let said = '';
    const { options, positionals } = parsed;
    const status = await parsed.verb.run({
      config: outcome.config,
      logger: silentLogger,
      terminal: {
        out: async (text) => void (said += text),
        err: (text) => void (said += text),
        stdin: Object.assign((async function* none() {})(), { isTTY: false }),
      },
      source: 'cli:test',
      version: 'test',
      positionals,
      options,
    });
    assert.equal(status, 0, said);
    if (args[0] !== 'token') answers.push(Buffer.from(said));
    return said;
  }

  const environment = (): Record<string, string> => ({
    DATABASE_URL: url,
    SALLYPORT_CONFIG: join(folder, 'bastion.yaml'),
    SALLYPORT_MASTER_KEY_FILE: join(folder, 'master'),
    // Each session opens its credential.
    SALLYPORT_UPSTREAM_IDLE: '0',
  });

  const targetOf = (kind: Kind): string => `${control}-${kind}`;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(join(folder, 'heap'));
    url = await freshUrl();
    const keys = plantKeys();
    const authority = join(folder, 'ca.pub');
    await writeFile(authority, `${publicLine(keys.authority.key)}\n`);
    await writeFile(join(folder, 'shadow'), await shadowWith(password), { mode: 0o600 });
    sshd = await startSshd(
      ['PasswordAuthentication yes', `TrustedUserCAKeys ${authority}`],
      // A real server checks a real password, in a file that only it sees.
      // prettier-ignore
      ['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
       'mount --bind "$0" /etc/shadow && exec "$@"', join(folder, 'shadow')],
    );
    started.push(sshd);
    for (const kind of ['ed25519', 'ecdsa', 'rsa'] as const) {
      await sshd.authorise(publicLine(keys[kind].key));
    }
    await writeFile(join(folder, 'master'), masterKey.toString('base64'), { mode: 0o600 });
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'ann')]);
    await writeFile(join(folder, 'bastion.yaml'), await configuration());
    // prettier-ignore
    const flags = ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${join(folder, 'heap')}`,
                   `--heap-snapshot-string-limit=${HEAP_STRING_LIMIT}`];
    bastion = await startBastion({
      env: environment(),
      prefix: ['sh', '-c', `exec "$0" ${flags.join(' ')} "$@"`],
    });
    started.push(bastion);
    await writeFile(join(folder, 'pw'), `${password}\n`, { mode: 0o600 });
    for (const kind of KINDS) {
      const material = join(folder, kind === 'password' ? 'pw' : kind);
      if (kind !== 'password') await writeFile(material, keys[kind].pem, { mode: 0o600 });
      const option = kind === 'password' ? '--password-file' : '--private-key';
      const more = kind === 'authority' ? ['--authority'] : [];
      await verb('credential', 'put', kind, option, material, ...more);
      await rm(material);
    }
    plant('the password', Buffer.from(password));
    plant('the master key', masterKey);
    await signIn();
  }).timeout(SETUP_TIMEOUT_MS);
  after(async () => {
    for (const one of started.toReversed()) await one[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  function plant(name: string, bytes: Buffer): void {
    planted.push({ name, bytes });
  }

  function plantKeys(): Record<Exclude<Kind, 'password'>, { key: KeyObject; pem: Buffer }> {
    const ed25519 = generateKeyPairSync('ed25519').privateKey;
    const authority = generateKeyPairSync('ed25519').privateKey;
    const ecdsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const pemOf = (key: KeyObject, type: 'pkcs1' | 'sec1'): Buffer =>
      Buffer.from(key.export({ format: 'pem', type }));
    const keys = {
      ed25519: { key: ed25519, pem: writeContainer(ed25519, 1, 'k') },
      authority: { key: authority, pem: writeContainer(authority, 1, 'ca') },
      ecdsa: { key: ecdsa, pem: pemOf(ecdsa, 'sec1') },
      rsa: { key: rsa, pem: pemOf(rsa, 'pkcs1') },
    };
    for (const [name, { key }] of Object.entries(keys)) {
      const jwk: JsonWebKey = key.export({ format: 'jwk' });
      for (const part of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
        const number = jwk[part];
        if (number !== undefined) plant(`${part} of ${name}`, Buffer.from(number, 'base64url'));
      }
    }
    // Behind the modulus, which is public; the other keys are short enough to be known by their number.
    for (const line of keys.rsa.pem.toString().split('\n').slice(7, -2)) {
      plant('a line of rsa', Buffer.from(line));
    }
    return keys;
  }

  const publicLine = (key: KeyObject): string =>
    formatPublicLine(blobOf(key) ?? Buffer.alloc(0), control);

  async function configuration(): Promise<string> {
    const targets = KINDS.map(
      (kind) =>
        `  - {name: ${targetOf(kind)}, address: "${sshd.host}:${sshd.port}", hostKey: "${sshd.hostKeyLine}", logins: [{name: ${sshd.user}, credential: ${kind}}]}`,
    );
    return `principals:
  - {name: ann, kind: human, roles: [admin], keys: ["${(await readFile(join(folder, 'ann.pub'), 'utf8')).trim()}"]}
credentials: [${KINDS.map((kind) => `{name: ${kind}}`).join(', ')}]
targets:
${targets.join('\n')}
grants:
  - {principals: [ann], targets: [${KINDS.map(targetOf).join(', ')}], logins: [${sshd.user}], channels: [shell, exec], policy: ${control}}
policies:
  ${control}: {default: allow, uncertain: allow, rules: []}
`;
  }

  async function signIn(): Promise<void> {
    apiToken = (await verb('token', 'create', '--principal', 'ann')).trim();
    const link = (await verb('token', 'create', '--principal', 'ann', '--link')).trim();
    const answer = await fetch(link, { method: 'POST', redirect: 'manual' });
    cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    assert.ok(apiToken.length > 15 && cookie.length > 20);
    plant('the API token', Buffer.from(apiToken));
    plant('the session of the browser', Buffer.from(cookie.slice(cookie.indexOf('=') + 1)));
    plant('the sign-in link', Buffer.from(link.slice(link.lastIndexOf('/') + 1)));
  }

  const run = (kind: Kind, command: string): Promise<Awaited<ReturnType<typeof ssh>>> =>
    ssh(
      {
        config: '/dev/null',
        host: `${sshd.user}@${targetOf(kind)}@127.0.0.1`,
        // prettier-ignore
        args: ['-p', String(bastion.run.ssh.port), '-i', join(folder, 'ann'), '-o', 'IdentitiesOnly=yes',
               '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes'],
      },
      command,
    );

  async function ask(path: string, init: RequestInit = {}): Promise<string> {
    const answer = await fetch(`${bastion.run.http.url}${path}`, { redirect: 'manual', ...init });
    const text = await answer.text();
    answers.push(Buffer.from(JSON.stringify([...answer.headers]) + text));
    return text;
  }

  async function journal(): Promise<JournalEntry[]> {
    const stdout = await verb('journal', 'export');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalEntry);
  }

  for (const kind of KINDS) {
    it(`open a real server: ${kind}`, async () => {
      const result = await run(kind, `echo ${control}-$((40 + 2))`);
      assert.equal(result.stdout.toString(), `${control}-42\n`, result.stderr);
      const method = kind === 'password' ? 'password' : 'publickey';
      assert.match(sshd.logs(), new RegExp(`Accepted ${method} for ${sshd.user}`));
      answers.push(Buffer.from(result.stderr));
    });
  }

  it('go on to open it while and after their keys are rotated under a running bastion', async () => {
    const rotated = await bastion.cli('vault', 'rotate', '--new-key', '--reencrypt', '--json');
    assert.equal(rotated.status, 0, rotated.stderr);
    const { moved, survey } = JSON.parse(rotated.stdout) as {
      moved: number;
      survey: { current: string; keys: { keyId: string; rows: number }[] };
    };
    assert.equal(moved, KINDS.length);
    assert.deepEqual(
      survey.keys.map(({ keyId, rows }) => [keyId, rows]),
      [[survey.current, KINDS.length]],
    );
    for (const kind of ['ed25519', 'password'] as const) {
      assert.equal((await run(kind, 'exit 7')).status, 7);
    }
    const [fresh = '', old = ''] = (await readFile(join(folder, 'master'), 'utf8')).split('\n');
    assert.equal(Buffer.from(old, 'base64').equals(masterKey), true);
    plant('the new master key', Buffer.from(fresh, 'base64'));
    answers.push(Buffer.from(`${rotated.stdout}${rotated.stderr}`));
  });

  it('are journalled with grant, session, connection and version when they are used', async () => {
    const entries = await journal();
    const used = entries.filter(({ type }) => type === 'credential.used');
    assert.equal(used.length, KINDS.length + 2);
    const opened = entries.filter(({ type }) => type === 'upstream.opened');
    for (const { data, principal, session, target } of used) {
      assert.equal(principal, 'ann');
      assert.equal(target, targetOf(data['credential'] as Kind));
      assert.equal(data['version'], 1);
      assert.ok(typeof data['grant'] === 'string' && data['grant'] !== '');
      const same = opened.filter((one) => one.session === session);
      assert.deepEqual(
        same.map((one) => [one.data['connection'], one.data['grant'], one.data['credential']]),
        [[data['connection'], data['grant'], data['credential']]],
      );
    }
    const moved = entries.filter(
      ({ data, type }) => type === 'vault.rotated' && 'credentials' in data,
    );
    assert.equal(moved.length, 1);
  });

  it('are neither in answers of the API and pages, nor in exports', async () => {
    const headers = { authorization: `Bearer ${apiToken}` };
    const { items } = JSON.parse(await ask('/api/v1/sessions', { headers })) as {
      items: { id: string }[];
    };
    assert.equal(items.length, KINDS.length + 2);
    const id = items.at(-1)?.id ?? '';
    assert.ok((await verb('sessions', 'export', id)).includes(control));
    for (const path of ['/sessions', `/sessions/${id}`]) {
      assert.ok((await ask(path, { headers: { cookie } })).includes(control));
    }
    assert.ok((await ask('/metrics')).includes('sallyport_sessions'));
    // Things that are refused, with secrets in them.
    const jwt = `eyJhbGciOiJIUzI1NiJ9.${randomBytes(30).toString('base64url')}.${randomBytes(30).toString('base64url')}`;
    plant('a token of an issuer', Buffer.from(jwt));
    const body = JSON.stringify({ token: jwt, publicKey: 'ssh-ed25519 AAAA' });
    const json = { 'content-type': 'application/json' };
    await ask('/api/v1/ssh-keys', { method: 'POST', headers: json, body });
    await ask('/api/v1/ssh-keys', { method: 'POST', headers: json, body: `${body}{` });
    const wrong = `${apiToken.slice(0, -1)}!`;
    await ask('/api/v1/sessions', { headers: { authorization: `Bearer ${wrong}` } });
    await ask('/api/v1/sessions', { headers: { authorization: `Bearer ${jwt}` } });
    await ask(`/login/callback?code=${jwt}&state=${jwt}`);
    await ask(`/setup/${jwt}`, { method: 'POST' });
    await ask('/api/v1/nothing', { headers });
    assert.match(await verb('doctor'), /vault .*5 under .*\(current\).*; all open/);
    assertClean('answers', Buffer.concat(answers), true);
  });

  it('are not in the log', () => {
    assertClean('log', Buffer.from(bastion.logs()), true);
  });

  it('are not in any row of the database', async () => {
    assertClean('database', Buffer.from((await everyRow(url)).join('\n'), 'latin1'), true);
  });

  it('are in no file of the home folder: not in the spool, and not in run.json', async () => {
    const files = await filesUnder(bastion.home);
    assert.ok(
      files.some((path) => path.endsWith('run.json')),
      files.join(' '),
    );
    for (const path of files) assertClean(path, await readFile(path), false);
  });

  it('are not in the heap of the process that used them', async () => {
    // What the snapshot is asked for was used a moment ago, as it is in life.
    for (const kind of KINDS) assert.equal((await run(kind, 'true')).status, 0);
    await ask('/api/v1/sessions', { headers: { authorization: `Bearer ${apiToken}` } });
    await ask('/sessions', { headers: { cookie } });
    process.kill(bastion.pid, 'SIGUSR2');
    const snapshot = await snapshotIn(join(folder, 'heap'));
    assertClean('heap', snapshot, true);
  }).timeout(SNAPSHOT_TIMEOUT_MS + 30_000);

  function assertClean(where: string, bytes: Buffer, hasControl: boolean): void {
    const found = new LeakSearch([
      ...planted,
      { name: 'the control', bytes: Buffer.from(control) },
    ]).in(bytes);
    const leaks = found.filter((one) => !one.startsWith('the control'));
    assert.deepEqual(leaks, [], `in ${where}`);
    if (hasControl) assert.ok(found.length > 0, `the control is not in ${where}`);
  }
});

/** The accounts of this machine, where the user has this password. */
async function shadowWith(password: string): Promise<string> {
  const made = spawnSync('openssl', ['passwd', '-6', '-stdin'], { input: password });
  const hash = made.stdout.toString().trim();
  assert.match(hash, /^\$6\$/);
  const { username } = userInfo();
  const lines = (await readFile('/etc/shadow', 'utf8')).split('\n');
  const others = lines.filter((line) => !line.startsWith(`${username}:`));
  return [`${username}:${hash}:19000:0:99999:7:::`, ...others].join('\n');
}

async function filesUnder(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

/** Waits until it is written. */
async function snapshotIn(place: string): Promise<Buffer> {
  const deadline = Date.now() + SNAPSHOT_TIMEOUT_MS;
  for (let size = 0; Date.now() < deadline; await pause(500)) {
    const [name] = await readdir(place);
    if (name === undefined) continue;
    const now = (await stat(join(place, name))).size;
    if (now > 0 && now === size) {
      const bytes = await readFile(join(place, name));
      if (bytes.subarray(-10).toString().trimEnd().endsWith(']}')) return bytes;
    }
    size = now;
  }
  throw new Error('the snapshot did not come');
}
