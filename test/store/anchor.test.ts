import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../server/clock.ts';
import { keyIdOf, type PublicKey } from '../../server/journal/signature.ts';
import { silentLogger } from '../../server/log.ts';
import { anchorOnce, type AnchorPlaceInTime, startAnchoring } from '../../server/store/anchor.ts';
import { checkAnchors } from '../../server/store/anchor-check.ts';
import {
  anchorBucket,
  anchorFile,
  type AnchorSink,
  anchorWebhook,
} from '../../server/store/anchor-sinks.ts';
import { freshUrl } from '../support/database.ts';
import { type BucketServer, startBucketServer } from '../support/bucket-server.ts';
import {
  openRecordingWorld,
  publicKey,
  type RecordingWorld,
  sessionStart,
  signer,
} from '../support/recording-world.ts';

const START: AnchorPlaceInTime = { journalSeq: -1, signedAt: new Date(0), after: '' };
const ours = (keyId: string): PublicKey | null => (keyId === keyIdOf(publicKey) ? publicKey : null);

describe('anchors', () => {
  let world: RecordingWorld;
  let folder: string;

  beforeEach(async () => {
    world = await openRecordingWorld({ url: await freshUrl(), sink: { sealAfterMs: 1 } });
    folder = await mkdtemp(join(tmpdir(), 'anchor-'));
  });
  afterEach(async () => {
    await world.close();
    await rm(folder, { recursive: true });
  });

  async function record(text: string): Promise<string> {
    const start = sessionStart();
    const recording = await world.sink.begin(start);
    await recording.append({ atUs: 1, code: 'o', text });
    await recording.end({ atUs: 2, status: 'closed', exitStatus: 0, bytesOut: 3, why: 'it ended' });
    return start.id;
  }
  const anchor = (sink: AnchorSink, place = START): Promise<AnchorPlaceInTime> =>
    anchorOnce({ clock: systemClock, database: world.database, signer, sink }, place);
  async function linesOf(path: string): Promise<readonly string[]> {
    return (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  }
  /** What a database administrator could do behind the triggers' back. */
  const behind = (sql: string, bindings: readonly string[]): Promise<void> =>
    world.database.knex.transaction(async (trx) => {
      await trx.raw('set local session_replication_role = replica');
      await trx.raw(sql, [...bindings]);
    });

  it('say what there is once, and again only when there is news', async () => {
    const path = join(folder, 'heads.jsonl');
    const id = await record('one');
    const place = await anchor(anchorFile(path));
    assert.deepEqual(await anchor(anchorFile(path), place), place);
    await record('two');
    await anchor(anchorFile(path), place);
    const lines = await linesOf(path);
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', new RegExp(id));
    assert.doesNotMatch(lines[1] ?? '', new RegExp(id));
    const check = await checkAnchors(world.database, lines, ours);
    assert.equal(check.kind, 'kept');
  });

  const REWRITES: readonly (readonly [string, string, RegExp])[] = [
    ['a head', `update heads set hash = sha256('x') where session_id = ?`, /is another one/],
    [
      'the journal',
      `update journal set hash = repeat('a', 64) where session = ?`,
      /is not the one/,
    ],
    ['a tail of the journal', 'delete from journal where session = ?', /is gone/],
  ];
  for (const [what, sql, why] of REWRITES) {
    it(`differ from a rewrite of ${what}`, async () => {
      const path = join(folder, 'heads.jsonl');
      const id = await record('one');
      await anchor(anchorFile(path));
      await behind(sql, [id]);
      const check = await checkAnchors(world.database, await linesOf(path), ours);
      assert.ok(check.kind === 'differs' && why.test(check.why), JSON.stringify(check));
    });
  }

  it('are refused when they were forged, changed, or say nothing', async () => {
    const path = join(folder, 'heads.jsonl');
    await record('one');
    await anchor(anchorFile(path));
    const [line = ''] = await linesOf(path);
    const stranger = generateKeyPairSync('ed25519').publicKey;
    const cases: readonly (readonly [string, (id: string) => PublicKey | null, RegExp])[] = [
      [line, () => null, /another key/],
      [line, () => stranger, /signature/],
      [line.replace(/"seq":\d+/, '"seq":1'), ours, /signature/],
      ['{"anchor":1}', ours, /no anchor/],
      ['', ours, /no anchors/],
    ];
    for (const [text, keyOf, why] of cases) {
      const check = await checkAnchors(world.database, [text], keyOf);
      assert.ok(check.kind === 'differs' && why.test(check.why), JSON.stringify(check));
    }
  });

  it('are made by a running bastion, and a last time when it stops', async () => {
    const path = join(folder, 'heads.jsonl');
    const sink = anchorFile(path);
    const parts = { clock: systemClock, database: world.database, signer, sink };
    const anchoring = startAnchoring({ ...parts, logger: silentLogger });
    const id = await record('one');
    await anchoring.close();
    const lines = await linesOf(path);
    assert.ok(lines.some((line) => line.includes(id)));
    assert.equal((await checkAnchors(world.database, lines, ours)).kind, 'kept');
  });

  it('are posted to a receiver, whose refusal is a failure', async () => {
    const bodies: string[] = [];
    let status = 204;
    const receiver = createServer((request, response) => {
      void (async () => {
        const parts: Buffer[] = [];
        for await (const part of request) parts.push(part as Buffer);
        bodies.push(Buffer.concat(parts).toString());
        response.writeHead(status, { location: '/elsewhere' }).end();
      })();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    try {
      await record('one');
      const sink = anchorWebhook(`http://127.0.0.1:${port}/hook?token=secret`);
      await anchor(sink);
      assert.equal((await checkAnchors(world.database, bodies, ours)).kind, 'kept');
      for (status of [500, 302]) {
        await assert.rejects(anchor(sink), (error: Error) => {
          assert.match(error.message, /did not take a record/);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        });
      }
    } finally {
      receiver.close();
    }
  });

  describe('in a bucket', () => {
    let server: BucketServer;

    before(async () => {
      server = await startBucketServer();
    });
    after(() => server.stop());

    it('are an object each', async () => {
      const store = server.store('sealed');
      const names: string[] = [];
      const bucket = anchorBucket(store, 365, Date.now);
      const sink: AnchorSink = {
        ...bucket,
        put: (one) => {
          names.push(one.name);
          return bucket.put(one);
        },
      };
      await record('one');
      const place = await anchor(sink);
      await record('two');
      await anchor(sink, place);
      const lines: string[] = [];
      for (const name of names) {
        lines.push((await store.readAll(`anchors/${name}`)).toString());
      }
      assert.equal(lines.length, 2);
      assert.equal((await checkAnchors(world.database, lines, ours)).kind, 'kept');
    });
  });
});
