/**
 * The demo of a first start: a person, an agent, a target on loopback in a child process, a default
 * policy, and an ssh_config that joins them.
 */
import { GRANT_DEFAULTS } from '../access/grant.ts';
import { fork, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DirectoryDocument, KeyEntry } from '../access/directory.ts';
import { SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { DEFAULT_POLICY } from '../policy/default-policy.ts';
import { formatPublicLine, generateKeyPair, parsePrivateKey, parsePublicLine } from '../ssh/key.ts';
import type { Settings } from '../store/settings.ts';
import type { Home } from './home.ts';

const DEMO_TARGET = 'demo';
export const DEMO_CREDENTIAL = 'demo';
/** Holds the instance id of the home whose demo this database has, or `ended`. */
export const DEMO_SETTING = 'demo';
const HUMAN = 'demo';
const AGENT = 'demo-agent';
const START_TIMEOUT_MS = 20_000;

export interface DemoKeys {
  readonly human: KeyEntry;
  readonly agent: KeyEntry;
  /** Host key of the demo target, private, PEM. */
  readonly targetHostKey: Buffer;
  readonly targetHostKeyLine: string;
}

/** The demo's keys in the home folder, made if they aren't there. Throws `key.corrupt`. */
export async function demoKeys(home: Home): Promise<DemoKeys> {
  const pair = async (file: string, name: string): Promise<KeyEntry> => {
    const pem = await home.key(`demo/${file}`, () => generateKeyPair(name).privateKeyPem, whyNoKey);
    const line = publicLineOf(pem, name);
    await writeFile(home.path('demo', `${file}.pub`), `${line}\n`, { mode: 0o600 });
    const parsed = parsePublicLine(line);
    if (parsed.kind === 'invalid') throw new SallyportError('internal', parsed.why, 'report this');
    return parsed;
  };
  const targetHostKey = await home.key(
    'keys/demo_target_host_ed25519',
    () => generateKeyPair('demo-target').privateKeyPem,
    whyNoKey,
  );
  return {
    human: await pair('human_ed25519', HUMAN),
    agent: await pair('agent_ed25519', AGENT),
    targetHostKey,
    targetHostKeyLine: publicLineOf(targetHostKey),
  };
}

/** The directory of the demo. @param target where its target listens */
export function demoDirectory(
  keys: DemoKeys,
  target: { readonly host: string; readonly port: number },
  login: string,
): DirectoryDocument {
  return {
    principals: [
      {
        name: HUMAN,
        kind: 'human',
        roles: ['admin'],
        groups: ['people'],
        owner: null,
        keys: [keys.human],
        oidc: [],
      },
      {
        name: AGENT,
        kind: 'agent',
        roles: [],
        groups: ['agents'],
        owner: HUMAN,
        keys: [keys.agent],
        oidc: [],
      },
    ],
    credentials: [{ name: DEMO_CREDENTIAL }],
    targets: [
      {
        name: DEMO_TARGET,
        ...target,
        hostKey: keys.targetHostKeyLine,
        labels: { env: 'demo' },
        shellIntegration: 'off',
        logins: [{ name: login, credential: DEMO_CREDENTIAL }],
      },
    ],
    grants: [
      {
        principals: [HUMAN, AGENT],
        targets: [DEMO_TARGET],
        logins: [login],
        channels: ['shell', 'exec', 'sftp', 'scp'],
        policy: 'default',
        ...GRANT_DEFAULTS,
      },
    ],
    policies: { default: DEFAULT_POLICY },
  };
}

/**
 * A configuration takes the place of the demo's grants and policy; another start of the demo would
 * undo that.
 */
export async function endDemo(settings: Settings): Promise<void> {
  await settings.write(DEMO_SETTING, 'ended');
}

/** Starts the demo target in a child process that ends when this process does. */
export async function startDemoTargetProcess(
  options: {
    readonly hostKeyPem: Buffer;
    readonly authorizedKey: Buffer;
    readonly shell: string;
  },
  logger: Logger,
): Promise<{ readonly host: string; readonly port: number; stop(): Promise<void> }> {
  const child = fork(fileURLToPath(new URL('../sallyport.mjs', import.meta.url)), ['demo-target'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // It must not see what belongs to the bastion: master key, database address.
    env: Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !name.startsWith('SALLYPORT_') && name !== 'DATABASE_URL',
      ),
    ),
  });
  const address = await listening(child, options);
  child.on('exit', (code) => {
    if (!child.killed) logger.error('demo target ended', { code });
  });
  return {
    ...address,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
  };
}

export interface DemoTargetOrder {
  readonly hostKeyPem: string;
  readonly authorizedKey: string;
  readonly shell: string;
}

function listening(
  child: ChildProcess,
  options: { readonly hostKeyPem: Buffer; readonly authorizedKey: Buffer; readonly shell: string },
): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(
        new SallyportError(
          'internal',
          `the demo target did not start (${why})`,
          'look at the lines above, or start with a configuration, which has no demo',
        ),
      );
    };
    const timer = setTimeout(() => fail('it took too long'), START_TIMEOUT_MS);
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => fail(`it ended with ${signal ?? code}`));
    child.once('message', (message) => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(message as { host: string; port: number });
    });
    const order: DemoTargetOrder = {
      hostKeyPem: options.hostKeyPem.toString('utf8'),
      authorizedKey: options.authorizedKey.toString('base64'),
      shell: options.shell,
    };
    child.send(order);
  });
}

/** Writes ssh_config and known_hosts for where the bastion listens now. */
export async function writeDemoSshFiles(
  home: Home,
  bastion: { readonly host: string; readonly port: number },
  hostKeyLines: readonly string[],
  login: string,
): Promise<void> {
  // ssh expands tokens such as %h in these paths.
  const quoted = (name: string): string => `"${home.path('demo', name).replaceAll('%', '%%')}"`;
  const direct = (alias: string, key: string): string =>
    [
      `Host ${alias}`,
      `  HostName ${bastion.host}`,
      `  Port ${bastion.port}`,
      `  User ${DEMO_TARGET}`,
      `  HostKeyAlias sallyport-demo`,
      `  IdentityFile ${quoted(key)}`,
    ].join('\n');
  const config = [
    '# Written by Sallyport at every start of its demo.',
    direct('demo', 'human_ed25519'),
    direct('demo-agent', 'agent_ed25519'),
    direct('demo-bastion', 'human_ed25519').replace(`User ${DEMO_TARGET}`, 'User bastion'),
    [
      'Host demo-jump',
      `  HostName ${DEMO_TARGET}`,
      '  Port 22',
      `  User ${login}`,
      '  HostKeyAlias sallyport-demo',
      `  IdentityFile ${quoted('human_ed25519')}`,
      '  ProxyJump demo-bastion',
    ].join('\n'),
    [
      'Host *',
      `  UserKnownHostsFile ${quoted('known_hosts')}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking yes',
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
    ].join('\n'),
  ].join('\n\n');
  await writeFile(home.path('demo', 'ssh_config'), `${config}\n`, { mode: 0o600 });
  const known = hostKeyLines.map((line) => `sallyport-demo ${line}\n`).join('');
  await writeFile(home.path('demo', 'known_hosts'), known, { mode: 0o600 });
}

/** What a first start says to type next; every command stands alone on its line, to be copied. */
export function demoGuide(facts: {
  readonly version: string;
  readonly home: string;
  readonly database: string;
  readonly ssh: string;
  readonly url: string;
  readonly setupToken: string;
}): string {
  const ssh = `ssh -F ${shellWord(`${facts.home}/demo/ssh_config`)}`;
  return `
Sallyport ${facts.version} is running.

  home       ${facts.home}
  database   ${facts.database}
  ssh        ${facts.ssh}
  web        ${facts.url}

Sign in as ${HUMAN} with this one-time link (15 minutes):

  ${facts.url}/setup/${facts.setupToken}

Type in another terminal:

  A shell, as a person
    ${ssh} demo
  One command, as an agent
    ${ssh} demo-agent 'uname -a'
  One that is denied: it never reaches the target
    ${ssh} demo-agent 'rm -rf /'
  One that is held until you decide, at ${facts.url}/approvals
    ${ssh} demo-agent 'shutdown -k now'
  or in a terminal, with the ID that it names
    ${ssh} demo-bastion approve ID

Replays are at ${facts.url}/sessions
Ctrl-C stops everything; the next start goes on from here.

`;
}

/** One word of a POSIX shell, quoted only when it must be. */
function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Why the content of a key file is no private key; null = it is one. */
export function whyNoKey(content: Buffer): string | null {
  const outcome = parsePrivateKey(content);
  return outcome.kind === 'invalid' ? outcome.why : null;
}

/** The public half, as known_hosts and authorized_keys take it. */
export function publicLineOf(pem: Buffer, comment = ''): string {
  const outcome = parsePrivateKey(pem);
  if (outcome.kind === 'invalid') {
    throw new SallyportError('key.corrupt', outcome.why, 'move the key file away');
  }
  return formatPublicLine(outcome.blob, comment);
}
