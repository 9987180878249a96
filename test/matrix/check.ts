/** What is tried with a client, and how two ways of the same are compared. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Scene, type Way } from './scene.ts';

/** The columns of the table. */
export const CHECKS = [
  'login and errors',
  'terminal',
  'download',
  'upload',
  '10,000 files',
  '50 channels',
  'cancel',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** What was seen, by what it is called; equal on every way. */
export type Facts = Readonly<Record<string, string | number | boolean | null>>;

/** One try of one client on one way. */
export interface Attempt {
  readonly scene: Scene;
  readonly way: Way;
  /** Two empty folders: the client's and the target's, at the same place on every way. */
  readonly here: string;
  readonly there: string;
  /** Size of what is sent and fetched. */
  readonly bulkBytes: number;
}

export type Check = (attempt: Attempt) => Promise<Facts>;

export interface Client {
  readonly name: string;
  /** Whether transfers have the full size in every run, not only in `npm run matrix`. */
  readonly isBulk: boolean;
  /** Checks in which the client races with the target, without a bastion too. */
  readonly unsteady?: readonly CheckName[];
  readonly checks: Partial<Readonly<Record<CheckName, Check>>>;
  /** Why it can't run on this machine, or null when it can; left out = it always can. */
  readonly missing?: (scene: Scene) => Promise<string | null>;
}

/** One try of `check`, in fresh folders. */
export async function tryCheck(
  scene: Scene,
  client: Client,
  name: CheckName,
  way: Way,
  bulkBytes: number,
): Promise<Facts> {
  const check = client.checks[name];
  if (check === undefined) throw new Error(`${client.name} has no check "${name}"`);
  const folder = join(scene.folder, 'try');
  const [here, there] = [join(folder, 'here'), join(folder, 'there')];
  await rm(folder, { recursive: true, force: true });
  await mkdir(here, { recursive: true });
  await mkdir(there);
  try {
    return await check({ scene, way, here, there, bulkBytes });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How often an unsteady check may be repeated until it gives the same on two ways. */
const MAX_UNSTEADY_TRIES = 5;

/**
 * What differs between a way and a connection without a bastion, one line each.
 * @param plain what was seen without a bastion before, if it was
 */
export async function compareWays(
  plain: Facts | null,
  tryWay: (way: Way) => Promise<Facts>,
  way: Way,
  isUnsteady: boolean,
): Promise<{ readonly plain: Facts; readonly differences: readonly string[] }> {
  let expected = plain ?? (await tryWay('plain'));
  let found = differences(expected, await tryWay(way));
  const maxTries = isUnsteady ? MAX_UNSTEADY_TRIES : 1;
  for (let tries = 1; found.length > 0 && tries < maxTries; tries += 1) {
    expected = await tryWay('plain');
    found = differences(expected, await tryWay(way));
  }
  return { plain: expected, differences: found };
}

/** What differs, one line each; none when both saw the same. */
export function differences(plain: Facts, other: Facts): string[] {
  const names = new Set([...Object.keys(plain), ...Object.keys(other)]);
  return [...names].flatMap((name) =>
    plain[name] === other[name]
      ? []
      : [`${name}: ${shown(other[name])} instead of ${shown(plain[name])}`],
  );
}

function shown(value: Facts[string] | undefined): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

/** SHA-256 of a file; null when there is none. */
export async function hashOf(path: string): Promise<string | null> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere) return null;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
