import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import { gapNotice, withLastPolicy } from '../../server/session/break-glass.ts';
import { OutputPipe } from '../../server/session/output.ts';
import type { Policies, Recording, RecordingGap } from '../../server/session/ports.ts';
import { FakeEnd, fakeWorld } from '../support/session-fakes.ts';
import type { InputUnit, OutputUnit } from '../../server/session/ports.ts';

describe('a session that goes on while it is not recorded', () => {
  it('delivers, and tells once when nothing is recorded and once when it is again', async () => {
    const gaps: (RecordingGap | undefined)[] = [
      undefined,
      { kind: 'lost', why: 'the disk is full' },
      { kind: 'lost', why: 'the disk is full' },
      { kind: 'resumed', lostBytes: 2 },
      undefined,
    ];
    const recording: Pick<Recording, 'append'> = { append: async () => gaps.shift() };
    const client = new FakeEnd<InputUnit, OutputUnit>();
    const told: string[] = [];
    const output = new OutputPipe(
      recording as Recording,
      client,
      () => 0,
      1024,
      (gap) => void told.push(gapNotice(gap)),
    );
    for (const text of ['a', 'b', 'c', 'd', 'e']) {
      await output.push({ kind: 'data', stream: 'stdout', bytes: Buffer.from(text) });
    }
    await output.flush();
    assert.equal(
      client.written.map((unit) => (unit.kind === 'data' ? unit.bytes.toString() : '')).join(''),
      'abcde',
    );
    assert.deepEqual(told, [
      'sallyport: recording failed: the disk is full; this session goes on unrecorded',
      'sallyport: recording works again; 2 bytes before this were not recorded',
    ]);
  });

  it('judges by the policy that judged last while the database does not answer', async () => {
    const { policies: known } = fakeWorld().dependencies;
    let fails: Error | null = null;
    const policies: Policies = {
      byName: (name) => (fails === null ? known.byName(name) : Promise.reject(fails)),
    };
    const kept = withLastPolicy({ policies }).policies;
    fails = new Error('connection refused');
    await assert.rejects(kept.byName('default'), { message: 'connection refused' });
    fails = null;
    const first = await kept.byName('default');
    fails = new Error('connection refused');
    assert.equal(await kept.byName('default'), first);
    await assert.rejects(kept.byName('another'));
    fails = new SallyportError('object.unknown', 'the policy is gone', 'apply one');
    await assert.rejects(kept.byName('default'), { code: 'object.unknown' });
  });
});
