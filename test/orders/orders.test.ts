/** Requests, ends and signals in every order: the bastion gives what a direct connection gives. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { MESSAGE } from '../../server/ssh/engine/wire.ts';
import type { RawPeer } from '../ssh/support/raw-peer.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { CLIENT_CASES, run, type Case } from './client-cases.ts';
import { close, Conversation, data, eof, settle, tell, until, type Step } from './script.ts';
import { openWays, WAYS, type Way, type Ways } from './ways.ts';

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
