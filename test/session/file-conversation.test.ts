import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { statusReply, versionReply } from '../../server/sftp/reply.ts';
import { packetOf } from '../../server/sftp/wire.ts';
import { FileSession } from '../support/file-session.ts';
import { decided, exitOf, steps, text, until } from '../support/running-session.ts';
import { settled } from '../support/session-fakes.ts';

const READ = 0x01;
const WRITE_NEW = 0x1a;
const NO_ATTRIBUTES = { u32: 0 };
const DENIED = 3;

function sha256(contents: string | Buffer): string {
  return createHash('sha256').update(contents).digest('hex');
}

function rows(one: FileSession): string[] {
  return decided(one.world).map(
    ({ text: line, decision: { verdict, rule } }) => `${verdict} ${rule ?? '-'} ${line}`,
  );
}

/** What the journal gets of the operations. */
function results(one: FileSession): object[] {
  return one.world.steps.flatMap((step) =>
    step.step === 'ended' && step.file !== undefined
      ? [{ type: step.file.type, ...step.file.data }]
      : [],
  );
}

function lines(one: FileSession): string[] {
  return one.world.steps.flatMap((step) =>
    step.step === 'event' && step.event.code === 'o' ? [step.event.text.trimEnd()] : [],
  );
}

async function upload(one: FileSession, path: string, contents: string): Promise<void> {
  const handle = await one.open(path, WRITE_NEW);
  assert.equal(await one.tried('write', handle, { u64: 0 }, contents), 0);
  assert.equal(await one.tried('close', handle), 0);
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
    await upload(one, 'b', contents);
    const handle = await one.open('/srv/a', READ);
    const data = await one.answer(one.ask('read', handle, { u64: 0 }, { u32: 100 }));
    assert.equal(data.kind === 'data' && data.data.toString(), 'contents of a');
    assert.equal(await one.tried('read', handle, { u64: 13 }, { u32: 100 }), 1);
    assert.equal(await one.tried('close', handle), 0);
    await one.end();
    assert.deepEqual(rows(one), ['allow - write /home/b', 'allow - read /srv/a']);
    const whole = { from: 0, complete: true, status: 0 };
    assert.deepEqual(results(one), [
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
    assert.equal(lines(one).length, 2);
    assert.ok(lines(one)[1]?.startsWith('read /srv/a: read 13 bytes, sha256 '));
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
    const found = results(one) as { complete: boolean; to: number; sha256: string }[];
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
    assert.deepEqual(results(one), [
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
    const found = results(one) as { sha256: string | null; complete: boolean }[];
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
    const [found] = results(one) as { sha256: string; complete: boolean }[];
    assert.equal(found?.sha256, sha256('abcdefgh'));
    assert.equal(found?.complete, true);
  });

  it('tells of what is still open at the end', async () => {
    const one = new FileSession();
    const handle = await one.open('/srv/w', WRITE_NEW);
    await one.tried('write', handle, { u64: 0 }, 'half');
    one.client.send({ kind: 'close' });
    await one.over;
    const [found] = results(one) as { bytes: number; status: number | null }[];
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

  describe('a denied path', () => {
    it('is answered for that request only, with rule and reason', async () => {
      const one = new FileSession();
      assert.equal(await one.tried('open', '/data/x', { u32: READ }, NO_ATTRIBUTES), DENIED);
      assert.equal(await one.tried('open', '/srv/a', { u32: READ }, NO_ATTRIBUTES), 'handle');
      await one.end();
      assert.deepEqual(rows(one), ['deny data read /data/x', 'allow - read /srv/a']);
      assert.match(
        text(one.client.written, 'stderr'),
        /^sallyport: denied by rule "data": precious \(command 1 of session/,
      );
      assert.deepEqual(one.server.asked(), ['open']);
    });

    const spellings: readonly (readonly [how: string, path: string])[] = [
      ['dots', '/srv/../data/x'],
      ['double slashes', '//data///x'],
      ['a relative path', '../data/x'],
      ['a link to the file', '/srv/link'],
      ['a link to the directory', '/srv/dir/x'],
      ['a link to a link', '/srv/chain/x'],
      ['dots behind a link', '/srv/deep/../x'],
      ['its own spelling, where it leads elsewhere', '/data/out'],
    ];
    for (const [how, path] of spellings) {
      for (const isLexical of [false, true]) {
        it(`stays denied by ${how}${isLexical ? ', where REALPATH follows no link' : ''}`, async () => {
          const one = new FileSession();
          one.server.isLexical = isLexical;
          one.server.links.set('/srv/link', '/data/x');
          one.server.links.set('/srv/dir', '../data');
          one.server.links.set('/srv/chain', 'dir');
          one.server.links.set('/srv/deep', '/data/sub');
          one.server.links.set('/data/out', '/srv/a');
          assert.equal(await one.tried('open', path, { u32: READ }, NO_ATTRIBUTES), DENIED);
          await one.end();
          assert.deepEqual(one.server.asked(), []);
        });
      }
    }

    it('is denied to every operation', async () => {
      const one = new FileSession();
      const path = '/data/x';
      const extended = (name: string, ...fields: string[]) =>
        one.tried('extended', `${name}@openssh.com`, ...fields);
      const statuses = [
        await one.tried('stat', path),
        await one.tried('lstat', path),
        await one.tried('opendir', '/data'),
        await one.tried('setstat', path, NO_ATTRIBUTES),
        await one.tried('remove', path),
        await one.tried('rmdir', path),
        await one.tried('mkdir', path, NO_ATTRIBUTES),
        await one.tried('realpath', path),
        await one.tried('readlink', path),
        await one.tried('rename', path, '/srv/b'),
        await one.tried('rename', '/srv/a', '/data/y'),
        await one.tried('symlink', '/srv/a', '/data/y'),
        await extended('posix-rename', '/srv/a', '/data/y'),
        await extended('hardlink', path, '/srv/b'),
        await extended('statvfs', path),
        await extended('expand-path', path),
        await one.tried('extended', 'lsetstat@openssh.com', path, NO_ATTRIBUTES),
      ];
      assert.deepEqual(new Set(statuses), new Set([DENIED]), JSON.stringify(statuses));
      await one.end();
      assert.deepEqual(
        one.server.asked().filter((kind) => kind !== 'expand-path'),
        [],
      );
    });

    it('may be the end of a link that is removed, for the link itself is meant', async () => {
      const one = new FileSession();
      one.server.files.set('/srv/link', Buffer.from('a link'));
      one.server.links.set('/srv/link', '/data/x');
      one.server.instead = (request) =>
        request.kind === 'remove' ? statusReply(request.id, 0, '') : null;
      assert.equal(await one.tried('remove', '/srv/link'), 0);
      await one.end();
      assert.deepEqual(rows(one), ['allow - remove /srv/link']);
    });

    it('shows how it was spelt', async () => {
      const one = new FileSession();
      one.server.links.set('/srv/link', '/data/x');
      await one.tried('open', '/srv/link', { u32: READ }, NO_ATTRIBUTES);
      await one.end();
      assert.deepEqual(rows(one), ['deny data read /data/x (spelt /srv/link)']);
    });

    it('stays denied if a link is swapped while the file is opened', async () => {
      const one = new FileSession();
      one.server.links.set('/srv/link', '/srv/a');
      one.server.instead = (request) => {
        if (request.kind === 'open') one.server.links.set('/srv/link', '/data/x');
        return null;
      };
      assert.equal(await one.tried('open', '/srv/link', { u32: READ }, NO_ATTRIBUTES), DENIED);
      await until(() => one.server.asked().length === 2);
      await one.end();
      assert.deepEqual(one.server.asked(), ['open', 'close']);
      assert.match(text(one.client.written, 'stderr'), /does not lead to \/srv\/a any more/);
    });
  });

  it('gives what only looks no row, however much of it there is', async () => {
    const one = new FileSession();
    for (let count = 0; count < 50; count++) await one.tried('stat', '/srv/a');
    const handle = await one.answer(one.ask('opendir', '/srv'));
    await one.tried('readdir', handle.kind === 'handle' ? handle.handle : '');
    await one.tried('close', handle.kind === 'handle' ? handle.handle : '');
    await one.end();
    assert.deepEqual(rows(one), []);
    assert.deepEqual(lines(one), ['list /srv: 0 names']);
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

  describe('a held file', () => {
    it('is opened when somebody approves, and the others go on meanwhile', async () => {
      const one = new FileSession();
      one.server.files.set('/ask/q', Buffer.from('answer'));
      assert.equal(await one.tried('stat', '/ask/q'), 'attrs');
      const held = one.ask('open', '/ask/q', { u32: READ }, NO_ATTRIBUTES);
      await until(() => steps(one.world).includes('approval'));
      assert.equal(await one.tried('stat', '/srv/a'), 'attrs');
      one.world.decide({ kind: 'approved', by: 'ann', reason: null });
      assert.equal((await one.answer(held)).kind, 'handle');
      await one.end();
      assert.match(text(one.client.written, 'stderr'), /held by rule "ask".*\n.*approved by ann/);
    });

    it('is refused when somebody refuses, and the session goes on', async () => {
      const one = new FileSession();
      one.server.files.set('/ask/q', Buffer.from('answer'));
      const held = one.ask('open', '/ask/q', { u32: READ }, NO_ATTRIBUTES);
      await until(() => steps(one.world).includes('approval'));
      one.world.decide({ kind: 'refused', by: 'ann', reason: 'not today' });
      const reply = await one.answer(held);
      assert.equal(reply.kind === 'status' && reply.code, DENIED);
      assert.equal(await one.tried('stat', '/srv/a'), 'attrs');
      await one.end();
    });

    it('is not opened if it leads elsewhere than was approved', async () => {
      const one = new FileSession();
      one.server.files.set('/ask/q', Buffer.from('answer'));
      one.server.links.set('/srv/link', '/ask/q');
      const held = one.ask('open', '/srv/link', { u32: READ }, NO_ATTRIBUTES);
      await until(() => steps(one.world).includes('approval'));
      one.server.links.set('/srv/link', '/data/x');
      one.world.decide({ kind: 'approved', by: 'ann', reason: null });
      const reply = await one.answer(held);
      assert.equal(reply.kind === 'status' && reply.code, DENIED);
      await one.end();
      assert.deepEqual(one.server.asked(), []);
    });

    it('is cancelled when the client goes away', async () => {
      const one = new FileSession();
      one.server.files.set('/ask/q', Buffer.from('answer'));
      one.ask('open', '/ask/q', { u32: READ }, NO_ATTRIBUTES);
      await until(() => steps(one.world).includes('approval'));
      one.client.send({ kind: 'close' });
      await one.over;
      assert.deepEqual(one.server.asked(), []);
    });
  });

  describe('under a grant to read only', () => {
    it('changes nothing in any way', async () => {
      const one = new FileSession({ files: 'read-only' });
      const opened = (flags: number) => one.tried('open', '/srv/a', { u32: flags }, NO_ATTRIBUTES);
      const statuses = [
        // To write, to append, to create, to cut; also where only reading is asked for beside it.
        ...(await Promise.all([0x02, 0x04, 0x08, 0x10, 0x03, 0x09, 0x11].map(opened))),
        await one.tried('remove', '/srv/a'),
        await one.tried('rename', '/srv/a', '/srv/b'),
        await one.tried('mkdir', '/srv/d', NO_ATTRIBUTES),
        await one.tried('symlink', '/srv/a', '/srv/l'),
        await one.tried('setstat', '/srv/a', NO_ATTRIBUTES),
        await one.tried('extended', 'hardlink@openssh.com', '/srv/a', '/srv/l'),
      ];
      assert.deepEqual(new Set(statuses), new Set([DENIED]), JSON.stringify(statuses));
      assert.equal(await one.tried('extended', 'posix-rename@openssh.com', '/srv/a', '/b'), 8);
      const handle = await one.open('/srv/a', READ);
      assert.equal(await one.tried('fsetstat', handle, NO_ATTRIBUTES), DENIED);
      assert.equal(await one.tried('write', handle, { u64: 0 }, 'x'), DENIED);
      await one.end();
      assert.deepEqual(one.server.asked(), ['open']);
    });
  });

  describe('under a grant to upload only', () => {
    it('reads, lists and removes nothing', async () => {
      const one = new FileSession({ files: 'upload-only' });
      const statuses = [
        await one.tried('open', '/srv/a', { u32: READ }, NO_ATTRIBUTES),
        await one.tried('open', '/srv/a', { u32: 0x03 }, NO_ATTRIBUTES),
        await one.tried('open', '/srv/a', { u32: 0 }, NO_ATTRIBUTES),
        await one.tried('opendir', '/srv'),
        await one.tried('readlink', '/srv/a'),
        await one.tried('remove', '/srv/a'),
        await one.tried('rename', '/srv/a', '/srv/b'),
        await one.tried('symlink', '/srv/a', '/srv/l'),
        await one.tried('extended', 'hardlink@openssh.com', '/srv/a', '/srv/l'),
      ];
      assert.deepEqual(new Set(statuses), new Set([DENIED]), JSON.stringify(statuses));
      const handle = await one.open('/srv/new', WRITE_NEW);
      assert.equal(await one.tried('read', handle, { u64: 0 }, { u32: 9 }), DENIED);
      await one.end();
    });

    it('lets a client look before, and rename what it has uploaded', async () => {
      const one = new FileSession({ files: 'upload-only' });
      assert.equal(await one.tried('realpath', '.'), 'name');
      assert.equal(await one.tried('stat', '/srv/a'), 'attrs');
      await upload(one, '/srv/b.part', 'contents');
      assert.equal(await one.tried('rename', '/srv/b.part', '/srv/b'), 0);
      assert.equal(await one.tried('mkdir', '/srv/d', NO_ATTRIBUTES), 0);
      await one.end();
      assert.equal(one.server.files.get('/srv/b')?.toString(), 'contents');
    });
  });

  describe('a client that sends what is no SFTP', () => {
    const cases: readonly (readonly [what: string, bytes: Buffer])[] = [
      ['a second beginning', packetOf(1, { u32: 3 })],
      ['an endless packet', Buffer.alloc(9, 0xff)],
      ['a packet without an id', Buffer.from([0, 0, 0, 1, 17])],
    ];
    for (const [what, bytes] of cases) {
      it(`is told so after ${what}`, async () => {
        const one = new FileSession();
        await until(() => one.replies().length > 0);
        one.send(bytes);
        await one.over;
        assert.equal(exitOf(one.client.written), 255);
        assert.match(text(one.client.written, 'stderr'), /sallyport: this is no SFTP of version 3/);
      });
    }
  });

  describe('a target that answers', () => {
    const answers: readonly (readonly [how: string, answer: (id: number) => Buffer])[] = [
      ['what nobody asked', (id) => statusReply(id + 7000, 0, '')],
      ['with what is no answer', (id) => packetOf(103, { u32: id }, 'data')],
      ['with a packet without end', () => Buffer.alloc(16, 0xff)],
      ['with thousands of names', (id) => packetOf(104, { u32: id }, { u32: 0xffff_ffff })],
      ['with a second version', () => versionReply(3, new Map())],
    ];
    for (const [how, answer] of answers) {
      it(`${how} ends the session with words`, async () => {
        const one = new FileSession();
        one.server.instead = ({ kind, id }) => (kind === 'stat' ? answer(id) : null);
        one.ask('stat', '/srv/a');
        await one.over;
        assert.equal(exitOf(one.client.written), 255);
        assert.match(
          text(one.client.written, 'stderr'),
          /sallyport: the file server of web1 can't be used: /,
        );
        const end = one.world.steps.at(-1);
        assert.ok(end?.step === 'end' && end.end.status === 'failed');
      });
    }

    it('with another version is not used', async () => {
      const one = new FileSession();
      one.server.version = 6;
      await one.over;
      assert.match(text(one.client.written, 'stderr'), /speaks version 6 of SFTP and not 3/);
    });

    it('with the same handle twice ends the session', async () => {
      const one = new FileSession();
      one.server.instead = ({ kind, id }) =>
        kind === 'open' ? packetOf(102, { u32: id }, 'same') : null;
      await one.open('/srv/a', READ);
      one.ask('open', '/srv/a', { u32: READ }, NO_ATTRIBUTES);
      await one.over;
      assert.match(text(one.client.written, 'stderr'), /second file under the same handle/);
    });

    it('with more contents than were asked for ends the session', async () => {
      const one = new FileSession();
      one.server.instead = ({ kind, id }) =>
        kind === 'read' ? packetOf(103, { u32: id }, 'much too much') : null;
      const handle = await one.open('/srv/a', READ);
      one.ask('read', handle, { u64: 0 }, { u32: 4 });
      await one.over;
      assert.match(text(one.client.written, 'stderr'), /sent more than was asked for/);
    });
  });
});
