/** A session with more commands than its page comes with. */
import assert from 'node:assert/strict';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import type { CommandView } from '../../server/http/ports.ts';
import { picture } from '../support/browser.ts';
import { commandView, keptSession, sessionId, type HttpWorld } from '../support/http-world.ts';
import { findings } from '../support/page-checks.ts';
import { webStage } from '../support/web-stage.ts';

const COUNT = 523;
/** Whose output is in the recording. */
const PRINTED = new Set([1, 200, 201, 450, 470]);
const LONG = sessionId(61);
const RUNNING = sessionId(62);

function commandsOf(count: number): CommandView[] {
  return Array.from({ length: count }, (_, index) => {
    const atMs = index * 100;
    const decision = index === 469 ? 'deny' : 'allow';
    const times = { atMs, outputFromMs: atMs + 20, outputToMs: atMs + 50 };
    return commandView(index + 1, { text: `step ${index + 1}`, decision, ...times });
  });
}

function setSessions(world: HttpWorld, running: CommandView[], printing: RecordedEvent[]): void {
  const recording = { durationMs: 130_000, chunks: 3, headHash: null, complete: true };
  const commands = commandsOf(COUNT);
  const printed = commands.filter(({ seq }) => PRINTED.has(seq));
  const long = keptSession(61, printed, { recording, commandCount: COUNT });
  world.recordings.add({ ...long, commands });
  const open = { status: 'active', endedAt: null, exitStatus: null } as const;
  const kept = keptSession(62, running, {
    recording: { ...recording, complete: false },
    ...open,
  });
  printing.push(...kept.events.filter(({ code }) => code !== 'x'));
  world.recordings.add({ ...kept, commands: running, events: printing });
}

/** Within its list. */
function isInSight(row: Element): boolean {
  const list = row.parentElement?.getBoundingClientRect();
  const place = row.getBoundingClientRect();
  return list !== undefined && place.top >= list.top - 1 && place.bottom <= list.bottom + 1;
}

describe('the page of a long session', () => {
  const running = commandsOf(300);
  const printing: RecordedEvent[] = [];
  const stage = webStage('all', (world) => setSessions(world, running, printing));
  let world: HttpWorld;
  let page: Page;
  beforeEach(() => {
    ({ page, world } = stage);
  });

  async function opened(address: string, options: BrowserContextOptions = {}) {
    await stage.open(options);
    ({ page } = stage);
    const { viewer } = stage;
    await viewer.signIn();
    await page.goto(`${world.server.url}/sessions/${address}`);
    if (options.javaScriptEnabled !== false) {
      await page.locator('#player[data-state="ready"]').waitFor();
    }
    return viewer;
  }

  const numbers = () =>
    page.locator('#commands > li[id]').evaluateAll((rows) => rows.map((row) => row.id));
  const inOrder = (count: number) =>
    Array.from({ length: count }, (_, index) => `cmd-${index + 1}`);
  const all = () => page.locator(`#cmd-${COUNT}`).waitFor({ state: 'attached' });

  it('comes with the first commands, and links to the others, without scripts', async () => {
    await opened(LONG, { javaScriptEnabled: false });
    assert.deepEqual(await numbers(), inOrder(200));
    await page.getByText('1 to 200 of 523').waitFor();
    await page.getByRole('link', { name: 'Later commands' }).click();
    await page.getByText('201 to 400 of 523').waitFor();
    await page.getByRole('link', { name: 'Later commands' }).click();
    await page.getByText('401 to 523 of 523').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Later commands' }).count(), 0);
    assert.equal((await numbers()).at(-1), `cmd-${COUNT}`);
    await picture(page, 'long-session-without-scripts');
    await page.getByRole('link', { name: 'Earlier commands' }).click();
    await page.getByText('201 to 400 of 523').waitFor();
  });

  it('brings the others by itself, in order, and finds, steps and filters among all', async () => {
    const viewer = await opened(LONG);
    await all();
    assert.deepEqual(await numbers(), inOrder(COUNT));
    assert.equal(await page.locator('#other-commands').count(), 0);
    assert.equal(await page.locator('#command-count').textContent(), String(COUNT));
    await page.locator('#cmd-200 .text').click();
    await page.keyboard.press('j');
    await page.locator('#cmd-201[aria-current="true"]').waitFor();
    assert.equal(await page.locator('#commands [aria-current]').count(), 1);
    await viewer.shows('output of 201');
    await page.getByLabel('Show only commands that were').selectOption('deny');
    assert.equal(await page.locator('#command-count').textContent(), `1 of ${COUNT}`);
    await page.locator('#cmd-470 .text').click();
    await viewer.shows('output of 470');
    assert.deepEqual(await findings(page), []);
    assert.deepEqual(stage.complaints, []);
  });

  it('goes to a command by its address, wherever it is', async () => {
    const viewer = await opened(`${LONG}#cmd-450`);
    await page.locator('#cmd-450[aria-current="true"]').waitFor();
    await viewer.shows('output of 450');
    await all();
    await page.locator('#cmd-300').waitFor({ state: 'attached' });
    assert.deepEqual(await numbers(), inOrder(COUNT));
    await page.goto(`${world.server.url}/sessions/${LONG}?from=201#cmd-3`);
    await page.locator('#cmd-3[aria-current="true"]').waitFor();
    await all();
    assert.deepEqual(await numbers(), inOrder(COUNT));
    await page.goto(`${world.server.url}/sessions/${LONG}?from=450#cmd-450`);
    await page.locator('#cmd-450[aria-current="true"]').waitFor();
    await page.locator('#cmd-1').waitFor({ state: 'attached' });
    assert.deepEqual(await numbers(), inOrder(COUNT));
    assert.equal(await page.locator('#other-commands').count(), 0);
    // What came before it did not push it out of sight.
    assert.equal(await page.locator('#cmd-450').evaluate(isInSight), true);
    await page.goto(`${world.server.url}/sessions/${LONG}?from=99999#cmd-99999`);
    await page.getByText('There is no command 99999 in this session.').waitFor();
    assert.deepEqual(stage.complaints, []);
  });

  it('adds the newest commands of one that runs, where they belong', async () => {
    await opened(RUNNING);
    await page.locator('#cmd-300').waitFor({ state: 'attached' });
    running.push(...commandsOf(302).slice(300));
    world.recordings.news(RUNNING);
    await page.locator('#cmd-302').waitFor({ state: 'attached' });
    assert.deepEqual(await numbers(), inOrder(302));
    assert.deepEqual(stage.complaints, []);
  });

  it('keeps them in order when a window comes while the page is fetched anew', async () => {
    await opened(LONG);
    let fetched = (): void => {};
    const isFetched = new Promise<void>((resolve) => (fetched = resolve));
    let isListed = (): void => {};
    const listed = new Promise<void>((resolve) => (isListed = resolve));
    await page.route(/from=201$/, async (route) => {
      await isFetched;
      await route.continue();
    });
    await page.route(/from=1$/, async (route) => {
      fetched();
      await listed;
      await route.continue();
    });
    await page.goto(`${world.server.url}/sessions/${RUNNING}`);
    await page.locator('#player[data-state="ready"]').waitFor();
    running.push(...commandsOf(running.length + 1).slice(running.length));
    printing.push({ atUs: 200_000_000, code: 'm', label: 'one more' });
    world.recordings.news(RUNNING);
    await page.locator('#cmd-300').waitFor({ state: 'attached' });
    const answered = page.waitForResponse(/from=1$/);
    isListed();
    await answered;
    await page.locator(`#cmd-${running.length}`).waitFor({ state: 'attached' });
    await page.locator('#commands:not([aria-busy])').waitFor();
    assert.deepEqual(await numbers(), inOrder(running.length));
  });

  it('says what is wrong with a place that is none', async () => {
    await stage.viewer.signIn();
    const answer = await page.goto(`${world.server.url}/sessions/${LONG}?from=first`);
    assert.equal(answer?.status(), 400);
    assert.match(await page.locator('main').innerText(), /from/);
  });
});
