/** Access that is asked for, granted for a time, and over at its end. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessRequestView } from '../../server/http/access-ports.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { programEnvironment, type ProgramResult } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default: {default: allow, uncertain: allow}
  urgent:
    default: allow
    uncertain: allow
    rules: [{name: no-reboot, action: deny, match: {command: reboot}}]`;
const WAIT_MS = 20_000;

describe('e2e: access for a time', function () {
  this.timeout(120_000);
  let folder: string;
  let real: RealTarget;
  let configuration: string;
  let ann: string;
  let bot: string;

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(
      folder,
      POLICIES,
      {},
      {
        grants: () => '',
        people: { lea: 'channels: [shell, exec], policy: default' },
      },
    );
    const plain = await readFile(real.configuration, 'utf8');
    configuration = plain
      .replace(
        '{name: lea, kind: human,',
        '{name: lea, kind: human, roles: [approver], groups: [leads],',
      )
      .concat(
        `requests:
  - {principals: ["group:agents", ann], targets: ["label:env=test"], logins: [${real.sshd.user}], channels: [exec], policy: urgent, maxDuration: 1h, approvers: ["group:leads"]}
`,
      );
    await apply(configuration);
    ann = await tokenOf('ann');
    bot = await tokenOf('bot');
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function apply(text: string): Promise<void> {
    await writeFile(real.configuration, text);
    const applied = await real.bastion.cli('apply', real.configuration);
    assert.equal(applied.status, 0, applied.stderr);
  }

  /** A command for the bastion itself. */
  function ask(host: string, command: string): Promise<ProgramResult> {
    return ssh({ config: real.sshConfig, host, args: ['-o', 'User=bastion'] }, command);
  }

  function run(host: string, command: string): Promise<ProgramResult> {
    return ssh({ config: real.sshConfig, host }, command);
  }

  /** Asks as `host`. @returns the id */
  async function requested(host: string, time: string): Promise<string> {
    const asked = await ask(host, `request ${TARGET}+run=4711 ${time} "the disk is full"`);
    assert.equal(asked.status, 0, asked.stderr);
    const [, id = ''] = /^([a-z0-9]+) waits until /.exec(asked.stdout.toString()) ?? [];
    assert.match(id, /^[a-z0-9]{6}$/, asked.stdout.toString());
    return id;
  }

  async function granted(time: string, more = ''): Promise<string> {
    const id = await requested('agent', time);
    const approved = await ask('lea', `approve ${id} ${more}`);
    assert.equal(approved.status, 0, approved.stderr);
    await until(async () => (await state(id)) === 'granted');
    return id;
  }

  async function state(id: string): Promise<AccessRequestView['status']> {
    const response = await call(`/access-requests/${id}`, bot);
    return ((await response.json()) as AccessRequestView).status;
  }

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await sleep(50)) {
      if (await isSo()) return;
    }
    assert.fail('it took too long');
  }

  /** Oldest first. */
  async function journal(type: string): Promise<readonly JournalEntry[]> {
    const response = await call(`/journal?type=${type}&limit=200`, ann);
    return ((await response.json()) as { items: JournalEntry[] }).items.toReversed();
  }

  function call(path: string, token: string, body?: object): Promise<Response> {
    return fetch(`${real.bastion.run.http.url}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async function tokenOf(name: string): Promise<string> {
    const made = await real.bastion.cli('token', 'create', '--principal', name);
    assert.equal(made.status, 0, made.stderr);
    return made.stdout.trim();
  }

  /** Something that would go on for long. */
  async function working(): Promise<{
    child: ChildProcess;
    said(): string;
    isOver(): Promise<boolean>;
  }> {
    const args = ['-F', real.sshConfig, 'agent', 'echo working; sleep 60'];
    const child = spawn('ssh', args, { env: programEnvironment() });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    const ended = once(child, 'exit').then(() => true);
    await until(async () => said.includes('working'));
    return {
      child,
      said: () => said,
      isOver: () => Promise.race([ended, sleep(WAIT_MS).then(() => false)]),
    };
  }

  it('answers the same for a target that there is not and for one that may not be asked for', async () => {
    const answers = [];
    for (const target of ['nothere', 'nowhere']) {
      const asked = await ask('agent', `request ${target} 1h why`);
      assert.equal(asked.status, 126);
      answers.push(asked.stderr.replaceAll(target, 'X'));
    }
    assert.equal(answers[0], answers[1]);
    assert.match(answers[0] ?? '', /^sallyport: there is no target "X" that you may ask for/);
    const long = await ask('agent', `request ${TARGET} 2h why`);
    assert.match(long.stderr, /access to web1 may be asked for at most 1h/);
    const why = await ask('agent', `request ${TARGET} 1h`);
    assert.match(why.stderr, /sallyport: say why/);
    const options = await ask('agent', 'request');
    assert.equal(options.stdout.toString(), `${real.sshd.user}@${TARGET}  up to 1h: exec\n`);
  });

  it('lets nobody in before somebody else has approved', async () => {
    const id = await requested('agent', '10m');
    assert.equal((await run('agent', 'echo in')).status, 255);
    const own = await requested('person', '10m');
    const approved = await ask('person', `approve ${own}`);
    assert.equal(approved.status, 126);
    assert.match(approved.stderr, /nobody decides their own request/);
    assert.equal((await run('person', 'echo in')).status, 255);
    const foreign = await ask('agent', `withdraw ${own}`);
    assert.match(foreign.stderr, /there is no such request of yours/);
    for (const [host, one] of [
      ['person', own],
      ['agent', id],
    ] as const) {
      assert.equal((await ask(host, `withdraw ${one}`)).stdout.toString(), `${one} withdrawn\n`);
    }
    assert.equal((await ask('lea', `approve ${id}`)).status, 126);
    assert.equal((await run('agent', 'echo in')).status, 255);
  });

  it('opens the target for the granted time, under its own policy, and ends what runs then', async () => {
    const id = await granted('1h', '--for 6s fine');
    const inside = await run('agent', 'echo in');
    assert.equal(inside.stdout.toString(), 'in\n', inside.stderr);
    assert.match((await run('agent', 'reboot')).stderr, /denied by rule "no-reboot"/);
    const busy = await working();
    assert.ok(await busy.isOver(), busy.said());
    assert.match(busy.said(), new RegExp(`sallyport: your access by request ${id} is over`));
    assert.equal((await run('agent', 'echo in')).status, 255);
    await until(async () => (await state(id)) === 'ended');
    const listed = await ask('agent', 'requests');
    assert.match(listed.stdout.toString(), /ended \(its time was over\): the disk is full/);
    const [grant] = (await journal('access.granted')).filter((one) => one.data['request'] === id);
    assert.deepEqual(
      [grant?.data['approvedBy'], grant?.data['askedS'], grant?.data['durationS']],
      [['lea'], 3600, 6],
    );
    const [request] = (await journal('access.requested')).filter(
      (one) => one.data['request'] === id,
    );
    assert.deepEqual(
      [
        request?.principal,
        request?.data['run'],
        request?.data['attribution'],
        request?.data['reason'],
      ],
      ['bot', '4711', 'claimed', 'the disk is full'],
    );
    const started = (await journal('session.started')).filter((one) => one.data['access'] === id);
    assert.deepEqual(started[0]?.data['approvedBy'], ['lea']);
    const decided = (await journal('command.decided')).filter((one) => one.data['access'] === id);
    assert.deepEqual(
      decided.map(({ data }) => data['verdict']),
      ['allow', 'deny', 'allow'],
    );
    assert.equal((await real.bastion.cli('verify', '--all')).status, 0);
  });

  it('ends early when the requester, an approver or the configuration says so', async () => {
    const ways: readonly (readonly [string, (id: string) => Promise<unknown>])[] = [
      ['withdraw', (id) => ask('agent', `withdraw ${id}`)],
      ['revoke', (id) => ask('lea', `revoke ${id} not now`)],
      ['approvals', (id) => ask('lea', `approvals revoke ${id} enough`)],
      ['apply', () => apply(configuration.replace('maxDuration: 1h', 'maxDuration: 30m'))],
    ];
    for (const [what, end] of ways) {
      const id = await granted('10m', what === 'approvals' ? '--for 5m' : '');
      const busy = await working();
      await end(id);
      assert.ok(await busy.isOver(), what);
      assert.equal((await run('agent', 'echo in')).status, 255, what);
      await until(async () => (await state(id)) === 'ended');
    }
    await apply(configuration);
    const ends = (await journal('access.ended')).slice(-4);
    assert.deepEqual(
      ends.map(({ data }) => [data['by'], data['why']]),
      [
        ['bot', 'no longer needed'],
        ['lea', 'not now'],
        ['lea', 'enough'],
        [null, 'the configuration no longer allows it'],
      ],
    );
  });

  it('waits for the decision with --wait, and says by its status what it was', async () => {
    for (const [answer, status] of [
      ['deny', 126],
      ['approve', 0],
    ] as const) {
      const waiting = ask('agent', `request ${TARGET} 1m why --wait`);
      let id = '';
      await until(async () => {
        const response = await call('/access-requests?limit=1', bot);
        const [newest] = ((await response.json()) as { items: AccessRequestView[] }).items;
        id = newest?.status === 'waiting' ? newest.id : '';
        return id !== '';
      });
      await ask('lea', `${answer} ${id} because`);
      const told = await waiting;
      assert.equal(told.status, status, told.stderr);
      if (answer === 'approve') assert.equal((await run('agent', 'echo in')).status, 0);
      await ask('agent', `withdraw ${id}`);
    }
  });

  it('is asked for and ended over HTTP as well', async () => {
    const made = await call('/access-requests', bot, {
      target: TARGET,
      duration: '5m',
      reason: 'by program',
      run: '12',
    });
    assert.equal(made.status, 201);
    const { id, status, url } = (await made.json()) as AccessRequestView & { url: string };
    assert.equal(status, 'waiting');
    assert.ok(url.endsWith(`/approvals/${id}`));
    assert.equal(
      (await call('/access-requests', bot, { target: 'nowhere', duration: '5m', reason: 'x' }))
        .status,
      404,
    );
    assert.equal(
      (await call('/access-requests', bot, { target: TARGET, duration: 'x', reason: 'x' })).status,
      400,
    );
    await ask('lea', `approve ${id}`);
    await until(async () => (await run('agent', 'true')).status === 0);
    const ended = await call(`/access-requests/${id}/end`, bot, { reason: 'done' });
    assert.equal(((await ended.json()) as AccessRequestView).settledWhy, 'done');
    assert.equal((await run('agent', 'true')).status, 255);
  });
});
