import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Screen } from '../../server/terminal/screen.ts';
import { MAX_TAIL_CHARS, SequenceTail } from '../../server/terminal/sequence-tail.ts';

const cases: [string, string, string][] = [
  ['plain text', 'abc', ''],
  ['a whole colour', '\u001b[31mred', ''],
  ['a lone escape', 'a\u001b', '\u001b'],
  ['half a colour', 'a\u001b[1;3', '\u001b[1;3'],
  ['half a colour that starts with C1', 'a\u009b1;3', '\u009b1;3'],
  ['a line break inside', '\u001b[1\n;3', '\u001b[1;3'],
  ['what was cancelled', '\u001b[1;3\u0018x', ''],
  ['a sequence begun twice', '\u001b[1;3\u001b[4', '\u001b[4'],
  ['half a character set', '\u001b(', '\u001b('],
  ['a character set', '\u001b(0', ''],
  ['an unfinished title', '\u001b]0;long title', '\u001b]'],
  ['a title that may end', '\u001b]0;title\u001b', '\u001b]\u001b'],
  ['a title ended by BEL', '\u001b]0;title\u0007x', ''],
  ['a title ended by ST', '\u001b]0;title\u001b\\x', ''],
  ['a colour in an unfinished title', '\u001b]0;title\u001b[3', '\u001b[3'],
  ['an image', '\u001bPq#0;2;0;0;0', '\u001bP'],
];

describe('the tail of a control sequence', () => {
  for (const [name, output, begun] of cases) {
    it(`is right for ${name}, whole and byte by byte`, () => {
      const whole = new SequenceTail();
      whole.push(output);
      assert.equal(whole.begun, begun);
      const single = new SequenceTail();
      for (const char of output) single.push(char);
      assert.equal(single.begun, begun);
    });
  }

  it('stays short, whatever is printed', () => {
    const tail = new SequenceTail();
    tail.push(`\u001b[${'1;'.repeat(10_000)}`);
    assert.equal(tail.begun.length, MAX_TAIL_CHARS);
  });

  it('lets a fresh screen go on in the middle of a sequence', () => {
    const piece = fc.constantFrom(
      'text ',
      '\u001b[31mred\u001b[0m',
      '\u001b]0;a title\u0007',
      '\u001b[2;3H',
      'Ω\r\n',
      '\u001b[1K',
      '\u009b32mC1',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(), (pieces, cut) => {
        const output = pieces.join('');
        const at = output.length === 0 ? 0 : cut % output.length;
        const whole = new Screen(30, 6, 0);
        whole.write(output);
        const before = new Screen(30, 6, 0);
        const tail = new SequenceTail();
        before.write(output.slice(0, at));
        tail.push(output.slice(0, at));
        const resumed = new Screen(30, 6, 0);
        resumed.write(before.serialize() + tail.begun);
        resumed.write(output.slice(at));
        assert.equal(resumed.serialize(), whole.serialize());
        for (const screen of [whole, before, resumed]) screen.dispose();
      }),
      { numRuns: 300 },
    );
  });
});
