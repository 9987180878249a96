import assert from 'node:assert/strict';
import { assert as check, constantFrom, maxSafeNat, oneof, property, string } from 'fast-check';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import {
  decodeEventLine,
  encodeEventLine,
  eventLineBytes,
} from '../../server/asciicast/event-line.ts';

const LINES: readonly (readonly [RecordedEvent, string])[] = [
  [{ atUs: 0, code: 'o', text: 'hi\r\n' }, '[0,"o","hi\\r\\n"]\n'],
  [{ atUs: 12, code: 'b', base64: '/w==' }, '[12,"b","/w=="]\n'],
  [{ atUs: 13, code: 'r', cols: 80, rows: 24 }, '[13,"r","80x24"]\n'],
  [{ atUs: 14, code: 'm', label: 'ls "a"' }, '[14,"m","ls \\"a\\""]\n'],
  [{ atUs: 2 ** 52, code: 'x', status: '0' }, `[${2 ** 52},"x","0"]\n`],
  [{ atUs: 1, code: 'o', text: '\u001b[0m\u0000é😀' }, '[1,"o","\\u001b[0m\\u0000é😀"]\n'],
];

const MALFORMED: readonly string[] = [
  '',
  '{}',
  '[1,"o"]',
  '[1,"o","a","b"]',
  '[1.5,"o","a"]',
  '[-1,"o","a"]',
  '["1","o","a"]',
  '[9007199254740993,"o","a"]',
  '[1,"o",2]',
  '[1,"i","typed"]',
  '[1,"__proto__","a"]',
  '[1,"b","not base64!"]',
  '[1,"b","abc"]',
  '[1,"r","80"]',
  '[1,"r","-80x24"]',
  '[1,"o","a"]\n[2,"o","b"]',
  'null',
];

describe('event line', () => {
  for (const [event, line] of LINES) {
    it(`writes and reads ${line.trim()}`, () => {
      assert.equal(encodeEventLine(event), line);
      assert.deepEqual(decodeEventLine(line), { kind: 'event', event });
    });
  }
  for (const line of MALFORMED) {
    it(`says that ${JSON.stringify(line)} is malformed`, () => {
      assert.equal(decodeEventLine(line).kind, 'malformed');
    });
  }

  it('keeps every text, on one line', () => {
    check(
      property(maxSafeNat(), string({ unit: 'binary' }), (atUs, text) => {
        const event: RecordedEvent = { atUs, code: 'o', text };
        const line = encodeEventLine(event);
        assert.equal(line.indexOf('\n'), line.length - 1);
        assert.deepEqual(decodeEventLine(line), { kind: 'event', event });
      }),
    );
  });

  it('writes the same line from the bytes of a text', () => {
    // Mostly what must be escaped and its neighbours, at every place of a word.
    const edges = constantFrom(...Array.from('\u0000\n\r\t\b\f\u001f !"#[\\]\u007fé\u2028😀'));
    check(
      property(string({ unit: oneof(edges, string({ minLength: 1 })) }), (text) => {
        const bytes = Buffer.from(text);
        const line = eventLineBytes({ atUs: 7, code: 'utf8', bytes });
        const same: RecordedEvent = { atUs: 7, code: 'o', text: bytes.toString('utf8') };
        assert.equal(line.toString('utf8'), encodeEventLine(same));
        assert.deepEqual(eventLineBytes(same), line);
      }),
      { numRuns: 2000 },
    );
    const all = Buffer.from(Array.from({ length: 128 }, (_, byte) => byte));
    for (let from = 0; from < 128; from += 1) {
      const bytes = all.subarray(from);
      const line = eventLineBytes({ atUs: 0, code: 'utf8', bytes }).toString('utf8');
      assert.equal(line, encodeEventLine({ atUs: 0, code: 'o', text: bytes.toString('utf8') }));
    }
  });
});
