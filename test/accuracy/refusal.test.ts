/** What a refused, a held and an approved line leave behind in real shells. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { recipesOf, type Attack } from './attacks.ts';
import { INTERRUPT, inShell, lives, rest, seen, send, TIMEOUT_MS, until } from './refusal.ts';
import type { Shell } from './shells.ts';

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
        inShell(shell, async ({ terminal, place }) => {
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
    await inShell('bash', async ({ terminal }) => {
      terminal.send('echo a\rtouch MARKER\recho b\recho c\recho d');
      await seen(terminal, 'what was typed or pasted behind it is dropped (3 lines)');
    });
  }).timeout(TIMEOUT_MS);
});

describe('a line that is held in a real shell', () => {
  it('is given up by Ctrl-C that comes in the same packet', async () => {
    await inShell('bash', async (sitting) => {
      const { terminal, place } = sitting;
      terminal.send(`mkdir HELD\r${INTERRUPT}`);
      await seen(terminal, 'cancelled');
      await lives(sitting, 'bash');
      assert.ok(!existsSync(join(place.work, 'HELD')));
    });
  }).timeout(TIMEOUT_MS);

  it('lets output through, follows the size, and keeps what is typed meanwhile', async () => {
    await inShell('bash', async ({ terminal, place }) => {
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
    await inShell('bash', async (sitting) => {
      const { terminal, place } = sitting;
      // Draws another line over the one that waits, as a widget that changes it would.
      terminal.send("(sleep 0.7; printf '\\r\\033[Kroot@host:~/work# rmdir HELD') &\r");
      await rest(300);
      terminal.send('mkdir HELD\r');
      await until(() => terminal.approvals.length === 1, 'the request');
      await rest(900);
      terminal.decide({ kind: 'approved', by: 'ann', reason: null });
      await seen(terminal, 'no longer the one that was approved');
      assert.ok(!existsSync(join(place.work, 'HELD')));
      await lives(sitting, 'bash');
    });
  }).timeout(TIMEOUT_MS);

  it('shows approvers both readings when keys and screen contradict each other', async () => {
    await inShell('bash', async ({ terminal }) => {
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
  await inShell(shell, async (sitting) => {
    const { terminal, place } = sitting;
    await send(sitting, attack);
    await seen(terminal, 'denied by rule "no-marker"');
    await lives(sitting, `${name} in ${shell}`);
    for (const file of ['MARKER', 'M2']) assert.ok(!existsSync(join(place.work, file)), shell);
  });
}
