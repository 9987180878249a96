import assert from 'node:assert/strict';
import { FileSession } from '../support/file-session.ts';

const READ = 0x01;
const WRITE_NEW = 0x1a;
const NO_ATTRIBUTES = { u32: 0 };
const DENIED = 3;

describe('session: sftp: what a grant says', () => {
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
      await one.upload('/srv/b.part', 'contents');
      assert.equal(await one.tried('rename', '/srv/b.part', '/srv/b'), 0);
      assert.equal(await one.tried('mkdir', '/srv/d', NO_ATTRIBUTES), 0);
      await one.end();
      assert.equal(one.server.files.get('/srv/b')?.toString(), 'contents');
    });
  });
});
