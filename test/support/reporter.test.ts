import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'mocha';

const ROOT = join(import.meta.dirname, '../..');

/** Runs mocha as `npm test` does, on one file with this text. */
function run(text: string): { status: number | null; lastLine: string; stdout: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-reporter-'));
  try {
    const file = join(folder, 'planted.test.cjs');
    writeFileSync(file, text);
    const options = ['--reporter', 'test/support/reporter.cjs', '--fail-zero', '--forbid-pending'];
    const { status, stdout } = spawnSync(
      process.execPath,
      ['node_modules/mocha/bin/mocha.js', ...options, '--reporter-option', 'lingerMs=200', file],
      { cwd: ROOT, encoding: 'utf8', timeout: 30_000 },
    );
    return { status, stdout, lastLine: stdout.trimEnd().split('\n').at(-1) ?? '' };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the test report', () => {
  for (const [what, text, lastLine] of [
    ['success', "it('a', () => {});", '1 passed, 0 failed'],
    [
      'failures of tests and hooks',
      `it('a', () => {}); it('b', () => { throw new Error('b'); });
       describe('c', () => { before(() => { throw new Error('c'); }); it('d', () => {}); });`,
      '1 passed, 2 failed',
    ],
    ['a run without tests as a failure', '', '0 passed, 1 failed'],
    [
      'a skipped test as a failure',
      "it.skip('a', () => {}); it('b', () => {});",
      '1 passed, 1 failed',
    ],
    [
      'a rejection that nobody handles as a failure',
      "it('a', () => { setTimeout(() => void Promise.reject(new Error('loose')), 50); });",
      '1 passed, 1 failed',
    ],
    [
      'what outlives the tests as a failure',
      "it('a', () => { require('node:net').createServer().listen(0); });",
      '1 passed, 1 failed',
    ],
    [
      'an exception after the last test as a failure',
      "it('a', () => { setTimeout(() => { throw new Error('late'); }, 50); });",
      '1 passed, 1 failed',
    ],
  ] as const) {
    it(`counts ${what}`, () => {
      const found = run(text);
      assert.equal(found.lastLine, lastLine, found.stdout);
      assert.equal(found.status === 0, lastLine.endsWith(' 0 failed'), `status ${found.status}`);
    });
  }

  it('names the test that a stray rejection fell into, and what was left open', () => {
    const rejecting = run("it('a', () => { void Promise.reject(new Error('loose')); });").stdout;
    assert.match(rejecting, /unhandled rejection during "a": Error: loose/);
    const leaking = run("it('a', () => { require('node:net').createServer().listen(0); });").stdout;
    assert.match(leaking, /the tests ended and this is left: .*TCPServerWrap/);
  });
});
