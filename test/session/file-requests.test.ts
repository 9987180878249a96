import assert from 'node:assert/strict';
import { statusReply } from '../../server/sftp/reply.ts';
import { FileSession } from '../support/file-session.ts';
import { steps, text, until } from '../support/running-session.ts';

const READ = 0x01;
const NO_ATTRIBUTES = { u32: 0 };
const DENIED = 3;

describe('session: sftp: what a policy says', () => {
  describe('a denied path', () => {
    it('is answered for that request only, with rule and reason', async () => {
      const one = new FileSession();
      assert.equal(await one.tried('open', '/data/x', { u32: READ }, NO_ATTRIBUTES), DENIED);
      assert.equal(await one.tried('open', '/srv/a', { u32: READ }, NO_ATTRIBUTES), 'handle');
      await one.end();
      assert.deepEqual(one.rows(), ['deny data read /data/x', 'allow - read /srv/a']);
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
      assert.deepEqual(one.rows(), ['allow - remove /srv/link']);
    });

    it('shows how it was spelt', async () => {
      const one = new FileSession();
      one.server.links.set('/srv/link', '/data/x');
      await one.tried('open', '/srv/link', { u32: READ }, NO_ATTRIBUTES);
      await one.end();
      assert.deepEqual(one.rows(), ['deny data read /data/x (spelt /srv/link)']);
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
      assert.match(
        text(one.client.written, 'stderr'),
        /held by rule "ask".*\n.*unless.*\n.*approved by ann/,
      );
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
});
