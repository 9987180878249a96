/**
 * How often the bastion reads a line as the target does: `npm run accuracy -- --shell bash,zsh
 * --scene edits,ahead --lines 500 --seed 7`. Prints a table; ends with 1 when a figure is missed.
 */
import { parseArgs } from 'node:util';
import { startClientDatabase } from './database.ts';
import { SHELLS, type Shell } from './shells.ts';
import { SCENES, sit, type Outcome } from './sitting.ts';
import { addScore, emptyScore, type Score } from './score.ts';

const { values } = parseArgs({
  options: {
    shell: { type: 'string', default: SHELLS.join(',') },
    scene: { type: 'string', default: Object.keys(SCENES).join(',') },
    lines: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    latency: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '4' },
    verbose: { type: 'boolean', default: false },
  },
});

const shells = values.shell.split(',') as Shell[];
const wanted = values.scene.split(',');

interface Row {
  readonly name: string;
  readonly score: Score;
  readonly delaysMs: number[];
  leaks: number;
}

function scenesOf(shell: Shell): string[] {
  return wanted.filter((name) => SCENES[name]?.shells?.includes(shell) ?? true);
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(2)} %`;
}

function quantile(sorted: readonly number[], part: number): string {
  return sorted[Math.floor(sorted.length * part)]?.toFixed(0) ?? '-';
}

function print(row: Row): void {
  const { lines, exact, wrong, uncertain, missed, extra } = row.score;
  const delays = row.delaysMs.toSorted((one, other) => one - other);
  console.log(
    `${row.name.padEnd(18)} ${String(lines).padStart(6)} ${percent(exact, lines).padStart(9)} ` +
      `${String(wrong).padStart(6)} ${percent(uncertain, lines).padStart(9)} ${String(missed).padStart(6)} ` +
      `${String(extra).padStart(6)} ${quantile(delays, 0.5).padStart(5)} ${quantile(delays, 0.95).padStart(5)}` +
      (row.leaks > 0 ? `  ${row.leaks} SECRETS` : ''),
  );
}

const jobs = shells.flatMap((shell) =>
  scenesOf(shell).map((scene) => ({ shell, scene, share: scenesOf(shell).length })),
);
const database = wanted.includes('psql') ? await startClientDatabase() : null;
const totals = new Map<Shell, Row>();
console.log('shell scene         lines     exact  wrong uncertain missed  extra   p50   p95');
let next = 0;
async function work(): Promise<void> {
  for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) {
    const { shell, scene, share } = job;
    const outcome: Outcome = await sit({
      shell,
      scene,
      lines: Math.ceil(Number(values.lines) / share),
      seed: Number(values.seed) * 1000 + jobs.indexOf(job),
      latencyMs: Number(values.latency),
      env: database?.env ?? {},
    });
    print({ name: `${shell} ${scene}`, ...outcome, delaysMs: [...outcome.delaysMs] });
    if (values.verbose) for (const line of outcome.score.differences) console.log(`    ${line}`);
    const total = totals.get(shell) ?? { name: shell, score: emptyScore(), delaysMs: [], leaks: 0 };
    totals.set(shell, total);
    addScore(total.score, outcome.score);
    total.delaysMs.push(...outcome.delaysMs);
    total.leaks += outcome.leaks;
  }
}
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
for (const row of totals.values()) print(row);
await database?.stop();
process.exit(0);
