/**
 * `npm run matrix`: every client against a real sshd, past the bastion, through it and by a jump. Prints
 * the table as Markdown, and below it whatever differs. Everything is moved at full size.
 * `--client NAME` and `--check NAME` (both may be repeated) run a part; `--megabytes N` changes the size.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../../server/errors.ts';
import { CHECKS, compareWays, tryCheck, type CheckName, type Facts } from './check.ts';
import { CLIENTS } from './clients.ts';
import { openScene, type Way } from './scene.ts';
import { renderTable, type Result } from './table.ts';

const { values: options } = parseArgs({
  options: {
    client: { type: 'string', multiple: true },
    check: { type: 'string', multiple: true },
    megabytes: { type: 'string', default: '100' },
  },
});

/** Those that were asked for; all when none was. Throws on a name that isn't one. */
function chosen<T extends string>(all: readonly T[], asked: readonly string[] | undefined): T[] {
  const unknown = (asked ?? []).filter((name) => !(all as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(`there is no ${unknown.join(', ')}; there are ${all.join(', ')}`);
  }
  return all.filter((name) => asked === undefined || asked.includes(name));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(): Promise<number> {
  const megabytes = Number(options.megabytes);
  if (!(megabytes >= 1 && megabytes <= 10_000)) throw new Error('--megabytes takes 1 to 10000');
  const names = chosen(
    CLIENTS.map(({ name }) => name),
    options.client,
  );
  const checks = chosen<CheckName>(CHECKS, options.check);
  const clients = CLIENTS.filter(({ name }) => names.includes(name));
  await using scene = await openScene();
  const results: Result[] = [];
  for (const client of clients) {
    const missing = (await client.missing?.(scene)) ?? null;
    for (const check of checks) {
      if (client.checks[check] === undefined) continue;
      const found: Record<'bastion' | 'jump', readonly string[]> = { bastion: [], jump: [] };
      const taken: string[] = [];
      const tryWay = async (way: Way): Promise<Facts> => {
        const startMs = performance.now();
        try {
          return await tryCheck(scene, client, check, way, megabytes * 1024 * 1024);
        } finally {
          taken.push(`${way} ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
        }
      };
      let plain: Facts | null = null;
      for (const way of missing === null ? (['bastion', 'jump'] as const) : []) {
        try {
          const isUnsteady = client.unsteady?.includes(check) ?? false;
          const compared = await compareWays(plain, tryWay, way, isUnsteady);
          plain = compared.plain;
          found[way] = compared.differences;
        } catch (error) {
          found[way] = [messageOf(error)];
        }
      }
      say(`${client.name}, ${check}: ${taken.join(', ')}`);
      results.push({ client: client.name, check, differences: found, missing });
    }
  }
  process.stdout.write(renderTable(clients, results));
  return results.some(({ differences: { bastion, jump } }) => bastion.length + jump.length > 0)
    ? 1
    : 0;
}

process.exitCode = await main();
