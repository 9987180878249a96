import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { readEnvironment } from '../../server/config/environment.ts';
import type { RecordPlaces } from '../../server/config/record-places.ts';

const DEFAULTS = { homeDirectory: '/home/eve', workingDirectory: '/srv', isTerminal: false };
const KEY = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'hunter2' };
const BUCKET = {
  endpoint: 'https://s3.eu-west-1.amazonaws.com',
  region: 'eu-west-1',
  bucket: 'cold-recordings',
  prefix: 'a/b',
};

describe('where recordings go', () => {
  const GOOD: readonly (readonly [Record<string, string>, Partial<RecordPlaces>])[] = [
    [
      { SALLYPORT_COLD_STORE: 's3://cold-recordings/a/b?region=eu-west-1', ...KEY },
      { cold: { bucket: BUCKET, afterDays: 90 } },
    ],
    [
      {
        SALLYPORT_COLD_STORE: 's3://cold-recordings/?endpoint=http://127.0.0.1:9000/',
        SALLYPORT_COLD_AFTER: '7d',
        ...KEY,
      },
      {
        cold: {
          bucket: {
            ...BUCKET,
            endpoint: 'http://127.0.0.1:9000',
            region: 'us-east-1',
            prefix: '',
          },
          afterDays: 7,
        },
      },
    ],
    [
      { SALLYPORT_ANCHOR: 'file:///mnt/worm/heads.jsonl' },
      { anchor: { kind: 'file', path: '/mnt/worm/heads.jsonl' } },
    ],
    [
      { SALLYPORT_ANCHOR: 'https://witness.example/take?token=x' },
      { anchor: { kind: 'webhook', url: 'https://witness.example/take?token=x' } },
    ],
    [
      {
        SALLYPORT_ANCHOR: 's3://cold-recordings/a/b?region=eu-west-1&lockDays=3650',
        ...KEY,
      },
      { anchor: { kind: 'bucket', bucket: BUCKET, lockDays: 3650 } },
    ],
  ];
  for (const [env, places] of GOOD) {
    it(`takes ${Object.values(env)[0]}`, () => {
      const outcome = readEnvironment(env, DEFAULTS);
      assert.ok(outcome.kind === 'ok', inspect(outcome));
      assert.deepEqual(outcome.config.record, { cold: null, anchor: null, ...places });
      assert.doesNotMatch(inspect(outcome.config.secrets), /hunter2/);
    });
  }

  const BAD: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ SALLYPORT_COLD_STORE: '/var/cold', ...KEY }, /no address of a bucket/],
    [{ SALLYPORT_COLD_STORE: 's3://k:hunter2@bucket/', ...KEY }, /holds a key/],
    [{ SALLYPORT_COLD_STORE: 's3://B/', ...KEY }, /no bucket and folder/],
    [{ SALLYPORT_COLD_STORE: 's3://bucket/a//b', ...KEY }, /no bucket and folder/],
    [{ SALLYPORT_COLD_STORE: 's3://bucket/?zone=x', ...KEY }, /unknown setting "zone"/],
    [{ SALLYPORT_COLD_STORE: 's3://bucket/?endpoint=ftp://x', ...KEY }, /no usable endpoint/],
    [{ SALLYPORT_COLD_STORE: 's3://bucket/?lockDays=3', ...KEY }, /has lockDays/],
    [{ SALLYPORT_COLD_STORE: 's3://bucket/' }, /AWS_ACCESS_KEY_ID is not set/],
    [
      { SALLYPORT_COLD_STORE: 's3://bucket/', AWS_ACCESS_KEY_ID: 'x' },
      /AWS_SECRET_ACCESS_KEY is not set/,
    ],
    [
      { SALLYPORT_COLD_STORE: 's3://bucket/', SALLYPORT_COLD_AFTER: '0d', ...KEY },
      /number of days/,
    ],
    [{ SALLYPORT_COLD_AFTER: '9d' }, /without a store/],
    [{ SALLYPORT_ANCHOR: 'syslog://x' }, /no place for an anchor/],
    [{ SALLYPORT_ANCHOR: 'file://host/x' }, /no place for an anchor/],
    [{ SALLYPORT_ANCHOR: 's3://bucket/?lockDays=0', ...KEY }, /lockDays/],
    [{ SALLYPORT_ANCHOR: 's3://bucket/' }, /AWS_ACCESS_KEY_ID is not set/],
  ];
  for (const [env, why] of BAD) {
    it(`refuses ${inspect(env)}`, () => {
      const outcome = readEnvironment(env, DEFAULTS);
      assert.ok(outcome.kind === 'invalid', inspect(outcome));
      assert.match(outcome.problems.join('\n'), why);
      assert.doesNotMatch(outcome.problems.join('\n'), /hunter2/);
    });
  }
});
