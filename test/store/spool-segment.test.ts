import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  findSegments,
  preallocate,
  recordHeader,
  scanSegment,
  segmentHeader,
  segmentNumber,
  uuidBytes,
  uuidText,
} from '../../server/store/spool-segment.ts';

const SESSION = '01939b8e-7c00-7abc-8def-0123456789ab';

function record(segment: number, eventNumber: number, text: string): Buffer {
  const line = Buffer.from(text);
  return Buffer.concat([recordHeader(segment, uuidBytes(SESSION), eventNumber, line), line]);
}

function segment(number: number, records: readonly Buffer[], sizeBytes = 4096): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  Buffer.concat([segmentHeader(number), ...records]).copy(bytes);
  return bytes;
}

function scan(bytes: Buffer): { events: number[]; lines: string[]; end: string } {
  const events: number[] = [];
  const lines: string[] = [];
  const records = scanSegment(bytes);
  for (let next = records.next(); ; next = records.next()) {
    if (next.done === true) return { events, lines, end: next.value };
    assert.equal(next.value.sessionId, SESSION);
    events.push(next.value.eventNumber);
    lines.push(next.value.line.toString());
  }
}

const ONE = record(7, 1, 'one\n');
const TWO = record(7, 2, 'two\n');
const THREE = record(7, 3, 'three\n');

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

const ENDS: readonly (readonly [string, Buffer, readonly number[], string])[] = [
  ['an unused file', Buffer.alloc(4096), [], 'unwritten'],
  ['an empty file', Buffer.alloc(0), [], 'unwritten'],
  ['a damaged header', flipped(segment(7, [ONE]), 9), [], 'unwritten'],
  ['a header alone', segment(7, []), [], 'unwritten'],
  ['whole records and zeros', segment(7, [ONE, TWO, THREE]), [1, 2, 3], 'unwritten'],
  ['records up to the last byte', segment(7, [ONE, TWO], 16 + 36 + 36), [1, 2], 'full'],
  ['a record cut in its line', segment(7, [ONE, TWO.subarray(0, 34)]), [1], 'torn'],
  ['a record cut in its header', segment(7, [ONE, TWO.subarray(0, 20)]), [1], 'torn'],
  ['a header without its line', segment(7, [ONE, TWO.subarray(0, 32)], 16 + 36 + 32), [1], 'torn'],
  ['a bit flipped in a length', segment(7, [ONE, flipped(TWO, 0), THREE]), [1], 'torn'],
  ['a bit flipped in a CRC', segment(7, [ONE, flipped(TWO, 4), THREE]), [1], 'torn'],
  ['a bit flipped in a session id', segment(7, [ONE, flipped(TWO, 9), THREE]), [1], 'torn'],
  ['a bit flipped in an event number', segment(7, [ONE, flipped(TWO, 24), THREE]), [1], 'torn'],
  ['a bit flipped in a line', segment(7, [ONE, flipped(TWO, 33), THREE]), [1], 'torn'],
  ['records of an earlier use', segment(8, [record(8, 1, 'new!'), TWO]), [1], 'torn'],
];

describe('spool segment', () => {
  for (const [name, bytes, events, end] of ENDS) {
    it(`reads ${name} up to the first record that is not whole`, () => {
      const found = scan(bytes);
      assert.deepEqual(found.events, events);
      assert.equal(found.end, end);
    });
  }

  it('gives the lines as they were written', () => {
    assert.deepEqual(scan(segment(7, [ONE, TWO, THREE])).lines, ['one\n', 'two\n', 'three\n']);
  });

  it('keeps ids and numbers', () => {
    assert.equal(uuidText(uuidBytes(SESSION)), SESSION);
    assert.equal(segmentNumber(segmentHeader(4_000_000_000)), 4_000_000_000);
  });

  it('finds what was used in order of use, and removes what never was', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'segments-'));
    try {
      await preallocate(directory, 1, 100_000);
      await writeFile(join(directory, 'segment-0000000003.spool'), segment(2, [ONE]));
      await writeFile(join(directory, 'segment-0000000002.spool'), segment(11, [ONE]));
      await writeFile(join(directory, 'segment-0000000009.spool.tmp'), 'half');
      await writeFile(join(directory, 'notes'), 'not ours');
      const found = await findSegments(directory);
      assert.deepEqual(
        found.map((one) => one.number),
        [2, 11],
      );
      assert.deepEqual((await readdir(directory)).sort(), [
        'notes',
        'segment-0000000002.spool',
        'segment-0000000003.spool',
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
