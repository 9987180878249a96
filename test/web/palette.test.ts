import assert from 'node:assert/strict';
import type { Browser, Page } from 'playwright-core';
import { axeFindings } from '../support/axe.ts';
import { launchBrowser, openPage, picture, type WatchedPage } from '../support/browser.ts';
import { startHttpWorld, type HttpWorld } from '../support/http-world.ts';
import { Viewer } from '../support/viewer.ts';
import { REPLAYED, setScene } from '../support/web-scene.ts';

describe('the palette', () => {
  let world: HttpWorld;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  before(async () => {
    browser = await launchBrowser();
    world = await startHttpWorld();
    setScene(world);
  });
  after(async () => {
    await world.close();
    await browser.close();
  });
  beforeEach(async () => {
    watched = await openPage(browser);
    page = watched.page;
  });
  afterEach(async () => {
    assert.deepEqual(watched.complaints, []);
    await watched.close();
  });

  it('goes to pages, sessions and searches by keys alone', async () => {
    await new Viewer(world, page).signIn();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('jour');
    await picture(page, 'palette');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/journal');
    await page.keyboard.press('Control+k');
    await page.keyboard.type(REPLAYED);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/sessions/${REPLAYED}`);
    await page.getByRole('button', { name: 'Go to' }).click();
    await page.keyboard.type('rm -rf');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const chosen = page.locator('#palette li[aria-selected="true"]');
    assert.match(await chosen.innerText(), /rm -rf\s+sessions on target/);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/search\?in=commands&q=rm\+-rf$/);
  });

  it('shows the keys of a page, not while somebody types', async () => {
    await new Viewer(world, page).signIn();
    await page.goto(`${world.server.url}/approvals`);
    await page.keyboard.press('?');
    await page.getByRole('heading', { name: 'Keys' }).waitFor();
    assert.match(await page.locator('#shortcuts').innerText(), /approve/);
    await picture(page, 'shortcuts');
    assert.deepEqual(await axeFindings(page), []);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#shortcuts').isVisible(), false);
    await page.goto(`${world.server.url}/search`);
    await page.getByLabel('Text', { exact: true }).fill('what');
    await page.keyboard.type('?');
    assert.equal(await page.locator('#shortcuts').isVisible(), false);
  });

  it('offers nobody a page that they may not see', async () => {
    await new Viewer(world, page).signIn('uma');
    await page.keyboard.press('Control+k');
    const places = await page.locator('#palette li').allInnerTexts();
    assert.equal(
      places.some((place) => /Journal|Overview|Rules|Approvals/.test(place)),
      false,
    );
    assert.equal(
      places.some((place) => /Sessions/.test(place)),
      true,
    );
    await page.keyboard.press('Escape');
  });
});
