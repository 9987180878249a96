import assert from 'node:assert/strict';
import { HiddenInput, MAX_SAME_QUESTIONS } from '../../server/session/hidden-input.ts';
import { readShell } from '../../server/shell/read.ts';
import { initialState } from '../../server/shell/state.ts';

/** Whether what is typed without echo behind these lines may be read by a shell. */
function isDoubted(...lines: readonly string[]): boolean {
  const input = new HiddenInput();
  for (const line of lines) input.shown(readShell(line, initialState(true)).commands, true);
  return input.doubt('Password: ') !== null;
}

const ASKING = [
  'sudo id',
  'ssh web',
  'read -s x',
  './deploy.sh',
  'stty -echo; read x; stty echo',
  'stty -echo; head -1 > answer; stty echo',
  'cat > secret.txt',
  'old=$(stty -g); stty -echo; read x; stty "$old"',
  'curl -u ann https://web',
  'git push',
];
const SILENT = [
  'stty -echo',
  "PS1='Password: '",
  "PS1='Password: '; stty -echo",
  "PROMPT_COMMAND='stty -echo'",
  'stty -echo; python3 x.py',
  'cd /tmp',
  'bind x',
];

describe('input without echo', () => {
  for (const line of ASKING)
    it(`is for a program behind ${line}`, () => assert.ok(!isDoubted(line)));
  for (const line of SILENT)
    it(`may be for a shell behind ${line}`, () => assert.ok(isDoubted(line)));

  it('is for a program before any line, and in a program with lines of its own', () => {
    assert.ok(!isDoubted());
    const input = new HiddenInput();
    input.shown([], false);
    assert.equal(input.doubt('Enter new password: '), null);
  });

  it('may be for a shell when the same question comes too often', () => {
    const input = new HiddenInput();
    for (let times = 0; times < MAX_SAME_QUESTIONS; times += 1) {
      assert.equal(input.doubt('Password: '), null);
      input.hidden('Password: ');
    }
    assert.notEqual(input.doubt('Password: '), null);
    assert.equal(input.doubt('Token: '), null);
  });
});
