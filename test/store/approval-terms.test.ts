import assert from 'node:assert/strict';
import { v7 as uuidV7 } from 'uuid';
import type { Principal } from '../../server/access/principal.ts';
import type { Clock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import type { ApprovalDemand, ApprovalRequest } from '../../server/session/ports.ts';
import { createApprovals, type StoredApprovals } from '../../server/store/approvals.ts';
import type { Database } from '../../server/store/database.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { freshDatabase } from '../support/database.ts';

const NEVER = new AbortController().signal;
const SESSION = uuidV7();
const REPEAT = {
  kind: 'possible',
  fingerprint: 'f1',
  policy: 'default',
  policyVersion: 3,
} as const;

function person(name: string, more: Partial<Principal> = {}): Principal {
  return { id: uuidV7(), name, kind: 'human', roles: ['approver'], groups: [], ...more };
}

function demand(more: Partial<ApprovalDemand> = {}): ApprovalDemand {
  return { rule: 'r', approvers: [], minimum: 1, fourEyes: false, escalation: null, ...more };
}

describe('approvals on terms', () => {
  let database: Database;
  let journal: StoredJournal;
  let approvals: StoredApprovals;
  let nowMs: number;
  const clock: Clock = { nowMs: () => nowMs, monotonicUs: () => nowMs * 1000 };
  const [ann, bob, lea] = [person('ann'), person('bob'), person('lea', { groups: ['lead'] })];

  before(async () => {
    database = await freshDatabase();
    journal = createJournal({ database, clock, logger: silentLogger });
    const publicUrl = (): string => 'http://b';
    approvals = createApprovals({ database, journal, publicUrl, clock });
    const rows = [ann, bob, lea].map(({ groups, id, kind, name, roles }) => {
      return { id, name, kind, roles, groups, owner: null };
    });
    const bot = { id: uuidV7(), name: 'bot', kind: 'agent', roles: [], groups: [], owner: 'ann' };
    await database.knex('principals').insert([...rows, bot]);
  });
  after(() => database.close());
  beforeEach(async () => {
    nowMs = Date.now();
    await database
      .knex('principals')
      .whereIn('name', ['ann', 'bob'])
      .update({ roles: ['approver'] });
    await database.knex('approvals').delete();
  });

  const request = (more: Partial<ApprovalRequest> = {}): Promise<{ id: string }> =>
    approvals.request({
      session: SESSION,
      principal: 'bot',
      target: 'web1',
      login: 'root',
      commandSeq: 1,
      text: 'reboot',
      rule: 'r',
      reason: null,
      approvers: [],
      demands: [demand()],
      repeat: REPEAT,
      expiresAtMs: nowMs + 600_000,
      ...more,
    });
  const by = (principal: Principal, more: object = {}) => ({
    principal,
    source: 'http:192.0.2.9',
    reason: null,
    ...more,
  });
  const approve = async (id: string, who: Principal, more: object = {}): Promise<string> =>
    (await approvals.decide(id, 'approved', by(who, more))).kind;
  const types = async (id: string): Promise<readonly string[]> =>
    (await journal.list({ limit: 200 })).items
      .filter(({ data }) => data['id'] === id)
      .map(({ type }) => type)
      .toReversed();

  it('waits for enough people, and journals each', async () => {
    const { id } = await request({ demands: [demand({ minimum: 2 })] });
    const outcome = approvals.outcome(id, NEVER);
    assert.equal(await approve(id, ann), 'agreed');
    assert.equal(await approve(id, ann), 'agreed');
    assert.equal((await approvals.approval(id))?.votes.length, 1);
    assert.equal(await approve(id, bob), 'decided');
    assert.deepEqual(await outcome, { kind: 'approved', by: 'ann, bob', reason: null });
    assert.deepEqual(await types(id), [
      'approval.requested',
      'approval.agreed',
      'approval.decided',
    ]);
  });

  it('is refused by one of several', async () => {
    const { id } = await request({ demands: [demand({ minimum: 3 })] });
    await approve(id, ann);
    assert.equal((await approvals.decide(id, 'refused', by(bob))).kind, 'decided');
    assert.equal((await approvals.approval(id))?.status, 'refused');
  });

  it('counts nobody who lost the role before the last one came', async () => {
    const { id } = await request({ demands: [demand({ minimum: 2 })] });
    await approve(id, ann);
    await database.knex('principals').where('name', 'ann').update({ roles: [] });
    assert.equal(await approve(id, bob), 'agreed');
    assert.equal(await approve(id, lea), 'decided');
  });

  it('takes the role as it is in the directory, whatever the caller was let in with', async () => {
    const { id } = await request();
    await database.knex('principals').where('name', 'bob').update({ roles: [] });
    assert.equal(await approve(id, bob), 'not-an-approver');
    assert.equal(await approve(id, { ...ann, id: uuidV7() }), 'not-an-approver');
  });

  it('lets two who come at the same moment both count', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { id } = await request({ demands: [demand({ minimum: 2 })] });
      const kinds = await Promise.all([approve(id, ann), approve(id, bob)]);
      assert.deepEqual(kinds.toSorted(), ['agreed', 'decided']);
    }
  });

  it('must meet every rule that holds', async () => {
    const demands = [demand({ approvers: ['ann'] }), demand({ rule: 's', approvers: ['bob'] })];
    const { id } = await request({ demands });
    assert.equal(await approve(id, lea), 'not-an-approver');
    assert.equal(await approve(id, ann), 'agreed');
    assert.equal(await approve(id, bob), 'decided');
  });

  it('is not for the owner where four eyes are asked', async () => {
    const { id } = await request({ demands: [demand({ fourEyes: true })] });
    assert.equal(await approve(id, ann), 'four-eyes');
    assert.equal(await approve(id, bob), 'decided');
  });

  it('asks others after a time, once, and leaves the deadline', async () => {
    const escalation = { afterMs: 60_000, to: ['group:lead'] };
    const { id } = await request({ demands: [demand({ approvers: ['ann'], escalation })] });
    assert.equal(await approve(id, lea), 'not-an-approver');
    const before = (await approvals.approval(id))?.expiresAt;
    nowMs += 60_000;
    assert.equal(await approve(id, lea), 'decided');
    const after = await approvals.approval(id);
    assert.equal(after?.expiresAt, before);
    const journalled = ['approval.requested', 'approval.escalated', 'approval.decided'];
    assert.deepEqual(await types(id), journalled);
  });

  describe('that count for longer', () => {
    const pass = async (more: Partial<ApprovalRequest> = {}): Promise<boolean> => {
      nowMs += 1;
      const asked = await approvals.request({
        session: uuidV7(),
        principal: 'bot',
        target: 'web1',
        login: 'root',
        commandSeq: 2,
        text: 'reboot',
        rule: 'r',
        reason: null,
        approvers: [],
        demands: [demand()],
        repeat: REPEAT,
        expiresAtMs: nowMs + 600_000,
        ...more,
      });
      return asked.standing !== undefined;
    };
    const HOUR = { scope: { kind: 'time', ms: 3_600_000 } };

    it('let the same pass, each use in the journal', async () => {
      const { id } = await request();
      await approve(id, bob, HOUR);
      assert.equal(await pass(), true);
      assert.equal((await approvals.standing(10))[0]?.uses, 1);
      const [use] = await approvals.listApprovals({ limit: 1 });
      assert.deepEqual([use?.status, use?.standing, use?.decidedBy], ['approved', id, 'bob']);
      assert.deepEqual(await types(use?.id ?? ''), ['approval.used']);
      assert.equal((await approvals.listApprovals({ limit: 5, uses: false })).length, 1);
    });

    const OTHERS: [what: string, more: Partial<ApprovalRequest>][] = [
      ['another principal', { principal: 'bot2' }],
      ['another target', { target: 'web2' }],
      ['another login', { login: 'www' }],
      ['another text or reading', { repeat: { ...REPEAT, fingerprint: 'f2' } }],
      ['another version of the policy', { repeat: { ...REPEAT, policyVersion: 4 } }],
      ['another policy', { repeat: { ...REPEAT, policy: 'other' } }],
      ['another kind', { kind: 'file' }],
      ['what can’t be the same', { repeat: { kind: 'never', why: 'x' } }],
      ['more people', { demands: [demand({ minimum: 2 })] }],
      ['other approvers', { demands: [demand({ approvers: ['ann'] })] }],
      ['four eyes that it had not', { demands: [demand({ approvers: ['lea'], fourEyes: true })] }],
    ];
    it('let nothing else pass', async () => {
      const { id } = await request();
      await approve(id, bob, HOUR);
      for (const [what, more] of OTHERS) assert.equal(await pass(more), false, what);
    });

    it('end with their time, their session, the role of who approved, or a revocation', async () => {
      const timed = await request();
      await approve(timed.id, bob, HOUR);
      nowMs += 3_600_000;
      assert.equal(await pass(), false, 'time');
      const inSession = await request({ repeat: { ...REPEAT, fingerprint: 's' } });
      await approve(inSession.id, bob, { scope: { kind: 'session' } });
      const same = { repeat: { ...REPEAT, fingerprint: 's' } };
      assert.equal(await pass(same), false, 'another session');
      assert.equal(await pass({ ...same, session: SESSION }), true);
      const withdrawn = await request({ repeat: { ...REPEAT, fingerprint: 'w' } });
      await approve(withdrawn.id, bob, HOUR);
      await database
        .knex('principals')
        .where('name', 'bob')
        .update({ roles: ['user'] });
      assert.equal(await pass({ repeat: { ...REPEAT, fingerprint: 'w' } }), false, 'role');
      await database
        .knex('principals')
        .where('name', 'bob')
        .update({ roles: ['approver'] });
      const revoked = await approvals.revoke(withdrawn.id, by(lea, { reason: 'enough' }));
      assert.equal(revoked.kind === 'revoked' && revoked.approval.revokeReason, 'enough');
      assert.equal(await pass({ repeat: { ...REPEAT, fingerprint: 'w' } }), false, 'revoked');
      assert.equal((await approvals.revoke(withdrawn.id, by(lea))).kind, 'not-standing');
      assert.equal((await approvals.revoke('nope', by(lea))).kind, 'unknown');
    });

    it('are as narrow as the narrowest of several approvals', async () => {
      const { id } = await request({ demands: [demand({ minimum: 2 })] });
      await approve(id, ann, HOUR);
      await approve(id, bob);
      assert.equal((await approvals.approval(id))?.scope, 'once');
    });

    it('are not given for what is decided each time', async () => {
      const { id } = await request({ repeat: { kind: 'never', why: 'it is uncertain' } });
      const outcome = await approvals.decide(id, 'approved', by(bob, HOUR));
      assert.deepEqual(outcome, { kind: 'once-only', why: 'it is uncertain' });
      assert.equal((await approvals.approval(id))?.status, 'waiting');
    });
  });
});
