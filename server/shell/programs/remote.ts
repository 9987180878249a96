/**
 * Programs that run a command on another host or in a container. Not caught here: what is mounted
 * into a container, beyond the whole of the host.
 */
import { NO_VALUES, optionGrammar } from '../option-table.ts';
import { hasOption, leading, optionValue, readOptions } from '../options.ts';
import type { Call, Frame, Output, Program } from '../runner.ts';
import { deeper, subshell } from '../runner.ts';
import { initialState } from '../state.ts';
import type { Word } from '../word.ts';
import { exactText, joinWords } from '../word.ts';

/** A shell elsewhere: nothing of this session's state is there. */
function elsewhere(frame: Frame, via: string, home: boolean): Frame {
  const state = initialState(false);
  if (!home) state.moveTo(null, true);
  return deeper(frame, via, { state });
}

function ssh(call: Call): Output {
  const grammar = optionGrammar(call.name);
  const read = readOptions(call.words, grammar, true);
  for (const { name, value } of read.options) {
    const text = name === '-o' && value !== null ? exactText(value) : null;
    const proxy = /^\s*(?:ProxyCommand|LocalCommand|KnownHostsCommand)\s*[= ]\s*([^]*)$/i.exec(
      text ?? '',
    )?.[1];
    if (proxy !== undefined) call.run.runText(proxy, subshell(call.frame, 'ssh ProxyCommand'));
  }
  // Options may stand behind the host as well.
  const behind = readOptions(call.words.slice(read.end + 1), grammar, true);
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
  const noShell = [...read.options, ...behind.options].some(({ name }) =>
    /^-[NTWVGQO]$/.test(name),
  );
  return noShell && call.frame.input.kind === 'session'
    ? null
    : call.run.runInput(frame, call.name);
}

const VERBS = new Set(['exec', 'run', 'debug', 'create', 'shell']);
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
    if (!/^(container|compose|alpha)$/.test(verb)) break;
    if (verb === 'compose') grammar = optionGrammar('docker-compose');
  }
  if (verb === null || !VERBS.has(verb)) return null;
  const via = `${call.name} ${verb}`;
  const dashes = words.findIndex((word) => exactText(word) === '--');
  if (dashes >= 0 && DASHES.has(call.name)) return inner(call, words.slice(dashes + 1), via);
  const read = readOptions(words, grammar, true);
  if (verb === 'run' || verb === 'create') mountsHost(call, read.options);
  if (DASHES.has(call.name) && verb !== 'exec') return null;
  const entry = optionValue(read, '--entrypoint');
  const rest = words.slice(read.end + 1);
  if (entry !== undefined && entry !== null) return inner(call, [entry, ...rest], via);
  return inner(call, rest, via);
}

function mountsHost(
  call: Call,
  options: readonly { readonly name: string; readonly value: Word | null }[],
): void {
  for (const { name, value } of options) {
    if (!/^(-v|--volume|--mount)$/.test(name) || value === null) continue;
    if (/^\/:|(^|,)(source|src)=\/(,|$)/.test(exactText(value) ?? leading(value))) {
      call.run.uncertain('the container sees the whole file system of the host');
    }
  }
}

function inner(call: Call, command: readonly Word[], via: string): Output {
  if (command.length === 0) return null;
  return call.run.runWords(command, elsewhere(call.frame, via, false), true);
}

/** `k3s kubectl …`, `minikube kubectl -- …`: a client inside a program. */
function bundled(call: Call): Output {
  const at = call.texts.findIndex((text) => /^(kubectl|crictl|ctr)$/.test(text ?? ''));
  if (at < 0) return null;
  const rest = call.words.slice(at);
  const words = exactText(rest[1] ?? []) === '--' ? [rest[0] as Word, ...rest.slice(2)] : rest;
  return call.run.runWords(words, subshell(call.frame, call.name), true);
}

/** Programs with an option whose value is a command line for somewhere else. */
const REMOTE_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  vagrant: ['-c', '--command'],
  gcloud: ['--command'],
  fly: ['-C', '--command'],
  flyctl: ['-C', '--command'],
  ansible: ['-a', '--args'],
  multipass: [],
};

function remoteOption(call: Call): Output {
  const names = REMOTE_OPTIONS[call.name] ?? [];
  const letters = names.filter((name) => name.length === 2).map((name) => name.slice(1));
  const long = new Set(names.filter((name) => name.startsWith('--')).map((name) => name.slice(2)));
  const read = readOptions(call.words, { ...NO_VALUES, short: letters.join(''), long }, false);
  const value = optionValue(read, ...names);
  const frame = elsewhere(call.frame, call.name, true);
  if (value !== undefined && value !== null) call.run.runWord(value, frame, call.name);
  if (call.name === 'multipass' && call.texts[0] === 'exec') {
    const at = call.texts.indexOf('--');
    if (at >= 0) inner(call, call.words.slice(at + 1), 'multipass exec');
  }
  return null;
}

function hostList(call: Call): Output {
  const read = readOptions(
    call.words,
    { ...NO_VALUES, short: 'wxhlHoetpP', long: new Set(['hosts', 'host', 'user']) },
    true,
  );
  const skip = call.name === 'pdsh' || hasOption(read, '-H', '--host', '-h', '--hosts') ? 0 : 1;
  const command = call.words.slice(read.end + skip);
  if (command.length === 0) return null;
  return call.run.runWord(joinWords(command), elsewhere(call.frame, call.name, true), call.name);
}

/** `machinectl shell HOST /bin/cmd …`, `lxc-attach -n c -- cmd`. */
function attached(call: Call): Output {
  const dashes = call.texts.indexOf('--');
  if (dashes >= 0) return inner(call, call.words.slice(dashes + 1), call.name);
  if (call.texts[0] === 'shell') return inner(call, call.words.slice(2), `${call.name} shell`);
  return null;
}

export const REMOTE_PROGRAMS: Readonly<Record<string, Program>> = {
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
  ...Object.fromEntries(Object.keys(REMOTE_OPTIONS).map((name) => [name, remoteOption])),
  pdsh: hostList,
  pssh: hostList,
  clush: hostList,
  machinectl: attached,
  'lxc-attach': attached,
};
