/** Targets that are wrong, gone or dying, and clients that ask for nonsense: a clear answer, a journal row, nothing left over. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { programEnvironment, type ProgramResult } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { startSshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: hold
    holdTimeout: 2s
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}, reason: "production data"}
`;

describe('e2e: wrong targets and bad input', () => {
  let folder: string;
  let real: RealTarget;

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(folder, POLICIES);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** @param user the SSH user name, exactly */
  const as = (user: string, command: string | undefined, key = 'agent'): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: key, args: ['-o', `User=${user}`] }, command);

  async function journal(type: string): Promise<JournalEntry[]> {
    const { stdout } = await real.bastion.cli('journal', 'export');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalEntry)
      .filter((entry) => entry.type === type);
  }

  async function lastSession(): Promise<SessionView> {
    const { stdout } = await real.bastion.cli('sessions', 'list', '--json', '--limit', '1');
    const [session] = (JSON.parse(stdout) as { items: SessionView[] }).items;
    assert.ok(session);
    return session;
  }

  it('gives the same answer for an unknown target and a missing grant', async () => {
    const unknown = await as('root@nosuch', 'id');
    const closed = await as(`${real.sshd.user}@closed`, 'id');
    assert.equal(unknown.status, 255);
    assert.equal(closed.status, 255);
    assert.equal(
      unknown.stderr.replaceAll('nosuch', 'X').replaceAll('root', 'U'),
      closed.stderr.replaceAll('closed', 'X').replaceAll(real.sshd.user, 'U'),
    );
    assert.match(unknown.stderr, /^sallyport: there is no target "nosuch" that you may reach/);
    assert.equal((await journal('access.refused')).length, 2);
  });

  it('refuses malformed user names with what is wrong', async () => {
    for (const user of ['a@b@c', 'web1+user=x', 'web1+run=', 'x'.repeat(600)]) {
      const result = await as(user, 'id');
      assert.equal(result.status, 255, user);
      assert.match(result.stderr, /sallyport: .*user name|name has|Permission denied/, user);
    }
  });

  it('refuses a key that nobody has, and a revoked one, with a journal row', async () => {
    const stranger = await as(`${real.sshd.user}@${TARGET}`, 'id', 'stranger');
    assert.equal(stranger.status, 255);
    assert.match(stranger.stderr, /Permission denied \(publickey\)/);
    const before = await journal('auth.failed');
    assert.equal(before.length, 1);
    assert.match(JSON.stringify(before[0]?.data), /SHA256:/);

    const yaml = await readFile(real.configuration, 'utf8');
    const without = join(folder, 'without.yaml');
    await writeFile(without, yaml.replace(/(name: bot, [^\n]*keys: )\["[^"]*"\]/, '$1[]'));
    assert.equal((await real.bastion.cli('apply', without)).status, 0);
    const revoked = await as(`${real.sshd.user}@${TARGET}`, 'id');
    assert.match(revoked.stderr, /Permission denied \(publickey\)/);
    assert.equal((await journal('auth.failed')).length, 2);
    assert.equal((await real.bastion.cli('apply', real.configuration)).status, 0);
    assert.equal((await as(`${real.sshd.user}@${TARGET}`, 'exit 3')).status, 3);
  });

  it('says that a target does not answer', async () => {
    const result = await as(`${real.sshd.user}@nowhere`, 'id');
    assert.equal(result.status, 255);
    assert.match(result.stderr, /^sallyport: .*127\.0\.0\.1:1.*/);
    const session = await lastSession();
    assert.equal(session.status, 'failed');
    assert.ok(session.recording.complete);
    assert.equal((await journal('upstream.failed')).length, 1);
  });

  const commands: [string, string, number, RegExp][] = [
    ['100 KB', `: ${'x'.repeat(100_000)}`, 126, /100002 bytes.*at most 65536/],
    [
      'nested parentheses',
      `${'('.repeat(5000)}id${')'.repeat(5000)}`,
      126,
      /sallyport: (held|denied)/,
    ],
    ['an open quote', `echo "never closed`, 126, /sallyport: held/],
  ];
  for (const [what, command, status, said] of commands) {
    it(`answers clearly to a command of ${what}`, async () => {
      const result = await as(`${real.sshd.user}@${TARGET}`, command);
      assert.equal(result.status, status, result.stderr);
      assert.match(result.stderr, said);
    });
  }

  it('answers clearly to a command of 1 MB', async () => {
    // One argument can't be that long; ssh joins many.
    const words = Array.from({ length: 10 }, () => 'x'.repeat(100_000));
    const result = await runWords(real.sshConfig, [':', ...words]);
    assert.equal(result.status, 126, result.stderr);
    assert.match(result.stderr, /1000011 bytes long and at most 65536 are read/);
    const session = await lastSession();
    assert.equal(session.deniedCount, 1);
    assert.ok(session.recording.complete);
  });

  it('holds bytes that are not UTF-8 and lets nothing through', async () => {
    const marker = join(folder, 'invalid');
    const result = await runWords(
      real.sshConfig,
      [`touch ${marker}`, ';echo'],
      Buffer.from([0xff]),
    );
    assert.equal(result.status, 126);
    assert.match(
      result.stderr,
      /held by rule "uncertain".*\nsallyport: it is refused unless .*\nsallyport: approval \w+ expired/,
    );
  });

  it('completes the record when the client is killed in the middle', async () => {
    const child = spawn(
      'ssh',
      ['-F', real.sshConfig, '-o', 'BatchMode=yes', 'agent', 'echo begun; sleep 60; echo never'],
      { env: programEnvironment(), stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    let session = await lastSession();
    for (let attempt = 0; session.status === 'active' && attempt < 20; attempt += 1) {
      session = await lastSession();
    }
    assert.equal(session.status, 'closed');
    assert.ok(session.recording.complete);
    const ended = (await journal('session.ended')).at(-1);
    assert.match(JSON.stringify(ended?.data), /the client went away/);
  });

  it('says so when the target dies in the middle', async () => {
    const running = as(
      `${real.sshd.user}@${TARGET}`,
      'echo begun; sleep 0.5; kill -9 $PPID; sleep 5',
    );
    const result = await running;
    assert.equal(result.status, 255);
    assert.equal(result.stdout.toString(), 'begun\n');
    assert.match(result.stderr, /sallyport: the connection to web1 ended without an exit status/);
    assert.equal((await lastSession()).status, 'failed');
    assert.equal(
      (await as(`${real.sshd.user}@${TARGET}`, 'exit 4')).status,
      4,
      'the next one works',
    );
  });

  it('refuses a changed host key, shows both fingerprints, and takes it only when told', async () => {
    await using other = await startSshd();
    const yaml = await readFile(real.configuration, 'utf8');
    const changed = join(folder, 'changed.yaml');
    await writeFile(
      changed,
      yaml.replace(
        `name: ${TARGET}, address: "127.0.0.1:${real.sshd.port}"`,
        `name: ${TARGET}, address: "127.0.0.1:${other.port}"`,
      ),
    );
    assert.equal((await real.bastion.cli('apply', changed)).status, 0);
    const refused = await as(`${real.sshd.user}@${TARGET}`, 'id');
    assert.equal(refused.status, 255);
    const fingerprints = new Set(refused.stderr.match(/SHA256:[A-Za-z0-9+/]{43}/g));
    assert.equal(fingerprints.size, 2, refused.stderr);
    const scan = await real.bastion.cli('target', 'scan', TARGET);
    assert.equal(scan.status, 1);
    assert.equal((await real.bastion.cli('apply', real.configuration)).status, 0);
    assert.equal((await as(`${real.sshd.user}@${TARGET}`, 'exit 4')).status, 4);
  });

  it('refuses what this version does not gate', async () => {
    const sftp = await ssh({ config: real.sshConfig, host: 'agent', args: ['-s'] }, 'sftp');
    assert.equal(sftp.status, 255);
    assert.match(
      sftp.stderr,
      /sallyport: your grant for web1 doesn't cover a session of kind sftp/,
    );
    const netconf = await ssh({ config: real.sshConfig, host: 'agent', args: ['-s'] }, 'netconf');
    assert.equal(netconf.status, 255);
    assert.match(netconf.stderr, /sallyport: the subsystem netconf is refused/);
    const forward = await ssh({
      config: real.sshConfig,
      host: 'agent',
      args: ['-o', 'LogLevel=INFO', '-W', 'localhost:8080'],
    });
    assert.notEqual(forward.status, 0);
    assert.match(
      forward.stderr,
      /your grant for web1 doesn't name the forward localhost:8080; ask for one that does/,
    );
  });

  it('names run and task that the client claims, and nothing else', async () => {
    const result = await as(`${real.sshd.user}@${TARGET}+run=4711+task=nightly`, 'true');
    assert.equal(result.status, 0, result.stderr);
    const session = await lastSession();
    assert.deepEqual(
      [session.run, session.task, session.attribution],
      ['4711', 'nightly', 'claimed'],
    );
  });

  it('leaves no connection, process or file open behind', async () => {
    const descriptors = async (): Promise<number> =>
      (await readdir(`/proc/${real.bastion.pid}/fd`)).length;
    const round = async (): Promise<void> => {
      await Promise.all([
        as(`${real.sshd.user}@${TARGET}`, 'true'),
        as(`${real.sshd.user}@${TARGET}`, 'rm /data/x'),
        as(`${real.sshd.user}@nowhere`, 'true'),
        as('nosuch', 'id'),
      ]);
    };
    // Threads, the pool of the database and the connection to the target stay once they are there.
    for (let warm = 0; warm < 3; warm += 1) await round();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const before = await descriptors();
    for (let count = 0; count < 5; count += 1) await round();
    let now = await descriptors();
    for (let attempt = 0; now > before + 2 && attempt < 50; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      now = await descriptors();
    }
    assert.ok(now <= before + 2, `${before} descriptors before, ${now} after`);
    const { commands } = await lastCommands();
    assert.ok(commands.length > 0);
    assert.ok(
      !/unhandled|uncaught|unexpected failure/i.test(real.bastion.logs()),
      real.bastion.logs(),
    );
  });

  async function lastCommands(): Promise<{ commands: readonly CommandView[] }> {
    const session = await lastSession();
    const { stdout } = await real.bastion.cli('sessions', 'commands', session.id, '--json');
    return { commands: (JSON.parse(stdout) as { items: CommandView[] }).items };
  }
});

/** Runs `ssh agent WORDS…`; a last word of raw bytes goes through a shell's printf. */
function runWords(
  config: string,
  words: readonly string[],
  bytes: Buffer | null = null,
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const base = ['-F', config, '-o', 'BatchMode=yes', 'agent'];
    const child =
      bytes === null
        ? spawn('ssh', [...base, ...words], { env: programEnvironment() })
        : spawn(
            'bash',
            ['-c', `exec ssh "$@" $'\\x${bytes.toString('hex')}'`, 'bash', ...base, ...words],
            { env: programEnvironment() },
          );
    child.stdin.end();
    let stdout = Buffer.alloc(0);
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout = Buffer.concat([stdout, chunk])));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}
