/**
 * Programs that run a command on another host or in a container. Not caught here: what a container was
 * given before, and what is on the other host.
 */
import { changeDirectory } from '../directory.ts';
import { NO_VALUES, optionGrammar, type OptionGrammar } from '../option-table.ts';
import { mountOf, mountsOf } from '../mounts.ts';
import { hasOption, leading, optionValue, readOptions, type ReadOption } from '../options.ts';
import type { Call, Frame, Output, Program } from '../runner.ts';
import { deeper, subshell } from '../runner.ts';
import { initialState, type Mount } from '../state.ts';
import type { Word } from '../word.ts';
import { exactText, joinWords, literal } from '../word.ts';
import { EMBEDDED_PROGRAMS } from './embedded.ts';
import { NETWORK_PROGRAMS } from './network.ts';
import { temporaryFiles } from './tmpfiles.ts';
import { followTransfer, isFarEnd } from './transfers.ts';

/** A shell elsewhere: nothing of this session's state is there. */
export function elsewhere(frame: Frame, via: string, home: boolean): Frame {
  const state = initialState(false);
  // Without a word about it, a container starts in `/`, or in a place of its image.
  if (!home) state.moveTo(['/'], true);
  return deeper(frame, via, { state });
}

function ssh(call: Call): Output {
  const grammar = optionGrammar(call.name);
  const read = readOptions(call.words, grammar, true);
  for (const { name, value } of read.options) {
    const text = name === '-o' && value !== null ? exactText(value) : null;
    const proxy =
      /^\s*(?:ProxyCommand|LocalCommand|KnownHostsCommand|RemoteCommand)\s*[= ]\s*([^]*)$/i.exec(
        text ?? '',
      )?.[1];
    if (proxy !== undefined) call.run.runText(proxy, subshell(call.frame, 'ssh ProxyCommand'));
  }
  // Options may stand behind the host as well.
  const behind = readOptions(call.words.slice(read.end + 1), grammar, true);
  const given = [...read.options, ...behind.options];
  const command = call.words.slice(read.end + 1 + behind.end);
  const frame = elsewhere(call.frame, call.name, true);
  if (command.length > 0) {
    const unglobbed = command.map((word) =>
      word.map((piece) =>
        piece.kind === 'glob'
          ? ({ kind: 'text', text: piece.pattern, quoted: false } as const)
          : piece,
      ),
    );
    return call.run.runWord(joinWords(unglobbed), frame, call.name);
  }
  const noShell = given.some(({ name }) => /^-[NTWVGQO]$/.test(name));
  return noShell && call.frame.input.kind === 'session'
    ? null
    : call.run.runInput(frame, call.name);
}

const VERBS = new Set(['exec', 'run', 'debug', 'create', 'shell', 'rsh']);
/** Clients that want `--` before the command. */
const DASHES = new Set(['kubectl', 'oc', 'lxc', 'incus', 'pct']);

function container(call: Call): Output {
  let grammar = optionGrammar(call.name) ?? optionGrammar('docker');
  let words = call.words;
  let verb: string | null = null;
  // `docker compose exec`, `docker container exec`, `podman machine …`
  for (let level = 0; level < 2; level++) {
    const read = readOptions(words, grammar, true);
    const word = words[read.end];
    if (word === undefined) return null;
    verb = exactText(word);
    if (verb === null) {
      call.run.uncertain(`what ${call.name} is told to do can't be known`);
      return null;
    }
    words = words.slice(read.end + 1);
    if (!/^(container|compose|alpha|service|pod)$/.test(verb)) break;
    if (verb === 'compose') grammar = optionGrammar('docker-compose');
  }
  if (verb === 'cp') {
    followTransfer(call, words, grammar, elsewhere(call.frame, `${call.name} cp`, false));
  }
  if (verb === null || !VERBS.has(verb)) return null;
  const via = `${call.name} ${verb}`;
  const dashes = words.findIndex((word) => exactText(word) === '--');
  const read = readOptions(words, grammar, true);
  const before = dashes < 0 ? [] : readOptions(words.slice(0, dashes), grammar, false).operands;
  // Behind a pod and a command, `--` is the command's own.
  const isOwn =
    dashes >= 0 && before.filter(({ doubtful }) => !doubtful).length <= (verb === 'create' ? 3 : 1);
  if (isOwn && DASHES.has(call.name)) {
    const cwd = words.findIndex((word) => exactText(word) === '--cwd');
    const directory = cwd < 0 ? optionValue(read, '--cwd') : (words[cwd + 1] ?? null);
    return inner(call, words.slice(dashes + 1), via, directory);
  }
  const mounts = verb === 'run' || verb === 'create' ? mountsIn(call, read.options) : [];
  if (DASHES.has(call.name) && verb === 'run') {
    const operands = readOptions(words, grammar, false).operands.map(({ word }) => word);
    return inner(call, operands.slice(1), via);
  }
  if (DASHES.has(call.name) && verb !== 'exec' && verb !== 'rsh') return null;
  if (call.name === 'podman' && hasOption(read, '-l', '--latest')) {
    const latest = readOptions(
      words.filter((word) => exactText(word) !== '-l'),
      grammar,
      true,
    );
    return inner(call, words.filter((word) => exactText(word) !== '-l').slice(latest.end), via);
  }
  const entry = optionValue(read, '--entrypoint');
  const rest = words.slice(read.end + 1);
  const directory = optionValue(read, '-w', '--workdir');
  const hasEntry = entry !== undefined && entry !== null && exactText(entry) !== '';
  const command = hasEntry ? [entry, ...rest] : rest;
  return inner(call, command, via, directory, mounts);
}

function mountsIn(call: Call, options: readonly ReadOption[]): readonly Mount[] {
  const values = options.flatMap(({ name, value }) =>
    /^(-v|--volume|--mount)$/.test(name) && value !== null ? [value] : [],
  );
  for (const value of values) {
    if (/^\/:|(^|,)(source|src)=\/(,|$)/.test(exactText(value) ?? leading(value))) {
      call.run.uncertain('the container sees the whole file system of the host');
    }
  }
  const from = call.frame.state.likeliestDirectory;
  const { mounts, unsure } = mountsOf(values.map((value) => mountOf(value, from)));
  if (unsure) call.run.uncertain("what the container sees of the host can't be known");
  return mounts;
}

/** @param directory where it starts, if that is said; null = anywhere */
function inner(
  call: Call,
  command: readonly Word[],
  via: string,
  directory?: Word | null,
  mounts: readonly Mount[] = [],
): Output {
  if (command.length === 0) return null;
  const frame = elsewhere(call.frame, via, false);
  frame.state.mounts = mounts;
  if (directory !== undefined) changeDirectory(directory, frame.state, true);
  // A place of its image may be one of those.
  else if (mounts.length > 0) frame.state.moveTo(['/', ...mounts.map(({ at }) => at)], true);
  return call.run.runWords(command, frame, true);
}

/** `k3s kubectl …`, `minikube kubectl -- …`: a client inside a program. */
function bundled(call: Call): Output {
  const at = call.texts.findIndex((text) => /^(kubectl|crictl|ctr)$/.test(text ?? ''));
  if (at < 0) return null;
  const rest = call.words.slice(at);
  const words = exactText(rest[1] ?? []) === '--' ? [rest[0] as Word, ...rest.slice(2)] : rest;
  return call.run.runWords(words, subshell(call.frame, call.name), true);
}

/** scp and rsync: their options may run commands, their operands are files of other hosts. */
function transfer(call: Call): Output {
  // At the far end `-e` holds letters about the client, and a `:` stands in names.
  if (isFarEnd(call)) return null;
  const frame = elsewhere(call.frame, call.name, true);
  followTransfer(call, call.words, optionGrammar(call.name), frame);
  return EMBEDDED_PROGRAMS[call.name]?.(call) ?? null;
}

/** Other names under which a client is called. */
const CLIENT_NAMES: Readonly<Record<string, string>> = {
  kubecolor: 'kubectl',
  'microk8s.kubectl': 'kubectl',
  'k3s.kubectl': 'kubectl',
};

function renamed(call: Call): Output {
  const name = literal(CLIENT_NAMES[call.name] ?? call.name);
  return call.run.runWords([name, ...call.words], subshell(call.frame, call.name), true);
}

/** Modules of Ansible whose arguments are a command line. */
const ANSIBLE_COMMANDS = /(?:^|\.)(?:command|shell|raw|script|win_command|win_shell|expect)$/;

/** `ansible HOSTS -m MODULE -a ARGUMENTS`; without a module the arguments are a command. */
function ansible(call: Call): Output {
  const read = readOptions(call.words, ANSIBLE_OPTIONS, false);
  const given = optionValue(read, '-m', '--module-name');
  const module = given === undefined || given === null ? 'command' : exactText(given);
  const value = optionValue(read, '-a', '--args');
  const frame = elsewhere(call.frame, 'ansible', true);
  if (module === null) {
    call.run.uncertain('which module ansible runs is not known');
    return null;
  }
  if (/(?:^|\.)reboot$/.test(module)) return call.run.runWords([literal('reboot')], frame, true);
  if (value === undefined || value === null) return null;
  const text = exactText(value);
  if (ANSIBLE_COMMANDS.test(module)) {
    const command = /^(?:(?:cmd|_raw_params|chdir|executable|creates)=)+([^]*)$/.exec(text ?? '');
    const line =
      command === null ? value : literal((command[1] ?? '').replace(/^(["'])([^]*)\1$/, '$2'));
    return call.run.runWord(line, frame, 'ansible');
  }
  const set = (name: RegExp) =>
    (text ?? '')
      .split(/\s+/)
      .find((part) => name.test(part))
      ?.replace(/^\w+=/, '');
  const path = set(/^(?:path|dest|name)=/);
  const source = set(/^src=/);
  if (/(?:^|\.)file$/.test(module) && path !== undefined && /\bstate=absent\b/.test(text ?? '')) {
    return call.run.runWords(['rm', '-rf', path].map(literal), frame, true);
  }
  if (/(?:^|\.)(?:fetch|slurp)$/.test(module) && source !== undefined) {
    return call.run.runWords(['cat', source].map(literal), frame, true);
  }
  return null;
}

const ANSIBLE_OPTIONS: OptionGrammar = {
  ...NO_VALUES,
  short: 'amieulftTcMBPoK',
  long: new Set(
    (
      'args module-name inventory extra-vars user limit forks tree timeout connection module-path background poll ' +
      'private-key become-user become-method vault-id vault-password-file ssh-common-args ssh-extra-args'
    ).split(' '),
  ),
};

/** `salt TARGET cmd.run TEXT`, `salt-call cmd.run TEXT`, `salt-ssh TARGET -r TEXT`. */
function salt(call: Call): Output {
  const frame = elsewhere(call.frame, call.name, true);
  const at = call.texts.findIndex((text) => /^[a-z_]+\.[a-z_]+$/.test(text ?? ''));
  const name = call.texts[at] ?? '';
  const text = call.words[at + 1];
  if (name.startsWith('cmd.') && text !== undefined)
    return call.run.runWord(text, frame, call.name);
  const power = /^system\.(reboot|shutdown|poweroff|halt|init)$/.exec(name)?.[1];
  if (power !== undefined) {
    return call.run.runWords([literal(power), ...call.words.slice(at + 1)], frame, true);
  }
  if (/^file\.(remove|rmdir)$/.test(name) && text !== undefined) {
    return call.run.runWords([literal('rm'), literal('-rf'), text], frame, true);
  }
  const raw = call.texts.findIndex((flag) => flag === '-r' || flag === '--raw');
  const line = raw < 0 ? undefined : call.words.slice(raw + 1);
  if (line === undefined || line.length === 0) return null;
  return call.run.runWord(joinWords(line), frame, call.name);
}

/** `aws ssm send-command --parameters commands=…`: JSON, or a short form of it. */
function aws(call: Call): Output {
  const at = call.texts.indexOf('ssm');
  if (at < 0 || !/^(send-command|start-session)$/.test(call.texts[at + 1] ?? '')) return null;
  const read = readOptions(call.words, { ...NO_VALUES, long: new Set(['parameters']) }, false);
  const value = optionValue(read, '--parameters');
  if (value === undefined || value === null) return null;
  const text = exactText(value);
  const lines = text === null ? null : /"?commands?"?\s*[=:]\s*([^]*)$/.exec(text)?.[1];
  if (lines === null) call.run.uncertain("the commands for aws ssm can't be known");
  if (lines === null || lines === undefined) return null;
  const quoted = [...lines.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '');
  const frame = elsewhere(call.frame, 'aws ssm', true);
  for (const line of quoted.length > 0 ? quoted : [lines.replace(/^\[|\]$/g, '')]) {
    call.run.runText(line.replace(/\\(.)/g, '$1'), frame);
  }
  return null;
}

/** `virsh qemu-agent-command VM '{"execute":"guest-exec",…}'`. */
function virsh(call: Call): Output {
  const at = call.texts.findIndex((text) =>
    /^(qemu-agent-command|lxc-enter-namespace)$/.test(text ?? ''),
  );
  if (at < 0) return null;
  const frame = elsewhere(call.frame, `virsh ${call.texts[at] ?? ''}`, false);
  const dashes = call.texts.indexOf('--');
  if (call.texts[at] !== 'qemu-agent-command') {
    return dashes < 0 ? null : call.run.runWords(call.words.slice(dashes + 1), frame, true);
  }
  const text = call.texts[at + 2];
  if (text === null || text === undefined || !text.includes('guest-exec')) return null;
  const program = /"path"\s*:\s*"([^"]*)"/.exec(text)?.[1];
  const list = /"arg"\s*:\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '';
  const words = [...list.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '');
  if (program === undefined) call.run.uncertain("what runs in the guest can't be known");
  else call.run.runWords([program, ...words].map(literal), frame, true);
  return null;
}

/** Programs that run one command on a list of hosts: options with values, operands before it. */
const HOST_LISTS: Readonly<Record<string, { readonly takes: string; readonly skip: number }>> = {
  pdsh: { takes: 'wxlgtufRSMF', skip: 0 },
  clush: { takes: 'wxgXluftSo', skip: 0 },
  dsh: { takes: 'mgfrnoF', skip: 0 },
  pssh: { takes: 'hHlpotxOXeP', skip: 0 },
  'parallel-ssh': { takes: 'hHlpotxOXe', skip: 0 },
  mussh: { takes: 'hHlmuLsc', skip: 0 },
  rexec: { takes: 'lp', skip: 1 },
};
const HOST_OPTIONS =
  'hosts host user hostfile group groups timeout par outdir errdir option options';

function hostList(call: Call): Output {
  const { takes, skip } = HOST_LISTS[call.name] ?? { takes: '', skip: 0 };
  const grammar = { ...NO_VALUES, short: takes, long: new Set(HOST_OPTIONS.split(' ')) };
  const read = readOptions(call.words, grammar, true);
  const frame = elsewhere(call.frame, call.name, true);
  const option = call.name === 'mussh' ? optionValue(read, '-c') : undefined;
  if (option !== undefined && option !== null) return call.run.runWord(option, frame, call.name);
  const command = call.words.slice(read.end + skip);
  if (command.length === 0) return null;
  return call.run.runWord(joinWords(command), frame, call.name);
}

/** `machinectl shell HOST /bin/cmd …`. */
function machine(call: Call): Output {
  const at = call.texts.findIndex((text) => text !== null && !text.startsWith('-'));
  if (call.texts[at] !== 'shell') return null;
  const read = readOptions(
    call.words.slice(at + 1),
    { ...NO_VALUES, short: 'EM', long: new Set(['uid', 'setenv', 'machine']) },
    true,
  );
  const rest = call.words.slice(at + 1 + read.end + 1);
  const frame = elsewhere(call.frame, 'machinectl shell', false);
  if (rest.length === 0) return call.run.runInput({ ...frame, input: call.frame.input }, call.name);
  return call.run.runWords(rest, frame, true);
}

/** What another host or a container prints isn't known, whatever its program is called. */
function printsUnknown(program: Program): Program {
  return (call) => {
    program(call);
    return null;
  };
}

const FOLLOWED: Readonly<Record<string, Program>> = {
  ssh,
  autossh: ssh,
  rsh: ssh,
  mosh: ssh,
  slogin: ssh,
  docker: container,
  podman: container,
  nerdctl: container,
  'docker-compose': container,
  'podman-compose': container,
  kubectl: container,
  oc: container,
  crictl: container,
  lxc: container,
  incus: container,
  pct: container,
  k3s: bundled,
  microk8s: bundled,
  minikube: bundled,
  k0s: bundled,
  rke2: bundled,
  tsh: bundled,
  ...Object.fromEntries(Object.keys(CLIENT_NAMES).map((name) => [name, renamed])),
  ...Object.fromEntries(Object.keys(HOST_LISTS).map((name) => [name, hostList])),
  ansible,
  salt,
  'salt-call': salt,
  'salt-ssh': salt,
  aws,
  virsh,
  machinectl: machine,
  ...NETWORK_PROGRAMS,
  'systemd-tmpfiles': temporaryFiles,
  scp: transfer,
  sftp: transfer,
  rsync: transfer,
};

export const REMOTE_PROGRAMS: Readonly<Record<string, Program>> = Object.fromEntries(
  Object.entries(FOLLOWED).map(([name, program]) => [name, printsUnknown(program)]),
);
