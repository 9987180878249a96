import assert from 'node:assert/strict';
import { people, startHttpWorld, type HttpWorld } from '../support/http-world.ts';
import { MAX_READERS_PER_PRINCIPAL } from '../../server/http/news-feed.ts';

describe('news of lists', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
  });
  afterEach(() => world.close());

  const open = (cut: AbortController): Promise<Response> =>
    world.fetch('/api/v1/sessions/news', people.audrey, { signal: cut.signal });

  it('say that something changed, once for many changes, and not what', async () => {
    const cut = new AbortController();
    const answer = await open(cut);
    const reader = answer.body?.getReader();
    assert.ok(reader !== undefined);
    const text = async (): Promise<string> => {
      const { value } = await reader.read();
      return Buffer.from((value as Uint8Array | undefined) ?? []).toString();
    };
    assert.equal(await text(), 'retry: 1000\n\n');
    for (let told = 0; told < 50; told += 1) world.news.tell();
    assert.equal(await text(), 'event: change\ndata: {}\n\n');
    cut.abort();
  });

  it('are for those who see every session', async () => {
    assert.equal((await world.fetch('/api/v1/sessions/news', people.uma)).status, 403);
    assert.equal((await world.fetch('/api/v1/sessions/news')).status, 401);
  });

  it('have a bound for each person', async () => {
    const cut = new AbortController();
    // Kept: an answer that nobody holds any more is closed by the garbage collector.
    const opened: Response[] = [];
    for (let n = 0; n < MAX_READERS_PER_PRINCIPAL; n += 1) opened.push(await open(cut));
    assert.equal((await open(cut)).status, 429);
    assert.deepEqual(new Set(opened.map(({ status }) => status)), new Set([200]));
    cut.abort();
  });
});
