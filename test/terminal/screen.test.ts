import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  FloodGuard,
  MAX_COUNT,
  MAX_MARKS,
  MAX_STRING_CHARS,
} from '../../server/terminal/flood-guard.ts';
import { MAX_SIDE, MIN_SIDE, SCROLLBACK_ROWS, Screen } from '../../server/terminal/screen.ts';
import { charWidth } from '../../server/terminal/width.ts';

function shown(output: string | Buffer, cols = 20, rows = 5): Screen {
  const screen = new Screen(cols, rows);
  screen.write(output);
  return screen;
}

describe('Screen', () => {
  it('has parsed all output when write returns', () => {
    const screen = shown('hello \u001b[31mred\u001b[0m');
    assert.equal(screen.logicalLine(0), 'hello red');
    assert.deepEqual(screen.cursor, { x: 9, y: 0 });
  });

  it('takes characters and sequences that are split over packets', () => {
    const bytes = Buffer.from('größe 漢 👍\u001b[1;3Hx\u001b]0;t\u0007y');
    const whole = shown(bytes).serialize();
    const screen = new Screen(20, 5);
    for (const byte of bytes) screen.write(Buffer.from([byte]));
    assert.equal(screen.serialize(), whole);
  });

  it('joins wrapped rows, not ended ones', () => {
    const screen = shown('0123456789\r\nab', 5, 10);
    assert.equal(screen.logicalLine(1), '0123456789');
    assert.equal(screen.logicalLine(2), 'ab');
    assert.equal(screen.logicalLineTo({ x: 2, y: 1 }), '0123456');
  });

  it('wraps anew when resized, and follows a row', () => {
    const screen = shown('first\r\n0123456789', 20, 5);
    const mark = screen.markRow();
    screen.write('\r\n$ ');
    screen.resize(4, 5);
    assert.equal(screen.logicalLine(mark.y ?? -1), '0123456789');
    mark.dispose();
  });

  it('knows the modes that matter', () => {
    const screen = shown('\u001b[?2004h');
    assert.deepEqual([screen.bracketedPaste, screen.isAlternate], [true, false]);
    screen.write('\u001b[?2004l\u001b[?1049h');
    assert.deepEqual([screen.bracketedPaste, screen.isAlternate], [false, true]);
  });

  it('tells a suggestion in a faint style from text', () => {
    const suggestions: [string, boolean][] = [
      ['git \u001b[2mstatus\u001b[0m\r\u001b[4C', true],
      ['git \u001b[90mstatus\u001b[0m\r\u001b[4C', true],
      ['git \u001b[38;5;240mstatus\u001b[0m\r\u001b[4C', true],
      ['git status\r\u001b[4C', false],
      ['git \u001b[31mstatus\u001b[0m\r\u001b[4C', false],
      ['git ', false],
    ];
    for (const [output, isGhost] of suggestions) {
      assert.equal(shown(output).ghostAfterCursor(), isGhost, JSON.stringify(output));
    }
  });

  it('paints its picture on a fresh terminal, cursor, hidden cursor and margins included', () => {
    const screen = shown('a\r\nb\u001b[2;4r\u001b[3;2H\u001b[?25l\u001b[7mx');
    const copy = shown(screen.serialize());
    assert.equal(copy.serialize(), screen.serialize());
    copy.write('\n\n\n');
    screen.write('\n\n\n');
    assert.equal(copy.serialize(), screen.serialize());
  });

  for (const [cols, rows] of [
    [0, 0],
    [65_535, 65_535],
    [-1, Number.NaN],
    [2 ** 31, 1],
  ] as const) {
    it(`clamps ${cols}x${rows}`, () => {
      const screen = new Screen(cols, rows);
      screen.write('x'.repeat(2000));
      screen.resize(rows, cols);
      for (const side of [screen.cols, screen.rows])
        assert.ok(side >= MIN_SIDE && side <= MAX_SIDE);
    });
  }

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
        const screen = new Screen(10, 4);
        for (const chunk of chunks) screen.write(Buffer.from(chunk));
        screen.serialize();
        assert.ok(screen.cursor.x <= screen.cols);
        screen.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it('keeps no more rows than its scrollback', () => {
    const screen = shown('line\r\n'.repeat(20_000), 20, 5);
    assert.equal(screen.cursor.y, SCROLLBACK_ROWS + 4);
  });
});

describe('FloodGuard', () => {
  const guard = (text: string): string => new FloodGuard(80, 24).push(text);

  it('leaves ordinary output as it is', () => {
    const output =
      '\u001b]0;title\u0007\u001b[1;31mred\u001b[0m\u001b(B\u001b[?1049h\u001b[10;20H\u001b[2Jé 漢\u001bP$qm\u001b\\';
    assert.equal(guard(output), output);
  });

  it('gives the same however the output is cut', () => {
    const output = `a\u001b[${'9'.repeat(30)}Cb\u009b5Ac\u001b]0;${'t'.repeat(5000)}\u001b\\d\u001b[1\u001b[2Be`;
    const whole = guard(output);
    const stage = new FloodGuard(80, 24);
    assert.equal(Array.from(output, (char) => stage.push(char)).join(''), whole);
  });

  it('limits counts', () => {
    assert.equal(
      guard('\u001b[2147483647b\u001b[5;99999H'),
      `\u001b[${MAX_COUNT}b\u001b[5;${MAX_COUNT}H`,
    );
  });

  it('limits strings', () => {
    const kept = guard(`\u001b]0;${'t'.repeat(1_000_000)}\u0007after`);
    assert.equal(kept.length, 2 + MAX_STRING_CHARS + 1 + 'after'.length);
  });

  it('limits the marks on one character, over packets too', () => {
    const stage = new FloodGuard(80, 24);
    let kept = stage.push('e');
    for (let n = 0; n < 1000; n += 1) kept += stage.push('\u0301');
    assert.equal(kept.length, 1 + MAX_MARKS);
  });

  it('drops redrawing that no text pays for, and goes on when there is some', () => {
    const stage = new FloodGuard(80, 50);
    const clear = '\u001b[2J';
    const flood = stage.push(clear.repeat(10_000));
    assert.ok(flood.split(clear).length < 2000);
    stage.push('text '.repeat(100));
    assert.equal(stage.push(clear), clear);
  });
});

describe('charWidth', () => {
  for (const [char, width] of [
    ['a', 1],
    ['é', 1],
    ['漢', 2],
    ['👍', 2],
    ['\u0301', 0],
    ['\u200d', 0],
    ['한', 2],
    ['ｱ', 1],
    ['→', 1],
  ] as const) {
    it(`gives ${JSON.stringify(char)} ${width} columns`, () => {
      assert.equal(charWidth(char.codePointAt(0) ?? 0), width);
    });
  }
});
