import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { systemClock } from '../../server/clock.ts';
import { sha256Hex } from '../../server/journal/chain.ts';
import { createHeadSigner, keyring } from '../../server/journal/signature.ts';
import { tombstoneEvent, type Tombstone } from '../../server/journal/tombstone.ts';
import { silentLogger } from '../../server/log.ts';
import { createHolds } from '../../server/store/holds.ts';
import { createJournal } from '../../server/store/journal.ts';
import { lostRecordings } from '../../server/store/journal-claims.ts';
import { checkRecording, sessionIds } from '../../server/store/recording-check.ts';
import { prune } from '../../server/store/retention.ts';
import { freshUrl } from '../support/database.ts';
import { storeOldSession } from '../support/old-sessions.ts';
import {
  decidedCommand,
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
  signer,
} from '../support/recording-world.ts';

const END = { status: 'closed', exitStatus: 0, why: 'it ended' } as const;
const CHUNKS = 4;
const DAY_MS = 86_400_000;
const stranger = generateKeyPairSync('ed25519');
const forger = createHeadSigner(stranger.privateKey);

describe('verification', () => {
  let world: RecordingWorld;
  /** Three sessions of CHUNKS chunks and two commands; the second one is tampered with. */
  let ids: readonly string[];
  let id: string;

  beforeEach(async () => {
    world = await openRecordingWorld({ url: await freshUrl() });
    const made: string[] = [];
    for (let session = 0; session < 3; session += 1) made.push(await record());
    ids = made;
    id = made[1] ?? '';
  });
  afterEach(() => world.close());

  async function record(keepDays: number | null = null): Promise<string> {
    const start = sessionStart({ keepDays });
    const recording = await world.sink.begin(start);
    for (let command = 1; command <= 2; command += 1) {
      await recording.decided(decidedCommand(command));
      recording.commandEnded(command, { outputFromUs: 1, outputToUs: 2, exitStatus: 0 });
    }
    // A chunk is sealed when it has so much.
    for (let chunk = 1; chunk <= CHUNKS; chunk += 1) {
      const text = `chunk ${chunk} ${'x'.repeat(chunk === CHUNKS ? 10 : 70_000)}`;
      await recording.append({ atUs: chunk, code: 'o', text });
    }
    await recording.end({ atUs: 9, bytesOut: 9, ...END });
    return start.id;
  }

  /** What a database administrator could do behind the triggers' back. */
  const behind = (sql: string): Promise<void> =>
    world.database.knex.transaction(async (trx) => {
      await trx.raw('set local session_replication_role = replica');
      await trx.raw(sql.replaceAll('ID', `'${id}'`));
    });
  const keyOf = keyring([publicKey]);
  const one = async (): Promise<string> => {
    const check = await checkRecording(world.database, id, keyOf, { alone: true });
    if ('chunk' in check) return `chunk ${check.chunk}: ${check.why}`;
    return 'why' in check ? check.why : check.kind;
  };
  /** As `verify --all` does it: what is wrong, by session or `journal`. */
  const all = async (): Promise<readonly (readonly [string, string])[]> => {
    const found: (readonly [string, string])[] = [];
    for await (const session of sessionIds(world.database)) {
      const check = await checkRecording(world.database, session, keyOf);
      if (check.kind === 'intact' || check.kind === 'deleted') continue;
      found.push([session, 'why' in check ? check.why : check.kind]);
    }
    const journal = await world.journal.verify();
    if (journal.kind === 'broken') return [...found, ['journal', `${journal.seq}: ${journal.why}`]];
    for await (const lost of lostRecordings(world.database, world.journal, keyOf)) {
      found.push([lost.session, lost.why]);
    }
    return found;
  };

  it('finds nothing where nothing was touched', async () => {
    assert.deepEqual(await all(), []);
    assert.equal(await one(), 'intact');
    const chain = await world.reader.chain(id);
    assert.equal(chain?.chunks.length, CHUNKS);
  });

  const EVERYTHING = ['chunks', 'heads', 'commands', 'command_ends']
    .map((table) => `delete from ${table} where session_id = ID`)
    .join('; ');
  const swapped = (a: number, b: number): string =>
    [
      [a, 99],
      [b, a],
      [99, b],
    ]
      .map(([from, to]) => `update chunks set seq = ${to} where session_id = ID and seq = ${from}`)
      .join('; ');

  const TAMPERED: readonly (readonly [what: string, sql: string, alone: RegExp, all?: RegExp])[] = [
    [
      'an edited byte of a chunk',
      `update chunks set data = set_byte(data, 30, get_byte(data, 30) # 1) where session_id = ID and seq = 2`,
      /^chunk 2: /,
      /./,
    ],
    [
      'an edited header of a chunk',
      `update chunks set t1_us = t1_us + 1 where session_id = ID and seq = 3`,
      /^chunk 3: its content is not what was recorded$/,
    ],
    [
      'a chunk of another session in the place of one',
      `update chunks set data = (select data from chunks c where c.session_id <> ID and c.seq = 1 limit 1)
       where session_id = ID and seq = 2`,
      /^chunk 2: its content is not what was recorded$/,
    ],
    [
      'a missing chunk',
      `delete from chunks where session_id = ID and seq = 2`,
      /^chunk 2: it is missing$/,
    ],
    [
      'a missing first chunk',
      `delete from chunks where session_id = ID and seq = 1`,
      /^chunk 1: it is missing$/,
    ],
    ['two chunks in another order', swapped(2, 3), /^chunk 2: it does not follow the one before$/],
    [
      'a truncated tail',
      `delete from chunks where session_id = ID and seq >= 3`,
      /^chunk 3: 2 chunks are missing at the end$/,
    ],
    [
      'a tail that was cut together with its head',
      `delete from chunks where session_id = ID and seq >= 3; delete from heads where session_id = ID`,
      /^chunk 2: the session has ended but its head is not signed$/,
    ],
    [
      'a tail that was cut with its head, the session made to look running',
      `delete from chunks where session_id = ID and seq >= 3; delete from heads where session_id = ID;
       update sessions set status = 'active', ended_at = null, exit_status = null where id = ID`,
      /^its signed head of 4 chunks, which entry \d+ of the journal names, is gone$|^its row says another status/,
    ],
    [
      'a session that was deleted',
      `${EVERYTHING}; delete from sessions where id = ID`,
      /^entry \d+ of the journal names it, but it was deleted, and no tombstone says why$/,
    ],
    [
      'a session whose row alone was deleted',
      `delete from sessions where id = ID`,
      /but it was deleted/,
    ],
    [
      'a session that only pretends to be going',
      `update sessions set deleting_at = now() where id = ID; delete from chunks where session_id = ID and seq = 4`,
      /^chunk 4: 1 chunks are missing at the end$/,
    ],
    [
      'a signature by another key',
      `update heads set key_id = '${forger.keyId}' where session_id = ID`,
      /^foreign-key$/,
    ],
    [
      'a signature of something else',
      `update heads set signature = (select signature from heads h where h.session_id <> ID limit 1)
       where session_id = ID`,
      /^chunk 4: the signature is not of these chunks$/,
    ],
    [
      'an edited command',
      `update commands set text = 'ls' where session_id = ID and seq = 2`,
      /^the row of command 2 says another text than entry \d+ of the journal$/,
    ],
    [
      'a verdict that was turned',
      `update commands set verdict = 'deny' where session_id = ID and seq = 1`,
      /^the row of command 1 says another verdict than/,
    ],
    [
      'a command that was taken out',
      `delete from commands where session_id = ID and seq = 1`,
      /^command 1, which entry \d+ of the journal names, is gone$/,
    ],
    [
      'an exit status that was turned',
      `update command_ends set exit_status = 1 where session_id = ID and seq = 2`,
      /^the row of the end of command 2 says another exit status than/,
    ],
    ...['principal', 'target', 'login', 'source'].map(
      (column) =>
        [
          `another ${column} in the session's row`,
          `update sessions set ${column} = 'mallory' where id = ID`,
          new RegExp(`^its row says another ${column} than entry \\d+ of the journal$`),
        ] as const,
    ),
  ];
  for (const [what, sql, alone, whole = alone] of TAMPERED) {
    it(`names ${what}, for one session and for all`, async () => {
      await behind(sql);
      assert.match(await one(), alone);
      const found = await all();
      assert.ok(found.length > 0);
      assert.deepEqual([...new Set(found.map(([session]) => session))], [id]);
      const said = found.map(([, why]) => why);
      const bare = new RegExp(whole.source.replaceAll(/\^?chunk \d: /g, '^'));
      assert.ok(
        said.some((why) => bare.test(why)),
        said.join('; '),
      );
      const others = ids.filter((other) => other !== id);
      for (const other of others) {
        const check = await checkRecording(world.database, other, keyOf, { alone: true });
        assert.equal(check.kind, 'intact');
      }
    });
  }

  it('names a whole recording that was rewritten and signed by a stranger', async () => {
    await behind(
      `delete from chunks where session_id = ID; delete from heads where session_id = ID`,
    );
    const { knex } = world.database;
    const head = { sessionId: id, chunks: 0, events: 0, hash: '0'.repeat(64) };
    await knex('heads').insert({
      session_id: id,
      chunks: 0,
      events: 0,
      hash: Buffer.alloc(32),
      key_id: forger.keyId,
      signature: forger.sign(head),
      signed_at: new Date(),
    });
    assert.equal(await one(), 'foreign-key');
    assert.match(
      (await all()).map(([, why]) => why).join('; '),
      /foreign-key; its signed head of 4 chunks/,
    );
  });

  it('names an edited, a missing and an unlinked entry of the journal', async () => {
    await behind(`update journal set body = replace(body, 'echo 2', 'echo 3') where session = ID`);
    assert.match((await all()).at(-1)?.join(' ') ?? '', /^journal \d+: the entry's hash is not/);
    await behind(`delete from journal where session = ID and type = 'command.decided'`);
    assert.match((await all()).at(-1)?.join(' ') ?? '', /^journal \d+: the entry is missing$/);
  });

  describe('of what retention deleted', () => {
    const endedAtMs = Date.now() - 100 * DAY_MS;
    /** The journal as it would be had all of this happened then. */
    const then = () =>
      createJournal({
        database: world.database,
        clock: { ...systemClock, nowMs: () => endedAtMs },
        logger: silentLogger,
      });
    const old = async (keepDays = 30): Promise<string> => {
      const made = { startedAtMs: endedAtMs - 1000, endedAtMs, keepDays, chunks: 2 };
      id = (await storeOldSession({ database: world.database, journal: then(), signer }, made)).id;
      return id;
    };
    const retention = async (by = signer): Promise<void> => {
      const { database, journal } = world;
      const options = {
        database,
        journal,
        clock: systemClock,
        logger: silentLogger,
        objects: null,
      };
      await prune({ ...options, signer: by }, { by: 'retention', source: null });
    };

    it('accepts a tombstone, and says who deleted it when', async () => {
      await old();
      await retention();
      assert.equal(await one(), 'deleted');
      assert.deepEqual(await all(), []);
      const check = await checkRecording(world.database, id, keyOf);
      assert.equal(check.kind === 'deleted' && check.by, 'retention');
    });

    it('refuses a tombstone that a stranger signed', async () => {
      await old();
      await retention(forger);
      const why = new RegExp(
        `^entry \\d+ .* is a tombstone signed by another key: ${forger.keyId.slice(0, 16)}$`,
      );
      assert.match(await one(), why);
      const found = await all();
      assert.deepEqual(found.length, 1);
      assert.match(found[0]?.[1] ?? '', why);
    });

    const forged = async (
      change: Partial<Tombstone> = {},
      base: Partial<Tombstone> = {},
    ): Promise<void> => {
      await behind(`${EVERYTHING}; delete from sessions where id = ID`);
      const tombstone = {
        sessionId: id,
        principal: 'alice',
        target: 'web1',
        startedAt: new Date(0).toISOString(),
        endedAt: new Date(1).toISOString(),
        keepDays: 1,
        deletedAt: new Date().toISOString(),
        by: 'retention',
        chunks: CHUNKS,
        events: CHUNKS,
        headHash: sha256Hex('x'),
        commands: 2,
        bytesOut: 9,
        ...base,
      };
      const said = { ...tombstone, ...change };
      // A signature that the key did make, of something else.
      const signature = signer.signTombstone(tombstone);
      await world.journal.append(tombstoneEvent({ ...said, keyId: signer.keyId, signature }, null));
    };

    it('refuses a tombstone whose signature is of another one', async () => {
      await forged({ endedAt: new Date(2).toISOString() });
      assert.match(await one(), /is a tombstone, but its signature is not of what it says$/);
      assert.equal((await all()).length, 1);
    });

    it('refuses a tombstone of a session that was to be kept for ever', async () => {
      await forged();
      assert.match(await one(), /is a tombstone, but the session was to be kept for ever, not 1$/);
    });

    it('refuses a tombstone with another head than the journal has', async () => {
      await old(1);
      await forged({}, { chunks: 2 });
      const found = await all();
      assert.match(
        found[0]?.[1] ?? '',
        /^its tombstone has another head than entry \d+ of the journal$/,
      );
    });

    it('names a deletion before the promised time, whatever the row said then', async () => {
      await old(3000);
      await behind('update sessions set keep_days = 1 where id = ID');
      await retention();
      const why = /is a tombstone, but the session was to be kept 3000 days, not 1$/;
      assert.match(await one(), why);
      assert.match((await all())[0]?.[1] ?? '', why);
    });

    it('names what was deleted although it was held', async () => {
      await old();
      const { database, journal } = world;
      const holds = createHolds({ database, journal, clock: systemClock });
      await holds.hold({ session: id, reason: 'case 7', by: 'a', principal: 'a', source: null });
      await behind('delete from session_holds where session_id = ID');
      // Retention believes the journal: somebody has to decide in its place.
      await behind('update sessions set deleting_at = now() where id = ID');
      await retention();
      const found = await all();
      assert.deepEqual(found.length, 1);
      assert.match(found[0]?.[1] ?? '', /it was deleted, but it was held since entry \d+$/);
    });
  });
});
