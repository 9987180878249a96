/** An exported page in real Chromium, opened from a file, without any server. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { MAX_PAGE_OUTPUT_BYTES } from '../../server/http/exports.ts';
import { launchBrowser, openPage, picture, type WatchedPage } from '../support/browser.ts';
import { keptSession, people, sessionId, startHttpWorld } from '../support/http-world.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { HOSTILE_SESSION, REPLAYED, setScene } from '../support/web-scene.ts';
import { playerShows } from '../support/viewer.ts';

describe('web: an exported page', () => {
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;
  let folder: string;

  before(async () => {
    browser = await launchBrowser();
    folder = await temporaryFolder();
  });
  after(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    watched = await openPage(browser);
    page = watched.page;
    await page.context().setOffline(true);
  });
  afterEach(() => watched.close());

  async function exported(id: string): Promise<string> {
    const world = await startHttpWorld();
    try {
      setScene(world);
      const answer = await world.fetch(
        `/api/v1/sessions/${id}/recording?format=html`,
        people.audrey,
      );
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get('content-disposition') ?? '', /\.html"$/);
      return await answer.text();
    } finally {
      await world.close();
    }
  }

  /** @returns what the page says of itself */
  async function open(html: string): Promise<{ proof: string | null; says: string }> {
    const file = join(folder, 'recording.html');
    await writeFile(file, html);
    await page.goto(pathToFileURL(file).href);
    await page.locator('#player[data-state]').waitFor();
    await page.locator('#proof[data-proof]').waitFor();
    const proof = page.locator('#proof');
    return { proof: await proof.getAttribute('data-proof'), says: await proof.innerText() };
  }

  it('plays, proves itself and seeks to commands, loading nothing', async () => {
    const { proof, says } = await open(await exported(REPLAYED));
    assert.equal(proof, 'intact');
    assert.match(says, /^Intact: all \d+ chunks .* the key [0-9a-f]{64}\.$/);
    assert.equal(await page.locator('#player').getAttribute('data-state'), 'ready');
    await page.locator('#cmd-9 a').click();
    await playerShows(page, 'output of 9');
    await picture(page, 'exported');
    assert.deepEqual(watched.complaints, []);
  });

  it('shows hostile names, commands and output as text', async () => {
    const { proof, says } = await open(await exported(HOSTILE_SESSION));
    assert.equal(proof, 'intact', says);
    // Of the marker of 60,000 characters.
    assert.match(says, /Of command 2 the recording has only a part/);
    assert.equal(await page.locator('#commands [data-proof]').count(), 0);
    assert.equal(await page.locator('main img').count(), 0);
    assert.deepEqual(watched.complaints, []);
  });

  it('says what is wrong once somebody edited it', async () => {
    const html = await exported(REPLAYED);
    const edits: readonly (readonly [string | RegExp, string, RegExp])[] = [
      ['output of 9', 'output of X', /NOT what was recorded: chunk \d+/],
      [/\n\{"atUs":\d+,"code":"m"[^\n]*/, '', /NOT what was recorded/],
      [/"signature":"../, '"signature":"AA', /signature is not of this recording/],
      [/data-key="[^"]*"/, 'data-key="AAAA"', /not the one in this file/],
    ];
    for (const [what, by, expected] of edits) {
      const edited = html.replace(what, by);
      assert.notEqual(edited, html);
      assert.match((await open(edited)).says, expected);
    }
  });

  it('says which commands of the list were not recorded like that', async () => {
    const html = await exported(REPLAYED);
    const row = (seq: number): string =>
      new RegExp(`<li id="cmd-${seq}".*?</li>`, 's').exec(html)?.[0] ?? assert.fail();
    const edited = (what: string, by: string): string => {
      assert.ok(html.includes(what), what);
      return html.replace(what, () => by);
    };
    const times = (text: string, from: string, to: string): string => {
      assert.ok(text.includes(from), from);
      return text.replaceAll(from, to);
    };
    const added = row(30).replaceAll('cmd-30', 'cmd-31').replace('>30<', '>31<');
    const edits: readonly (readonly [string, RegExp, string | null])[] = [
      [
        edited('rm -rf /<', 'rm -rf /tmp/x<'),
        /^NOT what was recorded: command 4 reads otherwise in the recording\.$/,
        'cmd-4',
      ],
      [edited('>uname -sr<', '><i>uname -sr</i><'), /command 1 reads otherwise/, 'cmd-1'],
      [edited(row(5), times(row(5), '00:05.0', '00:06.0')), /command 5 reads/, 'cmd-5'],
      [edited(row(5), times(row(5), '="5000"', '="5100"')), /command 5 reads/, 'cmd-5'],
      [
        edited(row(4), ''),
        /^NOT what was recorded: the list lacks a recorded command: “rm -rf \/” at 00:04\.0\.$/,
        null,
      ],
      [edited(row(30), row(30) + added), /command 31 is not in the recording/, 'cmd-31'],
      [edited(row(9), row(9) + row(9)), /command 9 is not in the recording/, null],
      [
        edited(row(9), `${row(9)}<li>reboot</li>`),
        /command without a number in row 10 is not/,
        null,
      ],
      [edited(`data-total="30">30<`, 'data-total="30">29<'), /has 30 commands, not as many/, null],
      [edited(`id="session-id">${REPLAYED}`, 'id="session-id">x'), /it is of the session /, null],
      [html.replace(/(id="key-id">)../, '$1zz'), /not the one that signed/, null],
    ];
    for (const [file, expected, marked] of edits) {
      assert.notEqual(file, html);
      const { proof, says } = await open(file);
      assert.match(says, expected);
      assert.equal(proof, 'broken');
      const marks = page.locator('#commands [data-proof] .badge.bad', {
        hasText: /NOT what was recorded|not in the recording/,
      });
      if (marked === null) continue;
      assert.equal(await marks.count(), 1);
      assert.equal(await page.locator('#commands [data-proof]').getAttribute('id'), marked);
    }
    await open(edits[0]?.[0] ?? '');
    assert.match(await page.locator('#cmd-4').innerText(), /recorded: rm -rf \/$/m);
    await picture(page, 'exported-edited');
    assert.deepEqual(watched.complaints, []);
  });

  it('never calls a list intact that lacks something, whatever it says of itself', async () => {
    const html = await exported(REPLAYED);
    const { proof, says } = await open(
      html
        .replace(/data-complete="true" data-whole="true"/, 'data-complete="true"')
        .replace(/<li id="cmd-4".*?<\/li>/s, ''),
    );
    assert.equal(proof, 'incomplete');
    assert.match(says, /^The list and the recording have NOT the same commands: the list lacks/);
  });

  it('says beside the verdict what the file does not prove', async () => {
    await open(await exported(REPLAYED));
    const unproven = page.locator('#proof + #unproven');
    assert.match(await unproven.innerText(), /^Not proven by this file: who it was, .* decided/);
    assert.ok((await unproven.innerText()).endsWith(`sallyport verify ${REPLAYED}`));
  });

  it('is refused when it would be too large, as the other formats are not', async () => {
    const world = await startHttpWorld();
    try {
      const id = sessionId(1);
      world.recordings.add(keptSession(1, [], { bytesOut: MAX_PAGE_OUTPUT_BYTES + 1 }));
      const path = `/api/v1/sessions/${id}/recording`;
      const refused = await world.fetch(`${path}?format=html`, people.audrey);
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), /format json/);
      assert.equal((await world.fetch(`${path}?format=json`, people.audrey)).status, 200);
    } finally {
      await world.close();
    }
  });

  it('carries no more than it needs', async () => {
    const html = await exported(REPLAYED);
    assert.doesNotMatch(html, /https?:\/\/(?!localhost\/health)[^\s"'<]*\.(?:js|css|wasm)/);
    assert.ok((await readFile(join(folder, 'recording.html'))).length < 2_000_000);
  });
});
