import assert from 'node:assert/strict';
import { isInvisible } from '../server/printable.ts';
import { visibleParts } from '../web/parts/visible.tsx';

describe('printable text', () => {
  for (const text of [
    '',
    ' ',
    '\n\t',
    '\0\0',
    '\u200b\u2060',
    '\u3164 \u115f',
    '\u{e0041}\ufe0f',
  ]) {
    it(`sees nothing in "${encodeURIComponent(text)}"`, () => {
      assert.equal(isInvisible(text), true);
    });
  }

  for (const text of ['a', ' .', '\u200bé', '👍\ufe0f', '\0x']) {
    it(`sees something in "${encodeURIComponent(text)}"`, () => {
      assert.equal(isInvisible(text), false);
    });
  }

  it('sees nothing in any character that pages have to write out', () => {
    // Beyond the second plane there is nothing of the kind but tags.
    for (let code = 0; code <= 0xe0fff; code += code === 0x1ffff ? 0xc0001 : 1) {
      const text = String.fromCodePoint(code);
      const isHidden = visibleParts(text).every(({ kind }) => kind === 'control');
      if (isHidden) assert.ok(isInvisible(text), code.toString(16));
    }
  });
});
