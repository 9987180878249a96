import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import {
  commandView,
  keptSession,
  sessionId,
  sessionView,
  type HttpWorld,
} from '../support/http-world.ts';
import type { Viewer } from '../support/viewer.ts';
import { HOSTILE_SESSION, REPLAYED, setScene } from '../support/web-scene.ts';
import { webStage } from '../support/web-stage.ts';

describe('web in a browser', () => {
  const stage = webStage('each', setScene);
  let world: HttpWorld;
  let page: Page;
  let viewer: Viewer;
  beforeEach(() => {
    ({ page, viewer, world } = stage);
  });

  async function current(): Promise<string> {
    return page.locator('#commands li[aria-current]').evaluate((row) => row.id);
  }

  it('goes from the printed link to the list to a session that plays', async () => {
    await viewer.signIn();
    assert.equal(await page.getByRole('row').count(), 7);
    await page
      .getByRole('link', { name: /Session of deploy-bot on web-01, 2026-01-01 10:00/ })
      .click();
    await page.waitForURL(`**/sessions/${REPLAYED}`);
    await viewer.shows('output of 1');
    assert.match(await viewer.screen(), /uname -sr\s+output of 1/);
    assert.equal(await page.locator('#player-status').isVisible(), false);
    assert.equal(await page.locator('#player .ap-overlay-start').isVisible(), false);
    await page.keyboard.press('p');
    await viewer.shows('output of 2');
    assert.deepEqual(stage.complaints, []);
    assert.deepEqual(world.audit.ofType('recording.viewed'), [`alice ${REPLAYED}`]);
  });

  it('narrows the list by its form, with the filter in the address', async () => {
    await viewer.signIn();
    await page.getByLabel('Principal').fill('alice');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/principal=alice/);
    assert.equal(await page.getByRole('row').count(), 3);
    await page.getByLabel('Target').fill('nowhere');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'No session matches' }).waitFor();
    await page.getByRole('link', { name: 'Clear' }).click();
    await page.waitForURL(/\/sessions$/);
    assert.equal(await page.getByRole('row').count(), 7);
  });

  it('seeks to the command that is clicked', async () => {
    await viewer.signIn();
    await viewer.openSession(REPLAYED);
    await page.locator('#cmd-5 .text').click();
    await viewer.shows('output of 5');
    assert.equal(await viewer.clock(), 5);
    assert.equal(await current(), 'cmd-5');
    assert.match(page.url(), /#cmd-5$/);
    await page.locator('#cmd-2 .text').click();
    await page.waitForFunction(
      () => !document.querySelector('#player')?.textContent.includes('output of 5'),
    );
    assert.equal(await viewer.clock(), 2);
    assert.doesNotMatch(await viewer.screen(), /output of 3/);
  });

  it('shows the output of a command that waited for a decision, and the start of a long one', async () => {
    const held = commandView(1, { outputFromMs: 9000, outputToMs: 9300 });
    const long = commandView(2, { atMs: 12_000, outputFromMs: 12_100, outputToMs: 29_000 });
    world.recordings.add(keptSession(52, [held, long]));
    await viewer.signIn();
    await viewer.openSession(sessionId(52));
    await viewer.shows('output of 1');
    assert.equal(await viewer.clock(), 9);
    await page.locator('#cmd-2 .text').click();
    await viewer.shows('echo 2');
    assert.equal(await viewer.clock(), 13);
    assert.doesNotMatch(await viewer.screen(), /output of 2/);
  });

  it('walks through the commands with j and k, and stops at both ends', async () => {
    await viewer.signIn();
    await viewer.openSession(REPLAYED);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await viewer.shows('output of 3');
    assert.equal(await current(), 'cmd-3');
    await page.keyboard.press('k');
    assert.equal(await current(), 'cmd-2');
    for (let presses = 0; presses < 3; presses += 1) await page.keyboard.press('k');
    assert.equal(await current(), 'cmd-1');
    assert.match(page.url(), /#cmd-1$/);
  });

  it('opens a deep link at its command, with the player in view', async () => {
    await viewer.signIn();
    await viewer.openSession(REPLAYED, '#cmd-25');
    await viewer.shows('output of 25');
    assert.equal(await viewer.clock(), 25);
    assert.equal(await current(), 'cmd-25');
    assert.equal(await page.evaluate(() => window.scrollY), 0);
    const row = await page.locator('#cmd-25').boundingBox();
    assert.ok(row !== null && row.y > 0 && row.y + row.height <= 900, 'the row is in view');
    await page.evaluate(() => {
      location.hash = '#cmd-4';
    });
    await viewer.shows('output of 4');
    assert.equal(await current(), 'cmd-4');
  });

  it('follows the replay with the current command', async () => {
    await viewer.signIn();
    await viewer.openSession(REPLAYED);
    await page.keyboard.press('p');
    await page.locator('#cmd-2[aria-current]').waitFor();
    await page.keyboard.press('p');
  });

  it('finds commands by text and decision', async () => {
    await viewer.signIn();
    await viewer.openSession(REPLAYED);
    await page.keyboard.press('/');
    await page.keyboard.type('nginx');
    assert.equal(await page.locator('#commands li:visible').count(), 2);
    assert.equal(await page.locator('#command-count').innerText(), '2 of 30');
    await page.getByLabel('Show only commands that were').selectOption('hold');
    assert.equal(await page.locator('#commands li:visible').count(), 1);
    await page.keyboard.press('Escape');
    await page.getByLabel('Find a command').focus();
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#commands li:visible').count(), 2);
    await page.keyboard.press('j');
    assert.equal(await current(), 'cmd-6');
  });

  it('shows the facts of each command', async () => {
    await viewer.signIn();
    await viewer.openSession(REPLAYED);
    assert.match(
      await page.locator('#cmd-4').innerText(),
      /denied\s+observed\s+[\d.]+ m?s\s+rule no-wipe\s+system paths/,
    );
    assert.match(await page.locator('#cmd-5').innerText(), /exact\s+exit 1/);
    assert.match(await page.locator('#cmd-7').innerText(), /held\s+uncertain/);
    await page.locator('#cmd-6').getByRole('link', { name: 'approval k3v9' }).click();
    await page.waitForURL('**/approvals/k3v9');
  });

  it('says so when the recording can not be loaded', async () => {
    await viewer.signIn();
    await page.route('**/segments', (route) => route.fulfill({ status: 500, body: '' }));
    await page.goto(`${world.server.url}/sessions/${REPLAYED}`);
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').innerText(), /can’t be shown/);
    assert.equal(await page.locator('#commands li').count(), 30);
  });

  it('says so when the player breaks on what was recorded', async () => {
    await viewer.signIn();
    await viewer.openSession(REPLAYED);
    await page.evaluate(() => {
      setTimeout(() => {
        throw new WebAssembly.RuntimeError('unreachable');
      });
    });
    assert.match(await page.getByRole('alert').innerText(), /the player broke/);
    assert.equal(await page.locator('#player .mount').isVisible(), false);
  });

  it('plays a session whose client named no terminal size', async () => {
    const view = sessionView(50, { width: 0, height: 0 });
    const events = [{ atUs: 0, code: 'o', text: 'sizeless\r\n' }] as const;
    world.recordings.add({ view, commands: [], events, term: 'dumb' });
    await viewer.signIn();
    await viewer.openSession(view.id);
    await viewer.shows('sizeless');
    assert.deepEqual(stage.complaints, []);
  });

  it('shows output of a command without a terminal line by line', async () => {
    const view = sessionView(51, { kind: 'exec' });
    const events = [{ atUs: 0, code: 'o', text: 'one\ntwo\nthree\n' }] as const;
    world.recordings.add({ view, commands: [], events, term: null });
    await viewer.signIn();
    await viewer.openSession(view.id);
    await viewer.shows('three');
    assert.match(await viewer.screen(), /^one\s*\ntwo\s*\nthree\s*\n/);
  });

  it('says so when the player does not get ready', async () => {
    await viewer.signIn();
    await page.clock.install();
    await page.route('**/segments', () => {});
    await page.goto(`${world.server.url}/sessions/${REPLAYED}`);
    await page.getByText('Loading the replay…').waitFor();
    await page.clock.fastForward(60_000);
    assert.match(await page.getByRole('alert').innerText(), /did not get ready/);
  });

  it('decides a held command with a reason', async () => {
    await viewer.signIn('piet');
    await page.getByRole('link', { name: /Approvals/ }).click();
    const card = page.locator('#approval-k3v9');
    await card.getByLabel('Reason for the decision on k3v9').fill('after hours');
    await card.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Approved: it goes on.').waitFor();
    const decided = world.approvals.views.find((one) => one.id === 'k3v9');
    assert.equal(decided?.status, 'approved');
    assert.equal(decided?.decidedBy, 'piet');
    assert.equal(decided?.decisionReason, 'after hours');
    await page.locator('#approval-m2p4').getByRole('button', { name: 'Deny' }).click();
    await page.getByText('Denied: it is refused.').waitFor();
    assert.deepEqual(stage.complaints, []);
  });

  it('ends a running session only after asking', async () => {
    await viewer.signIn();
    const { id } = world.recordings.kept.find((one) => one.view.status === 'active')?.view ?? {
      id: 'none',
    };
    await page.goto(`${world.server.url}/sessions/${id}`);
    assert.equal(await page.getByRole('button', { name: 'End it' }).isVisible(), false);
    await page.getByText('End session').click();
    await page.getByRole('button', { name: 'End it' }).click();
    await page.getByText('has been told to end').waitFor();
    assert.deepEqual(world.terminated, [`${id} by alice`]);
  });

  it('shows hostile names and commands as text', async () => {
    await viewer.signIn();
    await viewer.openSession(HOSTILE_SESSION);
    const command = await page.locator('#cmd-1 .text').innerText();
    assert.match(command, /^<script>alert\(1\)<\/script><img src=x onerror=alert\(2\)>⟨U\+202E⟩/);
    assert.equal(await page.locator('main img').count(), 0);
    assert.equal(await page.locator('main script').count(), 0);
    for (const path of ['/sessions', '/approvals']) await page.goto(world.server.url + path);
    assert.deepEqual(stage.complaints, []);
  });

  it('signs out', async () => {
    await viewer.signIn();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`${world.server.url}/approvals`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('works without scripts: list, session, decision', async () => {
    await stage.open({ javaScriptEnabled: false });
    ({ page, viewer } = stage);
    await viewer.signIn('alice');
    await page
      .getByRole('link', { name: /Session of deploy-bot on web-01, 2026-01-01 10:00/ })
      .click();
    await page.waitForURL(`**/sessions/${REPLAYED}`);
    assert.equal(await page.getByRole('link', { name: 'Read the recording as text.' }).count(), 1);
    assert.equal(await page.locator('#commands li').count(), 30);
    await page.goto(`${world.server.url}/approvals`);
    await page.locator('#approval-k3v9').getByRole('button', { name: 'Deny' }).click();
    await page.getByText('Denied: it is refused.').waitFor();
  });
});
