import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { KeySplitter, MAX_SEQUENCE_BYTES, type Key } from '../../server/terminal/keys.ts';

interface Case {
  readonly name: string;
  readonly input: string;
  readonly keys: readonly (readonly [string, string, 'paste'?])[];
}
const file = new URL('../cases/pty/keys.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

function split(chunks: Iterable<Buffer>): Key[] {
  const splitter = new KeySplitter();
  return [...chunks].flatMap((chunk) => splitter.push(chunk));
}

function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}

/** What must be the same however the input is cut: where lines are submitted and what is text. */
function lines(keys: readonly Key[]): string[] {
  let line = '';
  const all: string[] = [];
  for (const key of keys) {
    if (key.kind === 'text') line += key.text;
    if (key.submits) {
      all.push(line);
      line = '';
    }
  }
  return [...all, line];
}

describe('KeySplitter', () => {
  for (const { name, input, keys } of cases) {
    const bytes = Buffer.from(input);
    it(`reads ${name}`, () => {
      assert.deepEqual(
        split([bytes]).map((key) => [key.kind, key.bytes.toString(), key.inPaste]),
        keys.map(([kind, text, paste]) => [kind, text, paste === 'paste']),
      );
    });

    it(`reads ${name}, byte by byte`, () => {
      assert.deepEqual(lines(split(bytewise(bytes))), lines(split([bytes])));
    });
  }

  it('passes every byte at once, in order, and submits at every CR, LF and Ctrl-O', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc
        .constantFrom(
          '\r',
          '\n',
          '\u000f',
          '\u001b',
          '\u001b[',
          '\u001b[200~',
          '\u001b[201~',
          'ö',
          '👍',
        )
        .map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const splitter = new KeySplitter();
        let submitted = 0;
        let enters = 0;
        for (const part of parts) {
          const keys = splitter.push(Buffer.from(part));
          assert.deepEqual(Buffer.concat(keys.map((key) => key.bytes)), Buffer.from(part));
          for (const key of keys) {
            if (key.kind === 'enter') submitted += 1;
            if (!key.submits) assert.ok(!key.bytes.some((byte) => [10, 13, 15].includes(byte)));
          }
          enters += part.filter((byte) => [10, 13, 15].includes(byte)).length;
        }
        assert.equal(submitted, enters);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives a character that is cut in two as a part and the character', () => {
    const splitter = new KeySplitter();
    const [first, second, third] = ['漢'].flatMap((char) => bytewise(Buffer.from(char)));
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    assert.deepEqual(
      [first, second, third]
        .flatMap((byte) => splitter.push(byte))
        .map((key) => [key.kind, key.text]),
      [
        ['part', ''],
        ['part', ''],
        ['text', '漢'],
      ],
    );
  });

  it('does not call invalid UTF-8 text', () => {
    const kinds = split([Buffer.from([0x61, 0xff, 0x62]), Buffer.from([0xe6]), Buffer.from('\t')]);
    assert.deepEqual(
      kinds.map((key) => key.kind),
      ['other', 'part', 'other', 'tab'],
    );
  });

  it('gives up a sequence that never ends', () => {
    const flood = Buffer.from(`\u001b[${'1'.repeat(MAX_SEQUENCE_BYTES + 10)}`);
    assert.deepEqual(
      split([flood]).map((key) => key.kind),
      ['other', 'text'],
    );
  });
});
