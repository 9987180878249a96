import assert from 'node:assert/strict';
import { DIRECTORY } from '../support/fake-directory.ts';
import { people, startHttpWorld, type HttpWorld } from '../support/http-world.ts';

const NAMES = {
  principals: 'deploy-bot',
  targets: 'web-01',
  grants: 'g1',
  policies: 'default',
  credentials: 'web-deploy',
} as const;

describe('http directory', () => {
  let world: HttpWorld;
  before(async () => {
    world = await startHttpWorld();
  });
  after(() => world.close());

  const kinds = Object.keys(NAMES) as (keyof typeof NAMES)[];
  for (const kind of kinds) {
    const path = `/api/v1/${kind}`;
    const [only] = DIRECTORY[kind];

    it(`lists ${kind}`, async () => {
      const answer = await world.fetch(path, people.audrey);
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), { items: [only], next: null });
    });

    it(`gives one of ${kind}, and 404 for none`, async () => {
      const answer = await world.fetch(`${path}/${NAMES[kind]}`, people.alice);
      assert.deepEqual(await answer.json(), only);
      assert.equal((await world.fetch(`${path}/nothing`, people.alice)).status, 404);
    });

    for (const [person, status] of [
      [people.uma, 403],
      [people.piet, 403],
      [null, 401],
    ] as const) {
      it(`keeps ${kind} from ${person?.name ?? 'nobody'}`, async () => {
        assert.equal((await world.fetch(path, person)).status, status);
        assert.equal((await world.fetch(`${path}/${NAMES[kind]}`, person)).status, status);
      });
    }
  }
});
