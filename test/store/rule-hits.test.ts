import assert from 'node:assert/strict';
import type { SessionStart } from '../../server/session/ports.ts';
import { createRuleHits } from '../../server/store/rule-hits.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const NOW_MS = Date.parse('2026-03-20T10:00:00.000Z');
const DAY_MS = 86_400_000;

describe('hits of rules', () => {
  let world: RecordingWorld;
  before(async () => {
    world = await openRecordingWorld({ url: await freshUrl(), sink: { sealAfterMs: 20 } });
    await record({ startedAtMs: NOW_MS - DAY_MS }, [
      ['ls', 'allow', null],
      ['rm -rf /', 'deny', 'no-wipe'],
      ['ls', 'allow', null],
    ]);
    await record({ startedAtMs: NOW_MS - 10 * DAY_MS, target: 'db1' }, [
      ['rm -rf /', 'deny', 'no-wipe'],
      ['$x', 'hold', null],
    ]);
    await record({ startedAtMs: NOW_MS - 40 * DAY_MS }, [['rm -rf /', 'deny', 'no-wipe']]);
  });
  after(() => world.close());

  async function record(
    more: Partial<SessionStart>,
    commands: readonly (readonly [string, 'allow' | 'deny' | 'hold', string | null])[],
  ): Promise<void> {
    const recording = await world.sink.begin(sessionStart(more));
    for (const [index, [text, verdict, rule]] of commands.entries()) {
      const usual = decidedCommand(index + 1);
      await recording.decided({ ...usual, text, decision: { ...usual.decision, verdict, rule } });
    }
    await recording.end({ atUs: 9e6, status: 'closed', exitStatus: 0, bytesOut: 1, why: 'over' });
  }

  it('counts what each rule decided, and what none did, within the week and the month', async () => {
    const rows = await createRuleHits(world.database).hits(NOW_MS);
    assert.deepEqual(
      rows.map((row) => `${row.rule ?? '-'} ${row.verdict} ${row.week} ${row.month}`).toSorted(),
      ['- hold 0 1', 'no-wipe deny 1 2'],
    );
    const last = rows.find((row) => row.rule === 'no-wipe')?.lastAt.getTime();
    assert.equal(last, NOW_MS - DAY_MS);
  });

  it('gives each kind of command once, with its newest place', async () => {
    const { policy } = sessionStart();
    const since = new Date(NOW_MS - 30 * DAY_MS);
    const { isCut, samples } = await createRuleHits(world.database).samples(policy, since);
    assert.equal(isCut, false);
    assert.deepEqual(
      samples.map((one) => `${one.target} ${one.text} ${one.count} ${one.seq}`).toSorted(),
      [
        'db1 $x 1 2',
        'db1 rm -rf / 1 1',
        `${sessionStart().target} ls 2 3`,
        `${sessionStart().target} rm -rf / 1 2`,
      ],
    );
    const none = await createRuleHits(world.database).samples('other', since);
    assert.deepEqual(none.samples, []);
  });
});
