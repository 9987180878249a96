/**
 * Where recordings go beside the database: an object store for old chunks, and an anchor for what is
 * signed. Not caught here: whether a bucket, a folder or a server exists; the first use shows that.
 */
import { fileURLToPath } from 'node:url';

/** A bucket of an S3-compatible store, and the folder in it. */
export interface BucketPlace {
  /** Of the store, without the bucket and a final slash. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Without slashes at its ends; '' = the whole bucket. */
  readonly prefix: string;
}

/** Where signed heads are copied to. */
export type AnchorPlace =
  /** Lines are appended to the file. @param path absolute */
  | { readonly kind: 'file'; readonly path: string }
  /** Lines are posted. @param url may hold a secret of the receiver */
  | { readonly kind: 'webhook'; readonly url: string }
  /** An object a line. @param lockDays for so long nobody may delete it (object lock); null = not locked */
  | { readonly kind: 'bucket'; readonly bucket: BucketPlace; readonly lockDays: number | null };

export interface RecordPlaces {
  /** What is older than `afterDays` moves there; null = everything stays in the database. */
  readonly cold: { readonly bucket: BucketPlace; readonly afterDays: number } | null;
  readonly anchor: AnchorPlace | null;
}

export const DEFAULT_COLD_AFTER_DAYS = 90;
const MAX_DAYS = 36_500;

export const PLACE_NAMES = [
  'SALLYPORT_COLD_STORE',
  'SALLYPORT_COLD_AFTER',
  'SALLYPORT_ANCHOR',
] as const;
export type PlaceName = (typeof PLACE_NAMES)[number];

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/;
const BUCKET_HINT = 's3://BUCKET/FOLDER?endpoint=https://HOST&region=REGION';

/**
 * @param given the value of a variable, null when it isn't set
 * @param complain notes a mistake; gives null
 */
export function readRecordPlaces(
  given: (name: PlaceName) => string | null,
  complain: (name: PlaceName, message: string, hint: string) => null,
): RecordPlaces {
  const store = given('SALLYPORT_COLD_STORE');
  const after = given('SALLYPORT_COLD_AFTER');
  const anchor = given('SALLYPORT_ANCHOR');
  const bucket = store === null ? null : readBucket('SALLYPORT_COLD_STORE', store, complain);
  if (bucket !== null && bucket.lockDays !== null) {
    complain('SALLYPORT_COLD_STORE', 'has lockDays', 'only an anchor is locked: leave it out');
  }
  const afterDays = after === null ? DEFAULT_COLD_AFTER_DAYS : readDays(after);
  if (afterDays === null) {
    complain('SALLYPORT_COLD_AFTER', 'is no number of days', 'write it as 90d');
  }
  if (after !== null && store === null) {
    complain('SALLYPORT_COLD_AFTER', 'is set without a store', 'set SALLYPORT_COLD_STORE too');
  }
  return {
    cold: bucket === null ? null : { bucket: bucket.bucket, afterDays: afterDays ?? 0 },
    anchor: anchor === null ? null : readAnchor(anchor, complain),
  };
}

type Complain = Parameters<typeof readRecordPlaces>[1];

function readDays(text: string): number | null {
  const days = Number(/^(\d{1,5})d$/.exec(text)?.[1] ?? Number.NaN);
  return days >= 1 && days <= MAX_DAYS ? days : null;
}

function readAnchor(value: string, complain: Complain): AnchorPlace | null {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.protocol === 'file:' && url.host === '' && url.pathname.length > 1) {
    return { kind: 'file', path: fileURLToPath(url) };
  }
  if (url?.protocol === 'https:' || url?.protocol === 'http:') {
    return { kind: 'webhook', url: url.href };
  }
  if (url?.protocol === 's3:') {
    const read = readBucket('SALLYPORT_ANCHOR', value, complain);
    return read === null ? null : { kind: 'bucket', ...read };
  }
  return complain(
    'SALLYPORT_ANCHOR',
    'is no place for an anchor',
    `write file:///FOLDER/FILE, https://HOST/PATH or ${BUCKET_HINT}&lockDays=DAYS`,
  );
}

function readBucket(
  name: PlaceName,
  value: string,
  complain: Complain,
): { readonly bucket: BucketPlace; readonly lockDays: number | null } | null {
  const wrong = (why: string): null => complain(name, why, `write ${BUCKET_HINT}`);
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || url.protocol !== 's3:') return wrong('is no address of a bucket');
  if (url.username !== '' || url.password !== '') {
    return complain(
      name,
      'holds a key',
      'give it as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment',
    );
  }
  const unknown = [...url.searchParams.keys()].find(
    (key) => !['endpoint', 'region', 'lockDays'].includes(key),
  );
  if (unknown !== undefined) return wrong(`has the unknown setting ${JSON.stringify(unknown)}`);
  const prefix = url.pathname.replace(/^\/|\/$/g, '');
  if (!BUCKET.test(url.host) || (prefix !== '' && !PREFIX.test(prefix))) {
    return wrong('names no bucket and folder that can be');
  }
  const region = url.searchParams.get('region') ?? 'us-east-1';
  const endpoint = url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`;
  const isWeb = URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol);
  if (!isWeb || !/^[a-z0-9-]{1,40}$/.test(region)) return wrong('has no usable endpoint or region');
  const days = url.searchParams.get('lockDays');
  const lockDays = days === null ? null : readDays(`${days}d`);
  if (days !== null && lockDays === null) return wrong('has lockDays that are no number of days');
  const bucket = { endpoint: endpoint.replace(/\/+$/, ''), region, bucket: url.host, prefix };
  return { bucket, lockDays };
}
