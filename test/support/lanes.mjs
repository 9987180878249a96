/**
 * Runs the tests in three lanes at once: those that drive real programs wait most of their time, and the
 * others have the processor meanwhile. The reports follow one another; the last line counts all of them.
 * With `--soak` it runs the long ones instead, which wait for no change of every day.
 */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const OPTIONS = [
  '--reporter',
  'test/support/reporter.cjs',
  '--fail-zero',
  '--forbid-only',
  '--forbid-pending',
  // Real programs on a busy machine may be late once; what fails three times fails.
  '--retries',
  '2',
];
/** Folders of tests that drive real programs; they share two lanes. */
const PROGRAMS = /^(accuracy|e2e|matrix)[\\/]/;
/** Long runs: keys typed into a hundred programs, faults under load, playbooks, transfers that stand still. */
const LONG =
  /^(accuracy[\\/](refused-inside|accuracy)|e2e[\\/](faults|ansible)|matrix[\\/](stalled|playbooks))\.test\.ts$/;
const isSoak = process.argv.includes('--soak');
const LAST_LINE = /(\d+) passed, (\d+) failed\s*$/;
/** As much of a report's end as holds its last line. */
const MAX_TAIL = 200;

const files = readdirSync('test', { recursive: true })
  .filter((name) => name.endsWith('.test.ts') && LONG.test(name) === isSoak)
  .sort((one, other) => (one < other ? -1 : 1));
const programs = files.filter((name) => PROGRAMS.test(name));
const lanes = [
  programs.filter((_, index) => index % 2 === 0),
  programs.filter((_, index) => index % 2 === 1),
  files.filter((name) => !PROGRAMS.test(name)),
];
const folder = mkdtempSync(join(tmpdir(), 'sallyport-lanes-'));
const reports = lanes.map((_, index) => join(folder, `lane-${index}`));
const outcomes = await Promise.all(
  lanes.map((own, index) =>
    lane(own, index === 0 ? process.stdout : createWriteStream(reports[index])),
  ),
);
for (const report of reports.slice(1)) {
  await pipeline(createReadStream(report), process.stdout, { end: false });
}
rmSync(folder, { recursive: true });
const sum = (count) => outcomes.reduce((total, outcome) => total + count(outcome), 0);
const failed = sum((outcome) => outcome.failed);
process.stdout.write(`\n${sum((outcome) => outcome.passed)} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && outcomes.every(({ status }) => status === 0) ? 0 : 1;

/** Runs these files; a lane that ends without its last line counts as one failure. */
async function lane(names, out) {
  const paths = names.map((name) => join('test', name));
  if (paths.length === 0) {
    if (out !== process.stdout) await new Promise((resolve) => out.end(resolve));
    return { status: 0, passed: 0, failed: 0 };
  }
  const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
  const child = spawn(process.execPath, [mocha, ...OPTIONS, ...paths], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      tail = (tail + chunk.toString()).slice(-MAX_TAIL);
      out.write(chunk);
    });
  }
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (out !== process.stdout) await new Promise((resolve) => out.end(resolve));
  const [, passed, failed] = LAST_LINE.exec(tail) ?? [];
  if (passed === undefined) return { status, passed: 0, failed: 1 };
  return { status, passed: Number(passed), failed: Number(failed) };
}
