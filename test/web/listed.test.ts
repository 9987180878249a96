/** What an exported page makes of its list of commands: honest lists of every kind, and edited ones. */
import assert from 'node:assert/strict';
import { bothReadings, clipped, markerLabel } from '../../server/session/line-text.ts';
import { storable } from '../../server/store/storable.ts';
import { compareListed, labelOf, verdictOf, type Listed } from '../../web/islands/listed.ts';
import type { ListedRow, Verdict } from '../../web/islands/listed.ts';
import type { ExportedDocument, ExportedEvent, Proof } from '../../web/islands/proof.ts';
import { hiddenText, MAX_SHOWN_CHARACTERS, visibleParts } from '../../web/parts/visible.tsx';
import { HOSTILE } from '../support/hostile-text.ts';

const SESSION = '0197a000-0000-7000-8000-000000000007';
const KEY = 'ab'.repeat(32);
const INTACT: Proof = { kind: 'intact', chunks: 1, keyId: KEY };
const RUNNING: Proof = { kind: 'unsigned', chunks: 1, signed: 0 };

function marker(atMs: number, label: string): ExportedEvent {
  return { atUs: atMs * 1000 + 400, code: 'm', label };
}

function row(seq: number, atMs: number, text: string, isMasked = false): ListedRow {
  const isCut = text.length > MAX_SHOWN_CHARACTERS;
  return { seq, atMs, text: text.slice(0, MAX_SHOWN_CHARACTERS), isCut, isMasked };
}

function verdict(
  rows: readonly ListedRow[],
  events: readonly ExportedEvent[],
  changes: Partial<Listed> & { readonly proof?: Proof } = {},
): Verdict {
  const { proof = INTACT, ...facts } = changes;
  const count = String(rows.length);
  const known = { count, sessionId: SESSION, keyId: KEY, isComplete: true, isWhole: true };
  const listed = { rows, ...known, ...facts };
  const seal = { sessionId: SESSION, chunks: [], head: null };
  const header = { cols: 80, rows: 24, term: null, timestampS: 0 };
  const document: ExportedDocument = { header, seal, events };
  return verdictOf(proof, 'Fine.', listed, document, compareListed(listed, events));
}

describe('web: the list of an exported page', () => {
  const LONG = `${'echo aaaa && '.repeat(20)}true`;
  const TEXTS: readonly (readonly [what: string, text: string])[] = [
    ['plain text', 'uname -sr'],
    ['no text', ''],
    ['several lines', '  cat <<E\n\tx\r\n\nE '],
    ['hostile characters', HOSTILE],
    ['NUL and half a surrogate pair', 'a\0b \ud800 c'],
    ['wide white space', 'a\u00a0\u3000\ufeff\u2028b'],
    ['a pair that the marker cuts in two', `${'x'.repeat(199)}😀y`],
    ['white space where the marker ends', `${'x'.repeat(199)} y`],
    ['a long text', LONG],
    ['more than a page shows', 'y'.repeat(70_000)],
    ['more white space than a page shows', `a${' '.repeat(5000)}b`],
    ['what looks like a second reading', 'echo "\n(or: x)"'],
    ['asterisks', 'ls *** **'],
  ];
  for (const [what, text] of TEXTS) {
    it(`is borne out by the markers with ${what}`, () => {
      const label = markerLabel(text);
      assert.equal(labelOf(text), label);
      const events = [marker(5, label)];
      const stored = storable(clipped(text, 65_536));
      assert.equal(verdict([row(1, 5, stored)], events).kind, 'intact');
      const otherwise = storable(
        bothReadings({ text, otherwise: 'rm x' } as Parameters<typeof bothReadings>[0]),
      );
      assert.equal(verdict([row(1, 5, otherwise)], events).kind, 'intact');
    });
  }

  it('is read back from what the page shows', () => {
    const all = Array.from({ length: 0x3_100 }, (_, code) => String.fromCodePoint(code)).join('');
    for (const text of [...TEXTS.map(([, one]) => one), all, 'a\u{e0041}b']) {
      const read = visibleParts(text).map((part) =>
        part.kind === 'text' ? part.text : hiddenText(part.text),
      );
      assert.equal(read.join(''), text);
    }
    for (const mark of ['x', '^', '⟨U+0041', '⏎', '^[x', '⟨U+zz⟩']) {
      assert.equal(hiddenText(mark), null, mark);
    }
  });

  it('says of which commands the recording has only a part', () => {
    const { kind, text } = verdict(
      [row(1, 5, LONG), row(2, 6, 'ls'), row(3, 7, 'ls\n(or: rm x)')],
      [marker(5, markerLabel(LONG)), marker(6, 'ls'), marker(7, 'ls')],
    );
    assert.equal(kind, 'intact');
    assert.match(text, /^Fine\. Of commands 1, 3 the recording has only a part/);
  });

  const MASKS: readonly (readonly [string, string, boolean, Verdict['kind']])[] = [
    ['token ****************', 'token ****************', true, 'intact'],
    ['token abcdef**', 'token ********', true, 'intact'],
    ['card ********', 'card 12345678', false, 'intact'],
    ['key ****', 'key ******', true, 'broken'],
    ['wide 密碼 x', 'wide **** x', true, 'intact'],
    ['rm -rf /srv', 'rm -rf ****', false, 'broken'],
    ['rm -rf /srv', 'ls -rf ****', true, 'broken'],
    ['rm -rf *', 'rm -rf x', false, 'broken'],
  ];
  for (const [label, text, isMasked, kind] of MASKS) {
    it(`is ${kind} where “${label}” is listed as “${text}”`, () => {
      assert.equal(verdict([row(1, 5, text, isMasked)], [marker(5, label)]).kind, kind);
    });
  }

  const THREE = [marker(1, 'a'), marker(2, 'b'), marker(3, 'c')];
  const [A, B, C] = [row(1, 1, 'a'), row(2, 2, 'b'), row(3, 3, 'c')];
  const FAILED = { isWhole: false };
  const LOSSY = { isComplete: false, isWhole: false };
  const LISTS: readonly [string, Verdict['kind'], RegExp, () => Verdict][] = [
    ['a row taken out', 'broken', /lacks .*“b” at 00:00\.0/, () => verdict([A, C], THREE)],
    [
      'a row taken out and the others renumbered',
      'broken',
      /command 2 reads otherwise/,
      () => verdict([A, { ...C, seq: 2 }], THREE),
    ],
    ['all rows taken out', 'broken', /lacks 3 recorded commands/, () => verdict([], THREE)],
    [
      'a row added',
      'broken',
      /command 4 is not in/,
      () => verdict([A, B, C, row(4, 4, 'd')], THREE),
    ],
    ['two rows swapped', 'broken', /command 1 is not in/, () => verdict([B, A, C], THREE)],
    ['another time', 'broken', /command 1 reads/, () => verdict([{ ...A, atMs: 9 }, B, C], THREE)],
    [
      'many changed rows',
      'broken',
      /commands 1, 2, 3, 4, 5 and 2 more read otherwise/,
      () =>
        verdict(
          [1, 2, 3, 4, 5, 6, 7].map((one) => row(one, one, 'x')),
          [1, 2, 3, 4, 5, 6, 7].map((one) => marker(one, 'y')),
        ),
    ],
    [
      'a marker whose decision never came to the database',
      'incomplete',
      /lacks .*“c”.* cut off/,
      () => verdict([A, B], THREE, FAILED),
    ],
    [
      'rows whose markers were lost',
      'incomplete',
      /command 2 is not in the recording.* not all of it was recorded/,
      () => verdict([A, B, C], [marker(1, 'a'), marker(3, 'c')], LOSSY),
    ],
    [
      'a lost marker in the same millisecond as another',
      'incomplete',
      /: command 1 is not in/,
      () => verdict([A, row(2, 1, 'b')], [marker(1, 'b')], LOSSY),
    ],
    [
      'an edited row where markers were lost',
      'broken',
      /command 3 reads otherwise/,
      () => verdict([A, B, row(3, 3, 'x')], [marker(1, 'a'), marker(3, 'c')], LOSSY),
    ],
    [
      'rows of a running session that are not sealed yet',
      'unsigned',
      /^Fine\. Later than what is sealed: command 3\.$/,
      () => verdict([A, B, C], THREE.slice(0, 2), { ...LOSSY, proof: RUNNING }),
    ],
    [
      'more commands than a page lists',
      'intact',
      /^Fine\.$/,
      () => {
        const numbers = Array.from({ length: 10_001 }, (_, index) => index + 1);
        const rows = numbers.slice(0, 10_000).map((one) => row(one, one, 'x'));
        return verdict(
          rows,
          numbers.map((one) => marker(one, 'x')),
          { count: '10001' },
        );
      },
    ],
  ];
  for (const [what, kind, says, made] of LISTS) {
    it(`is ${kind} with ${what}`, () => {
      const got = made();
      assert.equal(got.kind, kind, got.text);
      assert.match(got.text, says);
    });
  }
});
