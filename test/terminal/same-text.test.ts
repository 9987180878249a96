import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isEchoed, sameLetters } from '../../server/terminal/same-text.ts';

describe('texts on the screen', () => {
  it('are the typed ones where a small shell shows question marks for signs', () => {
    assert.equal(sameLetters('echo → x', 'echo ? x'), true);
    assert.equal(sameLetters('echo → x', 'echo ! x'), false);
  });

  it('are echoed in part by the terminal and in part by a shell that shows question marks', () => {
    assert.equal(isEchoed('echo 漢config→11', 'echo 漢con\n$ fig?11'), true);
    assert.equal(isEchoed('echo 漢config→11', 'echo 漢con\n$ fig!11'), false);
    assert.equal(isEchoed('echo config→ release 50', 'echo config??? release 50'), false);
  });
});
