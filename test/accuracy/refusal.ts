/** What the tests of refused and held lines share: a policy, a shell behind the bastion, and waiting. */
import assert from 'node:assert/strict';
import type { Attack } from './attacks.ts';
import { Place, type Shell } from './shells.ts';
import { endMultiplexers } from './sitting.ts';
import { Terminal } from './terminal.ts';

const POLICY = {
  default: 'allow',
  uncertain: 'hold',
  holdTimeout: '10m',
  rules: [
    { name: 'no-marker', action: 'deny', match: { command: ['touch *', 'redis-cli flushall'] } },
    { name: 'no-drop', action: 'deny', match: { sql: 'drop table *' } },
    { name: 'ask', action: 'hold', match: { command: ['mkdir *'] } },
    { name: 'ask-sql', action: 'hold', match: { sql: 'delete from *' } },
  ],
};
const LATENCY_MS = 5;
const STEP_MS = 50;
const PATIENCE_MS = 10_000;
/** Nothing moves for so long when everything has been said; longer than a paste may pause. */
const QUIET_MS = 250;
export const TIMEOUT_MS = 120_000;
export const INTERRUPT = '\u0003';

/** A line that is harmless, and what it makes appear; put together so that its echo isn't taken for it. */
export interface Alive {
  readonly line: string;
  readonly answer: string;
}

export const ALIVE: Alive = { line: "echo al''ive", answer: 'alive' };

export interface Sitting {
  readonly shell: Shell;
  readonly terminal: Terminal;
  readonly place: Place;
  /** What stood before the cursor where the case said `<prompt>`; at first the shell's own prompt. */
  prompt: string;
}

export async function inShell(
  shell: Shell,
  play: (sitting: Sitting) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const place = new Place(shell, { rightPrompt: false, suggests: false, marks: 'off' });
  const launch = place.launch();
  const terminal = new Terminal({
    launch: { ...launch, env: { ...launch.env, ...env } },
    folder: place.work,
    cols: 80,
    rows: 24,
    latencyMs: LATENCY_MS,
    policy: POLICY,
    marks: 'off',
  });
  try {
    await until(() => place.prompts() > 0, `${shell} to start`);
    await quiet(terminal);
    terminal.send('true warm\r');
    await until(() => place.prompts() > 1, `${shell} to prompt`);
    await quiet(terminal);
    await play({ shell, terminal, place, prompt: terminal.cursorLine });
  } finally {
    endMultiplexers(place);
    await terminal.close();
    place.remove();
  }
}

/**
 * Sends the packets of a case. `<prompt>` waits for quiet and remembers what stands before the cursor;
 * `<approve>` approves the line that is held; `?text` waits until that has come.
 */
export async function send(sitting: Sitting, attack: Attack): Promise<void> {
  const { terminal } = sitting;
  let sentAt = terminal.seen;
  for (const step of attack) {
    if (step === '<prompt>') {
      await quiet(terminal);
      sitting.prompt = terminal.cursorLine;
    } else if (step === '<approve>') {
      await until(() => terminal.approvals.length > 0, 'a line that is held');
      terminal.decide({ kind: 'approved', by: 'ann', reason: null });
    } else if (typeof step === 'string' && step.startsWith('?')) {
      const from = sentAt;
      await until(
        () => terminal.since(from).includes(step.slice(1)),
        `${step} in ${JSON.stringify(terminal.since(from))}`,
      );
    } else {
      if (typeof step === 'string') {
        sentAt = terminal.seen;
        terminal.send(step);
      }
      await rest(typeof step === 'number' ? step : STEP_MS);
    }
  }
}

/** The prompt is there again, and the next line is read and run as it was typed. */
export async function lives(sitting: Sitting, what: string, alive: Alive = ALIVE): Promise<void> {
  const { terminal, prompt } = sitting;
  await quiet(terminal);
  await until(
    () => terminal.cursorLine.trimEnd() === prompt.trimEnd(),
    () => `${prompt} of ${what} in ${JSON.stringify(terminal.since(0).slice(-1500))}`,
  );
  const from = terminal.seen;
  const { length } = terminal.rows;
  terminal.send(`${alive.line}\r`);
  // Some consoles show what a line would give before it is submitted.
  await until(() => terminal.rows.length > length, `a row of "${alive.line}", ${what}`);
  await until(
    () => terminal.since(from).includes(alive.answer),
    `"${alive.answer}", ${what}: ${JSON.stringify(terminal.since(0).slice(-1500))}`,
  );
  const last = terminal.rows.at(-1);
  assert.deepEqual([last?.text, last?.certainty], [alive.line, 'observed'], what);
}

export async function seen(terminal: Terminal, text: string): Promise<void> {
  await until(
    () => terminal.since(0).includes(text),
    `"${text}" in ${JSON.stringify(terminal.since(0).slice(-1500))}`,
  );
}

/** @param what a function, where it says what is there when the patience ends */
export async function until(
  condition: () => boolean,
  what: string | (() => string),
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
    }
    await rest(5);
  }
}

export async function quiet(terminal: Terminal): Promise<void> {
  await until(() => performance.now() - terminal.lastActivityMs > QUIET_MS, 'quiet');
}

export function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
