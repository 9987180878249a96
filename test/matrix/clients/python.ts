/** Libraries of Python: paramiko and asyncssh, each driven by a small program of its own. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf, type Attempt, type CheckName, type Client, type Facts } from '../check.ts';
import { COMMANDS } from '../command-client.ts';
import { cancelled, runClient, type CommandLine } from '../program-run.ts';
import { PARALLEL_CHANNELS, together } from './openssh.ts';

/** Debian's own, which has Debian's packages; another one may come first in the path. */
const PYTHON = '/usr/bin/python3';

interface Paths {
  readonly local: string;
  readonly remote: string;
}

function program(library: string, attempt: Attempt, check: CheckName, paths?: Paths): CommandLine {
  const { scene, way, here, there } = attempt;
  const task = {
    check,
    hops: scene.hops(way),
    key: scene.keys.openssh,
    here,
    there,
    commands: COMMANDS.map(([name, command, input = '']) => [name, command, input]),
    together: Array.from({ length: PARALLEL_CHANNELS }, (_, index) => together(index, there)),
    ...paths,
  };
  const script = join(import.meta.dirname, `${library}-checks.py`);
  return [PYTHON, '-W', 'ignore', script, JSON.stringify(task)];
}

async function seen(
  library: string,
  attempt: Attempt,
  check: CheckName,
  paths?: Paths,
): Promise<Facts> {
  const result = await runClient(attempt, program(library, attempt, check, paths));
  if (result.status !== 0) {
    return { status: result.status ?? result.signal, errors: result.stderr.slice(-2000) };
  }
  return flat(JSON.parse(result.stdout.toString()) as object);
}

/** `{a: {b: 1}}` as `{"a: b": 1}`. */
function flat(value: object): Facts {
  const facts: Record<string, Facts[string]> = {};
  for (const [name, inner] of Object.entries(value) as [string, unknown][]) {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) {
      facts[name] = Array.isArray(inner) ? JSON.stringify(inner) : (inner as Facts[string]);
      continue;
    }
    for (const [key, one] of Object.entries(flat(inner))) facts[`${name}: ${key}`] = one;
  }
  return facts;
}

function library(name: string): Client {
  return {
    name,
    isBulk: false,
    checks: {
      'login and errors': async (attempt) => {
        await writeFile(join(attempt.there, 'a-file'), 'some text\n');
        return seen(name, attempt, 'login and errors');
      },
      terminal: (attempt) => seen(name, attempt, 'terminal'),
      '50 channels': (attempt) => seen(name, attempt, '50 channels'),
      download: async (attempt) => {
        const local = join(attempt.here, 'got');
        const remote = await attempt.scene.bulkFile(attempt.bulkBytes);
        const facts = await seen(name, attempt, 'download', { local, remote });
        return { ...facts, hash: await hashOf(local) };
      },
      upload: async (attempt) => {
        const local = await attempt.scene.bulkFile(attempt.bulkBytes);
        const remote = join(attempt.there, 'put');
        const facts = await seen(name, attempt, 'upload', { local, remote });
        return { ...facts, hash: await hashOf(remote) };
      },
      cancel: async (attempt) => {
        const { endlessFile } = attempt.scene;
        const [got, put] = [join(attempt.here, 'got'), join(attempt.there, 'put')];
        const down = { local: got, remote: endlessFile };
        const up = { local: endlessFile, remote: put };
        return {
          ...(await cancelled(attempt, 'download', {
            command: program(name, attempt, 'download', down),
            grows: got,
          })),
          ...(await cancelled(attempt, 'upload', {
            command: program(name, attempt, 'upload', up),
            grows: put,
          })),
        };
      },
    },
  };
}

export const PYTHON_LIBRARIES: readonly Client[] = [library('paramiko'), library('asyncssh')];
