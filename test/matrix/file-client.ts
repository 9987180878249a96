/** Clients that move files: what is tried with all of them. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf, type Attempt, type Client, type Facts } from './check.ts';
import { cancelled, endOf, runClient, type CommandLine } from './program-run.ts';

/** 2001, in seconds. */
const LONG_AGO = 1_000_000_000;

export interface FileClient {
  /** Lists a folder; some can't. */
  readonly list?: (attempt: Attempt, remote: string) => CommandLine;
  readonly get: (attempt: Attempt, remote: string, local: string) => CommandLine;
  readonly put: (attempt: Attempt, local: string, remote: string) => CommandLine;
  /** Standard error without what names the way or depends on who was faster. */
  readonly steady?: (text: string) => string;
}

/** The checks of a client that moves files. */
export function fileChecks(client: FileClient): Client['checks'] {
  const run = async (attempt: Attempt, name: string, command: CommandLine): Promise<Facts> => {
    const result = await runClient(attempt, command);
    return endOf(name, { ...result, stderr: client.steady?.(result.stderr) ?? result.stderr });
  };
  return {
    'login and errors': async (attempt) => {
      const { here, there } = attempt;
      await mkdir(join(there, 'sub'));
      await writeFile(join(there, 'a-file'), 'some text\n');
      await writeFile(join(here, 'mine'), 'other text\n');
      // Listings show dates.
      for (const shown of [join(there, 'a-file'), join(there, 'sub'), there, join(there, '..')]) {
        await utimes(shown, LONG_AGO, LONG_AGO);
      }
      const listed =
        client.list === undefined
          ? {}
          : {
              ...(await run(attempt, 'list', client.list(attempt, there))),
              ...(await run(attempt, 'list nothing', client.list(attempt, join(there, 'none')))),
            };
      return {
        ...listed,
        ...(await run(
          attempt,
          'get',
          client.get(attempt, join(there, 'a-file'), join(here, 'got')),
        )),
        'get: hash': await hashOf(join(here, 'got')),
        ...(await run(
          attempt,
          'get nothing',
          client.get(attempt, join(there, 'none'), join(here, 'none')),
        )),
        ...(await run(attempt, 'put', client.put(attempt, join(here, 'mine'), join(there, 'put')))),
        'put: hash': await hashOf(join(there, 'put')),
        ...(await run(
          attempt,
          'put nowhere',
          client.put(attempt, join(here, 'mine'), join(there, 'none', 'x')),
        )),
      };
    },
    download: async (attempt) => {
      const got = join(attempt.here, 'got');
      const from = await attempt.scene.bulkFile(attempt.bulkBytes);
      return {
        ...(await run(attempt, 'get', client.get(attempt, from, got))),
        hash: await hashOf(got),
      };
    },
    upload: async (attempt) => {
      const put = join(attempt.there, 'put');
      const from = await attempt.scene.bulkFile(attempt.bulkBytes);
      return {
        ...(await run(attempt, 'put', client.put(attempt, from, put))),
        hash: await hashOf(put),
      };
    },
    cancel: async (attempt) => {
      const { scene, here, there } = attempt;
      const endless = scene.endlessFile;
      const [got, put] = [join(here, 'got'), join(there, 'put')];
      return {
        ...(await cancelled(attempt, 'download', {
          command: client.get(attempt, endless, got),
          grows: here,
        })),
        ...(await cancelled(attempt, 'upload', {
          command: client.put(attempt, endless, put),
          grows: there,
        })),
      };
    },
  };
}
