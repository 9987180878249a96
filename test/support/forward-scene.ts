/** A bastion whose grants name forwards, in front of a real sshd, and what asks for them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from '../../server/journal/event.ts';
import { apiOf, type Api } from './api.ts';
import { programEnvironment, type ProgramResult } from './program.ts';
import { startRealTarget, TARGET, type RealTarget } from './real-target.ts';
import { ssh } from './ssh.ts';
import { temporaryFolder } from './temporary-folder.ts';

const PATIENCE_MS = 20_000;

/** Resolves when `look` finds something. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await sleep(50);
  }
}

export async function listening(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends back all that it got, once that has ended. */
export function echoAtEnd(): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    const parts: Buffer[] = [];
    socket.on('error', () => {});
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('end', () => socket.end(Buffer.concat(parts)));
  });
}

/** All that comes after `sent` and the end of it were sent. */
export async function talk(socket: Socket, sent: Buffer | string): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  const ended = once(socket, 'end');
  socket.end(sent);
  await ended;
  return Buffer.concat(parts);
}

/** Waits until something accepts connections there. */
export function reachable(port: number): Promise<true> {
  return until(`port ${port}`, async () => {
    const socket = connect({ host: '127.0.0.1', port });
    const answer = await Promise.race([
      once(socket, 'connect').then(() => true as const),
      once(socket, 'error').then(() => null),
    ]).catch(() => null);
    socket.destroy();
    return answer;
  });
}

/** An `ssh` that runs until it is told to stop. */
export class Running implements AsyncDisposable {
  readonly #child: ChildProcess;
  #said = '';

  constructor(config: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(
      'ssh',
      ['-F', config, '-o', 'BatchMode=yes', '-o', 'LogLevel=INFO', ...args],
      { env: programEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (part: Buffer) => (this.#said += part.toString()));
    }
  }

  get said(): string {
    return this.#said;
  }

  says(wanted: RegExp): Promise<RegExpExecArray> {
    return until(`${wanted}, but it says ${this.#said}`, async () => wanted.exec(this.#said)).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; it said: ${this.#said}`);
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      await once(this.#child, 'exit');
    }
  }
}

export interface ForwardScene extends AsyncDisposable {
  readonly folder: string;
  readonly real: RealTarget;
  readonly api: Api;
  /** Where somebody sends back all that they got; the grant names it. */
  readonly echoPort: number;
  /** What the target's sshd told its xauth. */
  readonly xauthLog: string;
  /** Something else takes the place of the echo while `work` runs. */
  instead(server: Server, work: () => Promise<void>): Promise<void>;
  /** `ssh` as the agent `bot`, whose grants name forwards. */
  agent(args: readonly string[], command?: string): Promise<ProgramResult>;
  /** The newest events of forwards and sessions, oldest first. */
  journal(): Promise<readonly JournalEntry[]>;
  /** One of the bastion's own commands, as somebody who may decide. */
  decide(words: string): Promise<ProgramResult>;
  /** The id of the approval that this text waits for. */
  waiting(text: string): Promise<string>;
  /** The newest end of such a forward. */
  ended(from: string, to: string): Promise<JournalEntry>;
}

export async function startForwardScene(): Promise<ForwardScene> {
  const folder = await temporaryFolder();
  let echo = echoAtEnd();
  const echoPort = await listening(echo);
  const xauthLog = join(folder, 'xauth.log');
  const xauth = join(folder, 'xauth');
  await writeFile(xauth, `#!/bin/sh\ncat >> ${xauthLog}\n`);
  await chmod(xauth, 0o755);
  const entries = [
    `127.0.0.1:${echoPort}`,
    '127.0.0.1:2',
    'held.example:5432',
    'denied.example:*',
    'nowhere.invalid:80',
    'free.example:22',
    `unix:${folder}/server.sock`,
    `listen:unix:${folder}/listening.sock`,
    'listen:127.0.0.1:*',
    'agent',
    'x11',
  ];
  const real = await startRealTarget(
    folder,
    `  - {principals: [bot], targets: [${TARGET}], logins: [${userInfo().username}], channels: [exec, shell], policy: forwards, forward: ${JSON.stringify(entries)}}
policies:
  default:
    default: allow
    uncertain: allow
    rules:
      - {name: first, action: hold, match: {command: "echo first"}}
  forwards:
    default: allow
    holdTimeout: 20s
    rules:
      - {name: database, action: hold, match: {command: "forward held.example:5432"}, reason: "customer data"}
      - {name: first, action: hold, match: {command: "echo first"}}
      - {name: closed, action: deny, match: {command: "forward denied.example:*"}, reason: "not from here"}
`,
    {},
    { sshd: ['X11Forwarding yes', `XAuthLocation ${xauth}`, 'AllowAgentForwarding yes'] },
  );
  const api = await apiOf(real.bastion);

  const agent = (args: readonly string[], command?: string): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: 'agent', args: ['-o', 'LogLevel=INFO', ...args] }, command);

  /** The newest events of forwards and sessions, oldest first. */
  async function journal(): Promise<readonly JournalEntry[]> {
    const types =
      'forward.opened,forward.ended,forward.refused,forward.listening,session.started,command.decided';
    const page = JSON.parse(await api.get(`journal?limit=200&type=${types}`)) as {
      items: JournalEntry[];
    };
    return page.items.toSorted((one, other) => one.seq - other.seq);
  }

  /** As somebody who may decide. */
  const decide = (words: string): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: 'person', args: ['-l', 'bastion'] }, words);

  const waiting = (text: string): Promise<string> =>
    until(`an approval of ${text}`, async () => {
      const { items } = JSON.parse(await api.get('approvals')) as {
        items: { id: string; text: string; status: string }[];
      };
      return items.find((one) => one.text === text && one.status === 'waiting')?.id;
    });

  const ended = (from: string, to: string): Promise<JournalEntry> =>
    until(`the end of the forward to ${to}`, async () =>
      (await journal()).findLast(
        ({ type, data }) => type === 'forward.ended' && data['from'] === from && data['to'] === to,
      ),
    );

  const instead = async (server: Server, work: () => Promise<void>): Promise<void> => {
    echo.close();
    await listening(server, echoPort);
    try {
      await work();
    } finally {
      server.close();
      echo = echoAtEnd();
      await listening(echo, echoPort);
    }
  };
  const dispose = async (): Promise<void> => {
    await real[Symbol.asyncDispose]();
    echo.close();
    await rm(folder, { recursive: true, force: true });
  };
  const asked = { agent, journal, decide, waiting, ended, instead };
  const facts = { folder, real, api, echoPort, xauthLog };
  return { ...facts, ...asked, [Symbol.asyncDispose]: dispose };
}
