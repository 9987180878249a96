/** Files through the bastion with the programs that people use, against a real sshd. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalView, SessionView } from '../../server/http/ports.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { apiOf, type Api } from '../support/api.ts';
import { programEnvironment, runProgram, type ProgramResult } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PATIENCE_MS = 20_000;

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('e2e: sftp', () => {
  const contents = randomBytes(2_000_000);
  let folder: string;
  /** On the target. */
  let far: string;
  /** On the client. */
  let near: string;
  let real: RealTarget;
  let api: Api;

  before(async () => {
    folder = await temporaryFolder();
    far = join(folder, 'far');
    near = join(folder, 'near');
    for (const name of ['far', 'far/secret', 'far/ask', 'far/tree/deep', 'near']) {
      await mkdir(join(folder, name), { recursive: true });
    }
    await writeFile(join(far, 'a'), contents);
    await writeFile(join(far, 'secret/s'), 'top secret');
    await writeFile(join(far, 'ask/q'), 'the answer');
    await writeFile(join(far, 'tree/deep/leaf'), 'leaf');
    await symlink(join(far, 'secret'), join(far, 'link'));
    await writeFile(join(near, 'up'), contents);
    const policies = `policies:
  default:
    default: allow
    uncertain: hold
    holdTimeout: 30s
    rules:
      - {name: secret, action: deny, match: {path: ["${far}/secret/**"]}, reason: "not for you"}
      - {name: ask, action: hold, match: {path: ["${far}/ask/**"]}, reason: "ask first"}
`;
    real = await startRealTarget(
      join(folder, 'bastion'),
      policies,
      {},
      {
        grants: (login) => `
  - {principals: [ann], targets: [${TARGET}], logins: [${login}], channels: [shell, exec, sftp], policy: default}
  - {principals: [bot], targets: [${TARGET}], logins: [${login}], channels: [sftp], policy: default, files: upload-only, keepFiles: true}
  - {principals: [bot], targets: [nowhere], logins: [${login}], channels: [exec], policy: default}`,
      },
    );
    api = await apiOf(real.bastion);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs these commands of sftp; one that fails ends it unless a dash stands before it. */
  function sftp(host: string, ...commands: readonly string[]): Promise<ProgramResult> {
    const input = [`cd ${far}`, `lcd ${near}`, ...commands, ''].join('\n');
    return runProgram('sftp', ['-q', '-F', real.sshConfig, '-b', '-', host], { input });
  }

  async function done(host: string, ...commands: readonly string[]): Promise<ProgramResult> {
    const result = await sftp(host, ...commands);
    assert.equal(result.status, 0, result.stderr + result.stdout.toString());
    return result;
  }

  const lastSession = (): Promise<SessionView> => api.lastSession();

  /** `verdict text` of each row of the last session. */
  async function rows(): Promise<string[]> {
    const commands = await api.commands((await lastSession()).id);
    return commands.map(({ decision, text }) => `${decision} ${text.replaceAll(far, 'FAR')}`);
  }

  /** What the journal says of files in the last session. */
  async function files(): Promise<JournalEntry[]> {
    const { id } = await lastSession();
    const answer = await api.get(`journal?session=${id}&limit=200`);
    const { items } = JSON.parse(answer) as { items: JournalEntry[] };
    return items.toReversed().filter(({ type }) => type.startsWith('file.'));
  }

  async function approvals(): Promise<readonly ApprovalView[]> {
    const { items } = JSON.parse(await api.get('approvals')) as { items: ApprovalView[] };
    return items;
  }

  it('does all that OpenSSH’s client can ask for', async () => {
    const { stdout } = await done(
      'person',
      'pwd',
      'get a down',
      'put up b',
      'ls -l',
      'rename b c',
      'chmod 600 c',
      'ln c hard',
      'ln -s c soft',
      'df',
      'cp c copied',
      'mkdir made',
      'rmdir made',
      'get -r tree',
      'rm hard',
      'rm soft',
    );
    assert.match(stdout.toString(), /Remote working directory: /);
    assert.ok((await readFile(join(near, 'down'))).equals(contents));
    assert.ok((await readFile(join(far, 'c'))).equals(contents));
    assert.ok((await readFile(join(far, 'copied'))).equals(contents));
    assert.equal(await readFile(join(near, 'tree/deep/leaf'), 'utf8'), 'leaf');
    assert.equal((await stat(join(far, 'c'))).mode & 0o777, 0o600);
    assert.deepEqual(await rows(), [
      'allow read FAR/a',
      'allow write FAR/b',
      'allow rename FAR/b FAR/c',
      'allow setstat FAR/c mode 0600',
      'allow hardlink FAR/c FAR/hard',
      'allow symlink FAR/soft -> c',
      'allow read FAR/c',
      'allow write FAR/copied',
      'allow copy FAR/c FAR/copied',
      'allow mkdir FAR/made mode 0777',
      'allow rmdir FAR/made',
      'allow read FAR/tree/deep/leaf',
      'allow remove FAR/hard',
      'allow remove FAR/soft',
    ]);
    const entries = await files();
    const [read, written] = entries.map(({ data }) => data);
    const whole = { bytes: contents.length, sha256: sha256(contents), complete: true, from: 0 };
    for (const one of [read, written]) {
      assert.deepEqual({ ...one, ...whole }, one);
    }
    const session = await lastSession();
    assert.equal(session.kind, 'sftp');
    assert.equal(session.commandCount, 14);
    assert.ok(session.recording.complete);
    const shown = await api.get(`sessions/${session.id}/recording?format=txt`);
    assert.ok(shown.includes(`read ${far}/a: read 2000000 bytes, sha256 ${sha256(contents)}`));
    assert.ok(shown.length < 10_000, 'contents are not in the recording');
    assert.equal((await real.bastion.cli('verify', '--all')).status, 0);
  });

  it('resumes in both directions, and says of which part the hash is', async () => {
    await writeFile(join(near, 'part'), contents.subarray(0, 700_000));
    await writeFile(join(far, 'part'), contents.subarray(0, 500_000));
    await done('person', 'reget a part', 'reput up part');
    assert.ok((await readFile(join(near, 'part'))).equals(contents));
    assert.ok((await readFile(join(far, 'part'))).equals(contents));
    const [read, written] = (await files()).map(({ data }) => data);
    for (const [data, from] of [
      [read, 700_000],
      [written, 500_000],
    ] as const) {
      assert.equal(data?.['from'], from);
      assert.equal(data?.['to'], contents.length);
      assert.equal(data?.['complete'], false);
      assert.equal(data?.['sha256'], sha256(contents.subarray(from)));
    }
  });

  it('denies a path in every spelling, for that request only', async () => {
    const spellings = [
      'secret/s',
      'link/s',
      'tree/../secret/s',
      '../far/secret/s',
      'tree//../link/s',
    ];
    const result = await sftp(
      'person',
      ...spellings.map((path) => `-get ${path} stolen`),
      '-ls secret',
      '-rm link/s',
      '-ln secret/s mine',
      '-rename secret mine',
      '-put up secret/new',
      '-put up link/new',
      'get tree/deep/leaf last',
    );
    assert.equal(result.status, 0, result.stderr);
    assert.equal(existsSync(join(near, 'stolen')), false);
    assert.equal(existsSync(join(far, 'mine')), false);
    assert.deepEqual(await readdir(join(far, 'secret')), ['s']);
    assert.equal(await readFile(join(near, 'last'), 'utf8'), 'leaf');
    const found = await rows();
    assert.ok(found.filter((row) => row.startsWith('deny ')).length >= 11, found.join('\n'));
    assert.deepEqual(
      found.filter((row) => row.startsWith('allow ')),
      ['allow read FAR/tree/deep/leaf'],
    );
    assert.match(result.stderr, /sallyport: denied by rule "secret": not for you \(command 1 of/);
  });

  it('follows a link that was swapped after it was looked at', async () => {
    const first = join(far, 'swapped');
    await symlink(join(far, 'tree'), first);
    await done('person', 'get swapped/deep/leaf leaf1');
    await rm(first);
    await symlink(join(far, 'secret'), first);
    const second = await sftp('person', 'get swapped/s stolen');
    assert.notEqual(second.status, 0);
    assert.equal(existsSync(join(near, 'stolen')), false);
    await rm(first);
  });

  it('holds a file until somebody approves it', async () => {
    const running = sftp('person', 'get ask/q asked');
    const approval = await waiting();
    assert.equal(approval.text.replaceAll(far, 'FAR'), 'read FAR/ask/q');
    assert.equal(existsSync(join(near, 'asked')), false);
    // The session belongs to ann, who can't approve for herself.
    assert.equal((await real.bastion.cli('approvals', 'approve', approval.id)).status, 0);
    const result = await running;
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stderr, /held by rule "ask".*\n.*unless.*\n.*approved by /);
    assert.equal(await readFile(join(near, 'asked'), 'utf8'), 'the answer');
  });

  it('gives an approval up when the client ends', async () => {
    const child = spawn('scp', ['-q', '-F', real.sshConfig, `person:${far}/ask/q`, near], {
      env: programEnvironment(),
      stdio: 'ignore',
      detached: true,
    });
    const approval = await waiting();
    // OpenSSH's clients of sftp wait for an answer whatever Ctrl-C says.
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = (await approvals()).find(({ id }) => id === approval.id);
      if (found?.status === 'cancelled') break;
      assert.ok(Date.now() < deadline, 'it was never cancelled');
      await sleep(100);
    }
    child.kill('SIGKILL');
  });

  async function waiting(): Promise<ApprovalView> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = (await approvals()).find(({ status }) => status === 'waiting');
      if (found !== undefined) return found;
      assert.ok(Date.now() < deadline, 'nobody asked for an approval');
      await sleep(100);
    }
  }

  it('takes uploads only, where a grant says so', async () => {
    await mkdir(join(far, 'drop'));
    await done('agent', 'mkdir drop/in', 'put up drop/in/x', 'chmod 640 drop/in/x');
    // And keeps what was uploaded.
    const { id } = await lastSession();
    const output = join(near, 'kept');
    const kept = await real.bastion.cli('sessions', 'file', id, '2', '-o', output);
    assert.equal(kept.status, 0, kept.stderr);
    assert.ok((await readFile(output)).equals(contents));
    assert.equal((await real.bastion.cli('verify', id)).status, 0);
    assert.equal((await real.bastion.cli('sessions', 'file', id, '1', '-o', output)).status, 1);
    const refused = await sftp(
      'agent',
      '-get a stolen',
      '-ls',
      '-rm drop/in/x',
      '-rename a b',
      '-ln -s a l',
      '-get -r tree',
    );
    assert.equal(refused.status, 0, refused.stderr);
    assert.ok((await readFile(join(far, 'drop/in/x'))).equals(contents));
    assert.equal(existsSync(join(near, 'stolen')), false);
    assert.equal(existsSync(join(far, 'b')), false);
    assert.match(refused.stderr, /denied by rule "files: upload-only"/);
  });

  it('says clearly that a grant has no sftp', async () => {
    const result = await ssh(
      {
        config: real.sshConfig,
        host: 'agent',
        args: ['-s', '-o', `User=${real.sshd.user}@nowhere`],
      },
      'sftp',
    );
    assert.equal(result.status, 255);
    assert.match(result.stderr, /^sallyport: .*doesn't cover a session of kind sftp; ask for one/);
  });

  it('serves scp as it is today', async () => {
    const copy = (...args: readonly string[]) =>
      runProgram('scp', ['-q', '-F', real.sshConfig, ...args]);
    assert.equal((await copy(`person:${far}/a`, join(near, 'scp'))).status, 0);
    assert.equal((await copy('-rp', join(near, 'tree'), `person:${far}/scp`)).status, 0);
    assert.ok((await readFile(join(near, 'scp'))).equals(contents));
    assert.equal(await readFile(join(far, 'scp/deep/leaf'), 'utf8'), 'leaf');
    const denied = await copy(`person:${far}/link/s`, join(near, 'stolen'));
    assert.notEqual(denied.status, 0);
    assert.equal(existsSync(join(near, 'stolen')), false);
  });

  it('serves lftp', async () => {
    const commands = [
      `set sftp:connect-program "ssh -a -x -F ${real.sshConfig}"`,
      'set net:max-retries 1',
      `open sftp://person${far}`,
      `get a -o ${near}/lftp`,
      `put ${near}/up -o by-lftp`,
      'mv by-lftp moved',
      `get link/s -o ${near}/stolen`,
    ];
    const result = await runProgram('lftp', ['--norc', '-c', commands.join('; ')]);
    assert.notEqual(result.status, 0);
    assert.match(result.stderr, /denied by rule "secret": not for you/);
    assert.ok((await readFile(join(near, 'lftp'))).equals(contents));
    assert.ok((await readFile(join(far, 'moved'))).equals(contents));
    assert.equal(existsSync(join(near, 'stolen')), false);
  });

  it('serves Paramiko, which reads and writes in any order', async () => {
    const script = join(near, 'client.py');
    const { host, port } = real.bastion.run.ssh;
    await writeFile(
      script,
      `import paramiko, sys
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
key = paramiko.Ed25519Key.from_private_key_file("${join(folder, 'bastion', 'keys', 'person')}")
client.connect("${host}", port=${port}, username="${real.sshd.user}@${TARGET}", pkey=key,
               allow_agent=False, look_for_keys=False)
sftp = client.open_sftp()
sftp.chdir("${far}")
sftp.get("a", "${near}/paramiko")
sftp.put("${near}/up", "by-paramiko")
with sftp.open("random", "w+") as f:
    f.write(b"x" * 100000); f.seek(50); f.write(b"yy"); f.seek(0)
    assert len(f.read()) == 100000
with sftp.open("a") as f:
    assert [len(part) for part in f.readv([(0, 100), (1000000, 50), (1000, 10)])] == [100, 50, 10]
try:
    sftp.open("link/s").read()
    sys.exit("it was not denied")
except PermissionError as error:
    assert "denied by rule" in str(error), error
`,
    );
    const result = await runProgram('/usr/bin/python3', ['-W', 'ignore', script]);
    assert.equal(result.status, 0, result.stderr);
    assert.ok((await readFile(join(near, 'paramiko'))).equals(contents));
    assert.ok((await readFile(join(far, 'by-paramiko'))).equals(contents));
    const found = new Map((await files()).map(({ data }) => [JSON.stringify(data['path']), data]));
    assert.equal(found.get(JSON.stringify(join(far, 'random')))?.['sha256'], null);
    assert.equal(found.get(JSON.stringify(join(far, 'by-paramiko')))?.['complete'], true);
    assert.equal((await lstat(join(far, 'random'))).size, 100_000);
  });
});
