/** A running session on its page: notices, pauses, its end, with and without scripts. */
import assert from 'node:assert/strict';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { picture } from '../support/browser.ts';
import { approvalView, people, sessionId } from '../support/http-world.ts';
import { findings } from '../support/page-checks.ts';
import { setScene } from '../support/web-scene.ts';
import { webStage } from '../support/web-stage.ts';

const RUNNING = sessionId(5);
const HOSTILE_WORDS = '<b>stop</b> \u202enow';

describe('a running session in a browser', () => {
  const stage = webStage('each', setScene);

  async function opened(options: BrowserContextOptions = {}): Promise<Page> {
    await stage.open(options);
    const { page, viewer, world } = stage;
    await viewer.signIn();
    await page.goto(`${world.server.url}/sessions/${RUNNING}`);
    return page;
  }

  for (const [name, options] of [
    ['light', {}],
    ['dark phone', { colorScheme: 'dark', viewport: { width: 360, height: 740 } }],
    ['without scripts', { javaScriptEnabled: false }],
  ] as const) {
    it(`is told something, paused, resumed and ended by forms (${name})`, async () => {
      const page = await opened(options);
      const act = page.getByRole('group', { name: 'Act on this session' });
      const shot = (what: string) => picture(page, `live-${what}-${name.replace(' ', '-')}`);
      const hasScripts = !('javaScriptEnabled' in options);
      const check = async () => {
        if (hasScripts) assert.deepEqual(await findings(page), []);
      };
      await act.getByText('Notice').click();
      await check();
      await shot('running');
      await act.getByLabel('A line for the person').fill(HOSTILE_WORDS);
      await act.getByRole('button', { name: 'Send it' }).click();
      await page.getByText('Your notice is on its way').waitFor();
      await page.locator('#commands').getByText('wrote: <b>stop</b>').waitFor();

      await act.getByText('Pause', { exact: true }).click();
      await act.getByLabel('Reason').first().fill('a look at this');
      await act.getByRole('button', { name: 'Pause it' }).click();
      await page.getByText(/Paused by alice: a look at this/).waitFor();
      await page.locator('#status').getByText('paused').waitFor();
      await check();
      await shot('paused');
      await act.getByRole('button', { name: 'Resume' }).click();
      await page.getByText('The session goes on.').waitFor();
      assert.equal(await page.locator('#status').getByText('paused').count(), 0);

      await act.getByText('End session').click();
      await act.getByRole('button', { name: 'End it' }).click();
      await page.getByText('has been told to end').waitFor();
      assert.equal(await act.getByRole('button').count(), 0);
      await check();
      await shot('ending');
      assert.deepEqual(stage.world.terminated, [`${RUNNING} by alice`]);
      if (hasScripts) assert.deepEqual(stage.complaints, []);
    });
  }

  it('is paused and resumed by an approver on the page of its request', async () => {
    await stage.open();
    const { page, viewer, world } = stage;
    world.approvals.views.push(approvalView('live1', { session: RUNNING }));
    await viewer.signIn('piet');
    await page.goto(`${world.server.url}/approvals/live1`);
    const act = page.getByRole('group', { name: 'Act on this session' });
    await act.getByText('Pause', { exact: true }).click();
    await act.getByLabel('Reason').first().fill(HOSTILE_WORDS);
    assert.deepEqual(await findings(page), []);
    await act.getByRole('button', { name: 'Pause it' }).click();
    await page.waitForURL('**/approvals/live1?done=pause');
    await page.getByText('Paused by piet: <b>stop</b>').waitFor();
    assert.deepEqual(await findings(page), []);
    await picture(page, 'live-on-approval');
    await act.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('The session goes on.').waitFor();
    assert.equal(await act.getByText('End session').count(), 0);
    assert.deepEqual(stage.complaints, []);
  });

  it('has no such forms for those who may not, and none once it has ended', async () => {
    const page = await opened();
    const { world } = stage;
    const group = page.locator('#live-controls');
    assert.equal(await group.count(), 1);
    await page.goto(`${world.server.url}/sessions/${sessionId(7)}`);
    assert.equal(await group.count(), 0);
    for (const person of ['audrey', 'uma', 'piet', 'nobody'] as const) {
      const who = person === 'nobody' ? null : people[person];
      const html = await (await world.fetch(`/sessions/${RUNNING}`, who)).text();
      assert.ok(!html.includes('id="live-controls"'), person);
    }
  });
});
