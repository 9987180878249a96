/**
 * What people do to running sessions, from another process than the one that runs them: real clients of every
 * kind, and rules on output that stop a session.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../server/clock.ts';
import type { ApprovalView, SessionView } from '../../server/http/ports.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { silentLogger } from '../../server/log.ts';
import { createApprovals } from '../../server/store/approvals.ts';
import { createControls, type ControlKind } from '../../server/store/controls.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createJournal } from '../../server/store/journal.ts';
import { createTokens } from '../../server/store/tokens.ts';
import { apiOf, type Api } from '../support/api.ts';
import { freshUrl } from '../support/database.ts';
import { Flow } from '../support/flow.ts';
import { listening, until } from '../support/forward-scene.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { sshInteractive } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    holdTimeout: 60s
    rules:
      - {name: tickets, action: hold, match: {output: ticket, count: 5}, reason: "lists of tickets"}
      - {name: parts, action: deny, match: {output: part, count: 3}, reason: "lists of parts"}
    masks:
      - {name: ticket, pattern: "TICKET-[0-9]{6}"}
      - {name: part, pattern: "PART-[0-9]{6}"}
`;
const OPERATOR = '00000000-0000-7000-8000-000000000000';
const BULK_BYTES = 8 * 1024 * 1024;
/** What was on its way when somebody said stop: buffers of the bastion, of ssh and of the system. */
const MAX_ON_ITS_WAY = 6 * 1024 * 1024;

describe('e2e: people act on running sessions', function () {
  this.timeout(120_000);
  let folder: string;
  let real: RealTarget;
  let api: Api;
  let database: Database;
  let desk: ReturnType<typeof createControls>;
  let pour: Server;
  let pourPort: number;
  let bulk: Buffer;

  before(async () => {
    folder = await temporaryFolder();
    bulk = Buffer.from(randomBytes(BULK_BYTES).toString('base64').slice(0, BULK_BYTES));
    await writeFile(join(folder, 'bulk'), bulk);
    pour = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(bulk);
    });
    pourPort = await listening(pour);
    const url = await freshUrl();
    const forward = `forward: ["127.0.0.1:${pourPort}"]`;
    real = await startRealTarget(
      folder,
      POLICIES,
      { DATABASE_URL: url },
      {
        grants: (login) =>
          `  - {principals: ["group:people", bot], targets: [${TARGET}], logins: [${login}], channels: [shell, exec, sftp, scp], files: full, ${forward}, policy: default}`,
      },
    );
    api = await apiOf(real.bastion);
    database = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    const journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    desk = createControls({ database, journal, clock: systemClock, logger: silentLogger });
  });
  after(async () => {
    pour?.close();
    await database?.close();
    await real?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const agent = (...args: readonly string[]) => new Flow('ssh', real.sshConfig, args);

  /** The running session of this kind that began last. */
  function active(kind: SessionView['kind'], command = ''): Promise<SessionView> {
    return until(`a running ${kind} ${command}`, async () => {
      const { items } = JSON.parse(await api.get('sessions?status=active&limit=50')) as {
        items: SessionView[];
      };
      for (const one of items.filter((session) => session.kind === kind)) {
        if (command === '') return one;
        const rows = await api.commands(one.id);
        if (rows.some(({ text }) => text.includes(command))) return one;
      }
      return null;
    });
  }

  async function ask(session: string, kind: ControlKind, words: string | null = null) {
    const outcome = await desk.ask({
      session,
      kind,
      by: 'ann',
      principal: 'ann',
      source: 'http:192.0.2.1',
      words,
    });
    assert.equal(outcome.kind, 'asked');
  }

  async function events(session: string): Promise<readonly JournalEntry[]> {
    const { items } = JSON.parse(await api.get(`journal?session=${session}&limit=100`)) as {
      items: JournalEntry[];
    };
    return items.toSorted((one, other) => one.seq - other.seq);
  }

  it('pauses a command with much output, beside others on the same connections, and loses nothing', async () => {
    const socket = join(folder, 'cm');
    const shared = ['-o', `ControlPath=${socket}`];
    await using master = agent('-M', ...shared, 'agent', 'cat');
    await active('exec', 'cat');
    await using flow = agent(...shared, 'agent', `sleep 0.3; cat ${join(folder, 'bulk')}`);
    const { id } = await active('exec', 'bulk');
    await until('the first bytes', async () => (flow.bytes > 0 ? true : null));
    await ask(id, 'pause', 'let me look');
    await flow.says(/^sallyport: paused by ann: let me look$/m);
    const before = await flow.stands();
    assert.ok(before < MAX_ON_ITS_WAY, `${before} bytes came`);
    master.send('beside it\n');
    await until('the other one', async () => (master.text.includes('beside it') ? true : null));
    await using third = agent(...shared, 'agent', 'echo a third');
    assert.equal(await third.over, 0);
    assert.equal(flow.bytes, before);
    await ask(id, 'resume');
    assert.equal(await flow.over, 0);
    assert.equal(flow.sha256, createHash('sha256').update(bulk).digest('hex'));
    assert.match(flow.said, /resumed by ann/);
    master.finish();
    await master.over;
    const types = (await events(id)).map(({ type }) => type);
    assert.ok(types.indexOf('session.paused') < types.indexOf('session.resumed'));
    assert.match(await api.get(`sessions/${id}/recording?format=cast`), /sallyport: paused by ann/);
  });

  it('reads nothing that is typed into a paused shell before it goes on', async () => {
    await using terminal = sshInteractive({
      config: real.sshConfig,
      host: 'person',
      cols: 80,
      rows: 24,
    });
    await terminal.expect(/[$#] /);
    terminal.type(`PS1='READY''> '\r`);
    await terminal.expect('READY> ');
    const { id } = await active('shell');
    terminal.type('echo begin');
    await terminal.expect('echo begin');
    await ask(id, 'notice', 'save your work');
    await terminal.expect(/sallyport: notice from ann: save your work\r\nREADY> echo begin/);
    terminal.type('-42\r');
    await terminal.expect(/begin-42\r\n/);
    await terminal.expect('READY> ');
    await ask(id, 'pause', 'wait');
    await terminal.expect('sallyport: paused by ann: wait');
    const rows = (await api.commands(id)).length;
    const { length } = terminal.transcript;
    terminal.type(`echo mean''while\r`);
    await sleep(500);
    assert.ok(!terminal.transcript.slice(length).includes('mean'), terminal.transcript);
    assert.equal((await api.commands(id)).length, rows);
    await ask(id, 'resume');
    await terminal.expect(/meanwhile\r\n/);
    await until('its row', async () =>
      (await api.commands(id)).length === rows + 1 ? true : null,
    );
    await ask(id, 'terminate', 'that is enough');
    await terminal.expect('sallyport: session ended by ann: that is enough');
    await terminal.ended();
    const types = (await events(id))
      .map(({ type }) => type)
      .filter((type) => type.startsWith('session.'));
    assert.deepEqual(types, [
      'session.started',
      'session.noticed',
      'session.paused',
      'session.resumed',
      'session.terminated',
      'session.ended',
    ]);
  });

  it('pauses a script on standard input, and runs none of it meanwhile', async () => {
    await using flow = agent('agent', 'bash -s');
    flow.send('echo one\n');
    await until('the first line', async () => (flow.text === 'one\n' ? true : null));
    const { id } = await active('exec', 'bash -s');
    await ask(id, 'pause');
    await flow.says(/paused by ann$/m);
    flow.send('echo two\n');
    flow.finish();
    await sleep(300);
    assert.equal(flow.text, 'one\n');
    assert.equal((await api.commands(id)).length, 2);
    await ask(id, 'resume');
    assert.equal(await flow.over, 0);
    assert.equal(flow.text, 'one\ntwo\n');
  });

  for (const [name, kind, program, args] of [
    ['sftp', 'sftp', 'sftp', (to: string) => ['-b', '-', `agent:${join(folder, 'bulk')}`, to]],
    [
      'the old protocol of scp',
      'scp',
      'scp',
      (to: string) => ['-O', `agent:${join(folder, 'bulk')}`, to],
    ],
  ] as const) {
    it(`pauses ${name} in the middle of a file, and loses nothing`, async () => {
      const to = join(folder, `copied-${kind}`);
      const limit = ['-l', '40000'];
      await using flow = new Flow(program, real.sshConfig, [...limit, ...args(to)]);
      const { id } = await active(kind);
      await ask(id, 'pause');
      await flow.says(/paused by ann/);
      await sleep(300);
      const size = async () => (await readFile(to).catch(() => Buffer.alloc(0))).length;
      const before = await size();
      await sleep(500);
      assert.equal(await size(), before);
      assert.ok(before < BULK_BYTES);
      await ask(id, 'resume');
      assert.equal(await flow.over, 0, flow.said);
      assert.ok(bulk.equals(await readFile(to)));
    });
  }

  it('pauses and ends a forward', async () => {
    await using flow = agent('-W', `127.0.0.1:${pourPort}`, 'agent');
    const { id } = await active('forward');
    await ask(id, 'pause');
    const before = await flow.stands();
    assert.ok(before < BULK_BYTES, `${before}`);
    await ask(id, 'terminate', 'enough');
    await flow.over;
    assert.ok(flow.bytes < BULK_BYTES);
    assert.match(await api.get(`sessions/${id}/recording?format=txt`), /sallyport: paused by ann/);
  });

  it('acts on a session inside a jump, by the API and the command line, and says when it is too late', async () => {
    const { host, port } = real.bastion.run.ssh;
    const jump = `ann@${host}:${port}`;
    const key = join(folder, 'keys', 'person');
    const config = join(folder, 'jump_config');
    await writeFile(
      config,
      `Host *\n IdentityFile ${key}\n IdentitiesOnly yes\n IdentityAgent none\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n`,
    );
    await using flow = new Flow('ssh', config, ['-J', jump, `${real.sshd.user}@${TARGET}`, 'cat']);
    const { id, via } = await active('exec', 'cat');
    assert.equal(via, 'jump');
    const token = await createTokens(database).createToken({ kind: 'api', principalName: 'ann' });
    const post = async (kind: string, body: object = {}) => {
      const answer = await fetch(`${real.bastion.run.http.url}/api/v1/sessions/${id}/${kind}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const paused = await post('pause', { reason: 'a look' });
    assert.deepEqual([paused.status, paused.body['status']], [202, 'pausing']);
    assert.deepEqual((await post('pause')).body, paused.body);
    await flow.says(/paused by ann: a look/);
    flow.send('back\n');
    assert.equal((await post('notice', { text: '' })).status, 400);
    assert.equal((await post('notice', { text: 'x'.repeat(501) })).status, 400);
    const resumed = await real.bastion.cli('sessions', 'resume', id);
    assert.deepEqual([resumed.status, resumed.stdout], [0, `${id} goes on\n`]);
    await until('the answer', async () => (flow.text === 'back\n' ? true : null));
    assert.equal((await post('terminate', { reason: 'done' })).status, 202);
    assert.equal(await flow.over, 255);
    assert.match(flow.said, /resumed by cli:[^]*session ended by ann: done/);
    await until('its end', async () => ((await post('pause')).status === 409 ? true : null));
  });

  /** The approval that this session waits for. */
  function waiting(session: string): Promise<ApprovalView> {
    return until('an approval', async () => {
      const { items } = JSON.parse(await api.get('approvals?status=waiting')) as {
        items: ApprovalView[];
      };
      return items.find((one) => one.session === session) ?? null;
    });
  }

  async function decide(id: string, verdict: 'approved' | 'refused', reason: string | null) {
    const journal = createJournal({ database, clock: systemClock, logger: silentLogger });
    const publicUrl = (): string => '';
    const approvals = createApprovals({ database, journal, publicUrl, clock: systemClock });
    const operator = { id: OPERATOR, name: 'cli:root', kind: 'human', groups: [] } as const;
    const principal = { ...operator, roles: ['admin'] as const };
    const source = 'cli:root';
    return (await approvals.decide(id, verdict, { principal, source, reason, isOperator: true }))
      .kind;
  }

  it('stops a command whose output crosses a line, and delivers the rest when somebody agrees', async () => {
    await using flow = agent('agent', 'seq -f TICKET-%06.0f 4; sleep 0.2; seq -f TICKET-%06.0f 9');
    const { id } = await active('exec', 'seq');
    const approval = await waiting(id);
    assert.match(approval.text, /output: 5 × ticket/);
    await flow.says(/held by rule "tickets": waiting for approval/);
    assert.equal(flow.text, `${'*'.repeat(13)}\n`.repeat(4));
    assert.equal(await decide(approval.id, 'approved', null), 'decided');
    assert.equal(await flow.over, 0);
    assert.equal(flow.text, `${'*'.repeat(13)}\n`.repeat(13));
  });

  it('ends a shell whose output crosses a line, or when somebody refuses', async () => {
    for (const [command, wanted] of [
      ['seq -f PART-%06.0f 9', /denied by rule "parts": lists of parts/],
      ['seq -f TICKET-%06.0f 9', /refused by cli:root: no/],
    ] as const) {
      await using terminal = sshInteractive({
        config: real.sshConfig,
        host: 'person',
        cols: 120,
        rows: 24,
      });
      await terminal.expect(/[$#] /);
      terminal.type(`${command}; echo af''ter\r`);
      if (command.includes('TICKET')) {
        await terminal.expect('held by rule "tickets"');
        const approval = await waiting((await active('shell')).id);
        assert.equal(await decide(approval.id, 'refused', 'no'), 'decided');
      }
      await terminal.expect(wanted);
      await terminal.ended();
      assert.ok(!terminal.transcript.includes('after'), terminal.transcript);
      // What came before the line was crossed has been delivered.
      assert.ok(terminal.transcript.split(/\*{5,}/).length <= 5, terminal.transcript);
    }
  });
});
