import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  MarkScanner,
  MAX_MARK_BYTES,
  MAX_MARKS_PER_PIECE,
  type Mark,
} from '../../server/terminal/marks.ts';

const BEL = '\u0007';
const ST = '\u001b\\';
const osc = (content: string, end = BEL): string => `\u001b]${content}${end}`;

/** Marks found, each with the output before it; and that all output has passed. */
function scan(pieces: readonly Buffer[]): { marks: Mark[]; befores: string[] } {
  const scanner = new MarkScanner();
  const outputs = pieces.flatMap((piece) => scanner.push(piece));
  const all = Buffer.concat(outputs.map(({ bytes }) => bytes));
  assert.deepEqual(all, Buffer.concat(pieces));
  const befores: string[] = [];
  let before: Buffer[] = [];
  for (const { bytes, mark } of outputs) {
    before.push(bytes);
    if (mark === null) continue;
    befores.push(Buffer.concat(before).toString());
    before = [];
  }
  return { marks: outputs.flatMap(({ mark }) => mark ?? []), befores };
}

const CASES: readonly (readonly [string, string, readonly Mark[]])[] = [
  ['the start of a prompt', osc('133;A'), [{ kind: 'prompt', nonce: null }]],
  ['the end of a prompt', osc('633;B', ST), [{ kind: 'input', nonce: null }]],
  ['a nonce', osc('633;B;n1'), [{ kind: 'input', nonce: 'n1' }]],
  ['no nonce in FinalTerm marks', osc('133;B;n1'), [{ kind: 'input', nonce: null }]],
  ['the start of output', osc('133;C'), [{ kind: 'output', nonce: null }]],
  ['options', osc('133;A;click_events=1;k=s'), [{ kind: 'prompt', nonce: null }]],
  ['an exit status', osc('133;D;127'), [{ kind: 'end', exitStatus: 127, nonce: null }]],
  ['status and nonce', osc('633;D;0;n1'), [{ kind: 'end', exitStatus: 0, nonce: 'n1' }]],
  ['an end without a status', osc('133;D'), [{ kind: 'end', exitStatus: null, nonce: null }]],
  ['a status out of range', osc('133;D;256'), [{ kind: 'end', exitStatus: null, nonce: null }]],
  ['a malformed status', osc('133;D;-1'), [{ kind: 'end', exitStatus: null, nonce: null }]],
  ['a line', osc('633;E;ls -l;n1'), [{ kind: 'line', text: 'ls -l', nonce: 'n1' }]],
  ['a line without a nonce', osc('633;E;ls;'), [{ kind: 'line', text: 'ls', nonce: null }]],
  ['an empty line', osc('633;E;;n1'), [{ kind: 'line', text: '', nonce: 'n1' }]],
  [
    'escaped characters',
    osc(String.raw`633;E;a\x3bb\x0a\\x41\X3B\x2;n`),
    [{ kind: 'line', text: 'a;b\n\\x41\\X3B\\x2', nonce: 'n' }],
  ],
  ['other characters', osc('633;E;echo “é”;n'), [{ kind: 'line', text: 'echo “é”', nonce: 'n' }]],
  ['no line in FinalTerm marks', osc('133;E;ls'), []],
  ['no properties', osc('633;P;Cwd=/'), []],
  ['no other letters', osc('133;AA') + osc('133;') + osc('633'), []],
  ['no other strings', osc('0;133;A') + osc('1337;A') + osc('13;A') + osc('2133;A'), []],
  ['nothing with control characters', osc('633;E;l\ns;n1') + osc('133\u0000;A'), []],
  ['nothing that was cancelled', '\u001b]133;A\u0018\u0007\u001b]133;A\u001a\u0007', []],
  ['nothing that another sequence ends', '\u001b]133;A\u001b[m\u0007', []],
  [
    'a mark behind a string that was not ended',
    '\u001b]0;title\u001b]133;A\u0007',
    [{ kind: 'prompt', nonce: null }],
  ],
  [
    'a mark behind many escapes',
    '\u001b\u001b\u001b]133;C\u0007',
    [{ kind: 'output', nonce: null }],
  ],
  ['plain text', 'ls\r\n]133;A\u0007 133;A', []],
];

describe('MarkScanner', () => {
  for (const [name, text, expected] of CASES) {
    it(`finds ${name}, whole and byte by byte`, () => {
      const bytes = Buffer.from(`before${text}behind`);
      assert.deepEqual(scan([bytes]).marks, expected);
      const single = Array.from(bytes, (byte) => Buffer.from([byte]));
      assert.deepEqual(scan(single).marks, expected);
    });
  }

  it('cuts the output behind each mark', () => {
    const text = `a${osc('133;A')}$ ${osc('133;B', ST)}ls`;
    const { befores } = scan([Buffer.from(text)]);
    assert.deepEqual(befores, [`a${osc('133;A')}`, `$ ${osc('133;B', ST)}`]);
  });

  it('finds the same however the output is cut', () => {
    const part = fc.constantFrom(
      ...CASES.map(([, text]) => text),
      'x',
      '\u001b',
      '\u001b]',
      '\u001b]633;',
      BEL,
      ST,
      '“é”',
    );
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.nat(400)), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''));
        const places = [...cuts, 0, bytes.length]
          .filter((at) => at <= bytes.length)
          .sort((one, other) => one - other);
        const pieces = places.slice(1).map((to, n) => bytes.subarray(places[n] ?? 0, to));
        assert.deepEqual(scan(pieces), scan([bytes]));
      }),
    );
  });

  it('takes the longest mark that is allowed, and nothing of a longer one', () => {
    const head = '633;E;';
    const longest = head + 'x'.repeat(MAX_MARK_BYTES - head.length);
    assert.equal(scan([Buffer.from(osc(longest))]).marks.length, 1);
    assert.deepEqual(scan([Buffer.from(osc(`${longest}x`))]).marks, []);
    const endless = Array.from({ length: 50 }, () => Buffer.alloc(65_536, 'x'));
    const { marks } = scan([Buffer.from('\u001b]633;E;'), ...endless, Buffer.from(osc('133;A'))]);
    assert.deepEqual(marks, [{ kind: 'prompt', nonce: null }]);
  });

  it('bounds the marks of one piece', () => {
    const many = Buffer.from(osc('133;A').repeat(MAX_MARKS_PER_PIECE + 5));
    assert.equal(scan([many]).marks.length, MAX_MARKS_PER_PIECE);
    assert.equal(scan([many, Buffer.from(osc('133;B'))]).marks.length, MAX_MARKS_PER_PIECE + 1);
  });
});
