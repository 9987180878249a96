import assert from 'node:assert/strict';
import { axeFindings } from '../support/axe.ts';
import { picture } from '../support/browser.ts';
import { people } from '../support/http-world.ts';
import { findings } from '../support/page-checks.ts';
import { webStage } from '../support/web-stage.ts';

describe('the overview page', () => {
  const stage = webStage('all');

  it('draws and names its figures, on every screen', async () => {
    const { page, viewer } = stage;
    await viewer.signIn();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.equal(await page.locator('svg[role="img"]').count(), 2);
    await page.getByText('Numbers').first().click();
    assert.equal((await page.getByRole('row').count()) > 24, true);
    await page.getByText('Numbers').first().click();
    assert.deepEqual(await findings(page), []);
    await picture(page, 'overview-light');
    await page.setViewportSize({ width: 360, height: 740 });
    assert.deepEqual(await findings(page), []);
    await picture(page, 'overview-phone');
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.deepEqual(await findings(page), []);
    await page.setViewportSize({ width: 1400, height: 900 });
    await picture(page, 'overview-dark');
    assert.deepEqual(await axeFindings(page), []);
    assert.deepEqual(stage.complaints, []);
  });

  it('is for those who may look at everything', async () => {
    for (const path of ['/overview', '/api/v1/overview']) {
      assert.equal((await stage.world.fetch(path, people.uma)).status, 403, path);
      assert.equal((await stage.world.fetch(path, people.piet)).status, 403, path);
      assert.equal((await stage.world.fetch(path, people.audrey)).status, 200, path);
    }
  });
});
