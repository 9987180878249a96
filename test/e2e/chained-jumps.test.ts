/** `ssh -J bastion1,bastion2 target` through two real bastions, one behind the other. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeKey, type KeyFile } from '../ssh/support/authority.ts';
import type { ProgramResult } from '../support/program.ts';
import { ssh } from '../support/ssh.ts';
import { startSshd, type Sshd } from '../support/sshd.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

const SCENE_TIMEOUT_MS = 240_000;
const POLICIES = 'policies: {default: {default: allow, uncertain: allow}}';

interface Listed {
  readonly kind: string;
  readonly via: string;
  readonly target: string;
  readonly login: string;
  readonly principal: { readonly name: string };
}

interface Event {
  readonly type: string;
  readonly principal: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

describe('e2e: jumps through two bastions', () => {
  let folder: string;
  let gateway: Sshd;
  let target: Sshd;
  let outer: Bastion;
  let inner: Bastion;
  let ann: KeyFile;
  let ben: KeyFile;
  let config: string;

  const publicHalf = (bastion: Bastion, file: string): string =>
    spawnSync('ssh-keygen', ['-y', '-f', join(bastion.home, 'keys', file)])
      .stdout.toString()
      .trim();

  async function run(bastion: Bastion, ...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await bastion.cli(...args);
    assert.equal(status, 0, stderr);
    return stdout;
  }

  /** A bastion with a configuration that is written later, when its neighbours are known. */
  async function start(name: string): Promise<{ bastion: Bastion; file: string }> {
    await mkdir(join(folder, name));
    const file = join(folder, name, 'bastion.yaml');
    await writeFile(
      file,
      `credentials: [{name: chain}, {name: signed}, {name: stored}]\n${POLICIES}\n`,
    );
    return { bastion: await startBastion({ env: { SALLYPORT_CONFIG: file } }), file };
  }

  before(async function () {
    // Two bastions and a dozen verbs.
    this.timeout(SCENE_TIMEOUT_MS);
    folder = await temporaryFolder();
    gateway = await startSshd();
    target = await startSshd();
    ann = makeKey(folder, 'ann');
    ben = makeKey(folder, 'ben');
    const [first, second] = await Promise.all([start('outer'), start('inner')]);
    outer = first.bastion;
    inner = second.bastion;
    const keyOf = async (bastion: Bastion, ...args: readonly string[]): Promise<string> =>
      /ssh-ed25519 \S+/.exec(await run(bastion, 'credential', 'generate', ...args))?.[0] ?? '';
    const chain = await keyOf(outer, 'chain');
    const signer = await keyOf(outer, 'signed', '--authority');
    const near = await keyOf(outer, 'stored');
    const far = await keyOf(inner, 'stored');
    await gateway.authorise(near);
    await target.authorise(far);
    const { host, port } = inner.run.ssh;
    await writeFile(
      first.file,
      `principals:
  - {name: ann, kind: human, keys: ["${ann.publicLine}"]}
  - {name: ben, kind: human, keys: ["${ben.publicLine}"]}
credentials: [{name: chain}, {name: signed}, {name: stored}]
targets:
  - {name: b2, address: "${host}:${port}", hostKey: "${publicHalf(inner, 'ssh_host_ed25519')}", logins: [{name: relay, credential: chain}, {name: vouched, credential: signed}]}
  - {name: gate, address: "${gateway.host}:${gateway.port}", hostKey: "${gateway.hostKeyLine}", logins: [{name: ${gateway.user}, credential: stored}]}
grants:
  - {principals: [ann], targets: [b2], logins: [relay, vouched], channels: [exec], policy: default, forward: ["web1:22"]}
  - {principals: [ben], targets: [gate], logins: [${gateway.user}], channels: [exec], policy: default, forward: ["${host}:${port}"]}
${POLICIES}
`,
    );
    await writeFile(
      second.file,
      `authorities:
  - {name: outer, keys: ["${signer}"]}
principals:
  - {name: chain, kind: agent, owner: ben, groups: [people], keys: ["${chain}"]}
  - {name: vouched, kind: agent, owner: ben, groups: [people], certificates: [{authority: outer, principals: [vouched]}]}
  - {name: ben, kind: human, groups: [people], keys: ["${ben.publicLine}"]}
credentials: [{name: chain}, {name: signed}, {name: stored}]
targets:
  - {name: web1, address: "${target.host}:${target.port}", hostKey: "${target.hostKeyLine}", logins: [{name: ${target.user}, credential: stored}]}
grants:
  - {principals: ["group:people"], targets: [web1], logins: [${target.user}], channels: [exec], policy: default}
${POLICIES}
`,
    );
    await run(outer, 'apply', first.file);
    await run(inner, 'apply', second.file);
    const known = join(folder, 'known_hosts');
    const outerPlace = outer.run.ssh;
    await writeFile(
      known,
      `[${outerPlace.host}]:${outerPlace.port} ${publicHalf(outer, 'ssh_host_ed25519')}
[${host}]:${port} ${publicHalf(inner, 'ssh_host_ed25519')}
@cert-authority b2 ${publicHalf(outer, 'ssh_host_ca_ed25519')}
@cert-authority web1 ${publicHalf(inner, 'ssh_host_ca_ed25519')}
`,
    );
    config = join(folder, 'ssh_config');
    await writeFile(
      config,
      `Host b1 b1-by-gate
  HostName ${outerPlace.host}
  Port ${outerPlace.port}
Host b1
  User ann
  IdentityFile ${ann.path}
Host b1-by-gate
  User ${gateway.user}@gate
  IdentityFile ${ben.path}
Host b2-far
  HostName ${host}
  Port ${port}
  User ben
  IdentityFile ${ben.path}
Host *
  UserKnownHostsFile ${known}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  IdentitiesOnly yes
  IdentityAgent none
  LogLevel ERROR
`,
    );
  });
  after(async () => {
    await outer?.[Symbol.asyncDispose]();
    await inner?.[Symbol.asyncDispose]();
    await gateway?.close();
    await target?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function jump(path: string, command: string, host = 'web1'): Promise<ProgramResult> {
    return ssh({ config, host, args: ['-J', path, '-l', target.user] }, command);
  }

  async function latest(bastion: Bastion): Promise<Listed | undefined> {
    const listed = await run(bastion, 'sessions', 'list', '--json', '--limit', '1');
    return (JSON.parse(listed) as { items: readonly Listed[] }).items[0];
  }

  it('when the second is a target of the first: a forward there, a full recording behind it', async () => {
    const { status, stdout, stderr } = await jump('b1,relay@b2', 'echo far; exit 6');
    assert.equal(stdout.toString(), 'far\n', stderr);
    assert.equal(status, 6);
    const far = await latest(inner);
    assert.deepEqual(
      [far?.kind, far?.via, far?.target, far?.principal.name],
      ['exec', 'jump', 'web1', 'chain'],
    );
    const near = await latest(outer);
    assert.deepEqual(
      [near?.kind, near?.via, near?.target, near?.login, near?.principal.name],
      ['forward', 'jump', 'b2', 'relay', 'ann'],
    );
  });

  it('tells the second who it is, by certificates that the first signs for each connection', async () => {
    const { status, stderr } = await jump('b1,vouched@b2', 'exit 7');
    assert.equal(status, 7, stderr);
    const events = (await run(inner, 'journal', 'tail', '--json', '--limit', '20'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Event);
    const signedIn = events.findLast(({ data }) => data['method'] === 'certificate');
    assert.equal(signedIn?.principal, 'vouched');
    assert.equal(signedIn.data['authority'], 'outer');
    assert.match(String(signedIn.data['keyId']), /^sallyport:ann:/);
  });

  it('when the second is only a place that a grant names: the client proves itself there', async () => {
    const { status, stdout, stderr } = await jump('b1-by-gate,b2-far', 'echo far; exit 6');
    assert.equal(stdout.toString(), 'far\n', stderr);
    assert.equal(status, 6);
    const far = await latest(inner);
    assert.deepEqual(
      [far?.kind, far?.via, far?.target, far?.principal.name],
      ['exec', 'jump', 'web1', 'ben'],
    );
    const near = await latest(outer);
    assert.deepEqual(
      [near?.kind, near?.via, near?.target, near?.principal.name],
      ['forward', 'direct', 'gate', 'ben'],
    );
  });

  it('opens no other way out of the second', async () => {
    const other = await ssh({
      config,
      host: 'relay@b2',
      args: ['-J', 'b1', '-W', `${target.host}:${target.port}`],
    });
    assert.equal(other.status, 255);
    assert.match(other.stderr, /stdio forwarding failed/);
    const beside = await jump('b1,b2-far', 'echo far');
    assert.notEqual(beside.status, 0, 'ann has no grant for that place');
  });

  it('carries a megabyte both ways, with key exchanges in all three layers', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024, 'chained ');
    const args = ['-J', 'b1,relay@b2', '-l', target.user, '-o', 'RekeyLimit=1M'];
    const { stdout, stderr } = await ssh({ config, host: 'web1', args, input: bytes }, 'cat');
    assert.ok(stdout.equals(bytes), stderr);
  });
});
