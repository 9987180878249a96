/** Whole tasks by the keyboard alone, from their start to their end; `looks.test.ts` walks through all pages. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { axeFindings } from '../support/axe.ts';
import { launchBrowser } from '../support/browser.ts';
import { EveryPage } from '../support/every-page.ts';
import { RUNNING } from '../support/everything-scene.ts';
import { people, sessionId } from '../support/http-world.ts';
import { foreignControls, walk } from '../support/tab-walk.ts';
import { Viewer } from '../support/viewer.ts';
import { REPLAYED } from '../support/web-scene.ts';

/** How often Tab is pressed on the way to one control. */
const MAX_TABS = 150;
const CHANGED =
  'policies: {default: {rules: [{name: no-net, action: deny, match: {command: curl}}]}}';

describe('by the keyboard alone', () => {
  let browser: Browser;
  let scene: EveryPage;
  let page: Page;
  before(async () => {
    browser = await launchBrowser();
    const permissions = ['clipboard-read', 'clipboard-write'];
    scene = await EveryPage.start(browser, { permissions });
    page = scene.page;
  });
  after(async () => {
    await scene.close();
    await browser.close();
  });

  const press = (key: string): Promise<void> => page.keyboard.press(key);
  const type = (text: string): Promise<void> => page.keyboard.type(text);
  const button = (name: string | RegExp): Locator => page.getByRole('button', { name });
  const link = (name: string | RegExp): Locator => page.getByRole('link', { name });
  const isFocused = (wanted: Locator): Promise<boolean> =>
    wanted.evaluate((one) => one === document.activeElement);

  /** Opens it as this person. */
  async function go(who: keyof typeof people, path: string): Promise<void> {
    await scene.open({ name: 'task', route: null, who, path });
  }

  /** By Tab, or by Shift and Tab, from where the focus is. */
  async function tabTo(wanted: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    for (let presses = 0; presses < MAX_TABS; presses += 1) {
      await press(key);
      if (await isFocused(wanted)) return;
    }
    assert.fail(`${key} never comes to ${String(wanted)}`);
  }

  it('would find what nobody could reach, see or leave', async () => {
    const found = async (body: string, act = (): void => {}): Promise<readonly string[]> => {
      await page.goto('about:blank');
      await page.setContent(`<a href="#1">one</a>${body}<a href="#2">two</a>`);
      await page.evaluate(act);
      return [...(await walk(page)), ...(await foreignControls(page))];
    };
    assert.deepEqual(await found('<button>b</button>'), []);
    assert.match(String(await found('<a href="#3" tabindex="-1">x</a>')), /never comes to <a/);
    assert.match(String(await found('<button tabindex="3">x</button>')), /<button tabindex/);
    assert.match(String(await found('<div role="button">x</div>')), /a role without/);
    const invisible = '<style>button { outline: none }</style><button>x</button>';
    assert.match(String(await found(invisible)), /nothing shows the focus of <button/);
    const aside = '<div style="position:fixed;left:-500px"><button>x</button></div>';
    assert.match(String(await found(aside)), /out of view on <button/);
    const trap = await found('<input id="trap">', () => {
      document.getElementById('trap')?.addEventListener('keydown', (event) => {
        event.preventDefault();
      });
    });
    assert.match(String(trap), /never comes back/);
    const clicked = await found('<p id="p">x</p>', () => {
      document.getElementById('p')?.addEventListener('click', () => {});
    });
    assert.match(String(clicked), /listens for clicks: <p/);
  });

  it('skips to the content of a page', async () => {
    await go('audrey', '/principals');
    await press('Tab');
    assert.ok(await isFocused(link('Skip to content')));
    const box = await link('Skip to content').boundingBox();
    assert.ok(box !== null && box.x >= 0 && box.y >= 0, 'it is seen');
    await press('Enter');
    assert.match(page.url(), /#main$/);
    assert.ok(await isFocused(page.locator('main')));
    await press('Tab');
    assert.ok(await isFocused(link('Export JSON')));
  });

  it('signs in, opens a session of the list, and signs out', async () => {
    await scene.be(null);
    await page.goto(`${scene.world.url}/setup/${scene.world.signIns.setup(people.audrey)}`);
    await tabTo(button('Sign in'));
    await press('Enter');
    await page.waitForURL('**/sessions');
    await tabTo(link(/Session of deploy-bot on web-01, 2026-01-01 10:00/));
    await press('Enter');
    await page.waitForURL(`**/sessions/${REPLAYED}`);
    await tabTo(button('Sign out'));
    await press('Space');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('seeks to commands, opens an output, copies it, and comes back to where it was', async () => {
    const viewer = new Viewer(scene.world, page);
    await go('audrey', `/sessions/${REPLAYED}`);
    await page.locator('#player[data-state="ready"]').waitFor();
    await tabTo(page.locator('#cmd-4 .command'));
    await press('Enter');
    await viewer.shows('output of 4');
    await press('j');
    await viewer.shows('output of 5');
    const opener = page.locator('#cmd-5 .output-link');
    await tabTo(opener);
    await press('Enter');
    const text = page.locator('#output-text');
    await text.getByText('output of 5').waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'output-text');
    await tabTo(button('Copy'), 'Shift+Tab');
    await press('Enter');
    await page.getByText('Copied.').waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /output of 5/);
    await tabTo(page.locator('#output-close'));
    await press('Space');
    assert.ok(await isFocused(opener));
    await press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'output-text');
    await press('Escape');
    assert.equal(await page.locator('#output-panel').isVisible(), false);
    assert.ok(await isFocused(opener));
    assert.deepEqual(scene.watched.complaints, []);
  });

  it('plays and seeks within the player, which keeps neither the focus nor j and k', async () => {
    const viewer = new Viewer(scene.world, page);
    await go('audrey', `/sessions/${REPLAYED}`);
    await page.locator('#player[data-state="ready"]').waitFor();
    const play = page.locator('#player .ap-playback-button');
    await tabTo(page.locator('#player .ap-term-text'));
    await tabTo(play);
    await press('Space');
    await page.locator('#player').getByRole('button', { name: 'Pause' }).waitFor();
    await press('Enter');
    await page.locator('#player').getByRole('button', { name: 'Play' }).waitFor();
    const before = await viewer.clock();
    await press('ArrowRight');
    await page.waitForFunction(
      (seconds) =>
        Number(document.querySelector('#player .ap-time-elapsed')?.textContent.split(':')[1]) >
        seconds + 2,
      before,
    );
    await press('j');
    await press('j');
    await press('k');
    await page.locator('#cmd-2[aria-current]').waitFor();
    assert.equal(await page.locator('#player .ap-overlay-keystrokes').count(), 0);
    await press('?');
    await page.locator('#player .ap-overlay-help').waitFor();
    await press('Escape');
    await page.locator('#player .ap-overlay-help').waitFor({ state: 'detached' });
    assert.ok(await isFocused(play));
    await tabTo(page.getByLabel('Speed'));
    await type('4');
    await page.locator('#player[data-state="ready"]').waitFor();
    assert.ok(await isFocused(page.getByLabel('Speed')));
  });

  it('marks a session as reviewed and writes a note', async () => {
    await go('audrey', `/sessions/${sessionId(1)}`);
    await tabTo(button('Mark as reviewed'));
    await press('Enter');
    await button('Withdraw the mark').waitFor();
    await tabTo(page.getByLabel('New note'));
    await type('looks right');
    await press('Tab');
    await type('1');
    await tabTo(button('Add the note'));
    await press('Enter');
    await page.waitForURL('**#note-1');
    assert.match(await page.locator('#note-1').innerText(), /command 1\s+looks right/);
  });

  it('approves a held command for an hour', async () => {
    await go('piet', '/approvals');
    await page.locator('#keys:not([hidden])').waitFor();
    await tabTo(page.getByLabel('Reason for the decision on k3v9'));
    await type('after hours');
    await press('Tab');
    await type('for 1 h');
    await press('Tab');
    await press('Enter');
    await page.getByText('Approved: it goes on.').waitFor();
    const decided = scene.world.approvals.views.find(({ id }) => id === 'k3v9');
    assert.equal(decided?.decisionReason, 'after hours');
    assert.equal(decided.scope, 'time');
  });

  it('stays where it is when somebody else changes a request', async () => {
    const { approvals } = scene.world;
    await go('piet', '/approvals');
    await page.locator('#keys:not([hidden])').waitFor();
    const reason = page.getByLabel('Reason for the decision on m2p4');
    const scope = page.getByLabel('For how much an approval of m2p4 counts');
    const deny = page.locator('#approval-m2p4').getByRole('button', { name: 'Deny' });
    await tabTo(reason);
    await type('not now');
    await tabTo(scope);
    await type('for 8');
    await tabTo(deny);
    const index = approvals.views.findIndex(({ id }) => id === 'm2p4');
    const found = approvals.views[index];
    assert.ok(found);
    const votes = [
      { by: 'alice', decision: 'approved', reason: null, at: found.requestedAt },
    ] as const;
    approvals.views[index] = { ...found, votes };
    approvals.change('m2p4', 'approval.decided');
    await page.locator('#approval-m2p4').getByText('approved by alice').waitFor();
    assert.ok(await isFocused(deny));
    assert.equal(await reason.inputValue(), 'not now');
    assert.equal(await scope.inputValue(), '8h');
  });

  it('changes a filter, keeps it under a name, and forgets it', async () => {
    await go('audrey', '/sessions');
    await tabTo(page.getByLabel('Kind'));
    await type('exec');
    await press('Enter');
    await tabTo(page.getByRole('button', { name: 'Filter', exact: true }));
    await press('Enter');
    await page.waitForURL(/kind=exec/);
    await tabTo(page.getByLabel('Name for these filters'));
    await type('without a terminal');
    await press('Enter');
    await link('without a terminal').waitFor();
    await tabTo(button('Delete the saved filters without a terminal'));
    await press('Enter');
    await link('without a terminal').waitFor({ state: 'detached' });
  });

  it('tries a changed policy', async () => {
    await go('audrey', '/rules');
    await tabTo(link('Try a change'));
    await press('Enter');
    await page.waitForURL(/policy=default/);
    await tabTo(page.getByLabel('Changed policy (YAML)'));
    await press('Control+a');
    await type(CHANGED);
    await tabTo(button('Try'));
    await press('Enter');
    await page.getByText('would change').waitFor();
    await page.getByText('no-net').first().waitFor();
  });

  it('exports the journal', async () => {
    await go('audrey', '/journal');
    await tabTo(link('Export JSON lines'));
    const [download] = await Promise.all([page.waitForEvent('download'), press('Enter')]);
    const [line = ''] = (await readFile(await download.path(), 'utf8')).split('\n');
    assert.equal((JSON.parse(line) as { readonly seq: number }).seq > 0, true);
  });

  it('asks for access, and ends a running session with a reason', async () => {
    await go('uma', '/access');
    await tabTo(page.getByLabel('How long'));
    await type('30m');
    await press('Tab');
    await type('the disk is full');
    await press('Enter');
    await page.getByText(/Request ask\d+ waits for a decision/).waitFor();
    await go('alice', `/sessions/${RUNNING}`);
    await tabTo(page.locator('summary', { hasText: 'End session' }));
    await press('Enter');
    await tabTo(page.getByLabel('Reason').last());
    await type('wrong host');
    await tabTo(button('End it'));
    await press('Space');
    await page.getByText('has been told to end').waitFor();
    assert.deepEqual(scene.world.terminated, [`${RUNNING} by alice`]);
  });

  it('opens and leaves the palette and the list of keys, back to where it was', async () => {
    await go('audrey', '/runs');
    const place = link('Runs');
    const inDialog = (): Promise<boolean> =>
      page.evaluate(() => document.activeElement?.closest('dialog') !== null);
    await tabTo(place);
    await press('Control+k');
    assert.ok(await isFocused(page.getByRole('combobox')));
    assert.deepEqual(await axeFindings(page), []);
    for (let presses = 0; presses < 3; presses += 1) {
      await press('Tab');
      const isBehind = await page.evaluate(
        () => document.activeElement?.matches('body, dialog, dialog *') === false,
      );
      assert.equal(isBehind, false, 'the page behind it');
    }
    await press('Escape');
    assert.equal(await page.locator('#palette').isVisible(), false);
    assert.ok(await isFocused(place));
    await press('?');
    assert.ok(await inDialog());
    assert.deepEqual(await axeFindings(page), []);
    await press('Escape');
    assert.ok(await isFocused(place));
    await press('?');
    await tabTo(button('Close'));
    await press('Space');
    assert.ok(await isFocused(place));
    const opener = page.locator('#open-palette');
    await tabTo(opener);
    await press('Enter');
    assert.ok(await inDialog());
    await press('Control+k');
    assert.ok(await isFocused(opener));
  });
});
