/** Dropbear's client. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt, Client } from '../check.ts';
import { commandChecks } from '../command-client.ts';
import type { CommandLine } from '../program-run.ts';
import type { Hop, Scene } from '../scene.ts';

function dbclient(
  { scene, way }: Pick<Attempt, 'scene' | 'way'>,
  command: string | null,
  isTerminal: boolean,
): CommandLine {
  const hops = scene.hops(way);
  const [first, last = first] = hops;
  if (first === undefined || last === undefined) throw new Error(`no way ${way}`);
  const proxy = [...to(scene, first), '-B', `${last.host}:${last.port}`, first.host].join(' ');
  return [
    ...to(scene, last),
    ...(first === last ? [] : ['-J', proxy]),
    isTerminal ? '-t' : '-T',
    last.host,
    ...(command === null ? [] : [command]),
  ];
}

/**
 * What leads to one server. Dropbear knows servers by host name alone, and several of ours are on one
 * host, so each has a home of its own.
 */
function to(scene: Scene, hop: Hop): [file: string, ...args: string[]] {
  const home = join(scene.folder, `dropbear-${hop.host}-${hop.port}`);
  mkdirSync(join(home, '.ssh'), { recursive: true });
  const known = hop.hostKeys.map((key) => `${hop.host} ${key}\n`).join('');
  writeFileSync(join(home, '.ssh', 'known_hosts'), known);
  const server = ['-i', scene.keys.dropbear, '-p', String(hop.port), '-l', hop.user];
  return ['env', `HOME=${home}`, 'dbclient', ...server];
}

export const DROPBEAR: readonly Client[] = [
  {
    name: 'dbclient',
    isBulk: false,
    // At a terminal it closes on the end of the output, and may have left before the exit status comes.
    unsteady: ['terminal'],
    checks: commandChecks({ name: 'dbclient', start: dbclient }),
  },
];
