/** sshfs: the target's files as a folder of the client's. */
import { rmdir } from 'node:fs/promises';
import { relative } from 'node:path';
import { runProgram } from '../../support/program.ts';
import type { Attempt, Check, Client } from '../check.ts';
import { fileChecks } from '../file-client.ts';
import { runClient, type CommandLine } from '../program-run.ts';
import type { Scene } from '../scene.ts';

/**
 * Where the target's files appear: beside the folder of the scene, not in it. Nothing that removes
 * folders with all that is in them may ever come across a mounted one.
 */
function mountPoint({ scene }: Attempt): string {
  return `${scene.folder}-mount`;
}

const MOUNTED = `# One that was killed left its mount behind, on every way.
fusermount3 -u -z -q "$MOUNT" 2>&- && rmdir "$MOUNT"
mkdir "$MOUNT" || exit 98
finish() {
  code=$?
  cd /
  fusermount3 -u "$MOUNT"
  wait
  rmdir "$MOUNT"
  exit $code
}
trap finish EXIT
sshfs -f -F "$CONFIG" -o dir_cache=no,idmap=none "$WAY:$ROOT" "$MOUNT" &
turn=0
until mountpoint -q "$MOUNT"; do
  kill -0 $! && [ $turn -lt 100 ] || exit 99
  turn=$((turn + 1))
  sleep 0.1
done
`;

/** Runs `script` while the scene's folder on the target is mounted; `$1` and `$2` are its arguments. */
function mounted(attempt: Attempt, script: string, ...args: readonly string[]): CommandLine {
  const { scene, way } = attempt;
  const env = {
    CONFIG: scene.sshConfig,
    WAY: way,
    ROOT: scene.folder,
    MOUNT: mountPoint(attempt),
  };
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return ['env', ...assignments, 'sh', '-c', `${MOUNTED}${script}`, 'sh', ...args];
}

/** What a file system is asked for, beside reading and writing. */
const OPERATIONS = `cd "$MOUNT/$1" || exit 1
mkdir folder && echo text >folder/file && mv folder/file folder/moved && chmod 640 folder/moved
ln -s moved folder/link && cat folder/link && readlink folder/link
truncate -s 2 folder/moved && wc -c <folder/moved
touch -d 2001-02-03T04:05:06Z folder/moved && stat -c '%a %Y %s' folder/moved
ls -1 folder
rmdir folder
rm folder/link folder/moved && rmdir folder && ls -1`;

/** How sshfs and its mount program say that the machine doesn't let them. */
const NO_FUSE =
  /fuse: device not found|fuse: failed to open|fusermount3: mount failed|fusermount3: .*: Permission denied/;

async function missing(scene: Scene): Promise<string | null> {
  const attempt = { scene, way: 'plain', here: '', there: '', bulkBytes: 0 } as const;
  const { status, stderr } = await runClient(attempt, mounted(attempt, 'true'));
  if (status === 0) return null;
  if (NO_FUSE.test(stderr)) return 'no FUSE here';
  throw new Error(`sshfs can't mount: ${stderr}`);
}

const remotely = ({ scene }: Attempt, path: string): string => relative(scene.folder, path);

const checks = fileChecks({
  list: (attempt, remote) => mounted(attempt, OPERATIONS, remotely(attempt, remote)),
  get: (attempt, remote, local) =>
    mounted(attempt, 'cat "$MOUNT/$1" >"$2"', remotely(attempt, remote), local),
  put: (attempt, local, remote) =>
    mounted(attempt, 'cat "$1" >"$MOUNT/$2"', local, remotely(attempt, remote)),
});

/** Leaves no mount behind. */
function unmounting(check: Check | undefined): Check {
  if (check === undefined) throw new Error('there is no such check');
  return async (attempt) => {
    try {
      return await check(attempt);
    } finally {
      await unmount(mountPoint(attempt));
    }
  };
}

async function unmount(mount: string): Promise<void> {
  await runProgram('fusermount3', ['-u', '-z', mount]);
  // Fails where it is still mounted, and so does no harm.
  await rmdir(mount).catch(() => {});
}

export const SSHFS: readonly Client[] = [
  {
    name: 'sshfs',
    isBulk: false,
    missing,
    checks: { ...checks, cancel: unmounting(checks.cancel) },
  },
];
