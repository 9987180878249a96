/** Runs sittings and adds up what came of them: per shell, and per program that has lines of its own. */
import type { ShellIntegration } from '../../server/access/target.ts';
import { attempt, attempts, type Attempt, type AttemptOutcome } from './adversary.ts';
import { addScore, emptyScore, type Score } from './score.ts';
import type { Shell } from './shells.ts';
import { SCENES, sit } from './sitting.ts';

export interface Total {
  readonly name: string;
  readonly score: Score;
  /** How long each Enter was held, milliseconds. */
  readonly delaysMs: number[];
  leaks: number;
}

export interface Measurement {
  readonly shells: readonly Shell[];
  readonly scenes: readonly string[];
  /** Of each shell. */
  readonly lines: number;
  readonly seed: number;
  readonly latencyMs: number;
  /** So many sittings at once. */
  readonly jobs: number;
  readonly marks?: ShellIntegration;
  /** For clients of databases. */
  readonly env: Readonly<Record<string, string>>;
  /** Called after each sitting. */
  readonly onSitting?: (one: Total) => void;
}

/** At least so many lines of each shell, and of each program, are exact. */
const LEAST_EXACT: Readonly<Record<string, number>> = { bash: 0.995, zsh: 0.995, fish: 0.995 };
const LEAST_EXACT_ELSEWHERE = 0.99;
const MOST_UNCERTAIN = 0.02;
/** Histories that tell the truth hold as few as 100 lines, and who loses the thread starts anew. */
const MAX_SITTING_LINES = 60;

export async function measure(measurement: Measurement): Promise<Total[]> {
  const { shells, scenes, lines, seed, latencyMs, marks = 'off', env } = measurement;
  const jobs = shells.flatMap((shell) => {
    const played = scenes.filter((name) => SCENES[name]?.shells?.includes(shell) ?? true);
    const each = Math.ceil(lines / played.length);
    return played.flatMap((scene) =>
      Array.from({ length: Math.ceil(each / MAX_SITTING_LINES) }, (_, sitting) => ({
        shell,
        scene,
        lines: Math.min(MAX_SITTING_LINES, each - sitting * MAX_SITTING_LINES),
      })),
    );
  });
  const totals = new Map<string, Total>();
  await inTurn(jobs, measurement.jobs, async (job, number) => {
    const { score, delaysMs, leaks } = await sit({
      ...job,
      seed: seed * 1000 + number,
      latencyMs,
      marks,
      env,
    });
    const one = { name: `${job.shell} ${job.scene}`, score, delaysMs: [...delaysMs], leaks };
    measurement.onSitting?.(one);
    const name = SCENES[job.scene]?.isProgram === true ? job.scene : job.shell;
    const total = totals.get(name) ?? { name, score: emptyScore(), delaysMs: [], leaks: 0 };
    totals.set(name, total);
    addScore(total.score, score);
    total.delaysMs.push(...delaysMs);
    total.leaks += leaks;
  });
  return [...totals.values()];
}

/** What is wrong with a total; empty when it is as it should be. */
export function shortcomings({ name, score, leaks }: Total): string[] {
  const least = LEAST_EXACT[name] ?? LEAST_EXACT_ELSEWHERE;
  return [
    ...(score.exact < least * score.lines ? [`${name}: fewer than ${least * 100} % exact`] : []),
    ...(score.uncertain > MOST_UNCERTAIN * score.lines ? [`${name}: too many uncertain`] : []),
    ...(leaks > 0 ? [`${name}: ${leaks} secrets were written down`] : []),
    ...(score.lines === 0 ? [`${name}: nothing was measured`] : []),
  ];
}

export interface Adversary {
  readonly count: number;
  readonly seed: number;
  readonly shells: readonly Shell[];
  readonly jobs: number;
  readonly marks?: ShellIntegration;
  /** Only those whose names contain this. */
  readonly recipe?: string;
  readonly onAttempt?: (one: Attempt, outcome: AttemptOutcome) => void;
}

/** @returns the attempts that ended with the denied command having run */
export async function resist(adversary: Adversary): Promise<Attempt[]> {
  const { count, seed, shells, jobs, marks = 'off', recipe = '', onAttempt } = adversary;
  const escaped: Attempt[] = [];
  await inTurn([...attempts({ count, seed, shells, recipe })], jobs, async (one) => {
    const outcome = await attempt(one, marks);
    if (outcome.hasEscaped) escaped.push(one);
    onAttempt?.(one, outcome);
  });
  return escaped;
}

async function inTurn<T>(
  list: readonly T[],
  jobs: number,
  work: (one: T, number: number) => Promise<void>,
): Promise<void> {
  const rest = list.entries();
  const worker = async (): Promise<void> => {
    for (const [number, one] of rest) await work(one, number);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}
