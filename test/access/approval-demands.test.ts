import assert from 'node:assert/strict';
import {
  missingOf,
  standingOf,
  type Asked,
  type Demand,
  type Standing,
  type Voter,
} from '../../server/access/approval-demands.ts';
import type { Role } from '../../server/access/principal.ts';
import { readScope } from '../../server/access/approval-scope.ts';

const BOT: Asked = { name: 'bot', owner: 'olga' };
const HUMAN: Asked = { name: 'hans', owner: null };

function demand(more: Partial<Demand> = {}): Demand {
  return { rule: 'r', approvers: [], minimum: 1, fourEyes: false, escalation: null, ...more };
}

function voter(
  name: string,
  more: { roles?: Role[]; groups?: string[]; owner?: string | null } = {},
): Voter {
  const { groups = [], owner = null, roles = ['approver'] } = more;
  const kind = owner === null ? 'human' : 'agent';
  return { principal: { id: name, name, kind, roles, groups }, owner };
}

describe('who may decide on a request', () => {
  const escalated = demand({ approvers: ['ann'], escalation: { atMs: 5, to: ['group:lead'] } });
  const lead = voter('lea', { groups: ['lead'] });
  const CASES: [
    what: string,
    demands: Demand[],
    who: Voter,
    asked: Asked,
    at: number | null,
    Standing,
  ][] = [
    ['any approver', [demand()], voter('ann'), BOT, null, 'may'],
    [
      'nobody without the role',
      [demand()],
      voter('ann', { roles: [] }),
      BOT,
      null,
      'not-an-approver',
    ],
    [
      'nobody who is named but has no role',
      [demand({ approvers: ['ann'] })],
      voter('ann', { roles: ['auditor'] }),
      BOT,
      null,
      'not-an-approver',
    ],
    [
      'nobody else than who is named',
      [demand({ approvers: ['ann'] })],
      voter('bob'),
      BOT,
      null,
      'not-an-approver',
    ],
    [
      'an admin, whoever is named',
      [demand({ approvers: ['ann'] })],
      voter('bob', { roles: ['admin'] }),
      BOT,
      null,
      'may',
    ],
    [
      'never who asked',
      [demand()],
      voter('bot', { roles: ['admin'], owner: 'olga' }),
      BOT,
      null,
      'own-request',
    ],
    ['the owner of an agent', [demand()], voter('olga'), BOT, null, 'may'],
    [
      'not the owner where four eyes are asked',
      [demand({ fourEyes: true })],
      voter('olga'),
      BOT,
      null,
      'four-eyes',
    ],
    [
      'not another agent of that owner either',
      [demand({ fourEyes: true })],
      voter('other', { owner: 'olga' }),
      BOT,
      null,
      'four-eyes',
    ],
    [
      'somebody else where four eyes are asked',
      [demand({ fourEyes: true })],
      voter('ann'),
      BOT,
      null,
      'may',
    ],
    [
      'never an agent for its owner',
      [demand()],
      voter('his-bot', { owner: 'hans' }),
      HUMAN,
      null,
      'own-request',
    ],
    ['nobody added before the time', [escalated], lead, BOT, null, 'not-an-approver'],
    [
      'nobody added by an escalation of another demand',
      [escalated],
      lead,
      BOT,
      4,
      'not-an-approver',
    ],
    ['who was added, after the time', [escalated], lead, BOT, 5, 'may'],
    [
      'who is named in one demand of several',
      [demand({ approvers: ['ann'] }), demand({ approvers: ['bob'] })],
      voter('bob'),
      BOT,
      null,
      'may',
    ],
  ];
  for (const [what, demands, who, asked, at, expected] of CASES) {
    it(`is ${what}`, () => assert.equal(standingOf(demands, who, asked, at), expected));
  }
});

describe('what is missing of several approvals', () => {
  const CASES: [what: string, demands: Demand[], who: Voter[], missing: number[]][] = [
    ['counts people', [demand({ minimum: 2 })], [voter('ann')], [1]],
    ['is nothing with enough of them', [demand({ minimum: 2 })], [voter('ann'), voter('bob')], [0]],
    ['counts nobody twice', [demand({ minimum: 2 })], [voter('ann'), voter('ann')], [1]],
    [
      'counts two agents of one owner, and the owner, as one',
      [demand({ minimum: 2 })],
      [voter('a1', { owner: 'ann' }), voter('a2', { owner: 'ann' }), voter('ann')],
      [1],
    ],
    ['leaves out who lost the role', [demand()], [voter('ann', { roles: [] })], [1]],
    [
      'is counted for each rule by itself',
      [demand({ approvers: ['ann'] }), demand({ approvers: ['bob'], minimum: 2 })],
      [voter('ann'), voter('bob')],
      [0, 1],
    ],
    [
      'leaves out the owner where four eyes are asked',
      [demand({ fourEyes: true })],
      [voter('olga')],
      [1],
    ],
  ];
  for (const [what, demands, who, missing] of CASES) {
    it(what, () => assert.deepEqual(missingOf(demands, who, BOT, null), missing));
  }
});

describe('for how much an approval counts', () => {
  const CASES: [text: string, scope: object | null][] = [
    ['once', { kind: 'once' }],
    ['session', { kind: 'session' }],
    ['30m', { kind: 'time', ms: 1_800_000 }],
    ['24h', { kind: 'time', ms: 86_400_000 }],
    ['1s', { kind: 'time', ms: 1000 }],
    ['25h', null],
    ['0m', null],
    ['1d', null],
    ['', null],
    ['for ever', null],
    ['1.5h', null],
    ['999999h', null],
  ];
  for (const [text, scope] of CASES) {
    it(`reads "${text}"`, () => assert.deepEqual(readScope(text), scope));
  }
});
