import assert from 'node:assert/strict';
import { commandView, keptSession, people, type HttpWorld } from '../support/http-world.ts';
import { HOSTILE } from '../support/hostile-text.ts';
import { webStage } from '../support/web-stage.ts';

const COMPARE = '/compare?principal=deploy-bot&run=4711&with=4712';

function setRuns(world: HttpWorld): void {
  const started = (at: string) => ({ startedAt: `2026-01-01T${at}.000Z`, endedAt: null });
  world.recordings.add(
    keptSession(1, [commandView(1, { text: 'make' }), commandView(2, { text: 'curl a' })], {
      ...started('08:00:00'),
      run: '4711',
      attribution: 'verified',
    }),
    keptSession(2, [commandView(1, { text: 'make install', exitStatus: 0 })], {
      ...started('08:05:00'),
      run: '4711',
      attribution: 'verified',
    }),
    keptSession(
      3,
      [
        commandView(1, { text: 'make' }),
        commandView(2, { text: 'curl b' }),
        commandView(3, { text: HOSTILE, decision: 'deny', rule: 'x', exitStatus: null }),
        commandView(4, { text: 'make install', exitStatus: 2 }),
      ],
      { ...started('09:00:00'), run: '4712', attribution: 'verified' },
    ),
    keptSession(4, [commandView(1)], { run: HOSTILE, task: HOSTILE, target: HOSTILE }),
    keptSession(5, [commandView(1)], { run: 'own', principal: { name: 'uma', kind: 'human' } }),
  );
}

describe('the pages of runs', () => {
  const stage = webStage('all', setRuns);
  let world: HttpWorld;
  beforeEach(() => {
    ({ world } = stage);
  });

  it('goes from the list to a run to a comparison to a command', async () => {
    const { page, viewer } = stage;
    await viewer.signIn();
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.getByRole('link', { name: '4711' }).click();
    const others = page.getByLabel('Compare with');
    assert.match(await others.innerText(), /⟨U\+202E⟩/);
    await others.selectOption('4712');
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('heading', { name: '3 differences' }).waitFor();
    const kinds = await page.locator('#differences ~ .panel .badge').allInnerTexts();
    assert.deepEqual(
      kinds.filter((word) => ['new', 'changed', 'other exit status'].includes(word)),
      ['new', 'changed', 'other exit status'],
    );
    await page.getByRole('link', { name: 'curl b' }).first().click();
    await page.waitForURL(/\/sessions\/.*#cmd-2$/);
  });

  it('shows everybody their own runs alone', async () => {
    const own = await (await world.fetch('/runs', people.uma)).text();
    assert.match(own, /run=own/);
    assert.doesNotMatch(own, /4711/);
    for (const path of ['/run?principal=deploy-bot&run=4711', COMPARE]) {
      assert.equal((await world.fetch(path, people.uma)).status, 404, path);
      assert.equal((await world.fetch(path)).status, 401, path);
    }
  });

  it('writes into the journal who compares what others ran, or shows nothing', async () => {
    const before = world.audit.ofType('recording.viewed').length;
    assert.equal((await world.fetch(COMPARE, people.audrey)).status, 200);
    assert.equal(world.audit.ofType('recording.viewed').length, before + 2);
    world.audit.failing = true;
    const answer = await world.fetch(COMPARE, people.audrey);
    world.audit.failing = false;
    assert.notEqual(answer.status, 200);
    assert.doesNotMatch(await answer.text(), /make install/);
  });

  it('names what is missing in an address', async () => {
    const answer = await world.fetch('/compare?principal=deploy-bot&run=4711', people.audrey);
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /&quot;with&quot; is missing|"with" is missing/);
  });
});
