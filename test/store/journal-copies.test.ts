import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFile, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../server/clock.ts';
import { isIntact } from '../../server/journal/chain.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { silentLogger } from '../../server/log.ts';
import type { Database } from '../../server/store/database.ts';
import { copySome } from '../../server/store/journal-copies.ts';
import { journalCopySink, syslogMessage } from '../../server/store/journal-copy-sinks.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { freshDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('copies of the journal', () => {
  let folder: string;
  let database: Database;
  let journal: StoredJournal;

  before(async () => {
    folder = await temporaryFolder();
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    for (const text of ['one', 'zwei ✓\n<34>1 forged', 'x'.repeat(20_000)]) await happen(text);
  });
  after(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });

  function happen(text: string): Promise<void> {
    return journal.append({
      type: 'approval.requested',
      principal: 'bot',
      source: null,
      session: null,
      target: 'web1',
      data: { text },
    });
  }

  it('append to a file what is new, whole lines, with the hashes that prove them', async () => {
    const path = join(folder, 'journal.jsonl');
    const sink = journalCopySink({ kind: 'file', path });
    const copy = () => copySome({ database, instanceId: 'here' }, sink);
    await copy();
    await copy();
    // What a crash leaves of a line, and what was lost with it, is told again.
    await appendFile(path, '{"seq":4,"cut');
    await database.knex('journal_copies').update({ seq: 2 });
    await happen('four');
    await copy();
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    assert.equal(lines[3], '{"seq":4,"cut');
    const entries = lines.toSpliced(3, 1).map((line) => JSON.parse(line) as JournalEntry);
    assert.deepEqual(
      entries.map(({ seq }) => seq),
      [1, 2, 3, 3, 4],
    );
    assert.ok(entries.every((entry) => isIntact(entry)));
    assert.equal(entries[1]?.data['text'], 'zwei ✓\n<34>1 forged');
  });

  it('are kept apart by installation, and begin with the first entry', async () => {
    const taken: number[] = [];
    const sink = {
      place: 'nowhere',
      put: async (entries: readonly JournalEntry[]) => void taken.push(entries.length),
    };
    for (const instanceId of ['a', 'b', 'a']) await copySome({ database, instanceId }, sink);
    const [first, ...others] = taken;
    assert.deepEqual(others, [first]);
  });

  it('stay where they are when the place takes nothing', async () => {
    const sink = { place: 'full', put: () => Promise.reject(new Error('no space')) };
    await assert.rejects(copySome({ database, instanceId: 'here' }, sink), /no space/);
    assert.equal(
      await database.knex('journal_copies').where('place', 'here full').first(),
      undefined,
    );
  });

  it('are syslog messages of one line, in ASCII, which nothing in them can end', () => {
    const entry: JournalEntry = {
      seq: 9,
      at: '2026-01-01T10:00:00.000Z',
      type: 'auth.failed',
      principal: null,
      source: null,
      session: null,
      target: null,
      data: { why: 'é\n\u2028' },
      prevHash: '',
      hash: 'f'.repeat(64),
    };
    const text = syslogMessage(entry, 'a host\n').toString();
    assert.match(
      text,
      /^<108>1 2026-01-01T10:00:00\.000Z ahost sallyport - auth\.failed - \{[ -~]*\}$/,
    );
    const said = JSON.parse(text.slice(text.indexOf('{'))) as JournalEntry;
    assert.deepEqual(said, entry);
    const short = syslogMessage({ ...entry, data: { why: 'x'.repeat(9_000) } }, 'h', 8_000);
    assert.ok(short.length <= 8_000);
    assert.match(short.toString(), /"data":\{"leftOut":\d+\},.*"hash":"f{64}"/);
  });

  it('go to a syslog by datagrams, each with one entry', async () => {
    const socket = createSocket('udp4');
    const got: string[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        got.push(message.toString());
        if (got.length === 4) resolve();
      });
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    const place = { kind: 'syslog', transport: 'udp', host: '127.0.0.1', port } as const;
    await copySome({ database, instanceId: 'udp' }, journalCopySink(place));
    await all;
    socket.close();
    assert.ok(got.every((one) => /^<110>1 \S+ \S+ sallyport - approval\.requested - \{/.test(one)));
  });

  it('go to a syslog over TCP as counted messages, and count once it has taken them all', async () => {
    let got = Buffer.alloc(0);
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (part) => (got = Buffer.concat([got, part])));
      socket.on('end', () => socket.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const place = { kind: 'syslog', transport: 'tcp', host: '127.0.0.1', port } as const;
    await copySome({ database, instanceId: 'tcp' }, journalCopySink(place));
    server.close();
    const messages: string[] = [];
    for (let at = 0; at < got.length;) {
      const space = got.indexOf(' ', at);
      const length = Number(got.subarray(at, space).toString());
      messages.push(got.subarray(space + 1, space + 1 + length).toString());
      at = space + 1 + length;
    }
    assert.equal(messages.length, 4);
    assert.ok(messages.every((one) => one.startsWith('<110>1 ') && one.endsWith('}')));
    await assert.rejects(
      copySome({ database, instanceId: 'gone' }, journalCopySink({ ...place, port: 1 })),
      /ECONNREFUSED/,
    );
  });
});
