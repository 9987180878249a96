/**
 * Runs the tests in two lanes at once: those that drive real programs wait most of their time, and the
 * others have the processor meanwhile. The second lane's report follows the first one's; the last line
 * counts both. With `--soak` it runs the long ones instead, which wait for no change of every day.
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
/** Folders of the first lane. */
const PROGRAMS = /^(accuracy|e2e)[\\/]/;
/** Long runs: keys typed into a hundred programs, and faults under load. */
const LONG = /^(accuracy[\\/](refused-inside|accuracy)|e2e[\\/]faults)\.test\.ts$/;
const isSoak = process.argv.includes('--soak');
const LAST_LINE = /(\d+) passed, (\d+) failed\s*$/;
/** As much of a report's end as holds its last line. */
const MAX_TAIL = 200;

const files = readdirSync('test', { recursive: true })
  .filter((name) => name.endsWith('.test.ts') && LONG.test(name) === isSoak)
  .sort((one, other) => (one < other ? -1 : 1));
const folder = mkdtempSync(join(tmpdir(), 'sallyport-lanes-'));
const report = join(folder, 'second');
const [first, second] = await Promise.all([
  lane((name) => PROGRAMS.test(name), process.stdout),
  lane((name) => !PROGRAMS.test(name), createWriteStream(report)),
]);
await pipeline(createReadStream(report), process.stdout, { end: false });
rmSync(folder, { recursive: true });
const passed = first.passed + second.passed;
const failed = first.failed + second.failed;
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && first.status === 0 && second.status === 0 ? 0 : 1;

/** Runs these files; a lane that ends without its last line counts as one failure. */
async function lane(isOurs, out) {
  const paths = files.filter(isOurs).map((name) => join('test', name));
  if (paths.length === 0) return { status: 0, passed: 0, failed: 0 };
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
