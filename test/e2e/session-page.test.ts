/** The page of a session as people see it whose programs were real: what it says is what happened. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { ApprovalView, CommandView, SessionView } from '../../server/http/ports.ts';
import { launchBrowser, openPage, picture } from '../support/browser.ts';
import { until } from '../support/forward-scene.ts';
import { pdfPages } from '../support/pdf-text.ts';
import { TARGET } from '../support/real-target.ts';
import {
  carryByForward,
  carryFiles,
  MASKED,
  playShell,
  SECRETS,
  sha256,
  startSeenSessions,
  type SeenSessions,
} from '../support/seen-sessions.ts';
import { playerShows } from '../support/viewer.ts';
import { cutOffInPrint, Visitors, wordsOf } from '../support/visitors.ts';

const SEQUENCE = Array.from({ length: 400 }, (_, index) => String(index + 1)).join('\n');

describe('e2e: the page of a session', function () {
  this.timeout(120_000);
  let world: SeenSessions;
  let browser: Browser;
  let visitors: Visitors;
  /** Of Olga's shell. */
  let shell: SessionView;

  before(async () => {
    world = await startSeenSessions();
    browser = await launchBrowser();
    visitors = new Visitors(browser, world);
  });
  after(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });

  const opened = (name: string, { id }: SessionView, hash = ''): Promise<Page> =>
    visitors.open(name, id, hash);

  const commandsOf = (session: SessionView): Promise<readonly CommandView[]> =>
    world.api.commands(session.id);

  const approvalOf = async (session: SessionView): Promise<ApprovalView | undefined> =>
    (await world.items<ApprovalView>(`approvals?session=${session.id}`))[0];

  it('comes from a person at a shell, one command approved by another in a browser', async () => {
    const page = await visitors.page('pia');
    shell = await playShell(world, async (id) => {
      await page.goto(`${world.url}/approvals`);
      const card = page.locator(`#approval-${id}`);
      await card.getByLabel(/^Reason/).fill('looked at it');
      await card.getByRole('button', { name: 'Approve' }).click();
      await page.getByText('it goes on').waitFor();
    });
    assert.ok(!existsSync(`${world.folder}/far/forbidden`));
  });

  it('says who it was, how they proved it, and on which terms', async () => {
    const page = await opened('aud', shell);
    const facts = await wordsOf(page.locator('.page-facts'));
    const started = shell.startedAt.slice(0, 19).replace('T', ' ');
    for (const fact of [
      'Principal olga human',
      `Target ${TARGET} as ${world.real.sshd.user}`,
      `From ${shell.source}`,
      'Run 4711 claimed',
      'Task nightly claimed',
      'Kind shell',
      `Started ${started} UTC`,
    ]) {
      assert.ok(facts.replaceAll(' ', '').includes(fact.replaceAll(' ', '')), `${fact}: ${facts}`);
    }
    await page.locator('summary', { hasText: 'Identity and terms' }).click();
    const terms = await wordsOf(page.locator('.terms'));
    const key = join(world.folder, 'keys/olga.pub');
    const [fingerprint = ''] =
      /SHA256:\S+/.exec(spawnSync('ssh-keygen', ['-lf', key]).stdout.toString()) ?? [];
    assert.match(terms, /signed in by public key proved/);
    assert.ok(fingerprint !== '' && terms.includes(`Key${fingerprint}`), terms);
    assert.match(terms, /Policy at the start ?default ?Policy version ?1 ?.*Recording ?strict/);
    assert.ok(terms.includes(shell.id));
    const status = await wordsOf(page.locator('#status'));
    assert.match(status, /^ended ?1 denied ?1 held ?\d masked/);
    await picture(page, 'e2e-session-page');
  });

  it('says of each command what was decided, why, by whom, and what came of it', async () => {
    const page = await opened('aud', shell);
    const rows = await commandsOf(shell);
    assert.equal(await page.locator('#commands > li').count(), rows.length);
    const approval = await approvalOf(shell);
    const decidedAt = approval?.decidedAt?.slice(0, 19).replace('T', ' ') ?? 'never';
    const policy = 'policy default v1';
    const took = String.raw`\d+(?:\.\d)? m?s`;
    const approved = `approval ${approval?.id} approved by pia at ${decidedAt} UTC ?: looked at it`;
    const done = `observed ?exit 0 ?${took}`;
    const { folder } = world;
    for (const [start, badge, facts] of [
      [`cat ${folder}`, 'allowed', `${done} ?1 masked ?${policy}`],
      [`touch ${folder}`, 'denied', `observed ?rule no-touch ?nobody touches that ?${policy}`],
      ['echo c', 'held', `${done} ?rule careful ?a person looks first ?${approved} ?${policy}`],
      ['sh -c', 'allowed', `observed ?exit 3 ?${took}`],
      ['$(cat', 'allowed', `uncertain ?exit 0 ?${took}`],
      ['seq 1 400', 'allowed', done],
      ['sleep 1.2; echo slept', 'allowed', String.raw`observed ?exit 0 ?1\.\d s`],
      [`echo ${MASKED}`, 'allowed', `${done} ?\\d masked`],
    ] as const) {
      const seq = rows.find(({ text }) => text.startsWith(start))?.seq;
      const row = page.locator(`#cmd-${seq}`);
      assert.equal(await wordsOf(row.locator('.command .badge')), badge, start);
      assert.match(await wordsOf(row.locator('.why')), new RegExp(`^${facts}`), start);
    }
    const all = await page.content();
    for (const secret of SECRETS) assert.ok(!all.includes(secret), secret);
  });

  it('gives the output of one command as it was printed, to copy and to save', async () => {
    const page = await opened('aud', shell);
    const rows = await commandsOf(shell);
    for (const [start, printed] of [
      ['cat ', `number ${MASKED} is yours`],
      ['echo carefully', 'carefully 42'],
      ['seq 1 400', SEQUENCE],
      ['echo *', MASKED],
    ] as const) {
      const seq = rows.find(({ text }) => text.startsWith(start))?.seq;
      await page.locator(`#cmd-${seq} .output-link`).click();
      await page.getByRole('heading', { name: `Output of command ${seq}` }).waitFor();
      await page.waitForFunction(() => document.getElementById('output-text')?.textContent !== '');
      const shown = await page.locator('#output-text').textContent();
      assert.equal(shown?.trimEnd(), printed);
      await page.locator('#output-copy').click();
      await page.getByText('Copied.').waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.equal(copied.trimEnd(), printed);
      const file = await visitors.saved(page, page.locator('#output-file'));
      assert.deepEqual([file.name, file.bytes.toString()], [`output-${seq}.txt`, copied]);
    }
  });

  it('goes to where a hit, a link or a key leads', async () => {
    const rows = await commandsOf(shell);
    const slept = rows.find(({ text }) => text.startsWith('sleep'))?.seq ?? 0;
    const page = await opened('aud', shell, `#cmd-${slept}`);
    await page.locator(`#cmd-${slept}[aria-current]`).waitFor();
    await playerShows(page, 'slept');
    await page.locator('h1').click();
    await page.keyboard.press('k');
    await page.locator(`#cmd-${slept - 1}[aria-current]`).waitFor();
    assert.ok(page.url().endsWith(`#cmd-${slept - 1}`));

    const search = async (text: string, place: string): Promise<void> => {
      await page.getByLabel('Text to search for').fill(text);
      await page.getByLabel('Search in').selectOption(place);
      await page.getByRole('button', { name: 'Search', exact: true }).click();
    };
    await search('carefully', 'commands');
    await page.getByText('1 hit', { exact: false }).waitFor();
    await playerShows(page, 'carefully');
    // Output is taken in some seconds after it was stored.
    await until('the output in the index', async () => {
      const query = new URLSearchParams({ q: 'slept', in: 'output', session: shell.id });
      const items = await world.items(`search?${query.toString()}`);
      return items.length > 0 ? true : null;
    });
    await search('slept', 'output');
    const hits = page.locator('#session-hits li');
    await hits.filter({ hasText: 'slept' }).first().waitFor();
    await hits.last().locator('button').click();
    await hits.last().locator('[aria-current]').waitFor();
    assert.equal(await hits.last().locator('mark').first().textContent(), 'slept');
    await playerShows(page, 'slept');
  });

  it('takes a mark and a note of the auditor, and shows them to others who may see them', async () => {
    const page = await opened('aud', shell);
    const denied = (await commandsOf(shell)).find(({ decision }) => decision === 'deny')?.seq;
    await page.getByRole('button', { name: 'Mark as reviewed' }).click();
    await page.locator('#review').getByText('by aud').waitFor();
    await page.getByLabel('New note').fill('why was that tried?');
    await page.getByLabel('About command').fill(String(denied));
    await page.getByRole('button', { name: 'Add the note' }).click();
    await page.locator('#note-1').waitFor();
    await page.locator(`#cmd-${denied}`).getByRole('link', { name: 'note 1' }).waitFor();
    const admin = await opened('ann', shell);
    assert.match(
      await wordsOf(admin.locator('#note-1')),
      new RegExp(`aud, .* on command ${denied} ?why was that tried\\?`),
    );
    const owner = await opened('olga', shell);
    assert.match(await wordsOf(owner.locator('#review')), /reviewed ?by aud/);
    assert.equal(await owner.getByText('why was that tried?').count(), 0);
    assert.equal(await owner.locator('#review form, .note-form, .live-controls').count(), 0);
    assert.equal(await owner.locator('#commands > li').count(), (await commandsOf(shell)).length);
  });

  it('verifies chain and bytes, and exports what the command line verifies', async () => {
    const page = await opened('aud', shell);
    await page.getByText(/(follow each other|in its place), and the signature is/).waitFor();
    await page.getByRole('button', { name: 'Check every byte' }).click();
    await page.getByText(/^Verified .* what was recorded, and the signature is/).waitFor();
    const downloads = page.getByRole('group', { name: 'Download the recording' });
    const files = new Map<string, string>();
    for (const name of ['.cast', '.cast v2', '.txt', '.json', '.html']) {
      const file = await visitors.saved(page, downloads.getByRole('link', { name, exact: true }));
      files.set(name, file.bytes.toString());
      for (const secret of SECRETS) assert.ok(!file.bytes.includes(secret), `${secret}: ${name}`);
    }
    const versionOf = (name: string): unknown =>
      (JSON.parse(files.get(name)?.split('\n')[0] ?? '') as Record<string, unknown>)['version'];
    assert.deepEqual([versionOf('.cast'), versionOf('.cast v2')], [3, 2]);
    assert.match(files.get('.txt') ?? '', /carefully 42\n[^]*\n399\n400\n/);
    assert.match(files.get('.html') ?? '', /^<!doctype html>/i);
    const exported = join(world.folder, 'exported.json');
    await writeFile(exported, files.get('.json') ?? '');
    const verified = await world.real.bastion.cli('verify', '--file', exported);
    assert.deepEqual([verified.status, verified.stderr], [0, ''], verified.stdout);
    assert.match(verified.stdout, /intact/);
  });

  it('prints with every command and fact, and cuts nothing off', async () => {
    const page = await opened('aud', shell);
    await page.getByText('Verified in this browser').waitFor();
    const text = pdfPages(await page.pdf({ format: 'A4' }))
      .join('')
      .toLowerCase();
    const rows = await commandsOf(shell);
    const approval = await approvalOf(shell);
    for (const part of [
      ...rows.map((row) => row.text),
      `approved by pia at ${approval?.decidedAt?.slice(0, 10)}`,
      ': looked at it',
      'rule no-touch nobody touches that',
      'exit 3',
      'Run 4711 claimed',
      `From ${shell.source}`,
      'signed in by public key proved',
      shell.id,
      'why was that tried?',
      'reviewed by aud',
      'Verified in this browser',
      shell.recording.headHash ?? 'no head',
    ]) {
      const wanted = part.replace(/\s/g, '').toLowerCase();
      assert.ok(text.includes(wanted), `${part}: ${text}`);
    }
    assert.deepEqual(await cutOffInPrint(page, 'e2e-session-printed'), []);
  });

  it('lists what sftp and scp carried, with bytes and hashes, and gives back what was kept', async () => {
    const { content, folder } = world;
    const done = await carryFiles(world);
    assert.deepEqual([done.status, done.stderr], [0, '']);
    assert.deepEqual(await readFile(join(folder, 'far/moved.bin')), content);
    const session = await world.session('sftp');
    const page = await opened('aud', session);
    const files = page.getByRole('region', { name: 'Files' });
    const there = content.toReversed();
    for (const [operation, path, bytes] of [
      ['written', 'far/put.bin', content],
      ['read', 'far/there.bin', there],
    ] as const) {
      const row = files.getByRole('row', { name: new RegExp(`${operation} .*${path}`) });
      const facts = `${folder}/${path}.*300\\.0 KB.*SHA-256 ${sha256(bytes)}.*done`;
      assert.match(await wordsOf(row), new RegExp(facts));
      await row.getByTitle('300,017 bytes').waitFor();
      const kept = await visitors.saved(page, row.getByRole('link', { name: 'download' }));
      assert.ok(kept.bytes.equals(bytes), `${path} is another file`);
    }
    const renamed = files.getByRole('row', { name: /renamed/ });
    assert.match(await wordsOf(renamed), /far\/put\.bin → .*far\/moved\.bin.*done/);
    await files.locator('a[href^="#cmd-"]').first().click();
    await page.locator('#commands > li[aria-current]', { hasText: 'put.bin' }).waitFor();
    assert.match(await wordsOf(page.locator('.page-facts')), /bot ?agent.*4711 ?claimed/);

    const copied = await world.agent('scp', ['-O', 'sent.bin', `agent:${folder}/far/copied.bin`]);
    assert.deepEqual([copied.status, copied.stderr], [0, '']);
    await opened('aud', await world.session('scp'));
    const row = files.getByRole('row', { name: /written .*far\/copied\.bin/ });
    assert.ok((await wordsOf(row)).includes(`SHA-256 ${sha256(content)}`));
    const kept = await visitors.saved(page, row.getByRole('link', { name: 'download' }));
    assert.ok(kept.bytes.equals(content));
    assert.deepEqual(await cutOffInPrint(page, 'e2e-files-printed'), []);
    await picture(page, 'e2e-session-files');
  });

  it('says where a forward led, how much went each way, and how long it lasted', async () => {
    const page = await opened('aud', await carryByForward(world));
    const words = await wordsOf(page.getByRole('region', { name: 'Forward' }));
    assert.match(words, new RegExp(`ended.*127\\.0\\.0\\.1:${world.echoPort}`));
    assert.match(words, /300\.0 KB.*300\.0 KB.*after \d/);
    assert.match(await wordsOf(page.locator('#commands')), /127\.0\.0\.1:\d+ ?allowed/);
    await picture(page, 'e2e-session-forward');
  });

  it('says how a single command of an agent ended, and that a denied one never ran', async () => {
    const far = `${world.folder}/far`;
    const denial = /denied ?exact.*rule no-touch ?nobody touches that/;
    for (const [command, exit, status, row] of [
      [`cat ${far}/tickets; exit 7`, 7, /^ended ?1 masked ?exit 7$/, /allowed ?exact ?exit 7/],
      [`$(cat ${far}/name) dynamic`, 0, /^ended ?exit 0$/, /allowed ?uncertain ?exit 0/],
      [`touch ${far}/forbidden`, 126, /1 denied ?exit 126$/, denial],
    ] as const) {
      assert.equal((await world.agent('ssh', ['agent', command])).status, exit);
      const page = await opened('aud', await world.session('exec'));
      assert.match(await wordsOf(page.locator('#status')), status);
      assert.match(await wordsOf(page.locator('#cmd-1')), row);
    }
    assert.ok(!existsSync(`${far}/forbidden`));
  });

  it('is watched live, paused, resumed and ended by an admin', async () => {
    await using terminal = await world.shell();
    const session = await world.session('shell', 'active');
    const page = await opened('ann', session);
    await page.getByText('you watch it live').waitFor();
    terminal.type('echo live-$((6*7))\r');
    await playerShows(page, 'live-42');
    await page.locator('#commands > li', { hasText: 'echo live' }).waitFor();
    const act = async (word: string, reason: string, button: string): Promise<void> => {
      const part = page.locator('#live-controls details', { hasText: word });
      await part.locator('summary').click();
      await part.getByLabel('Reason').fill(reason);
      await part.getByRole('button', { name: button }).click();
    };
    await act('Pause', 'let me look', 'Pause it');
    await terminal.expect('paused by ann: let me look');
    await page.locator('#live-state').getByText('Paused by ann: let me look').waitFor();
    await playerShows(page, 'sallyport: paused by ann: let me look');
    terminal.type('echo mean$((40+2))while\r');
    await page.getByRole('button', { name: 'Resume' }).click();
    await terminal.expect('mean42while\r\n');
    await playerShows(page, 'mean42while');
    await picture(page, 'e2e-session-live');
    for (const name of ['olga', 'aud']) {
      const other = await opened(name, session);
      await other.getByText('you watch it live').waitFor();
      await playerShows(other, 'mean42while');
      assert.equal(await other.locator('.live-controls').count(), 0, name);
    }
    await act('End session', 'that is enough', 'End it');
    await terminal.expect('session ended by ann: that is enough');
    await terminal.ended();
    await until('its end', async () => {
      const running = await world.items('sessions?status=active');
      return running.length === 0 ? true : null;
    });
    await opened('ann', session);
    assert.match(
      await wordsOf(page.locator('#commands')),
      /ann paused it: let me look.*ann let it go on.*ann ended it: that is enough/,
    );
    assert.equal(await page.locator('.live-controls').count(), 0);
  });

  it('is for its owner, auditors and admins; to everybody else there is no such session', async () => {
    const other = shell.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    for (const name of ['uma', 'pia']) {
      const page = await visitors.page(name);
      const texts: string[] = [];
      for (const place of [`sessions/${shell.id}`, `sessions/${other}`]) {
        assert.equal((await page.goto(`${world.url}/${place}`))?.status(), 404, name);
        texts.push(await wordsOf(page.locator('main')));
        for (const part of ['commands', 'recording?format=txt', 'chain', 'commands/1/output']) {
          const answer = await page.request.get(`${world.url}/api/v1/${place}/${part}`);
          assert.equal(answer.status(), 404, `${part} for ${name}`);
        }
      }
      assert.equal(texts[0], texts[1]);
    }
    const stranger = await openPage(browser);
    await stranger.page.goto(`${world.url}/sessions/${shell.id}`);
    assert.ok(!(await stranger.page.content()).includes('tickets'));
    await stranger.close();
  });

  it('broke no promise to browsers on the way', () => {
    for (const [name, { complaints }] of visitors.seen) {
      const unexpected = complaints.filter((one) => !one.includes('404'));
      assert.deepEqual(unexpected, [], name);
    }
  });
});
