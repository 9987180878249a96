/**
 * A small disk for the spool that can be filled: a tmpfs in a mount namespace of its own, which survives
 * the bastion and vanishes with the test. Where nobody may mount, a small /dev/shm that is there anyway;
 * and where even that is none, the spool's folder is taken away, so that nothing more can be made in it.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** Larger shared memory than this isn't filled. */
const MAX_SHARED_BYTES = 256 * 1024 * 1024;
const BLOCK = Buffer.alloc(1024 * 1024);

export interface SpoolDisk {
  readonly kind: 'tmpfs' | 'shared memory' | 'folder taken away';
  /** What a process that shall see the disk is started with. */
  readonly prefix: readonly string[];
  /** From now on nothing more fits. */
  fill(): Promise<void>;
  /** There is room again. */
  free(): Promise<void>;
  close(): Promise<void>;
}

/** @param home of the bastion; its folder `spool` becomes the disk */
export async function openSpoolDisk(home: string, megabytes: number): Promise<SpoolDisk> {
  const spool = join(home, 'spool');
  return (
    (await mountedDisk(spool, megabytes)) ??
    (await sharedDisk(spool)) ?? {
      kind: 'folder taken away',
      prefix: [],
      fill: async () => {
        await rename(spool, `${spool}-away`);
        await writeFile(spool, '');
      },
      free: async () => {
        await rm(spool);
        await rename(`${spool}-away`, spool);
      },
      close: () => Promise.resolve(),
    }
  );
}

async function mountedDisk(spool: string, megabytes: number): Promise<SpoolDisk | null> {
  const isRoot = userInfo().uid === 0;
  const unshare = isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const enter = isRoot ? ['--mount'] : ['--user', '--mount', '--preserve-credentials'];
  if (spawnSync('unshare', [...unshare, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status !== 0) {
    return null;
  }
  await mkdir(spool, { recursive: true, mode: 0o700 });
  const script =
    'mount -t tmpfs -o mode=0700,size="$2"m none "$1" && echo ready && exec sleep 86400';
  const holder = spawn(
    'unshare',
    [...unshare, '--propagation', 'private', 'sh', '-c', script, 'sh', spool, String(megabytes)],
    { stdio: ['ignore', 'pipe', 'inherit'], detached: false },
  );
  await once(holder.stdout, 'data');
  return {
    kind: 'tmpfs',
    prefix: ['nsenter', `--target=${holder.pid ?? 0}`, ...enter, '--'],
    ...ballastIn(`/proc/${holder.pid ?? 0}/root${spool}`),
    close: () => ended(holder),
  };
}

async function sharedDisk(spool: string): Promise<SpoolDisk | null> {
  const facts = await statfs('/dev/shm').catch(() => null);
  if (facts === null || facts.bsize * facts.blocks > MAX_SHARED_BYTES) return null;
  const folder = await mkdtemp('/dev/shm/spool-');
  await symlink(folder, spool);
  return {
    kind: 'shared memory',
    prefix: [],
    ...ballastIn(folder),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

function ballastIn(folder: string): Pick<SpoolDisk, 'fill' | 'free'> {
  const ballast = join(folder, 'ballast');
  return {
    fill: async () => {
      const file = await open(ballast, 'a');
      try {
        for (;;) await file.write(BLOCK);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast, { force: true }),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
