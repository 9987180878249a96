/** Connections to a real target: shared, journalled, outdated, and opened by certificates of a CA in the vault. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { JournalEntry } from '../../server/journal/event.ts';
import type { ProgramResult } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh, sshInteractive } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default: {default: allow, uncertain: allow, rules: []}
`;
const CERTIFIED = 'web2';

describe('e2e: connections to targets', () => {
  let folder: string;
  let real: RealTarget;
  let user: string;

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(
      folder,
      POLICIES,
      {},
      { sshd: [`TrustedUserCAKeys ${join(folder, 'ca.pub')}`] },
    );
    user = real.sshd.user;
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  function run(
    host: string,
    command: string,
    args: readonly string[] = [],
  ): Promise<ProgramResult> {
    return ssh({ config: real.sshConfig, host, args }, command);
  }

  /** The same through `ssh -J`: the bastion is the hop, the target is reached by its name. */
  async function jump(host: string, command: string): Promise<ProgramResult> {
    const config = join(folder, 'jump_config');
    const text = await readFile(real.sshConfig, 'utf8');
    const own = `Host jumped\n  HostName ${TARGET}\n  User ${user}\n  ProxyJump ${host}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`;
    await writeFile(config, own + text);
    return ssh({ config, host: 'jumped' }, command);
  }

  async function apply(change: (yaml: string) => string): Promise<void> {
    const file = join(folder, 'changed.yaml');
    await writeFile(file, change(await readFile(real.configuration, 'utf8')));
    const applied = await real.bastion.cli('apply', file);
    assert.equal(applied.status, 0, applied.stderr);
  }

  async function journal(...types: readonly string[]): Promise<JournalEntry[]> {
    const { stdout } = await real.bastion.cli('journal', 'export');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalEntry)
      .filter((entry) => types.includes(entry.type));
  }

  /** The last `count` rows that say which connection carried a session. */
  async function lastOpened(count: number): Promise<JournalEntry['data'][]> {
    return (await journal('upstream.opened')).slice(-count).map(({ data }) => data);
  }

  /** What the target logged of logins that succeeded. */
  function logins(): string[] {
    return real.sshd
      .logs()
      .split('\n')
      .filter((line) => line.startsWith('Accepted '));
  }

  async function until(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
    for (let waited = 0; !(await isSo()); waited += 50) {
      assert.ok(waited < 20_000, what);
      await pause(50);
    }
  }

  it('serve the next commands of a principal, direct and through -J, with one login', async () => {
    const before = logins().length;
    assert.equal((await run('agent', 'exit 3')).status, 3);
    assert.equal((await run('agent', 'exit 4')).status, 4);
    const through = await jump('agent', 'exit 5');
    assert.equal(through.status, 5, through.stderr);
    assert.equal(logins().length - before, 1);

    const [first, second, third] = await lastOpened(3);
    assert.deepEqual(
      [first?.['shared'], second?.['shared'], third?.['shared']],
      [false, true, true],
    );
    assert.equal(second?.['connection'], first?.['connection']);
    assert.equal(third?.['connection'], first?.['connection']);
    // The target's log names the bastion's own port.
    const [, port] = /127\.0\.0\.1 port (\d+) ssh2/.exec(logins().at(-1) ?? '') ?? [];
    assert.equal(first?.['from'], `127.0.0.1:${port}`);

    const used = (await journal('credential.used')).filter(
      ({ data }) => data['connection'] === first?.['connection'],
    );
    const [opened] = (await journal('upstream.opened')).slice(-3);
    assert.equal(used.length, 1);
    assert.equal(used[0]?.session, opened?.session);
    assert.equal(used[0]?.principal, 'bot');
  });

  it('are not shared with somebody else', async () => {
    const before = logins().length;
    assert.equal((await run('agent', 'true')).status, 0);
    const own = logins().length;
    assert.ok(own - before <= 1);
    assert.equal((await run('person', 'true')).status, 0);
    assert.equal(logins().length - own, 1);
    const [agent, person] = await lastOpened(2);
    assert.notEqual(agent?.['connection'], person?.['connection']);
  });

  it('end and are not used again when the configuration, a grant or the credential changes', async () => {
    const gone = async (change: () => Promise<unknown>): Promise<void> => {
      assert.equal((await run('agent', 'true')).status, 0);
      const from = (await lastOpened(1))[0]?.['from'];
      assert.ok(typeof from === 'string');
      const port = from.replace('127.0.0.1:', '');
      await change();
      await until(
        () => real.sshd.logs().includes(`Received disconnect from 127.0.0.1 port ${port}:11`),
        'an idle connection outlived the change',
      );
    };
    await gone(() => apply((yaml) => yaml.replace('labels: {env: test}', 'labels: {env: other}')));
    await gone(() => apply((yaml) => yaml.replace('["group:people", bot]', '["group:people"]')));
    assert.equal((await run('agent', 'true')).status, 255);
    await apply((yaml) => yaml);
    await gone(async () => {
      const made = await real.bastion.cli('credential', 'generate', 'web');
      assert.equal(made.status, 0, made.stderr);
    });
    const refused = await run('agent', 'true');
    assert.equal(refused.status, 255);
    assert.match(refused.stderr, /refused the login .* with credential web/);
  });

  it('are opened by a certificate that a CA of the vault signs for each of them', async () => {
    const made = await real.bastion.cli('credential', 'generate', 'ca', '--authority');
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /^ssh-ed25519 \S+ ca\n$/);
    assert.match(made.stderr, /TrustedUserCAKeys \/etc\/ssh\/sallyport_ca\.pub/);
    await writeFile(join(folder, 'ca.pub'), made.stdout);
    await apply((yaml) =>
      yaml
        .replace('credentials: [{name: web}]', 'credentials: [{name: web}, {name: ca}]')
        .replace(
          'grants:',
          `  - {name: ${CERTIFIED}, address: "${real.sshd.host}:${real.sshd.port}", hostKey: "${real.sshd.hostKeyLine}", logins: [{name: ${user}, credential: ca}, {name: nobody, credential: ca}]}\ngrants:\n  - {principals: [bot], targets: [${CERTIFIED}], logins: [${user}, nobody], channels: [shell, exec], policy: default}`,
        ),
    );
    const as = (command: string): Promise<ProgramResult> =>
      run('agent', command, ['-o', `User=${user}@${CERTIFIED}`]);
    const before = logins().length;
    const result = await as('echo "$SSH_CONNECTION"; exit 7');
    assert.equal(result.status, 7, result.stderr);
    assert.equal((await as('exit 8')).status, 8);
    assert.equal(logins().length - before, 1);

    const [used] = (await journal('credential.used')).slice(-1);
    const certificate = used?.data['certificate'] as Record<string, string>;
    assert.equal(certificate['keyId'], `sallyport:bot:${used?.session}`);
    assert.equal(used?.data['credential'], 'ca');
    assert.equal(typeof used?.data['grant'], 'string');
    const log = logins().at(-1) ?? '';
    assert.match(log, /^Accepted publickey for \S+ from 127\.0\.0\.1 port \d+ ssh2: ED25519-CERT /);
    assert.ok(
      log.includes(`ID ${certificate['keyId']} (serial ${certificate['serial']}) CA ED25519`),
    );
    const minutes =
      (Date.parse(certificate['validUntil'] ?? '') - Date.parse(used?.at ?? '')) / 60_000;
    assert.ok(minutes > 4 && minutes <= 5, `${minutes} minutes`);

    await using terminal = sshInteractive({
      config: real.sshConfig,
      host: 'agent',
      args: ['-o', `User=${user}@${CERTIFIED}`],
    });
    await terminal.expect(/[#$%>] ?/);
    terminal.type('tty; exit 9\r');
    await terminal.expect('/dev/pts/');
    assert.equal((await terminal.ended()).status, 9);
  });

  it('say what to look at when a target does not trust the CA', async () => {
    await writeFile(join(folder, 'ca.pub'), '');
    const made = await real.bastion.cli('credential', 'generate', 'ca', '--authority');
    assert.equal(made.status, 0);
    const refused = await run('agent', 'true', ['-o', `User=${user}@${CERTIFIED}`]);
    assert.equal(refused.status, 255);
    assert.match(refused.stderr, /credential ca: .*signing CA of ca is in place/);
  });
});
