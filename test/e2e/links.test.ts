import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { OwnKeyView } from '../../server/http/link-ports.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { programEnvironment, runProgram } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = 'policies: {default: {default: allow, uncertain: hold}}';
const PATIENCE_MS = 20_000;
const HOUR_MS = 3_600_000;

/** A client that waits for somebody to sign in. */
interface Waiting {
  readonly url: string;
  readonly code: string;
  readonly child: ChildProcess;
  /** Its exit status and what it printed. */
  over(): Promise<{ readonly status: number | null; readonly out: string; readonly err: string }>;
}

describe('e2e: signing in to ssh by a link', () => {
  let folder: string;
  let real: RealTarget;
  let cookie: string;

  before(async () => {
    folder = await temporaryFolder();
    const rest = 'channels: [exec], policy: default';
    real = await startRealTarget(
      folder,
      POLICIES,
      { SALLYPORT_SSH_LINKS: 'on' },
      { people: { eve: rest, guy: rest } },
    );
    cookie = await cookieOf('ann');
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function cookieOf(name: string): Promise<string> {
    const { stdout } = await real.bastion.cli('token', 'create', '--principal', name, '--link');
    const response = await fetch(stdout.trim(), {
      method: 'POST',
      headers: { origin: new URL(stdout.trim()).origin },
      redirect: 'manual',
    });
    return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  }

  /** `ssh` as a person at a shell without a terminal runs it; -v says what it does. */
  async function wait(
    program: string,
    args: readonly string[],
    options: { readonly stdin?: string } = {},
  ): Promise<Waiting> {
    const child = spawn(program, args, { env: programEnvironment(), stdio: 'pipe' });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.stdin.end(options.stdin ?? '');
    const status = new Promise<number | null>((resolve) => child.once('close', resolve));
    const over = async () => ({ status: await status, out, err });
    for (const deadline = Date.now() + PATIENCE_MS; ;) {
      const said = out + err;
      const url = /https?:\/\/\S+\/ssh\/[\w-]+/.exec(said)?.[0];
      const code = /code there:\s+([A-Z]{4}-[A-Z]{4})/.exec(said)?.[1];
      if (url !== undefined && code !== undefined) return { url, code, child, over };
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`no link in: ${said}`);
      await pause(20);
    }
  }

  function openssh(host: string, command: string, ...args: readonly string[]): Promise<Waiting> {
    return wait('ssh', ['-F', real.sshConfig, '-o', 'LogLevel=INFO', ...args, host, command]);
  }

  function send(
    url: string,
    fields: Readonly<Record<string, string>>,
    by = cookie,
  ): Promise<Response> {
    return fetch(url, {
      method: 'POST',
      headers: { cookie: by, origin: new URL(url).origin },
      body: new URLSearchParams(fields),
      redirect: 'manual',
    });
  }

  /** Newest first. */
  async function journal(type: string): Promise<readonly JournalEntry[]> {
    const path = `/api/v1/journal?type=${type}&limit=50`;
    const response = await fetch(`${real.bastion.run.http.url}${path}`, { headers: { cookie } });
    return ((await response.json()) as { items: JournalEntry[] }).items;
  }

  /** The row may come after the client has ended. */
  async function journalled(
    type: string,
    isIt: (entry: JournalEntry) => boolean,
  ): Promise<JournalEntry> {
    for (const deadline = Date.now() + PATIENCE_MS; ; await pause(50)) {
      const found = (await journal(type)).find(isIt);
      if (found !== undefined) return found;
      assert.ok(Date.now() < deadline, `no such ${type}`);
    }
  }

  function newKey(name: string): { readonly path: string; readonly fingerprint: string } {
    const path = join(folder, 'keys', name);
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    const listed = spawnSync('ssh-keygen', ['-lf', `${path}.pub`]).stdout.toString();
    return { path, fingerprint: listed.split(' ')[1] ?? '' };
  }

  it('lets an unknown key in once, as who signs in in the browser, and journals both ends', async () => {
    const waiting = await openssh('stranger', 'echo ran');
    const page = await fetch(waiting.url, { headers: { cookie } });
    const html = await page.text();
    assert.match(html, /127\.0\.0\.1/);
    assert.match(html, new RegExp(TARGET));
    assert.match(html, /SHA256:/);
    assert.ok(!html.includes(waiting.code), 'the page never shows the code');
    const answer = await send(waiting.url, { code: waiting.code.toLowerCase(), decision: 'once' });
    assert.equal(answer.status, 200);
    assert.deepEqual(await waiting.over().then(({ out, status }) => [status, out]), [0, 'ran\n']);
    const entry = (await journal('auth.succeeded'))[0];
    assert.equal(entry?.principal, 'ann');
    assert.match(entry?.source ?? '', /^127\.0\.0\.1:\d+$/);
    const { browser, key, method, shownKeys } = entry?.data ?? {};
    assert.deepEqual([method, browser, key], ['keyboard-interactive', 'http:127.0.0.1', null]);
    assert.equal((shownKeys as readonly string[]).length, 1);
    assert.equal((await fetch(waiting.url, { headers: { cookie } })).status, 404, 'used up');
    const again = await ssh({ config: real.sshConfig, host: 'stranger' }, 'true');
    assert.equal(again.status, 255, 'once is once');
  });

  it('remembers a proven key for a time, by a real browser, and ends its sessions when it is revoked', async () => {
    const key = newKey('remembered');
    const only = ['-i', key.path, '-o', 'IdentityFile=none'];
    const waiting = await openssh('stranger', 'echo ran', ...only);
    const browser = await launchBrowser();
    try {
      const opened = await openPage(browser);
      const { complaints, page } = opened;
      const { stdout } = await real.bastion.cli('token', 'create', '--principal', 'ann', '--link');
      await page.goto(stdout.trim());
      await page.click('button[type=submit]');
      await page.goto(waiting.url);
      assert.ok((await page.textContent('main'))?.includes(key.fingerprint));
      await page.fill('input[name=code]', waiting.code);
      await page.selectOption('select[name=life]', String(HOUR_MS));
      const remember = page.locator('button[value=remember]');
      const radio = page.locator(`input[type=radio][value="${key.fingerprint}"]`);
      if ((await radio.count()) > 0) await radio.check();
      await remember.click();
      await page.waitForSelector('text=Signed in');
      assert.deepEqual(complaints, []);
      await opened.close();
    } finally {
      await browser.close();
    }
    assert.equal((await waiting.over()).status, 0);
    const plain = await ssh({ config: real.sshConfig, host: 'stranger', args: only }, 'echo again');
    assert.equal(plain.stdout.toString(), 'again\n', plain.stderr);
    const running = spawn('ssh', ['-F', real.sshConfig, ...only, 'stranger', 'echo on; sleep 60'], {
      env: programEnvironment(),
    });
    const ended = new Promise<number | null>((resolve) => running.once('close', resolve));
    await new Promise((resolve) => running.stdout.once('data', resolve));
    const list = await fetch(`${real.bastion.run.http.url}/keys`, { headers: { cookie } });
    const [, id = ''] = /\/keys\/([0-9a-f-]{36})\/revoke/.exec(await list.text()) ?? [];
    const revoked = await send(`${real.bastion.run.http.url}/keys/${id}/revoke`, {});
    assert.equal(revoked.status, 303);
    assert.notEqual(await ended, 0);
    assert.equal((await journal('key.revoked'))[0]?.data['key'], key.fingerprint);
    const shut = await ssh({ config: real.sshConfig, host: 'stranger', args: only }, 'true');
    assert.equal(shut.status, 255);
  });

  it('gives nobody anything for a stolen link, a guess, or a page of another origin', async () => {
    const waiting = await openssh('stranger', 'echo ran');
    const { code, url } = waiting;
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 401, 'nobody is signed in');
    const foreign = await fetch(url, {
      method: 'POST',
      headers: { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams({ code, decision: 'once' }),
    });
    assert.equal(foreign.status, 403);
    const bot = await cookieOf('bot');
    assert.equal((await send(url, { code, decision: 'once' }, bot)).status, 403, 'an agent');
    const guy = await cookieOf('guy');
    const guesses = await Promise.all(
      Array.from({ length: 6 }, () => send(url, { code: 'BBBB-BBBB', decision: 'once' }, guy)),
    );
    assert.ok(guesses.filter(({ status }) => status === 400).length <= 5, 'five are compared');
    assert.equal((await send(url, { code, decision: 'once' })).status, 404, 'the code comes late');
    const { err, out, status } = await waiting.over();
    assert.deepEqual([status, out], [255, '']);
    assert.match(err, /wrong code was typed too often/);
    const whys = (await journal('auth.failed')).map(({ data }) => data['why']);
    assert.ok(whys.includes('a wrong code was typed') && whys.includes('an agent'));
  });

  it('remembers no key that has not signed: an offer alone proves nothing', async () => {
    // The agent has no private part of it, so ssh can offer the key and not sign.
    const key = newKey('unproven');
    await rm(key.path);
    const waiting = await openssh('stranger', 'echo ran', '-i', `${key.path}.pub`);
    const fields = { code: waiting.code, key: key.fingerprint, life: String(HOUR_MS) };
    const refused = await send(waiting.url, { ...fields, decision: 'remember' });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /can’t be remembered/);
    assert.equal((await send(waiting.url, { ...fields, decision: 'refuse' })).status, 200);
    const { err, status } = await waiting.over();
    assert.equal(status, 255);
    assert.match(err, /not theirs/);
    await journalled('auth.failed', ({ data }) => data['refusedBy'] === 'ann');
  });

  it('keeps two that wait apart, and takes the link back of a client that goes away', async () => {
    const one = await openssh('stranger', 'echo one');
    const two = await openssh('stranger', 'echo two');
    assert.equal((await send(one.url, { code: two.code, decision: 'once' })).status, 400);
    one.child.kill();
    await one.over();
    for (const deadline = Date.now() + PATIENCE_MS; ; await pause(50)) {
      if ((await fetch(one.url, { headers: { cookie } })).status === 404) break;
      assert.ok(Date.now() < deadline, 'the link is still there');
    }
    await send(two.url, { code: two.code, decision: 'once' });
    assert.equal((await two.over()).out, 'two\n');
  });

  it('lets nobody in who is disabled, nor stay', async () => {
    const eve = await cookieOf('eve');
    const waiting = await openssh('stranger', 'echo on; sleep 60');
    const late = await openssh('stranger', 'echo late');
    await send(waiting.url, { code: waiting.code, decision: 'once' }, eve);
    await new Promise((resolve) => waiting.child.stdout?.once('data', resolve));
    const disabled = await real.bastion.cli('principal', 'disable', 'eve');
    assert.equal(disabled.status, 0, disabled.stderr);
    try {
      assert.match((await waiting.over()).err, /withdrawn/);
      const shut = await send(late.url, { code: late.code, decision: 'once' }, eve);
      assert.equal(shut.status, 401);
      late.child.kill();
      await late.over();
    } finally {
      await real.bastion.cli('principal', 'enable', 'eve');
    }
  });

  it('works with an agent of many keys, through -J, and never asks in BatchMode', async () => {
    const keys = Array.from({ length: 8 }, (_, index) => newKey(`many-${index}`).path);
    const many = keys.flatMap((path) => ['-i', path]);
    const waiting = await openssh('stranger', 'echo many', ...many);
    await send(waiting.url, { code: waiting.code, decision: 'once' });
    assert.equal((await waiting.over()).out, 'many\n');

    const outer = `ssh -F ${real.sshConfig} -o LogLevel=INFO -o User=ann -W %h:%p stranger`;
    const inner = ['UserKnownHostsFile=/dev/null', 'StrictHostKeyChecking=no'];
    const options = [`ProxyCommand=${outer}`, 'IdentitiesOnly=yes', 'IdentityAgent=none', ...inner];
    const given = options.flatMap((option) => ['-o', option]);
    const last = [`${real.sshd.user}@${TARGET}`, 'echo jumped'];
    const jump = await wait('ssh', ['-F', '/dev/null', ...given, ...last]);
    await send(jump.url, { code: jump.code, decision: 'once' });
    const jumped = await jump.over();
    assert.equal(jumped.out, 'jumped\n', jumped.err);

    const batch = await ssh({ config: real.sshConfig, host: 'stranger' }, 'true');
    assert.equal(batch.status, 255);
    const known = await ssh({ config: real.sshConfig, host: 'person' }, 'echo known');
    assert.equal(known.stdout.toString(), 'known\n');
  });

  it('works with plink, and with paramiko where that is', async () => {
    const { host, port } = real.bastion.run.ssh;
    const user = `${real.sshd.user}@${TARGET}`;
    const hostKey = spawnSync('ssh-keygen', ['-lf', join(folder, 'known_hosts')]).stdout.toString();
    const [, print = ''] = /(SHA256:\S+)/.exec(hostKey) ?? [];
    const args = ['-ssh', '-P', String(port), '-hostkey', print, '-l', user, host, 'echo plink'];
    const plink = await wait('plink', ['-no-antispoof', ...args]);
    await send(plink.url, { code: plink.code, decision: 'once' });
    assert.equal((await plink.over()).out.trim().split('\n').at(-1), 'plink');

    const program = `import paramiko,sys
t=paramiko.Transport((sys.argv[1],int(sys.argv[2])))
t.start_client()
def answer(title,text,prompts):
    print(text,flush=True)
    return ['' for _ in prompts]
t.auth_interactive(sys.argv[3],answer)
c=t.open_session()
c.exec_command('echo paramiko')
print(c.makefile().read().decode(),end='')
t.close()`;
    const has = await runProgram('/usr/bin/python3', ['-c', 'import paramiko'], {});
    if (has.status === 0) {
      const child = await wait('/usr/bin/python3', ['-c', program, host, String(port), user]);
      await send(child.url, { code: child.code, decision: 'once' });
      assert.equal((await child.over()).out.trim().split('\n').at(-1), 'paramiko');
    }
  });

  it('signs a machine without a browser in: sallyport login, whoami, plain ssh, logout', async () => {
    const key = newKey('device');
    const { url } = real.bastion.run.http;
    const laptop = join(folder, 'laptop');
    const env = { SALLYPORT_HOME: laptop };
    const sallyport = join(import.meta.dirname, '../../server/sallyport.mjs');
    const run = (...args: readonly string[]) =>
      runProgram(process.execPath, [sallyport, ...args], { env: programEnvironment(env) });
    const child = spawn(
      process.execPath,
      [sallyport, 'login', '--url', url, '--key', key.path, '--json'],
      { env: programEnvironment(env) },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    const status = new Promise<number | null>((resolve) => child.once('close', resolve));
    let code: string | undefined;
    for (const deadline = Date.now() + PATIENCE_MS; code === undefined; await pause(50)) {
      code = /[A-Z]{4}-[A-Z]{4}/.exec(said)?.[0];
      assert.ok(Date.now() < deadline && child.exitCode === null, said);
    }
    const shown = await (await send(`${url}/device`, { code })).text();
    assert.ok(shown.includes(key.fingerprint) && shown.includes('127.0.0.1'));
    await send(`${url}/device`, { code, decision: 'allow' });
    assert.equal(await status, 0, said);
    const file = join(laptop, 'login.json');
    const stored = JSON.parse(await readFile(file, 'utf8')) as { token: string };
    assert.equal(spawnSync('stat', ['-c', '%a', file]).stdout.toString().trim(), '600');
    assert.ok(!said.includes(stored.token), 'the token is not printed');
    assert.match((await run('whoami')).stdout.toString(), /^ann\b/);
    const only = ['-i', key.path, '-o', 'IdentityFile=none'];
    const plain = await ssh({ config: real.sshConfig, host: 'stranger', args: only }, 'echo in');
    assert.equal(plain.stdout.toString(), 'in\n', plain.stderr);
    const bearer = { authorization: `Bearer ${stored.token}` };
    const listed = await fetch(`${url}/api/v1/ssh-keys?principal=ann`, { headers: bearer });
    const own = (await listed.json()) as { items: OwnKeyView[] };
    const registered = own.items.find(({ fingerprint }) => fingerprint === key.fingerprint);
    assert.equal(registered?.origin, 'device');
    assert.equal((await run('ssh-keys', 'revoke', key.fingerprint)).status, 0);
    const shut = await ssh({ config: real.sshConfig, host: 'stranger', args: only }, 'true');
    assert.equal(shut.status, 255);
    assert.equal((await run('logout')).status, 0);
    const answer = await fetch(`${url}/api/v1/login`, { headers: bearer });
    assert.equal(answer.status, 401);
  });
});
