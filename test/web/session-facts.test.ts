/** What stands beside the replay of a session: facts, files, notes, search, output, proof; and its printed form. */
import assert from 'node:assert/strict';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { AuditEvent } from '../../server/journal/event.ts';
import { axeFindings } from '../support/axe.ts';
import { picture } from '../support/browser.ts';
import { HOSTILE } from '../support/hostile-text.ts';
import {
  approvalView,
  commandView,
  keptSession,
  people,
  sessionId,
  type HttpWorld,
} from '../support/http-world.ts';
import { findings } from '../support/page-checks.ts';
import { webStage } from '../support/web-stage.ts';

const ID = sessionId(71);
const SOURCE = '192.0.2.7:51514';
const SHA = 'ab'.repeat(32);
/** What a page may load beside the player. */
const MAX_SCRIPT_BYTES = 120 * 1024;

const COMMANDS = [
  commandView(1, { text: 'put a.txt', language: 'file', argv: null }),
  commandView(2, {
    text: 'systemctl restart nginx',
    decision: 'hold',
    rule: 'restart-service',
    reason: 'a person looks first',
    approval: 'k3v9',
    policy: 'default',
    policyVersion: 7,
    directoryVersion: 12,
  }),
  commandView(3, { text: `echo ${HOSTILE}` }),
];

function event(type: AuditEvent['type'], data: AuditEvent['data'], session: string | null = ID) {
  return { type, principal: 'deploy-bot', source: SOURCE, session, target: 'web-01', data };
}

async function setFacts(world: HttpWorld): Promise<void> {
  world.recordings.add(
    keptSession(71, COMMANDS, { kind: 'sftp', attribution: 'verified' }),
    keptSession(72, [commandView(1)], { kind: 'forward' }),
    keptSession(73, [commandView(1)], { principal: { name: 'audrey', kind: 'human' } }),
  );
  world.approvals.views.push(
    approvalView('k3v9', {
      session: ID,
      commandSeq: 2,
      status: 'approved',
      decidedBy: 'piet',
      decidedAt: '2026-01-01T10:00:09.000Z',
      decisionReason: 'looks right',
    }),
  );
  const content = { bytes: 1200, sha256: SHA, from: 0, to: 1200, complete: true, status: 0 };
  for (const one of [
    event('auth.succeeded', { method: 'publickey', key: 'SHA256:proof', userName: 'x' }, null),
    event('session.started', { policy: 'default', policyVersion: 7, recording: 'strict' }),
    event('file.written', {
      ...content,
      seq: 3,
      path: `/srv/${HOSTILE}`,
      kept: [{ direction: 'written', parts: 2, bytes: 13, sha256: SHA }],
    }),
    event('file.renamed', { seq: 2, path: '/srv/a', to: '/srv/b' }),
    event('file.read', { ...content, seq: 2, path: '/etc/motd', status: 3, complete: false }),
    {
      ...event('forward.ended', {
        from: 'client',
        to: '10.0.0.9:5432',
        isOpened: true,
        bytesIn: 2048,
        bytesOut: 4_000_000,
        durationMs: 65_000,
        why: 'the client closed it',
      }),
      session: sessionId(72),
    },
  ]) {
    await world.audit.append(one);
  }
}

describe('beside the replay of a session', () => {
  const stage = webStage('all', setFacts);
  let world: HttpWorld;
  let page: Page;
  beforeEach(() => {
    ({ page, world } = stage);
  });

  async function opened(
    who: keyof typeof people = 'audrey',
    options: BrowserContextOptions = {},
    id = ID,
  ): Promise<void> {
    await stage.open(options);
    ({ page } = stage);
    await stage.viewer.signIn(who);
    await page.goto(`${world.server.url}/sessions/${id}`);
  }

  for (const [name, options] of [
    ['light', {}],
    ['dark-phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
  ] as const) {
    it(`names who proved what, who approved, and what was transferred (${name})`, async () => {
      await opened('audrey', options);
      await page.locator('#player[data-state="ready"]').waitFor();
      // Not innerText: what is out of view has none.
      const row = page.locator('#cmd-2 .why');
      const words = (await row.textContent()) ?? '';
      assert.match(words, /rule restart-service/);
      assert.match(words, /approved by piet at 2026-01-01 10:00:09 UTC\s*: looks right/);
      assert.match(words, /policy default v7/);
      await page.getByText('Identity and terms').click();
      await page.getByText('SHA256:proof').waitFor();
      const files = page.getByRole('region', { name: 'Files' });
      const written = files.getByRole('row', { name: /written/ });
      assert.match(await written.innerText(), /<script>alert\(1\)<\/script>.*1\.2 KB/s);
      assert.match(await written.innerText(), new RegExp(SHA));
      assert.equal(
        await written.getByRole('link', { name: 'download' }).getAttribute('href'),
        `/api/v1/sessions/${ID}/files/3?direction=written`,
      );
      assert.match(await files.getByRole('row', { name: /renamed/ }).innerText(), /a → .*b/);
      assert.match(await files.getByRole('row', { name: /motd/ }).innerText(), /not permitted/);
      await page.getByText('Verified in this browser').waitFor();
      assert.deepEqual(await findings(page), []);
      assert.deepEqual(await axeFindings(page), []);
      await page.screenshot({
        path: `test/artifacts/session-facts-${name}.png`,
        fullPage: true,
      });
      assert.deepEqual(stage.complaints, []);
    });
  }

  it('says where a forward led, how much went each way, and why it ended', async () => {
    await opened('audrey', {}, sessionId(72));
    const row = page.getByRole('region', { name: 'Forward' }).getByRole('row').nth(1);
    const words = await row.innerText();
    assert.match(words, /client → 10\.0\.0\.9:5432/);
    assert.match(words, /2\.0 KB.*4\.0 MB.*after 1 min 5 s.*the client closed it/s);
  });

  it('shows what one command printed, to copy, and by the keyboard alone', async () => {
    await opened('audrey', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.locator('#player[data-state="ready"]').waitFor();
    await page.locator('#cmd-3 .output-link').focus();
    await page.keyboard.press('Enter');
    const text = page.locator('#output-text');
    await page.waitForFunction(() =>
      document.getElementById('output-text')?.textContent.includes('output of 3'),
    );
    const shown = (await text.textContent()) ?? '';
    assert.doesNotMatch(shown, /\u202e/u);
    assert.doesNotMatch(shown, /output of 2/);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Copied.').waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /output of 3/);
    assert.deepEqual(await axeFindings(page), []);
    await picture(page, 'session-output');
    await page.getByRole('button', { name: 'Close' }).last().click();
    assert.equal(await page.locator('#output-panel').isHidden(), true);
    assert.deepEqual(stage.complaints, []);
  });

  it('finds text within the session, marks it, and n and N go to where it was', async () => {
    await opened();
    const { viewer } = stage;
    await page.locator('#player[data-state="ready"]').waitFor();
    await page.getByLabel('Text to search for').fill('e');
    await page.getByLabel('Search in').selectOption('commands');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText(/^2 hits/).waitFor();
    const hits = page.locator('#session-hits li');
    assert.equal(await hits.count(), 2);
    assert.equal(await hits.first().locator('mark').first().textContent(), 'e');
    assert.match(await hits.nth(1).innerText(), /<script>alert\(1\)<\/script>/);
    await page.locator('h1').click();
    await page.keyboard.press('n');
    await page.locator('#session-hits li:nth-child(2) [aria-current]').waitFor();
    await viewer.shows('output of 2');
    await page.keyboard.press('Shift+N');
    await page.locator('#session-hits li:nth-child(1) [aria-current]').waitFor();
    assert.deepEqual(await axeFindings(page), []);
    assert.deepEqual(stage.complaints, []);
  });

  it('takes marks and notes of an auditor by plain forms, and lists them', async () => {
    await opened('audrey', { javaScriptEnabled: false });
    await page.getByRole('button', { name: 'Mark as reviewed' }).click();
    await page.getByText('by audrey, 2026-01-01').waitFor();
    await page.getByLabel('New note').fill(`first line\n${HOSTILE}`);
    await page.getByLabel('About command').fill('2');
    await page.getByRole('button', { name: 'Add the note' }).click();
    await page.waitForURL('**#note-1');
    assert.match(await page.locator('#note-1').innerText(), /first line\s+<script>/);
    await page.locator('#cmd-2').getByRole('link', { name: 'note 1' }).waitFor();
    await page.goto(`${world.server.url}/sessions?reviewed=yes`);
    assert.equal(await page.locator('#rows tr').count(), 1);
    await page.locator('#rows').getByText('reviewed').waitFor();
    await page.goto(`${world.server.url}/sessions?reviewed=no`);
    assert.equal(await page.locator('#rows tr').count(), 2);
    await page.goto(`${world.server.url}/sessions/${ID}`);
    await page.getByRole('button', { name: 'Withdraw the mark' }).click();
    await page.getByText('not reviewed any more').waitFor();
  });

  it('lets nobody review their own session, nor without the role', async () => {
    await opened('audrey', {}, sessionId(73));
    await page.getByText('your own session').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Mark as reviewed' }).count(), 0);
    for (const [path, body] of [
      ['review', { reviewed: true }],
      ['notes', { text: 'fine' }],
    ] as const) {
      const answer = await world.fetch(`/api/v1/sessions/${sessionId(73)}/${path}`, people.audrey, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      assert.equal(answer.status, 403);
      assert.match(await answer.text(), /your own session/);
    }
    assert.deepEqual(await world.options.reviews.notesOf(sessionId(73)), []);
  });

  it('says that nothing can be verified where the page has no cryptography', async () => {
    await page.addInitScript(() => {
      Object.defineProperty(crypto, 'subtle', { value: undefined });
    });
    await stage.viewer.signIn('audrey');
    await page.goto(`${world.server.url}/sessions/${ID}`);
    await page.getByText('Cannot verify here').waitFor();
  });

  it('says it where the browser lacks Ed25519, and names what does not fit', async () => {
    await page.addInitScript(() => {
      SubtleCrypto.prototype.importKey = () => Promise.reject(new Error('not supported'));
    });
    await stage.viewer.signIn('audrey');
    await page.goto(`${world.server.url}/sessions/${ID}`);
    await page.getByText('Cannot verify the signature here').waitFor();
    await page.route('**/chain', async (route) => {
      const answer = await route.fetch();
      const seal = (await answer.json()) as { chunks: { prevHash: string }[] };
      const [, second] = seal.chunks;
      if (second !== undefined) second.prevHash = 'cd'.repeat(32);
      await route.fulfill({ json: seal });
    });
    await page.reload();
    await page.getByText('NOT what was recorded: chunk 2 does not follow').waitFor();
  });

  it('checks every byte when asked to, which is in the journal', async () => {
    await opened();
    await page.getByRole('button', { name: 'Check every byte' }).click();
    await page.getByText('all 3 chunks are what was recorded').waitFor();
    assert.equal(world.audit.events.filter(({ type }) => type === 'recording.exported').length, 1);
    assert.deepEqual(stage.complaints, []);
  });

  it('remembers the theme of the terminal', async () => {
    await opened();
    await page.locator('#player[data-state="ready"]').waitFor();
    await page.getByLabel('Theme').selectOption('light');
    await page.locator('.asciinema-player-theme-paper').waitFor();
    await page.reload();
    await page.locator('.asciinema-player-theme-paper').waitFor();
    assert.equal(await page.getByLabel('Theme').inputValue(), 'light');
  });

  it('prints as a report of its own', async () => {
    await opened();
    await page.locator('#player[data-state="ready"]').waitFor();
    const pdf = await page.pdf({ format: 'A4' });
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    await page.emulateMedia({ media: 'print' });
    for (const shown of ['#cmd-2', '.integrity', '#review', '.transfers', '.page-facts']) {
      assert.equal(await page.locator(shown).first().isVisible(), true, shown);
    }
    for (const hidden of ['#player', '.bar', '.downloads', '.note-form', '.session-search']) {
      assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
    }
    await page.setViewportSize({ width: 780, height: 1000 });
    await page.screenshot({ path: 'test/artifacts/session-printed.png', fullPage: true });
  });

  it('loads little script beside the player', async () => {
    let bytes = 0;
    page.on('response', async (response) => {
      const isScript = response.request().resourceType() === 'script';
      if (!isScript || response.url().includes('/player-')) return;
      bytes += Number(response.headers()['content-length'] ?? Number.POSITIVE_INFINITY);
    });
    await stage.viewer.signIn('audrey');
    await page.goto(`${world.server.url}/sessions/${ID}`);
    await page.locator('#player[data-state="ready"]').waitFor();
    assert.ok(bytes > 1000 && bytes <= MAX_SCRIPT_BYTES, `${bytes} bytes`);
  });
});
