import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import { approvalQuery, recordingFormat, sessionQuery } from '../../server/http/query.ts';

describe('http query', () => {
  it('reads every filter of the session list', () => {
    const query = sessionQuery({
      principal: 'alice',
      target: 'web-01',
      run: 'r1',
      q: 'rm',
      status: 'closed',
      since: '2026-01-01T00:00:00+02:00',
      until: '2026-01-31',
      limit: '200',
      cursor: 'abc',
    });
    assert.deepEqual(query, {
      principal: 'alice',
      target: 'web-01',
      run: 'r1',
      q: 'rm',
      status: 'closed',
      since: '2025-12-31T22:00:00.000Z',
      until: '2026-01-31T23:59:59.999Z',
      limit: 200,
      cursor: 'abc',
    });
  });

  it('takes an empty value for no filter and a time without zone for UTC', () => {
    assert.deepEqual(sessionQuery({ principal: '', status: '', since: '2026-01-01T12:30' }), {
      limit: 50,
      since: '2026-01-01T12:30:00.000Z',
    });
  });

  const bad: readonly [name: string, raw: Record<string, unknown>][] = [
    ['limit', { limit: '0' }],
    ['limit', { limit: '201' }],
    ['limit', { limit: '1e2' }],
    ['limit', { limit: '-1' }],
    ['status', { status: 'open' }],
    ['status', { status: 'toString' }],
    ['since', { since: 'yesterday' }],
    ['since', { since: '2026-02-31T00:00:00Z; drop' }],
    ['until', { until: '2026-13-01' }],
    ['until', { until: '2026-02-31' }],
    ['until', { since: '2026-01-02', until: '2026-01-01' }],
    ['principal', { principal: ['a', 'b'] }],
    ['q', { q: 'x'.repeat(201) }],
    ['q', { q: 'a\0b' }],
    ['cursor', { cursor: 'x'.repeat(501) }],
    ['prinicpal', { prinicpal: 'alice' }],
  ];
  for (const [name, raw] of bad) {
    it(`refuses ${JSON.stringify(raw).slice(0, 60)} and names "${name}"`, () => {
      assert.throws(
        () => sessionQuery(raw),
        (error) =>
          error instanceof SallyportError &&
          error.code === 'usage.invalid' &&
          error.message.includes(`"${name}"`) &&
          error.hint.length > 0,
      );
    });
  }

  it('knows the formats of a recording and the statuses of an approval', () => {
    assert.equal(recordingFormat({}), 'cast');
    assert.equal(recordingFormat({ format: 'txt' }), 'txt');
    assert.throws(() => recordingFormat({ format: 'gif' }), /"format"/);
    assert.deepEqual(approvalQuery({ status: 'waiting' }), { status: 'waiting', limit: 50 });
    assert.throws(() => approvalQuery({ status: 'open' }), /"status"/);
  });
});
