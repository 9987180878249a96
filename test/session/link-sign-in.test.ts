import assert from 'node:assert/strict';
import {
  LinkSignIn,
  MAX_SHOWN_KEYS,
  MAX_UNASKED_KEYS,
  UnaskedKeys,
} from '../../server/session/link-sign-in.ts';
import type {
  LinkDecision,
  Links,
  LinkWish,
  PublicKey,
  RememberedKey,
} from '../../server/session/ports.ts';
import { principal } from '../support/session-fakes.ts';

const HOUR_MS = 3_600_000;
const USER = 'deploy@web1';

function key(name: string, changes: Partial<PublicKey> = {}): PublicKey {
  const blob = Buffer.from(name);
  return { algorithm: 'ssh-ed25519', blob, fingerprint: `SHA256:${name}`, ...changes };
}

class FakeLinks implements Links {
  isOn = true;
  remembers = true;
  readonly opened: LinkWish[] = [];
  readonly remembered: RememberedKey[] = [];
  decided: LinkDecision | null = null;

  open: Links['open'] = async (wish) => {
    this.opened.push(wish);
    return { id: 'L1', url: 'https://b.example/ssh/TOKEN', code: 'BCDF-GHJK', lifeMs: 300_000 };
  };

  decision: Links['decision'] = async (_id, signal) => {
    if (this.decided !== null) return this.decided;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return { kind: 'withdrawn' };
  };

  remember: Links['remember'] = async (wish) => {
    this.remembered.push(wish);
    return '2026-01-01T11:00:00.000Z';
  };
}

function confirmed(fingerprint: string | null): LinkDecision {
  const remember = fingerprint === null ? null : { fingerprint, lifeMs: HOUR_MS };
  return { kind: 'confirmed', principal, browser: 'http:192.0.2.9', remember };
}

describe('signing in by a link', () => {
  function scene(): { links: FakeLinks; unasked: UnaskedKeys; link: LinkSignIn } {
    const links = new FakeLinks();
    const unasked = new UnaskedKeys();
    return { links, unasked, link: new LinkSignIn(links, unasked, '192.0.2.7:51514') };
  }

  it('is offered to whoever names a place, and to nobody while it is off', () => {
    const { link, links } = scene();
    assert.ok(link.isOffered(USER) && link.isOffered('ann') && link.isOffered('web1+run=4'));
    for (const odd of ['', 'a@b@c', '../etc', 'x y']) assert.ok(!link.isOffered(odd), odd);
    links.isOn = false;
    assert.ok(!link.isOffered(USER));
  });

  it('asks unknown keys to sign, but no tokens, no certificates, and none where nothing is remembered', () => {
    const { link, links, unasked } = scene();
    assert.ok(link.isAsked(USER, key('a')));
    assert.ok(!link.isAsked(USER, key('t', { algorithm: 'sk-ssh-ed25519@openssh.com' })));
    assert.ok(!link.isAsked(USER, key('c', { certificate: Buffer.from('c') })));
    assert.ok(!link.isAsked('a@b@c', key('a')));
    unasked.add(Buffer.from('a'));
    assert.ok(!link.isAsked(USER, key('a')));
    links.remembers = false;
    assert.ok(!link.isAsked(USER, key('b')));
  });

  it('never asks the keys again that a client has beside one that counts', () => {
    const { link, links, unasked } = scene();
    link.showed(key('beside'), true);
    link.cameInOtherwise();
    const next = new LinkSignIn(links, unasked, '192.0.2.8:1');
    assert.ok(!next.isAsked(USER, key('beside')));
    assert.ok(next.isAsked(USER, key('another')));
  });

  it('forgets the oldest of very many such keys', () => {
    const unasked = new UnaskedKeys();
    for (let index = 0; index <= MAX_UNASKED_KEYS; index += 1) unasked.add(Buffer.from(`${index}`));
    assert.ok(!unasked.has(Buffer.from('0')));
    assert.ok(unasked.has(Buffer.from('1')));
  });

  it('lists each key once, and says which have signed', async () => {
    const { link, links } = scene();
    link.showed(key('offered'), false);
    link.showed(key('signed'), false);
    link.showed(key('signed'), true);
    const sleeping = { isTouched: false, isVerified: false };
    link.showed(key('untouched', { presence: sleeping }), true);
    link.showed(key('certified', { certificate: Buffer.from('c') }), true);
    const wait = await link.begin(USER);
    const shown = links.opened[0]?.keys.map(({ fingerprint, isProven }) => [fingerprint, isProven]);
    const expected = [
      ['SHA256:offered', false],
      ['SHA256:signed', true],
      ['SHA256:untouched', false],
    ];
    assert.deepEqual(shown, expected);
    wait.withdraw();
    assert.deepEqual(await wait.outcome, { kind: 'withdrawn' });
  });

  it('lists only so many keys', async () => {
    const { link, links } = scene();
    for (let index = 0; index < MAX_SHOWN_KEYS + 3; index += 1) link.showed(key(`${index}`), true);
    (await link.begin(USER)).withdraw();
    assert.equal(links.opened[0]?.keys.length, MAX_SHOWN_KEYS);
  });

  it('shows the link and the code in so few characters that OpenSSH shows them whole', async () => {
    const { link } = scene();
    const wait = await link.begin(USER);
    const { text } = wait;
    assert.match(text, /https:\/\/b\.example\/ssh\/TOKEN\n/);
    assert.match(text, /code there: +BCDF-GHJK/);
    assert.ok(text.length < 900 && !/[^\n\x20-\x7e]/.test(text));
    wait.withdraw();
  });

  it('remembers the key that has signed and no other, whatever was confirmed', async () => {
    for (const [name, isRemembered] of [
      ['signed', true],
      ['offered', false],
      ['never-shown', false],
    ] as const) {
      const { link, links } = scene();
      link.showed(key('offered'), false);
      link.showed(key('signed'), true);
      links.decided = confirmed(`SHA256:${name}`);
      assert.deepEqual(await (await link.begin(USER)).outcome, { kind: 'signed-in' });
      assert.equal(link.provenKey?.fingerprint ?? null, isRemembered ? `SHA256:${name}` : null);
    }
  });

  it('registers nothing where once was confirmed', async () => {
    const { link, links } = scene();
    link.showed(key('signed'), true);
    links.decided = confirmed(null);
    await (
      await link.begin(USER)
    ).outcome;
    assert.equal(link.provenKey, null);
    assert.equal(await link.remember(principal, key('signed')), null);
    assert.deepEqual(links.remembered, []);
  });

  it('tells the client why it gets nothing, and never who said so', async () => {
    const cases: readonly (readonly [LinkDecision, RegExp])[] = [
      [{ kind: 'refused', by: 'alice' }, /not theirs/],
      [{ kind: 'refused', by: null }, /wrong code was typed too often/],
      [{ kind: 'expired' }, /in time/],
      [{ kind: 'shut-out' }, /ask an admin/],
    ];
    for (const [decided, words] of cases) {
      const { link, links } = scene();
      links.decided = decided;
      const outcome = await (await link.begin(USER)).outcome;
      assert.ok(outcome.kind === 'refused');
      assert.match(outcome.why, words);
      assert.ok(!outcome.why.includes('alice'));
      assert.equal(link.confirmed, null);
      const by = decided.kind === 'refused' ? (decided.by ?? undefined) : undefined;
      assert.equal(link.journalled()['refusedBy'], by);
    }
  });

  it('journals the link, the keys and both ends', async () => {
    const { link, links } = scene();
    assert.deepEqual(link.journalled(), {});
    link.showed(key('signed'), true);
    links.decided = confirmed(null);
    await (
      await link.begin(USER)
    ).outcome;
    assert.deepEqual(link.journalled(), {
      method: 'keyboard-interactive',
      link: 'L1',
      shownKeys: ['SHA256:signed'],
      browser: 'http:192.0.2.9',
    });
  });
});
