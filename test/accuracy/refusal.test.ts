/** What a refused, a held and an approved line leave behind in real shells. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { recipesOf, type Attack } from './attacks.ts';
import { Place, type Shell } from './shells.ts';
import { Terminal } from './terminal.ts';

const POLICY = {
  default: 'allow',
  uncertain: 'hold',
  holdTimeout: '10m',
  rules: [
    { name: 'no-marker', action: 'deny', match: { command: ['touch *'] } },
    { name: 'ask', action: 'hold', match: { command: ['mkdir *'] } },
  ],
};
const LATENCY_MS = 5;
const STEP_MS = 50;
const PATIENCE_MS = 10_000;
const TIMEOUT_MS = 120_000;
/** Put together so that its echo isn't taken for its output. */
const ALIVE = "echo al''ive";
const INTERRUPT = '\u0003';

describe('a line that is refused in a real shell', () => {
  for (const { name, shells, make } of recipesOf('refused.tsv')) {
    it(`leaves nothing of itself in the editor: ${name}`, async () => {
      // The cases vary nothing.
      const attack = (make as unknown as () => Attack)();
      await Promise.all(shells.map((shell) => leavesNothing(shell, attack, name)));
    }).timeout(TIMEOUT_MS);
  }

  it('is followed by one new prompt', async () => {
    await Promise.all(
      (['bash', 'zsh'] as const).map((shell) =>
        inShell(shell, async (terminal, place) => {
          const prompts = place.prompts();
          terminal.send('touch MARKER\r');
          await seen(terminal, 'denied by rule');
          await until(() => place.prompts() > prompts, 'a prompt');
          await rest(300);
          assert.equal(place.prompts(), prompts + 1, shell);
        }),
      ),
    );
  }).timeout(TIMEOUT_MS);

  it('says how many lines behind it are dropped', async () => {
    await inShell('bash', async (terminal) => {
      terminal.send('echo a\rtouch MARKER\recho b\recho c\recho d');
      await seen(terminal, 'what was typed or pasted behind it is dropped (3 lines)');
    });
  }).timeout(TIMEOUT_MS);
});

describe('a line that is held in a real shell', () => {
  it('is given up by Ctrl-C that comes in the same packet', async () => {
    await inShell('bash', async (terminal, place) => {
      terminal.send(`mkdir HELD\r${INTERRUPT}`);
      await seen(terminal, 'cancelled');
      await lives(terminal, 'bash');
      assert.ok(!existsSync(join(place.work, 'HELD')));
    });
  }).timeout(TIMEOUT_MS);

  it('lets output through, follows the size, and keeps what is typed meanwhile', async () => {
    await inShell('bash', async (terminal, place) => {
      terminal.send("(sleep 0.6; echo from the ''job) &\r");
      await rest(200);
      terminal.send('mkdir HELD\r');
      await until(() => terminal.approvals.length === 1, 'the request');
      terminal.resize(100, 30);
      terminal.send('stty size\r');
      await seen(terminal, 'from the job');
      terminal.decide({ kind: 'approved', by: 'ann', reason: null });
      await seen(terminal, '30 100');
      assert.ok(existsSync(join(place.work, 'HELD')));
    });
  }).timeout(TIMEOUT_MS);

  it('is not run when another one stands there at the time of the approval', async () => {
    await inShell('bash', async (terminal, place) => {
      // Draws another line over the one that waits, as a widget that changes it would.
      terminal.send("(sleep 0.7; printf '\\r\\033[Kroot@host:~/work# rmdir HELD') &\r");
      await rest(300);
      terminal.send('mkdir HELD\r');
      await until(() => terminal.approvals.length === 1, 'the request');
      await rest(900);
      terminal.decide({ kind: 'approved', by: 'ann', reason: null });
      await seen(terminal, 'no longer the one that was approved');
      assert.ok(!existsSync(join(place.work, 'HELD')));
      await lives(terminal, 'bash');
    });
  }).timeout(TIMEOUT_MS);

  it('shows approvers both readings when keys and screen contradict each other', async () => {
    await inShell('bash', async (terminal) => {
      terminal.send("(sleep 0.5; printf '\\r\\033[Kroot@host:~/work# echo hi') &\r");
      await rest(150);
      terminal.send('mkdir HELD');
      await rest(600);
      terminal.send('\r');
      await until(() => terminal.approvals.length === 1, 'the request');
      const text = terminal.approvals[0]?.text ?? '';
      assert.match(text, /mkdir HELD/);
      assert.match(text, /echo hi/);
      assert.equal(terminal.rows.at(-1)?.text, text);
      terminal.send(INTERRUPT);
      await seen(terminal, 'cancelled');
    });
  }).timeout(TIMEOUT_MS);
});

async function leavesNothing(shell: Shell, attack: Attack, name: string): Promise<void> {
  await inShell(shell, async (terminal, place) => {
    for (const step of attack) {
      if (typeof step === 'string') terminal.send(step);
      await rest(typeof step === 'number' ? step : STEP_MS);
    }
    await seen(terminal, 'denied by rule "no-marker"');
    await lives(terminal, `${name} in ${shell}`);
    for (const file of ['MARKER', 'M2']) assert.ok(!existsSync(join(place.work, file)), shell);
  });
}

/** The next line is read and run as it was typed. */
async function lives(terminal: Terminal, what: string): Promise<void> {
  await quiet(terminal);
  terminal.send(`${ALIVE}\r`);
  await seen(terminal, 'alive');
  const last = terminal.rows.at(-1);
  assert.deepEqual([last?.text, last?.certainty], [ALIVE, 'observed'], what);
}

async function inShell(
  shell: Shell,
  play: (terminal: Terminal, place: Place) => Promise<void>,
): Promise<void> {
  const place = new Place(shell, { rightPrompt: false, suggests: false, marks: 'off' });
  const size = { cols: 80, rows: 24 };
  const terminal = new Terminal({
    launch: place.launch(),
    folder: place.work,
    ...size,
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
    await play(terminal, place);
  } finally {
    await terminal.close();
    place.remove();
  }
}

async function seen(terminal: Terminal, text: string): Promise<void> {
  await until(
    () => terminal.since(0).includes(text),
    `"${text}" in ${JSON.stringify(terminal.since(0))}`,
  );
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await rest(5);
  }
}

async function quiet(terminal: Terminal): Promise<void> {
  await until(() => performance.now() - terminal.lastActivityMs > 150, 'quiet');
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
