import assert from 'node:assert/strict';
import { brotliCompressSync } from 'node:zlib';
import { encodeEventLine } from '../../server/asciicast/event-line.ts';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { CHAIN_START, chunkHash } from '../../server/journal/chain.ts';
import {
  BOUNDARY_BYTES,
  CHUNK_BYTES,
  ChunkBuilder,
  CODEC_BROTLI,
  CODEC_PLAIN,
  MAX_CHUNK_BYTES,
  packLines,
  QUALITY,
  qualityFor,
  type SealedChunk,
  unpackLines,
} from '../../server/store/chunk.ts';

const SESSION = '01939b8e-7c00-7abc-8def-0123456789ab';

function build(events: readonly RecordedEvent[]): readonly SealedChunk[] {
  const builder = new ChunkBuilder(SESSION, { seq: 1, event: 1, prevHash: CHAIN_START });
  const chunks: (SealedChunk | null)[] = events.map((event, index) =>
    builder.add(index + 1, event, Buffer.from(encodeEventLine(event))),
  );
  chunks.push(builder.seal());
  return chunks.filter((one) => one !== null);
}

function output(atUs: number, length: number): RecordedEvent {
  return { atUs, code: 'o', text: 'x'.repeat(length) };
}

describe('chunk', () => {
  it('seals when it is full, and chains', () => {
    const chunks = build(Array.from({ length: 50 }, (_, n) => output(n, 4000)));
    assert.deepEqual(
      chunks.map(({ header }) => [header.seq, header.firstEvent, header.events]),
      [
        [1, 1, 17],
        [2, 18, 17],
        [3, 35, 16],
      ],
    );
    assert.deepEqual(
      chunks.map(({ header }) => [header.t0Us, header.t1Us]),
      [
        [0, 16],
        [17, 33],
        [34, 49],
      ],
    );
    let prevHash = CHAIN_START;
    for (const chunk of chunks) {
      assert.equal(chunk.prevHash, prevHash);
      assert.equal(chunk.hash, chunkHash(prevHash, chunk.header, chunk.lines));
      prevHash = chunk.hash;
    }
  });

  it('counts the bytes that the client got', () => {
    const [chunk] = build([
      { atUs: 0, code: 'o', text: 'é' },
      { atUs: 1, code: 'b', base64: '//8=' },
      { atUs: 1, code: 'o', text: '\ufffd\ufffd' },
      { atUs: 2, code: 'm', label: 'ls' },
      { atUs: 3, code: 'o', text: 'ab' },
    ]);
    assert.equal(chunk?.outputBytes, 2 + 2 + 2);
  });

  it('ends before a command once it is half full, and not before', () => {
    const marker = { atUs: 2, code: 'm', label: 'ls' } as const;
    const [first, second, ...more] = build([output(0, BOUNDARY_BYTES), marker, output(3, 10)]);
    assert.equal(first?.header.events, 1);
    assert.equal(second?.header.events, 2);
    assert.equal(second?.prevHash, first?.hash);
    assert.deepEqual(more, []);
    assert.equal(build([output(0, BOUNDARY_BYTES / 2), marker, output(3, 10)]).length, 1);
  });

  it('never takes an event out of order', () => {
    const builder = new ChunkBuilder(SESSION, { seq: 4, event: 10, prevHash: CHAIN_START });
    const line = Buffer.from('x\n');
    for (const number of [1, 9, 11]) {
      assert.throws(() => builder.add(number, output(0, 1), line), { code: 'internal' });
    }
    builder.add(10, output(0, 1), line);
    assert.throws(() => builder.add(10, output(0, 1), line), { code: 'internal' });
    assert.equal(builder.seal()?.header.seq, 4);
    assert.equal(builder.seal(), null);
  });

  it('compresses typing harder than bulk', () => {
    const [slow] = build([output(0, CHUNK_BYTES)].map((one) => ({ ...one, atUs: 0 })));
    const [bulk] = build([output(0, 10), output(1000, CHUNK_BYTES)]);
    const [typed] = build([output(0, 10)]);
    const [calm] = build([output(0, 10), output(9_000_000, CHUNK_BYTES)]);
    assert.ok(slow && bulk && typed && calm);
    assert.equal(qualityFor(bulk, false), QUALITY.bulk);
    assert.equal(qualityFor(slow, false), QUALITY.bulk);
    assert.equal(qualityFor(typed, false), QUALITY.calm);
    assert.equal(qualityFor(calm, false), QUALITY.calm);
    assert.equal(qualityFor(typed, true), QUALITY.busy);
  });

  it('gives back what was packed', async () => {
    const text = Buffer.from('drwxr-xr-x root root\n'.repeat(1000));
    const noise = Buffer.from([1, 2, 3]);
    const packed = await packLines(text, QUALITY.calm);
    assert.equal(packed.codec, CODEC_BROTLI);
    assert.ok(packed.data.length < text.length / 20);
    assert.ok((await unpackLines(packed, text.length)).equals(text));
    const plain = await packLines(noise, QUALITY.busy);
    assert.equal(plain.codec, CODEC_PLAIN);
    assert.ok((await unpackLines(plain, 3)).equals(noise));
  });

  const bomb = brotliCompressSync(Buffer.alloc(50_000_000));
  const DAMAGED: readonly (readonly [string, number, Buffer, number])[] = [
    ['more than it says', CODEC_BROTLI, bomb, 1000],
    ['more than any chunk holds', CODEC_BROTLI, bomb, 50_000_000],
    ['a size beyond the bound', CODEC_PLAIN, Buffer.alloc(3), MAX_CHUNK_BYTES + 1],
    ['less than it says', CODEC_BROTLI, brotliCompressSync('abc'), 4],
    ['plain lines of another length', CODEC_PLAIN, Buffer.from('abc'), 2],
    ['no compressed data', CODEC_BROTLI, Buffer.from('abc'), 3],
    ['no data at all', CODEC_BROTLI, Buffer.alloc(0), 3],
    ['an unknown codec', 7, Buffer.from('abc'), 3],
  ];
  for (const [name, codec, data, rawLength] of DAMAGED) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(unpackLines({ codec, data }, rawLength), { code: 'internal' });
    });
  }
});
