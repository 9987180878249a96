import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionStart } from '../../server/session/ports.ts';
import { COUNTED_FOR_MS, createOverview, SHOWN_FOR_MS } from '../../server/store/overview.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const NOW_MS = Date.parse('2026-03-10T10:30:00.000Z');
const HOUR_MS = 3_600_000;

describe('the overview', () => {
  let world: RecordingWorld;
  before(async () => {
    world = await openRecordingWorld({ url: await freshUrl(), sink: { sealAfterMs: 20 } });
    await record({ startedAtMs: NOW_MS - HOUR_MS / 4 }, ['allow', 'deny'], true);
    // Began two hours ago, and its second command was decided an hour later.
    await record({ startedAtMs: NOW_MS - 2 * HOUR_MS }, ['allow', 'hold'], false, HOUR_MS);
    const agent = { ...sessionStart().principal, name: 'old-bot' };
    await record({ principal: agent, startedAtMs: NOW_MS - 9 * 24 * HOUR_MS }, ['deny'], false);
  });
  after(() => world.close());

  async function record(
    more: Partial<SessionStart>,
    verdicts: readonly ('allow' | 'deny' | 'hold')[],
    isRunning: boolean,
    betweenMs = 1000,
  ): Promise<void> {
    const recording = await world.sink.begin(sessionStart(more));
    for (const [index, verdict] of verdicts.entries()) {
      const usual = decidedCommand(index + 1);
      const decision = { ...usual.decision, verdict };
      await recording.decided({ ...usual, atUs: index * betweenMs * 1000, decision });
    }
    if (isRunning) return;
    await recording.end({ atUs: 9e9, status: 'closed', exitStatus: 0, bytesOut: 1, why: 'over' });
  }

  it('counts what runs, what was decided when, and who was busiest', async () => {
    const figures = await createOverview(world.database, { nowMs: () => NOW_MS }).overview();
    assert.equal(figures.activeSessions, 1);
    assert.equal(figures.hours.length, 24);
    assert.equal(figures.days.length, 30);
    const hours = figures.hours.filter((one) => one.allowed + one.denied + one.held > 0);
    assert.deepEqual(hours, [
      { at: '2026-03-10T08:00:00.000Z', allowed: 1, denied: 0, held: 0 },
      { at: '2026-03-10T09:00:00.000Z', allowed: 0, denied: 0, held: 1 },
      { at: '2026-03-10T10:00:00.000Z', allowed: 1, denied: 1, held: 0 },
    ]);
    assert.deepEqual(
      figures.days.filter((one) => one.denied > 0).map((one) => one.at.slice(0, 10)),
      ['2026-03-01', '2026-03-10'],
    );
    assert.deepEqual(
      figures.principals.map((one) => `${one.sessions} ${one.commands} ${one.stopped}`),
      ['2 4 2'],
    );
    assert.deepEqual(
      figures.rules.map((one) => `${one.policy} ${one.decision} ${one.hits}`).toSorted(),
      [`${sessionStart().policy} deny 1`, `${sessionStart().policy} hold 1`],
    );
    assert.equal(figures.record.failed, 0);
  });

  it('counts anew after half a minute, and shows the older figures meanwhile', async () => {
    let nowMs = NOW_MS;
    const desk = createOverview(world.database, { nowMs: () => nowMs });
    const first = await desk.overview();
    nowMs += COUNTED_FOR_MS - 1;
    assert.equal(await desk.overview(), first);
    nowMs += 1;
    assert.equal(await desk.overview(), first);
    for (let n = 0; n < 500 && (await desk.overview()) === first; n += 1) await sleep(10);
    assert.notEqual(await desk.overview(), first);
  });

  it('shows no figures that are ten minutes old', async () => {
    let nowMs = NOW_MS;
    const desk = createOverview(world.database, { nowMs: () => nowMs });
    const first = await desk.overview();
    nowMs += SHOWN_FOR_MS;
    assert.notEqual(await desk.overview(), first);
  });
});
