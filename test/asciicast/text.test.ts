import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { MAX_LINE_CELLS, PlainTextStage } from '../../server/asciicast/text.ts';

interface Case {
  readonly name: string;
  readonly cols?: number;
  readonly output: string;
  readonly text: string;
}
const file = new URL('../cases/asciicast/text.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

function textOf(parts: Iterable<string>, cols = 80): string {
  const stage = new PlainTextStage(cols);
  let text = '';
  for (const part of parts) text += stage.push(part);
  return text + stage.flush();
}

describe('PlainTextStage', () => {
  for (const { name, cols, output, text } of cases) {
    it(`${name}, whole and character by character`, () => {
      assert.equal(textOf([output], cols), text);
      assert.equal(textOf(output, cols), text);
    });
  }

  it('gives no control characters, whatever it gets', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        '\u001b[',
        '\u001b]',
        '\u001b[?1049h',
        '\u001b[?1049l',
        '\u009b',
        '5C',
        '9999999P',
      ),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        assert.doesNotMatch(textOf(parts), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 500 },
    );
  });

  it('cuts a line that never ends', () => {
    const lines = textOf(['x'.repeat(3 * MAX_LINE_CELLS)]).split('\n');
    assert.deepEqual(
      lines.map((line) => line.length),
      [MAX_LINE_CELLS, MAX_LINE_CELLS, MAX_LINE_CELLS, 0],
    );
  });
});
