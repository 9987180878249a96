/** git over ssh: upload-pack and receive-pack. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf, type Attempt, type Check, type Client, type Facts } from '../check.ts';
import { cancelled, endOf, runClient, type CommandLine } from '../program-run.ts';
import type { Scene } from '../scene.ts';

/** Dates and names are fixed, so that the same content has the same commit on every way. */
const IDENTITY = {
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
  GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
  GIT_CONFIG_NOSYSTEM: '1',
};
/**
 * For the account on both ends: what can't be compressed is moved as it is, and kept as it came, which
 * is what git does with larger repositories anyhow.
 */
const SETTINGS = `[init]
  defaultBranch = main
[safe]
  directory = *
[core]
  compression = 0
  bigFileThreshold = 1m
[pack]
  compression = 0
[receive]
  unpackLimit = 1
`;

/** git on the client's machine, which isn't what is tried. */
async function local(scene: Scene, folder: string, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runClient({ scene }, ['git', ...args], {
    env: IDENTITY,
    workingDirectory: folder,
  });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout.toString().trim();
}

function remote(folder: string, ...args: readonly string[]): CommandLine {
  return ['git', '-C', folder, ...args];
}

function envOf({ scene }: Attempt): Readonly<Record<string, string>> {
  return { ...IDENTITY, GIT_SSH_COMMAND: `ssh -F ${scene.sshConfig}` };
}

async function run(attempt: Attempt, name: string, ...args: readonly string[]): Promise<Facts> {
  const command = remote(attempt.here, ...args);
  return endOf(name, await runClient(attempt, command, { env: envOf(attempt) }));
}

/** A repository in `folder` with one commit: a note, and the file when there is one. */
async function writeRepository(scene: Scene, folder: string, file: string | null): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(scene.folder, 'home', '.gitconfig'), SETTINGS);
  await local(scene, folder, 'init', '-q');
  await writeFile(join(folder, 'note'), 'first\n');
  if (file !== null) await copyFile(file, join(folder, 'bulk'));
  await local(scene, folder, 'add', '.');
  await local(scene, folder, 'commit', '-q', '-m', 'first');
}

const loginAndErrors: Check = async (attempt) => {
  const { scene, way, here, there } = attempt;
  const [repository, clone] = [join(there, 'repository'), join(here, 'clone')];
  await writeRepository(scene, repository, null);
  await local(scene, repository, 'config', 'receive.denyCurrentBranch', 'updateInstead');
  const facts = {
    ...(await run(attempt, 'ls-remote', 'ls-remote', `${way}:${repository}`)),
    ...(await run(attempt, 'no repository', 'ls-remote', `${way}:${there}/none`)),
    ...(await run(attempt, 'clone', 'clone', '-q', `${way}:${repository}`, clone)),
  };
  await writeFile(join(clone, 'note'), 'second\n');
  await local(scene, clone, 'commit', '-q', '-a', '-m', 'second');
  const pushed = await run(attempt, 'push', '-C', clone, 'push', '-q', 'origin', 'HEAD');
  await writeFile(join(repository, 'note'), 'third\n');
  await local(scene, repository, 'commit', '-q', '-a', '-m', 'third');
  const fetched = await run(attempt, 'fetch', '-C', clone, 'pull', '-q', '--ff-only');
  return {
    ...facts,
    ...pushed,
    ...fetched,
    'the client has': await local(scene, clone, 'rev-parse', 'HEAD'),
    'the target has': await local(scene, repository, 'rev-parse', 'HEAD'),
  };
};

const download: Check = async (attempt) => {
  const { scene, way, here, there, bulkBytes } = attempt;
  const [repository, clone] = [join(there, 'repository'), join(here, 'clone')];
  await writeRepository(scene, repository, await scene.bulkFile(bulkBytes));
  return {
    ...(await run(attempt, 'clone', 'clone', '-q', `${way}:${repository}`, clone)),
    hash: await hashOf(join(clone, 'bulk')),
  };
};

const upload: Check = async (attempt) => {
  const { scene, way, here, there, bulkBytes } = attempt;
  const [repository, bare] = [join(here, 'repository'), join(there, 'bare')];
  await writeRepository(scene, repository, await scene.bulkFile(bulkBytes));
  await local(scene, there, 'init', '-q', '--bare', bare);
  const pushed = await run(
    attempt,
    'push',
    '-C',
    repository,
    'push',
    '-q',
    `${way}:${bare}`,
    'main',
  );
  await local(scene, there, 'clone', '-q', bare, join(there, 'clone'));
  return { ...pushed, hash: await hashOf(join(there, 'clone', 'bulk')) };
};

/** Never so small that a transfer is over before it is broken off. */
const LEAST_CANCELLED_BYTES = 200 * 1024 * 1024;

const cancel: Check = async (attempt) => {
  const { scene, way, here, there, bulkBytes } = attempt;
  const file = await scene.bulkFile(Math.max(bulkBytes, LEAST_CANCELLED_BYTES));
  const [repository, bare] = [join(there, 'repository'), join(there, 'bare')];
  await writeRepository(scene, repository, file);
  await local(scene, there, 'init', '-q', '--bare', bare);
  return {
    ...(await cancelled(attempt, 'clone', {
      command: remote(here, 'clone', '-q', `${way}:${repository}`, join(here, 'clone')),
      grows: here,
      env: envOf(attempt),
    })),
    ...(await cancelled(attempt, 'push', {
      command: remote(repository, 'push', '-q', `${way}:${bare}`, 'main'),
      grows: bare,
      env: envOf(attempt),
    })),
  };
};

export const GIT: readonly Client[] = [
  {
    name: 'git',
    isBulk: false,
    checks: { 'login and errors': loginAndErrors, download, upload, cancel },
  },
];
