import assert from 'node:assert/strict';
import { journalQuery } from '../../server/http/journal-routes.ts';
import { people, sessionId, startHttpWorld, type HttpWorld } from '../support/http-world.ts';

describe('http journal', () => {
  let world: HttpWorld;
  before(async () => {
    world = await startHttpWorld();
    await world.audit.append({
      type: 'command.decided',
      principal: 'deploy-bot',
      source: '192.0.2.7:1',
      session: sessionId(1),
      target: 'web-01',
      data: { text: 'df -h', verdict: 'allow' },
    });
  });
  after(() => world.close());

  for (const person of [people.alice, people.audrey]) {
    it(`shows entries with their place in the chain to ${person.name}`, async () => {
      const answer = await world.fetch('/api/v1/journal', person);
      assert.equal(answer.status, 200);
      const { items, next } = (await answer.json()) as { items: object[]; next: string | null };
      assert.equal(next, null);
      assert.deepEqual(items.at(-1), {
        seq: 1,
        at: '2026-01-01T10:00:00.000Z',
        type: 'command.decided',
        principal: 'deploy-bot',
        source: '192.0.2.7:1',
        session: sessionId(1),
        target: 'web-01',
        data: { text: 'df -h', verdict: 'allow' },
        prevHash: '0'.repeat(64),
        hash: '1'.repeat(64),
      });
    });
  }

  for (const [person, status] of [
    [people.uma, 403],
    [people.piet, 403],
    [null, 401],
  ] as const) {
    it(`is closed to ${person?.name ?? 'nobody'}`, async () => {
      assert.equal((await world.fetch('/api/v1/journal', person)).status, status);
    });
  }

  it('is read only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await world.fetch('/api/v1/journal', people.alice, { method });
      assert.equal(answer.status, 405, method);
    }
  });

  it('asks for what the query says', () => {
    const query = journalQuery({
      type: 'auth.failed, auth.succeeded',
      principal: 'bot',
      target: 'web-01',
      session: sessionId(2),
      since: '2026-01-01',
      until: '2026-01-02',
      limit: '7',
      cursor: '99',
    });
    assert.deepEqual(query, {
      types: ['auth.failed', 'auth.succeeded'],
      principal: 'bot',
      target: 'web-01',
      session: sessionId(2),
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-01-02T23:59:59.999Z',
      limit: 7,
      cursor: '99',
    });
    assert.deepEqual(journalQuery({}), { limit: 50 });
  });

  it('exports nothing for a cursor, which it would not heed', async () => {
    const exports = () => world.audit.ofType('journal.exported').length;
    for (const cursor of ['zzz', '1']) {
      const answer = await world.fetch(`/journal/export?cursor=${cursor}`, people.audrey);
      assert.equal(answer.status, 400);
      assert.equal(answer.headers.get('content-disposition'), null);
      assert.match(await answer.text(), /cursor.*is not for exports/);
    }
    assert.equal(exports(), 0);
    const whole = await world.fetch('/journal/export?cursor=', people.audrey);
    assert.equal(whole.status, 200);
    assert.match(await whole.text(), /"type":"command.decided"/);
    assert.equal(exports(), 1);
  });

  for (const [query, expected] of [
    ['type=auth.failed,nonsense', /"type" has a type that there is not/],
    ['limit=201', /"limit"/],
    ['since=2026-01-02&until=2026-01-01', /"until" is before "since"/],
    ['since=yesterday', /"since"/],
    ['seq=1', /"seq" is not known here/],
  ] as const) {
    it(`refuses ?${query}`, async () => {
      const answer = await world.fetch(`/api/v1/journal?${query}`, people.audrey);
      assert.equal(answer.status, 400);
      const { error } = (await answer.json()) as { error: { message: string } };
      assert.match(error.message, expected);
    });
  }
});
