/**
 * Whether the operating system has been running since the spool was last used: what it had taken and the
 * disk hadn't is lost otherwise. A file in the spool's directory says which run of it that was.
 */
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from './spool-segment.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

function markOf(directory: string): string {
  return join(directory, 'boot');
}

/** False = the directory was used before the operating system started, and nobody has noted that yet. */
export async function isSameBoot(directory: string): Promise<boolean> {
  const before = await readFile(markOf(directory), 'utf8').catch(() => null);
  if (before === null) return true;
  return before === (await readFile(BOOT_ID, 'utf8').catch(() => null));
}

/** Marks the directory as used from now on. */
export async function markBoot(directory: string): Promise<void> {
  const file = await open(markOf(directory), 'w', 0o600);
  try {
    // Where nothing names the run of the operating system, no later one is the same.
    await file.writeFile(await readFile(BOOT_ID, 'utf8').catch(() => 'unknown'));
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(directory);
}

/** Everything in the directory is on the disk. */
export async function unmarkBoot(directory: string): Promise<void> {
  await rm(markOf(directory), { force: true });
}
