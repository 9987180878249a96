import assert from 'node:assert/strict';
import type { RequestEntry } from '../../server/access/directory.ts';
import { GRANT_DEFAULTS } from '../../server/access/grant.ts';
import type { Principal } from '../../server/access/principal.ts';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import {
  createAccessRequests,
  type AskOutcome,
  type StoredAccessRequests,
} from '../../server/store/access-requests.ts';
import { createApprovals, type StoredApprovals } from '../../server/store/approvals.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { createDirectory } from '../../server/store/directory.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { withTemporaryGrants } from '../../server/store/temporary-grants.ts';
import { freshUrl } from '../support/database.ts';

const RULE: RequestEntry = {
  ...GRANT_DEFAULTS,
  principals: ['group:agents'],
  targets: ['web1'],
  logins: ['deploy'],
  channels: ['exec'],
  policy: 'default',
  maxDurationS: 3_600,
  timeoutS: 600,
  approvers: ['lea', 'max'],
  approvals: 2,
  fourEyes: false,
};

describe('requests for access', () => {
  let database: Database;
  let journal: StoredJournal;
  let approvals: StoredApprovals;
  let access: StoredAccessRequests;
  let aheadMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };

  beforeEach(async () => {
    aheadMs = 0;
    const url = await freshUrl();
    database = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    journal = createJournal({ database, clock, logger: silentLogger });
    approvals = createApprovals({ database, journal, publicUrl: () => 'https://b.example', clock });
    access = createAccessRequests({ database, journal, approvals, clock });
    await apply(RULE);
  });
  afterEach(() => database.close());

  async function apply(...requests: readonly RequestEntry[]): Promise<void> {
    const person = { kind: 'human', roles: ['approver'], owner: null, keys: [], oidc: [] } as const;
    await applyDirectory(
      database,
      {
        principals: [
          { ...person, name: 'bot', kind: 'agent', roles: [], groups: ['agents'] },
          ...['lea', 'max', 'eve'].map((name) => ({ ...person, name, groups: [] })),
        ],
        credentials: [{ name: 'c' }],
        targets: [
          {
            name: 'web1',
            host: 'h',
            port: 22,
            hostKey: null,
            labels: {},
            shellIntegration: 'off',
            logins: [{ name: 'deploy', credential: 'c' }],
          },
        ],
        grants: [],
        policies: {},
        requests,
      },
      { prune: false, dryRun: false },
    );
  }

  async function named(name: string): Promise<Principal> {
    const found = await createDirectory(database).principalByName(name);
    assert.ok(found !== null);
    return found;
  }

  async function ask(): Promise<AskOutcome> {
    return access.ask({
      principal: await named('bot'),
      source: 'test',
      target: 'web1',
      login: null,
      durationS: 600,
      reason: 'why',
      by: { run: null, task: null, attribution: null },
    });
  }

  async function asked(): Promise<string> {
    const outcome = await ask();
    assert.equal(outcome.kind, 'asked');
    return outcome.request.id;
  }

  async function approve(id: string, by: string, ms: number | null = null): Promise<string> {
    const scope = ms === null ? { kind: 'once' as const } : { kind: 'time' as const, ms };
    const principal = await named(by);
    return (
      await approvals.decide(id, 'approved', { principal, source: 'test', reason: null, scope })
    ).kind;
  }

  async function grants(): Promise<readonly (string | undefined)[]> {
    const rules = await withTemporaryGrants(createDirectory(database), database).grantRules();
    return rules.map((rule) => rule.access?.request);
  }

  it('are granted when enough of those named have approved, for the shortest time that any said', async () => {
    const id = await asked();
    assert.equal(await approve(id, 'eve'), 'not-an-approver');
    assert.equal(await approve(id, 'bot'), 'own-request');
    assert.equal(await approve(id, 'lea', 60_000), 'agreed');
    await access.settle();
    assert.deepEqual(await grants(), []);
    assert.equal(await approve(id, 'max'), 'decided');
    await access.settle();
    assert.deepEqual(await grants(), [id]);
    const granted = await access.request(id);
    assert.deepEqual([granted?.grantedS, granted?.approvedBy], [60, ['lea', 'max']]);
  });

  it('begin with the decision, though nobody was there to note it', async () => {
    const id = await asked();
    await approve(id, 'lea');
    await approve(id, 'max');
    aheadMs = 599_000;
    await access.settle();
    const granted = await access.request(id);
    assert.equal(granted?.status, 'granted');
    const leftMs = Date.parse(granted.endsAt ?? '') - Date.now();
    assert.ok(leftMs < 2_000, String(leftMs));
  });

  it('are noted once, whoever is first', async () => {
    const id = await asked();
    await approve(id, 'lea');
    await approve(id, 'max');
    const there = createAccessRequests({ database, journal, approvals, clock });
    await Promise.all([access.settle(), there.settle(), access.settle(), there.settle()]);
    const { items } = await journal.list({ types: ['access.granted'], limit: 10 });
    assert.equal(items.length, 1);
  });

  it('stand among the approvals only until they are ended', async () => {
    const id = await asked();
    await approve(id, 'lea', 60_000);
    await approve(id, 'max', 60_000);
    await access.settle();
    const standing = async () => (await approvals.standing(10)).map((one) => one.id);
    assert.deepEqual(await standing(), [id]);
    const principal = await named('bot');
    const until = Date.parse((await approvals.approval(id))?.until ?? '');
    await access.end(id, { principal, source: 'test', reason: null });
    assert.deepEqual(await standing(), []);
    const over = (await approvals.approval(id))?.until ?? '';
    assert.ok(Date.parse(over) < until, 'it is said to go on');
    assert.deepEqual(
      (await approvals.listApprovals({ limit: 10 })).map((one) => one.until),
      [over],
    );
  });

  it('wait in a bounded number, also when they come at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => ask()));
    assert.equal(outcomes.filter(({ kind }) => kind === 'asked').length, 5);
    assert.equal(outcomes.filter(({ kind }) => kind === 'too-many').length, 3);
    const waiting = await approvals.listApprovals({ status: 'waiting', limit: 20 });
    assert.equal(waiting.length, 5);
  });

  it('expire, and give nothing any more when their rule has gone', async () => {
    const late = await asked();
    aheadMs = 601_000;
    await access.settle();
    assert.equal((await access.request(late))?.status, 'expired');
    aheadMs = 0;
    const id = await asked();
    await approve(id, 'lea');
    await apply({ ...RULE, maxDurationS: 60 });
    await approve(id, 'max');
    await access.settle();
    assert.equal((await access.request(id))?.status, 'refused');
    assert.deepEqual(await grants(), []);
  });
});
