/** Lets an adversary try to get a denied command past the gate, and looks whether it ever ran. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ShellIntegration } from '../../server/access/target.ts';
import { RECIPES, type Attack } from './attacks.ts';
import { Random } from './random.ts';
import { Place, type Shell } from './shells.ts';
import { endMultiplexers } from './sitting.ts';
import { Terminal } from './terminal.ts';

export interface Attempt {
  readonly name: string;
  readonly shell: Shell;
  readonly attack: Attack;
  readonly latencyMs: number;
}

export interface AttemptOutcome {
  /** The denied command ran. */
  readonly hasEscaped: boolean;
  /** What the bastion wrote down. */
  readonly rows: readonly string[];
}

/** The denied command is denied; so is everything that can't be read for certain. */
const POLICY = {
  default: 'allow',
  uncertain: 'deny',
  holdTimeout: '10m',
  rules: [{ name: 'no-marker', action: 'deny', match: { command: ['touch *'] } }],
};
/** For a shell to start, milliseconds. */
const START_MS = 5000;
const STEP_MS = 5;
/** Long enough for everything that was typed ahead to have come to its end. */
const END_MS = 350;

/** The attempts of a run: every recipe once in every shell that it is for, and then at random. */
export function* attempts(run: {
  readonly count: number;
  readonly seed: number;
  readonly shells: readonly Shell[];
  /** Only recipes with this in their names. */
  readonly recipe: string;
}): Generator<Attempt> {
  const random = new Random(run.seed);
  const all = RECIPES.filter(({ name }) => name.includes(run.recipe)).flatMap((recipe) =>
    recipe.shells.filter((shell) => run.shells.includes(shell)).map((shell) => ({ recipe, shell })),
  );
  const varying = all.filter(({ recipe }) => recipe.varies);
  for (let n = 0; n < run.count; n += 1) {
    // What is different every time is worth more attempts.
    const list = varying.length > 0 && random.chance(0.5) ? varying : all;
    const { recipe, shell } = all[n] ?? random.pick(list);
    yield {
      name: recipe.name,
      shell,
      attack: recipe.make(random),
      latencyMs: random.pick([1, 5, 10, 25]),
    };
  }
}

export async function attempt(
  { shell, attack, latencyMs }: Attempt,
  marks: ShellIntegration,
): Promise<AttemptOutcome> {
  const place = new Place(shell, { rightPrompt: false, suggests: false, marks });
  const terminal = new Terminal({
    launch: place.launch(),
    folder: place.work,
    cols: 80,
    rows: 24,
    latencyMs,
    policy: POLICY,
    marks,
  });
  try {
    const end = performance.now() + START_MS;
    while (place.prompts() === 0 && performance.now() < end) await sleep(STEP_MS);
    await sleep(60 + 2 * latencyMs);
    terminal.send('true warm\r');
    await sleep(120 + 4 * latencyMs);
    for (const step of attack) {
      if (typeof step === 'string') terminal.send(step);
      await sleep(typeof step === 'number' ? step + 2 * latencyMs : STEP_MS);
    }
    await quiet(terminal);
    terminal.send('\u0003');
    await quiet(terminal);
    return {
      hasEscaped: existsSync(join(place.work, 'MARKER')),
      rows: terminal.rows.map(
        ({ text, decision }) => `${decision.verdict} ${JSON.stringify(text)}`,
      ),
    };
  } finally {
    endMultiplexers(place);
    await terminal.close();
    place.remove();
  }
}

async function quiet(terminal: Terminal): Promise<void> {
  const end = performance.now() + 8 * END_MS;
  while (performance.now() - terminal.lastActivityMs < END_MS && performance.now() < end) {
    await sleep(STEP_MS);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
