import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ACTIONS, PERMISSIONS, permit } from '../../server/access/permission.ts';
import { type Principal, ROLES } from '../../server/access/principal.ts';
import { BUILTINS } from '../../server/session/builtin.ts';

function whoIs(roles: Principal['roles'], scopes?: Principal['scopes']): Principal {
  const person = { id: 'i', name: 'ann', kind: 'human', roles, groups: [] } as const;
  return scopes === undefined ? person : { ...person, scopes };
}

/** The table of the README as the permissions have it. */
function table(): string[] {
  const head = ['', ...ROLES, 'over SSH'];
  const rows = ACTIONS.map((action) => {
    const cells = ROLES.map((role) => {
      const outcome = permit(whoIs([role]), action, PERMISSIONS[action].isOfSession ? 'bob' : null);
      if (outcome.kind === 'allowed') return outcome.scope;
      return PERMISSIONS[action].own ? 'own' : '–';
    });
    const verbs = Object.entries(BUILTINS).filter(([, one]) => one.action === action);
    const words = verbs.map(([name]) => `\`${name}\``).join(', ');
    return [PERMISSIONS[action].words, ...cells, words === '' ? '–' : words];
  });
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

describe('permissions', () => {
  it('stand in the README as they are', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [, section = ''] = readme.split(/^## Roles$/m);
    const [text = ''] = section.split(/^## /m);
    assert.deepEqual(
      text.split('\n').filter((line) => line.startsWith('|')),
      table(),
    );
  });

  it('give an admin everything, and a user nothing but what is their own', () => {
    for (const action of ACTIONS) {
      assert.deepEqual(permit(whoIs(['admin']), action, 'bob'), { kind: 'allowed', scope: 'all' });
      const user = permit(whoIs([]), action, 'bob');
      assert.ok(user.kind !== 'allowed' || user.scope === 'own', action);
      assert.deepEqual(permit(null, action, 'bob'), { kind: 'unauthenticated' });
    }
  });

  it('hide a session of somebody else from a token for something else, as from its owner', () => {
    for (const action of ACTIONS.filter((one) => PERMISSIONS[one].isOfSession)) {
      const scoped = permit(whoIs([], ['tokens']), action, 'bob');
      assert.deepEqual(scoped, permit(whoIs([]), action, 'bob'), action);
    }
    const own = permit(whoIs([], ['tokens']), 'session.read', 'ann');
    assert.deepEqual(own, { kind: 'out-of-scope', needs: 'sessions:read' });
  });

  it('take no name for the owner that only looks like it', () => {
    for (const name of ['Ann', 'ann ', 'аnn', 'ann\u200b', '', '__proto__', 'constructor']) {
      assert.equal(permit(whoIs([]), 'session.read', name).kind, 'hidden', JSON.stringify(name));
    }
  });
});
