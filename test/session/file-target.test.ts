import assert from 'node:assert/strict';
import { statusReply, versionReply } from '../../server/sftp/reply.ts';
import { packetOf } from '../../server/sftp/wire.ts';
import { FileSession } from '../support/file-session.ts';
import { exitOf, text, until } from '../support/running-session.ts';

const READ = 0x01;
const NO_ATTRIBUTES = { u32: 0 };

describe('session: sftp: broken ends', () => {
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
