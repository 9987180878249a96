/**
 * As whom our PostgreSQL server runs. It refuses to run as root, and initdb refuses an account without
 * a passwd entry; nothing is ever added to the host's accounts.
 */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** An id that distributions leave unused (between systemd's home and dynamic ranges), for root without a `postgres` user. */
export const PRIVATE_ID = 61_111;

export interface ProcessIds {
  readonly uid: number;
  readonly gid: number;
}

export interface ServerAccount {
  /** Runs the server and owns its files. */
  readonly server: ProcessIds;
  /** Runs initdb; the files change hands afterwards when it isn't the same. */
  readonly initdb: ProcessIds;
}

/**
 * The account for a data directory, or null when we aren't root and run it as ourselves. Data that is
 * there already decides: its owner.
 */
export async function serverAccount(dataDirectory: string): Promise<ServerAccount | null> {
  if (process.getuid?.() !== 0) return null;
  const owner = await stat(dataDirectory).catch(() => null);
  if (owner !== null && owner.uid !== 0) {
    const ids = { uid: owner.uid, gid: owner.gid };
    return { server: ids, initdb: ids };
  }
  const postgres = await idsOf('postgres');
  if (postgres !== null) return { server: postgres, initdb: postgres };
  const nobody = (await idsOf('nobody')) ?? { uid: 65_534, gid: 65_534 };
  return { server: { uid: PRIVATE_ID, gid: PRIVATE_ID }, initdb: nobody };
}

async function idsOf(user: string): Promise<ProcessIds | null> {
  const ask = async (flag: string): Promise<number> => {
    const { stdout } = await promisify(execFile)('id', [flag, user]);
    return Number(stdout);
  };
  try {
    return { uid: await ask('-u'), gid: await ask('-g') };
  } catch {
    return null;
  }
}

/** Whether the kernel lets `ids` pass through `directory` and everything above it. */
export async function canReach(directory: string, ids: ProcessIds): Promise<boolean> {
  for (let path = directory; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const execute = uid === ids.uid ? 0o100 : gid === ids.gid ? 0o010 : 0o001;
    if ((mode & execute) === 0) return false;
    if (path === dirname(path)) return true;
  }
}
