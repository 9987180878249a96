import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { unfinished, type Unfinished } from '../../server/terminal/unfinished.ts';

const file = new URL('../cases/pty/unfinished.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as [string, Unfinished][];

describe('unfinished', () => {
  for (const [text, expected] of cases) {
    it(`says ${String(expected)} of ${JSON.stringify(text)}, and bash agrees`, () => {
      assert.equal(unfinished(text), expected);
      const bash = spawnSync('bash', ['-n'], { input: `${text}\n`, encoding: 'utf8' });
      // A backslash before the end of the input is dropped, and a here-document may end with it.
      const asksForMore = bash.status !== 0 || /here-document|\\$/.test(bash.stderr + text);
      const isEscaped = text.endsWith('\\\\');
      assert.equal(asksForMore && !isEscaped, expected !== null, bash.stderr);
    });
  }

  it('answers about long input at once', () => {
    for (const part of ["'", '"', '`', '\\', '(', '<<', ' #', 'a\n', "'\n"]) {
      unfinished(part.repeat(65_536 / part.length));
    }
  });
});
