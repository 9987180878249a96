import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn as spawnTerminal } from '@lydell/node-pty';
import * as fc from 'fast-check';
import {
  PIECE_CHARS,
  encodeCast2,
  encodeCast3,
  encodeJson,
  encodeText,
  parseCast3,
} from '../../server/asciicast/codec.ts';
import type { CastHeader, RecordedEvent } from '../../server/asciicast/event.ts';
import { SallyportError } from '../../server/errors.ts';

const header: CastHeader = {
  cols: 80,
  rows: 24,
  term: 'xterm-256color',
  timestampS: 1_700_000_000,
  title: 'deploy on web1',
  command: null,
};

const session: RecordedEvent[] = [
  { atUs: 0, code: 'o', text: '$ ' },
  { atUs: 100_001, code: 'm', label: 'echo "größe" \\' },
  { atUs: 100_002, code: 'o', text: 'echo größe\r\n\u001b[31mgröße\u001b[0m\r\n' },
  { atUs: 150_000, code: 'b', base64: '/w==' },
  { atUs: 150_000, code: 'o', text: '\ufffd' },
  { atUs: 200_000, code: 'r', cols: 132, rows: 43 },
  { atUs: 3_333_333, code: 'o', text: '\u0000\u2028\u001b]0;title\u0007done\r\n' },
  { atUs: 3_333_334, code: 'x', status: '126' },
];

async function* eventsOf(events: Iterable<RecordedEvent>): AsyncIterable<RecordedEvent> {
  yield* events;
}

/** `asciinema cat` of version 2.2 wants a terminal, which it sets to raw. */
function onTerminal(
  program: string,
  args: string[],
): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve) => {
    const terminal = spawnTerminal(program, args, { cols: 80, rows: 24 });
    let output = '';
    terminal.onData((data) => (output += data));
    terminal.onExit(({ exitCode }) => resolve({ exitCode, output }));
  });
}

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

describe('asciicast v3', () => {
  it('gives the events back, except for exact bytes', async () => {
    const parsed = parseCast3(await textOf(encodeCast3(header, eventsOf(session))));
    assert.deepEqual(parsed.header, header);
    assert.deepEqual(
      parsed.events,
      session.filter((event) => event.code !== 'b'),
    );
  });

  it('has intervals that add up to the microsecond', async () => {
    const gap = fc.oneof(fc.nat({ max: 1_000_000 }), fc.nat({ max: 90_000_000_000 }));
    await fc.assert(
      fc.asyncProperty(fc.array(gap, { maxLength: 50 }), async (gaps) => {
        let atUs = 0;
        const events = gaps.map((us): RecordedEvent => {
          atUs += us;
          return { atUs, code: 'o', text: 'x' };
        });
        const parsed = parseCast3(await textOf(encodeCast3(header, eventsOf(events))));
        assert.deepEqual(parsed.events, events);
      }),
    );
  });

  it('has one line per event, whatever the text holds', async () => {
    const file = await textOf(encodeCast3(header, eventsOf(session)));
    assert.equal(file.split('\n').length, 1 + 7 + 1);
    assert.match(file, /^\{"version":3,"term":\{"cols":80,"rows":24,"type":"xterm-256color"\}/);
    assert.match(file, /\[0\.100001, "m", /);
  });

  it('writes a time that goes backwards as no time at all', async () => {
    const events: RecordedEvent[] = [
      { atUs: 500, code: 'o', text: 'a' },
      { atUs: 400, code: 'o', text: 'b' },
      { atUs: 600, code: 'o', text: 'c' },
    ];
    const parsed = parseCast3(await textOf(encodeCast3(header, eventsOf(events))));
    assert.deepEqual(
      parsed.events.map((event) => event.atUs),
      [500, 500, 600],
    );
  });

  it('writes signals as the number that a shell would show', async () => {
    for (const [status, number] of [
      ['0', '0'],
      ['KILL', '137'],
      ['SIGTERM', '143'],
      ['NONE@example.org', '255'],
    ] as const) {
      const file = await textOf(encodeCast3(header, eventsOf([{ atUs: 1, code: 'x', status }])));
      assert.deepEqual(parseCast3(file).events, [{ atUs: 1, code: 'x', status: number }]);
    }
  });

  const malformed: [string, string, RegExp][] = [
    ['nothing', '', /line 1 .*header/],
    ['version 2', '{"version":2,"width":80,"height":24}\n', /line 1 .*version/],
    ['no size', '{"version":3,"term":{}}\n', /line 1 .*size/],
    ['a cut line', '{"version":3,"term":{"cols":1,"rows":1}}\n[0.1, "o", "x\n', /line 2 .*JSON/],
    ['a negative time', '{"version":3,"term":{"cols":1,"rows":1}}\n[-1, "o", "x"]', /line 2/],
    ['a bad size', '{"version":3,"term":{"cols":1,"rows":1}}\n[0, "r", "80"]', /COLSxROWS/],
  ];
  for (const [name, file, message] of malformed) {
    it(`refuses ${name} and names the line`, () => {
      assert.throws(
        () => parseCast3(file),
        (thrown) =>
          thrown instanceof SallyportError &&
          thrown.code === 'usage.invalid' &&
          message.test(thrown.message),
      );
    });
  }
});

describe('streaming', () => {
  it('hands a long recording out in pieces of bounded length', async () => {
    function* flood(): Generator<RecordedEvent> {
      for (let n = 0; n < 3000; n += 1) yield { atUs: n, code: 'o', text: 'y'.repeat(1000) };
    }
    for (const encode of [encodeCast3, encodeCast2, encodeText, encodeJson]) {
      let total = 0;
      for await (const piece of encode(header, eventsOf(flood()))) {
        total += piece.length;
        assert.ok(piece.length <= 2 * PIECE_CHARS + 8000, `${encode.name}: ${piece.length}`);
      }
      assert.ok(total >= 3_000_000, encode.name);
    }
  });
});

describe('JSON document', () => {
  it('holds everything that was recorded', async () => {
    assert.deepEqual(JSON.parse(await textOf(encodeJson(header, eventsOf(session)))), {
      format: 'sallyport-recording',
      version: 1,
      header,
      seal: null,
      events: session,
    });
  });

  it('takes what proves the events', async () => {
    const document = JSON.parse(
      await textOf(encodeJson(header, eventsOf([]), '{"chunks":[]}')),
    ) as {
      seal: unknown;
    };
    assert.deepEqual(document.seal, { chunks: [] });
  });

  it('is well-formed without events', async () => {
    const document = JSON.parse(await textOf(encodeJson(header, eventsOf([])))) as {
      events: unknown[];
    };
    assert.deepEqual(document.events, []);
  });
});

describe('asciicast v2, in the asciinema of the machine', () => {
  let folder = '';
  let file = '';
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-cast-'));
    file = join(folder, 'session.cast');
    writeFileSync(file, await textOf(encodeCast2(header, eventsOf(session))));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const output = session.map((event) => (event.code === 'o' ? event.text : '')).join('');

  it('has absolute seconds with six decimals', async () => {
    const lines = (await textOf(encodeCast2(header, eventsOf(session)))).split('\n');
    assert.equal(lines[0]?.includes('"width":80,"height":24'), true);
    assert.equal(lines[2], '[0.100001, "m", "echo \\"größe\\" \\\\"]');
    assert.equal(lines.at(-2), '[3.333334, "x", "126"]');
  });

  it('is printed in full by `asciinema cat`', async () => {
    const shown = await onTerminal('asciinema', ['cat', file]);
    assert.deepEqual(shown, { exitCode: 0, output });
  });

  it('is played by `asciinema play`', () => {
    const run = spawnSync('asciinema', ['play', '-i', '0.01', file], { encoding: 'utf8' });
    assert.deepEqual([run.status, run.stdout], [0, output]);
  });
});
