/** A running session in real Chromium, beside the person who works in it. */
import assert from 'node:assert/strict';
import type { Browser } from 'playwright-core';
import { launchBrowser, openPage, picture } from '../support/browser.ts';
import { sshInteractive } from '../support/ssh.ts';
import { startBastion, type Bastion } from '../support/world.ts';
import { playerShows } from '../support/viewer.ts';

describe('e2e: a live view in a browser', () => {
  let bastion: Bastion;
  let browser: Browser;

  before(async () => {
    bastion = await startBastion();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser.close();
    await bastion[Symbol.asyncDispose]();
  });

  it('shows what somebody types, and what comes back, until they leave', async () => {
    const { page, complaints } = await openPage(browser);
    const shows = (text: string) => playerShows(page, text);
    await page.goto(await bastion.setupLink());
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL('**/sessions');
    const terminal = sshInteractive({
      config: bastion.sshConfig,
      host: 'demo',
      cols: 90,
      rows: 25,
    });
    await terminal.expect(/[$#] /);
    terminal.type('echo before-$((40+2))\r');
    await terminal.expect('before-42');

    await page.reload();
    await page.locator('a[href^="/sessions/"]').first().click();
    await page.locator('#player[data-state="ready"]').waitFor();
    await page.getByText('you watch it live').waitFor();
    await shows('before-42');
    terminal.type("printf 'live-%s\\n' $((6*7))\r");
    await shows('live-42');
    await page.locator('#cmd-2').waitFor();
    await picture(page, 'e2e-live');

    terminal.type('exit\r');
    await terminal.ended();
    await page.getByText('The session has ended.').waitFor();
    await page.locator('#status').getByText('ended').waitFor();
    await page.getByRole('link', { name: 'Show the whole recording' }).click();
    await page.locator('#player[data-state="ready"]').waitFor();
    await page.locator('#cmd-2 .text').click();
    await shows('live-42');
    assert.deepEqual(complaints, []);
  });
});
