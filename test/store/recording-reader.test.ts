import assert from 'node:assert/strict';
import { v7 as uuidV7 } from 'uuid';
import type { SessionFilter } from '../../server/store/recording-reader.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  eventsOf,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const END = {
  atUs: 9,
  status: 'closed',
  exitStatus: 0,
  bytesOut: 1,
  why: 'the command ended',
} as const;

describe('reader of recordings', () => {
  let world: RecordingWorld;
  before(async () => {
    world = await openRecordingWorld({ url: await freshUrl() });
  });
  after(() => world.close());

  const record = async (
    more: Parameters<typeof sessionStart>[0] = {},
    texts: readonly string[] = [],
  ): Promise<string> => {
    const start = sessionStart(more);
    const recording = await world.sink.begin(start);
    for (const [index, text] of texts.entries()) {
      await recording.decided(decidedCommand(index + 1, { text }));
    }
    await recording.end(END);
    return start.id;
  };
  const idsOf = async (filter: Partial<SessionFilter>): Promise<readonly string[]> =>
    (await world.reader.listSessions({ limit: 200, ...filter })).items.map((one) => one.id);

  it('pages newest first, also through sessions of one millisecond', async () => {
    const startedAtMs = Date.now() + 60_000;
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      ids.push(await record({ target: 'paged', startedAtMs: startedAtMs + Math.floor(n / 3) }));
    }
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const filter = { target: 'paged', limit: 2 };
      const page = await world.reader.listSessions(
        cursor === undefined ? filter : { ...filter, cursor },
      );
      assert.ok(page.items.length <= 2);
      seen.push(...page.items.map((one) => one.id));
      cursor = page.next;
    }
    assert.deepEqual(seen, ids.toReversed());
  });

  it('filters by each field, and by several at once', async () => {
    const principal = { id: uuidV7(), name: 'bot', kind: 'agent', roles: [], groups: [] } as const;
    const first = await record({ principal, run: '77', startedAtMs: Date.UTC(2026, 0, 1) });
    const second = await record({ principal, startedAtMs: Date.UTC(2026, 0, 2) });
    assert.deepEqual(await idsOf({ principal: 'bot' }), [second, first]);
    assert.deepEqual(await idsOf({ run: '77' }), [first]);
    assert.deepEqual(await idsOf({ principal: 'bot', since: '2026-01-02T00:00:00Z' }), [second]);
    assert.deepEqual(await idsOf({ principal: 'bot', until: '2026-01-02T00:00:00Z' }), [first]);
    assert.deepEqual(await idsOf({ principal: 'bot', status: 'active' }), []);
    assert.deepEqual(await idsOf({ principal: 'bot', run: '78' }), []);
    assert.deepEqual(await idsOf({ principal: "bot' or true --" }), []);
    assert.deepEqual(await idsOf({ principal: 'bot\u0000' }), []);
  });

  it('finds sessions by text in their commands, with wildcards meaning themselves', async () => {
    const id = await record({}, ['df -h', 'tar czf 100%_done.tgz C:\\temp']);
    assert.deepEqual(await idsOf({ q: 'CZF 100%_' }), [id]);
    assert.deepEqual(await idsOf({ q: 'C:\\t' }), [id]);
    assert.deepEqual(await idsOf({ q: '100%%' }), []);
    assert.deepEqual(await idsOf({ q: '100__' }), []);
    assert.deepEqual(await idsOf({ q: "'); drop table sessions; --" }), []);
  });

  const INVALID: readonly Partial<SessionFilter>[] = [
    { since: 'yesterday' },
    { until: '+275760-09-13T00:00:00.000Z' },
    { cursor: '' },
    { cursor: 'AAAA' },
    { cursor: Buffer.from("1 '; drop table sessions").toString('base64url') },
    { cursor: Buffer.from(`1 ${'-'.repeat(36)}`).toString('base64url') },
  ];
  for (const filter of INVALID) {
    it(`refuses ${JSON.stringify(filter)}`, async () => {
      await assert.rejects(idsOf(filter), { code: 'usage.invalid' });
    });
  }

  it('knows nothing of ids that are none', async () => {
    for (const id of ['', 'x', "' or true", uuidV7()]) {
      assert.equal(await world.reader.session(id), null);
      assert.equal(await world.reader.chain(id), null);
      assert.equal(await world.reader.header(id), null);
      assert.deepEqual(await world.reader.commands(id), []);
      assert.deepEqual(await world.reader.commandMarks(id), []);
      assert.equal(await world.reader.head(id), null);
      assert.deepEqual(await eventsOf(world.reader, id), []);
    }
  });

  it('says what an exported file needs: terminal, command, a size that can be shown', async () => {
    const startedAtMs = Date.UTC(2026, 2, 3, 4, 5, 6, 789);
    const common = { timestampS: startedAtMs / 1000 - 0.789, title: 'alice on deploy@web1' };
    const shell = await record({ startedAtMs, size: { cols: 0, rows: 0 } });
    assert.deepEqual(await world.reader.header(shell), {
      ...common,
      cols: 80,
      rows: 24,
      term: 'xterm',
      command: null,
    });
    const size = { cols: 132, rows: 50 };
    const exec = await record({ startedAtMs, kind: 'exec', command: 'df -h', term: null, size });
    assert.deepEqual(await world.reader.header(exec), {
      ...common,
      ...size,
      term: null,
      command: 'df -h',
    });
  });

  it('reads commands from any number on, and of all of them only when and what', async () => {
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    for (const seq of [1, 2, 4, 5]) await recording.decided(decidedCommand(seq));
    await recording.end(END);
    const seqs = async (from: number, limit: number) =>
      (await world.reader.commands(start.id, { from, limit })).map(({ seq }) => seq);
    assert.deepEqual(await seqs(1, 2), [1, 2]);
    assert.deepEqual(await seqs(3, 2), [4, 5]);
    assert.deepEqual(await seqs(3, 1), [4]);
    assert.deepEqual(await seqs(6, 10), []);
    assert.deepEqual(
      await world.reader.commandMarks(start.id),
      [1, 2, 4, 5].map((seq) => ({ atMs: seq, text: `echo ${seq}` })),
    );
    assert.deepEqual(await world.reader.head(start.id), (await world.reader.chain(start.id))?.head);
  });

  it('shows a session and its commands as the contract says', async () => {
    const startedAtMs = Date.UTC(2026, 2, 3, 4, 5, 6, 789);
    const claimed = { task: 'nightly', attribution: 'claimed' } as const;
    const start = sessionStart({ startedAtMs, kind: 'exec', command: 'df', ...claimed });
    const recording = await world.sink.begin(start);
    const decision = {
      ...decidedCommand(1).decision,
      verdict: 'hold',
      rule: 'r',
      reason: 'why',
    } as const;
    const judgedBy = { policy: 'default', version: 4, directoryVersion: 7 };
    await recording.decided(decidedCommand(1, { decision, judgedBy }));
    await recording.decided(decidedCommand(2, { text: 'df -h' }));
    recording.commandEnded(2, { outputFromUs: 2500, outputToUs: 9400, exitStatus: 1 });
    await recording.append({ atUs: 9400, code: 'o', text: 'full' });
    await recording.end({ ...END, bytesOut: 4, exitStatus: 1 });
    const session = await world.reader.session(start.id);
    const chain = await world.reader.chain(start.id);
    assert.deepEqual(
      { ...session, endedAt: null },
      {
        id: start.id,
        kind: 'exec',
        principal: { name: 'alice', kind: 'human' },
        target: 'web1',
        login: 'deploy',
        via: 'direct',
        source: '192.0.2.7:51514',
        run: null,
        task: 'nightly',
        attribution: 'claimed',
        startedAt: '2026-03-03T04:05:06.789Z',
        endedAt: null,
        status: 'closed',
        exitStatus: 1,
        width: 80,
        height: 24,
        commandCount: 2,
        deniedCount: 0,
        heldCount: 1,
        maskedCount: 0,
        bytesOut: 4,
        recording: { durationMs: 9, chunks: 1, headHash: chain?.head?.hash, complete: true },
        reviewed: null,
      },
    );
    assert.deepEqual(await world.reader.commands(start.id), [
      {
        seq: 1,
        atMs: 1,
        text: 'echo 1',
        certainty: 'exact',
        decision: 'hold',
        rule: 'r',
        reason: 'why',
        approval: null,
        language: 'shell',
        argv: ['echo', '1'],
        policy: 'default',
        policyVersion: 4,
        directoryVersion: 7,
        exitStatus: null,
        outputFromMs: null,
        outputToMs: null,
        masked: 0,
      },
      {
        seq: 2,
        atMs: 2,
        text: 'df -h',
        certainty: 'exact',
        decision: 'allow',
        rule: null,
        reason: null,
        approval: null,
        language: 'shell',
        argv: ['df', '-h'],
        policy: null,
        policyVersion: null,
        directoryVersion: null,
        exitStatus: 1,
        outputFromMs: 3,
        outputToMs: 9,
        masked: 0,
      },
    ]);
  });
});
