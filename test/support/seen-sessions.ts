/** A bastion in front of a real sshd where real programs leave sessions for people to look at. */
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { ApprovalView, SessionView } from '../../server/http/ports.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase } from '../../server/store/database.ts';
import { createTokens } from '../../server/store/tokens.ts';
import { apiOf, type Api } from './api.ts';
import { freshUrl } from './database.ts';
import { listening, reachable, Running, until } from './forward-scene.ts';
import { PROMPT, writeLogin } from './login-shell.ts';
import { runProgram, type ProgramResult } from './program.ts';
import { startRealTarget, TARGET, type RealTarget } from './real-target.ts';
import { freePort } from './sshd.ts';
import { sshInteractive, type Terminal } from './ssh.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What may be on no page and in no file. */
export const SECRETS = ['TICKET-123456', 'TICKET-654321'] as const;
export const MASKED = '*'.repeat(13);
const FILE_BYTES = 300_017;

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `ann` is an admin, `aud` an auditor, `pia` an approver; `olga` and `uma` are just people, `bot` is an agent. */
export interface SeenSessions extends AsyncDisposable {
  readonly folder: string;
  /** What sftp and scp carry. */
  readonly content: Buffer;
  readonly real: RealTarget;
  readonly api: Api;
  /** Of the web server. */
  readonly url: string;
  /** Where somebody sends back what they get; the grants name it. */
  readonly echoPort: number;
  /** A one-time link for a browser. */
  signInLink(name: string): Promise<string>;
  /** Olga at a shell of run 4711, behind its first prompt. */
  shell(): Promise<Terminal>;
  /** Runs a client as the agent, in run 4711. */
  agent(program: 'ssh' | 'sftp' | 'scp', args: readonly string[]): Promise<ProgramResult>;
  /** The items of an answer of the API. */
  items<Item>(path: string): Promise<readonly Item[]>;
  /** The newest session of this kind that has ended, or still runs; an ended one is given once. */
  session(kind: SessionView['kind'], status?: SessionView['status']): Promise<SessionView>;
}

export async function startSeenSessions(): Promise<SeenSessions> {
  const folder = await temporaryFolder();
  const content = randomBytes(FILE_BYTES);
  await mkdir(join(folder, 'far'));
  await writeFile(join(folder, 'sent.bin'), content);
  await writeFile(join(folder, 'far/there.bin'), content.toReversed());
  await writeFile(join(folder, 'far/tickets'), `number ${SECRETS[0]} is yours\n`);
  await writeFile(join(folder, 'far/name'), 'echo');
  const echo = echoing();
  const echoPort = await listening(echo);
  echo.unref();
  const forward = `files: full, keepFiles: true, forward: ["127.0.0.1:${echoPort}"]`;
  const databaseUrl = await freshUrl();
  const real = await startRealTarget(
    folder,
    policiesOf(folder),
    { DATABASE_URL: databaseUrl },
    {
      sshd: await writeLogin(folder),
      shellIntegration: 'inject',
      people: Object.fromEntries(
        ['aud', 'pia', 'olga', 'uma'].map((name) => [name, 'channels: [shell], policy: default']),
      ),
      about: { aud: 'roles: [auditor]', pia: 'roles: [approver]' },
      grants: (user) =>
        `  - {principals: [bot], targets: [${TARGET}], logins: [${user}], channels: [exec, sftp, scp], ${forward}, policy: default, keepDays: 365}`,
    },
  );
  await appendFile(real.sshConfig, '  SetEnv LC_SHELL=bash\n');
  const api = await apiOf(real.bastion);
  const stores = { url: databaseUrl, homeDirectory: '/nowhere', logger: silentLogger };
  const database = await openDatabase(stores);
  const { url } = real.bastion.run.http;
  const tokens = createTokens(database);
  const user = `${real.sshd.user}@${TARGET}+run=4711+task=nightly`;
  const config = real.sshConfig;

  const signInLink = async (principalName: string): Promise<string> => {
    const token = await tokens.createToken({ kind: 'setup', principalName });
    return `${url}/setup/${token}`;
  };
  const shell = async (): Promise<Terminal> => {
    const args = ['-l', user];
    const terminal = sshInteractive({ config, host: 'olga', args, cols: 100, rows: 30 });
    await terminal.expect(PROMPT);
    return terminal;
  };
  const agent = (program: 'ssh' | 'sftp' | 'scp', args: readonly string[]) =>
    runProgram(program, ['-F', config, '-o', 'BatchMode=yes', '-o', `User=${user}`, ...args], {
      workingDirectory: folder,
    });
  const items = async <Item>(path: string): Promise<readonly Item[]> =>
    (JSON.parse(await api.get(path)) as { readonly items: readonly Item[] }).items;
  const known = new Set<string>();
  const session: SeenSessions['session'] = (kind, status = 'closed') =>
    until(`a session of kind ${kind}`, async () => {
      const [newest] = await items<SessionView>(`sessions?kind=${kind}&status=${status}&limit=1`);
      // That of the command before is older, and not what is asked for.
      if (newest === undefined || known.has(newest.id)) return null;
      if (status !== 'active') known.add(newest.id);
      return newest;
    });
  const dispose = async (): Promise<void> => {
    echo.close();
    await database.close();
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  const facts = { folder, content, real, api, url, echoPort };
  const acts = { signInLink, shell, agent, items, session };
  return { ...facts, ...acts, [Symbol.asyncDispose]: dispose };
}

/**
 * What Olga types, and how it ends: masked output, a denied command, one that `approve` lets go on, a status
 * of 3, one that can't be read, long output, a slow one, a masked text.
 */
export async function playShell(
  world: SeenSessions,
  approve: (id: string) => Promise<void>,
): Promise<SessionView> {
  await using terminal = await world.shell();
  const run = async (line: string, shows: string): Promise<void> => {
    terminal.type(`${line}\r`);
    await terminal.expect(shows);
    await terminal.expect(PROMPT);
  };
  await run(`cat ${world.folder}/far/tickets`, `number ${MASKED} is yours`);
  await run(`touch ${world.folder}/far/forbidden`, 'denied by rule "no-touch"');
  terminal.type('echo carefully $((40+2))\r');
  await terminal.expect('held by rule "careful"');
  const [waiting] = await world.items<ApprovalView>('approvals?status=waiting');
  await approve(waiting?.id ?? 'none');
  await terminal.expect('approved by pia');
  await terminal.expect('carefully 42\r\n');
  await terminal.expect(PROMPT);
  await run(`sh -c 'exit 3'`, '\r\n');
  await run(`$(cat ${world.folder}/far/name) dynamic`, 'dynamic\r\n');
  await run('seq 1 400', '\n400\r\n');
  await run('sleep 1.2; echo slept', 'slept\r\n');
  await run(`echo ${SECRETS[1]}`, `${MASKED}\r\n`);
  terminal.type('exit\r');
  await terminal.ended();
  return world.session('shell');
}

/** A batch of sftp: a file up, one down, and one renamed. */
export async function carryFiles({ folder, ...world }: SeenSessions): Promise<ProgramResult> {
  const far = `${folder}/far`;
  const lines = [
    `put sent.bin ${far}/put.bin`,
    `get ${far}/there.bin got.bin`,
    `rename ${far}/put.bin ${far}/moved.bin`,
  ];
  await writeFile(join(folder, 'batch'), lines.join('\n'));
  return world.agent('sftp', ['-b', 'batch', 'agent']);
}

/** The content there and back by `ssh -L`. */
export async function carryByForward(world: SeenSessions): Promise<SessionView> {
  const port = await freePort();
  const place = `${port}:127.0.0.1:${world.echoPort}`;
  await using _client = new Running(world.real.sshConfig, ['-N', '-L', place, 'agent']);
  await reachable(port);
  const socket = connect({ host: '127.0.0.1', port });
  let got = 0;
  socket.on('data', (part: Buffer) => (got += part.length));
  socket.write(world.content);
  await until('the echo', async () => (got === world.content.length ? true : null));
  socket.destroy();
  return until('the end of the forward', async () => {
    const items = await world.items<SessionView>('sessions?kind=forward&status=closed');
    return items.find(({ bytesOut }) => bytesOut > 0);
  });
}

function policiesOf(folder: string): string {
  return `policies:
  default:
    default: allow
    uncertain: allow
    holdTimeout: 60s
    rules:
      - {name: no-touch, action: deny, match: {path: ["${folder}/far/forbidden"]}, reason: "nobody touches that"}
      - {name: careful, action: hold, match: {command: "echo carefully *"}, reason: "a person looks first"}
    masks:
      - {name: ticket, pattern: "TICKET-[0-9]{6}"}
`;
}

function echoing(): Server {
  return createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
}
