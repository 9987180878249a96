/**
 * What a refused line leaves behind in programs with lines of their own and in shells inside others:
 * `test/cases/pty/refused-inside.tsv` has the name, the shells, a harmless line with what it makes
 * appear, and packets as `refusal.ts` sends them.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { casesOf } from './attacks.ts';
import { startClientDatabase } from './database.ts';
import { inShell, lives, seen, send, TIMEOUT_MS } from './refusal.ts';
import { isInstalled, startServices, type Services } from './services.ts';

/** What the programs of the cases need beside themselves; cases of a program that isn't there are left out. */
const NEEDS: Readonly<Record<string, string>> = {
  mysql: 'mariadbd',
  'redis-cli': 'redis-server',
  ssh: 'sshd',
};

describe('a line that is refused inside another program', () => {
  let services: Services;
  let database: Awaited<ReturnType<typeof startClientDatabase>>;

  before(async () => {
    database = await startClientDatabase();
    services = await startServices(new Set(Object.values(NEEDS).filter(isInstalled)));
  }).timeout(TIMEOUT_MS);

  after(async () => {
    await services.stop();
    await database.stop();
  }).timeout(TIMEOUT_MS);

  for (const { name, shells, alive, attack } of casesOf('refused-inside.tsv')) {
    const [program = ''] = name.split(/,? /);
    if (!isInstalled(NEEDS[program] ?? (program === 'an' ? 'sh' : program))) continue;
    it(`leaves nothing of itself there: ${name}`, async () => {
      await Promise.all(
        shells.map((shell) =>
          inShell(
            shell,
            async (sitting) => {
              const { terminal, place } = sitting;
              await send(sitting, attack);
              await seen(terminal, 'denied by rule "no-');
              await lives(sitting, `${name} in ${shell}`, alive);
              assert.ok(!existsSync(join(place.work, 'MARKER')), shell);
            },
            { ...database.env, ...services.env },
          ),
        ),
      );
    }).timeout(TIMEOUT_MS);
  }
});
