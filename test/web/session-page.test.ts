import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { picture } from '../support/browser.ts';
import { commandView, keptSession, sessionId, type HttpWorld } from '../support/http-world.ts';
import type { Viewer } from '../support/viewer.ts';
import { webStage } from '../support/web-stage.ts';

describe('the session page', () => {
  const stage = webStage('each');
  let world: HttpWorld;
  let page: Page;
  let viewer: Viewer;
  beforeEach(() => {
    ({ page, viewer, world } = stage);
  });

  it('skips idle time when asked to, with commands and clock in recorded time', async () => {
    const first = commandView(1, { outputFromMs: 1000, outputToMs: 1100 });
    const late = commandView(2, { atMs: 60_000, outputFromMs: 60_100, outputToMs: 60_300 });
    const recording = { durationMs: 90_000, chunks: 3, headHash: null, complete: true };
    world.recordings.add(keptSession(53, [first, late], { recording }));
    await viewer.signIn();
    await viewer.openSession(sessionId(53));
    await page.getByLabel('Skip idle time').check();
    await page.locator('#player[data-state="ready"]').waitFor();
    await page.locator('#cmd-2 .text').click();
    await viewer.shows('output of 2');
    assert.equal(await viewer.clock(), 3);
    await page.getByText('Recorded at 01:00.3 of 01:30.0').waitFor();
    await page.getByLabel('Speed').selectOption('4');
    await page.locator('#player[data-state="ready"]').waitFor();
    await viewer.shows('output of 2');
    await page.reload();
    await page.locator('#player[data-state="ready"]').waitFor();
    assert.equal(await page.getByLabel('Skip idle time').isChecked(), true);
    assert.equal(await page.getByLabel('Speed').inputValue(), '4');
    assert.deepEqual(stage.complaints, []);
  });

  it('plays a running session as it happens, goes back to a command, and says when it has ended', async () => {
    const recording = { durationMs: 5000, chunks: 3, headHash: null, complete: false };
    const kept = keptSession(54, [commandView(1)], { status: 'active', recording, endedAt: null });
    const events = kept.events.filter((event) => event.code !== 'x');
    const view = { ...kept.view };
    const commands = [...kept.commands];
    world.recordings.add({ ...kept, view, events, commands });
    await viewer.signIn();
    await viewer.openSession(view.id);
    await viewer.shows('output of 1');
    await page.getByText('you watch it live').waitFor();
    commands.push(commandView(2, { text: 'who is there' }));
    events.push(
      { atUs: 6_000_000, code: 'm', label: 'who is there' },
      { atUs: 6_000_001, code: 'o', text: '\r\nfresh output' },
    );
    world.recordings.news(view.id);
    await viewer.shows('fresh output');
    await page.locator('#cmd-2').waitFor();
    await picture(page, 'live');

    await page.locator('#cmd-1 .text').click();
    await page.getByText('goes back to what happens').waitFor();
    await page.locator('#player[data-state="ready"]').waitFor();
    assert.doesNotMatch(await viewer.screen(), /fresh output/);
    await page.getByRole('button', { name: 'Live' }).click();
    await viewer.shows('fresh output');

    Object.assign(view, { status: 'closed', exitStatus: 0, endedAt: view.startedAt });
    world.recordings.news(view.id);
    await page.getByText('The session has ended.').waitFor();
    await page.getByRole('link', { name: 'Show the whole recording' }).click();
    await page.locator('#player[data-state="ready"]').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Live' }).count(), 0);
    assert.deepEqual(stage.complaints, []);
  });
});
