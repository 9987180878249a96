/** Both ends of scp are hostile: what no end may do, ends the transfer, and nothing undecided goes through. */
import { deepEqual, equal } from 'node:assert/strict';
import { MAX_LINE_BYTES } from '../../server/scp/control.ts';
import { ByteStream } from '../../server/session/byte-stream.ts';
import { ScpRelay, type RelayEnd, type ScpFiles } from '../../server/session/scp-relay.ts';

interface Run {
  readonly end: RelayEnd;
  readonly toSink: string;
  readonly toSource: string;
  /** `file a/b: CONTENT` once it has ended, with `!` in front if it isn't whole. */
  readonly entries: readonly string[];
  readonly problems: readonly string[];
}

/** Runs a transfer whose ends say all of this, whatever comes, and then nothing more. */
async function relayed(
  source: string | Buffer,
  sink: string,
  options: {
    readonly client?: 'source' | 'sink';
    readonly isRecursive?: boolean;
    readonly refuses?: RegExp;
    readonly splits?: number;
  } = {},
): Promise<Run> {
  const sent = { source: [] as Buffer[], sink: [] as Buffer[] };
  const entries: string[] = [];
  const problems: string[] = [];
  const files: ScpFiles = {
    enter: (kind, names) => {
      const path = names.join('/');
      if (options.refuses?.test(path) === true) {
        entries.push(`refused ${path}`);
        return Promise.resolve({ kind: 'refused', why: `${path}: no` });
      }
      let text = '';
      return Promise.resolve({
        kind: 'released',
        file: {
          push: (bytes) => Promise.resolve(void (text += bytes.toString('latin1'))),
          end: (isComplete) => {
            entries.push(`${isComplete ? '' : '!'}${kind} ${path}: ${text}`);
            return Promise.resolve();
          },
        },
      });
    },
    problem: (by, text) => {
      problems.push(`${by}: ${text}`);
      return Promise.resolve();
    },
  };
  const streamOf = (bytes: Buffer): ByteStream => {
    const stream = new ByteStream();
    const step = options.splits ?? bytes.length + 1;
    void (async () => {
      for (let at = 0; at < bytes.length; at += step)
        await stream.push(bytes.subarray(at, at + step));
      stream.end();
    })();
    return stream;
  };
  const relay = new ScpRelay({
    source: {
      stream: streamOf(Buffer.from(source)),
      send: (bytes) => Promise.resolve(void sent.source.push(bytes)),
    },
    sink: {
      stream: streamOf(Buffer.from(sink)),
      send: (bytes) => Promise.resolve(void sent.sink.push(bytes)),
    },
    files,
    isRecursive: options.isRecursive ?? true,
    client: options.client ?? 'source',
  });
  const end = await relay.run();
  return {
    end,
    toSink: Buffer.concat(sent.sink).toString('latin1'),
    toSource: Buffer.concat(sent.source).toString('latin1'),
    entries,
    problems,
  };
}

const GO = '\0'.repeat(64);
const TREE = 'T1 0 1 0\nD0755 0 d\nC0644 3 a\nabc\0E\nC0600 0 b\n\0';

describe('a transfer by scp', () => {
  it('carries trees, times and files as they are', async () => {
    const { end, toSink, toSource, entries } = await relayed(TREE, GO);
    deepEqual(end, { kind: 'ended' });
    equal(toSink, TREE);
    equal(toSource, '\0'.repeat(8));
    deepEqual(entries, ['directory d: ', 'file d/a: abc', 'file b: ']);
  });

  for (const splits of [1, 2, 3, 5, 7]) {
    it(`is the same in pieces of ${splits}`, async () => {
      deepEqual(await relayed(TREE, GO, { splits }), await relayed(TREE, GO));
    });
  }

  it('leaves out what is refused, and only that', async () => {
    const source = 'C0644 1 a\nC0644 1 b\nB\0D0755 0 c\nC0644 1 d\nD\0';
    const { end, toSink, toSource, entries } = await relayed(source, GO, { refuses: /^(?:a|c)$/ });
    deepEqual(end, { kind: 'ended' });
    equal(toSink, 'C0644 1 b\nB\0C0644 1 d\nD\0');
    equal(toSource, '\0\u0001a: no\n\0\0\u0001c: no\n\0\0');
    deepEqual(entries, ['refused a', 'file b: B', 'refused c', 'file d: D']);
  });

  it('tells a client that receives why a file does not come, and the target only that', async () => {
    const { toSink, toSource } = await relayed('C0644 1 a\n', GO, { refuses: /a/, client: 'sink' });
    equal(toSink, '\u0001a: no\n');
    equal(toSource, '\0\u0001Permission denied\n');
  });

  it('never carries bytes of a refused file that the client sends all the same', async () => {
    const source = 'C0644 1 a\nA\0C0644 9 secret\nsomething\n\0';
    const { end, toSink } = await relayed(source, GO, { refuses: /secret/ });
    equal(toSink, 'C0644 1 a\nA\0');
    equal(end.kind, 'broken');
  });

  it('tells problems of both ends', async () => {
    const source = '\u0001scp: gone: No such file\nC0644 2 a\nxy\u0001read failed\n';
    const sink = '\0\0\u0001disk full\n';
    const { toSink, toSource, problems, entries } = await relayed(source, sink);
    equal(toSink, source);
    equal(toSource, sink);
    deepEqual(problems, [
      'source: scp: gone: No such file',
      'source: read failed',
      'sink: disk full',
    ]);
    deepEqual(entries, ['!file a: xy']);
  });

  it('goes on behind a file that the sink does not take', async () => {
    const { toSink, entries } = await relayed('C0644 2 a\nC0644 1 b\nB\0', '\0\u0001no\n\0\0');
    equal(toSink, 'C0644 2 a\nC0644 1 b\nB\0');
    deepEqual(entries, ['!file a: ', 'file b: B']);
  });

  it('says of a file that broke off that it is not whole', async () => {
    const { end, entries } = await relayed('C0644 5 a\nab', GO);
    deepEqual(end, { kind: 'ended' });
    deepEqual(entries, ['!file a: ab']);
  });

  it('waits for each answer before the next line is read', async () => {
    const { toSink } = await relayed('C0644 1 a\nA\0C0644 1 b\nB\0', '\0\0');
    equal(toSink, 'C0644 1 a\nA\0');
  });

  const BROKEN: readonly (readonly [what: string, source: string, reaches: string])[] = [
    ['a name that leads out', 'C0644 1 ../x\nA\0', ''],
    ['an absolute name', 'C0644 1 /etc/cron.d/x\nA\0', ''],
    ['a directory that leads out', 'D0755 0 ..\n', ''],
    ['more levels left than entered', 'E\n', ''],
    ['a negative size', 'C0644 -1 a\n', ''],
    ['an unknown line', 'Z\n', ''],
    ['a line without end', `C0644 1 ${'a'.repeat(MAX_LINE_BYTES)}`, ''],
    ['a zero byte in a name', 'C0644 1 a\0b\n', ''],
    ['bytes beyond the size', 'C0644 1 a\nAB\n', 'C0644 1 a\nA'],
  ];
  for (const [what, source, reaches] of BROKEN) {
    it(`ends at ${what}`, async () => {
      const { end, toSink } = await relayed(source, GO);
      equal(toSink.startsWith(reaches), true);
      equal(toSink.includes('..') || toSink.includes('/etc') || toSink.includes('E\n'), false);
      if (what !== 'bytes beyond the size') {
        equal(end.kind, 'broken');
        equal(toSink, reaches);
      }
    });
  }

  it('ends at a directory that nobody asked for', async () => {
    const { end, toSink } = await relayed('D0755 0 d\n', GO, {
      isRecursive: false,
      client: 'sink',
    });
    equal(end.kind, 'broken');
    equal(toSink, '');
  });

  it('ends at directories without end', async () => {
    const { end } = await relayed('D0755 0 d\n'.repeat(1_000), '\0'.repeat(2_000));
    deepEqual(end, { kind: 'broken', by: 'source', why: 'directories are too deep' });
  });

  it('ends at an answer without end', async () => {
    const { end } = await relayed('', `\u0001${'x'.repeat(MAX_LINE_BYTES + 1)}`);
    deepEqual(end, { kind: 'broken', by: 'sink', why: 'a message is too long' });
  });

  it('takes what a login script prints for a problem, and goes on', async () => {
    const { end, toSource, problems } = await relayed('C0644 1 a\nA\0', 'Welcome!\n\0\0');
    deepEqual(end, { kind: 'ended' });
    equal(toSource, 'Welcome!\n\0\0');
    deepEqual(problems, ['sink: Welcome!']);
  });
});
