import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { people, type HttpWorld } from '../support/http-world.ts';
import { HOSTILE } from '../support/hostile-text.ts';
import { webStage } from '../support/web-stage.ts';

const PATHS = ['/principals', '/targets', '/grants', '/credentials', '/journal'] as const;

describe('the pages of what is configured, and the journal', () => {
  const stage = webStage('all', async (world) => {
    await world.audit.append({
      type: 'command.decided',
      principal: HOSTILE,
      source: '192.0.2.7:51514',
      session: '0197a000-0000-7000-8000-000000000007',
      target: 'web-01',
      data: { text: HOSTILE, decision: 'deny', commands: [{ argv: ['rm', '-rf', '/'] }] },
    });
  });
  let world: HttpWorld;
  let page: Page;
  beforeEach(async () => {
    ({ page, world } = stage);
    await stage.viewer.signIn();
  });

  it('finds by any name or value, and says so when nothing matches', async () => {
    await page.goto(`${world.server.url}/targets`);
    await page.getByLabel('Contains').fill('ENV=prod');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/q=ENV/);
    assert.equal(await page.getByRole('row').count(), 2);
    await page.getByLabel('Contains').fill('nowhere');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'No target matches' }).waitFor();
  });

  it('reaches the pages from the bar, and only who reads all has them there', async () => {
    await page.getByRole('link', { name: 'Directory' }).click();
    await page.getByRole('heading', { name: 'Principals' }).waitFor();
    await page.getByRole('navigation', { name: 'Directory' }).getByText('Grants').click();
    await page.getByRole('heading', { name: 'Grants' }).waitFor();
    const own = await world.fetch('/sessions', people.uma);
    assert.doesNotMatch(await own.text(), /href="\/(principals|journal|rules|overview)"/);
    for (const path of [...PATHS, '/journal/export']) {
      assert.equal((await world.fetch(path, people.uma)).status, 403, path);
      assert.equal((await world.fetch(path)).status, 401, path);
    }
  });

  it('exports the journal line by line, which the journal says', async () => {
    const answer = await world.fetch('/journal/export?type=command.decided', people.audrey);
    assert.equal(answer.headers.get('content-disposition'), 'attachment; filename=journal.jsonl');
    const [line = ''] = (await answer.text()).split('\n');
    assert.equal((JSON.parse(line) as { readonly seq: number }).seq > 0, true);
    assert.deepEqual(world.audit.ofType('journal.exported'), ['audrey -']);
  });

  it('names a bad filter and keeps the form', async () => {
    const answer = await world.fetch('/journal?type=nothing', people.audrey);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /has a type that there is not/);
  });
});
