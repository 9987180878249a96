import assert from 'node:assert/strict';
import { LOOK_WINDOW_MS, MAX_LOOK_MS, Views } from '../../server/http/views.ts';
import { FakeAudit } from '../support/fake-directory.ts';
import { people, sessionView } from '../support/http-world.ts';

describe('looks at what others did', () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, monotonicUs: () => nowMs * 1000 };
  const source = 'http:192.0.2.7';
  let audit: FakeAudit;
  let views: Views;
  beforeEach(() => {
    audit = new FakeAudit();
    views = new Views(audit, clock);
  });

  const look = (number = 1): Promise<void> =>
    views.looked(people.audrey, sessionView(number), source);

  it('are one entry as long as they follow each other, and another one each hour', async () => {
    const stepMs = LOOK_WINDOW_MS - 1;
    const endMs = nowMs + 3 * MAX_LOOK_MS;
    for (; nowMs < endMs; nowMs += stepMs) await look();
    assert.equal(audit.events.length, 3);
    nowMs += LOOK_WINDOW_MS;
    await look();
    assert.equal(audit.events.length, 4);
  });

  it('are entries of their own for each session and each person', async () => {
    await look(1);
    await look(2);
    await views.looked(people.alice, sessionView(1), source);
    await look(1);
    assert.equal(audit.events.length, 3);
  });

  it('need no entry for one’s own session', async () => {
    const own = { principal: { name: 'audrey', kind: 'human' } } as const;
    await views.looked(people.audrey, sessionView(1, own), source);
    assert.equal(audit.events.length, 0);
  });

  it('fail without a journal, and are written down once it is back', async () => {
    audit.failing = true;
    await assert.rejects(look(), { code: 'journal.failed' });
    await assert.rejects(look(), { code: 'journal.failed' });
    audit.failing = false;
    await look();
    assert.equal(audit.events.length, 1);
  });

  it('fail together when they come together', async () => {
    audit.failing = true;
    const both = await Promise.allSettled([look(), look()]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
  });

  it('of the journal are one entry for each thing that is asked', async () => {
    const read = (asked: Record<string, string>): Promise<void> =>
      views.readJournal(people.audrey, source, asked);
    await read({});
    await read({});
    await read({ principal: 'uma' });
    await read({ principal: 'x'.repeat(600) });
    await read({ principal: 'x'.repeat(600) });
    assert.equal(audit.events.length, 4);
    assert.deepEqual([...new Set(audit.events.map(({ type }) => type))], ['journal.read']);
  });

  it('by searching are entries each time', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      await views.searched(people.audrey, source, { q: 'rm', target: 'web1' });
    }
    assert.deepEqual(
      audit.events.map(({ data, target }) => [data['what'], target]),
      [
        ['search', 'web1'],
        ['search', 'web1'],
        ['search', 'web1'],
      ],
    );
  });
});
