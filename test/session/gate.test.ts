import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import { Gate, type GateLine, type GateOutcome } from '../../server/session/gate.ts';
import { HeldCommands } from '../../server/session/held-commands.ts';
import { DEFAULT_LIMITS } from '../../server/session/limits.ts';
import type { DecidedCommand } from '../../server/session/ports.ts';
import { initialState } from '../../server/shell/state.ts';
import {
  begin,
  fakeWorld,
  grantFor,
  principal,
  settled,
  type FakeWorld,
} from '../support/session-fakes.ts';

/** What no reader of shell lines can make sense of. */
const UNREADABLE = 'echo "$(';
const REFUSED = { kind: 'refused', by: 'alice', reason: null } as const;

interface Opened {
  readonly world: FakeWorld;
  readonly gate: Gate;
  readonly said: string[];
  readonly abandon: AbortController;
  readonly decide: (line: Partial<GateLine>) => Promise<GateOutcome>;
  readonly steps: () => string[];
  readonly rows: () => DecidedCommand[];
}

async function open(policy?: object): Promise<Opened> {
  const world = fakeWorld();
  const { recording, output, nowUs } = await begin(world);
  const own = policy === undefined ? null : compilePolicy('own', policy);
  assert.ok(own?.kind !== 'invalid');
  const policies =
    own === null
      ? world.dependencies.policies
      : { byName: () => Promise.resolve({ version: 1, policy: own.policy }) };
  const gate = new Gate(
    { ...world.dependencies, policies },
    {
      sessionId: 's1',
      grant: grantFor('exec'),
      recording,
      output,
      nowUs,
      state: initialState(false),
    },
  );
  const said: string[] = [];
  const abandon = new AbortController();
  return {
    world,
    gate,
    said,
    abandon,
    decide: (line) => {
      const text = line.text ?? line.candidates?.[0] ?? '';
      const whole: GateLine = {
        text,
        candidates: [text],
        guesses: new Set(),
        language: 'shell',
        certainty: 'exact',
        why: null,
        quiet: false,
        secret: false,
        ...line,
      };
      return gate.decide(whole, abandon.signal, async (words) => void said.push(words));
    },
    steps: () => world.steps.map((one) => one.step).filter((one) => one !== 'begin'),
    rows: () => world.steps.flatMap((one) => (one.step === 'decided' ? [one.command] : [])),
  };
}

describe('HeldCommands', () => {
  it('lets a principal’s commands in up to the limit, and again when one has left', () => {
    const held = new HeldCommands();
    const limit = DEFAULT_LIMITS.maxHeldPerPrincipal;
    assert.equal(limit, 16);
    for (let count = 0; count < limit; count += 1) assert.ok(held.enter('bot', limit));
    assert.equal(held.enter('bot', limit), false);
    assert.equal(held.enter('bot', limit), false, 'a refusal takes no place');
    assert.ok(held.enter('alice', limit), 'each principal has a limit of its own');
    held.leave('bot');
    assert.ok(held.enter('bot', limit));
    assert.equal(held.enter('bot', limit), false);
  });
});

describe('the gate', () => {
  const verdicts: [what: string, line: Partial<GateLine>, verdict: string][] = [
    ['allows what no rule names', { text: 'ls' }, 'allow'],
    ['denies by a rule', { text: 'rm -rf /data/x' }, 'deny'],
    ['takes the strictest reading', { candidates: ['ls', 'rm -rf /data/x', 'shutdown'] }, 'deny'],
    ['takes a hold over an allow', { candidates: ['ls', 'shutdown', 'id'] }, 'hold'],
    ['holds what can’t be read', { text: UNREADABLE }, 'hold'],
    ['holds a line of unknown text', { candidates: [], certainty: 'uncertain' }, 'hold'],
    [
      'counts a rule on a guess',
      { candidates: ['ls', 'rm -rf /data/x'], guesses: new Set(['rm -rf /data/x']) },
      'deny',
    ],
    [
      'counts a rule on a guess that is only half read',
      { candidates: ['ls', 'rm -rf /data/x; $X'], guesses: new Set(['rm -rf /data/x; $X']) },
      'deny',
    ],
    [
      'does not hold for a guess that can’t be read',
      { candidates: ['ls', UNREADABLE], guesses: new Set([UNREADABLE]) },
      'allow',
    ],
    [
      'holds when no guess but the line can’t be read',
      { candidates: [UNREADABLE, 'ls'], guesses: new Set(['ls']) },
      'hold',
    ],
    ['denies a NUL byte', { text: 'ls\0' }, 'deny'],
    ['denies what is too long to read', { text: 'x'.repeat(70_000) }, 'deny'],
  ];
  for (const [what, line, verdict] of verdicts) {
    it(what, async () => {
      const { decide, world, rows, said } = await open();
      const outcome = decide(line);
      await settled();
      if (verdict === 'hold') {
        assert.match(said.join('\n'), /^sallyport: held by rule /);
        world.decide(REFUSED);
      }
      assert.equal((await outcome).kind, verdict === 'allow' ? 'released' : 'refused');
      assert.equal(rows()[0]?.decision.verdict, verdict);
    });
  }

  it('does not refuse a line for guesses that an allow list doesn’t name', async () => {
    const { decide } = await open({
      default: 'deny',
      uncertain: 'deny',
      holdTimeout: '10m',
      rules: [{ name: 'ok', action: 'allow', match: { command: ['ls'] } }],
    });
    const behindPrompt = { guesses: new Set(['a@b:~$ ls', 'a@b:~$']) };
    const known = { candidates: ['ls', ...behindPrompt.guesses], ...behindPrompt };
    assert.equal((await decide(known)).kind, 'released');
    const enter = { text: '', candidates: [...behindPrompt.guesses], ...behindPrompt };
    assert.equal((await decide(enter)).kind, 'released');
    assert.equal((await decide({ ...enter, certainty: 'uncertain' })).kind, 'refused');
    assert.equal((await decide({ candidates: ['id'] })).kind, 'refused');
  });

  it('commits the marker and the row before anybody is asked', async () => {
    const { decide, world, steps } = await open();
    const hold = world.holdDurability();
    const outcome = decide({ text: 'shutdown' });
    await settled();
    assert.deepEqual(steps(), []);
    hold.release();
    await settled();
    assert.deepEqual(steps(), ['event', 'decided', 'approval']);
    world.decide({ kind: 'approved', by: 'alice', reason: null });
    assert.equal((await outcome).kind, 'released');
  });

  it('releases nothing when the row can not be written', async () => {
    const { decide, world } = await open();
    world.failRecording();
    await assert.rejects(
      decide({ text: 'ls' }),
      (error) => error instanceof SallyportError && error.code === 'recording.failed',
    );
  });

  it('numbers rows from 1, and marks them with one short line', async () => {
    const { decide, world, rows } = await open();
    await decide({ text: 'ls' });
    await decide({ text: `echo a\n\n echo ${'😀'.repeat(200)}` });
    assert.deepEqual(
      rows().map((row) => row.seq),
      [1, 2],
    );
    const labels = world.steps.flatMap((one) =>
      one.step === 'event' && one.event.code === 'm' ? [one.event.label] : [],
    );
    assert.equal(labels[0], 'ls');
    assert.match(labels[1] ?? '', /^echo a echo (😀)+/u);
    assert.equal(labels[1]?.length, 200);
    assert.ok(labels[1].isWellFormed());
  });

  it('remembers what released lines changed, and forgets what refused ones would have', async () => {
    const { decide } = await open();
    await decide({ text: 'D=/data' });
    assert.equal((await decide({ text: 'rm -rf $D/x' })).kind, 'refused');
    assert.equal((await decide({ text: 'D=/tmp; rm -rf /data/x' })).kind, 'refused');
    assert.equal((await decide({ text: 'rm -rf $D/x' })).kind, 'refused');
    await decide({ text: 'D=/tmp' });
    assert.equal((await decide({ text: 'rm -rf $D/x' })).kind, 'released');
  });

  it('records a line as uncertain that was seen well and can’t be read, also where it may run', async () => {
    const { decide, rows } = await open({ uncertain: 'allow', rules: [] });
    const seen = { certainty: 'observed', language: 'shell' } as const;
    await decide({ ...seen, text: 'df -h' });
    await decide({ ...seen, text: '$(cat commands) /srv' });
    assert.deepEqual(
      rows().map(({ certainty, decision }) => [certainty, decision.verdict]),
      [
        ['observed', 'allow'],
        ['uncertain', 'allow'],
      ],
    );
  });

  it('gives an allowed line without a command of its own no row, a denied one gets one', async () => {
    const { decide, rows } = await open();
    const released = await decide({ text: 'q', quiet: true });
    assert.ok(released.kind === 'released' && released.seq === null);
    assert.deepEqual(rows(), []);
    await decide({ text: 'rm -rf /data/x', quiet: true });
    assert.equal(rows().length, 1);
  });

  describe('a line that was typed without echo', () => {
    const secret = (text: string): Partial<GateLine> => ({
      text: '(not echoed)',
      candidates: [text],
      certainty: 'observed',
      quiet: true,
      secret: true,
    });

    for (const [verdict, text] of [
      ['allow', 'echo hunter2'],
      ['deny', 'rm -rf /data/hunter2'],
      ['hold', 'shutdown hunter2'],
    ] as const) {
      it(`leaves nothing of its text anywhere on ${verdict}`, async () => {
        const { decide, world, rows, said } = await open();
        const deciding = decide(secret(text));
        await settled();
        world.decide(REFUSED);
        const outcome = await deciding;
        assert.deepEqual(
          rows().map((row) => [row.decision.verdict, row.text, row.decision.commands]),
          verdict === 'allow' ? [] : [[verdict, '(not echoed)', []]],
        );
        assert.doesNotMatch(JSON.stringify([world.steps, outcome, said]), /hunter2/);
      });
    }
  });

  describe('a held line', () => {
    it('is refused at once when sixteen of the principal wait, and asks nobody', async () => {
      const { decide, world, steps } = await open();
      const { held, limits } = world.dependencies;
      for (let count = 0; count < 16; count += 1) {
        assert.ok(held.enter(principal.name, limits.maxHeldPerPrincipal));
      }
      const outcome = await decide({ text: 'shutdown' });
      assert.ok(outcome.kind === 'refused');
      assert.match(outcome.notice, /16 commands of bot already wait for approval/);
      assert.deepEqual(steps(), ['event', 'decided']);
      held.leave(principal.name);
      const next = decide({ text: 'shutdown' });
      await settled();
      assert.equal(steps().at(-1), 'approval');
      world.decide(REFUSED);
      await next;
    });

    for (const [what, settle] of [
      ['approved', ({ world }) => world.decide({ kind: 'approved', by: 'a', reason: null })],
      ['refused', ({ world }) => world.decide(REFUSED)],
      ['expired', ({ world }) => world.decide({ kind: 'expired' })],
      ['given up', ({ abandon }) => abandon.abort()],
    ] satisfies [string, (opened: Opened) => void][]) {
      it(`makes room for others when it is ${what}`, async () => {
        const opened = await open();
        const { held } = opened.world.dependencies;
        const outcome = opened.decide({ text: 'shutdown' });
        await settled();
        assert.equal(held.enter(principal.name, 1), false);
        settle(opened);
        assert.equal((await outcome).kind, what === 'approved' ? 'released' : 'refused');
        assert.equal(held.enter(principal.name, 1), true);
      });
    }
  });
});
