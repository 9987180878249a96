/** Runs postgres-owner.ts in processes of its own, as any user, also where nobody may read this checkout. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { canReach, type ProcessIds } from '../../server/store/postgres-account.ts';
import type { RunningPostgres } from '../../server/store/postgres.ts';

const launched = new Set<ChildProcess>();

/** What the process says of its server; `code` and `message` instead when the start failed. */
export type OwnerFacts = Omit<RunningPostgres, 'stop'> & {
  readonly code?: string;
  readonly message?: string;
};

export interface OwnerOptions {
  readonly as?: ProcessIds;
  readonly node?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Owner {
  readonly facts: OwnerFacts;
  /** Stops the server in the orderly way. */
  stop(): Promise<void>;
  /** kill -9 of the process, not of the server. */
  kill(): Promise<void>;
}

/** One file that needs neither this checkout nor a loader. */
export async function bundleOwner(folder: string): Promise<string> {
  const outfile = join(folder, 'postgres-owner.cjs');
  const source = new URL('../../server/store/postgres-binaries.ts', import.meta.url);
  await build({
    entryPoints: [fileURLToPath(new URL('postgres-owner.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
    external: ['pg-native', 'pg-cloudflare'],
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(fileURLToPath(source)).href) },
  });
  await fs.chmod(outfile, 0o644);
  return outfile;
}

/** This Node, or a copy where `ids` can execute it. */
export async function nodeFor(ids: ProcessIds, folder: string): Promise<string> {
  if (await canReach(join(process.execPath, '..'), ids)) return process.execPath;
  const copy = join(folder, 'node');
  await fs.copyFile(process.execPath, copy);
  await fs.chmod(copy, 0o755);
  return copy;
}

/** Starts the process; resolves once it has said its line. */
export async function startOwner(
  bundle: string,
  directory: string,
  options: OwnerOptions = {},
): Promise<Owner> {
  const child = launchOwner(bundle, directory, options);
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string];
  const exit = once(child, 'exit');
  return {
    facts: JSON.parse(line) as OwnerFacts,
    stop: async () => {
      child.stdin!.end();
      await exit;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** The bare process, for tests that kill it before it has said anything. */
export function launchOwner(
  bundle: string,
  directory: string,
  options: OwnerOptions = {},
): ChildProcess {
  const child = spawn(options.node ?? process.execPath, [bundle, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...options.environment },
    ...options.as,
  });
  launched.add(child);
  child.on('exit', () => launched.delete(child));
  return child;
}

/** Ends what a failed test has left: processes first, so that none restarts its server. */
export async function killOwners(): Promise<void> {
  for (const child of launched) {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}
