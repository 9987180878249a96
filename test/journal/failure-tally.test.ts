import assert from 'node:assert/strict';
import { sourceOfJournal } from '../../server/access/source.ts';
import {
  COUNTED_SOURCES,
  FailureTally,
  ROWS_IN_ALL,
  ROWS_PER_SOURCE,
  TALLY_MS,
} from '../../server/journal/failure-tally.ts';
import type { AuditEvent } from '../../server/journal/event.ts';

function failure(source: string): AuditEvent {
  const nobody = { principal: null, session: null, target: null };
  return { type: 'auth.failed', source, ...nobody, data: { why: 'wrong' } };
}

/** How many failures these rows stand for. */
function counted(rows: readonly AuditEvent[]): number {
  return rows.reduce((sum, { data }) => sum + Number(data['count'] ?? 1), 0);
}

describe('a tally of failures', () => {
  it('writes the first of a source one by one, and the rest as one row with their number', () => {
    const tally = new FailureTally(sourceOfJournal);
    const rows: AuditEvent[] = [];
    for (let port = 1; port <= 1000; port += 1) {
      const row = tally.note(failure(`192.0.2.7:${port}`), 5);
      if (row !== null) rows.push(row);
    }
    assert.equal(rows.length, ROWS_PER_SOURCE);
    assert.equal(tally.endsMs, 5 + TALLY_MS);
    const [last, ...more] = tally.close();
    assert.deepEqual(more, []);
    assert.deepEqual(last, {
      ...failure('192.0.2.7'),
      data: { why: 'wrong', count: 1000 - ROWS_PER_SOURCE, since: '1970-01-01T00:00:00.005Z' },
    });
    assert.equal(tally.endsMs, null);
    assert.deepEqual(tally.close(), []);
  });

  it('counts every failure of a flood from everywhere exactly once, in a bounded number of rows', () => {
    const tally = new FailureTally(sourceOfJournal);
    const rows: AuditEvent[] = [];
    const failures = 20_000;
    for (let at = 0; at < failures; at += 1) {
      const row = tally.note(failure(`10.${at % 97}.${at % 89}.7:1`), 0);
      if (row !== null) rows.push(row);
    }
    rows.push(...tally.close());
    assert.equal(counted(rows), failures);
    assert.ok(rows.length <= ROWS_IN_ALL + COUNTED_SOURCES + 1, `${rows.length} rows`);
    assert.equal(rows.at(-1)?.data['sources'], 'many sources');
    assert.equal(rows.at(-1)?.source, null);
  });
});
