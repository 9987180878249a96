/**
 * Runs the tests in three lanes at once: those that drive real programs wait most of their time, and the
 * others have the processor meanwhile. A lane that is free takes the next files, first those of its own
 * kind. The reports follow one another; the last line counts all of them. With `--soak` it runs the long
 * ones instead, which wait for no change of every day.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
/** Folders of tests that drive real programs. */
const PROGRAMS = /^(accuracy|e2e|matrix)[\\/]/;
/** Long runs: keys typed into a hundred programs, faults under load, playbooks, transfers that stand still. */
const LONG =
  /^(accuracy[\\/](refused-inside|accuracy)|e2e[\\/](faults|ansible)|matrix[\\/](stalled|playbooks|many-files))\.test\.ts$/;
/** Files of one run of mocha: few enough that the lanes end at about the same time. */
const PROGRAM_FILES = 4;
const OTHER_FILES = 60;
const isSoak = process.argv.includes('--soak');
const LAST_LINE = /(\d+) passed, (\d+) failed\s*$/;
/** As much of a report's end as holds its last line. */
const MAX_TAIL = 200;

const files = readdirSync('test', { recursive: true })
  .filter((name) => name.endsWith('.test.ts') && LONG.test(name) === isSoak)
  .sort((one, other) => (one < other ? -1 : 1));
// The matrix takes longest and has the last name: what is long goes first.
const programs = batches(files.filter((name) => PROGRAMS.test(name)).toReversed(), PROGRAM_FILES);
const others = batches(
  files.filter((name) => !PROGRAMS.test(name)),
  OTHER_FILES,
);
const folder = mkdtempSync(join(tmpdir(), 'sallyport-lanes-'));
const outcomes = [];
/** Settles when all reports so far have been printed. */
let printed = Promise.resolve();

await Promise.all([lane(programs, others), lane(programs, others), lane(others, programs)]);
await printed;
rmSync(folder, { recursive: true });
const sum = (count) => outcomes.reduce((total, outcome) => total + count(outcome), 0);
const failed = sum((outcome) => outcome.failed);
process.stdout.write(`\n${sum((outcome) => outcome.passed)} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && outcomes.every(({ status }) => status === 0) ? 0 : 1;

function batches(names, size) {
  const count = Math.ceil(names.length / size);
  // Neighbours are alike; every batch gets some of each kind.
  return Array.from({ length: count }, (_, at) => names.filter((_, index) => index % count === at));
}

/** Runs batches of both queues until there are none. */
async function lane(first, second) {
  for (let names = next(); names !== undefined; names = next()) {
    outcomes.push(await run(names));
  }
  function next() {
    return first.shift() ?? second.shift();
  }
}

async function print(report) {
  for await (const chunk of createReadStream(report)) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}

/** Runs these files; a run that ends without its last line counts as one failure. */
async function run(names) {
  const report = join(folder, names[0].replaceAll(/\W/g, '-'));
  const out = createWriteStream(report);
  const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
  const paths = names.map((name) => join('test', name));
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
  await new Promise((resolve) => out.end(resolve));
  printed = printed.then(() => print(report));
  const [, passed, failed] = LAST_LINE.exec(tail) ?? [];
  if (passed === undefined) return { status, passed: 0, failed: 1 };
  return { status, passed: Number(passed), failed: Number(failed) };
}
