/** From the printed link to a replayed session, in real Chromium on a real bastion. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Page as ListPage, SessionView } from '../../server/http/ports.ts';
import { launchBrowser, openPage, picture, type WatchedPage } from '../support/browser.ts';
import { runProgram } from '../support/program.ts';
import { ssh, Terminal, sshInteractive } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';
import { playerShows } from '../support/viewer.ts';

describe('e2e: replay in a browser', () => {
  let folder: string;
  let bastion: Bastion;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;

  before(async () => {
    folder = await temporaryFolder();
    bastion = await startBastion();
    browser = await launchBrowser();
    watched = await openPage(browser);
    page = watched.page;
  });
  after(async () => {
    await watched.close();
    await browser.close();
    await bastion[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function latest(): Promise<SessionView> {
    const { stdout } = await bastion.cli('sessions', 'list', '--json', '--limit', '1');
    const [session] = (JSON.parse(stdout) as { items: SessionView[] }).items;
    assert.ok(session);
    return session;
  }

  it('signs in by the link that was printed, once', async () => {
    const link = await bastion.setupLink();
    await page.goto(link);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/sessions');
    const other = await openPage(browser);
    await other.page.goto(link);
    await other.page.getByRole('button', { name: 'Sign in' }).click();
    assert.ok(!other.page.url().endsWith('/sessions'), 'the link worked twice');
    await other.close();
  });

  it('lists a session, plays it and seeks to its commands', async () => {
    const terminal = sshInteractive({
      config: bastion.sshConfig,
      host: 'demo',
      cols: 90,
      rows: 25,
    });
    await terminal.expect(/[$#] /);
    for (const line of ["printf '\\033[32mgreen-%s\\033[0m\\n' $((40+2))", 'rm -rf /', 'seq 3']) {
      terminal.type(`${line}\r`);
      await new Promise((resolve) => setTimeout(resolve, 1200));
    }
    terminal.type('exit\r');
    await terminal.ended();
    const session = await latest();

    await page.goto(`${bastion.run.http.url}/sessions`);
    await picture(page, 'e2e-sessions');
    await page.locator(`a[href^="/sessions/${session.id}"]`).first().click();
    await page.locator('#player[data-state="ready"]').waitFor({ timeout: 20_000 });
    const text = await page.locator('body').innerText();
    for (const part of ['rm -rf /', 'seq 3', 'demo', 'denied']) {
      assert.ok(text.toLowerCase().includes(part.toLowerCase()), `${part} in:\n${text}`);
    }
    await page.goto(`${bastion.run.http.url}/sessions/${session.id}#cmd-3`);
    await page.reload();
    await page.locator('#player[data-state="ready"]').waitFor({ timeout: 20_000 });
    await playerShows(page, 'green-42');
    await picture(page, 'e2e-session');
    assert.deepEqual(watched.complaints, []);
  });

  it('decides a held command in the browser', async () => {
    const held = ssh(
      { config: bastion.sshConfig, host: 'demo-agent' },
      'shutdown --no-such-option',
    );
    await page.goto(`${bastion.run.http.url}/approvals`);
    for (let attempt = 0; attempt < 20; attempt += 1) {
      if ((await page.getByRole('button', { name: 'Approve' }).count()) > 0) break;
      await page.waitForTimeout(300);
      await page.reload();
    }
    await picture(page, 'e2e-approvals');
    await page.getByRole('button', { name: 'Approve' }).first().click();
    const result = await held;
    assert.match(result.stderr, /sallyport: approved by demo\n/);
    assert.notEqual(result.status, 126);
  });

  it('gives the same by HTTP as by the command line, and journals every look', async () => {
    const session = await latest();
    const token = (await bastion.cli('token', 'create', '--principal', 'demo')).stdout.trim();
    const get = (path: string, bearer = token): Promise<Response> =>
      fetch(`${bastion.run.http.url}/api/v1${path}`, {
        headers: { authorization: `Bearer ${bearer}` },
      });
    const listed = (await (await get('/sessions?limit=1')).json()) as ListPage<SessionView>;
    assert.deepEqual(listed.items, [session]);
    assert.deepEqual(await (await get(`/sessions/${session.id}`)).json(), session);
    const commands = await (await get(`/sessions/${session.id}/commands`)).json();
    const shown = await bastion.cli('sessions', 'commands', session.id, '--json');
    assert.deepEqual(commands, JSON.parse(shown.stdout));
    const cast = await (await get(`/sessions/${session.id}/recording?format=cast2`)).text();
    const exported = await bastion.cli('sessions', 'export', session.id, '--format', 'cast2');
    assert.equal(cast, exported.stdout);

    const agentToken = (
      await bastion.cli('token', 'create', '--principal', 'demo-agent')
    ).stdout.trim();
    const own = (await (await get('/sessions', agentToken)).json()) as ListPage<SessionView>;
    assert.ok(own.items.every((one) => one.principal.name === 'demo-agent'));
    const shell = (await (
      await get('/sessions?principal=demo', token)
    ).json()) as ListPage<SessionView>;
    assert.equal((await get(`/sessions/${shell.items[0]?.id}`, agentToken)).status, 404);
    assert.equal((await get('/sessions', 'x'.repeat(43))).status, 401);

    const journal = await bastion.cli('journal', 'export');
    assert.match(
      journal.stdout,
      new RegExp(`"recording.viewed".*${session.id}|${session.id}.*"recording.viewed"`),
    );
  });

  it('exports what asciinema plays', async () => {
    const { stdout } = await bastion.cli('sessions', 'list', '--json', '--principal', 'demo');
    const [session] = (JSON.parse(stdout) as { items: SessionView[] }).items;
    assert.ok(session);
    const file = join(folder, 'shell.cast');
    const exported = await bastion.cli(
      'sessions',
      'export',
      session.id,
      '--format',
      'cast2',
      '-o',
      file,
    );
    assert.equal(exported.status, 0, exported.stderr);
    // `asciinema cat` wants a terminal of its own.
    const player = new Terminal('asciinema', ['cat', file]);
    await player.expect('green-42');
    assert.equal((await player.ended()).status, 0);
    const cast3 = await bastion.cli('sessions', 'export', session.id);
    assert.equal((JSON.parse(cast3.stdout.split('\n')[0] ?? '') as { version: number }).version, 3);
    await writeFile(file, cast3.stdout);
  });

  it('exports what can be verified without the database, and names what was edited in it', async () => {
    const session = await latest();
    const file = join(folder, 'recording.json');
    const key = join(folder, 'recording.pub');
    const privateKey = await readFile(join(bastion.home, 'keys', 'recording_ed25519'));
    await writeFile(key, createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
    await bastion.cli('sessions', 'export', session.id, '--format', 'json', '-o', file);
    const verify = ['verify', '--file', file, '--key', key];
    const good = await bastion.cli(...verify);
    assert.match(
      good.stdout,
      new RegExp(`^ok   ${session.id} \\d+ events in .* intact, signed by`),
    );
    const text = await readFile(file, 'utf8');
    const edited = text.replace(/"atUs":(\d+),"code":"x"/, '"atUs":1$1,"code":"x"');
    assert.notEqual(edited, text);
    await writeFile(file, edited);
    const bad = await bastion.cli(...verify);
    assert.equal(bad.status, 1, bad.stderr);
    assert.match(
      bad.stdout,
      new RegExp(`^FAIL ${session.id} \\d+ events in chunk \\d+: its content`),
    );

    const journal = join(folder, 'journal.jsonl');
    await writeFile(journal, (await bastion.cli('journal', 'export')).stdout);
    const chained = await bastion.cli('verify', '--file', journal, '--key', key);
    assert.match(
      chained.stdout + chained.stderr,
      /^ok {3}journal \d+ entries from 1 on, chain intact/,
    );
  });

  it('verifies what was recorded, and names what was edited', async () => {
    const good = await bastion.cli('verify', '--all');
    assert.equal(good.status, 0, good.stdout);
    const session = await latest();
    const socket = join(bastion.home, 'postgres');
    const found = await runProgram('bash', [
      '-c',
      `find -L ${socket} -name '.s.PGSQL.*' ! -name '*.lock'`,
    ]);
    const path = found.stdout.toString().trim().split('\n')[0] ?? '';
    const port = path.split('.').at(-1) ?? '';
    const edit = `set session_replication_role = replica;
      update chunks set data = set_byte(data, 5, get_byte(data, 5) # 1) where session_id = '${session.id}'`;
    const edited = await editDatabase(path.slice(0, path.lastIndexOf('/')), Number(port), edit);
    assert.equal(edited, 1);
    const bad = await bastion.cli('verify', session.id);
    assert.equal(bad.status, 1);
    assert.match(bad.stdout, new RegExp(`^FAIL ${session.id} chunk 1: `));
  });
});

/** What a database administrator could do. @returns rows changed */
async function editDatabase(host: string, port: number, sql: string): Promise<number> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ host, port, user: 'sallyport', database: 'sallyport' });
  await client.connect();
  try {
    const results = (await client.query(sql)) as unknown as { rowCount: number }[];
    return results.at(-1)?.rowCount ?? 0;
  } finally {
    await client.end();
  }
}
