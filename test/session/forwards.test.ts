import assert from 'node:assert/strict';
import { authoriseForward, GRANT_DEFAULTS, type GrantRule } from '../../server/access/grant.ts';
import type { Target } from '../../server/access/target.ts';
import { ConnectionSessions } from '../../server/session/connection-sessions.ts';
import { ForwardMeter } from '../../server/session/forward-meter.ts';
import { ForwardPace } from '../../server/session/forward-pace.ts';
import { ConnectionForwards, MAX_JOURNALLED_REFUSALS } from '../../server/session/forwards.ts';
import type {
  ForwardDialer,
  ForwardedChannel,
  ForwardTaker,
  InputUnit,
  OutputUnit,
} from '../../server/session/ports.ts';
import type { Peer } from '../../server/session/sign-in.ts';
import {
  FakeEnd,
  fakeWorld,
  principal,
  settled,
  type FakeWorld,
} from '../support/session-fakes.ts';

const PERMITS = { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true };
const web1: Target = {
  name: 'web1',
  host: '192.0.2.1',
  port: 22,
  hostKey: 'ssh-ed25519 AAAA',
  labels: {},
  shellIntegration: 'off',
  logins: [{ name: 'deploy', credential: 'c' }],
};
const RULES: readonly GrantRule[] = [
  {
    id: 'g',
    principals: ['bot'],
    targets: ['web1'],
    logins: ['deploy'],
    channels: ['exec'],
    policy: 'default',
    ...GRANT_DEFAULTS,
    forward: ['*:*', 'listen:localhost:*', 'agent'],
  },
];
const ORIGIN = { host: '192.0.2.9', port: 4711 };

interface Scene {
  readonly world: FakeWorld;
  readonly forwards: ConnectionForwards;
  readonly sessions: ConnectionSessions;
  readonly reached: string[];
  readonly targets: FakeEnd<OutputUnit, InputUnit>[];
  take: ForwardTaker | null;
  stopped: number;
}

function sceneOf(peer: Partial<Peer> = {}, rules = RULES, limits = {}): Scene {
  const world = fakeWorld();
  const sessions = new ConnectionSessions((running) => void running.run());
  const scene = { reached: [] as string[], targets: [] as FakeEnd<OutputUnit, InputUnit>[] };
  const dialer: ForwardDialer = {
    connect: (_grant, place) => {
      scene.reached.push('host' in place ? place.host : place.path);
      const end = new FakeEnd<OutputUnit, InputUnit>();
      scene.targets.push(end);
      return Promise.resolve({ kind: 'open', end });
    },
    listen: (_grant, place, take) => {
      whole.take = take;
      return Promise.resolve({
        kind: 'listening',
        port: 'port' in place && place.port > 0 ? place.port : 40_000,
        gone: new AbortController().signal,
        stop: () => {
          whole.stopped += 1;
          return Promise.resolve();
        },
      });
    },
  };
  const allLimits = { ...world.dependencies.limits, ...limits };
  const dependencies = {
    ...world.dependencies,
    limits: allLimits,
    pace: new ForwardPace(allLimits),
    directory: {
      targetByName: (name: string) => Promise.resolve(name === 'web1' ? web1 : null),
      grantRules: () => Promise.resolve(rules),
      allTargets: () => Promise.resolve([web1]),
      principalByKey: () => Promise.resolve(null),
      demandsOfKey: () => Promise.reject(new Error('nobody signs in here')),
    },
  };
  const forwards = new ConnectionForwards(dependencies, {
    source: '192.0.2.7:5',
    via: 'direct',
    sessions,
    peer: {
      principal,
      userName: 'deploy@web1',
      known: null,
      forceCommand: null,
      permits: PERMITS,
      ...peer,
    },
    isDraining: false,
    dialer: { forwards: dialer },
  });
  const whole: Scene = { world, forwards, sessions, ...scene, take: null, stopped: 0 };
  return whole;
}

function refusals({ world }: Scene): unknown[] {
  return world.steps.flatMap((step) =>
    step.step === 'journal' && step.event.type === 'forward.refused' ? [step.event.data] : [],
  );
}

const tcp = (host: string, port = 80) => ({ kind: 'tcp', host, port }) as const;
const client = {
  opened: [] as ForwardedChannel[],
  open(channel: ForwardedChannel) {
    this.opened.push(channel);
    return Promise.resolve({ kind: 'open', end: new FakeEnd<InputUnit, OutputUnit>() } as const);
  },
};

describe('session/forwards', () => {
  it('relays both ways, each end of the data by itself, and counts', async () => {
    const scene = sceneOf();
    const answer = await scene.forwards.open(tcp('DB1.', 5432), ORIGIN, false);
    assert.ok(answer?.kind === 'open');
    assert.deepEqual(scene.reached, ['db1']);
    const near = new FakeEnd<InputUnit, OutputUnit>();
    answer.take(near);
    const far = scene.targets[0];
    assert.ok(far !== undefined);
    near.send({ kind: 'data', bytes: Buffer.from('ask') }, { kind: 'eof' });
    far.send(
      { kind: 'data', stream: 'stdout', bytes: Buffer.from('answer') },
      { kind: 'data', stream: 'stderr', bytes: Buffer.from('no part of it') },
      { kind: 'eof' },
      { kind: 'close' },
    );
    near.send({ kind: 'close' });
    await settled();
    assert.deepEqual(
      far.written.map(({ kind }) => kind),
      ['data', 'eof', 'close'],
    );
    assert.deepEqual(
      near.written.map(({ kind }) => kind),
      ['data', 'eof', 'close'],
    );
    await settled();
    const events = scene.world.steps.flatMap((step) =>
      step.step === 'journal' ? [[step.event.type, step.event.data['bytesIn'] ?? null]] : [],
    );
    assert.deepEqual(events, [
      ['forward.opened', null],
      ['forward.ended', 3],
    ]);
    assert.equal(scene.sessions.size, 0);
  });

  it('pass nothing while they are paused, and say so where somebody can see it', async () => {
    const scene = sceneOf();
    const told: string[] = [];
    const talking = {
      id: 's',
      rule: RULES[0] ?? assert.fail('there is a rule'),
      run: () => new Promise<void>(() => {}),
      say: (text: string) => Promise.resolve(void told.push(text)),
      terminate: () => {},
      clientGone: () => {},
      mayStay: () => true,
    };
    scene.sessions.run(talking);
    await scene.sessions.begun(talking);
    const answer = await scene.forwards.open(tcp('DB1.', 5432), ORIGIN, false);
    assert.ok(answer?.kind === 'open');
    const near = new FakeEnd<InputUnit, OutputUnit>();
    answer.take(near);
    await settled();
    const { world } = scene;
    world.control({ kind: 'pause', by: 'ann', seq: 1, reason: null, forMs: 60_000 });
    near.send({ kind: 'data', bytes: Buffer.from('ask') });
    scene.targets[0]?.send({ kind: 'data', stream: 'stdout', bytes: Buffer.from('answer') });
    await settled();
    assert.deepEqual([scene.targets[0]?.written, near.written], [[], []]);
    world.control({ kind: 'notice', by: 'ann', text: 'hello' });
    world.control({ kind: 'resume', by: 'ann', reason: null });
    await settled();
    await settled();
    assert.deepEqual([scene.targets[0]?.written.length, near.written.length], [1, 1]);
    assert.deepEqual(told, [
      'sallyport: paused by ann (forward db1:5432)',
      'sallyport: notice from ann: hello (forward db1:5432)',
      'sallyport: resumed by ann (forward db1:5432)',
    ]);
    world.control({ kind: 'terminate', by: 'ann', reason: 'enough' });
    await settled();
    assert.equal(scene.targets[0]?.written.at(-1)?.kind, 'close');
  });

  it('let nobody in where they listen while they are paused', async () => {
    const scene = sceneOf();
    await scene.forwards.listen(tcp('localhost', 8080), client);
    scene.world.control({ kind: 'pause', by: 'ann', seq: 1, reason: null, forMs: 60_000 });
    const channel = { ...tcp('localhost', 8080), origin: ORIGIN };
    const { signal } = new AbortController();
    assert.equal((await scene.take?.(channel, signal))?.kind, 'refused');
    scene.world.control({ kind: 'resume', by: 'ann', reason: null });
    await settled();
    assert.equal((await scene.take?.(channel, signal))?.kind, 'open');
    scene.forwards.close();
  });

  it('has no more than so many open for a client that opens 1,000, and few rows', async () => {
    const scene = sceneOf({}, RULES, { maxForwardsPerConnection: 32 });
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) =>
        scene.forwards.open(tcp(`h${index}`), ORIGIN, false),
      ),
    );
    assert.equal(answers.filter((one) => one?.kind === 'open').length, 32);
    const refused = answers.find((one) => one?.kind === 'refused');
    assert.match(
      refused?.kind === 'refused' ? refused.why : '',
      /^sallyport: at most 32 forwarded connections are open at once; close some first$/,
    );
    assert.equal(refusals(scene).length, MAX_JOURNALLED_REFUSALS);
    scene.forwards.close();
    await settled();
    const last = refusals(scene).at(-1) as { refusals: number };
    assert.equal(last.refusals, 1000 - 32 - MAX_JOURNALLED_REFUSALS);
    assert.equal(scene.sessions.size, 0);
    assert.ok(scene.targets.every(({ written }) => written.at(-1)?.kind === 'close'));
  });

  it('opens so many after a pause, and then some each second, over all connections', () => {
    const pace = new ForwardPace({ forwardBurst: 3, forwardsPerSecond: 2 });
    const tries = (atUs: number, count: number): number =>
      Array.from({ length: count }, () => pace.enter('bot', atUs)).filter(Boolean).length;
    assert.equal(tries(0, 10), 3);
    assert.equal(tries(1_000_000, 10), 2);
    assert.equal(tries(60_000_000, 10), 3);
    assert.equal(pace.enter('other', 60_000_000), true);
  });

  it('says that somebody is too fast', async () => {
    const scene = sceneOf({}, RULES, { forwardBurst: 1, forwardsPerSecond: 0.001 });
    await scene.forwards.open(tcp('db1'), ORIGIN, false);
    const second = await scene.forwards.open(tcp('db1'), ORIGIN, false);
    assert.match(
      second?.kind === 'refused' ? second.why : '',
      /too many new forwards: after the first 1/,
    );
  });

  const withheld: readonly [string, Partial<Peer>, RegExp][] = [
    [
      'a certificate without the right to it',
      { permits: { ...PERMITS, portForwarding: false } },
      /the certificate that you signed in with does not permit it/,
    ],
    [
      'an unknown target',
      { userName: 'deploy@web2' },
      /no target "web2" that you may reach as deploy/,
    ],
    ['a user name that is none', { userName: 'a@b@c' }, /more than one @ or %/],
  ];
  for (const [name, peer, text] of withheld) {
    it(`refuses: ${name}`, async () => {
      const scene = sceneOf(peer);
      const answer = await scene.forwards.open(tcp('db1'), ORIGIN, false);
      assert.match(answer?.kind === 'refused' ? answer.why : '', text);
      assert.deepEqual(scene.reached, []);
      assert.equal(refusals(scene).length, 1);
    });
  }

  it('leaves no trace of what is not granted and may mean something else', async () => {
    const scene = sceneOf({}, [{ ...RULES[0]!, forward: [] }]);
    assert.equal(await scene.forwards.open(tcp('db1', 22), ORIGIN, true), null);
    assert.equal(refusals(scene).length, 0);
  });

  it('hands the client what comes to where it listens, in its own words, and nothing else', async () => {
    const scene = sceneOf();
    client.opened.length = 0;
    const port = await scene.forwards.listen(tcp('LOCALHOST', 0), client);
    assert.equal(port, 40_000);
    const gone = new AbortController();
    const incoming = { kind: 'tcp', host: '127.0.0.1', port: 40_000, origin: ORIGIN } as const;
    const answer = await scene.take?.(incoming, gone.signal);
    assert.equal(answer?.kind, 'open');
    assert.deepEqual(client.opened, [{ ...incoming, host: 'LOCALHOST' }]);
    for (const kind of ['agent', 'x11'] as const) {
      const unasked = kind === 'agent' ? { kind } : { kind, origin: ORIGIN };
      assert.equal((await scene.take?.(unasked, gone.signal))?.kind, 'refused');
    }
    assert.equal(client.opened.length, 1);
    assert.equal(await scene.forwards.unlisten(tcp('LOCALHOST', 40_001)), false);
    assert.equal(await scene.forwards.unlisten(tcp('LOCALHOST', 40_000)), true);
    assert.equal(scene.stopped, 1);
  });

  it('listens at few places at once', async () => {
    const scene = sceneOf({}, RULES, { maxListensPerConnection: 2 });
    const ports: (number | null)[] = [];
    for (const port of [1001, 1002, 1003]) {
      ports.push(await scene.forwards.listen(tcp('localhost', port), client));
    }
    assert.deepEqual(
      ports.map((one) => one !== null),
      [true, true, false],
    );
  });

  it('ends what is open when the connection to the target ends', async () => {
    const scene = sceneOf();
    await scene.forwards.listen(tcp('localhost', 8080), client);
    const gone = new AbortController();
    const incoming = { kind: 'tcp', host: 'localhost', port: 40_000, origin: ORIGIN } as const;
    const answer = await scene.take?.(incoming, gone.signal);
    assert.ok(answer?.kind === 'open');
    gone.abort();
    await settled();
    await settled();
    assert.equal(scene.sessions.size, 1);
  });

  it('measures the busiest second', () => {
    const meter = new ForwardMeter();
    meter.add(10, 100);
    meter.add(20, 900_000);
    meter.add(25, 1_500_000);
    meter.add(1, 9_000_000);
    assert.deepEqual(
      [meter.bytes, meter.peakBytesPerS, meter.averageBytesPerS(8_000_000)],
      [56, 30, 7],
    );
  });

  it('grants nothing to a place that no rule names', () => {
    const place = { kind: 'x11' } as const;
    assert.equal(authoriseForward(principal, web1, 'deploy', place, RULES).kind, 'refused');
  });
});
