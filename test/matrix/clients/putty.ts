/** PuTTY's command-line programs: plink, pscp, psftp. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt, Client } from '../check.ts';
import { commandChecks } from '../command-client.ts';
import { fileChecks } from '../file-client.ts';
import type { CommandLine } from '../program-run.ts';
import type { Hop } from '../scene.ts';

type Place = Pick<Attempt, 'scene' | 'way'>;

/** Options that lead to the last server of a way. */
function options({ scene, way }: Place): string[] {
  const to = (hop: Hop): string[] => [
    '-batch',
    '-noagent',
    '-i',
    scene.keys.putty,
    '-P',
    String(hop.port),
    '-l',
    hop.user,
    ...hop.hostKeys.flatMap((key) => ['-hostkey', fingerprintOf(key)]),
  ];
  const hops = scene.hops(way);
  const [first, last = first] = hops;
  if (first === undefined || last === undefined) throw new Error(`no way ${way}`);
  if (first === last) return to(last);
  const proxy = ['plink', ...to(first), '-nc', `${last.host}:${last.port}`, first.host];
  return [...to(last), '-proxycmd', proxy.join(' ')];
}

function fingerprintOf(hostKey: string): string {
  const blob = Buffer.from(hostKey.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

function hostOf({ scene, way }: Place): string {
  return scene.hops(way).at(-1)?.host ?? '';
}

/** plink, running a command or a login shell. */
export function plink(place: Place, command: string | null, isTerminal: boolean): CommandLine {
  const args = [...options(place), isTerminal ? '-t' : '-T', hostOf(place)];
  return ['plink', ...args, ...(command === null ? [] : [command])];
}

function psftp(attempt: Attempt, ...lines: readonly string[]): CommandLine {
  const batch = join(attempt.scene.folder, 'psftp-batch');
  writeFileSync(batch, `${lines.join('\n')}\n`);
  return ['psftp', ...options(attempt), '-b', batch, hostOf(attempt)];
}

function pscp(name: string, flags: readonly string[]): Client {
  return {
    name,
    isBulk: false,
    checks: fileChecks({
      list: (attempt, remote) => [
        'pscp',
        ...flags,
        ...options(attempt),
        '-ls',
        `${hostOf(attempt)}:${remote}`,
      ],
      get: (attempt, remote, local) => [
        'pscp',
        '-q',
        ...flags,
        ...options(attempt),
        `${hostOf(attempt)}:${remote}`,
        local,
      ],
      put: (attempt, local, remote) => [
        'pscp',
        '-q',
        ...flags,
        ...options(attempt),
        local,
        `${hostOf(attempt)}:${remote}`,
      ],
    }),
  };
}

export const PUTTY: readonly Client[] = [
  { name: 'plink', isBulk: false, checks: commandChecks({ name: 'plink', start: plink }) },
  pscp('pscp', ['-sftp']),
  pscp('pscp -scp', ['-scp']),
  {
    name: 'psftp',
    isBulk: false,
    checks: fileChecks({
      list: (attempt, remote) => psftp(attempt, `ls ${remote}`),
      get: (attempt, remote, local) => psftp(attempt, `get ${remote} ${local}`),
      put: (attempt, local, remote) => psftp(attempt, `put ${local} ${remote}`),
      steady: (text) => text.replace(/^Using username "[^"]*"\.\n/, ''),
    }),
  },
];
