/** What clients ask for on a channel, in many orders. */
import { ask, close, data, eof, pty, settle, tell, until, type Step } from './script.ts';

export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

const size = (cols: number, rows: number): [number, number, number, number] => [cols, rows, 0, 0];
/** Starts a command. */
export const run = (command: string): Step => tell('exec', command);
/** Says when it listens, then dies of whatever signal comes. */
const WAIT = 'ulimit -c 0; echo ready; exec sleep 0.4';

const RFC_SIGNALS = ['HUP', 'INT', 'KILL', 'QUIT', 'TERM', 'USR1'];
const OTHER_SIGNALS = ['BUS', 'NOSUCH', 'SIGTERM', '', 'sig@example.com', '\u001b[31m'];

/** Against a real sshd, which may send its last words in either order. */
export const CLIENT_CASES: readonly Case[] = [
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
      run(`trap 'echo caught; exit 3' USR1; echo ready; for i in $(seq 40); do sleep 0.05; done`),
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
