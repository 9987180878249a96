/** lftp over sftp, with ssh as its connect program. */
import type { Attempt, Client } from '../check.ts';
import { fileChecks } from '../file-client.ts';
import type { CommandLine } from '../program-run.ts';

function lftp({ scene, way }: Attempt, command: string): CommandLine {
  const script = [
    `set sftp:connect-program "ssh -a -x -F ${scene.sshConfig}"`,
    'set net:max-retries 1',
    'set cmd:fail-exit true',
    `open sftp://${way}`,
    command,
  ].join('; ');
  return ['lftp', '--norc', '-c', script];
}

export const LFTP: readonly Client[] = [
  {
    name: 'lftp',
    isBulk: false,
    checks: fileChecks({
      list: (attempt, remote) => lftp(attempt, `cls -1 ${remote}/`),
      get: (attempt, remote, local) => lftp(attempt, `get ${remote} -o ${local}`),
      put: (attempt, local, remote) => lftp(attempt, `put ${local} -o ${remote}`),
    }),
  },
];
