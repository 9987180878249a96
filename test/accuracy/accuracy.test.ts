import assert from 'node:assert/strict';
import { startClientDatabase } from './database.ts';
import { measure, resist } from './measure.ts';
import { score } from './score.ts';
import { SHELLS } from './shells.ts';
import { SCENES } from './sitting.ts';

/** Of each shell; the long form has thousands (`npm run accuracy`). */
const LINES = 20;
const ATTEMPTS = 40;
const JOBS = 8;
/** Few lines on a busy machine: a single one that is read too early is no news, several are. */
const LEAST_EXACT = 0.95;
const MOST_UNCERTAIN = 0.1;
const TIMEOUT_MS = 300_000;
/** One sitting each; the others are for the long form. */
const LONG_ONLY = new Set(
  'resizing fullscreen suggestions rightprompt tallprompt menu failing node screen inner sudo su ssh container mysql redis irb'.split(
    ' ',
  ),
);

describe('how often a line is read as the target reads it', () => {
  it('is nearly always, in five shells and three programs, and no secret is written down', async () => {
    const database = await startClientDatabase();
    const totals = await measure({
      shells: SHELLS,
      scenes: Object.keys(SCENES).filter((name) => !LONG_ONLY.has(name)),
      lines: LINES,
      seed: 1,
      latencyMs: 5,
      jobs: JOBS,
      env: database.env,
    });
    await database.stop();
    assert.deepEqual(totals.map(({ name }) => name).sort(), [
      'ash',
      'bash',
      'dash',
      'fish',
      'psql',
      'python',
      'sqlite',
      'zsh',
    ]);
    for (const { name, score, leaks } of totals) {
      const { lines, exact, uncertain, differences } = score;
      const shown = `${name}: ${exact} of ${lines}; ${differences.join('; ')}`;
      assert.ok(lines >= 8, `${name}: only ${lines} lines`);
      assert.ok(exact >= LEAST_EXACT * lines - 1, shown);
      assert.ok(uncertain <= MOST_UNCERTAIN * lines + 1, `${name}: ${uncertain} uncertain`);
      assert.equal(leaks, 0, `${name}: secrets`);
    }
  }).timeout(TIMEOUT_MS);

  it('leaves no way to a denied command', async () => {
    const escaped = await resist({
      count: ATTEMPTS,
      seed: 1,
      shells: ['bash'],
      jobs: JOBS,
      marks: 'off',
    });
    assert.deepEqual(
      escaped.map(({ name, shell, attack }) => ({ name, shell, attack })),
      [],
    );
  }).timeout(TIMEOUT_MS);
});

describe('the score', () => {
  const said = (text: string, isUncertain = false): { text: string; isUncertain: boolean } => ({
    text,
    isUncertain,
  });

  it('counts what is exact, wrong, uncertain, missed and extra', () => {
    const rows = [said('a'), said('x'), said('c', true), said('extra')];
    const { lines, exact, wrong, uncertain, missed, extra } = score(rows, ['a', 'b', 'c'], [], []);
    assert.deepEqual([lines, exact, wrong, uncertain, missed, extra], [3, 2, 1, 1, 0, 1]);
    assert.equal(score([], ['a'], [], []).missed, 1);
  });

  it('knows lines that another program read, and those that nobody tells of', () => {
    const rows = [said('python3'), said('1 + 1'), said('typed to cat'), said('b')];
    const { exact, extra } = score(rows, ['python3', 'b'], ['1 + 1'], ['typed to cat']);
    assert.deepEqual([exact, extra], [3, 0]);
  });

  it('joins rows as the target does', () => {
    const rows = [said('echo one \\'), said('two'), said('for i in 1'), said('do x; done')];
    const { exact, lines } = score(rows, ['echo one two', 'for i in 1\ndo x; done'], [], []);
    assert.deepEqual([exact, lines], [3, 3]);
  });
});
