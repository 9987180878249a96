/** Clients that run a command and pass its streams on: what is tried with all of them. */
import { join } from 'node:path';
import { Terminal } from '../support/ssh.ts';
import { hashOf, type Attempt, type Check, type Client, type Facts } from './check.ts';
import { cancelled, CLIENT_TIMEOUT_MS, endOf, runClient, type CommandLine } from './program-run.ts';

export interface CommandClient {
  readonly name: string;
  /** The client running `command` on the target; null = the login shell. */
  readonly start: (
    attempt: Pick<Attempt, 'scene' | 'way'>,
    command: string | null,
    isTerminal: boolean,
  ) => CommandLine;
}

/** What every command must give on every way: name, command, input. */
export const COMMANDS: readonly (readonly [name: string, command: string, input?: string])[] = [
  ['output, errors, status', 'echo out; echo err >&2; exit 7'],
  ['nothing', 'true'],
  ['status 255', 'exit 255'],
  ['a signal', 'kill -TERM $$'],
  ['no such command', 'no-such-command-here'],
  ['bytes', String.raw`printf '\377\376\000\001'`],
  ['input', 'sort -r; echo after', 'a\nc\nb\n'],
  ['both streams', 'seq 1 20000; seq 20001 40000 >&2'],
];

const TERMINAL_SIZE = { cols: 97, rows: 31 };
/** The pseudo-terminals of tests name a key that ends a line as well as Enter; no other terminal does. */
const ON_A_USUAL_TERMINAL = ['sh', '-c', 'stty eol undef eol2 undef; exec "$@"', 'sh'] as const;

/** The checks of a client that runs commands. */
export function commandChecks(client: CommandClient): Client['checks'] {
  return {
    'login and errors': async (attempt) => {
      const facts: Record<string, Facts[string]> = {};
      for (const [name, command, input = ''] of COMMANDS) {
        const result = await runClient(attempt, client.start(attempt, command, false), { input });
        Object.assign(facts, endOf(name, result));
      }
      return facts;
    },
    terminal: terminal(client),
    download: async (attempt) => {
      const { scene, here, bulkBytes } = attempt;
      const command = client.start(attempt, `cat ${await scene.bulkFile(bulkBytes)}`, false);
      const outputFile = join(here, 'got');
      const result = await runClient(attempt, command, { outputFile });
      return { ...endOf('cat', result), hash: await hashOf(outputFile) };
    },
    upload: async (attempt) => {
      const { scene, there, bulkBytes } = attempt;
      const command = client.start(attempt, `cat >${there}/got`, false);
      const inputFile = await scene.bulkFile(bulkBytes);
      const result = await runClient(attempt, command, { inputFile });
      return { ...endOf('cat', result), hash: await hashOf(join(there, 'got')) };
    },
    cancel: async (attempt) => {
      const { scene, here, there } = attempt;
      const endless = scene.endlessFile;
      const got = join(here, 'got');
      return {
        ...(await cancelled(attempt, 'download', {
          command: client.start(attempt, `cat ${endless}`, false),
          outputFile: got,
          grows: got,
        })),
        ...(await cancelled(attempt, 'upload', {
          command: client.start(attempt, `cat >${there}/got`, false),
          inputFile: endless,
          grows: join(there, 'got'),
        })),
      };
    },
  };
}

/** A command at a terminal, its modes and size included, and a login shell that is typed into. */
function terminal(client: CommandClient): Check {
  return async (attempt) => {
    const options = { ...TERMINAL_SIZE, env: attempt.scene.env, term: 'xterm' };
    const [file, ...args] = ON_A_USUAL_TERMINAL;
    const start = client.start(
      attempt,
      'test -t 0 && test -t 1 && test -t 2 && echo "$TERM"; stty -a; exit 5',
      true,
    );
    await using command = new Terminal(file, [...args, ...start], options);
    const { status } = await command.ended(CLIENT_TIMEOUT_MS);
    const login = client.start(attempt, null, true);
    await using shell = new Terminal(file, [...args, ...login], options);
    shell.type('echo $((1300+37)); exit 4\r');
    await shell.expect(/[\r\n]1337\r\n/);
    const end = await shell.ended();
    return {
      'command: terminal': command.transcript,
      'command: status': status,
      'shell: status': end.status,
    };
  };
}
