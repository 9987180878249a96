import assert from 'node:assert/strict';
import { GRANT_DEFAULTS, type GrantRule } from '../../server/access/grant.ts';
import { ConnectionSessions, type Running } from '../../server/session/connection-sessions.ts';

function running(leftMs: number, terminate: Running['terminate']): Running {
  const access = { request: 'ab12cd', approvedBy: ['lea'], endsAt: '', leftMs };
  const rule: GrantRule = {
    ...GRANT_DEFAULTS,
    id: 'access:ab12cd',
    principals: ['bot'],
    targets: ['web1'],
    logins: ['deploy'],
    channels: ['exec'],
    policy: 'default',
    access,
  };
  return {
    id: 's1',
    rule,
    run: () => Promise.resolve(),
    say: () => Promise.resolve(),
    terminate,
    clientGone: () => {},
    mayStay: () => true,
  };
}

describe('what runs by access for a time', () => {
  it('is ended when that is over, and told again while it is just beginning', async () => {
    const sessions = new ConnectionSessions(() => {});
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      const one = running(1, (text, why) => {
        told.push(`${text} | ${why}`);
        if (told.length === 2) resolve();
      });
      sessions.run(one);
      // Nothing else keeps the test alive meanwhile.
      const alive = setInterval(() => {
        if (told.length < 2) return;
        clearInterval(alive);
        sessions.over(one);
      }, 5);
    });
    assert.match(
      told[0] ?? '',
      /^your access by request ab12cd is over; .* \| its access by request ab12cd was over$/,
    );
    assert.equal(told[0], told[1]);
  });

  it('is left alone once it has ended by itself', async () => {
    const sessions = new ConnectionSessions(() => {});
    const one = running(20, () => assert.fail('it is over already'));
    sessions.run(one);
    sessions.over(one);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(sessions.size, 0);
  });
});
