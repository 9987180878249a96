import assert from 'node:assert/strict';
import { compilePolicy } from '../../server/policy/document.ts';
import type { Policy } from '../../server/policy/policy.ts';
import { Gate, type GateLine, type GateOutcome } from '../../server/session/gate.ts';
import { HeldCommands } from '../../server/session/held-commands.ts';
import { maskedPorts } from '../../server/session/masked-record.ts';
import type { ApprovalRequest, RequestedApproval } from '../../server/session/ports.ts';
import { initialState } from '../../server/shell/state.ts';
import { begin, fakeWorld, grantFor, principal, settled } from '../support/session-fakes.ts';

const APPROVED = { kind: 'approved', by: 'alice', reason: null } as const;

function policyOf(rules: readonly object[], more: object = {}): Policy {
  const compiled = compilePolicy('own', { rules, ...more });
  if (compiled.kind === 'invalid') throw new Error(JSON.stringify(compiled.problems));
  return compiled.policy;
}

const HOLD = { name: 'ask', action: 'hold', match: { command: 'reboot' } };

async function open(
  options: {
    policy?: Policy;
    isThere?: () => Promise<boolean>;
    standing?: RequestedApproval['standing'];
  } = {},
) {
  const world = fakeWorld();
  const { nowUs, output, recording } = await begin(world);
  let inForce = { version: 4, policy: options.policy ?? policyOf([HOLD]) };
  const held = new HeldCommands();
  const requests: ApprovalRequest[] = [];
  const { approvals } = world.dependencies;
  const gate = new Gate(
    {
      ...world.dependencies,
      held,
      policies: { byName: () => Promise.resolve(inForce) },
      approvals: {
        ...approvals,
        request: async (request) => {
          requests.push(request);
          const asked = await approvals.request(request);
          return options.standing === undefined ? asked : { ...asked, standing: options.standing };
        },
      },
    },
    {
      sessionId: 's1',
      grant: grantFor('exec'),
      recording,
      output,
      nowUs,
      state: initialState(false),
      ...(options.isThere !== undefined && { isThere: options.isThere }),
    },
  );
  const said: string[] = [];
  const abandon = new AbortController();
  const decide = (text: string, more: Partial<GateLine> = {}): Promise<GateOutcome> => {
    const line: GateLine = {
      text,
      candidates: [text],
      guesses: new Set(),
      language: 'shell',
      certainty: 'exact',
      why: null,
      quiet: false,
      secret: false,
      ...more,
    };
    return gate.decide(line, abandon.signal, async (words) => void said.push(words));
  };
  const change = (policy: Policy): void => void (inForce = { version: 5, policy });
  return { abandon, change, decide, held, requests, said, world };
}

describe('what is held', () => {
  it('asks with everything that people need to know', async () => {
    const policy = policyOf([{ ...HOLD, approvals: 2, fourEyes: true }], { approvers: ['ann'] });
    const { decide, requests, said, world } = await open({ policy });
    const outcome = decide('sudo reboot');
    await settled();
    world.decide(APPROVED);
    assert.equal((await outcome).kind, 'released');
    const [asked] = requests;
    assert.equal(asked?.kind, 'command');
    assert.deepEqual(asked?.demands, [
      { rule: 'ask', approvers: ['ann'], minimum: 2, fourEyes: true, escalation: null },
    ]);
    assert.deepEqual(asked?.grounds, [
      { rule: 'ask', isDoubt: false, why: '`reboot` inside `sudo`' },
    ]);
    assert.match(said[1] ?? '', /it is refused unless 2 people approve by .* UTC, in 10 min$/);
    const { repeat } = asked ?? {};
    assert.ok(repeat?.kind === 'possible' && repeat.policyVersion === 4);
  });

  const REPEATS: [what: string, text: string, more: Partial<GateLine>, same: boolean][] = [
    ['the same', 'reboot', {}, true],
    ['another text', 'reboot ', {}, false],
    ['other words', 'reboot -f', {}, false],
    ['another reading beside it', 'reboot', { candidates: ['reboot', 'reboot x'] }, false],
    ['other input', 'reboot', { input: 'yes' }, false],
  ];
  for (const [what, text, more, same] of REPEATS) {
    it(`${same ? 'is' : 'is not'} the same again with ${what}`, async () => {
      const { decide, requests, world } = await open();
      const first = decide('reboot');
      await settled();
      world.decide(APPROVED);
      await first;
      const second = decide(text, more);
      await settled();
      world.decide(APPROVED);
      await second;
      const [one, other] = requests.map(({ repeat }) =>
        repeat?.kind === 'possible' ? repeat.fingerprint : null,
      );
      assert.ok(typeof one === 'string' && typeof other === 'string');
      assert.equal(one === other, same);
    });
  }

  const NEVER: [what: string, text: string, more: Partial<GateLine>][] = [
    ['can’t be read with certainty', 'reboot "$(', {}],
    ['was read off a screen in part', 'reboot', { certainty: 'uncertain' }],
    ['was typed without echo', 'reboot', { secret: true }],
  ];
  for (const [what, text, more] of NEVER) {
    it(`is decided each time when it ${what}`, async () => {
      const { decide, requests, world } = await open();
      const outcome = decide(text, more);
      await settled();
      world.decide(APPROVED);
      await outcome;
      assert.equal(requests[0]?.repeat?.kind, 'never');
    });
  }

  it('passes at once by an earlier approval, and says by whose', async () => {
    const untilMs = Date.parse('2026-11-22T03:00:00Z');
    const { decide, said } = await open({ standing: { id: 'abc234', by: 'bob', untilMs } });
    assert.equal((await decide('reboot')).kind, 'released');
    assert.deepEqual(said, [
      'sallyport: approved by bob (until 2026-11-22 03:00:00 UTC, approval abc234)',
    ]);
  });

  it('does not run for a client that does not answer', async () => {
    const { decide, world } = await open({ isThere: () => Promise.resolve(false) });
    const outcome = decide('reboot');
    await settled();
    world.decide(APPROVED);
    const end = await outcome;
    assert.match(end.kind === 'refused' ? end.notice : '', /the client did not answer/);
  });

  it('does not run when the client leaves at the moment of the approval', async () => {
    const { abandon, decide, world } = await open({
      isThere: async () => {
        abandon.abort();
        return true;
      },
    });
    const outcome = decide('reboot');
    await settled();
    world.decide(APPROVED);
    assert.equal((await outcome).kind, 'refused');
  });

  it('does not run when its rule denies by then', async () => {
    const { change, decide, world } = await open();
    const outcome = decide('reboot');
    await settled();
    change(policyOf([{ ...HOLD, action: 'deny' }]));
    world.decide(APPROVED);
    const end = await outcome;
    assert.match(end.kind === 'refused' ? end.notice : '', /rule "ask" denies it by now/);
  });

  it('is refused when the bastion stops, and so is what comes after', async () => {
    const { decide, held, requests } = await open();
    const outcome = decide('reboot');
    await settled();
    held.stop();
    const end = await outcome;
    assert.match(end.kind === 'refused' ? end.notice : '', /the bastion is stopping/);
    assert.equal((await decide('reboot')).kind, 'refused');
    assert.equal(requests.length, 1);
  });

  it('shows approvers no secret, and what has one is decided each time', async () => {
    const policy = policyOf([HOLD], { masks: [{ name: 'own', pattern: 'TICKET-[0-9]{6}' }] });
    const world = fakeWorld();
    const { policies, recordings } = {
      ...world.dependencies,
      policies: { byName: () => Promise.resolve({ version: 1, policy }) },
    };
    const asked: ApprovalRequest[] = [];
    const approvals = {
      ...world.dependencies.approvals,
      request: (one: ApprovalRequest) => {
        asked.push(one);
        return Promise.resolve({ id: 'x', url: 'y' });
      },
    };
    const masked = maskedPorts({ approvals, recordings }, policies);
    const { recordings: sink } = masked;
    const grant = grantFor('exec');
    await sink.begin({
      id: 's1',
      kind: 'exec',
      principal,
      target: grant.target.name,
      login: grant.login.name,
      via: 'direct',
      source: 'x',
      run: null,
      task: null,
      attribution: null,
      startedAtMs: 0,
      size: { cols: 80, rows: 24 },
      term: null,
      command: null,
      policy: 'own',
      policyVersion: 1,
      recording: 'strict',
      keepDays: null,
    });
    await masked.approvals.request({
      session: 's1',
      principal: 'bot',
      target: 'web1',
      commandSeq: 1,
      text: 'reboot TICKET-123456',
      rule: 'ask',
      reason: 'see TICKET-123456',
      approvers: [],
      grounds: [{ rule: 'ask', isDoubt: false, why: '`reboot TICKET-123456`' }],
      repeat: { kind: 'possible', fingerprint: 'f', policy: 'own', policyVersion: 1 },
      expiresAtMs: 1,
    });
    assert.doesNotMatch(JSON.stringify(asked), /123456/);
    assert.deepEqual(asked[0]?.repeat, { kind: 'never', why: 'a secret in it is masked' });
  });
});
