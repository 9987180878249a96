/**
 * Programs that run the program named by their own words, as data, and the few that need more than
 * data. Not caught here: wrappers that this table doesn't name; their operands are judged as operands.
 */
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { hasOption, leading, optionValue, readOptions } from '../options.ts';
import type { Call, Output, Program } from '../runner.ts';
import { deeper, subshell } from '../runner.ts';
import { hookOf } from '../hooks.ts';
import { changeDirectory } from '../directory.ts';
import type { Word } from '../word.ts';
import { exactText, joinWords, literal } from '../word.ts';

/** Operands of the wrapper itself before the command begins. */
const WRAPPERS: Readonly<Record<string, number>> = {
  nohup: 0,
  setsid: 0,
  chronic: 0,
  ifne: 0,
  unbuffer: 0,
  eatmydata: 0,
  fakeroot: 0,
  noglob: 0,
  nocorrect: 0,
  proxychains: 0,
  proxychains4: 0,
  torsocks: 0,
  catchsegv: 0,
  'dbus-run-session': 0,
  time: 0,
  nice: 0,
  ionice: 0,
  stdbuf: 0,
  timeout: 1,
  taskset: 1,
  chrt: 1,
  chroot: 1,
  unshare: 0,
  nsenter: 0,
  setarch: 1,
  linux64: 0,
  linux32: 0,
  i386: 0,
  x86_64: 0,
  prlimit: 0,
  setpriv: 0,
  strace: 0,
  ltrace: 0,
  pkexec: 0,
  'systemd-run': 0,
  'systemd-inhibit': 0,
  'systemd-cat': 0,
  cgexec: 0,
  numactl: 0,
  faketime: 1,
  repeat: 1,
  busybox: 0,
  toybox: 0,
  coproc: 0,
  doas: 0,
  gosu: 1,
  'su-exec': 1,
  'dumb-init': 0,
  tini: 0,
  'ld.so': 0,
  'ld-linux.so.2': 0,
  'ld-linux-x86-64.so.2': 0,
  'ld-linux-aarch64.so.1': 0,
  rlwrap: 0,
  'xvfb-run': 0,
  catatonit: 0,
  fakechroot: 0,
  choom: 0,
  uclampset: 0,
};

function wrapped(call: Call): Output {
  const read = readOptions(call.words, optionGrammar(call.name), true);
  const command = call.words.slice(read.end + (WRAPPERS[call.name] ?? 0));
  return runWrapped(call, command, call.name);
}

/** Runs the rest of the words as a command of its own. */
function runWrapped(call: Call, command: readonly Word[], via: string): Output {
  if (command.length === 0) return null;
  return call.run.runWords(command, subshell(call.frame, via), true);
}

/** `NAME=value` words before the command, as sudo and env take them. */
function afterAssignments(call: Call, words: readonly Word[]): readonly Word[] {
  let index = 0;
  for (; index < words.length; index++) {
    const head = leading(words[index] as Word);
    const match = /^([A-Za-z_]\w*)=/.exec(head);
    if (match === null) break;
    const text = exactText(words[index] as Word);
    const value = text === null ? [] : literal(text.slice(match[0].length));
    hookOf(match[1] ?? '', value, call.frame, call.run);
  }
  return words.slice(index);
}

function sudo(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('sudo'), true);
  if (hasOption(read, '-e', '--edit', '-l', '--list', '-v', '-V', '-K', '-k')) {
    if (read.end === call.words.length || !hasOption(read, '-k')) return null;
  }
  const command = afterAssignments(call, call.words.slice(read.end));
  const asShell = hasOption(read, '-i', '--login', '-s', '--shell');
  const directory = optionValue(read, '-D', '--chdir');
  const frame = subshell(call.frame, 'sudo');
  if (hasOption(read, '-i', '--login')) frame.state.moveTo(['~root'], true);
  if (directory !== undefined) changeDirectory(directory, frame.state, true);
  if (asShell && command.length === 0) return call.run.runInput(frame, 'sudo');
  if (asShell) return call.run.runWord(joinWords(command.map(quoteLess)), frame, 'sudo');
  return command.length === 0 ? null : call.run.runWords(command, frame, true);
}

/** sudo escapes the words that it hands to a shell, so patterns stay what they are. */
function quoteLess(word: Word): Word {
  return word.map((piece) =>
    piece.kind === 'glob' ? { kind: 'text', text: piece.pattern, quoted: false } : piece,
  );
}

function env(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('env'), true);
  const split = optionValue(read, '-S', '--split-string');
  let rest: readonly Word[] = call.words.slice(read.end);
  const frame = subshell(call.frame, 'env');
  const directory = optionValue(read, '-C', '--chdir');
  if (directory !== undefined) changeDirectory(directory, frame.state, true);
  if (split !== undefined && split !== null) {
    return call.run.runWord(joinWords([split, ...rest]), deeper(frame, null), 'env -S');
  }
  if (exactText(rest[0] ?? []) === '-') rest = rest.slice(1);
  const command = afterAssignments(call, rest);
  return command.length === 0 ? null : call.run.runWords(command, frame, true);
}

function commandBuiltin(call: Call): Output {
  const read = readOptions(call.words, NO_VALUES, true);
  if (hasOption(read, '-v', '-V')) return null;
  const rest = call.words.slice(read.end);
  // The shell's own state stays reachable: `command cd`, `builtin eval`.
  return rest.length === 0 ? '' : call.run.runWords(rest, deeper(call.frame, call.name), true);
}

function flock(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('flock'), true);
  const rest = call.words.slice(read.end + 1);
  const first = exactText(rest[0] ?? []);
  if (first === '-c' || first === '--command') {
    return call.run.runWord(rest[1], subshell(call.frame, 'flock -c'), 'flock -c');
  }
  return runWrapped(call, rest, 'flock');
}

function watch(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('watch'), true);
  const rest = call.words.slice(read.end);
  if (rest.length === 0) return null;
  if (hasOption(read, '-x', '--exec')) return runWrapped(call, rest, 'watch');
  return call.run.runWord(joinWords(rest), subshell(call.frame, 'watch'), 'watch');
}

function startStopDaemon(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('start-stop-daemon'), true);
  const program = optionValue(read, '--startas', '-a') ?? optionValue(read, '--exec', '-x');
  if (program === undefined || program === null) return null;
  return runWrapped(call, [program, ...call.words.slice(read.end)], 'start-stop-daemon');
}

function hyphenCommand(call: Call): Output {
  const at = call.texts.indexOf('--');
  return at < 0
    ? null
    : runWrapped(call, [literal('bash'), ...call.words.slice(at + 1)], call.name);
}

export const WRAPPER_PROGRAMS: Readonly<Record<string, Program>> = {
  ...Object.fromEntries(Object.keys(WRAPPERS).map((name) => [name, wrapped])),
  sudo,
  env,
  command: commandBuiltin,
  builtin: commandBuiltin,
  flock,
  watch,
  'start-stop-daemon': startStopDaemon,
  capsh: hyphenCommand,
};
