import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeEventLine } from '../../server/asciicast/event-line.ts';
import { encodeJson } from '../../server/asciicast/codec.ts';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { checkExportedFile } from '../../server/cli/exported-file.ts';
import { CHAIN_START, chainEntry, chunkHash } from '../../server/journal/chain.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import type { RecordingSeal, SealedChunkHeader } from '../../server/journal/seal.ts';
import { createHeadSigner, keyring } from '../../server/journal/signature.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SESSION = '01939b8e-7c00-7abc-8def-0123456789ab';
const HEADER = { cols: 80, rows: 24, term: 'xterm', timestampS: 1, title: 'a on b', command: null };
const EVENTS: readonly RecordedEvent[] = [
  { atUs: 0, code: 'r', cols: 80, rows: 24 },
  { atUs: 10, code: 'm', label: 'ls "x" \u001b é' },
  { atUs: 20, code: 'b', base64: '/w==' },
  { atUs: 20, code: 'o', text: '\ufffd' },
  { atUs: 30, code: 'o', text: 'one\r\n</script>\u2028' },
  { atUs: 40, code: 'x', status: '0' },
];
const PER_CHUNK = 2;

describe('an exported file', () => {
  const keys = generateKeyPairSync('ed25519');
  let folder: string;

  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => rm(folder, { recursive: true }));

  async function write(text: string): Promise<string> {
    const path = join(folder, 'exported');
    await writeFile(path, text);
    return path;
  }

  function seal(): RecordingSeal {
    const chunks: SealedChunkHeader[] = [];
    let prevHash = CHAIN_START;
    for (let at = 0; at < EVENTS.length; at += PER_CHUNK) {
      const events = EVENTS.slice(at, at + PER_CHUNK);
      const lines = Buffer.from(events.map(encodeEventLine).join(''));
      const header = {
        sessionId: SESSION,
        seq: chunks.length + 1,
        t0Us: events[0]?.atUs ?? 0,
        t1Us: events.at(-1)?.atUs ?? 0,
        firstEvent: at + 1,
        events: events.length,
        rawLength: lines.length,
      };
      const hash = chunkHash(prevHash, header, lines);
      chunks.push({ ...header, prevHash, hash });
      prevHash = hash;
    }
    const signer = createHeadSigner(keys.privateKey);
    const statement = { chunks: chunks.length, events: EVENTS.length, hash: prevHash };
    const signature = signer.sign({ sessionId: SESSION, ...statement });
    return {
      sessionId: SESSION,
      chunks,
      head: { chunks: chunks.length, hash: prevHash, keyId: signer.keyId, signature },
    };
  }

  async function exported(sealed: RecordingSeal | null = seal()): Promise<string> {
    async function* events() {
      yield* EVENTS;
    }
    let text = '';
    for await (const piece of encodeJson(HEADER, events(), JSON.stringify(sealed))) text += piece;
    return text;
  }

  async function check(text: string, publicKey = keys.publicKey) {
    const checked = await checkExportedFile(await write(text), publicKey);
    assert.equal(checked.kind, 'recording');
    return checked.check;
  }

  it('is intact as it was exported, with only the public key', async () => {
    const checked = await checkExportedFile(await write(await exported()), keys.publicKey);
    assert.equal(checked.kind, 'recording');
    assert.equal(checked.sessionId, SESSION);
    assert.equal(checked.events, EVENTS.length);
    assert.equal(checked.check.kind, 'intact');
  });

  it('is open when the session still ran', async () => {
    const { kind } = await check(await exported({ ...seal(), head: null }));
    assert.equal(kind, 'open');
  });

  it('says how many chunks are signed when the session still ran', async () => {
    const whole = seal();
    const [first] = whole.chunks;
    assert.ok(first);
    const signer = createHeadSigner(keys.privateKey);
    const statement = { chunks: 1, events: PER_CHUNK, hash: first.hash };
    const signature = signer.sign({ sessionId: SESSION, ...statement });
    const head = { chunks: 1, hash: first.hash, keyId: signer.keyId, signature };
    const found = await check(await exported({ ...whole, head }));
    assert.deepEqual(found, { kind: 'open', chunks: 3, signed: 1 });
  });

  it('is intact when the key is one of several', async () => {
    const others = [1, 2].map(() => generateKeyPairSync('ed25519').publicKey);
    const path = await write(await exported());
    const checked = await checkExportedFile(path, keyring([...others, keys.publicKey]));
    assert.equal(checked.kind === 'recording' && checked.check.kind, 'intact');
    const strange = await checkExportedFile(path, keyring(others));
    assert.equal(strange.kind === 'recording' && strange.check.kind, 'foreign-key');
  });

  it('names a foreign key', async () => {
    const other = generateKeyPairSync('ed25519').publicKey;
    assert.equal((await check(await exported(), other)).kind, 'foreign-key');
  });

  const TAMPERED: readonly (readonly [
    what: string,
    change: (text: string) => string,
    chunk: number,
    why: RegExp,
  ])[] = [
    ['a changed text', (text) => text.replace('one', 'two'), 3, /content/],
    ['a changed time', (text) => text.replace('"atUs":10', '"atUs":11'), 1, /content/],
    ['a changed label', (text) => text.replace('ls ', 'rm '), 1, /content/],
    ['changed exact bytes', (text) => text.replace('/w==', '/v=='), 2, /content/],
    ['a changed status', (text) => text.replace('"status":"0"', '"status":"1"'), 3, /content/],
    ['an event taken out', (text) => text.replace(/\n.*"code":"m".*/, ''), 1, /content/],
    ['an event put in', (text) => text.replace(/(\n.*"code":"m".*)/, '$1$1'), 2, /content/],
    [
      'two events in another order',
      (text) => text.replace(/(\n.*"code":"r".*)(\n.*"code":"m".*)/, '$2$1'),
      1,
      /content/,
    ],
    ['its end cut', (text) => text.slice(0, text.lastIndexOf('{"atUs":40')), 3, /cut/],
    ['its last event taken out', (text) => text.replace(/,\n.*"code":"x".*/, ''), 3, /end after/],
    ['something behind its end', (text) => `${text}{}\n`, 4, /behind the end/],
    [
      'a field more in an event',
      (text) => text.replace('"code":"x",', '"code":"x","by":"root",'),
      3,
      /form/,
    ],
    [
      'a chunk taken out with its events',
      (text) =>
        text
          .replace(/\{"seq":2,[^}]*\},|\{[^{}]*"seq":2,[^}]*\},/, '')
          .replace(/\n.*"code":"b".*\n.*"text":"\ufffd".*/, ''),
      2,
      /missing/,
    ],
    ['a changed header', (text) => text.replace(/"events":2,/, '"events":3,'), 1, /content/],
    [
      'another session named',
      (text) => text.replaceAll(SESSION, SESSION.replace('01939', '01940')),
      1,
      /content/,
    ],
    [
      'a signature of something else',
      (text) => text.replace(/"signature":"../, '"signature":"AA'),
      3,
      /signature/,
    ],
  ];
  for (const [what, change, chunk, why] of TAMPERED) {
    it(`is broken with ${what}`, async () => {
      const text = await exported();
      const changed = change(text);
      assert.notEqual(changed, text);
      const found = await check(changed);
      assert.equal(found.kind, 'broken');
      assert.match(found.why, why);
      assert.equal(found.chunk, chunk);
    });
  }

  it('is broken when its last chunk and its head went together', async () => {
    const whole = seal();
    const text = await exported({ ...whole, chunks: whole.chunks.slice(0, -1) });
    const cut = text.replace(/,\n[^\n]*\n[^\n]*"code":"x"[^\n]*/, '');
    assert.notEqual(cut, text);
    const found = await check(cut);
    assert.equal(found.kind, 'broken');
    assert.match(found.why, /1 chunks are missing/);
  });

  const REFUSED: readonly (readonly [what: string, text: string])[] = [
    ['empty', ''],
    ['an asciicast', '{"version":3,"term":{"cols":80,"rows":24}}\n'],
    [
      'without a seal',
      '{"format":"sallyport-recording","version":1,"header":{},"seal":null,"events":[\n]}\n',
    ],
    [
      'from before there were seals',
      '{"format":"sallyport-recording","version":1,"events":[\n]}\n',
    ],
  ];
  for (const [what, text] of REFUSED) {
    it(`is refused with advice when it is ${what}`, async () => {
      await assert.rejects(checkExportedFile(await write(text), keys.publicKey), {
        code: 'usage.invalid',
        hint: /sessions export/,
      });
    });
  }

  it('is refused when there is no such file', async () => {
    await assert.rejects(checkExportedFile(join(folder, 'none'), keys.publicKey), {
      code: 'usage.invalid',
      message: /ENOENT/,
    });
  });

  describe('of the journal', () => {
    function entries(count: number, from = 1): JournalEntry[] {
      let prevHash = from === 1 ? CHAIN_START : 'b'.repeat(64);
      return Array.from({ length: count }, (_, index) => {
        const entry = chainEntry(
          {
            type: 'auth.succeeded',
            principal: 'alice',
            source: '192.0.2.1:1',
            session: null,
            target: null,
            data: { n: index, list: [true, null, 'x'] },
          },
          { seq: from + index, at: '2026-01-01T00:00:00.000Z', prevHash },
        );
        prevHash = entry.hash;
        return entry;
      });
    }
    const text = (list: readonly JournalEntry[]) =>
      list.map((entry) => `${JSON.stringify(entry)}\n`).join('');

    async function journal(content: string) {
      const checked = await checkExportedFile(await write(content), keys.publicKey);
      assert.equal(checked.kind, 'journal');
      return checked;
    }

    it('is intact from whichever entry it begins with', async () => {
      for (const from of [1, 7]) {
        const list = entries(5, from);
        const { entries: count, fault, firstSeq, headHash } = await journal(text(list));
        assert.deepEqual([count, fault, firstSeq], [5, null, from]);
        assert.equal(headHash, list.at(-1)?.hash);
      }
    });

    it('names the entry that is edited, missing or out of order', async () => {
      const list = entries(5);
      const [one, two, three, four, five] = list as [
        JournalEntry,
        JournalEntry,
        JournalEntry,
        JournalEntry,
        JournalEntry,
      ];
      const edited = { ...three, principal: 'mallory' };
      const cases: readonly (readonly [JournalEntry[], number, RegExp])[] = [
        [[one, two, edited, four, five], 3, /content/],
        [[one, two, four, five], 3, /missing/],
        [[one, three, two, four, five], 2, /missing/],
        [[one, two, { ...three, prevHash: one.hash }, four, five], 3, /follow/],
      ];
      for (const [changed, seq, why] of cases) {
        const { fault } = await journal(text(changed));
        assert.equal(fault?.seq, seq);
        assert.match(fault.why, why);
      }
    });

    it('says so when a line is no entry', async () => {
      const { fault } = await journal(`${text(entries(2))}{"seq":3}\n`);
      assert.deepEqual(fault, { seq: 3, why: 'it is no entry of a journal' });
    });
  });
});
