/** OpenSSH's own: ssh, scp in both of its protocols, sftp. */
import { join } from 'node:path';
import type { Attempt, Check, Client, Facts } from '../check.ts';
import { commandChecks } from '../command-client.ts';
import { fileChecks } from '../file-client.ts';
import { endOf, runClient, type CommandLine } from '../program-run.ts';

/** Channels that are open at once on one connection. */
export const PARALLEL_CHANNELS = 50;

/**
 * Leaves a file and waits, bounded, until everybody's is there, which shows that all run at once; ends
 * with its own number.
 */
export function together(index: number, there: string): string {
  return [
    `touch ${there}/${index}`,
    'turn=0',
    `while [ "$(ls ${there} | wc -l)" -lt ${PARALLEL_CHANNELS} ] && [ $turn -lt 150 ]; do turn=$((turn+1)); sleep 0.2; done`,
    `ls ${there} | wc -l`,
    `echo ${index} >&2`,
    `exit ${index}`,
  ].join('; ');
}

function ssh(
  { scene, way }: Pick<Attempt, 'scene' | 'way'>,
  command: string | null,
  isTerminal: boolean,
): CommandLine {
  const args = ['-F', scene.sshConfig, isTerminal ? '-tt' : '-T', way];
  return ['ssh', ...args, ...(command === null ? [] : [command])];
}

const manyChannels: Check = async (attempt) => {
  const { scene, way, here, there } = attempt;
  const control = ['-F', scene.sshConfig, '-S', join(here, 'control')];
  const lasting = ['-o', 'ControlMaster=yes', '-o', 'ControlPersist=120'];
  const master = await runClient(attempt, ['ssh', ...control, ...lasting, '-T', way, 'true']);
  try {
    const results = await Promise.all(
      Array.from({ length: PARALLEL_CHANNELS }, (_, index) =>
        runClient(attempt, ['ssh', ...control, '-T', way, together(index, there)]),
      ),
    );
    return Object.assign(
      endOf('master', master),
      ...results.map((result, index) => endOf(String(index), result)),
    ) as Facts;
  } finally {
    await runClient(attempt, ['ssh', ...control, '-O', 'exit', way]);
  }
};

function scp(name: string, flags: readonly string[]): Client {
  const start = ({ scene }: Attempt, from: string, to: string): CommandLine => [
    'scp',
    ...flags,
    '-q',
    '-F',
    scene.sshConfig,
    from,
    to,
  ];
  return {
    name,
    isBulk: true,
    checks: fileChecks({
      get: (attempt, remote, local) => start(attempt, `${attempt.way}:${remote}`, local),
      put: (attempt, local, remote) => start(attempt, local, `${attempt.way}:${remote}`),
    }),
  };
}

function sftp({ scene, way }: Attempt, ...lines: readonly string[]): CommandLine {
  const batch = lines.join('\n');
  // Its batch comes from a file or a pipe; a shell gives it the pipe.
  return [
    'sh',
    '-c',
    `printf '%s\\n' "$1" | exec sftp -q -F "$2" -b - "$3"`,
    'sh',
    batch,
    scene.sshConfig,
    way,
  ];
}

export const OPENSSH: readonly Client[] = [
  {
    name: 'ssh',
    isBulk: true,
    checks: { ...commandChecks({ name: 'ssh', start: ssh }), '50 channels': manyChannels },
  },
  scp('scp', []),
  scp('scp -O', ['-O']),
  {
    name: 'sftp',
    isBulk: true,
    checks: fileChecks({
      list: (attempt, remote) => sftp(attempt, `ls -1 ${remote}`),
      get: (attempt, remote, local) => sftp(attempt, `get ${remote} ${local}`),
      put: (attempt, local, remote) => sftp(attempt, `put ${local} ${remote}`),
    }),
  },
];
