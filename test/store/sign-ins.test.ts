import assert from 'node:assert/strict';
import type { DirectoryDocument, PrincipalEntry } from '../../server/access/directory.ts';
import type { OidcIdentity } from '../../server/access/identity.ts';
import type { Principal } from '../../server/access/principal.ts';
import type { CreateRule, SignInSettings } from '../../server/access/sign-in.ts';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { APPLY_LOCK } from '../../server/store/directory-transaction.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { setDisabled, unbindPrincipal } from '../../server/store/principals.ts';
import { createSignIns, type StoredSignIns } from '../../server/store/sign-ins.ts';
import { createTokens, type Tokens } from '../../server/store/tokens.ts';
import { freshDatabase } from '../support/database.ts';

const ISSUER = 'https://id.example';
const SETTINGS: SignInSettings = {
  issuer: ISSUER,
  clientId: 'sallyport',
  title: null,
  scopes: ['openid'],
  groupsClaim: 'groups',
  roles: { admins: ['admin'], night: ['approver', 'auditor'] },
  create: null,
  logout: false,
};
const RULE: CreateRule = {
  emailDomains: ['acme.example'],
  groups: [],
  claims: {},
  name: 'email',
};
const NOBODY: OidcIdentity = {
  issuer: null,
  subject: null,
  audience: null,
  email: null,
  claims: {},
  run: null,
  task: null,
};
const BY = { source: 'cli:test', reason: null };

function person(name: string, more: Partial<PrincipalEntry> = {}): PrincipalEntry {
  const entry = { name, kind: 'human', roles: [], groups: [], owner: null, keys: [] } as const;
  return { ...entry, oidc: [{ ...NOBODY, email: `${name}@acme.example` }], ...more };
}

describe('sign-ins with an issuer', () => {
  let database: Database;
  let journal: StoredJournal;
  let signIns: StoredSignIns;
  let tokens: Tokens;

  before(async () => {
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    signIns = createSignIns({ database, journal, secret: { value: null, file: null } });
    tokens = createTokens(database);
  });
  after(() => database.close());
  beforeEach(() => apply([person('alice')]));
  afterEach(async () => {
    for (const table of ['principals', 'pending_sign_ins', 'settings']) {
      await database.knex(table).delete();
    }
  });

  async function apply(
    principals: readonly PrincipalEntry[],
    more: Partial<DirectoryDocument> = {},
    prune = false,
  ): Promise<void> {
    const rest = { credentials: [], targets: [], grants: [], policies: {}, signIn: SETTINGS };
    await applyDirectory(database, { principals, ...rest, ...more }, { prune, dryRun: false });
  }

  /** The token of the new session, or why there is none. */
  async function signIn(claims: Record<string, unknown>, replaces: string | null = null) {
    const settings = await signIns.settings();
    assert.ok(settings !== null);
    const outcome = await signIns.signIn({
      settings,
      claims: { iss: ISSUER, aud: 'sallyport', email_verified: true, ...claims },
      idToken: null,
      replaces,
      source: 'http:192.0.2.1',
    });
    return outcome.kind === 'signed-in'
      ? { token: outcome.token, name: outcome.principal.name, why: '' }
      : { token: '', name: '', why: outcome.why };
  }

  const now = (token: string): Promise<Principal | null> => tokens.principalByToken(token);
  const events = async () => (await journal.list({ limit: 50 })).items;

  it('know somebody by a verified address, and by the account from then on', async () => {
    const first = await signIn({ sub: 'u1', email: 'Alice@ACME.example' });
    assert.equal((await now(first.token))?.name, 'alice');
    const renamed = await signIn({ sub: 'u1', email: 'alice@married.example' });
    assert.equal(renamed.name, 'alice');
    const unsaid = await signIn({ sub: 'u1' });
    assert.equal(unsaid.name, 'alice');
    const [event] = (await events()).filter(({ type }) => type === 'web.signed-in').toReversed();
    assert.deepEqual(event?.data, {
      by: 'oidc',
      issuer: ISSUER,
      sub: 'u1',
      roles: [],
      groups: [],
      bound: true,
    });
    assert.equal(event.principal, 'alice');
  });

  it('give an address that another account has now to nobody', async () => {
    await signIn({ sub: 'u1', email: 'alice@acme.example' });
    const heir = await signIn({ sub: 'u2', email: 'alice@acme.example' });
    assert.match(heir.why, /alice is another account at the issuer already/);
    assert.equal(await unbindPrincipal({ database, journal }, 'alice', BY), 'changed');
    assert.equal((await signIn({ sub: 'u2', email: 'alice@acme.example' })).name, 'alice');
    const former = await signIn({ sub: 'u1', email: 'alice@acme.example' });
    assert.match(former.why, /another account/);
    assert.equal(await unbindPrincipal({ database, journal }, 'nobody', BY), 'unknown');
  });

  const refusals: readonly [what: string, claims: Record<string, unknown>, why: RegExp][] = [
    ['nobody named', { sub: 'x', email: 'mallory@acme.example' }, /nobody here is named/],
    [
      'an address that the issuer has not verified',
      { sub: 'x', email: 'alice@acme.example', email_verified: false },
      /nobody here is named/,
    ],
    [
      'an address that is verified in words only',
      { sub: 'x', email: 'alice@acme.example', email_verified: 'true' },
      /nobody here is named/,
    ],
    ['two principals at once', { sub: 's7', email: 'alice@acme.example' }, /more than one.*alice/],
    ['an agent', { sub: 'bot', email: 'bot@acme.example' }, /bot is an agent/],
    ['a program of the same issuer', { sub: 'job:1' }, /nobody here is named/],
    ['somebody who is disabled', { sub: 'x', email: 'old@acme.example' }, /nobody here is named/],
  ];
  for (const [what, claims, why] of refusals) {
    it(`refuse ${what}`, async () => {
      const job = { ...NOBODY, issuer: ISSUER, subject: 'job:*', audience: 'deploy' };
      await apply([
        person('alice'),
        person('twin', { oidc: [{ ...NOBODY, subject: 's7' }] }),
        person('bot', { kind: 'agent' }),
        person('job', { kind: 'agent', oidc: [job] }),
        person('old'),
      ]);
      await setDisabled({ database, journal }, 'old', true, BY);
      const outcome = await signIn(claims);
      assert.equal(outcome.token, '');
      assert.match(outcome.why, why);
    });
  }

  it('find somebody by issuer and subject', async () => {
    const oidc = [{ ...NOBODY, issuer: ISSUER, subject: 'u-77' }];
    await apply([person('alice', { oidc })]);
    assert.equal((await signIn({ sub: 'u-77' })).name, 'alice');
    assert.equal((await signIn({ sub: 'u-777' })).name, '');
  });

  it('add the roles of groups to those of the configuration, for as long as it says them', async () => {
    await apply([person('alice', { roles: ['auditor'], groups: ['sre'] })]);
    const claims = { sub: 'u1', email: 'alice@acme.example' };
    const { token } = await signIn({ ...claims, groups: ['admins', 'night', 'x', '__proto__'] });
    const rich = await now(token);
    assert.deepEqual(rich?.roles, ['auditor', 'approver', 'admin']);
    assert.deepEqual(rich?.groups, ['sre'], 'groups of the configuration are its own');
    await signIn({ ...claims, groups: 'night' });
    assert.deepEqual((await now(token))?.roles, ['auditor', 'approver'], 'also in older sessions');
    await signIn(claims);
    assert.deepEqual((await now(token))?.roles, ['auditor']);
  });

  it('give roles no longer than the session they came with', async () => {
    const claims = { sub: 'u1', email: 'alice@acme.example', groups: ['admins'] };
    await signIn(claims);
    const api = await tokens.createToken({ kind: 'api', principalName: 'alice' });
    assert.deepEqual((await now(api))?.roles, ['admin']);
    await database.knex('principals').update({ issuer_until: new Date(Date.now() - 1) });
    assert.deepEqual((await now(api))?.roles, []);
  });

  it('open a new session each time, and end the one that it takes the place of', async () => {
    const claims = { sub: 'u1', email: 'alice@acme.example' };
    const first = await signIn(claims);
    const second = await signIn(claims, first.token);
    assert.notEqual(first.token, second.token);
    assert.equal(await now(first.token), null);
    assert.equal((await now(second.token))?.name, 'alice');
  });

  it('end with the principal, and do not come back with it', async () => {
    const { token } = await signIn({ sub: 'u1', email: 'alice@acme.example' });
    await setDisabled({ database, journal }, 'alice', true, BY);
    assert.equal(await now(token), null);
    const again = await signIn({ sub: 'u1', email: 'alice@acme.example' });
    assert.match(again.why, /alice is disabled/);
    await setDisabled({ database, journal }, 'alice', false, BY);
    assert.equal(await now(token), null);
    assert.equal((await signIn({ sub: 'u1' })).name, 'alice');
  });

  describe('by a rule', () => {
    const take = (create: Partial<CreateRule> = {}) => ({
      signIn: { ...SETTINGS, create: { ...RULE, ...create } },
    });

    it('make a person with the groups that the issuer names', async () => {
      await apply([person('alice')], take());
      const claims = { sub: 'u9', email: 'Bob.B@acme.example' };
      const { token } = await signIn({ ...claims, groups: ['night', 'web team', 'sre'] });
      const bob = await now(token);
      assert.deepEqual(
        [bob?.name, bob?.kind, bob?.roles, bob?.groups],
        ['bob.b', 'human', ['auditor', 'approver'], ['night', 'sre']],
      );
      assert.equal((await events())[0]?.data['created'], true);
      await signIn({ ...claims, email: 'bob@acme.example' });
      assert.deepEqual((await now(token))?.groups, []);
      assert.equal((await events())[0]?.data['created'], undefined);
    });

    it('keep to the rule at each sign-in', async () => {
      await apply([], take({ groups: ['staff'] }));
      const claims = { sub: 'u9', email: 'bob@acme.example' };
      assert.match((await signIn(claims)).why, /none of the groups/);
      assert.equal((await signIn({ ...claims, groups: ['staff'] })).name, 'bob');
      assert.match((await signIn(claims)).why, /bob is no longer taken in/);
      await apply([], { signIn: SETTINGS });
      assert.match((await signIn({ ...claims, groups: ['staff'] })).why, /no longer taken in/);
    });

    const strangers: readonly [what: string, claims: Record<string, unknown>, why: RegExp][] = [
      ['another domain', { email: 'bob@evil.example' }, /none of the domains/],
      ['a domain that ends alike', { email: 'bob@notacme.example' }, /none of the domains/],
      ['an address inside an address', { email: 'bob@acme.example@evil.example' }, /domains/],
      ['an unverified address', { email: 'b@acme.example', email_verified: false }, /verified/],
      ['no address', {}, /verified/],
      ['a name that is none', { email: '-x y@acme.example' }, /no name that can be used/],
      ['the name of somebody who is there', { email: 'ALICE@acme.example' }, /somebody else is/],
      ['the name of somebody in capitals', { email: 'carol@acme.example' }, /somebody else is/],
      ['the name of somebody dropped', { email: 'gone@acme.example' }, /somebody else is/],
    ];
    for (const [what, claims, why] of strangers) {
      it(`take nobody in with ${what}`, async () => {
        const named = { oidc: [{ ...NOBODY, subject: 'a' }] };
        await apply([person('gone', named)]);
        const people = [person('alice', named), person('Carol', { oidc: [] })];
        await apply(people, take(), true);
        const outcome = await signIn({ sub: 'u9', ...claims });
        assert.equal(outcome.token, '');
        assert.match(outcome.why, why);
      });
    }

    it('make one person of one account, and one of two with the same name, when all come at once', async () => {
      await apply([], take());
      const outcomes = await Promise.all(
        ['u1', 'u1', 'u2', 'u1', 'u2', 'u1'].map((sub) =>
          signIn({ sub, email: 'bob@acme.example' }),
        ),
      );
      const made = await database.knex('principal_accounts').select<{ subject: string }[]>('*');
      assert.equal(made.length, 1);
      const accounts = ['u1', 'u1', 'u2', 'u1', 'u2', 'u1'];
      for (const [index, { name, why }] of outcomes.entries()) {
        if (accounts[index] === made[0]?.subject) assert.equal(name, 'bob', why);
        else assert.match(why, /somebody else is/);
      }
    });

    it('stay when a configuration prunes that has the rule, and go with the rule', async () => {
      await apply([person('alice')], take());
      const { token } = await signIn({ sub: 'u9', email: 'bob@acme.example' });
      await apply([person('alice')], take(), true);
      assert.equal((await now(token))?.name, 'bob');
      await apply([person('alice')], {}, true);
      assert.equal(await now(token), null);
    });

    it('become somebody of the configuration without what they had', async () => {
      await apply([], take());
      const { token } = await signIn({ sub: 'u9', email: 'bob@acme.example', groups: ['admins'] });
      await apply(
        [person('bob', { oidc: [{ ...NOBODY, email: 'real.bob@acme.example' }] })],
        take(),
      );
      assert.equal(await now(token), null);
      assert.match(
        (await signIn({ sub: 'u9', email: 'bob@acme.example' })).why,
        /somebody else is/,
      );
      const real = await signIn({ sub: 'u10', email: 'real.bob@acme.example' });
      assert.deepEqual([real.name, (await now(real.token))?.roles], ['bob', []]);
    });

    it('tell somebody whom the configuration names otherwise since', async () => {
      await apply([], take());
      await signIn({ sub: 'u9', email: 'bob@acme.example' });
      const oidc = [{ ...NOBODY, email: 'bob@acme.example' }];
      await apply([person('robert', { oidc })], take());
      const twice = await signIn({ sub: 'u9', email: 'bob@acme.example' });
      assert.match(twice.why, /is bob already, and the configuration names it robert/);
      await unbindPrincipal({ database, journal }, 'bob', BY);
      assert.equal((await signIn({ sub: 'u9', email: 'bob@acme.example' })).name, 'robert');
    });
  });

  it('are forgotten when the configuration takes back what bound them', async () => {
    const { token } = await signIn({ sub: 'u1', email: 'alice@acme.example' });
    await apply([person('alice')]);
    assert.equal((await now(token))?.name, 'alice', 'the same again changes nothing');
    await apply([person('alice', { oidc: [{ ...NOBODY, email: 'other@acme.example' }] })]);
    assert.equal(await now(token), null);
    assert.match((await signIn({ sub: 'u1' })).why, /nobody here is named/);
  });

  it('let nobody in whom an apply takes out in that moment', async () => {
    const applying = await database.knex.transaction();
    await applying.raw('select pg_advisory_xact_lock(?)', [APPLY_LOCK]);
    const outcome = signIn({ sub: 'u1', email: 'alice@acme.example' });
    await applying('principal_identities').delete();
    await applying.commit();
    assert.match((await outcome).why, /nobody here is named/);
    assert.deepEqual(await database.knex('principal_accounts').select('*'), []);
  });

  it('begun by other settings come to nothing', async () => {
    const settings = { ...SETTINGS, roles: { everybody: ['admin' as const] } };
    const claims = { sub: 'u1', email: 'alice@acme.example', email_verified: true };
    const wish = { settings, claims, idToken: null, replaces: null, source: 'http:192.0.2.1' };
    const outcome = await signIns.signIn(wish);
    assert.equal(outcome.kind === 'refused' && outcome.why.includes('just changed'), true);
  });

  it('end when roles or rules of the issuer change, one-time links do not', async () => {
    const claims = { sub: 'u1', email: 'alice@acme.example', groups: ['admins'] };
    const { token } = await signIn(claims);
    const setup = await tokens.createToken({ kind: 'setup', principalName: 'alice' });
    const link = (await tokens.redeemSetup(setup))?.token ?? '';
    await apply([person('alice')], { signIn: { ...SETTINGS, title: 'ACME' } });
    assert.deepEqual((await now(token))?.roles, ['admin'], 'a title changes nothing');
    await apply([person('alice')], { signIn: { ...SETTINGS, roles: {} } });
    assert.equal(await now(token), null);
    assert.deepEqual((await now(link))?.roles, []);
  });

  it('stay as configured by a document without them, and go when it prunes', async () => {
    const none = { principals: [], credentials: [], targets: [], grants: [], policies: {} };
    await applyDirectory(database, none, { prune: false, dryRun: false });
    assert.deepEqual(await signIns.settings(), SETTINGS);
    const changes = await applyDirectory(database, none, { prune: true, dryRun: false });
    assert.equal(await signIns.settings(), null);
    const own = changes.find(({ object }) => object === 'sign-in');
    assert.deepEqual([own?.name, own?.change], [ISSUER, 'removed']);
  });
});
