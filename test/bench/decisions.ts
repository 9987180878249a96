/**
 * What a decision costs: `policy test --stdin` as a whole process, single decisions in this one, and the
 * worst of the inputs that are made to be slow. The lines are those of the case files.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { DEFAULT_POLICY } from '../../server/policy/default-policy.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import { judge } from '../../server/policy/judge.ts';
import type { Policy } from '../../server/policy/policy.ts';
import { FACTS } from '../policy/support.ts';
import { BOMBS } from '../support/bombs.ts';
import { percentile } from './statistics.ts';

const CASES = new URL('../cases/policy/', import.meta.url);
const SALLYPORT = fileURLToPath(new URL('../../server/sallyport.mjs', import.meta.url));
/** Lines before the first that counts. */
const WARM_UP_LINES = 5_000;
const BOMB_ROUNDS = 3;

export interface Decisions {
  readonly policy: string;
  /** From the answer that ends the warm-up to the last one, JSON in and out. */
  readonly perSecondEndToEnd: number;
  readonly perSecondInProcess: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly worstBomb: { readonly name: string; readonly processorMs: number };
}

function commands(): string[] {
  return ['benign.jsonl', 'bypass.jsonl'].flatMap((name) =>
    readFileSync(new URL(name, CASES), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { command: string }).command),
  );
}

/** Under the policy of the corpora and under the one that ships. */
export async function measureDecisions(folder: string, lines: number): Promise<Decisions[]> {
  const corpus = parse(readFileSync(new URL('corpus.yaml', CASES), 'utf8')) as {
    policies: { corpus: object };
  };
  const found: Decisions[] = [];
  for (const [name, document] of [
    ['of the corpora', corpus.policies.corpus],
    ['that ships', DEFAULT_POLICY],
  ] as const) {
    const compiled = compilePolicy('bench', document);
    if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
    const file = join(folder, 'policy.yaml');
    await writeFile(file, JSON.stringify({ policies: { bench: document } }));
    found.push({
      policy: name,
      perSecondEndToEnd: await endToEnd(file, lines),
      ...inProcess(compiled.policy, lines),
      worstBomb: worstBomb(compiled.policy),
    });
  }
  return found;
}

async function endToEnd(policyFile: string, lines: number): Promise<number> {
  const all = commands();
  const questions = Array.from(
    { length: WARM_UP_LINES + lines },
    (_, id) => `${JSON.stringify({ id, command: all[id % all.length] })}\n`,
  );
  const child = spawn(
    process.execPath,
    [SALLYPORT, 'policy', 'test', '--policy', policyFile, '--stdin'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  child.stdin.end(questions.join(''));
  let answers = 0;
  let startedMs = 0;
  let counted = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    for (const byte of chunk) if (byte === 0x0a) answers++;
    if (startedMs === 0 && answers >= WARM_UP_LINES) {
      startedMs = performance.now();
      counted = answers;
    }
  }
  return Math.round(((answers - counted) / (performance.now() - startedMs)) * 1000);
}

function inProcess(
  policy: Policy,
  lines: number,
): Pick<Decisions, 'perSecondInProcess' | 'p50Ms' | 'p99Ms' | 'longestMs'> {
  const all = commands();
  const timesMs: number[] = [];
  for (let at = 0; at < WARM_UP_LINES + lines; at++) {
    const before = performance.now();
    judge(policy, FACTS, { text: all[at % all.length] ?? '', language: 'shell' });
    if (at >= WARM_UP_LINES) timesMs.push(performance.now() - before);
  }
  const totalMs = timesMs.reduce((sum, one) => sum + one, 0);
  return {
    perSecondInProcess: Math.round((timesMs.length / totalMs) * 1000),
    p50Ms: percentile(timesMs, 0.5),
    p99Ms: percentile(timesMs, 0.99),
    longestMs: percentile(timesMs, 1),
  };
}

/** By processor time, the best of a few rounds each, so that other work on the machine counts less. */
function worstBomb(policy: Policy): Decisions['worstBomb'] {
  let worst = { name: 'none', processorMs: 0 };
  for (const [name, text] of Object.entries(BOMBS)) {
    let bestMs = Number.POSITIVE_INFINITY;
    for (let round = 0; round < BOMB_ROUNDS; round++) {
      const before = process.cpuUsage();
      judge(policy, FACTS, { text, language: 'shell' });
      const { user, system } = process.cpuUsage(before);
      bestMs = Math.min(bestMs, (user + system) / 1000);
    }
    if (bestMs > worst.processorMs) worst = { name, processorMs: bestMs };
  }
  return worst;
}

export function renderDecisions(all: readonly Decisions[]): string {
  const lines = all.map((one) => {
    const { policy, perSecondEndToEnd, perSecondInProcess, p50Ms, p99Ms, longestMs, worstBomb } =
      one;
    return (
      `decisions under the policy ${policy}: ${perSecondEndToEnd} a second end to end, ` +
      `${perSecondInProcess} in process, p50 ${p50Ms.toFixed(3)} ms, p99 ${p99Ms.toFixed(3)} ms, ` +
      `longest ${longestMs.toFixed(1)} ms; worst bomb ${worstBomb.processorMs.toFixed(1)} ms (${worstBomb.name})\n`
    );
  });
  return lines.join('');
}
