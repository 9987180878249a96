import assert from 'node:assert/strict';
import type { AuditEvent } from '../../server/journal/event.ts';
import { withDirectoryVersion } from '../../server/store/versioned-journal.ts';

describe('the journal of refusals', () => {
  const event: AuditEvent = {
    type: 'access.refused',
    principal: 'ann',
    source: null,
    session: null,
    target: 'web1',
    data: { why: 'no-grant' },
  };
  const written: AuditEvent[] = [];
  const versions = { current: () => Promise.resolve(7) };
  const append = (one: AuditEvent): Promise<void> => {
    written.push(one);
    return Promise.resolve();
  };
  const journal = withDirectoryVersion({ append }, versions);

  it('names the version of the directory, and leaves everything else alone', async () => {
    await journal.append(event);
    await journal.append({ ...event, type: 'auth.failed' });
    assert.deepEqual(written, [
      { ...event, data: { why: 'no-grant', directoryVersion: 7 } },
      { ...event, type: 'auth.failed' },
    ]);
  });

  it('says nothing when the version can not be asked for', async () => {
    const gone = { current: () => Promise.reject(new Error('away')) };
    await assert.rejects(withDirectoryVersion({ append }, gone).append(event), /away/);
    assert.equal(written.length, 2);
  });
});
