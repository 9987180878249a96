/** Commands through the bastion give exactly what a direct connection gives. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { ProgramOptions, ProgramResult } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}, reason: "production data"}
`;

interface Case {
  readonly name: string;
  readonly command: string | undefined;
  readonly args?: readonly string[];
  readonly options?: ProgramOptions;
  /** Compare sets of lines instead: two streams of one terminal have no order of their own. */
  readonly unordered?: boolean;
}

const megabytes = (count: number): Buffer => {
  const block = createHash('sha512').update(String(count)).digest();
  return Buffer.concat(Array.from({ length: (count << 20) / block.length }, () => block));
};

const CASES: readonly Case[] = [
  { name: 'output, errors and a status', command: 'echo out; echo err >&2; exit 7' },
  { name: 'no output', command: 'true' },
  { name: 'status 255', command: 'exit 255' },
  { name: 'death by signal', command: 'kill -TERM $$' },
  { name: 'death by SIGKILL', command: 'kill -KILL $$' },
  { name: 'death by a signal that ssh does not name', command: 'kill -BUS $$' },
  { name: 'a command that does not exist', command: 'no-such-command-here' },
  { name: 'quotes and spaces', command: `printf '%s\\n' "a  b" 'c"d' $'e\\tf'` },
  { name: 'UTF-8', command: `printf 'größe 漢字 👩‍👩‍👧\\n'` },
  { name: 'bytes that are no text', command: `printf '\\377\\376\\000\\001\\342\\202'` },
  { name: 'standard input', command: 'sort -r', options: { input: 'a\nc\nb\n' } },
  { name: 'standard input of 8 MB', command: 'sha256sum', options: { input: megabytes(8) } },
  { name: '16 MB of binary output', command: 'head -c 16777216 /dev/zero' },
  { name: '8 MB there and back', command: 'cat', options: { input: megabytes(8) } },
  {
    name: 'end of input before the end of output',
    command: 'cat; echo after',
    options: { input: 'x' },
  },
  {
    name: 'output closed long before the end',
    command: 'echo x; exec >&- 2>&-; sleep 0.3; exit 4',
  },
  { name: 'a background job that keeps the output', command: 'sleep 0.4 & echo started' },
  { name: 'no input (-n)', command: 'cat; echo done', args: ['-n'] },
  {
    name: 'a variable that passes',
    command: 'echo "$LC_SALLYPORT"',
    args: ['-o', 'SetEnv=LC_SALLYPORT=kept'],
  },
  {
    name: 'a terminal (-tt)',
    command: 'tty >/dev/null && echo terminal; echo err >&2',
    args: ['-tt', '-o', 'LogLevel=ERROR'],
  },
  {
    name: 'both streams busy',
    command: 'seq 1 300000 & seq 500001 800000 >&2 & wait',
    unordered: true,
  },
];

function comparable(result: ProgramResult, unordered: boolean): unknown {
  const { status, signal } = result;
  const text = (bytes: Buffer | string): string =>
    unordered
      ? createHash('sha256').update(bytes).digest('hex')
      : Buffer.from(bytes).toString('latin1');
  return { status, signal, stdout: text(result.stdout), stderr: text(result.stderr) };
}

describe('e2e: commands, compared with a direct connection', () => {
  let folder: string;
  let real: RealTarget;
  let demo: Bastion;

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(folder, POLICIES);
    demo = await startBastion();
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await demo[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  for (const one of CASES) {
    const run = (config: string, host: string): Promise<ProgramResult> =>
      ssh({ config, host, args: one.args ?? [], ...one.options }, one.command);
    const compare = async (config: string, host: string): Promise<void> => {
      const direct = await run(real.sshConfig, 'direct');
      const through = await run(config, host);
      const unordered = one.unordered ?? false;
      assert.deepEqual(comparable(through, unordered), comparable(direct, unordered));
    };
    it(`${one.name}: a real sshd`, () => compare(real.sshConfig, 'agent'));
    it(`${one.name}: the demo target`, () => compare(demo.sshConfig, 'demo-agent'));
  }

  it('runs many commands at once on one connection', async () => {
    const control = `${folder}/control`;
    const master = [
      '-o',
      'ControlMaster=auto',
      '-o',
      `ControlPath=${control}`,
      '-o',
      'ControlPersist=20',
    ];
    await ssh({ config: real.sshConfig, host: 'agent', args: master }, 'true');
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        ssh(
          { config: real.sshConfig, host: 'agent', args: master },
          `sleep 0.1; echo ${index}; exit ${index}`,
        ),
      ),
    );
    assert.deepEqual(
      results.map(({ status, stdout }) => [status, stdout.toString()]),
      Array.from({ length: 8 }, (_, index) => [index, `${index}\n`]),
    );
    await ssh({ config: real.sshConfig, host: 'agent', args: [...master, '-O', 'exit'] });
  });

  it('records and judges what comes through ssh -J like any other', async () => {
    const through = await ssh({ config: demo.sshConfig, host: 'demo-jump' }, 'echo out; exit 9');
    assert.equal(through.stdout.toString(), 'out\n', through.stderr);
    assert.equal(through.status, 9);
    const big = await ssh(
      { config: demo.sshConfig, host: 'demo-jump', input: megabytes(8) },
      'sha256sum',
    );
    const direct = await ssh(
      { config: demo.sshConfig, host: 'demo', input: megabytes(8) },
      'sha256sum',
    );
    assert.deepEqual(big.stdout, direct.stdout);
    const denied = await ssh({ config: demo.sshConfig, host: 'demo-jump' }, 'rm -rf /');
    assert.equal(denied.status, 126);
    assert.match(denied.stderr, /^sallyport: denied by rule /);
    const elsewhere = await ssh(
      { config: demo.sshConfig, host: 'demo-jump', args: ['-o', 'HostName=nosuch'] },
      'id',
    );
    assert.match(elsewhere.stderr, /there is no target "nosuch" that you may reach/);
    const { stdout } = await demo.cli('sessions', 'list', '--json', '--limit', '4');
    const { items } = JSON.parse(stdout) as {
      items: { via: string; principal: { name: string } }[];
    };
    assert.deepEqual(
      items.map((one) => [one.via, one.principal.name]),
      [
        ['jump', 'demo'],
        ['direct', 'demo'],
        ['jump', 'demo'],
        ['jump', 'demo'],
      ],
    );
  });

  it('denies with status 126 and one line, and the target sees nothing', async () => {
    const marker = `${folder}/ran`;
    const result = await ssh(
      { config: real.sshConfig, host: 'agent' },
      `touch ${marker}; sudo rm -rf /data/db`,
    );
    assert.equal(result.status, 126);
    assert.equal(result.stdout.length, 0);
    assert.match(
      result.stderr,
      /^sallyport: denied by rule "no-wipe": production data.* \(command 1 of session [0-9a-f-]{36}\)\n$/,
    );
    const seen = await ssh({ config: real.sshConfig, host: 'direct' }, `ls ${marker}`);
    assert.notEqual(seen.status, 0, 'the command ran');
  });

  it('gives the same reason to the client, the record, the journal, the API and the page', async () => {
    const { stderr } = await ssh(
      { config: demo.sshConfig, host: 'demo-agent' },
      'id; sudo rm -rf /etc',
    );
    const found = /^sallyport: denied by rule "wipe": (.*) \(command 1 of session (\S+)\)\n$/.exec(
      stderr,
    );
    const [, reason = '', session = ''] = found ?? [];
    assert.match(reason, /\(`rm -rf \/etc` inside `sudo`\)$/);
    const recorded = await demo.cli('sessions', 'commands', session, '--json');
    const { items } = JSON.parse(recorded.stdout) as { items: { reason: string }[] };
    assert.equal(items[0]?.reason, reason);
    const journal = await demo.cli('journal', 'export', '--json');
    assert.ok(journal.stdout.includes(`"reason":${JSON.stringify(reason)}`), 'the journal');
    const tested = await demo.cli('policy', 'test', 'id; sudo rm -rf /etc');
    assert.equal((JSON.parse(tested.stdout) as { reason: string }).reason, reason);
    const token = (await demo.cli('token', 'create', '--principal', 'demo')).stdout.trim();
    const get = async (path: string): Promise<string> => {
      const answer = await fetch(`${demo.run.http.url}${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(answer.status, 200, path);
      return answer.text();
    };
    const commands = JSON.parse(
      await get(`/api/v1/sessions/${session}/commands`),
    ) as typeof recorded & {
      items: { reason: string }[];
    };
    assert.equal(commands.items[0]?.reason, reason);
    assert.ok((await get(`/sessions/${session}`)).includes(reason), 'the page');
  });

  it('holds until somebody decides', async () => {
    const held = ssh(
      { config: demo.sshConfig, host: 'demo-agent' },
      'sudo -n shutdown -k now; true',
    );
    const waiting = await waitingApproval(demo);
    const approved = await demo.cli('approvals', 'approve', waiting, '--reason', 'harmless');
    assert.equal(approved.status, 0, approved.stderr);
    const result = await held;
    assert.match(
      result.stderr,
      new RegExp(
        `^sallyport: held by rule "[^"]+": waiting for approval ${waiting} \\(http://\\S+, or: ssh \\S.* approve ${waiting}\\)\\nsallyport: it is refused unless [^\\n]+\\nsallyport: approved by `,
      ),
    );

    const second = ssh({ config: demo.sshConfig, host: 'demo-agent' }, 'shutdown -k now');
    const id = await waitingApproval(demo);
    const overSsh = await ssh(
      { config: demo.sshConfig, host: 'demo-bastion' },
      `deny ${id} not today`,
    );
    assert.equal(overSsh.status, 0, overSsh.stderr);
    const denied = await second;
    assert.equal(denied.status, 126);
    assert.match(denied.stderr, /sallyport: refused by demo: not today\n$/);
  });

  it('answers its own commands', async () => {
    const own = (command: string): Promise<ProgramResult> =>
      ssh({ config: demo.sshConfig, host: 'demo-bastion' }, command);
    assert.match((await own('whoami')).stdout.toString(), /^demo \(human\)\n/);
    assert.match((await own('targets')).stdout.toString(), /@demo {2}shell, exec, sftp, scp\n/);
    assert.match((await own('sessions')).stdout.toString(), /demo/);
    const unknown = await own('rm -rf /');
    assert.equal(unknown.status, 255);
    assert.match(
      unknown.stderr,
      /there is no target "bastion" that you may reach; .*other commands with: ssh BASTION help/,
    );
  });
});

async function waitingApproval(bastion: Bastion): Promise<string> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const { stdout } = await bastion.cli('approvals', 'list', '--json');
    const { items } = JSON.parse(stdout) as { items: { id: string }[] };
    if (items[0] !== undefined) return items[0].id;
  }
  throw new Error('nothing waits');
}
