/** Exported files in the programs that they are made for. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { CastHeader, RecordedEvent } from '../../server/asciicast/event.ts';
import { encodeRecording } from '../../server/http/exports.ts';
import { buildAssets } from '../../web/build.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { Terminal } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOUR_US = 3_600_000_000;
const header: CastHeader = {
  cols: 40,
  rows: 6,
  term: 'xterm-256color',
  timestampS: 1_770_000_000,
  title: 'alice on deploy@web1 "quoted"',
  command: null,
};

/** What recordings have that files may get wrong. */
const events: readonly RecordedEvent[] = [
  { atUs: 0, code: 'o', text: '\x1b[1;32m$\x1b[0m ' },
  { atUs: 500_000, code: 'm', label: 'printf "漢字 \\u{1f600}"' },
  { atUs: 600_001, code: 'o', text: '漢字 wide 😀 e\u0301\r\n' },
  { atUs: 700_000, code: 'b', base64: '//4=' },
  { atUs: 700_000, code: 'o', text: '\ufffd\ufffdbytes\x01\r\n' },
  { atUs: 800_000, code: 'r', cols: 60, rows: 8 },
  { atUs: 800_001, code: 'm', label: 'rm -rf /' },
  { atUs: 900_000, code: 'o', text: 'sallyport: denied by rule "wipe"\r\n' },
  // Somebody had lunch.
  { atUs: HOUR_US + 7, code: 'o', text: 'back "after" lunch\\n\r\n' },
  { atUs: HOUR_US + 8, code: 'x', status: 'SIGKILL' },
];

async function encoded(
  format: 'cast' | 'cast2' | 'txt',
  head: CastHeader = header,
  recorded: readonly RecordedEvent[] = events,
): Promise<string> {
  async function* each(): AsyncGenerator<RecordedEvent> {
    yield* recorded;
  }
  const page = (): { start: string; end: string } => ({ start: '', end: '' });
  let file = '';
  const recording = { header: head, events: each(), seal: null, page };
  for await (const piece of encodeRecording(format, recording)) file += piece;
  return file;
}

describe('exported files', () => {
  let folder: string;
  let browser: Browser;
  let server: Server;
  let html: string;

  before(async () => {
    folder = await temporaryFolder();
    browser = await launchBrowser();
    const { files, paths } = await buildAssets();
    html = `<!doctype html><link rel="stylesheet" href="${paths.playerStyle}"><link rel="icon" href="${paths.icon}"><script src="${paths.playerScript}"></script><div id="host"></div>`;
    server = createServer((request, response) => {
      const asset = files.get((request.url ?? '').slice('/assets/'.length));
      if (asset === undefined) response.setHeader('Content-Type', 'text/html').end(html);
      else response.setHeader('Content-Type', asset.type).end(asset.body);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
  });
  after(async () => {
    server.close();
    await browser.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The last screen of a file in asciinema-player, and its length in seconds. */
  async function played(data: string): Promise<{ text: string; duration: number; marks: number }> {
    const opened = await openPage(browser);
    const { page } = opened;
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const shown = await page.evaluate(async (data) => {
      const { AsciinemaPlayer } = window as unknown as {
        AsciinemaPlayer: {
          create(
            source: object,
            host: Element | null,
            options: object,
          ): { seek(at: string): Promise<unknown>; getDuration(): number };
        };
      };
      const host = document.getElementById('host');
      const player = AsciinemaPlayer.create({ data }, host, { preload: true });
      await player.seek('100%');
      await new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(resolve));
      });
      const lines = document.querySelectorAll('.ap-line');
      return {
        text: Array.from(lines, (line) => line.textContent.trimEnd()).join('\n'),
        duration: player.getDuration(),
        marks: document.querySelectorAll('.ap-marker').length,
      };
    }, data);
    await opened.close();
    return shown;
  }

  it('of asciicast v2 are played by asciinema, with pauses as short as it is told', async () => {
    const file = join(folder, 'two.cast');
    await writeFile(file, await encoded('cast2'));
    for (const how of [['cat'], ['play', '-s', '20', '-i', '0.5']]) {
      const terminal = new Terminal('asciinema', [...how, file]);
      await terminal.expect('漢字 wide 😀');
      await terminal.expect('denied by rule "wipe"');
      await terminal.expect('back "after" lunch');
      assert.equal((await terminal.ended()).status, 0);
    }
  });

  it('of both asciicast versions show the same in asciinema-player, markers and length too', async () => {
    const [two, three] = [
      await played(await encoded('cast2')),
      await played(await encoded('cast')),
    ];
    assert.equal(three.text, two.text);
    assert.equal(three.marks, two.marks);
    assert.ok(Math.abs(three.duration - two.duration) < 1e-6);
    assert.match(three.text, /漢字 wide 😀/);
    assert.match(three.text, /denied by rule "wipe"\nback "after" lunch\\n/);
    assert.ok(Math.abs(three.duration - 3600) < 0.001, String(three.duration));
    assert.equal(three.marks, 2);
  });

  it('of a session without a terminal show lines, not stairs', async () => {
    const head = { ...header, term: null, command: 'printf' };
    const output: RecordedEvent[] = [
      { atUs: 1, code: 'o', text: 'one\ntwo\r' },
      { atUs: 2, code: 'o', text: '\nthree\n' },
      { atUs: 3, code: 'x', status: '3' },
    ];
    for (const format of ['cast', 'cast2'] as const) {
      const { text } = await played(await encoded(format, head, output));
      assert.match(text, /^one\ntwo\nthree\n/);
    }
    assert.equal(await encoded('txt', head, output), 'one\ntwo\nthree\n');
  });

  it('of a session that failed at once can be opened', async () => {
    for (const format of ['cast', 'cast2'] as const) {
      const lines = (await encoded(format, header, [])).trim().split('\n');
      assert.equal(lines.length, 1);
      const failed = await encoded(format, header, [{ atUs: 5, code: 'x', status: '255' }]);
      assert.equal(typeof (await played(failed)).text, 'string');
    }
    const file = join(folder, 'failed.cast');
    await writeFile(file, await encoded('cast2', header, []));
    assert.equal((await new Terminal('asciinema', ['cat', file]).ended()).status, 0);
  });

  it('as text have what was shown, without control sequences', async () => {
    const text = await encoded('txt');
    assert.match(text.normalize('NFC'), /^\$ 漢字 wide 😀 \u00e9\n/u);
    assert.match(text, /sallyport: denied by rule "wipe"\nback "after" lunch\\n\n$/);
    // oxlint-disable-next-line no-control-regex -- none may be left
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f]/);
  });
});
