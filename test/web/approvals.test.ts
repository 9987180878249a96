import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { approvalView, people, type HttpWorld } from '../support/http-world.ts';
import type { Viewer } from '../support/viewer.ts';
import { REPLAYED, setRequests, setScene } from '../support/web-scene.ts';
import { webStage } from '../support/web-stage.ts';

describe('approvals in a browser', () => {
  const stage = webStage('each', (world) => {
    setScene(world);
    setRequests(world);
  });
  let world: HttpWorld;
  let page: Page;
  let viewer: Viewer;
  beforeEach(() => {
    ({ page, viewer, world } = stage);
  });

  const statusOf = (id: string): string | undefined =>
    world.approvals.views.find((one) => one.id === id)?.status;

  it('shows what is new at once, and keeps what somebody types', async () => {
    await viewer.signIn('piet');
    await page.goto(`${world.server.url}/approvals`);
    const reason = page.getByLabel('Reason for the decision on k3v9');
    await reason.fill('half a sent');
    world.approvals.views.push(approvalView('new1', { text: 'reboot' }));
    world.approvals.change('new1', 'approval.requested');
    await page.locator('#approval-new1').waitFor();
    await reason.pressSequentially('ence');
    assert.equal(await reason.inputValue(), 'half a sentence');
    const index = world.approvals.views.findIndex(({ id }) => id === 'm2p4');
    const gone = world.approvals.views[index];
    assert.ok(gone);
    world.approvals.views[index] = { ...gone, status: 'refused', decidedBy: 'alice' };
    world.approvals.change('m2p4', 'approval.decided');
    await page.locator('#approval-m2p4.card').waitFor({ state: 'detached' });
    assert.equal(await reason.inputValue(), 'half a sentence');
    assert.deepEqual(stage.complaints, []);
  });

  it('is driven by keys', async () => {
    await viewer.signIn('piet');
    await page.goto(`${world.server.url}/approvals`);
    await page.locator('#keys:not([hidden])').waitFor();
    const current = (): Promise<string> =>
      page.evaluate(() => document.activeElement?.closest('.card')?.id ?? 'none');
    await page.keyboard.press('j');
    const first = await current();
    await page.keyboard.press('j');
    assert.notEqual(await current(), first);
    await page.keyboard.press('k');
    assert.equal(await current(), first);
    await page.keyboard.press('d');
    await page.getByText('Denied: it is refused.').waitFor();
    assert.equal(statusOf(first.replace('approval-', '')), 'refused');
    // Letters in a field are letters.
    await page.getByLabel('Reason for the decision on k3v9').press('a');
    assert.equal(statusOf('k3v9'), 'waiting');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/approvals/k3v9');
    // Its script listens to keys by then.
    await page.getByText('(live)').waitFor();
    await page.keyboard.press('a');
    await page.getByText('Approved: it goes on.').waitFor();
    assert.equal(statusOf('k3v9'), 'approved');
  });

  it('moves nobody on to another request when theirs is decided by somebody else', async () => {
    await viewer.signIn('piet');
    await page.goto(`${world.server.url}/approvals`);
    await page.locator('#keys:not([hidden])').waitFor();
    await page.keyboard.press('j');
    const here = page.locator('.card:focus');
    const id = ((await here.getAttribute('id')) ?? '').replace('approval-', '');
    const others = world.approvals.views.filter((one) => one.status === 'waiting' && one.id !== id);
    assert.ok(others.length > 0);
    await here.hover();
    const below = page.locator('#waiting > .card:not(:focus)').last();
    const before = await below.boundingBox();
    await world.approvals.decide(id, 'refused', {
      principal: people.alice,
      source: '',
      reason: null,
    });
    await page.locator('.card[data-gone]').getByText('waits no more').waitFor();
    await page.keyboard.press('a');
    await page.keyboard.press('d');
    assert.deepEqual(
      others.map((one) => statusOf(one.id)),
      others.map(() => 'waiting'),
    );
    // What is below hasn't moved up under the hand of who was about to click.
    assert.deepEqual(await below.boundingBox(), before);
    await page.keyboard.press('j');
    await page.locator('.card:focus:not([data-gone])').waitFor();
    assert.deepEqual(stage.complaints, []);
  });

  it('lets nobody decide in the list on what the list doesn’t show', async () => {
    const hidden = `echo ${'B'.repeat(3000)}; rm -rf /srv`;
    const lines = `${'echo\n'.repeat(30)}rm -rf /srv`;
    world.approvals.views.push(
      approvalView('padded', { text: hidden }),
      approvalView('lines', { text: lines }),
    );
    await viewer.signIn('piet');
    for (const id of ['padded', 'lines']) {
      await page.goto(`${world.server.url}/approvals`);
      const card = page.locator(`#approval-${id}`);
      assert.match(await card.locator('.asked').innerText(), /more characters/);
      assert.equal(await card.getByRole('button').count(), 0);
      await card.getByRole('link', { name: 'Read all of it and decide' }).click();
      const asked = page.locator('.asked');
      assert.match(await asked.innerText(), /rm -rf \/srv$/);
      const isWhole = await asked.evaluate((one) => one.scrollHeight <= one.clientHeight + 1);
      assert.equal(isWhole, true);
      assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 1);
    }
  });

  it('sends a decision once, however often it is clicked, and says who was first', async () => {
    await viewer.signIn('piet');
    await page.goto(`${world.server.url}/approvals`);
    let posts = 0;
    page.on('request', (request) => (posts += Number(request.method() === 'POST')));
    await page.locator('#approval-k3v9').getByRole('button', { name: 'Approve' }).dblclick();
    await page.getByText('Approved: it goes on.').waitFor();
    assert.equal(posts, 1);
    await page.goto(`${world.server.url}/approvals?notice=already-decided&id=k3v9`);
    await page.getByText('piet was first').waitFor();
  });

  it('approves for longer, and takes that back', async () => {
    await viewer.signIn('piet');
    await page.goto(`${world.server.url}/approvals/k3v9`);
    await page.getByLabel('For how much an approval of k3v9 counts').selectOption('1h');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Approved: it goes on.').waitFor();
    const approved = world.approvals.views.find(({ id }) => id === 'k3v9');
    assert.equal(approved?.scope, 'time');
    await page.goto(`${world.server.url}/approvals`);
    await page.getByRole('button', { name: 'Revoke std7' }).click();
    await page.getByText('Revoked: from now on it is asked for again.').waitFor();
    assert.equal(world.approvals.views.find(({ id }) => id === 'std7')?.revokedBy, 'piet');
  });

  it('shows one request with all that helps to decide, as text', async () => {
    await viewer.signIn('alice');
    await page.goto(`${world.server.url}/approvals/lng2`);
    await page.getByRole('heading', { name: 'What it would run' }).waitFor();
    assert.match(await page.locator('.resolved').innerText(), /not known before it runs/);
    assert.match(
      await page.locator('.grounds').innerText(),
      /doubt the name comes from a variable/,
    );
    assert.equal(await page.locator('#player').count(), 1);
    assert.equal(await page.locator('.commands li').count(), 2);
    assert.match(await page.locator('main').innerText(), /only once: a secret in it is masked/);
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.deepEqual(world.audit.ofType('recording.viewed'), [`alice ${REPLAYED}`]);
    assert.deepEqual(stage.complaints, []);
  });

  it('leaves room for who asked beside a long outcome, on a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const decided = { status: 'approved', decidedBy: 'piet', decidedAt: until, until } as const;
    world.approvals.views.push(approvalView('long', { ...decided, scope: 'session', uses: 12 }));
    await viewer.signIn('alice');
    await page.goto(`${world.server.url}/approvals`);
    const row = page.locator('tr#approval-long');
    await row.getByText('for its session').waitFor();
    const widths = await row
      .locator('td')
      .evaluateAll((cells) => cells.map((cell) => cell.clientWidth));
    assert.ok(
      widths.every((width) => width > 60),
      String(widths),
    );
  });

  it('works without scripts', async () => {
    await stage.open({ javaScriptEnabled: false });
    ({ page, viewer } = stage);
    await viewer.signIn('piet');
    await page.goto(`${world.server.url}/approvals/k3v9`);
    await page.getByLabel('Reason for the decision on k3v9').fill('fine');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Approved: it goes on.').waitFor();
    assert.equal(statusOf('k3v9'), 'approved');
  });

  it('lets whoever asked see their request, and not decide on it', async () => {
    world.approvals.views.push(approvalView('mine', { principal: 'uma' }));
    const mine = await world.fetch('/approvals/mine', people.uma);
    assert.equal(mine.status, 200);
    assert.doesNotMatch(await mine.text(), /name="decision"/);
    assert.equal((await world.fetch('/approvals/k3v9', people.uma)).status, 403);
  });
});
