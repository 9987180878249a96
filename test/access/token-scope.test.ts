import assert from 'node:assert/strict';
import { ACTIONS, permit, type Action } from '../../server/access/permission.ts';
import type { Principal } from '../../server/access/principal.ts';
import { beyondScopes, SCOPE_OF, TOKEN_SCOPES } from '../../server/access/token-scope.ts';

const ADMIN: Principal = { id: 'a', name: 'ann', kind: 'human', roles: ['admin'], groups: [] };
const USER: Principal = { ...ADMIN, name: 'uma', roles: [] };

describe('scopes of tokens', () => {
  for (const scope of TOKEN_SCOPES) {
    it(`${scope} gives an admin what stands there, and nothing else`, () => {
      const given = ACTIONS.filter(
        (action) => permit({ ...ADMIN, scopes: [scope] }, action).kind === 'allowed',
      );
      assert.ok(given.length > 0);
      const read: Partial<Record<string, string>> = {
        'sessions:control': 'sessions:read',
        'approvals:decide': 'approvals:read',
        'directory:write': 'directory:read',
      };
      for (const action of ACTIONS) {
        const isWanted = SCOPE_OF[action] === scope || SCOPE_OF[action] === read[scope];
        assert.equal(given.includes(action), isWanted, action);
      }
    });
  }

  it('never give more than the roles at the time of use', () => {
    for (const action of ACTIONS) {
      const bare = permit(USER, action);
      const all = permit({ ...USER, scopes: [...TOKEN_SCOPES] }, action);
      assert.deepEqual(all, bare, action);
    }
  });

  it('give nothing when there are none', () => {
    for (const action of ACTIONS) {
      assert.equal(permit({ ...ADMIN, scopes: [] }, action).kind, 'out-of-scope');
    }
  });

  it('that are left out take nothing away', () => {
    for (const action of ACTIONS) assert.notEqual(permit(ADMIN, action).kind, 'out-of-scope');
  });

  it('say what is missing', () => {
    const action: Action = 'directory.write';
    assert.deepEqual(permit({ ...ADMIN, scopes: ['directory:read'] }, action), {
      kind: 'out-of-scope',
      needs: 'directory:write',
    });
  });

  it('pass on themselves and what comes with them, no more', () => {
    assert.equal(beyondScopes(null, ['directory:write']), null);
    assert.equal(beyondScopes(['directory:write'], ['directory:read', 'directory:write']), null);
    assert.equal(beyondScopes(['directory:read'], ['directory:write']), 'directory:write');
    assert.equal(beyondScopes([], ['ssh-keys']), 'ssh-keys');
  });
});
