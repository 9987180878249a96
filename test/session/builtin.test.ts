import assert from 'node:assert/strict';
import type { GrantRule } from '../../server/access/grant.ts';
import type { Principal, Role } from '../../server/access/principal.ts';
import { USUAL_DEMANDS } from '../../server/access/token-demands.ts';
import {
  awaitedApproval,
  isBuiltin,
  runBuiltin,
  type BuiltinQueries,
  type BuiltinResult,
} from '../../server/session/builtin.ts';
import {
  waitForDecision,
  type BuiltinApproval,
  type BuiltinDecision,
} from '../../server/session/approval-commands.ts';
import { grantFor, principal, request } from '../support/session-fakes.ts';

type Decided = BuiltinDecision;
type Call = readonly [name: string, ...unknown[]];

const SOURCE = '192.0.2.9:1';
const DENIED = 126;
/** Every object has these; none is a command. */
const INHERITED = ['constructor', 'toString', 'hasOwnProperty', '__proto__', 'valueOf'];

const APPROVAL: BuiltinApproval = {
  id: 'K7M2QX',
  status: 'waiting',
  principal: 'bot',
  target: 'web1',
  text: 'reboot\r\n\u001b[2J',
  reason: 'it stops the host',
  expiresAt: '2026-11-22T02:00:00.250Z',
  decidedBy: null,
  decisionReason: null,
  until: null,
  uses: 0,
};
const DECIDED: BuiltinDecision = { kind: 'decided', approval: APPROVAL, isAgain: false };

function world(
  answers: {
    readonly decided?: Decided;
    readonly awaited?: BuiltinApproval;
    readonly rules?: readonly GrantRule[];
  } = {},
) {
  const calls: Call[] = [];
  const { target, rule } = grantFor('shell');
  const queries: BuiltinQueries = {
    directory: {
      principalByKey: () => Promise.resolve(null),
      demandsOfKey: () => Promise.resolve(USUAL_DEMANDS),
      targetByName: () => Promise.resolve(null),
      allTargets: () => Promise.resolve([target, { ...target, name: 'other' }]),
      grantRules: () => Promise.resolve(answers.rules ?? [rule]),
    },
    access: {
      ask: () => Promise.resolve({ kind: 'unknown' }),
      options: () => Promise.resolve([]),
      list: () => Promise.resolve([]),
      end: () => Promise.resolve({ kind: 'unknown' }),
      decided: () => Promise.resolve(null),
    },
    identity: {
      hostKey: 'ssh-ed25519 HOST',
      hostAuthority: 'ssh-ed25519 AUTHORITY',
    },
    recentSessions: (by, limit) => {
      calls.push(['recentSessions', by.name, limit]);
      const one = {
        id: 's1',
        startedAt: '2026-11-22T01:00:00.123Z',
        principal: 'bot',
        target: 'web1',
      };
      return Promise.resolve([{ ...one, kind: 'shell', status: 'closed' }]);
    },
    recording: () => Promise.resolve(null),
    waitingApprovals: (limit) => {
      calls.push(['waitingApprovals', limit]);
      return Promise.resolve([APPROVAL]);
    },
    decide: (id, decision, { principal: by, source, reason, scope }) => {
      calls.push(['decide', id, decision, by.name, source, reason, scope]);
      return Promise.resolve(answers.decided ?? DECIDED);
    },
    standingApprovals: (limit) => {
      calls.push(['standingApprovals', limit]);
      const until = '2026-11-22T02:00:00.000Z';
      return Promise.resolve([{ ...APPROVAL, decidedBy: 'bob', until, uses: 3 }]);
    },
    revoke: (id, { principal: by, reason }) => {
      calls.push(['revoke', id, by.name, reason]);
      return Promise.resolve('revoked');
    },
    awaitApproval: (id, by) => {
      calls.push(['awaitApproval', id, by.name]);
      return Promise.resolve(answers.awaited ?? null);
    },
  };
  const run = (command: string | null, ...roles: Role[]): Promise<BuiltinResult> => {
    const by: Principal = { ...principal, roles };
    const asked = request(command === null ? 'shell' : 'exec', command);
    const place = { host: '192.0.2.1', port: 2222 };
    return runBuiltin(queries, { principal: by, source: SOURCE, userName: 'ann', place }, asked);
  };
  return { calls, queries, run };
}

describe('the bastion’s own commands', () => {
  const own: [command: string | null, isOwn: boolean][] = [
    [null, true],
    ['targets', true],
    ['  approve  K7M2QX ', true],
    ['', false],
    ['ls', false],
    ['TARGETS', false],
    ...INHERITED.map((name): [string, boolean] => [name, false]),
  ];
  for (const [command, isOwn] of own) {
    it(`${isOwn ? 'are' : 'are not'} meant by ${command ?? 'a shell without a command'}`, () => {
      const kind = command === null ? 'shell' : 'exec';
      assert.equal(isBuiltin(request(kind, command)), isOwn);
    });
  }

  it('are not meant by a subsystem of such a name', () => {
    assert.equal(isBuiltin({ ...request('exec', 'help'), kind: 'subsystem' }), false);
  });

  for (const command of [...INHERITED, 'ls']) {
    it(`refuse ${command}`, async () => {
      const { run, calls } = world();
      const { exitStatus, lines } = await run(command, 'admin');
      assert.equal(exitStatus, DENIED);
      assert.match(lines.join('\n'), new RegExp(`^sallyport: there is no command ${command}; `));
      assert.deepEqual(calls, []);
    });
  }

  it('show who somebody is, and every command', async () => {
    const { run } = world();
    assert.deepEqual(await run('whoami', 'auditor'), {
      lines: ['bot (agent)', 'roles: auditor', 'groups: agents'],
      exitStatus: 0,
    });
    const { lines } = await run('help');
    assert.deepEqual(
      lines.map((line) => line.split(' ')[0]),
      [
        'help',
        'whoami',
        'targets',
        'ssh-config',
        'sessions',
        'approvals',
        'approve',
        'deny',
        'play',
        'request',
        'requests',
        'withdraw',
        'revoke',
      ],
    );
  });

  it('list only what the principal may reach', async () => {
    const reachable = { lines: ['deploy@web1  shell, exec'], exitStatus: 0 };
    assert.deepEqual(await world().run('targets'), reachable);
    assert.deepEqual(await world().run(null), reachable);
    const nothing = await world({ rules: [] }).run('targets', 'admin');
    assert.deepEqual(nothing.lines, ['no target is open to you; ask an admin for a grant']);
  });

  it('ask for sessions in the name of the principal', async () => {
    const { run, calls } = world();
    const { lines } = await run('sessions');
    assert.deepEqual(lines, ['s1  2026-11-22 01:00:00 UTC  closed  shell  bot  web1']);
    assert.deepEqual(calls, [['recentSessions', 'bot', 50]]);
  });

  const lookers: [roles: Role[], mayLook: boolean][] = [
    [[], false],
    [['user'], false],
    [['auditor'], false],
    [['approver'], true],
    [['admin'], true],
    [['auditor', 'approver'], true],
  ];
  for (const [roles, mayLook] of lookers) {
    const who = roles.join(' and ') || 'nobody special';
    it(`${mayLook ? 'show' : 'do not show'} what waits to ${who}`, async () => {
      const { run, calls } = world();
      const { exitStatus, lines } = await run('approvals', ...roles);
      assert.equal(exitStatus, mayLook ? 0 : DENIED);
      assert.equal(calls.length, mayLook ? 1 : 0);
      assert.deepEqual(
        lines,
        mayLook
          ? ['K7M2QX  bot on web1 until 2026-11-22 02:00:00 UTC: reboot???[2J  (it stops the host)']
          : ['sallyport: this needs the role approver; ask an admin for it'],
      );
    });
  }

  it('decide with the words behind the id as the reason', async () => {
    const { run, calls } = world();
    assert.deepEqual(await run('approve K7M2QX', 'approver'), {
      lines: ['K7M2QX approved'],
      exitStatus: 0,
    });
    assert.deepEqual(await run('deny K7M2QX not  now', 'approver'), {
      lines: ['K7M2QX refused'],
      exitStatus: 0,
    });
    assert.deepEqual(calls, [
      ['decide', 'K7M2QX', 'approved', 'bot', SOURCE, null, { kind: 'once' }],
      ['decide', 'K7M2QX', 'refused', 'bot', SOURCE, 'not now', { kind: 'once' }],
    ]);
  });

  const SCOPES: [command: string, reason: string | null, scope: object][] = [
    ['approve K7M2QX --for session', null, { kind: 'session' }],
    ['approve K7M2QX --for=30m all of it', 'all of it', { kind: 'time', ms: 1_800_000 }],
    ['approve K7M2QX --for 24h', null, { kind: 'time', ms: 86_400_000 }],
    ['approve K7M2QX reason --for 1h', 'reason --for 1h', { kind: 'once' }],
  ];
  for (const [command, reason, scope] of SCOPES) {
    it(`decide for as much as is said: ${command}`, async () => {
      const { run, calls } = world();
      assert.equal((await run(command, 'approver')).exitStatus, 0);
      assert.deepEqual(calls, [['decide', 'K7M2QX', 'approved', 'bot', SOURCE, reason, scope]]);
    });
  }
  for (const bad of ['', '25h', '0s', '1d', 'ever', '-1m']) {
    it(`decide nothing for a scope that is none: "${bad}"`, async () => {
      const { run, calls } = world();
      const { exitStatus, lines } = await run(`approve K7M2QX --for ${bad}`, 'approver');
      assert.equal(exitStatus, 255);
      assert.match(lines.join(), /--for takes once, session, or a time/);
      assert.deepEqual(calls, []);
    });
  }

  it('say that more people must approve', async () => {
    const { run } = world({ decided: { kind: 'agreed', missing: 2 } });
    const { exitStatus, lines } = await run('approve K7M2QX', 'approver');
    assert.deepEqual(lines, ['K7M2QX noted; 2 more people must approve']);
    assert.equal(exitStatus, 0);
  });

  it('list and revoke what was approved for longer, for approvers', async () => {
    const { run, calls } = world();
    const { lines } = await run('approvals standing', 'approver');
    assert.match(
      lines.join(),
      /approved by bob until 2026-11-22 02:00:00 UTC, used 3 times: reboot/,
    );
    assert.deepEqual((await run('approvals revoke K7M2QX too broad', 'approver')).lines, [
      'K7M2QX revoked',
    ]);
    assert.equal((await run('approvals revoke K7M2QX', 'auditor')).exitStatus, DENIED);
    assert.equal((await run('approvals standing')).exitStatus, DENIED);
    assert.deepEqual(calls, [
      ['standingApprovals', 50],
      ['revoke', 'K7M2QX', 'bot', 'too broad'],
    ]);
  });

  const ENDS: [Partial<BuiltinApproval> | null, status: number, words: RegExp][] = [
    [{ status: 'approved', decidedBy: 'bob' }, 0, /^sallyport: approved by bob$/],
    [{ status: 'refused', decidedBy: 'bob', decisionReason: 'no' }, DENIED, /refused by bob: no$/],
    [{ status: 'expired' }, DENIED, /approval K7M2QX expired$/],
    [{ status: 'cancelled', decisionReason: 'gone' }, DENIED, /K7M2QX cancelled: gone$/],
    [null, DENIED, /there is no such approval/],
  ];
  for (const [end, status, words] of ENDS) {
    it(`wait for the end of an approval: ${end?.status ?? 'unknown'}`, async () => {
      const { queries } = world(end === null ? {} : { awaited: { ...APPROVAL, ...end } });
      const asked = awaitedApproval(request('exec', 'approvals wait K7M2QX')) ?? [];
      const never = new AbortController().signal;
      const by = { principal, source: SOURCE };
      const { exitStatus, lines } = await waitForDecision(queries, by, asked, never);
      assert.equal(exitStatus, status);
      assert.match(lines.join(), words);
    });
  }

  it('need an id to decide', async () => {
    const { run, calls } = world();
    const { exitStatus, lines } = await run('approve', 'admin');
    assert.deepEqual(lines, ['sallyport: approve needs the id of an approval']);
    assert.equal(exitStatus, 255);
    assert.deepEqual(calls, []);
  });

  const failures: [Decided, RegExp][] = [
    [{ kind: 'unknown' }, /there is no such approval/],
    [
      { kind: 'already-decided', approval: { ...APPROVAL, status: 'refused', decidedBy: 'bob' } },
      /decided already: refused by bob/,
    ],
    [{ kind: 'own-request' }, /nobody decides their own request/],
    [{ kind: 'four-eyes' }, /somebody who doesn’t own the agent/],
    [{ kind: 'not-an-approver' }, /you are not an approver/],
    [{ kind: 'once-only', why: 'it is uncertain' }, /only once: it is uncertain; leave --for out/],
  ];
  for (const [decided, words] of failures) {
    it(`say why a decision did not count: ${decided.kind}`, async () => {
      const { exitStatus, lines } = await world({ decided }).run('approve K7M2QX', 'admin');
      assert.equal(exitStatus, DENIED);
      assert.match(lines.join('\n'), words);
    });
  }
});
