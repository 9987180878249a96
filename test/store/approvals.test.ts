import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidV7 } from 'uuid';
import type { Principal } from '../../server/access/principal.ts';
import type { Clock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import type { ApprovalRequest } from '../../server/session/ports.ts';
import {
  createApprovals,
  ID_ALPHABET,
  type StoredApprovals,
} from '../../server/store/approvals.ts';
import { MAX_REASON_CHARACTERS } from '../../server/store/approval-settle.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { freshUrl } from '../support/database.ts';

function person(name: string, more: Partial<Principal> = {}): Principal {
  return { id: uuidV7(), name, kind: 'human', roles: ['approver'], groups: [], ...more };
}

const BOB = person('bob');
const CAROL = person('carol');
const ALICE = person('alice', { kind: 'agent' });
const GONE = 'whoever asked gave up or went away';
const NEVER = new AbortController().signal;

interface Side {
  readonly database: Database;
  readonly journal: StoredJournal;
  readonly approvals: StoredApprovals;
}

describe('approvals', () => {
  let here: Side;
  let there: Side;
  let nowMs: number;
  const clock: Clock = { nowMs: () => nowMs, monotonicUs: () => nowMs * 1000 };

  const openSide = async (url: string): Promise<Side> => {
    const database = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    const journal = createJournal({ database, clock, logger: silentLogger });
    const publicUrl = (): string => 'https://bastion.example';
    return {
      database,
      journal,
      approvals: createApprovals({ database, journal, publicUrl, clock }),
    };
  };
  /** Puts somebody into the directory, as whom others decide. */
  const enrol = async (one: Principal, owner: string | null = null): Promise<Principal> => {
    const { groups, id, kind, name, roles } = one;
    await here.database.knex('principals').insert({ id, name, kind, roles, groups, owner });
    return one;
  };
  const request = (more: Partial<ApprovalRequest> = {}): Promise<{ id: string; url: string }> =>
    here.approvals.request({
      session: uuidV7(),
      principal: 'alice',
      target: 'web1',
      commandSeq: 1,
      text: 'shutdown -h now',
      rule: 'power',
      reason: 'it hurts',
      approvers: [],
      expiresAtMs: nowMs + 600_000,
      ...more,
    });
  const by = (principal: Principal, reason: string | null = null) => ({
    principal,
    source: 'http:192.0.2.9',
    reason,
  });
  const journalled = async (): Promise<readonly string[]> =>
    (await here.journal.list({ limit: 100 })).items.map((one) => one.type).toReversed();

  beforeEach(async () => {
    const url = await freshUrl();
    nowMs = Date.now();
    here = await openSide(url);
    there = await openSide(url);
    await enrol(BOB);
    await enrol(CAROL);
    await enrol(ALICE, 'olga');
  });
  afterEach(async () => {
    await here.database.close();
    await there.database.close();
  });

  it('gives an id that people can type, and where a browser finds it', async () => {
    const { id, url } = await request();
    assert.match(id, new RegExp(`^[${ID_ALPHABET}]{6}$`));
    assert.doesNotMatch(ID_ALPHABET, /[01ilo]/);
    assert.equal(url, `https://bastion.example/approvals/${id}`);
    assert.equal((await here.approvals.approval(` ${id.toUpperCase()} `))?.id, id);
  });

  it('tells the waiting process what another process decided', async () => {
    const { id } = await request();
    const outcome = here.approvals.outcome(id, NEVER);
    const decided = await there.approvals.decide(id, 'approved', by(BOB, 'go \u0000 ahead'));
    assert.equal(decided.kind, 'decided');
    assert.deepEqual(await outcome, { kind: 'approved', by: 'bob', reason: 'go \u2400 ahead' });
    assert.deepEqual(await journalled(), ['approval.requested', 'approval.decided']);
    const shown = await here.approvals.approval(id);
    assert.equal(shown?.status, 'approved');
    assert.equal(shown?.decidedBy, 'bob');
    assert.equal(shown?.text, 'shutdown -h now');
  });

  it('knows a decision that was made before anybody waited', async () => {
    const { id } = await request();
    await there.approvals.decide(id, 'refused', by(BOB));
    assert.deepEqual(await here.approvals.outcome(id, NEVER), {
      kind: 'refused',
      by: 'bob',
      reason: null,
    });
  });

  it('lets the first of many decisions win', async () => {
    const { id } = await request();
    const outcome = here.approvals.outcome(id, NEVER);
    const decisions = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        (n % 2 === 0 ? here : there).approvals.decide(
          id,
          n % 3 === 0 ? 'approved' : 'refused',
          by(n % 2 === 0 ? BOB : CAROL, `${n}`),
        ),
      ),
    );
    const winners = decisions.filter((one) => one.kind === 'decided' && !one.isAgain);
    assert.equal(winners.length, 1);
    assert.ok(decisions.every((one) => one.kind === 'decided' || one.kind === 'already-decided'));
    const [winner] = winners;
    const final = await outcome;
    assert.ok(
      winner?.kind === 'decided' && (final.kind === 'approved' || final.kind === 'refused'),
    );
    assert.equal(final.kind, winner.approval.status);
    assert.equal(final.reason, winner.approval.decisionReason);
    assert.deepEqual(await journalled(), ['approval.requested', 'approval.decided']);
    assert.deepEqual(await here.journal.verify(), { kind: 'intact', entries: 2 });
  });

  const WHO: readonly (readonly [string, Principal, readonly string[], string])[] = [
    ['the requester', person('alice'), [], 'own-request'],
    ['the requester as admin', person('alice', { roles: ['admin'] }), [], 'own-request'],
    ['a user', person('dave', { roles: ['user'] }), [], 'not-an-approver'],
    ['a user who is named', person('dave', { roles: [] }), ['dave'], 'not-an-approver'],
    ['an auditor', person('dave', { roles: ['auditor'] }), [], 'not-an-approver'],
    ['an approver', BOB, [], 'decided'],
    ['an approver when another is named', BOB, ['carol'], 'not-an-approver'],
    ['an approver who is named', BOB, ['carol', 'bob'], 'decided'],
    [
      'an approver of another group',
      person('erin', { groups: ['dev'] }),
      ['group:sre'],
      'not-an-approver',
    ],
    [
      'an approver of the named group',
      person('erin', { groups: ['sre'] }),
      ['group:sre'],
      'decided',
    ],
    ['an admin when another is named', person('root', { roles: ['admin'] }), ['carol'], 'decided'],
  ];
  for (const [name, principal, approvers, expected] of WHO) {
    it(`says ${expected} to ${name}`, async () => {
      const known = await here.database.knex('principals').pluck<string[]>('name');
      const id = (await request({ approvers })).id;
      if (known.includes(principal.name)) {
        const { id: own, roles, groups } = principal;
        await here.database
          .knex('principals')
          .where('name', principal.name)
          .update({ id: own, roles, groups });
      } else await enrol(principal);
      const outcome = await here.approvals.decide(id, 'approved', by(principal));
      assert.equal(outcome.kind, expected);
      const status = (await here.approvals.approval(id))?.status;
      assert.equal(status, expected === 'decided' ? 'approved' : 'waiting');
    });
  }

  it('expires by itself, and nobody decides afterwards', async () => {
    const { id } = await request({ expiresAtMs: nowMs + 30 });
    const outcome = here.approvals.outcome(id, NEVER);
    nowMs += 30;
    assert.deepEqual(await outcome, { kind: 'expired' });
    const late = await here.approvals.decide(id, 'approved', by(BOB));
    assert.equal(late.kind === 'already-decided' && late.approval.status, 'expired');
    assert.deepEqual(await journalled(), ['approval.requested', 'approval.expired']);
  });

  it('refuses a late decision even when nobody noted the end', async () => {
    const { id } = await request();
    nowMs += 600_000;
    const late = await here.approvals.decide(id, 'approved', by(BOB));
    assert.equal(late.kind === 'already-decided' && late.approval.status, 'expired');
  });

  it('is cancelled when the requester goes away', async () => {
    const { id } = await request();
    const gone = new AbortController();
    const outcome = here.approvals.outcome(id, gone.signal);
    gone.abort();
    assert.deepEqual(await outcome, { kind: 'cancelled', why: GONE });
    assert.equal((await here.approvals.decide(id, 'approved', by(BOB))).kind, 'already-decided');
    assert.deepEqual(await journalled(), ['approval.requested', 'approval.cancelled']);
    const again = await request();
    assert.deepEqual(await here.approvals.outcome(again.id, gone.signal), {
      kind: 'cancelled',
      why: GONE,
    });
  });

  it('approves nothing while the journal or the database is away', async () => {
    const { id } = await request();
    await here.database.knex.raw('alter table journal rename to away');
    await assert.rejects(here.approvals.decide(id, 'approved', by(BOB)));
    await assert.rejects(request());
    await here.database.knex.raw('alter table away rename to journal');
    assert.equal((await here.approvals.approval(id))?.status, 'waiting');
    await here.database.knex.raw('alter table approvals rename to away');
    assert.equal((await here.approvals.outcome(id, NEVER)).kind, 'unavailable');
    await here.database.knex.raw('alter table away rename to approvals');
    for (let n = 0; n < 500 && (await journalled()).length < 2; n += 1) await sleep(10);
    assert.deepEqual(await journalled(), ['approval.requested', 'approval.cancelled']);
    assert.equal((await here.approvals.decide(id, 'approved', by(BOB))).kind, 'already-decided');
  });

  it('hears of a decision although its connections were cut', async () => {
    const { id } = await request();
    const outcome = here.approvals.outcome(id, NEVER);
    await sleep(20);
    await there.database.knex.raw(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where pid <> pg_backend_pid() and datname = current_database()`,
    );
    await there.approvals.decide(id, 'approved', by(BOB));
    assert.deepEqual(await outcome, { kind: 'approved', by: 'bob', reason: null });
  });

  it('cancels what waits for sessions that are over', async () => {
    const { id } = await request();
    await here.approvals.cancelStale();
    assert.equal((await here.approvals.approval(id))?.status, 'cancelled');
    assert.deepEqual(await journalled(), ['approval.requested', 'approval.cancelled']);
  });

  it('lists by status, newest first, and bounds what people write', async () => {
    const first = await request();
    nowMs += 1;
    const second = await request();
    await here.approvals.decide(first.id, 'refused', by(BOB, 'x'.repeat(5000)));
    const idsOf = async (status?: 'waiting' | 'refused'): Promise<readonly string[]> =>
      (
        await here.approvals.listApprovals(
          status === undefined ? { limit: 9 } : { limit: 9, status },
        )
      ).map((one) => one.id);
    assert.deepEqual(await idsOf(), [second.id, first.id]);
    assert.deepEqual(await idsOf('waiting'), [second.id]);
    assert.deepEqual(await idsOf('refused'), [first.id]);
    const refused = await here.approvals.approval(first.id);
    assert.equal(refused?.decisionReason?.length, MAX_REASON_CHARACTERS);
  });

  it('knows nothing of ids that are none', async () => {
    for (const id of ['', 'zzzzzz', "' or true", '\u0000']) {
      assert.equal(await here.approvals.approval(id), null);
      assert.deepEqual(await here.approvals.decide(id, 'approved', by(BOB)), { kind: 'unknown' });
    }
  });
});
