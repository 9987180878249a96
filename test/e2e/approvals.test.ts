/** Approvals from both sides, with a real ssh: who asks, who decides, and what happens when either goes away. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalView } from '../../server/http/ports.ts';
import { apiOf, type Api } from '../support/api.ts';
import { EventStream } from '../support/event-stream.ts';
import { until } from '../support/forward-scene.ts';
import { programEnvironment, type ProgramResult } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh, sshInteractive } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion } from '../support/world.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: hold
    holdTimeout: 2m
    rules:
      - {name: asked, action: hold, match: {command: "echo held *"}, approvers: ["group:sre"], reason: "somebody looks"}
      - {name: made, action: hold, match: {command: "touch *"}}
      - {name: two, action: hold, match: {command: "echo two *"}, approvals: 2}
      - {name: four, action: hold, match: {command: "echo four *"}, fourEyes: true}
      - {name: late, action: hold, match: {command: "echo late *"}, approvers: ["group:sre"], escalate: {after: 1s, to: ["group:lead"]}}
`;
const DENIED = 126;

describe('approvals', () => {
  let folder: string;
  let real: RealTarget;
  let api: Api;
  let token: string;

  const start = async (): Promise<void> => {
    folder = await temporaryFolder();
    const grant = 'channels: [exec], policy: default';
    real = await startRealTarget(
      folder,
      POLICIES,
      {},
      {
        people: { bob: grant, lea: grant, dave: grant },
        about: {
          bob: 'roles: [approver], groups: [sre]',
          lea: 'roles: [approver], groups: [lead]',
        },
      },
    );
    api = await apiOf(real.bastion);
    token = (await real.bastion.cli('token', 'create', '--principal', 'bob')).stdout.trim();
  };
  const stop = async (): Promise<void> => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  before(start);
  after(stop);

  const agent = (command: string, args: readonly string[] = []): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: 'agent', args }, command);
  /** One of the bastion's own commands. */
  const say = (who: string, words: string): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: who, args: ['-l', 'bastion'] }, words);
  const approval = async (id: string): Promise<ApprovalView> =>
    JSON.parse(await api.get(`approvals/${id}`)) as ApprovalView;
  const waiting = (text: string): Promise<string> =>
    until(`an approval of ${text}`, async () => {
      const { items } = JSON.parse(await api.get('approvals?status=waiting')) as {
        items: ApprovalView[];
      };
      return items.find((one) => one.text === text)?.id;
    });
  const journalled = async (id: string): Promise<readonly string[]> => {
    const { items } = JSON.parse(await api.get('journal?limit=200')) as {
      items: { type: string; data: { id?: string } }[];
    };
    return items
      .filter(({ data }) => data.id === id)
      .map(({ type }) => type)
      .toReversed();
  };
  const stopped = new Set<ChildProcess>();
  /** An ssh that somebody ends. */
  const begin = (command: string): ChildProcess => {
    const child = spawn('ssh', ['-F', real.sshConfig, '-o', 'BatchMode=yes', 'agent', command], {
      env: programEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    stopped.add(child);
    return child;
  };
  afterEach(() => {
    for (const child of stopped) child.kill('SIGKILL');
    stopped.clear();
  });

  it('keeps the client, tells both sides, and lets whoever asked wait elsewhere', async () => {
    const alive = ['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=1'];
    const held = agent('echo held one', alive);
    const id = await waiting('echo held one');
    const waits = say('agent', `approvals wait ${id}`);
    assert.equal((await say('dave', `approvals wait ${id}`)).status, DENIED);
    assert.match((await say('agent', `approve ${id}`)).stderr, /needs the role approver/);
    assert.match((await say('lea', `approve ${id}`)).stderr, /not an approver of that request/);
    // Longer than a client without an answer would stay.
    await sleep(3000);
    assert.equal(
      (await say('bob', `approve ${id} fine with me`)).stdout.toString(),
      `${id} approved\n`,
    );
    const done = await held;
    assert.equal(done.stdout.toString(), 'held one\n');
    assert.equal(done.status, 0);
    const [first, second, third] = done.stderr.split('\n');
    assert.match(first ?? '', /^sallyport: held by rule "asked": waiting for approval \w+ \(http/);
    assert.match(
      second ?? '',
      /^sallyport: it is refused unless somebody approves by .* UTC, in 2 min|120 s$/,
    );
    assert.equal(third, 'sallyport: approved by bob');
    const waited = await waits;
    assert.equal(waited.stdout.toString(), 'sallyport: approved by bob: fine with me\n');
    assert.equal(waited.status, 0);
    assert.deepEqual(await journalled(id), ['approval.requested', 'approval.decided']);
    // Again the same is no mistake; something else is, and says who was first.
    assert.equal((await say('bob', `approve ${id}`)).status, 0);
    assert.match((await say('person', `deny ${id}`)).stderr, /decided already: approved by bob/);
    assert.equal((await say('agent', `approvals wait ${id}`)).status, 0);
  });

  it('shows an approver who asks, what would run, why, and what was before', async () => {
    const held = agent('sudo -n sh -c "echo held two"; echo free');
    const text = 'sudo -n sh -c "echo held two"; echo free';
    const id = await waiting(text);
    const shown = JSON.parse(await api.get(`approvals/${id}`)) as ApprovalView & {
      surroundings: { session: { kind: string }; resolved: { argv: string[]; via: string[] }[] };
    };
    assert.deepEqual([shown.principal, shown.kind, shown.text], ['bot', 'command', text]);
    assert.equal(shown.surroundings.session.kind, 'exec');
    const inner = shown.surroundings.resolved.find(({ argv }) => argv[1] === 'held');
    assert.deepEqual(inner?.via, ['sudo', 'sh -c']);
    assert.match(shown.grounds[0]?.why ?? '', /somebody looks \(`echo held two` inside/);
    await say('bob', `deny ${id} not as root`);
    const refused = await held;
    assert.match(refused.stderr, /sallyport: refused by bob: not as root/);
    assert.equal(refused.status, DENIED);
  });

  it('holds a line at a terminal, shows the last screen, and gives up at Ctrl-C', async () => {
    await using terminal = sshInteractive({ config: real.sshConfig, host: 'agent' });
    await terminal.expect(/[$#] /);
    terminal.type('echo be""fore\r');
    await terminal.expect(/before/);
    terminal.type('echo held shell\r');
    await terminal.expect(/waiting for approval/);
    const id = await waiting('echo held shell');
    const url = `${real.bastion.run.http.url}/api/v1/approvals/${id}/live`;
    const live = new EventStream(
      await fetch(url, { headers: { authorization: `Bearer ${token}` } }),
    );
    for (let all = ''; !/before/.test(all);) all += (await live.next())?.data ?? '';
    await live.close();
    const shown = JSON.parse(await api.get(`approvals/${id}`)) as {
      surroundings: { screen: { lines: string[] }; earlier: { text: string }[] };
    };
    assert.match(shown.surroundings.screen.lines.join('\n'), /before/);
    assert.deepEqual(
      shown.surroundings.earlier.map(({ text }) => text),
      ['echo be""fore'],
    );
    terminal.type('\u0003');
    await until('the end of the waiting', async () =>
      (await approval(id)).status === 'cancelled' ? true : null,
    );
    terminal.type('exit\r');
    await terminal.ended();
  });

  it('lets the same pass for as long as was approved, and no longer', async () => {
    const held = agent('echo held again');
    const id = await waiting('echo held again');
    await say('bob', `approve ${id} --for 10m every night`);
    assert.equal((await held).status, 0);
    const passed = await agent('echo held again');
    assert.match(
      passed.stderr,
      new RegExp(`^sallyport: approved by bob \\(until .* UTC, approval ${id}\\)\n$`),
    );
    assert.equal(passed.stdout.toString(), 'held again\n');
    assert.match(
      (await say('bob', 'approvals standing')).stdout.toString(),
      /used once: echo held again/,
    );
    const { items } = JSON.parse(await api.get('approvals?limit=5')) as { items: ApprovalView[] };
    const use = items.find(({ standing }) => standing === id);
    assert.deepEqual(await journalled(use?.id ?? ''), ['approval.used']);
    const session = use?.session ?? '';
    assert.equal((await api.commands(session))[0]?.approval, use?.id);
    assert.equal((await say('bob', `approvals revoke ${id} enough`)).status, 0);
    const asked = agent('echo held again');
    await say('bob', `deny ${await waiting('echo held again')}`);
    assert.equal((await asked).status, DENIED);
  });

  it('waits for as many people as the rule says, and for others than the agent’s owner', async () => {
    const two = agent('echo two x');
    const first = await waiting('echo two x');
    assert.match(
      (await say('bob', `approve ${first}`)).stdout.toString(),
      /one more person must approve/,
    );
    assert.match(
      (await say('bob', `approve ${first}`)).stdout.toString(),
      /one more person must approve/,
    );
    assert.equal((await approval(first)).status, 'waiting');
    await say('lea', `approve ${first}`);
    assert.match((await two).stderr, /sallyport: approved by bob, lea\n$/);
    const four = agent('echo four x');
    const second = await waiting('echo four x');
    assert.match((await say('person', `approve ${second}`)).stderr, /doesn’t own the agent/);
    await say('bob', `approve ${second}`);
    assert.equal((await four).status, 0);
  });

  it('asks others after a time', async () => {
    const held = agent('echo late x');
    const id = await waiting('echo late x');
    await until('the escalation', async () => (await approval(id)).escalatedAt);
    assert.equal((await say('lea', `approve ${id}`)).status, 0);
    assert.match((await held).stderr, /approved by lea/);
    const types = await journalled(id);
    assert.deepEqual(types, ['approval.requested', 'approval.escalated', 'approval.decided']);
  });

  it('never runs anything for a client that has gone, or does not answer', async () => {
    const made = join(folder, 'made');
    const killed = begin(`touch ${made}`);
    const gone = await waiting(`touch ${made}`);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await until('the end of the waiting', async () =>
      (await approval(gone)).status === 'waiting' ? null : true,
    );
    assert.equal((await approval(gone)).status, 'cancelled');
    assert.match((await say('bob', `approve ${gone}`)).stderr, /decided already: cancelled/);
    const frozen = begin(`touch ${made}`);
    const still = await waiting(`touch ${made}`);
    frozen.kill('SIGSTOP');
    assert.equal((await say('bob', `approve ${still}`)).status, 0);
    await until('the refusal', async () => {
      const { session } = await approval(still);
      const ended = JSON.parse(await api.get(`sessions/${session}`)) as { status: string };
      return ended.status === 'active' ? null : true;
    });
    assert.equal(existsSync(made), false);
  });

  it('decides either way when the client leaves at the same moment, and the row says which', async () => {
    for (let round = 0; round < 3; round += 1) {
      const made = join(folder, `raced-${round}`);
      const child = begin(`touch ${made}`);
      const id = await waiting(`touch ${made}`);
      const exited = once(child, 'exit');
      const decided = fetch(`${real.bastion.run.http.url}/api/v1/approvals/${id}/approve`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
      child.kill('SIGKILL');
      await Promise.all([decided, exited]);
      const end = await approval(id);
      assert.ok(['approved', 'cancelled'].includes(end.status), end.status);
      await until('the end of the session', async () => {
        const ended = JSON.parse(await api.get(`sessions/${end.session}`)) as { status: string };
        return ended.status === 'active' ? null : true;
      });
      if (end.status === 'cancelled') assert.equal(existsSync(made), false);
    }
  });

  it('streams what changes, and goes on where a listener left', async () => {
    const open = async (lastId: string | null): Promise<EventStream> =>
      new EventStream(
        await fetch(`${real.bastion.run.http.url}/api/v1/approvals/stream`, {
          headers: {
            authorization: `Bearer ${token}`,
            ...(lastId === null ? {} : { 'last-event-id': lastId }),
          },
        }),
      );
    const stream = await open(null);
    assert.equal((await stream.next())?.event, 'start');
    const held = agent('echo held streamed');
    const change = await stream.next();
    const first = JSON.parse(change?.data ?? '') as { what: string; approval: ApprovalView };
    assert.deepEqual([first.what, first.approval.text], ['requested', 'echo held streamed']);
    await stream.close();
    await say('bob', `deny ${first.approval.id}`);
    await held;
    const again = await open(change?.id ?? null);
    const missed = JSON.parse((await again.next())?.data ?? '') as typeof first;
    assert.deepEqual([missed.what, missed.approval.status], ['decided', 'refused']);
    await again.close();
  });

  // Tried again, it needs a bastion that nobody has killed yet.
  describe('a bastion that ends', () => {
    beforeEach(async () => {
      await stop();
      await start();
    });

    it('refuses what waits when the bastion ends, with or without a word', async function () {
      this.timeout(180_000);
      const { bastion, configuration } = real;
      const killed = begin('echo held across');
      const id = await waiting('echo held across');
      // It may end before the bastion is known to have ended.
      const hasEnded = once(killed, 'exit');
      await bastion.kill9();
      await hasEnded;
      const next = await startBastion({
        home: bastion.home,
        env: { SALLYPORT_CONFIG: configuration },
      });
      try {
        api = await apiOf(next);
        const after = await approval(id);
        assert.equal(after.status, 'cancelled');
        assert.equal(after.decisionReason, 'the bastion was restarted while it waited');
        assert.deepEqual(await journalled(id), ['approval.requested', 'approval.cancelled']);
        const place = ['-p', String(next.run.ssh.port), '-o', 'HostKeyAlias=bastion'];
        const held = agent('echo held to the end', place);
        await waiting('echo held to the end');
        const ending = next.stop();
        const told = await held;
        assert.match(
          told.stderr,
          /sallyport: refused: the bastion is stopping, and nobody has decided/,
        );
        assert.equal(told.status, DENIED);
        assert.equal(await ending, 0);
      } finally {
        await next[Symbol.asyncDispose]().catch(() => {});
      }
    });
  });
});
