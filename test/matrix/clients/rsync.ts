/** rsync over ssh. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attempt, Check, Client } from '../check.ts';
import { fileChecks } from '../file-client.ts';
import { endOf, runClient, type CommandLine } from '../program-run.ts';

/** Files of the tree that is moved. */
const TREE_FILES = 10_000;
const FILES_PER_FOLDER = 250;
/** Written at once while the tree is made. */
const AT_ONCE = 50;

function rsync({ scene }: Attempt, ...args: readonly string[]): CommandLine {
  return ['rsync', '-e', `ssh -F ${scene.sshConfig}`, ...args];
}

/** A tree of small files of odd sizes and old dates. */
async function writeTree(root: string): Promise<void> {
  for (let first = 0; first < TREE_FILES; first += AT_ONCE) {
    const folder = join(root, `folder-${Math.floor(first / FILES_PER_FOLDER)}`);
    await mkdir(folder, { recursive: true });
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, offset) => {
        const number = first + offset;
        const path = join(folder, `file ${number}.txt`);
        await writeFile(path, `${number}\n`.repeat(number % 97), { mode: 0o600 | (number % 64) });
        await utimes(path, 1_000_000_000 + number, 1_000_000_000 + number);
      }),
    );
  }
}

/** One hash over names, modes, dates and contents of all files below `root`. */
async function hashOfTree(root: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(root, { recursive: true })).sort();
  for (const name of names) {
    const found = await lstat(join(root, name));
    if (!found.isFile()) continue;
    hash.update(`${name} ${found.mode} ${found.mtimeMs}\n`);
    hash.update(await readFile(join(root, name)));
  }
  return `${names.length} ${hash.digest('hex')}`;
}

/** Up, then down again from there, then once more, when nothing is left to move. */
const manyFiles: Check = async (attempt) => {
  const { scene, way, here, there } = attempt;
  const tree = join(scene.folder, 'tree');
  const got = join(here, 'got');
  if (!existsSync(tree)) await writeTree(tree);
  const up = await runClient(attempt, rsync(attempt, '-a', `${tree}/`, `${way}:${there}/tree/`));
  const down = await runClient(attempt, rsync(attempt, '-a', `${way}:${there}/tree/`, `${got}/`));
  const again = rsync(attempt, '-a', '--itemize-changes', `${tree}/`, `${way}:${there}/tree/`);
  return {
    ...endOf('up', up),
    ...endOf('down', down),
    ...endOf('again', await runClient(attempt, again)),
    'on the target': await hashOfTree(join(there, 'tree')),
    'on the client': await hashOfTree(got),
  };
};

export const RSYNC: readonly Client[] = [
  {
    name: 'rsync',
    isBulk: true,
    checks: {
      ...fileChecks({
        list: (attempt, remote) => rsync(attempt, '--list-only', `${attempt.way}:${remote}/`),
        get: (attempt, remote, local) => rsync(attempt, `${attempt.way}:${remote}`, local),
        put: (attempt, local, remote) => rsync(attempt, local, `${attempt.way}:${remote}`),
        // It ends ssh as soon as it knows of an error; what the other end still says may or may not come.
        steady: (text) => text.replaceAll(/^rsync.*\[Receiver[\]=].*\n/gm, ''),
      }),
      '10,000 files': manyFiles,
    },
  },
];
