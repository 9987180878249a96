import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { commentsAsWords } from '../../server/shell/comments.ts';

describe('comments that are none in zsh', () => {
  const LINES: readonly (readonly [text: string, words: string | null])[] = [
    [': # ; rm x', ': \\# ; rm x'],
    ['# ls', '\\# ls'],
    ['ls #a\nls;#b', 'ls \\#a\nls;\\#b'],
    ['echo \'# \' "# " \\# a#b $#', null],
  ];
  for (const [text, words] of LINES) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.equal(commentsAsWords(text), words);
    });
  }
});
