import assert from 'node:assert/strict';
import { KeySplitter } from '../../server/terminal/keys.ts';
import { MAX_LINE_CHARS, TypedLine } from '../../server/terminal/typed.ts';

function typed(input: string): TypedLine {
  const line = new TypedLine();
  for (const key of new KeySplitter().push(Buffer.from(input))) line.push(key);
  return line;
}

describe('TypedLine', () => {
  const cases: [string, string | null][] = [
    ['ls -la', 'ls -la'],
    ['lss\u007f -l', 'ls -l'],
    ['a👍\u007fb', 'ab'],
    ['\u007f\u007fls', 'ls'],
    ['junk\u0015ls', 'ls'],
    ['rm file one\u0017two', 'rm file two'],
    ['rm\u0017\u0017ls', 'ls'],
    ['cat /etc/x\u0017', null],
    ['ls\u001b[D', null],
    ['\u001b[A', null],
    ['l\t', null],
    ['\u0001ls', null],
    ['\u001b[Ils', 'ls'],
    ['\u001b[200~ls\tx\u001b[201~', 'ls\tx'],
  ];
  for (const [input, text] of cases) {
    it(`takes ${JSON.stringify(input)} as ${JSON.stringify(text)}`, () => {
      assert.equal(typed(input).text, text);
    });
  }

  it('keeps what was typed for programs that use keys otherwise', () => {
    assert.equal(typed(':w\u001b[Aq\u001b!').raw, ':wq!');
  });

  it('does not know a line that is too long', () => {
    const line = typed('x'.repeat(MAX_LINE_CHARS + 1));
    assert.equal(line.text, null);
    assert.equal(line.raw.length, MAX_LINE_CHARS);
  });
});
