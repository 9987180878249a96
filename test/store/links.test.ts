import assert from 'node:assert/strict';
import type { Principal } from '../../server/access/principal.ts';
import { systemClock } from '../../server/clock.ts';
import { silentLogger } from '../../server/log.ts';
import type { OpenedLink } from '../../server/session/ports.ts';
import { generateKeyPair, parsePublicLine } from '../../server/ssh/key.ts';
import { createDeviceLogins, type DeviceLogins } from '../../server/store/device-logins.ts';
import type { Database } from '../../server/store/database.ts';
import { createDirectory } from '../../server/store/directory.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import { createLinks, MAX_CODE_ATTEMPTS, type StoredLinks } from '../../server/store/links.ts';
import { createRememberedKeys } from '../../server/store/remembered-keys.ts';
import { createTokens } from '../../server/store/tokens.ts';
import { readCode } from '../../server/store/typed-code.ts';
import { freshDatabase } from '../support/database.ts';

const HOUR_MS = 3_600_000;
const BROWSER = 'http:192.0.2.9';

function newKey() {
  const parsed = parsePublicLine(generateKeyPair('k').publicLine);
  assert.ok(parsed.kind === 'key');
  const { algorithm, blob, fingerprint } = parsed;
  return { algorithm, blob, fingerprint };
}

function tokenOf({ url }: OpenedLink): string {
  return url.split('/').at(-1) ?? '';
}

describe('store: links and device logins', () => {
  let database: Database;
  let journal: StoredJournal;
  let links: StoredLinks;
  let devices: DeviceLogins;
  let ann: Principal;
  let bob: Principal;
  let bot: Principal;

  before(async () => {
    database = await freshDatabase();
    journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    links = made();
    devices = createDeviceLogins({ database, journal });
    for (const [name, kind] of [
      ['ann', 'human'],
      ['bob', 'human'],
      ['bot', 'agent'],
    ] as const) {
      await database.knex.raw(
        'insert into principals (id, name, kind) values (gen_random_uuid(), ?, ?)',
        [name, kind],
      );
    }
    const directory = createDirectory(database);
    const named = async (name: string): Promise<Principal> => {
      const found = await directory.principalByName(name);
      assert.ok(found !== null);
      return found;
    };
    [ann, bob, bot] = [await named('ann'), await named('bob'), await named('bot')];
  });
  after(() => database.close());

  /** Another process is one more of these. */
  function made(lifeMs = 60_000): StoredLinks {
    const publicUrl = (): string => 'https://b.example';
    return createLinks({ database, journal, publicUrl, isOn: () => true, remembers: true, lifeMs });
  }

  function open(from: StoredLinks, ...keys: readonly ReturnType<typeof newKey>[]) {
    return from.open({
      source: '192.0.2.7:51514',
      userName: 'deploy@web1',
      target: 'web1',
      login: 'deploy',
      keys: keys.map((key) => ({ ...key, isProven: true })),
    });
  }

  function by(code: string, principal = ann, fingerprint: string | null = null) {
    const remember = fingerprint === null ? null : { fingerprint, lifeMs: HOUR_MS };
    return { code, principal, source: BROWSER, remember };
  }

  const registered = {
    type: 'key.registered',
    principal: 'ann',
    source: null,
    session: null,
    target: null,
    data: {},
  } as const;

  it('is confirmed in one process for a client that waits in another, once', async () => {
    const link = await open(links);
    const decision = made().decision(link.id, new AbortController().signal);
    const token = tokenOf(link);
    const view = await links.waiting(token, ann.id);
    assert.deepEqual(
      [view?.target, view?.login, view?.source],
      ['web1', 'deploy', '192.0.2.7:51514'],
    );
    const both = await Promise.all([
      links.confirm(token, by(link.code)),
      links.confirm(token, by(link.code, bob)),
    ]);
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ['confirmed', 'gone']);
    const decided = await decision;
    assert.ok(decided.kind === 'confirmed');
    assert.equal(decided.browser, BROWSER);
    assert.equal(await links.waiting(token, ann.id), null);
    const again = await links.decision(link.id, new AbortController().signal);
    assert.deepEqual(again, { kind: 'withdrawn' }, 'it lets nobody in twice');
  });

  it('compares five codes, however many are typed at the same time', async () => {
    const link = await open(links);
    const token = tokenOf(link);
    const guesses = await Promise.all(
      Array.from({ length: 12 }, () => links.confirm(token, by('BBBB-BBBB'))),
    );
    const compared = guesses.filter(({ kind }) => kind === 'wrong-code');
    assert.equal(compared.length, MAX_CODE_ATTEMPTS);
    assert.deepEqual(await links.confirm(token, by(link.code)), { kind: 'gone' });
    const decided = await links.decision(link.id, new AbortController().signal);
    assert.deepEqual(decided, { kind: 'refused', by: null });
  });

  it('takes the code of no other link, and no link by its id', async () => {
    const [one, two] = [await open(links), await open(links)];
    const crossed = await links.confirm(tokenOf(one), by(two.code));
    assert.equal(crossed.kind, 'wrong-code');
    assert.deepEqual(await links.confirm(one.id, by(one.code)), { kind: 'gone' });
    assert.equal(await links.waiting('', ann.id), null);
  });

  it('ends by time, by a client that leaves, and by a person who says no', async () => {
    const short = made(1);
    const late = await open(short);
    assert.deepEqual(await short.decision(late.id, new AbortController().signal), {
      kind: 'expired',
    });
    assert.deepEqual(await links.confirm(tokenOf(late), by(late.code)), { kind: 'gone' });

    const left = await open(links);
    const leaving = new AbortController();
    const gone = links.decision(left.id, leaving.signal);
    leaving.abort();
    assert.deepEqual(await gone, { kind: 'withdrawn' });
    assert.deepEqual(await links.confirm(tokenOf(left), by(left.code)), { kind: 'gone' });

    const foreign = await open(links);
    assert.equal(await links.refuse(tokenOf(foreign), { principal: ann }), true);
    assert.equal(await links.refuse(tokenOf(foreign), { principal: ann }), false);
    const refused = await links.decision(foreign.id, new AbortController().signal);
    assert.deepEqual(refused, { kind: 'refused', by: 'ann' });
  });

  it('lets no agent in, nor anybody who was disabled while the client waited', async () => {
    for (const shut of [bot, bob]) {
      const link = await open(links);
      await links.confirm(tokenOf(link), by(link.code, shut));
      await database.knex('principals').where('id', bob.id).update({ disabled_at: new Date() });
      const decided = await links.decision(link.id, new AbortController().signal);
      assert.deepEqual(decided, { kind: 'shut-out' });
    }
    await database.knex('principals').where('id', bob.id).update({ disabled_at: null });
  });

  it('remembers a proven key for its time, names it when it has expired, and never a revoked or foreign one', async () => {
    const key = newKey();
    const wish = { principalId: ann.id, key, lifeMs: HOUR_MS, from: '192.0.2.7:1' };
    const until = await links.remember(wish, registered);
    assert.ok(until !== null && Date.parse(until) > Date.now());
    const directory = createDirectory(database);
    assert.equal((await directory.principalByKey(key.blob))?.name, 'ann');
    await database
      .knex('principal_keys')
      .where('blob', key.blob)
      .update({ expires_at: new Date(Date.now() - 1000) });
    assert.equal(await directory.principalByKey(key.blob), null);

    const link = await open(links, key);
    const standing = async (who: Principal) =>
      (await links.waiting(tokenOf(link), who.id))?.keys[0]?.standing.kind;
    assert.deepEqual([await standing(ann), await standing(bob)], ['expired', 'taken']);
    const foreign = await links.confirm(tokenOf(link), by(link.code, bob, key.fingerprint));
    assert.deepEqual(foreign, { kind: 'not-that-key' });
    assert.equal(await links.remember({ ...wish, principalId: bob.id }, registered), null);
    assert.notEqual(await links.remember(wish, registered), null, 'its owner may again');

    const keys = createRememberedKeys({ database, journal });
    const [own] = (await keys.list('ann')).filter((one) => one.fingerprint === key.fingerprint);
    assert.deepEqual([own?.origin, own?.registeredFrom], ['link', '192.0.2.7:1']);
    const actor = { principal: 'bob', source: BROWSER };
    assert.deepEqual(await keys.revoke(key.fingerprint, 'bob', actor), { kind: 'unknown' });
    assert.equal((await keys.revoke(key.fingerprint, 'ann', actor)).kind, 'revoked');
    assert.equal(await standing(ann), 'revoked');
    assert.equal(await links.remember(wish, registered), null);
  });

  it('remembers no key that was only offered', async () => {
    const key = newKey();
    const link = await links.open({
      source: '192.0.2.7:1',
      userName: 'web1',
      target: 'web1',
      login: null,
      keys: [{ ...key, isProven: false }],
    });
    const outcome = await links.confirm(tokenOf(link), by(link.code, ann, key.fingerprint));
    assert.deepEqual(outcome, { kind: 'not-that-key' });
  });

  it('reads codes as people type them, and nothing else', () => {
    for (const typed of ['BCDF-GHJK', 'bcdfghjk', ' bcdf ghjk ', 'bcdf–ghjk']) {
      assert.equal(readCode(typed), 'BCDFGHJK', typed);
    }
    for (const typed of ['', 'BCDF', 'BCDF-GHJKL', 'AEIO-UAEI', 'BCDF-GHJ1', 'B'.repeat(100)]) {
      assert.equal(readCode(typed), null, typed);
    }
  });

  it('gives a machine its token once, and its key only when it has signed', async () => {
    const key = newKey();
    const wish = { source: 'http:192.0.2.5', lifeMs: HOUR_MS, isProven: () => true };
    const begun = await devices.open({ source: 'http:192.0.2.5', key });
    assert.ok(begun !== null);
    assert.equal((await devices.redeem(begun.deviceCode, wish)).kind, 'pending');
    const early = await devices.redeem(begun.deviceCode, wish);
    assert.deepEqual(early, { kind: 'slow-down', intervalMs: 10_000 });
    const view = await devices.waiting(begun.userCode, ann.id);
    assert.deepEqual(view?.key?.fingerprint, key.fingerprint);
    assert.equal(await devices.waiting('BBBB-BBBB', ann.id), null);
    const decider = { principal: ann, source: BROWSER };
    assert.equal(await devices.decide(begun.userCode, true, decider), true);
    assert.equal(await devices.decide(begun.userCode, false, decider), false);
    const unproven = await devices.redeem(begun.deviceCode, { ...wish, isProven: () => false });
    assert.deepEqual(unproven, { kind: 'unproven' });
    const both = await Promise.all([
      devices.redeem(begun.deviceCode, wish),
      devices.redeem(begun.deviceCode, wish),
    ]);
    const given = both.find((one) => one.kind === 'signed-in');
    assert.ok(given?.kind === 'signed-in' && both.some(({ kind }) => kind === 'unknown'));
    assert.equal(given.key?.fingerprint, key.fingerprint);
    const signedIn = await createTokens(database).principalByToken(given.token);
    assert.equal(signedIn?.name, 'ann');
    assert.equal((await devices.redeem(begun.deviceCode, wish)).kind, 'unknown');
    assert.equal((await devices.redeem('guess', wish)).kind, 'unknown');
  });

  it('gives a machine nothing that is refused, too old, or confirmed by who is an agent', async () => {
    const wish = { source: 'http:192.0.2.5', lifeMs: HOUR_MS, isProven: () => true };
    const outcomes: string[] = [];
    for (const end of ['refused', 'expired', 'agent']) {
      const begun = await devices.open({ source: 'http:192.0.2.5', key: null });
      assert.ok(begun !== null);
      const decider = { principal: end === 'agent' ? bot : ann, source: BROWSER };
      if (end === 'expired') {
        await database
          .knex('device_logins')
          .where('state', 'waiting')
          .update({
            expires_at: new Date(Date.now() - 1000),
          });
      } else await devices.decide(begun.userCode, end === 'agent', decider);
      outcomes.push((await devices.redeem(begun.deviceCode, wish)).kind);
    }
    assert.deepEqual(outcomes, ['refused', 'expired', 'refused']);
  });

  it('lets only so many machines of one source wait', async () => {
    const opened = [];
    for (let count = 0; count < 12; count += 1) {
      opened.push(await devices.open({ source: 'http:192.0.2.66', key: null }));
    }
    assert.equal(opened.filter((one) => one !== null).length, 10);
    assert.notEqual(await devices.open({ source: 'http:192.0.2.67', key: null }), null);
  });
});
