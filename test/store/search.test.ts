import assert from 'node:assert/strict';
import type { SallyportError } from '../../server/errors.ts';
import type { DecidedCommand, SessionStart } from '../../server/session/ports.ts';
import { createSearch, type StoredSearch } from '../../server/store/search.ts';
import type { StoredSearchQuery } from '../../server/store/search-filter.ts';
import { Indexer, rebuildSearch } from '../../server/store/search-indexer.ts';
import { freshUrl } from '../support/database.ts';
import {
  decidedCommand,
  openRecordingWorld,
  type RecordingWorld,
  sessionStart,
} from '../support/recording-world.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.parse('2026-03-01T10:00:00.000Z');

interface Told {
  readonly text: string;
  readonly output?: string;
  readonly verdict?: 'allow' | 'deny' | 'hold';
}

describe('search', () => {
  let world: RecordingWorld;
  let search: StoredSearch;
  let indexer: Indexer;
  beforeEach(async () => {
    world = await openRecordingWorld({ url: await freshUrl(), sink: { sealAfterMs: 20 } });
    search = createSearch(world.database);
    indexer = new Indexer(world.database.knex);
  });
  afterEach(() => world.close());

  /** Records a session whose n-th command is decided, and answers, n seconds after its start. */
  const record = async (
    more: Partial<SessionStart>,
    told: readonly Told[],
    runs = false,
  ): Promise<string> => {
    const start = sessionStart(more);
    const recording = await world.sink.begin(start);
    for (const [index, { text, output, verdict = 'allow' }] of told.entries()) {
      const atUs = (index + 1) * 1_000_000;
      await recording.append({ atUs, code: 'm', label: text });
      const usual = decidedCommand(index + 1);
      const decision: DecidedCommand['decision'] = { ...usual.decision, verdict };
      await recording.decided(decidedCommand(index + 1, { text, atUs, decision }));
      if (output !== undefined) {
        await recording.append({ atUs: atUs + 500_000, code: 'o', text: `${output}\r\n` });
      }
    }
    if (!runs) {
      const atUs = (told.length + 1) * 1_000_000;
      await recording.append({ atUs, code: 'x', status: '0' });
      await recording.end({ atUs, status: 'closed', exitStatus: 0, bytesOut: 1, why: 'over' });
    }
    return start.id;
  };
  const index = async (): Promise<void> => {
    while (await indexer.step());
  };
  const find = (query: Partial<StoredSearchQuery>) =>
    search.search({ in: 'commands', limit: 50, ...query });
  const textsOf = async (query: Partial<StoredSearchQuery>): Promise<readonly string[]> =>
    (await find(query)).items.map((one) => one.text);

  it('finds a part of a command, whatever the case, with where and when it ran', async () => {
    const id = await record({ startedAtMs: START_MS, run: '4711', login: 'root' }, [
      { text: 'ls -la' },
      { text: 'systemctl restart Nginx.service' },
    ]);
    const expected = {
      in: 'commands',
      session: id,
      principal: 'alice',
      target: 'web1',
      login: 'root',
      run: '4711',
      at: '2026-03-01T10:00:02.000Z',
      seq: 2,
      atMs: 2000,
      text: 'systemctl restart Nginx.service',
      decision: 'allow',
    };
    for (const state of ['before it is in the index', 'behind that']) {
      const { items, next } = await find({ q: 'ART NGINX' });
      assert.equal(items.length, 1, state);
      for (const [name, value] of Object.entries(expected)) {
        assert.equal(items[0]?.[name as keyof (typeof items)[0]], value, `${name} ${state}`);
      }
      assert.equal(next, null);
      await index();
    }
  });

  it('takes wildcards of patterns, quotes and other letters for themselves', async () => {
    const texts = [
      "echo 100% of it's_mine \\ done",
      'echo 1000 of items mine done',
      'cat /srv/Straße/密码.txt',
      'a',
    ];
    await record(
      {},
      texts.map((text) => ({ text })),
    );
    await index();
    assert.deepEqual(await textsOf({ q: '100%' }), [texts[0]]);
    assert.deepEqual(await textsOf({ q: "it's_mine \\ d" }), [texts[0]]);
    assert.deepEqual(await textsOf({ q: 'STRASSE' }), []);
    assert.deepEqual(await textsOf({ q: 'STRAßE/密' }), [texts[2]]);
    assert.deepEqual(await textsOf({ q: '码' }), [texts[2]]);
    assert.deepEqual(await textsOf({ q: "'; drop table sessions; --" }), []);
    assert.equal((await textsOf({ q: 'ECH' })).length, 2);
    assert.equal((await textsOf({ q: 'ec' })).length, 2);
    assert.equal((await textsOf({ q: 'a' })).length, 2);
    assert.equal((await textsOf({})).length, 4);
  });

  it('narrows down by principal, target, run, decision and time', async () => {
    const principal = (name: string): SessionStart['principal'] => ({
      ...sessionStart().principal,
      name,
    });
    const told = [{ text: 'rm -rf /data', verdict: 'deny' }, { text: 'rm notes' }] as const;
    await record({ startedAtMs: START_MS, principal: principal('ann'), target: 'db1' }, told);
    const bob = { startedAtMs: START_MS + MINUTE_MS, principal: principal('bob') };
    const session = await record(bob, told);
    await record({ startedAtMs: START_MS + 2 * MINUTE_MS, run: 'nightly' }, told);
    for (const state of ['unindexed', 'indexed']) {
      const count = async (query: Partial<StoredSearchQuery>): Promise<number> =>
        (await find({ q: 'rm', ...query })).items.length;
      assert.equal(await count({}), 6, state);
      assert.equal(await count({ principal: 'ann' }), 2, state);
      assert.equal(await count({ principal: 'an' }), 0, state);
      assert.equal(await count({ session }), 2, state);
      assert.equal(await count({ session, principal: 'ann' }), 0, state);
      assert.equal(await count({ target: 'web1' }), 4, state);
      assert.equal(await count({ run: 'nightly' }), 2, state);
      assert.equal(await count({ decision: 'deny' }), 3, state);
      assert.equal(await count({ decision: 'hold' }), 0, state);
      assert.equal(await count({ principal: 'bob', decision: 'deny', target: 'web1' }), 1, state);
      assert.equal(await count({ from: '2026-03-01T10:01:00Z' }), 4, state);
      assert.equal(await count({ to: '2026-03-01T10:01:01.000Z' }), 3, state);
      const second = { from: '2026-03-01T10:01:02Z', to: '2026-03-01T10:01:02Z' };
      assert.equal(await count(second), 1, state);
      await index();
    }
  });

  it('pages newest first over sessions that ran at the same time, losing and doubling none', async () => {
    const expected: string[] = [];
    for (let session = 0; session < 6; session += 1) {
      const told = Array.from({ length: 20 }, (_, n) => ({ text: `echo ${n} of ${session}` }));
      await record({ startedAtMs: START_MS + session * 3000, target: `web${session}` }, told);
      expected.push(...told.map(({ text }) => text));
      if (session % 2 === 0) await index();
    }
    const seen: string[] = [];
    let lastMs = Number.POSITIVE_INFINITY;
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await find({ q: 'echo', limit: 7, ...(cursor === undefined ? {} : { cursor }) });
      for (const one of page.items) {
        assert.ok(Date.parse(one.at) <= lastMs);
        lastMs = Date.parse(one.at);
        seen.push(one.text);
      }
      cursor = page.next;
      if (seen.length === 42) await index();
    }
    assert.deepEqual(seen.toSorted(), expected.toSorted());
  });

  it('finds output with the command that printed it, and shows the line', async () => {
    const id = await record({ startedAtMs: START_MS }, [
      { text: 'hostname', output: 'web1.example' },
      {
        text: 'cat app.log',
        output: 'first line\r\n\x1b[31mFatal\x1b[0m error 0xBEEF\r\nlast',
        verdict: 'hold',
      },
    ]);
    await index();
    const { items } = await find({ in: 'output', q: 'fatal ERROR' });
    assert.equal(items.length, 1);
    const [hit] = items;
    assert.ok(hit?.in === 'output');
    assert.deepEqual(
      { session: hit.session, seq: hit.seq, atMs: hit.atMs, text: hit.text, at: hit.at },
      {
        session: id,
        seq: 2,
        atMs: 2500,
        text: 'Fatal error 0xBEEF',
        at: '2026-03-01T10:00:02.500Z',
      },
    );
    assert.equal(hit.command, 'cat app.log');
    assert.equal(hit.decision, 'hold');
    const held = await find({ in: 'output', decision: 'hold' });
    assert.equal(held.items.length, 1);
    assert.equal((await find({ q: 'fatal error' })).items.length, 0);
  });

  it('finds what a running session has printed, and its rest when the bastion has died', async () => {
    const id = await record(
      {},
      [{ text: 'make', output: 'compiling alpha' }, { text: 'true' }],
      true,
    );
    await stored(id, 1);
    await index();
    assert.equal((await find({ in: 'output', q: 'alpha' })).items.length, 1);
    assert.equal((await find({ q: 'make' })).items.length, 1);
    // What was printed last has no end yet, and another process goes on.
    await record({}, [{ text: 'other' }]);
    indexer = new Indexer(world.database.knex);
    await index();
    assert.equal((await find({ in: 'output', q: 'alpha' })).items.length, 1);
  });

  it('looks nothing up twice when steps fail and processes change', async () => {
    const told = Array.from({ length: 5 }, (_, n) => ({
      text: `run ${n}`,
      output: `printed ${n}`,
    }));
    await record({}, told);
    await indexer.step();
    await world.database.knex('search_changes').insert({
      session_id: (await world.database.knex('sessions').first<{ id: string }>('id'))?.id,
    });
    indexer = new Indexer(world.database.knex);
    await index();
    assert.equal((await find({ q: 'run' })).items.length, 5);
    assert.equal((await find({ in: 'output', q: 'printed' })).items.length, 5);
  });

  it('is made again from the record', async () => {
    await record({}, [{ text: 'echo again', output: 'again' }]);
    await index();
    await rebuildSearch(world.database.knex);
    assert.equal((await find({ q: 'again' })).items.length, 1);
    await index();
    assert.equal((await find({ q: 'again' })).items.length, 1);
    assert.equal((await find({ in: 'output', q: 'again' })).items.length, 1);
  });

  it('says what is wrong with a query', async () => {
    const usage = (error: SallyportError): boolean => error.code === 'usage.invalid';
    await assert.rejects(find({ q: 'x'.repeat(201) }), usage);
    await assert.rejects(find({ from: 'yesterday' }), usage);
    await assert.rejects(find({ cursor: 'nonsense' }), usage);
    assert.deepEqual((await find({ q: 'nul \0 and \ud800' })).items, []);
  });

  const stored = async (id: string, chunks: number): Promise<void> => {
    for (let tries = 0; tries < 200; tries += 1) {
      const [found] = await world.database
        .knex('chunks')
        .where('session_id', id)
        .count<{ count: number }[]>();
      if (Number(found?.count) >= chunks) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.fail('the chunk was not stored');
  };
});
