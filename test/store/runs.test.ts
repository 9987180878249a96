import assert from 'node:assert/strict';
import type { SessionStart } from '../../server/session/ports.ts';
import { createRuns, type StoredRuns } from '../../server/store/runs.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const START_MS = Date.parse('2026-03-01T10:00:00.000Z');

describe('runs', () => {
  let world: RecordingWorld;
  let runs: StoredRuns;
  before(async () => {
    world = await openRecordingWorld({ url: await freshUrl(), sink: { sealAfterMs: 20 } });
    runs = createRuns(world.database);
    const nightly = { run: '4711', task: 'nightly', attribution: 'verified' } as const;
    await record({ ...nightly, startedAtMs: START_MS }, ['make', 'make test']);
    await record(
      { ...nightly, startedAtMs: START_MS + 5000, target: 'db1', attribution: 'claimed' },
      ['rm -rf /'],
      'deny',
    );
    await record({ startedAtMs: START_MS + 6000 }, ['ls']);
    await record({ run: '4712', startedAtMs: START_MS + 7000 }, ['make'], 'allow', true);
    const other = { ...sessionStart().principal, name: 'mallory' };
    await record({ run: '4711', principal: other, startedAtMs: START_MS + 9000 }, ['id']);
  });
  after(() => world.close());

  async function record(
    more: Partial<SessionStart>,
    texts: readonly string[],
    verdict: 'allow' | 'deny' = 'allow',
    isRunning = false,
  ): Promise<void> {
    const recording = await world.sink.begin(sessionStart(more));
    for (const [index, text] of texts.entries()) {
      const usual = decidedCommand(index + 1);
      await recording.decided({ ...usual, text, decision: { ...usual.decision, verdict } });
    }
    if (isRunning) return;
    await recording.end({ atUs: 9e6, status: 'closed', exitStatus: 0, bytesOut: 1, why: 'over' });
  }

  it('lists each once, by its newest session, under its own principal', async () => {
    const { items, next } = await runs.listRuns({ limit: 10 });
    assert.deepEqual(
      items.map((one) => `${one.principal} ${one.run} ${one.sessionCount}`),
      [
        'mallory 4711 1',
        `${sessionStart().principal.name} 4712 1`,
        `${sessionStart().principal.name} 4711 2`,
      ],
    );
    assert.equal(next, null);
  });

  it('adds up what its sessions did, and trusts it no more than the least of them', async () => {
    const name = { principal: sessionStart().principal.name, run: '4711' };
    const run = await runs.run(name);
    assert.ok(run !== null);
    const { commandCount, deniedCount, sessionCount, attribution, activeCount, tasks, isCut } = run;
    assert.deepEqual(
      { commandCount, deniedCount, sessionCount, attribution, activeCount, tasks, isCut },
      {
        commandCount: 3,
        deniedCount: 1,
        sessionCount: 2,
        attribution: 'claimed',
        activeCount: 0,
        tasks: ['nightly'],
        isCut: false,
      },
    );
    assert.equal(run.startedAt, new Date(START_MS).toISOString());
    assert.ok(run.endedAt !== null);
    assert.equal(run.targets.length, 2);
  });

  it('has no end while a session runs', async () => {
    const run = await runs.run({ principal: sessionStart().principal.name, run: '4712' });
    assert.equal(run?.activeCount, 1);
    assert.equal(run?.endedAt, null);
  });

  it('reads the commands of all its sessions in order', async () => {
    const name = { principal: sessionStart().principal.name, run: '4711' };
    const { commands, isCut } = await runs.runCommands(name);
    assert.deepEqual(
      commands.map((one) => `${one.target} ${one.text} ${one.decision}`),
      [
        `${sessionStart().target} make allow`,
        `${sessionStart().target} make test allow`,
        'db1 rm -rf / deny',
      ],
    );
    assert.equal(isCut, false);
  });

  it('goes on where a page ended, and finds by run, task and principal', async () => {
    const first = await runs.listRuns({ limit: 2 });
    assert.ok(first.next !== null);
    const second = await runs.listRuns({ limit: 2, cursor: first.next });
    assert.deepEqual(
      second.items.map((one) => one.run),
      ['4711'],
    );
    assert.equal((await runs.listRuns({ limit: 9, q: 'NIGHT' })).items.length, 1);
    assert.equal((await runs.listRuns({ limit: 9, q: '471' })).items.length, 3);
    assert.equal((await runs.listRuns({ limit: 9, principal: 'mallory' })).items.length, 1);
    assert.equal((await runs.listRuns({ limit: 9, q: '%' })).items.length, 0);
    assert.equal(await runs.run({ principal: 'mallory', run: '4712' }), null);
  });
});
