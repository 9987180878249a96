/** Objects in a bucket of an S3-compatible store. */
import { S3mini } from 's3mini';
import { messageOf, SallyportError } from '../errors.ts';

/** A request that takes longer has failed, milliseconds. */
export const OBJECT_TIMEOUT_MS = 30_000;
/** The largest object that is written, and the largest part that is read at once. */
export const MAX_OBJECT_BYTES = 16 * 1024 * 1024;

export interface ObjectStoreOptions {
  /** Of the store, without the bucket. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Before every key; '' = none. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** All reject with `storage.unreachable` for whatever stands in the way. */
export interface ObjectStore {
  /** For people: the bucket and its folder. */
  readonly place: string;
  /**
   * Writes the whole object, again if it is there.
   * @param lockedUntil nobody may delete it before (object lock); null = not locked
   */
  put(key: string, bytes: Buffer, lockedUntil: Date | null): Promise<void>;
  /** Exactly `length` bytes from `offset` on. */
  read(key: string, offset: number, length: number): Promise<Buffer>;
  /** The whole object, at most MAX_OBJECT_BYTES. */
  readAll(key: string): Promise<Buffer>;
  /** One that isn't there is no mistake. */
  remove(key: string): Promise<void>;
}

export function createObjectStore(options: ObjectStoreOptions): ObjectStore {
  const { accessKeyId, bucket, endpoint, prefix, region, secretAccessKey } = options;
  const store = new S3mini({
    accessKeyId,
    secretAccessKey,
    region,
    endpoint: `${endpoint}/${bucket}`,
    requestAbortTimeout: OBJECT_TIMEOUT_MS,
  });
  const full = (key: string): string => (prefix === '' ? key : `${prefix}/${key}`);
  const place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new SallyportError(
        'storage.unreachable',
        `${place} could not ${what} (${messageOf(error)})`,
        'check the address, the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the store',
        { cause: error },
      );
    }
  };
  const whole = async (response: Response, length: number | null): Promise<Buffer> => {
    const bound = length ?? MAX_OBJECT_BYTES;
    const said = Number(response.headers.get('content-length') ?? 0);
    if (said > bound) throw new Error(`it answers with ${said} bytes instead of ${bound}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    if (length === null ? bytes.length <= bound : bytes.length === length) return bytes;
    throw new Error(`it answers with ${bytes.length} bytes instead of ${bound}`);
  };
  return {
    place,
    put: (key, bytes, lockedUntil) =>
      attempt('take an object', async () => {
        const lock = lockedUntil === null ? undefined : lockHeaders(lockedUntil);
        await store.putObject(full(key), bytes, 'application/octet-stream', undefined, lock);
      }),
    read: (key, offset, length) =>
      attempt('give an object', async () =>
        whole(await store.getObjectRaw(full(key), false, offset, offset + length), length),
      ),
    readAll: (key) =>
      attempt('give an object', async () => whole(await store.getObjectRaw(full(key)), null)),
    remove: (key) =>
      attempt('remove an object', async () => {
        await store.deleteObject(full(key));
      }),
  };
}

function lockHeaders(until: Date): Record<`x-amz-${string}`, string> {
  return {
    'x-amz-object-lock-mode': 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': until.toISOString(),
  };
}
