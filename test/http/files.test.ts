import assert from 'node:assert/strict';
import {
  commandView,
  keptSession,
  people,
  sessionId,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';

const BOTS = sessionId(2);

describe('http kept files', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
    world.recordings.add(keptSession(2, [commandView(3)]));
  });
  afterEach(() => world.close());

  const path = (rest: string, session = BOTS): string =>
    `/api/v1/sessions/${session}/files/${rest}`;

  it('are given as a file to save, and journalled', async () => {
    const answer = await world.fetch(path('3'), people.audrey);
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), 'kept contents');
    assert.equal(answer.headers.get('content-type'), 'application/octet-stream');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(
      answer.headers.get('content-disposition'),
      `attachment; filename="${BOTS}-3-written"`,
    );
    assert.deepEqual(world.audit.ofType('recording.exported'), [`audrey ${BOTS}`]);
  });

  it('are announced by HEAD without being journalled', async () => {
    const answer = await world.fetch(path('3'), people.audrey, { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.deepEqual(world.audit.events, []);
  });

  it('are not given when that can not be journalled', async () => {
    world.audit.failing = true;
    assert.equal((await world.fetch(path('3'), people.audrey)).status, 503);
  });

  const refused: readonly (readonly [
    rest: string,
    person: keyof typeof people | null,
    status: number,
  ])[] = [
    ['3', null, 401],
    ['3', 'uma', 404],
    ['4', 'audrey', 404],
    ['0', 'audrey', 404],
    ['x', 'audrey', 404],
    ['3?direction=read', 'audrey', 404],
    ['3?direction=up', 'audrey', 400],
  ];
  for (const [rest, person, status] of refused) {
    it(`answers ${status} to ${person ?? 'nobody'} for ${rest}`, async () => {
      const answer = await world.fetch(path(rest), person === null ? null : people[person]);
      assert.equal(answer.status, status);
      assert.deepEqual(world.audit.events, []);
    });
  }
});
