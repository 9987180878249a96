import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { axeFindings } from '../support/axe.ts';
import { picture } from '../support/browser.ts';
import { keptSession, people, type HttpWorld } from '../support/http-world.ts';
import { findings } from '../support/page-checks.ts';
import { setScene } from '../support/web-scene.ts';
import { webStage } from '../support/web-stage.ts';

describe('the list of sessions', () => {
  const stage = webStage('each', setScene);
  let world: HttpWorld;
  let page: Page;
  beforeEach(async () => {
    ({ page, world } = stage);
    await stage.viewer.signIn();
  });

  it('shows new sessions as they begin, without a reload', async () => {
    const rows = page.getByRole('row');
    assert.equal(await rows.count(), 7);
    await page.evaluate(() => document.body.setAttribute('data-same', ''));
    world.recordings.add(
      keptSession(60, [], { target: 'new-host', startedAt: '2026-01-01T10:03:00.000Z' }),
    );
    world.news.tell();
    await page.getByText('new-host', { exact: true }).waitFor();
    assert.equal(await rows.count(), 8);
    assert.match(await rows.nth(1).innerText(), /new-host/);
    assert.equal(await page.locator('body[data-same]').count(), 1);
    assert.deepEqual(stage.complaints, []);
  });

  it('goes on with older sessions where it ends', async () => {
    world.recordings.add(...Array.from({ length: 120 }, (_, n) => keptSession(100 + n, [])));
    await page.reload();
    assert.equal(await page.locator('#rows tr').count(), 50);
    for (let n = 0; n < 20 && (await page.locator('#older').count()) > 0; n += 1) {
      await page.mouse.wheel(0, 5000);
      await page.waitForTimeout(100);
    }
    await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 126);
    assert.equal(await page.locator('#older').count(), 0);
  });

  it('keeps filters under a name, and forgets them', async () => {
    await page.getByLabel('Stopped').selectOption('deny');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.waitForURL(/decision=deny/);
    await page.getByLabel('Name for these filters').fill('what was denied');
    await page.getByRole('button', { name: 'Save filters' }).click();
    await page.waitForURL(/\?decision=deny&saved=what\+was\+denied$/);
    await page.getByText('Saved as what was denied.').waitFor();
    assert.deepEqual(await findings(page), []);
    await page.goto(`${world.server.url}/sessions`);
    await page.getByRole('link', { name: 'what was denied' }).click();
    await page.waitForURL(/decision=deny/);
    assert.deepEqual(await findings(page), []);
    await picture(page, 'sessions-saved');
    await page.getByRole('button', { name: 'Delete the saved filters what was denied' }).click();
    await page.waitForURL(/\/sessions$/);
    assert.equal(await page.getByRole('link', { name: 'what was denied' }).count(), 0);
    const other = await world.fetch('/sessions', people.audrey);
    assert.doesNotMatch(await other.text(), /what was denied/);
  });

  it('says which filters a name stands for no more, and nothing that somebody else wrote', async () => {
    const { url } = world.server;
    for (const [query, words] of [
      ['q=a', 'Saved as <b>mine</b>.'],
      ['q=b', 'Replaced: these filters now stand under <b>mine</b>'],
    ] as const) {
      await page.goto(`${url}/sessions?${query}`);
      await page.getByLabel('Name for these filters').fill('<b>mine</b>');
      await page.getByRole('button', { name: 'Save filters' }).click();
      await page.getByRole('status').getByText(words).waitFor();
    }
    await picture(page, 'sessions-replaced');
    await page.goto(`${url}/sessions?q=b&saved=${encodeURIComponent('call 555-0100')}`);
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
    assert.equal(await page.locator('.notice').count(), 0);
    assert.deepEqual(stage.complaints, []);
  });

  it('shows screens as pictures, and names them', async () => {
    await page.getByRole('link', { name: 'Show screens' }).click();
    await page.waitForURL(/show=screens/);
    await page.waitForFunction(() =>
      [...document.querySelectorAll('img')].some((image) => image.naturalWidth > 0),
    );
    assert.deepEqual(await findings(page), []);
    await picture(page, 'sessions-screens');
    await page.setViewportSize({ width: 360, height: 740 });
    assert.deepEqual(await findings(page), []);
    assert.deepEqual(await axeFindings(page), []);
    assert.deepEqual(stage.complaints, []);
  });

  it('refuses filters that are none, and names that are too long', async () => {
    const post = (body: object): Promise<Response> =>
      world.fetch('/sessions/filters', people.audrey, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    assert.equal((await post({ name: 'x', query: 'nothing=1' })).status, 400);
    assert.equal((await post({ name: 'x'.repeat(61), query: 'q=1' })).status, 400);
    assert.equal((await post({ name: ' ', query: 'q=1' })).status, 400);
    assert.equal((await post({ name: 'x', query: 'q=1' })).status, 303);
  });
});
