import assert from 'node:assert/strict';
import { MAX_PRINCIPAL_ATTEMPTS } from '../../server/http/attempts.ts';
import { people, startHttpWorld, type HttpWorld } from '../support/http-world.ts';

describe('abuse of the web server', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
  });
  afterEach(() => world.close());

  const bearer = (token: string): Promise<Response> =>
    world.fetch('/api/v1/sessions', null, { headers: { authorization: `Bearer ${token}` } });

  it('makes who guesses tokens wait, and nobody with a right one from the same address', async () => {
    for (let at = 0; at < MAX_PRINCIPAL_ATTEMPTS; at += 1) {
      assert.equal((await bearer(`guess-${at}`)).status, 401);
    }
    assert.equal((await bearer('guess-x')).status, 429);
    assert.equal((await world.fetch('/api/v1/sessions', people.uma)).status, 200);
    const link = world.signIns.setup(people.alice);
    assert.equal((await world.fetch(`/setup/${link}`, null, { method: 'POST' })).status, 303);
  });

  it('counts an old cookie as no guess', async () => {
    for (let at = 0; at < 50; at += 1) {
      const headers = { cookie: 'sallyport_session=old' };
      assert.equal((await world.fetch('/api/v1/sessions', null, { headers })).status, 401);
    }
  });
});
