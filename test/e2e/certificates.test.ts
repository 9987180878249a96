/** People who come in by certificates of their company, as ssh and ssh-keygen make and show them. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  certify,
  keyFile,
  makeKey,
  revocationList,
  type KeyFile,
} from '../ssh/support/authority.ts';
import {
  createToken,
  startAgent,
  TOKEN_TYPES,
  TOUCHED,
  VERIFIED,
} from '../ssh/support/security-token.ts';
import type { ProgramResult } from '../support/program.ts';
import { ssh, Terminal } from '../support/ssh.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

/** Bounded by the test, not by the bastion, which acts at once. */
const REVOKED_WITHIN_MS = 30_000;

interface Event {
  readonly type: string;
  readonly principal: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

describe('e2e: certificates of users', () => {
  let folder: string;
  let sshd: Sshd;
  let bastion: Bastion;
  let corp: KeyFile;
  let rsa: KeyFile;
  let strange: KeyFile;
  let configuration: string;
  let names = 0;

  before(async () => {
    folder = await temporaryFolder();
    sshd = await startSshd(['AcceptEnv SSH_ORIGINAL_COMMAND']);
    corp = makeKey(folder, 'corp');
    rsa = makeKey(folder, 'rsa', 'rsa-2048');
    strange = makeKey(folder, 'strange');
    configuration = join(folder, 'bastion.yaml');
    revocationList(folder, corp, 'serial: 666\nid: lost laptop\n');
    await writeConfiguration('');
    bastion = await startBastion({ env: { SALLYPORT_CONFIG: configuration } });
    const generated = await bastion.cli('credential', 'generate', 'web');
    await sshd.authorise(generated.stdout.trim());
    const scanned = await bastion.cli('target', 'scan', 'web1');
    assert.equal(scanned.status, 0, scanned.stderr);
  });
  after(async () => {
    await bastion?.[Symbol.asyncDispose]();
    await sshd?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function writeConfiguration(more: string): Promise<void> {
    await writeFile(
      configuration,
      `authorities:
  - {name: corp, keys: ["${corp.publicLine}", "${rsa.publicLine}"], revoked: revoked.krl}
principals:
  - {name: ann, kind: human, groups: [people], certificates: [{authority: corp, principals: [ann, ann-admin]}]}
  - {name: bot, kind: agent, owner: ann, groups: [people], certificates: [{authority: corp, principals: [bot]}]}
${more}
credentials: [{name: web}]
targets:
  - {name: web1, address: "${sshd.host}:${sshd.port}", logins: [{name: ${sshd.user}, credential: web}]}
grants:
  - {principals: ["group:people"], targets: [web1], logins: [${sshd.user}], channels: [shell, exec], policy: default}
policies:
  default:
    default: allow
    uncertain: allow
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}}
`,
    );
  }

  /** A new key with a certificate, as `-i` takes it. */
  function certified(args: readonly string[], by = corp, key?: KeyFile): KeyFile {
    names += 1;
    const one = key ?? makeKey(folder, `user-${names}`);
    certify(by, one, args);
    return one;
  }

  function options(key: KeyFile, logLevel = 'ERROR'): { config: string; args: string[] } {
    return {
      config: '/dev/null',
      args: `-p ${bastion.run.ssh.port} -i ${key.path} -o IdentitiesOnly=yes -o IdentityAgent=none
        -o LogLevel=${logLevel} -o StrictHostKeyChecking=no -o UserKnownHostsFile=${folder}/known_hosts`
        .trim()
        .split(/\s+/),
    };
  }

  function run(key: KeyFile, command?: string, ...more: string[]): Promise<ProgramResult> {
    const { config, args } = options(key);
    const host = `${sshd.user}@web1@${bastion.run.ssh.host}`;
    return ssh({ config, host, args: [...args, ...more] }, command);
  }

  async function events(type: string): Promise<readonly Event[]> {
    const { stdout } = await bastion.cli('journal', 'tail', '--json', '--limit', '50');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event)
      .filter((event) => event.type === type);
  }

  for (const kind of ['ed25519', 'ecdsa-256', 'ecdsa-521', 'rsa-2048'] as const) {
    it(`lets the holder of a certified ${kind} key in, and journals the certificate`, async () => {
      const key = makeKey(folder, `of-${kind}`, kind);
      certified(['-n', 'ann', '-z', '77', '-I', `ann ${kind}`, '-V', '+5m'], corp, key);
      const { status, stdout, stderr } = await run(key, 'echo in');
      assert.equal(stdout.toString(), 'in\n', stderr);
      assert.equal(status, 0);
      const last = (await events('auth.succeeded')).at(-1);
      assert.equal(last?.principal, 'ann');
      const { method, authority, keyId, serial, key: fingerprint } = last?.data ?? {};
      assert.deepEqual(
        [method, authority, keyId, serial],
        ['certificate', 'corp', `ann ${kind}`, '77'],
      );
      assert.match(String(fingerprint), /^SHA256:/);
    });
  }

  for (const algorithm of ['rsa-sha2-256', 'rsa-sha2-512']) {
    it(`believes an RSA authority that signs with ${algorithm}`, async () => {
      const key = certified(['-t', algorithm, '-n', 'ann'], rsa);
      assert.equal((await run(key, 'exit 7')).status, 7);
    });
  }

  it('takes any of the names in a certificate, if they are of one principal', async () => {
    const key = certified(['-n', 'somebody,ann-admin,ann']);
    const { stdout, stderr } = await ssh(
      { ...options(key), host: `x@${bastion.run.ssh.host}` },
      'whoami',
    );
    assert.match(stdout.toString(), /^ann \(human\)/, stderr);
  });

  const refused: [string, string, () => KeyFile][] = [
    ['of an authority that nobody trusts', 'not trusted', () => certified(['-n', 'ann'], strange)],
    [
      'of the right authority with a SHA-1 signature',
      'signature does not verify',
      () => certified(['-t', 'ssh-rsa', '-n', 'ann'], rsa),
    ],
    ['that has expired', 'expired', () => certified(['-n', 'ann', '-V', '-2d:-1d'])],
    ['that is not valid yet', 'not valid yet', () => certified(['-n', 'ann', '-V', '+1d:+2d'])],
    ['for a name that stands for nobody', 'stand for nobody', () => certified(['-n', 'root'])],
    ['for several principals at once', 'several principals', () => certified(['-n', 'ann,bot'])],
    ['without a name', 'names nobody', () => certified([])],
    [
      'with an unknown critical option',
      'critical option x@example.com is unknown',
      () => certified(['-n', 'ann', '-O', 'critical:x@example.com=1']),
    ],
    [
      'for another network',
      'not be used from this address',
      () => certified(['-n', 'ann', '-O', 'source-address=192.0.2.0/24,::1/128']),
    ],
    [
      'that asks for a security token',
      'security token',
      () => certified(['-n', 'ann', '-O', 'verify-required']),
    ],
    ['whose number is revoked', 'revoked', () => certified(['-n', 'ann', '-z', '666'])],
    ['whose id is revoked', 'revoked', () => certified(['-n', 'ann', '-I', 'lost laptop'])],
  ];
  for (const [what, , make] of refused) {
    it(`refuses a certificate ${what}`, async () => {
      const key = make();
      const { status, stdout, stderr } = await run(key, 'echo in');
      assert.equal(stdout.toString(), '');
      assert.equal(status, 255);
      assert.match(stderr, /Permission denied \(publickey/);
    });
  }

  it('journals why each of them was refused', async () => {
    const found = (await events('auth.failed')).slice(-refused.length);
    assert.deepEqual(
      refused.map(([, why], index) => JSON.stringify(found[index]?.data).includes(why)),
      refused.map(() => true),
      JSON.stringify(found),
    );
    const keys = found[0]?.data['refusedKeys'] as readonly { readonly certificate?: unknown }[];
    const { certificate } = keys.find((key) => key.certificate !== undefined) ?? {};
    assert.deepEqual(certificate, { authority: null, keyId: 'test', serial: '0' });
  });

  for (const type of TOKEN_TYPES) {
    it(`asks of ${type} what the certificate asks of its holder`, async () => {
      const token = createToken(type);
      const path = join(folder, `token-${TOKEN_TYPES.indexOf(type)}`);
      await writeFile(`${path}.pub`, `${token.publicLine}\n`, { mode: 0o600 });
      await using agent = await startAgent(`${path}.socket`, token);
      assert.ok(agent !== null);
      const { args } = options({ ...corp, path: `${path}.pub` });
      const signIn = async (terms: readonly string[], flags: number): Promise<boolean> => {
        certify(corp, { ...corp, path }, ['-n', 'ann', ...terms]);
        token.flags = flags;
        const ofToken = [`CertificateFile=${path}-cert.pub`, `IdentityAgent=${path}.socket`];
        const given = [...ofToken.flatMap((setting) => ['-o', setting]), ...args];
        const host = `x@${bastion.run.ssh.host}`;
        return (await ssh({ config: '/dev/null', args: given, host }, 'whoami')).status === 0;
      };
      const verified = ['-O', 'verify-required'];
      assert.deepEqual(
        [
          await signIn([], TOUCHED),
          await signIn([], 0),
          await signIn(['-O', 'no-touch-required'], 0),
          await signIn(verified, TOUCHED | VERIFIED),
          await signIn(verified, TOUCHED),
        ],
        [true, false, true, true, false],
      );
    });
  }

  it('refuses who holds a certificate but not its key', async () => {
    const owner = certified(['-n', 'ann']);
    const thief = makeKey(folder, 'thief');
    await copyFile(`${owner.path}-cert.pub`, `${thief.path}-cert.pub`);
    const { status, stderr } = await run(thief, 'echo in');
    assert.equal(status, 255);
    assert.match(stderr, /Permission denied/);
  });

  it('lets in from the network that the certificate names', async () => {
    const key = certified(['-n', 'ann', '-O', 'source-address=10.0.0.0/8,127.0.0.0/8']);
    assert.equal((await run(key, 'exit 3')).status, 3);
  });

  it('runs the command of the certificate in place of any other, judged, and passes on the other', async () => {
    const key = certified([
      '-n',
      'ann',
      '-O',
      'force-command=echo forced; echo "$SSH_ORIGINAL_COMMAND"',
    ]);
    const exec = await run(key, 'cat /etc/shadow');
    assert.equal(exec.stdout.toString(), 'forced\ncat /etc/shadow\n', exec.stderr);
    const shell = await run(key);
    assert.equal(shell.stdout.toString(), 'forced\n\n', shell.stderr);
    const claimed = await run(key, 'ls', '-o', 'SetEnv=SSH_ORIGINAL_COMMAND=forged');
    assert.equal(claimed.stdout.toString(), 'forced\nls\n', claimed.stderr);
    const { stdout } = await bastion.cli('sessions', 'list', '--json', '--limit', '1');
    const [session] = (JSON.parse(stdout) as { items: { id: string; kind: string }[] }).items;
    assert.equal(session?.kind, 'exec');
    const commands = await bastion.cli('sessions', 'commands', session?.id ?? '', '--json');
    assert.match(commands.stdout, /echo forced/);

    const wiping = certified(['-n', 'ann', '-O', 'force-command=rm -r /data/x']);
    const denied = await run(wiping, 'uptime');
    assert.equal(denied.status, 126);
    assert.match(denied.stderr, /denied by rule "no-wipe"/);
  });

  it('forces the command on what the bastion itself offers, too', async () => {
    const key = certified(['-n', 'ann', '-O', 'force-command=whoami']);
    const result = await ssh({ ...options(key), host: `x@${bastion.run.ssh.host}` }, 'targets');
    assert.match(result.stdout.toString(), /^ann \(human\)/, result.stderr);
  });

  it('never lets a client without a forced command say what the original was', async () => {
    const key = certified(['-n', 'ann']);
    const result = await run(
      key,
      'echo "[$SSH_ORIGINAL_COMMAND]"',
      '-o',
      'SetEnv=SSH_ORIGINAL_COMMAND=forged',
    );
    assert.equal(result.stdout.toString(), '[]\n', result.stderr);
  });

  it('gives no terminal without permit-pty', async () => {
    const key = certified(['-n', 'ann', '-O', 'no-pty']);
    const { config, args } = options(key, 'INFO');
    const host = `${sshd.user}@web1@${bastion.run.ssh.host}`;
    await using terminal = new Terminal('ssh', ['-F', config, '-t', ...args, host, 'tty; exit 4']);
    await terminal.expect('PTY allocation request failed');
    // What ssh makes of the same answer of OpenSSH's own server.
    assert.equal((await terminal.ended()).status, 255, terminal.transcript);
    assert.equal((await run(key, 'exit 4')).status, 4);
  });

  it('opens no way to other hosts without permit-port-forwarding', async () => {
    const { config, args } = options(certified(['-n', 'ann', '-O', 'no-port-forwarding']), 'INFO');
    const host = `x@${bastion.run.ssh.host}`;
    const result = await ssh({ config, args: [...args, '-W', 'web1:22'], host });
    assert.equal(result.status, 255);
    assert.match(result.stderr, /certificate does not permit port forwarding/);
  });

  it('keeps out who was taken out of the configuration, and trusts no authority that was', async () => {
    const list =
      '  - {name: carl, kind: human, certificates: [{authority: corp, principals: [carl]}]}';
    await writeConfiguration(list);
    const added = await bastion.cli('apply', configuration);
    assert.match(added.stdout, /\+ principal carl/);
    const again = await bastion.cli('apply', configuration);
    assert.equal(again.stdout, 'nothing to change\n');
    const carl = certified(['-n', 'carl']);
    const host = `x@${bastion.run.ssh.host}`;
    assert.equal((await ssh({ ...options(carl), host }, 'whoami')).status, 0);

    await writeConfiguration('');
    const pruned = await bastion.cli('apply', configuration, '--prune');
    assert.match(pruned.stdout, /- principal carl/);
    const out = await ssh({ ...options(carl), host }, 'whoami');
    assert.match(out.stderr, /Permission denied/);
  });

  it('reads the revocation list again when the configuration is applied', async () => {
    const key = certified(['-n', 'ann', '-z', '4242']);
    assert.equal((await run(key, 'exit 0')).status, 0);
    revocationList(folder, corp, 'serial: 666\nserial: 4000-4999\n');
    const applied = await bastion.cli('apply', configuration);
    assert.match(applied.stdout, /~ authority corp/);
    assert.match((await run(key, 'exit 0')).stderr, /Permission denied/);
    await writeFile(join(folder, 'revoked.krl'), `# a plain list\n${key.publicLine}\n`);
    await bastion.cli('apply', configuration);
    assert.match((await run(key, 'exit 0')).stderr, /Permission denied/);
    await writeFile(join(folder, 'revoked.krl'), '# nobody\n');
    await bastion.cli('apply', configuration);
    assert.equal((await run(key, 'exit 0')).status, 0);
  });

  it('ends what is running by a certificate when that is revoked', async () => {
    const key = certified(['-n', 'ann', '-z', '5151']);
    const { config, args } = options(key);
    const host = `${sshd.user}@web1@${bastion.run.ssh.host}`;
    const command = ['-F', config, ...args, host, 'echo begun; sleep 300'];
    await using running = new Terminal('ssh', command);
    await running.expect('begun');
    revocationList(folder, corp, 'serial: 5151\n');
    await bastion.cli('apply', configuration);
    assert.notEqual((await running.ended(REVOKED_WITHIN_MS)).status, 0);
    assert.match(running.transcript, /sallyport: .*withdrawn/);
  });

  it('says of a revocation list that it is missing, damaged, or of another authority', async () => {
    const place = join(folder, 'check');
    await mkdir(place);
    const file = join(place, 'bastion.yaml');
    const text = (revoked: string): string =>
      `authorities: [{name: corp, keys: ["${corp.publicLine}"], revoked: ${revoked}}]
principals: [{name: ann, kind: human, certificates: [{authority: corp, principals: [ann]}]}]
`;
    await writeFile(file, text('missing.krl'));
    const missing = await bastion.cli('check', file);
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /bastion.yaml:1:\d+: authorities\[0\].revoked: .*no such file/);
    await writeFile(join(place, 'bad.krl'), 'SSHKRL\n\0\0\0');
    await writeFile(file, text('bad.krl'));
    const damaged = await bastion.cli('check', file);
    assert.equal(damaged.status, 2);
    assert.match(damaged.stderr, /can't be used: the list is cut/);
    revocationList(place, strange, 'serial: 1\n');
    await writeFile(file, text('revoked.krl'));
    const other = await bastion.cli('check', file);
    assert.equal(other.status, 0, other.stderr);
    assert.match(other.stderr, /warning: .*of another authority and revokes nothing/);
  });

  it('refuses a key whose certificate fails, unless the key itself is registered', async () => {
    const key = certified(['-n', 'nobody']);
    const line = keyFile(key.path).publicLine;
    await writeConfiguration(`  - {name: carl, kind: human, groups: [people], keys: ["${line}"]}`);
    await bastion.cli('apply', configuration);
    const host = `x@${bastion.run.ssh.host}`;
    const result = await ssh({ ...options(key), host }, 'whoami');
    assert.match(result.stdout.toString(), /^carl \(human\)/, result.stderr);
  });
});
