import { deepEqual, equal } from 'node:assert/strict';

import { LineBatch, linesIn } from '../../server/cli/line-stream.ts';

async function read(chunks: readonly string[]): Promise<string[]> {
  async function* each(): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
  }
  const seen: string[] = [];
  for await (const line of linesIn(each(), async () => void seen.push('|'))) seen.push(line);
  return seen;
}

describe('lines of a stream', () => {
  it('come whole however they are cut, with a pause after each piece that arrived', async () => {
    deepEqual(await read(['a\nb', 'c\n', '\nd']), ['a', '|', 'bc', '|', '', '|', 'd']);
    deepEqual(await read([]), []);
    deepEqual(await read(['\n\n']), ['', '', '|']);
  });

  it('join characters whose bytes arrived apart', async () => {
    deepEqual(await read(['\xc3', '\xa9\n']), ['|', 'é', '|']);
  });

  it('are cut when they are longer than any question', async () => {
    const [line = ''] = await read([
      ...Array.from({ length: 5 }, () => 'x'.repeat(1_048_576)),
      '\n',
    ]).then((seen) => seen.filter((one) => one !== '|'));
    equal(line.length, 4 * 1_048_576);
  });
});

describe('a batch of lines', () => {
  it('is written at once when it is asked for, and when it is long', async () => {
    const written: string[] = [];
    const batch = new LineBatch(async (text) => void written.push(text));
    await batch.flush();
    void batch.write('a');
    void batch.write('b');
    deepEqual(written, []);
    await batch.flush();
    deepEqual(written, ['a\nb\n']);
    await batch.write('x'.repeat(100_000));
    equal(written.length, 2);
  });
});
