/** Clients that aren't OpenSSH, each as the command that runs `cat` through the bastion. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprintOf } from '../../../server/ssh/engine/signature.ts';
import { runProgram } from '../../support/program.ts';
import type { Bastion } from './bastion.ts';

export interface OtherClient {
  readonly name: string;
  /** Prepares what it needs in the folder. @returns the program and its arguments */
  prepare(bastion: Bastion, folder: string): Promise<readonly string[]>;
}

const PARAMIKO = `
import paramiko, sys, threading
_, host, port, key = sys.argv
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
pkey = paramiko.Ed25519Key.from_private_key_file(key)
client.connect(host, int(port), 'x', pkey=pkey, allow_agent=False, look_for_keys=False)
channel = client.get_transport().open_session()
channel.exec_command('cat')
def feed():
    channel.sendall(sys.stdin.buffer.read())
    channel.shutdown_write()
threading.Thread(target=feed).start()
while True:
    data = channel.recv(65536)
    if not data:
        break
    sys.stdout.buffer.write(data)
sys.exit(channel.recv_exit_status())
`;

const ASYNCSSH = `
import asyncio, asyncssh, sys
async def main():
    _, host, port, key = sys.argv
    async with asyncssh.connect(host, int(port), username='x', client_keys=[key], known_hosts=None) as one:
        done = await one.run('cat', input=sys.stdin.buffer.read(), encoding=None)
        sys.stdout.buffer.write(done.stdout)
        sys.exit(done.exit_status)
asyncio.run(main())
`;

function python(name: string, script: string): OtherClient {
  return {
    name,
    prepare: async ({ host, port, clientKeyFile }, folder) => {
      const file = join(folder, `with-${name}.py`);
      await writeFile(file, script);
      // Debian's own Python has Debian's packages; another one in front of it may not.
      return ['/usr/bin/python3', '-W', 'ignore', file, host, String(port), clientKeyFile];
    },
  };
}

async function convert(program: string, ...args: readonly string[]): Promise<void> {
  const made = await runProgram(program, args);
  if (made.status !== 0) throw new Error(`${program}: ${made.stderr}`);
}

export const OTHER_CLIENTS: readonly OtherClient[] = [
  {
    name: 'dbclient',
    prepare: async ({ host, port, clientKeyFile }, folder) => {
      const key = join(folder, 'dropbear');
      await convert('dropbearconvert', 'openssh', 'dropbear', clientKeyFile, key);
      return ['dbclient', '-y', '-y', '-p', String(port), '-i', key, `x@${host}`, 'cat'];
    },
  },
  {
    name: 'plink',
    prepare: async ({ host, port, clientKeyFile, hostKeyLine }, folder) => {
      const key = join(folder, 'key.ppk');
      await convert('puttygen', clientKeyFile, '-o', key);
      const blob = Buffer.from(hostKeyLine.split(' ')[1] ?? '', 'base64');
      const known = ['-hostkey', fingerprintOf(blob)];
      return ['plink', '-batch', ...known, '-P', String(port), '-i', key, `x@${host}`, 'cat'];
    },
  },
  python('paramiko', PARAMIKO),
  python('asyncssh', ASYNCSSH),
];
