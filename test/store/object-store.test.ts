import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import { MAX_OBJECT_BYTES, type ObjectStore } from '../../server/store/object-store.ts';
import { type BucketServer, startBucketServer } from '../support/bucket-server.ts';

describe('an object store', function () {
  this.timeout(60_000);
  let server: BucketServer;
  let store: ObjectStore;

  before(async () => {
    server = await startBucketServer();
    store = server.store('a/folder');
  });
  after(() => server.stop());

  it('gives back what it took, whole and in parts', async () => {
    const bytes = Buffer.from(Array.from({ length: 4096 }, (_, at) => at % 251));
    await store.put('x/one', bytes, null);
    assert.ok((await store.readAll('x/one')).equals(bytes));
    assert.ok((await store.read('x/one', 100, 50)).equals(bytes.subarray(100, 150)));
    await store.put('x/one', Buffer.from('again'), null);
    assert.equal((await store.readAll('x/one')).toString(), 'again');
  });

  it('takes the largest object', async () => {
    const bytes = Buffer.alloc(MAX_OBJECT_BYTES, 'abc');
    await store.put('large', bytes, null);
    assert.ok((await store.readAll('large')).equals(bytes));
  });

  it('removes, also what is not there', async () => {
    await store.put('gone', Buffer.from('x'), null);
    await store.remove('gone');
    await store.remove('gone');
    await assert.rejects(store.readAll('gone'), /NoSuchKey/);
  });

  const REFUSALS: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ['an object that is not there', () => store.readAll('nowhere'), /NoSuchKey/],
    ['a part that is not there', () => store.read('x/one', 2, 50), /bytes instead of 50/],
    [
      'the wrong key',
      () => server.store('', { id: 'EVE', secret: 'x' }).put('a', Buffer.from('x'), null),
      /403/,
    ],
  ];
  for (const [what, work, why] of REFUSALS) {
    it(`says what is wrong with ${what}`, async () => {
      await assert.rejects(work, (error: unknown) => {
        assert.ok(error instanceof SallyportError);
        assert.equal(error.code, 'storage.unreachable');
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  it('says that nobody answers', async () => {
    const away = await startBucketServer();
    const lost = away.store('');
    await away.stop();
    await assert.rejects(lost.readAll('x'), /could not give an object \(.*ECONNREFUSED/);
  });
});
