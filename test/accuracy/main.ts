/**
 * How often the bastion reads a line as the target does:
 * `npm run accuracy -- --shell bash,zsh --scene edits,ahead --lines 500 --seed 7`. And whether anybody
 * gets a denied command past it: `npm run accuracy -- --adversary 2000`. With `--marks observe` or
 * `--marks inject` the shells mark their prompts and commands, and the bastion makes use of it. Ends
 * with 1 when a figure is missed.
 */
import { parseArgs } from 'node:util';
import type { ShellIntegration } from '../../server/access/target.ts';
import { startClientDatabase } from './database.ts';
import { measure, resist, shortcomings, type Total } from './measure.ts';
import { isInstalled, startServices } from './services.ts';
import { SHELLS, type Shell } from './shells.ts';
import { SCENES } from './sitting.ts';

const { values } = parseArgs({
  options: {
    shell: { type: 'string', default: SHELLS.join(',') },
    scene: { type: 'string', default: Object.keys(SCENES).join(',') },
    lines: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    latency: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '4' },
    adversary: { type: 'string' },
    recipe: { type: 'string' },
    marks: { type: 'string', default: 'off' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`--shell   ${SHELLS.join(',')}
--scene   ${Object.keys(SCENES).join(',')}
--lines   of each shell, at least (200)
--seed    another one gives another run (1)
--latency each way, milliseconds (10)
--jobs    so many terminals at once (4)
--verbose shows every line that was read otherwise
--adversary N  tries N times to get a denied command past the gate
--recipe  only attempts whose names contain this`);
  process.exit(0);
}
const shells = values.shell.split(',') as Shell[];
const seed = Number(values.seed);
const jobs = Number(values.jobs);
const marks = values.marks as ShellIntegration;

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(2)} %`;
}

function quantile(sorted: readonly number[], part: number): string {
  return sorted[Math.floor(sorted.length * part)]?.toFixed(0) ?? '-';
}

function print({ name, score, delaysMs, leaks }: Total): void {
  const { lines, exact, wrong, uncertain, missed, extra } = score;
  const delays = delaysMs.toSorted((one, other) => one - other);
  console.log(
    `${name.padEnd(18)} ${String(lines).padStart(6)} ${percent(exact, lines).padStart(9)} ` +
      `${String(wrong).padStart(6)} ${percent(uncertain, lines).padStart(9)} ${String(missed).padStart(6)} ` +
      `${String(extra).padStart(6)} ${quantile(delays, 0.5).padStart(5)} ${quantile(delays, 0.95).padStart(5)}` +
      (leaks > 0 ? `  ${leaks} SECRETS` : ''),
  );
}

async function printAccuracy(): Promise<boolean> {
  const scenes = values.scene.split(',');
  const there = scenes.filter((name) => isInstalled(SCENES[name]?.needs ?? 'sh'));
  for (const one of scenes) if (!there.includes(one)) console.log(`left out: ${one}`);
  const database = there.includes('psql') ? await startClientDatabase() : null;
  const services = await startServices(new Set(there.map((name) => SCENES[name]?.needs ?? '')));
  console.log('shell scene         lines     exact  wrong uncertain missed  extra   p50   p95');
  const totals = await measure({
    shells,
    scenes: there,
    lines: Number(values.lines),
    seed,
    latencyMs: Number(values.latency),
    jobs,
    marks,
    env: { ...database?.env, ...services.env },
    onSitting: (one) => {
      print(one);
      if (values.verbose) for (const line of one.score.differences) console.log(`    ${line}`);
    },
  });
  await database?.stop();
  await services.stop();
  console.log();
  for (const total of totals) print(total);
  const missed = totals.flatMap(shortcomings);
  for (const one of missed) console.log(one);
  return missed.length === 0;
}

async function printResistance(count: number): Promise<boolean> {
  let done = 0;
  const escaped = await resist({
    count,
    seed,
    shells,
    jobs,
    marks,
    ...(values.recipe === undefined ? {} : { recipe: values.recipe }),
    onAttempt: ({ name, shell, attack, latencyMs }, { hasEscaped, rows }) => {
      done += 1;
      if (hasEscaped || values.verbose) {
        console.log(`${hasEscaped ? 'ESCAPED' : 'held   '} ${shell} ${name} (${latencyMs} ms)`);
        console.log(`    ${JSON.stringify(attack)}`);
        for (const row of rows) console.log(`    ${row}`);
      } else if (done % 100 === 0) console.log(`${done} attempts`);
    },
  });
  console.log(`${done} attempts, ${escaped.length} denied commands executed`);
  return escaped.length === 0 && done === count;
}

const isGood =
  values.adversary === undefined
    ? await printAccuracy()
    : await printResistance(Number(values.adversary));
process.exit(isGood ? 0 : 1);
