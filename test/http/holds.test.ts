import assert from 'node:assert/strict';
import {
  keptSession,
  people,
  sessionId,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';

type Person = keyof typeof people | 'nobody';

describe('http legal holds', () => {
  let world: HttpWorld;
  let id: string;
  beforeEach(async () => {
    world = await startHttpWorld();
    const principal = { name: 'uma', kind: 'human' } as const;
    world.recordings.kept.push(keptSession(1, [], { principal }));
    id = sessionId(1);
  });
  afterEach(() => world.close());

  const ask = (path: string, person: Person, body: unknown = { reason: 'case 7' }) =>
    world.fetch(`/api/v1/sessions/${path}`, person === 'nobody' ? null : people[person], {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });

  for (const [person, status] of [
    ['nobody', 401],
    ['uma', 403],
    ['piet', 404],
    ['audrey', 201],
    ['alice', 201],
  ] as const) {
    it(`answers ${status} when ${person} holds a session of uma`, async () => {
      const answer = await ask(`${id}/hold`, person);
      assert.equal(answer.status, status);
      assert.equal(world.holds.views.length, status === 201 ? 1 : 0);
      const list = await world.fetch(
        `/api/v1/sessions/${id}/holds`,
        person === 'nobody' ? null : people[person],
      );
      assert.equal(list.status, status === 201 ? 200 : status);
    });
  }

  it('holds once, lists, releases once', async () => {
    const held = (await (await ask(`${id}/hold`, 'audrey')).json()) as Record<string, unknown>;
    assert.deepEqual([held['session'], held['heldBy'], held['reason']], [id, 'audrey', 'case 7']);
    assert.equal((await ask(`${id}/hold`, 'alice')).status, 409);
    const released = await ask(`${id}/release`, 'alice', { reason: 'settled' });
    assert.equal(released.status, 200);
    assert.equal((await ask(`${id}/release`, 'alice')).status, 409);
    const path = `/api/v1/sessions/${id}/holds`;
    const list = (await (await world.fetch(path, people.audrey)).json()) as { items: unknown[] };
    assert.equal(list.items.length, 1);
  });

  it('needs a reason and a session', async () => {
    for (const body of [{}, { reason: 7 }, { reason: null }]) {
      assert.equal((await ask(`${id}/hold`, 'audrey', body)).status, 400);
    }
    assert.equal((await ask(`${sessionId(9)}/hold`, 'audrey')).status, 404);
    const get = await world.fetch(`/api/v1/sessions/${id}/hold`, people.audrey);
    assert.equal(get.status, 405);
  });
});
