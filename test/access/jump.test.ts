import assert from 'node:assert/strict';
import { GRANT_DEFAULTS, type GrantRule } from '../../server/access/grant.ts';
import { jumpPlace, type JumpPlace } from '../../server/access/jump.ts';
import type { Principal } from '../../server/access/principal.ts';
import type { Target } from '../../server/access/target.ts';

const ALICE: Principal = { id: '1', name: 'alice', kind: 'human', roles: [], groups: [] };

function target(name: string, host: string, port: number): Target {
  const logins = [{ name: 'deploy', credential: 'key' }];
  return { name, host, port, hostKey: null, labels: {}, shellIntegration: 'off', logins };
}

const TARGETS = [
  target('web1', '10.0.0.5', 22),
  target('bastion2', 'b2.example', 2222),
  target('Web1', '10.0.0.6', 22),
  target('secret', '10.0.0.7', 22),
  target('twin1', '10.0.0.8', 22),
  target('twin2', '10.0.0.8', 22),
  target('v6', '2001:db8::1', 2200),
];
const RULE: GrantRule = {
  ...GRANT_DEFAULTS,
  id: 'rule',
  principals: ['alice'],
  targets: ['web1', 'Web1', 'bastion2', 'twin1', 'twin2', 'v6'],
  logins: ['deploy'],
  channels: ['exec'],
  policy: 'default',
};

describe('where a jump leads', () => {
  const somewhere = (name: string): JumpPlace => ({ target: name, leadsSomewhere: true });
  const nowhere = (name: string): JumpPlace => ({ target: name, leadsSomewhere: false });
  const cases: [host: string, port: number, place: JumpPlace | null][] = [
    ['web1', 22, somewhere('web1')],
    ['Web1', 22, somewhere('Web1')],
    // What ssh makes of either; nobody can tell which was meant.
    ['WEB1', 22, somewhere('WEB1')],
    ['bastion2', 22, somewhere('bastion2')],
    ['bastion2', 2222, somewhere('bastion2')],
    ['BASTION2', 2222, somewhere('bastion2')],
    ['bastion2', 5432, null],
    ['web1', 2222, null],
    ['10.0.0.5', 22, somewhere('web1')],
    ['10.0.0.5', 2222, null],
    ['b2.example', 2222, somewhere('bastion2')],
    ['B2.Example', 2222, somewhere('bastion2')],
    ['2001:DB8::1', 2200, somewhere('v6')],
    ['10.0.0.8', 22, somewhere('10.0.0.8')],
    // A target without a grant is as good as unknown.
    ['secret', 22, nowhere('secret')],
    ['nosuch', 22, nowhere('nosuch')],
    ['10.0.0.7', 22, nowhere('10.0.0.7')],
    ['10.0.0.99', 22, nowhere('10.0.0.99')],
    ['nosuch', 2222, null],
    ['db1', 5432, null],
    ['two words', 22, null],
    ['', 22, null],
  ];
  for (const [host, port, place] of cases) {
    it(`${host || 'nothing'}, port ${port}: ${place === null ? 'no jump' : `${place.target}${place.leadsSomewhere ? '' : ', which leads nowhere'}`}`, () => {
      assert.deepEqual(jumpPlace(ALICE, host, port, TARGETS, [RULE]), place);
    });
  }

  it('leads nowhere for who has no grant at all', () => {
    const mallory = { ...ALICE, name: 'mallory' };
    assert.deepEqual(jumpPlace(mallory, 'web1', 22, TARGETS, [RULE]), nowhere('web1'));
    assert.equal(jumpPlace(mallory, 'b2.example', 2222, TARGETS, [RULE]), null);
  });
});
