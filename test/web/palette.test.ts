import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { axeFindings } from '../support/axe.ts';
import { picture } from '../support/browser.ts';
import type { HttpWorld } from '../support/http-world.ts';
import { REPLAYED, setScene } from '../support/web-scene.ts';
import { webStage } from '../support/web-stage.ts';

describe('the palette', () => {
  const stage = webStage('all', setScene);
  let world: HttpWorld;
  let page: Page;
  beforeEach(() => {
    ({ page, world } = stage);
  });
  afterEach(() => assert.deepEqual(stage.complaints, []));

  it('goes to pages, sessions and searches by keys alone', async () => {
    await stage.viewer.signIn();
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
    const chosen = page.locator('#palette').getByRole('option', { selected: true });
    assert.match(await chosen.innerText(), /rm -rf\s+sessions on target/);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/search\?in=commands&q=rm\+-rf$/);
  });

  it('shows the keys of a page, not while somebody types', async () => {
    await stage.viewer.signIn();
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
    await stage.viewer.signIn('uma');
    await page.keyboard.press('Control+k');
    const places = await page.locator('#palette').getByRole('option').allInnerTexts();
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
