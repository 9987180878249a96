import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { OutputDecoder, outputEvents, type TextPiece } from '../../server/asciicast/utf8.ts';

function decode(chunks: readonly Buffer[]): TextPiece[] {
  const stage = new OutputDecoder();
  return chunks.flatMap((chunk) => stage.push(chunk));
}

function textOf(piece: TextPiece): string {
  return piece.exact ? piece.bytes.toString('utf8') : piece.text;
}

describe('OutputDecoder', () => {
  const texts = ['plain', 'größe', '漢字と仮名', '👩‍👩‍👧 family', '\ufeffmark', '\u0000\u001b[31m'];
  for (const text of texts) {
    it(`keeps ${JSON.stringify(text)} whole however it is split`, () => {
      const bytes = Buffer.from(text);
      for (let size = 1; size <= bytes.length; size += 1) {
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        const pieces = decode(chunks);
        assert.equal(pieces.map(textOf).join(''), text);
        assert.deepEqual(Buffer.concat(pieces.map((piece) => piece.bytes)), bytes);
      }
    });
  }

  const broken: [string, number[], string][] = [
    ['a lone continuation byte', [0x41, 0x80, 0x42], 'A\ufffdB'],
    ['an overlong form', [0xc0, 0xaf], '\ufffd\ufffd'],
    ['a surrogate', [0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd'],
    ['Latin-1', [0x67, 0x72, 0xf6, 0xdf, 0x20], 'gr\ufffd\ufffd '],
    ['a character that never ends', [0x41, 0xe6, 0xbc, 0x42], 'A\ufffdB'],
    ['a byte above the range', [0xff], '\ufffd'],
  ];
  for (const [name, bytes, text] of broken) {
    it(`marks ${name} as lossy and keeps its bytes`, () => {
      const pieces = decode([Buffer.from(bytes)]);
      assert.equal(pieces.map(textOf).join(''), text);
      assert.ok(pieces.some((piece) => !piece.exact));
      assert.deepEqual(Buffer.concat(pieces.map((piece) => piece.bytes)), Buffer.from(bytes));
    });
  }

  it('gives every byte back at once and in order, and says truly what is exact', () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 12 }), (chunks) => {
        const stage = new OutputDecoder();
        const pieces: TextPiece[] = [];
        for (const bytes of chunks) {
          const now = stage.push(Buffer.from(bytes));
          assert.deepEqual(Buffer.concat(now.map((piece) => piece.bytes)), Buffer.from(bytes));
          pieces.push(...now);
        }
        for (const piece of pieces) {
          assert.equal(Buffer.from(textOf(piece)).equals(piece.bytes), piece.exact);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('records the first half of a character at once, and its text with the second', () => {
    const stage = new OutputDecoder();
    const first = Buffer.from([0x61, 0xe6, 0xbc]);
    assert.deepEqual(outputEvents(0, stage.push(first)), [
      { atUs: 0, code: 'utf8', bytes: Buffer.from('a') },
      { atUs: 0, code: 'b', base64: Buffer.from([0xe6, 0xbc]).toString('base64') },
      { atUs: 0, code: 'o', text: '' },
    ]);
    assert.deepEqual(outputEvents(1, stage.push(Buffer.from([0xa2, 0x62]))), [
      { atUs: 1, code: 'b', base64: Buffer.from([0xa2]).toString('base64') },
      { atUs: 1, code: 'o', text: '漢' },
      { atUs: 1, code: 'utf8', bytes: Buffer.from('b') },
    ]);
  });

  it('does not keep the chunk alive whose tail it holds', () => {
    const stage = new OutputDecoder();
    const chunk = Buffer.from([0x61, 0xe6]);
    stage.push(chunk);
    chunk.fill(0);
    assert.equal(
      stage
        .push(Buffer.from([0xbc, 0xa2]))
        .map(textOf)
        .join(''),
      '漢',
    );
  });
});

describe('outputEvents', () => {
  it('puts the exact bytes before output that is lossy', () => {
    const bytes = Buffer.from([0x41, 0xff]);
    assert.deepEqual(outputEvents(7, new OutputDecoder().push(bytes)), [
      { atUs: 7, code: 'b', base64: bytes.toString('base64') },
      { atUs: 7, code: 'o', text: 'A\ufffd' },
    ]);
  });

  it('gives one event for exact output', () => {
    const pieces = new OutputDecoder().push(Buffer.from('ok'));
    assert.deepEqual(outputEvents(0, pieces), [
      { atUs: 0, code: 'utf8', bytes: Buffer.from('ok') },
    ]);
  });
});
