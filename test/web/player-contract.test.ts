import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { buildAssets } from '../../web/build.ts';
import { launchBrowser, openPage, type WatchedPage } from '../support/browser.ts';

const INDEX = {
  version: 1,
  duration: 6,
  term: { cols: 40, rows: 6 },
  segments: [
    { start: 0, url: 'segments/0' },
    { start: 3, url: 'segments/1' },
  ],
  markers: [[3, 'second']],
};
const SEGMENTS = [
  {
    snapshot: { cols: 40, rows: 6, init: '' },
    events: [
      [0, 'o', 'first screen\r\n'],
      [1, 'o', 'one second\r\n'],
    ],
  },
  {
    snapshot: { cols: 40, rows: 6, init: '\x1b[31mfrom the keyframe\x1b[0m\r\n' },
    events: [
      [3, 'm', 'second'],
      [4, 'o', 'four seconds\r\n'],
      [5, 'r', '60x10'],
      [6, 'x', '0'],
    ],
  },
];

interface PlayerWindow {
  readonly AsciinemaPlayer: {
    create(
      source: object,
      element: HTMLElement,
      options: object,
    ): {
      seek(seconds: number): Promise<unknown>;
      getCurrentTime(): number;
      getDuration(): number;
      addEventListener(name: string, handler: () => void): void;
    };
  };
}

/**
 * The segmented form is in the player's package but in none of its documents. This holds the player to
 * what the server sends, in the very version that is pinned.
 */
describe('asciinema-player, segmented', function () {
  let server: Server;
  let browser: Browser;
  let watched: WatchedPage;
  let page: Page;

  before(async () => {
    const { files, paths } = await buildAssets();
    const html = `<!doctype html><link rel="stylesheet" href="${paths.playerStyle}"><script src="${paths.playerScript}"></script><link rel="icon" href="${paths.icon}"><div id="host"></div>`;
    server = createServer((request, response) => {
      const url = request.url ?? '';
      response.setHeader(
        'Content-Security-Policy',
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self'",
      );
      const asset = files.get(url.slice('/assets/'.length));
      const segment = /^\/replay\/segments\/(\d)$/.exec(url)?.[1];
      if (url === '/') response.setHeader('Content-Type', 'text/html').end(html);
      else if (asset !== undefined) response.setHeader('Content-Type', asset.type).end(asset.body);
      else if (url === '/replay/index') response.end(JSON.stringify(INDEX));
      else if (segment !== undefined) response.end(JSON.stringify(SEGMENTS[Number(segment)]));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    browser = await launchBrowser();
  });
  after(async () => {
    await browser.close();
    server.close();
  });
  beforeEach(async () => {
    watched = await openPage(browser);
    page = watched.page;
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterEach(() => watched.close());

  /** Seeks in the page; gives what is on the screen then. */
  function shownAt(seconds: number): Promise<{ text: string; at: number; duration: number }> {
    return page.evaluate(async (seconds) => {
      const { AsciinemaPlayer } = window as unknown as PlayerWindow;
      const host = document.getElementById('host');
      if (host === null) throw new Error('no host');
      host.replaceChildren();
      const source = { driver: 'recording', format: 'segmented', url: '/replay/index' };
      const player = AsciinemaPlayer.create(source, host, { preload: true });
      await player.seek(seconds);
      // The screen is painted with the next frame.
      await new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(resolve));
      });
      const text = Array.from(host.querySelectorAll('.ap-line'), (line) => line.textContent).join(
        '\n',
      );
      return { text, at: player.getCurrentTime(), duration: player.getDuration() };
    }, seconds);
  }

  it('plays the first segment from its events', async () => {
    const shown = await shownAt(2);
    assert.match(shown.text, /first screen\s+one second/);
    assert.equal(shown.at, 2);
    assert.equal(shown.duration, 6);
  });

  it('starts a later segment from its keyframe alone', async () => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const shown = await shownAt(4.5);
    assert.match(shown.text, /from the keyframe\s+four seconds/);
    assert.doesNotMatch(shown.text, /first screen/);
    assert.ok(asked.includes('/replay/segments/1'));
  });

  it('reaches the end with its exit event', async () => {
    assert.match((await shownAt(6)).text, /four seconds/);
  });

  it('runs under our content security policy', async () => {
    await shownAt(1);
    assert.deepEqual(watched.complaints, []);
  });

  for (const option of ['idleTimeLimit', 'markers']) {
    it(`still refuses the option ${option}, which we therefore don't use`, async () => {
      const failed = await page.evaluate(async (option) => {
        const { AsciinemaPlayer } = window as unknown as PlayerWindow;
        const host = document.getElementById('host');
        if (host === null) throw new Error('no host');
        const source = { driver: 'recording', format: 'segmented', url: '/replay/index' };
        const player = AsciinemaPlayer.create(source, host, { preload: true, [option]: [] });
        return player.seek(1).then(
          () => false,
          () => true,
        );
      }, option);
      assert.equal(failed, true);
    });
  }

  it('gives an error, not silence, for an index that breaks the rules', async () => {
    await page.route('**/replay/index', (route) =>
      route.fulfill({ json: { ...INDEX, segments: [{ start: 1, url: 'segments/0' }] } }),
    );
    await assert.rejects(shownAt(1), /first segment must start at 0/);
  });
});
