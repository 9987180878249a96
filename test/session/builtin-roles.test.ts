import assert from 'node:assert/strict';
import { PERMISSIONS, permit } from '../../server/access/permission.ts';
import { type Principal, ROLES } from '../../server/access/principal.ts';
import { serveBuiltin } from '../../server/session/builtin-channel.ts';
import { BUILTINS, type BuiltinQueries } from '../../server/session/builtin.ts';
import type { DownstreamEnd } from '../../server/session/ports.ts';
import { principal, request } from '../support/session-fakes.ts';

/** Queries that say that they were asked, and then fail. */
function watched(asked: string[]): BuiltinQueries {
  const deny = (name: string): never => {
    asked.push(name);
    throw new Error(`${name} was asked`);
  };
  return new Proxy({} as BuiltinQueries, { get: (_, name) => deny(String(name)) });
}

describe('the bastion’s own commands and roles', () => {
  it('each say what they need', () => {
    for (const [verb, { action }] of Object.entries(BUILTINS)) {
      assert.ok(action === null || Object.hasOwn(PERMISSIONS, action), verb);
    }
  });

  for (const [verb, { action }] of Object.entries(BUILTINS)) {
    for (const role of ROLES) {
      const who: Principal = { ...principal, roles: [role] };
      if (action === null || permit(who, action).kind !== 'forbidden') continue;
      it(`ask nothing and nobody for ${verb} by a mere ${role}`, async () => {
        const said: string[] = [];
        const asked: string[] = [];
        const end = {
          write: (unit: { readonly bytes?: Buffer }) => {
            said.push(unit.bytes?.toString() ?? '');
            return Promise.resolve();
          },
          read: () => new Promise(() => {}),
        } as unknown as DownstreamEnd;
        const caller = { principal: who, source: '192.0.2.9:1', userName: 'ann', place: null };
        const others = ['standing', 'wait', 'revoke', 'ID'].map((one) => `${verb} ${one}`);
        for (const command of [verb, ...others]) {
          await serveBuiltin(watched(asked), caller, request('exec', command), end);
        }
        assert.deepEqual(asked, []);
        assert.match(said.join(''), /this needs the role/);
      });
    }
  }
});
