/** A real server of the S3 protocol in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  createObjectStore,
  type ObjectStore,
  type ObjectStoreOptions,
} from '../../server/store/object-store.ts';
import { programEnvironment } from './program.ts';

interface Key {
  readonly id: string;
  readonly secret: string;
}

const STARTS_WITHIN_MS = 20_000;
/** What the server takes as its only account. */
export const BUCKET_KEY: Key = { id: 'S3RVER', secret: 'S3RVER' };
export const BUCKET = 'recordings';

export interface BucketServer {
  readonly endpoint: string;
  /** A folder of its bucket. @param key another account's, to be refused */
  store(prefix: string, key?: Key): ObjectStore;
  /** How to reach a folder. */
  options(prefix: string): ObjectStoreOptions;
  stop(): Promise<void>;
}

export async function startBucketServer(): Promise<BucketServer> {
  const directory = await mkdtemp(join(tmpdir(), 'buckets-'));
  const main = createRequire(import.meta.url).resolve('s3rver');
  const program = join(dirname(main), '..', 'bin', 's3rver.js');
  const words = ['-d', directory, '-a', '127.0.0.1', '-p', '0', '--configure-bucket', BUCKET];
  const child = spawn(process.execPath, ['--no-deprecation', program, ...words], {
    env: programEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endpoint = `http://127.0.0.1:${await portOf(child)}`;
  const options = (prefix: string, key: Key = BUCKET_KEY) => ({
    endpoint,
    region: 'us-east-1',
    bucket: BUCKET,
    prefix,
    accessKeyId: key.id,
    secretAccessKey: key.secret,
  });
  return {
    endpoint,
    options: (prefix) => options(prefix),
    store: (prefix, key) => createObjectStore(options(prefix, key)),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The server names its port once it listens. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    const timer = setTimeout(
      () => reject(new Error(`it did not start: ${said}`)),
      STARTS_WITHIN_MS,
    );
    const hear = (part: Buffer): void => {
      said += part.toString();
      const port = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => reject(new Error(`it ended: ${said}`)));
  });
}
