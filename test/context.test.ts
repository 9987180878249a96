import assert from 'node:assert/strict';
import type { Principal } from '../server/access/principal.ts';
import { builtinQueries, type Stores } from '../server/context.ts';
import { FakeAudit } from './support/fake-directory.ts';
import { FakeRecordings } from './support/http-fakes.ts';
import { commandView, keptSession, people, sessionId } from './support/http-world.ts';

describe('what the bastion’s own commands read', () => {
  const [UMAS, UNKNOWN] = [sessionId(1), sessionId(99)];
  const audit = new FakeAudit();
  const recordings = new FakeRecordings();
  recordings.add(
    keptSession(1, [commandView(1)], { principal: { name: 'uma', kind: 'human' } }),
    keptSession(2, [commandView(1)]),
  );
  const stores = { recordings, journal: audit } as unknown as Stores;
  const queries = builtinQueries(stores, { hostKey: '', hostAuthority: '' });
  const played = (id: string, principal: Principal): Promise<unknown> =>
    queries.recording(id, { principal, source: '192.0.2.9:1' });

  it('is written down before anything is played', async () => {
    assert.notEqual(await played(UMAS, people.audrey), null);
    assert.deepEqual(audit.ofType('recording.viewed'), [`audrey ${UMAS}`]);
  });

  it('is nothing without a journal', async () => {
    audit.failing = true;
    await assert.rejects(played(UMAS, people.audrey), { code: 'journal.failed' });
    audit.failing = false;
    assert.equal(recordings.eventsRead, 0);
  });

  it('is nothing of others, as if there were nothing, and leaves no entry', async () => {
    const before = audit.events.length;
    for (const id of [sessionId(2), UNKNOWN, '__proto__', "' or 1=1--", '']) {
      assert.equal(await played(id, people.uma), null, id);
      assert.equal(await played(id, people.piet), null, id);
    }
    assert.equal(audit.events.length, before);
  });

  it('lists only one’s own sessions, and all for auditors', async () => {
    const ids = async (principal: Principal): Promise<readonly string[]> =>
      (await queries.recentSessions(principal, 10)).map(({ id }) => id);
    assert.deepEqual(await ids(people.uma), [UMAS]);
    assert.deepEqual(await ids(people.piet), []);
    assert.equal((await ids(people.audrey)).length, 2);
  });
});
