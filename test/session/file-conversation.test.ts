import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { statusReply } from '../../server/sftp/reply.ts';
import { packetOf } from '../../server/sftp/wire.ts';
import type { KeptPart } from '../../server/session/ports.ts';
import { FileSession } from '../support/file-session.ts';
import { exitOf, steps, until } from '../support/running-session.ts';
import { settled } from '../support/session-fakes.ts';

const READ = 0x01;
const WRITE_NEW = 0x1a;
const NO_ATTRIBUTES = { u32: 0 };
const DENIED = 3;

function sha256(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex');
}

describe('session: sftp', () => {
  it('says its version and only the extensions that it knows', async () => {
    const one = new FileSession();
    one.server.extensions = new Map([
      ['statvfs@openssh.com', '2'],
      ['fsync@openssh.com', '7'],
      ['hash@example', '1'],
    ]);
    await until(() => one.replies().length > 0);
    assert.deepEqual(one.replies()[0], {
      kind: 'version',
      version: 3,
      extensions: new Map([['statvfs@openssh.com', '2']]),
    });
    await one.end();
    assert.equal(exitOf(one.client.written), 0);
  });

  it('hands contents through, and says what they were', async () => {
    const one = new FileSession();
    const contents = 'new contents';
    await one.upload('b', contents);
    const handle = await one.open('/srv/a', READ);
    const data = await one.answer(one.ask('read', handle, { u64: 0 }, { u32: 100 }));
    assert.equal(data.kind === 'data' && data.data.toString(), 'contents of a');
    assert.equal(await one.tried('read', handle, { u64: 13 }, { u32: 100 }), 1);
    assert.equal(await one.tried('close', handle), 0);
    await one.end();
    assert.deepEqual(one.rows(), ['allow - write /home/b', 'allow - read /srv/a']);
    const whole = { from: 0, complete: true, status: 0 };
    assert.deepEqual(one.results(), [
      {
        type: 'file.written',
        path: '/home/b',
        bytes: 12,
        to: 12,
        sha256: sha256(contents),
        ...whole,
      },
      {
        type: 'file.read',
        path: '/srv/a',
        bytes: 13,
        to: 13,
        sha256: sha256('contents of a'),
        ...whole,
      },
    ]);
    assert.equal(one.lines().length, 2);
    assert.ok(one.lines()[1]?.startsWith('read /srv/a: read 13 bytes, sha256 '));
    assert.equal(one.server.files.get('/home/b')?.toString(), contents);
  });

  it('asks how large a file is where the client knows it and reads no further', async () => {
    const one = new FileSession();
    const handle = await one.open('/srv/a', READ);
    await one.answer(one.ask('read', handle, { u64: 0 }, { u32: 13 }));
    await one.tried('close', handle);
    const other = await one.open('/srv/a', READ);
    await one.answer(one.ask('read', other, { u64: 0 }, { u32: 8 }));
    await one.tried('close', other);
    await one.end();
    const found = one.results() as { complete: boolean; to: number; sha256: string }[];
    assert.deepEqual(
      found.map(({ complete, to }) => [complete, to]),
      [
        [true, 13],
        [false, 8],
      ],
    );
    assert.equal(found[1]?.sha256, sha256('contents'));
  });

  it('says of resumed contents where they begin', async () => {
    const one = new FileSession();
    const handle = await one.open('/srv/a', 0x02);
    await one.tried('write', handle, { u64: 9 }, 'XYZ');
    await one.tried('close', handle);
    await one.end();
    assert.deepEqual(one.results(), [
      {
        type: 'file.written',
        path: '/srv/a',
        status: 0,
        bytes: 3,
        from: 9,
        to: 12,
        complete: false,
        sha256: sha256('XYZ'),
      },
    ]);
  });

  it('gives no hash of what was written twice, nor of what the target refused', async () => {
    const one = new FileSession();
    const twice = await one.open('/srv/t', WRITE_NEW);
    for (const offset of [0, 4, 2]) await one.tried('write', twice, { u64: offset }, 'abcd');
    await one.tried('close', twice);
    one.server.instead = (request) =>
      request.kind === 'write' ? statusReply(request.id, 4, 'disk full') : null;
    const failed = await one.open('/srv/u', WRITE_NEW);
    assert.equal(await one.tried('write', failed, { u64: 0 }, 'abcd'), 4);
    await one.tried('close', failed);
    await one.end();
    const found = one.results() as { sha256: string | null; complete: boolean }[];
    assert.deepEqual(
      found.map(({ sha256: hash, complete }) => [hash, complete]),
      [
        [null, false],
        [null, false],
      ],
    );
  });

  it('hashes what comes in another order', async () => {
    const one = new FileSession();
    const handle = await one.open('/srv/o', WRITE_NEW);
    one.ask('write', handle, { u64: 0 }, 'ab');
    one.ask('write', handle, { u64: 4 }, 'ef');
    one.ask('write', handle, { u64: 6 }, 'gh');
    await one.tried('write', handle, { u64: 2 }, 'cd');
    await one.tried('close', handle);
    await one.end();
    const [found] = one.results() as { sha256: string; complete: boolean }[];
    assert.equal(found?.sha256, sha256('abcdefgh'));
    assert.equal(found?.complete, true);
  });

  it('tells of what is still open at the end', async () => {
    const one = new FileSession();
    const handle = await one.open('/srv/w', WRITE_NEW);
    await one.tried('write', handle, { u64: 0 }, 'half');
    one.client.send({ kind: 'close' });
    await one.over;
    const [found] = one.results() as { bytes: number; status: number | null }[];
    assert.equal(found?.bytes, 4);
    assert.equal(found?.status, null);
    assert.ok(steps(one.world).indexOf('ended') < steps(one.world).indexOf('end'));
  });

  it('commits the decision before the request goes up', async () => {
    const one = new FileSession();
    await until(() => one.replies().length > 0);
    const durability = one.world.holdDurability();
    one.ask('remove', '/srv/a');
    for (let turn = 0; turn < 20; turn++) await settled();
    assert.ok(one.server.files.has('/srv/a'));
    durability.release();
    await until(() => !one.server.files.has('/srv/a'));
    await one.end();
  });

  it('ends when a decision can not be recorded', async () => {
    const one = new FileSession();
    await until(() => one.replies().length > 0);
    one.world.failRecording();
    one.ask('remove', '/srv/a');
    await one.over;
    assert.ok(one.server.files.has('/srv/a'));
    assert.equal(exitOf(one.client.written), 255);
  });

  it('gives what only looks no row, however much of it there is', async () => {
    const one = new FileSession();
    for (let count = 0; count < 50; count++) await one.tried('stat', '/srv/a');
    const handle = await one.answer(one.ask('opendir', '/srv'));
    await one.tried('readdir', handle.kind === 'handle' ? handle.handle : '');
    await one.tried('close', handle.kind === 'handle' ? handle.handle : '');
    await one.end();
    assert.deepEqual(one.rows(), []);
    assert.deepEqual(one.lines(), ['list /srv: 0 names']);
  });

  it('keeps the order of what changes something and of what comes behind', async () => {
    const one = new FileSession();
    one.server.files.set('/data', null);
    // Sent at once: the second is looked up when the first is done.
    one.ask('symlink', '/data', '/srv/new');
    const id = one.ask('open', '/srv/new/x', { u32: READ }, NO_ATTRIBUTES);
    const reply = await one.answer(id);
    assert.equal(reply.kind === 'status' && reply.code, DENIED);
    await one.end();
    assert.deepEqual(one.server.asked(), ['symlink']);
  });

  it('answers what it does not know by itself', async () => {
    const one = new FileSession();
    assert.equal(await one.tried('extended', 'md5-hash', '/data/x'), 8);
    one.send(packetOf(77, { u32: 9 }, 'x'));
    const reply = await one.answer(9);
    assert.equal(reply.kind === 'status' && reply.code, 8);
    assert.equal(await one.tried('stat', '/a', '/b'), 5);
    assert.equal(await one.tried('stat', `/${'x'.repeat(5000)}`), 4);
    assert.equal(await one.tried('stat', '/srv/a\0b'), 4);
    assert.equal(await one.tried('read', 'nope', { u64: 0 }, { u32: 1 }), 4);
    await one.end();
    assert.deepEqual(one.server.asked(), []);
  });

  it('refuses to make links where nobody knows which name is the new one', async () => {
    const one = new FileSession();
    one.server.extensions = new Map();
    assert.equal(await one.tried('symlink', '/srv/a', '/srv/b'), 8);
    await one.end();
  });

  it('keeps contents where a grant asks for it, before the client hears that all is done', async () => {
    const kept: KeptPart[] = [];
    let store = (): void => {};
    const keeper = {
      keep: (part: KeptPart): Promise<void> => {
        kept.push(part);
        return new Promise((resolve) => (store = resolve));
      },
    };
    const one = new FileSession({ keeper });
    const handle = await one.open('/srv/k', WRITE_NEW);
    await one.tried('write', handle, { u64: 0 }, 'keep me');
    const closing = one.ask('close', handle);
    await until(() => kept.length === 1);
    for (let turn = 0; turn < 20; turn++) await settled();
    assert.ok(!one.replies().some((reply) => 'id' in reply && reply.id === closing));
    store();
    await one.answer(closing);
    await one.end();
    assert.equal(kept[0]?.bytes.toString(), 'keep me');
    const [found] = one.results();
    assert.deepEqual(found?.['kept'], [
      { direction: 'written', parts: 1, bytes: 7, sha256: sha256('keep me'), cut: false },
    ]);
  });

  it('ends when contents can not be kept', async () => {
    const keeper = { keep: (): Promise<void> => Promise.reject(new Error('away')) };
    const one = new FileSession({ keeper });
    const handle = await one.open('/srv/k', WRITE_NEW);
    await one.tried('write', handle, { u64: 0 }, 'keep me');
    one.ask('close', handle);
    await one.over;
    assert.equal(exitOf(one.client.written), 255);
  });
});
