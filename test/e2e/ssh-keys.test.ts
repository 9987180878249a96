/** Keys for tokens of an issuer, as the README says it, against a real target. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionView } from '../../server/http/ports.ts';
import type { JournalEntry } from '../../server/journal/event.ts';
import { startIssuer, type TestIssuer } from '../support/issuer.ts';
import { programEnvironment, runProgram, type ProgramResult } from '../support/program.ts';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = 'policies: {default: {default: allow, uncertain: hold}}';

describe('e2e: keys for CI jobs', () => {
  let folder: string;
  let real: RealTarget;
  let issuer: TestIssuer;

  before(async () => {
    folder = await temporaryFolder();
    issuer = await startIssuer();
    real = await startRealTarget(folder, POLICIES);
    const text = await readFile(real.configuration, 'utf8');
    const identity = `{issuer: "${issuer.name}", subject: "repo:acme/app:*", audience: sallyport}`;
    const bot = `  - {name: ci-bot, kind: agent, groups: [people], oidc: ${identity}}\n`;
    await writeFile(real.configuration, text.replace('credentials:', `${bot}credentials:`));
    const applied = await real.bastion.cli('apply', real.configuration);
    assert.equal(applied.status, 0, applied.stderr);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await issuer.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The README's lines, for our target and without asking about the bastion's host key. */
  async function job(token: string, name: string): Promise<ProgramResult> {
    const readme = await readFile(join(import.meta.dirname, '../../README.md'), 'utf8');
    const [, lines = ''] = /```sh\n(ssh-keygen [^`]*ssh-keys[^`]*)```/.exec(readme) ?? [];
    assert.match(lines, /^ssh -p/m);
    const script = lines
      .replaceAll('./job-key', join(folder, name))
      .replace('deploy@web1@', `${real.sshd.user}@${TARGET}@`)
      .replace('ssh -p', `ssh -F ${real.sshConfig} -p`)
      .replace("'uptime'", "'echo ran'");
    const { host, port } = real.bastion.run.ssh;
    return runProgram('bash', ['-euc', script], {
      env: programEnvironment({
        TOKEN: token,
        SALLYPORT_URL: real.bastion.run.http.url,
        SALLYPORT_HOST: host,
        SALLYPORT_PORT: String(port),
      }),
    });
  }

  async function sessions(): Promise<readonly SessionView[]> {
    const { stdout } = await real.bastion.cli('sessions', 'list', '--json');
    return (JSON.parse(stdout) as { items: SessionView[] }).items;
  }

  async function journal(type: string): Promise<JournalEntry[]> {
    const { stdout } = await real.bastion.cli('journal', 'export');
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as JournalEntry).filter((one) => one.type === type);
  }

  it('runs the README’s lines, and keeps reruns apart', async () => {
    for (const attempt of ['1', '2']) {
      const done = await job(await issuer.token({ run_attempt: attempt }), `key-${attempt}`);
      assert.equal(done.status, 0, done.stderr);
      assert.match(done.stdout.toString(), /"principal":"ci-bot".*\}ran\n$/s);
    }
    const seen = (await sessions()).map(({ attribution, principal, run }) => [
      principal.name,
      run,
      attribution,
    ]);
    assert.deepEqual(seen, [
      ['ci-bot', '4711.2', 'verified'],
      ['ci-bot', '4711.1', 'verified'],
    ]);
    const [first] = await journal('key.registered');
    assert.equal(first?.data['issuer'], issuer.name);
    assert.equal(first?.data['run'], '4711.1');
  });

  it('lets nobody in with a token that was changed', async () => {
    const token = await issuer.token();
    const [head = '', , signature = ''] = token.split('.');
    const claims = { iss: issuer.name, aud: 'sallyport', sub: 'repo:acme/app:x', exp: 9e9, iat: 1 };
    const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const done = await job([head, body, signature].join('.'), 'forged');
    assert.equal(done.status, 22, done.stderr);
    assert.match(done.stdout.toString(), /its signature is wrong/);
    assert.equal((await journal('auth.failed')).at(-1)?.data['method'], 'issuer');
  });

  it('refuses a run in the user name that the issuer did not sign', async () => {
    const key = join(folder, 'key-1');
    const user = `${real.sshd.user}@${TARGET}`;
    const as = (name: string): Promise<ProgramResult> =>
      ssh(
        {
          config: real.sshConfig,
          host: 'stranger',
          args: ['-o', `User=${name}`, '-o', `IdentityFile=${key}`],
        },
        'true',
      );
    const other = await as(`${user}+run=9`);
    assert.equal(other.status, 255);
    assert.match(other.stderr, /your key is registered for run 4711\.1, so leave \+run=9 out/);
    assert.equal((await as(`${user}+run=4711.1`)).status, 0);
  });
});
