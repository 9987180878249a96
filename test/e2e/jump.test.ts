/** `ssh -J bastion login@target` with the real client, under strict checking of host keys. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2, { type AuthenticationType, type ClientChannel } from 'ssh2';
import { startRealTarget, TARGET, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}}`;

interface Listed {
  readonly via: string;
  readonly target: string;
  readonly principal: { readonly name: string };
}

describe('e2e: jumps', () => {
  let folder: string;
  let real: RealTarget;
  let hostKey: string;
  let authority: string;
  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(folder, POLICIES);
    const publicHalf = (file: string): string =>
      spawnSync('ssh-keygen', ['-y', '-f', join(real.bastion.home, 'keys', file)])
        .stdout.toString()
        .trim();
    hostKey = publicHalf('ssh_host_ed25519');
    authority = publicHalf('ssh_host_ca_ed25519');
  });
  after(async () => {
    await real?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A configuration with the bastion as `b`, and these lines as known hosts. */
  async function configured(knownHosts: readonly string[], more = ''): Promise<string> {
    const { host, port } = real.bastion.run.ssh;
    const config = join(folder, 'jump_config');
    const known = join(folder, 'jump_known_hosts');
    await writeFile(known, [`[${host}]:${port} ${hostKey}`, ...knownHosts, ''].join('\n'));
    await writeFile(
      config,
      `Host b
  HostName ${host}
  Port ${port}
  User ann
  IdentityFile ${join(folder, 'keys', 'person')}
${more}
Host *
  UserKnownHostsFile ${known}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  IdentitiesOnly yes
  IdentityAgent none
  LogLevel ERROR
`,
    );
    return config;
  }
  const trusted = (): string => `@cert-authority ${TARGET} ${authority}`;
  const through = (host: string): string[] => ['-J', 'b', '-l', real.sshd.user, host];

  async function latest(limit: number): Promise<readonly Listed[]> {
    const { stdout } = await real.bastion.cli('sessions', 'list', '--json', '--limit', `${limit}`);
    return (JSON.parse(stdout) as { items: readonly Listed[] }).items;
  }

  it('shows a host certificate for the name that was typed', async () => {
    const config = await configured([trusted()]);
    const { status, stdout, stderr } = await ssh(
      { config, host: TARGET, args: ['-v', '-J', 'b', '-l', real.sshd.user] },
      'echo in; exit 6',
    );
    assert.equal(stdout.toString(), 'in\n', stderr);
    assert.equal(status, 6);
    assert.match(stderr, /Server host certificate: ssh-ed25519-cert-v01@openssh.com/);
    const [, validity = ''] = /valid from (\S+ to \S+)/.exec(stderr) ?? [];
    const [from = 0, to = 0] = validity.split(' to ').map((text) => Date.parse(`${text}Z`));
    assert.ok(to - from <= 3_900_000, validity);
    const [session] = await latest(1);
    assert.deepEqual(
      [session?.via, session?.target, session?.principal.name],
      ['jump', TARGET, 'ann'],
    );
  });

  it('shows the pinned host key to those who know no authority', async () => {
    const config = await configured([`${TARGET} ${hostKey}`]);
    const { status, stderr } = await ssh(
      { config, host: TARGET, args: through(TARGET).slice(0, 4) },
      'exit 6',
    );
    assert.equal(status, 6, stderr);
  });

  const wrong: [string, () => string[]][] = [
    ['knows nothing of the target', () => []],
    ['trusts the authority for another name', () => [`@cert-authority other ${authority}`]],
    ['pins another key', () => [`${TARGET} ${real.sshd.hostKeyLine}`]],
    ['trusts another authority', () => [`@cert-authority ${TARGET} ${real.sshd.hostKeyLine}`]],
    ['has revoked the authority', () => [trusted(), `@revoked ${TARGET} ${authority}`]],
  ];
  for (const [who, lines] of wrong) {
    it(`is not believed by a client that ${who}`, async () => {
      const config = await configured(lines());
      const { status, stderr } = await ssh(
        { config, host: TARGET, args: ['-J', 'b', '-l', real.sshd.user] },
        'echo in',
      );
      assert.equal(status, 255);
      assert.match(stderr, /Host key verification failed|REVOKED/);
    });
  }

  it('keeps its certificate through key exchanges in the middle, both ways', async () => {
    const config = await configured([trusted()]);
    const bytes = Buffer.alloc(6 * 1024 * 1024, 'rekey ');
    const { stdout, stderr } = await ssh(
      {
        config,
        host: TARGET,
        args: ['-v', '-J', 'b', '-l', real.sshd.user, '-o', 'RekeyLimit=1M'],
        input: bytes,
      },
      'cat',
    );
    assert.ok(stdout.equals(bytes), stderr.slice(-2000));
    const exchanges = stderr.match(/SSH2_MSG_NEWKEYS received/g)?.length ?? 0;
    assert.ok(exchanges >= 4, `${exchanges} key exchanges`);
  });

  const ways: [string, string, readonly string[]][] = [
    ['ProxyJump in a configuration', `Host ${TARGET}\n  ProxyJump b\n`, []],
    ['ProxyCommand with ssh -W', `Host ${TARGET}\n  ProxyCommand ssh -F CONFIG -W %h:%p b\n`, []],
    ['no key of its own inside', '', ['-J', 'b', '-o', 'PubkeyAuthentication=no']],
    ['a key inside that nobody knows', '', ['-J', 'b', '-i', 'STRANGER']],
  ];
  for (const [what, lines, args] of ways) {
    it(`works by ${what}`, async () => {
      const path = join(folder, 'jump_config');
      const config = await configured([trusted()], lines.replace('CONFIG', path));
      const stranger = join(folder, 'keys', 'stranger');
      const filled = args.map((one) => one.replace('STRANGER', stranger));
      const { status, stderr } = await ssh(
        { config, host: TARGET, args: [...filled, '-l', real.sshd.user] },
        'exit 6',
      );
      assert.equal(status, 6, stderr);
    });
  }

  const insisting: AuthenticationType[] = ['publickey', 'password', 'keyboard-interactive'];
  for (const method of insisting) {
    it(`lets a client in that insists on ${method} inside, without looking at what it shows`, async () => {
      const { host, port } = real.bastion.run.ssh;
      const outer = new ssh2.Client();
      const inner = new ssh2.Client();
      try {
        outer.connect({
          host,
          port,
          username: 'ann',
          privateKey: await readFile(join(folder, 'keys', 'person')),
        });
        await once(outer, 'ready');
        const sock = await new Promise<ClientChannel>((resolve, reject) => {
          outer.forwardOut('127.0.0.1', 1, TARGET, 22, (error, stream) =>
            error === undefined ? resolve(stream) : reject(error),
          );
        });
        inner.connect({
          sock,
          username: real.sshd.user,
          privateKey: await readFile(join(folder, 'keys', 'stranger')),
          password: 'nobody’s',
          tryKeyboard: true,
          authHandler: [method],
        });
        await once(inner, 'ready');
        const channel = await new Promise<ClientChannel>((resolve, reject) => {
          inner.exec('exit 6', (error, stream) =>
            error === undefined ? resolve(stream) : reject(error),
          );
        });
        channel.resume();
        const [status] = (await once(channel, 'exit')) as [number];
        assert.equal(status, 6);
      } finally {
        inner.destroy();
        outer.destroy();
      }
    });
  }

  it('reads what ssh-config prints just as it is, with nothing else known', async () => {
    const { host, port } = real.bastion.run.ssh;
    const first = await configured([]);
    const printed = await ssh({ config: first, host: 'b' }, 'ssh-config');
    assert.equal(printed.status, 0, printed.stderr);
    const config = join(folder, 'printed_config');
    await writeFile(
      config,
      `${printed.stdout.toString()}
Host *
  IdentityFile ${join(folder, 'keys', 'person')}
  IdentitiesOnly yes
  IdentityAgent none
  StrictHostKeyChecking yes
  UserKnownHostsFile /dev/null
  GlobalKnownHostsFile /dev/null
`,
    );
    const jumped = await ssh({ config, host: TARGET }, 'exit 6');
    assert.equal(jumped.status, 6, jumped.stderr);
    const own = await ssh({ config, host: `sallyport-${host}-${port}` }, 'whoami');
    assert.match(own.stdout.toString(), /^ann \(human\)/, own.stderr);

    // The same by known_hosts, for clients that don't know KnownHostsCommand.
    const lines = await ssh({ config: first, host: 'b' }, 'ssh-config known_hosts');
    const known = join(folder, 'printed_known_hosts');
    await writeFile(known, lines.stdout);
    const older = join(folder, 'older_config');
    const text = (await readFile(config, 'utf8')).replaceAll(/^ *KnownHostsCommand.*\n/gm, '');
    await writeFile(
      older,
      text.replace('UserKnownHostsFile /dev/null', `UserKnownHostsFile ${known}`),
    );
    const again = await ssh({ config: older, host: TARGET }, 'exit 7');
    assert.equal(again.status, 7, again.stderr);
  });

  it('names the bastion in ssh-config as the asker says', async () => {
    const config = await configured([]);
    const printed = await ssh({ config, host: 'b' }, 'ssh-config bastion.example:2200');
    assert.match(printed.stdout.toString(), /HostName bastion\.example\n {2}Port 2200\n/);
    const wrongly = await ssh({ config, host: 'b' }, 'ssh-config "-oProxyCommand=id"');
    assert.equal(wrongly.status, 126);
    assert.match(wrongly.stderr, /write ssh-config/);
  });

  it('finds a target by its address, and in any case of its name', async () => {
    const { host, port } = real.sshd;
    const config = await configured([trusted(), `@cert-authority [${host}]:${port} ${authority}`]);
    const login = ['-J', 'b', '-l', real.sshd.user];
    const byAddress = await ssh({ config, host, args: [...login, '-p', String(port)] }, 'exit 6');
    assert.equal(byAddress.status, 6, byAddress.stderr);
    const upper = await ssh({ config, host: TARGET.toUpperCase(), args: login }, 'exit 6');
    assert.equal(upper.status, 6, upper.stderr);
  });

  it('leads through a jump to another target, judged and recorded there', async () => {
    // The first of the two can't be dialled, and needn't be: the bastion is at its end.
    const config = await configured([`@cert-authority ${TARGET},nowhere ${authority}`]);
    const { user } = real.sshd;
    const args = ['-J', `b,${user}@nowhere`, '-l', user];
    const twice = await ssh({ config, host: TARGET, args }, 'exit 6');
    assert.equal(twice.status, 6, twice.stderr);
    const denied = await ssh({ config, host: TARGET, args }, 'rm -r /data/x');
    assert.equal(denied.status, 126);
    assert.match(denied.stderr, /denied by rule "no-wipe"/);
    const found = await latest(2);
    assert.deepEqual(
      found.map((one) => [one.via, one.principal.name]),
      [
        ['jump', 'ann'],
        ['jump', 'ann'],
      ],
    );
  });

  it('goes no deeper than a bound', async () => {
    const config = await configured([`@cert-authority ${TARGET},nowhere ${authority}`]);
    const run = (path: readonly string[]): ReturnType<typeof ssh> => {
      const args = ['-J', path.join(','), '-l', real.sshd.user];
      return ssh({ config, host: TARGET, args }, 'exit 6');
    };
    const deep = await run(['b', 'nowhere', TARGET, 'nowhere']);
    assert.equal(deep.status, 6, deep.stderr);
    const deeper = await run(['b', TARGET, 'nowhere', TARGET, 'nowhere']);
    assert.equal(deeper.status, 255);
    assert.match(deeper.stderr, /stdio forwarding failed/);
  });

  it('answers alike for a target without a grant and for none at all', async () => {
    const answers = await Promise.all(
      ['closed', 'nosuch'].map(async (host) => {
        const config = await configured([`@cert-authority * ${authority}`]);
        const args = ['-J', 'b', '-l', real.sshd.user];
        const { status, stderr } = await ssh({ config, host, args }, 'id');
        return [status, stderr.replaceAll(host, 'NAME')];
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
    assert.match(String(answers[0]?.[1]), /there is no target "NAME" that you may reach/);
  });
});
