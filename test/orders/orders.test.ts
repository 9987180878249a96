/** Requests, ends and signals in every order: the bastion gives what a direct connection gives. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { MESSAGE } from '../../server/ssh/engine/wire.ts';
import type { RawPeer } from '../ssh/support/raw-peer.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import {
  ask,
  close,
  Conversation,
  data,
  eof,
  pty,
  settle,
  tell,
  until,
  type Step,
} from './script.ts';
import { openWays, WAYS, type Way, type Ways } from './ways.ts';

interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

const size = (cols: number, rows: number): [number, number, number, number] => [cols, rows, 0, 0];
const run = (command: string): Step => tell('exec', command);
/** Says when it listens, then dies of whatever signal comes. */
const WAIT = 'ulimit -c 0; echo ready; exec sleep 0.4';

const RFC_SIGNALS = [
  'ABRT',
  'ALRM',
  'FPE',
  'HUP',
  'ILL',
  'INT',
  'KILL',
  'PIPE',
  'QUIT',
  'SEGV',
  'TERM',
  'USR1',
  'USR2',
];
const OTHER_SIGNALS = [
  'BUS',
  'WINCH',
  'STOP',
  'NOSUCH',
  'SIGTERM',
  'term',
  '15',
  '',
  'sig@example.com',
  '\u001b[31m',
];

/** Against a real sshd, which may send its last words in either order. */
const CLIENT_CASES: readonly Case[] = [
  ...RFC_SIGNALS.map((name) => ({
    name: `signal ${name}`,
    steps: [run(WAIT), until('ready\n'), tell('signal', name)],
  })),
  ...RFC_SIGNALS.map((name) => ({
    name: `signal ${name}, asking`,
    steps: [run(WAIT), until('ready\n'), ask('signal', name)],
  })),
  ...OTHER_SIGNALS.map((name) => ({
    name: `signal ${JSON.stringify(name)}, asking, then TERM`,
    steps: [run(WAIT), until('ready\n'), ask('signal', name), settle, tell('signal', 'TERM')],
  })),
  ...['BUS', 'SYS', 'XCPU', 'RTMIN', 'STKFLT'].map((name) => ({
    name: `death by SIG${name}`,
    steps: [run(`ulimit -c 0; kill -${name} $$; sleep 5`)],
  })),
  { name: 'a signal before the start, asking', steps: [ask('signal', 'TERM'), run('echo x')] },
  {
    name: 'a signal to a command on a terminal',
    steps: [pty(), run(WAIT), until('ready\r\n'), ask('signal', 'INT')],
  },
  {
    name: 'a signal that the command catches',
    steps: [
      run(`trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.05; done`),
      until('ready\n'),
      tell('signal', 'USR1'),
    ],
  },
  {
    name: 'break without a terminal, asking',
    steps: [run('echo ready; read x'), until('ready\n'), ask('break', 500), settle, eof],
  },
  {
    name: 'break on a terminal, asking',
    steps: [
      pty(),
      run('echo ready; read x; exit 4'),
      until('ready\r\n'),
      ask('break', 500),
      settle,
      data('\n'),
    ],
  },
  {
    name: 'break of no length on a terminal',
    steps: [
      pty(),
      run('echo ready; read x; exit 4'),
      until('ready\r\n'),
      tell('break', 0),
      settle,
      data('\n'),
    ],
  },
  { name: 'break before the start, asking', steps: [ask('break', 500), run('echo x')] },
  {
    name: 'break without its length',
    steps: [
      pty(),
      run('echo ready; read x; exit 4'),
      until('ready\r\n'),
      ask('break'),
      settle,
      data('\n'),
    ],
  },
  {
    name: 'a window change on a terminal',
    steps: [
      pty(),
      run('echo ready; read x; stty size'),
      until('ready\r\n'),
      tell('window-change', ...size(101, 31)),
      settle,
      data('\n'),
    ],
  },
  {
    name: 'a window change on a terminal, asking',
    steps: [
      pty(),
      run('echo ready; read x; stty size'),
      until('ready\r\n'),
      ask('window-change', ...size(101, 31)),
      settle,
      data('\n'),
    ],
  },
  {
    name: 'a window change between terminal and start',
    steps: [pty(), ask('window-change', ...size(101, 31)), run('stty size')],
  },
  {
    name: 'a window change without a terminal',
    steps: [
      ask('window-change', ...size(101, 31)),
      run('echo ready; cat'),
      until('ready\n'),
      ask('window-change', ...size(9, 9)),
      settle,
      eof,
    ],
  },
  {
    name: 'a storm of window changes, of which the last counts',
    steps: [
      pty(),
      run('echo ready; read x; stty size'),
      until('ready\r\n'),
      ...Array.from({ length: 50 }, (_, index) =>
        tell('window-change', ...size(100 + index, 20 + index)),
      ),
      settle,
      data('\n'),
    ],
  },
  {
    name: 'variables before the start, asking',
    steps: [
      ask('env', 'LC_ONE', 'one'),
      ask('env', 'FORBIDDEN', 'x'),
      ask('env', 'LC_TWO', 'zwei'),
      run('echo "$LC_ONE $LC_TWO ${FORBIDDEN-unset}"'),
    ],
  },
  {
    name: 'a variable after the start, asking',
    steps: [
      run('echo ready; read x; echo "${LC_LATE-unset}"'),
      until('ready\n'),
      ask('env', 'LC_LATE', 'late'),
      settle,
      data('\n'),
    ],
  },
  {
    name: 'a variable twice',
    steps: [tell('env', 'LC_ONE', 'one'), tell('env', 'LC_ONE', 'two'), run('echo "$LC_ONE"')],
  },
  {
    name: 'an empty variable',
    steps: [tell('env', 'LC_EMPTY', ''), run('echo "${LC_EMPTY-unset}"')],
  },
  { name: 'end of input first', steps: [run('cat; echo done'), data('abc'), eof] },
  { name: 'end of input at once', steps: [run('cat; echo done; exit 3'), eof] },
  { name: 'end of input twice', steps: [run('cat; echo done'), eof, eof] },
  {
    name: 'data after the end of input',
    steps: [run('cat; sleep 0.2; echo done'), data('abc'), eof, data('never')],
  },
  {
    name: 'end of output first',
    steps: [run('exec >&- 2>&-; cat >/dev/null; exit 5'), until('eof'), data('abc'), eof],
  },
  {
    name: 'end of output, errors go on',
    steps: [run('exec >&-; echo first >&2; sleep 0.2; echo second >&2; exit 6')],
  },
  {
    name: 'end of errors, output goes on',
    steps: [run('exec 2>&-; echo first; sleep 0.2; echo second; exit 6')],
  },
  { name: 'output after the end of input', steps: [run('cat; sleep 0.2; echo late; exit 7'), eof] },
  {
    name: 'close without an end of input',
    steps: [run('echo ready; sleep 0.3; exit 4'), until('ready\n'), close],
  },
  {
    name: 'close after the end of input',
    steps: [run('echo ready; cat; sleep 0.2; exit 4'), until('ready\n'), eof, close],
  },
  {
    name: 'close during output',
    steps: [run('echo ready; sleep 0.3; exit 4'), until('ready\n'), close],
  },
  { name: 'close of a channel that never started', steps: [close] },
  {
    name: 'close with a terminal',
    steps: [pty(), run('echo ready; sleep 30'), until('ready\r\n'), close],
  },
  {
    name: 'a second start',
    steps: [
      ask('exec', 'echo ready; cat'),
      until('ready\n'),
      ask('exec', 'echo second'),
      ask('shell'),
      ask('subsystem', 'sftp'),
      settle,
      eof,
    ],
  },
  {
    name: 'a terminal after the start',
    steps: [run('echo ready; cat'), until('ready\n'), pty(true), settle, eof],
  },
  {
    name: 'requests that nobody knows, asking',
    steps: [
      ask('xon-xoff', true),
      ask('nonsense@example.com'),
      run('echo ready; cat'),
      until('ready\n'),
      ask('xon-xoff', true),
      ask('nonsense@example.com'),
      ask('eow@openssh.com'),
      ask('exit-status', 3),
      settle,
      eof,
    ],
  },
  {
    name: 'requests that nobody knows',
    steps: [
      tell('xon-xoff', true),
      run('echo ready; cat'),
      until('ready\n'),
      tell('xon-xoff', true),
      tell('nonsense@example.com'),
      tell('keepalive@openssh.com'),
      settle,
      eof,
    ],
  },
  {
    name: 'many requests at once, asking',
    steps: [
      pty(true),
      run('echo ready; read x'),
      until('ready\r\n'),
      ask('signal', 'NOSUCH'),
      ask('window-change', ...size(90, 20)),
      ask('break', 1),
      ask('nonsense@example.com'),
      ask('signal', 'NOSUCH'),
      ask('window-change', ...size(91, 21)),
      settle,
      data('\n'),
    ],
  },
  {
    name: 'input of a command that has ended',
    steps: [run('exit 3'), data('abc'), settle, data('def')],
  },
  { name: 'a background job that keeps the output', steps: [run('sleep 0.3 & echo started'), eof] },
  {
    name: 'a command that closes its input',
    steps: [run('exec <&-; echo ready; sleep 0.2; exit 2'), until('ready\n'), data('abc'), eof],
  },
];

const exit = (status: number): Step => tell('exit-status', status);
const killed = (name: string, core = false, message = ''): Step =>
  tell('exit-signal', name, core, message, '');

/** A target that sends its last words in this order; the client sees the same. */
const TARGET_CASES: readonly Case[] = [
  { name: 'output, end, status, close', steps: [data('a'), eof, exit(3), close] },
  { name: 'status, output, end, close', steps: [exit(3), data('a'), eof, close] },
  { name: 'output, status, end, close', steps: [data('a'), exit(0), eof, close] },
  { name: 'status and close without an end', steps: [data('a'), exit(3), close] },
  { name: 'end and close without a status', steps: [data('a'), eof, close] },
  { name: 'close alone', steps: [close] },
  { name: 'output and close', steps: [data('a'), close] },
  {
    name: 'errors after output after errors',
    steps: [data('e', 'stderr'), data('o'), data('f', 'stderr'), eof, exit(1), close],
  },
  { name: 'a status of 32 bits', steps: [eof, exit(0xffff_ffff), close] },
  { name: 'two statuses', steps: [exit(1), exit(2), eof, close] },
  { name: 'a status and a signal', steps: [exit(1), killed('TERM'), eof, close] },
  { name: 'a long wait before the close', steps: [eof, exit(0), settle, close] },
  ...['TERM', 'BUS', 'SYS', 'sig@openssh.com', 'X', 'SIGKILL', 'rt-1'].map((name) => ({
    name: `death by signal ${name}`,
    steps: [eof, killed(name), close],
  })),
  {
    name: 'death with a core and words',
    steps: [killed('SEGV', true, 'Speicherzugriffsfehler: größe'), eof, close],
  },
];

interface ClientRun {
  readonly name: string;
  readonly args: readonly string[];
  readonly command?: string;
  readonly input?: string;
}

/** The real ssh client, by its options. */
const SSH_CASES: readonly ClientRun[] = [
  { name: 'no input (-n)', args: ['-n'], command: 'cat; echo done; exit 3', input: 'unread' },
  { name: 'no terminal (-T)', args: ['-T'], command: 'tty; echo "$TERM" >&2; exit 3' },
  {
    name: 'a shell without a terminal (-T)',
    args: ['-T'],
    input: 'echo one\necho two >&2\nexit 5\n',
  },
  { name: 'a terminal (-tt)', args: ['-tt'], command: 'tty >/dev/null && stty -a; exit 3' },
  {
    name: 'a terminal whose input ends (-tt)',
    args: ['-tt'],
    command: 'stty -echo; echo ready; cat; exit 4',
    input: 'abc\n\u0004',
  },
  {
    name: 'a break by the escape ~B',
    args: ['-tt', '-e', '~'],
    command: 'stty -echo; read x; read y; echo "[$x][$y]"; exit 4',
    input: 'one\n~Btwo\n',
  },
  {
    name: 'variables (SetEnv)',
    args: ['-o', 'SetEnv=LC_A=1 FORBIDDEN=2'],
    command: 'echo "$LC_A${FORBIDDEN-}"',
  },
];

/** Last words of sshd, whose order is chance, as is whether it says the end of the output before it closes. */
const LAST_WORDS = /^(close|exit-status |exit-signal )/;

function sortedEnd(lines: readonly string[]): readonly string[] {
  const said = lines.filter((line) => line !== 'eof');
  const last = said.filter((line) => LAST_WORDS.test(line));
  return [...said.filter((line) => !LAST_WORDS.test(line)), ...last.sort()];
}

describe('orders of a channel, compared with a direct connection', () => {
  let folder: string;
  let ways: Ways;
  /** Connections that stand; each case is a channel of its own. */
  const peers = new Map<string, RawPeer>();
  /** What the scripted target does on the next channel. */
  let script: readonly Step[] = [];

  before(async () => {
    folder = await temporaryFolder();
    ways = await openWays(folder, (peer) => void serve(peer));
  });
  after(async () => {
    for (const peer of peers.values()) peer.transport.close('done');
    await ways[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Answers every start with success, then plays the script; one channel after the other. */
  async function serve(peer: RawPeer): Promise<void> {
    for (;;) {
      const { type, reader } = await peer.next();
      if (type === MESSAGE.DISCONNECT) return;
      if (type !== MESSAGE.CHANNEL_OPEN) continue;
      reader.string();
      const remote = reader.uint32();
      peer.send(MESSAGE.CHANNEL_OPEN_CONFIRMATION, remote, remote, 1_000_000, 32_768);
      await new Conversation(peer, remote, true).play(script);
    }
  }

  async function played(way: Way, target: 'real' | 'scripted', steps: readonly Step[]) {
    const key = `${way} ${target}`;
    const known = peers.get(key);
    const peer = known?.transport.isEnded === false ? known : await ways.open(way, target);
    peers.set(key, peer);
    const remote = await peer.openSession();
    return new Conversation(peer, remote).play(steps);
  }

  async function compare(transcript: (way: Way) => Promise<readonly string[]>): Promise<void> {
    const direct = await transcript('direct');
    for (const way of WAYS.slice(1)) assert.deepEqual(await transcript(way), direct, way);
  }

  for (const { name, steps } of CLIENT_CASES) {
    it(`${name}: a real sshd`, () =>
      compare(async (way) => sortedEnd(await played(way, 'real', steps))));
  }

  for (const { name, args, command, input } of SSH_CASES) {
    it(`${name}: the ssh client`, () =>
      compare(async (way) => {
        const host = { direct: 'direct', 'through the bastion': 'agent', 'through -J': 'jumped' }[
          way
        ];
        const options = {
          config: ways.sshConfig,
          host,
          args,
          ...(input === undefined ? {} : { input }),
        };
        const { status, stdout, stderr } = await ssh(options, command);
        return [String(status), stdout.toString(), stderr];
      }));
  }

  for (const { name, steps } of TARGET_CASES) {
    it(`from the target: ${name}`, async () => {
      script = [until('exec "x"'), ...steps];
      await compare((way) => played(way, 'scripted', [run('x')]));
    });
  }
});
