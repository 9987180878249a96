/**
 * Programs that aren't interpreters but run commands from an option, an operand or their input: sed,
 * editors, make, git, tar, expect … Not caught here: programs and options that these tables don't name.
 */
import { optionGrammar } from '../option-table.ts';
import { hasOption, optionValue, readOptions } from '../options.ts';
import { absolutePath } from '../path.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { exactText } from '../word.ts';
import type { Word } from '../word.ts';
import { sedActs } from './sed-script.ts';

function runLine(call: Call, text: string): void {
  call.run.runText(text, subshell(call.frame, call.name));
}

function sed(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('sed'), false);
  const programs: (Word | null)[] = read.options
    .filter(({ name }) => name === '-e' || name === '--expression')
    .map(({ value }) => value);
  if (hasOption(read, '-f', '--file')) call.run.uncertain('sed runs a program from a file');
  else if (programs.length === 0) programs.push(read.operands[0]?.word ?? null);
  for (const program of programs) {
    const text = program === null ? '' : exactText(program);
    if (text === null) call.run.uncertain("the program of sed can't be known");
    else if (sedActs(text)) call.run.uncertain('the sed program runs commands or opens files');
  }
  return null;
}

function editor(call: Call): Output {
  for (let index = 0; index < call.texts.length; index++) {
    const text = call.texts[index];
    if (text === null || text === undefined) continue;
    let command: string | null | undefined;
    if (text === '-c' || text === '--cmd') command = call.texts[++index] ?? null;
    else if (/^(\+|-c)./.test(text)) command = text.replace(/^(\+|-c)/, '');
    else if (text === '-S' || (text === '-s' && call.name !== 'ex')) {
      call.run.uncertain(`${call.name} runs a script`);
    }
    if (command === undefined) continue;
    if (command === null) call.run.uncertain(`a command for ${call.name} can't be known`);
    else if (!/^:?(\d+|q!?|wq!?|x|set\s+\w+|syntax\s+\w+|\/[^!]*)?$/.test(command)) {
      call.run.uncertain(`${call.name} is given a command of its own`);
      const escaped = /!\s*(.*)$/.exec(command)?.[1];
      if (escaped !== undefined) runLine(call, escaped);
    }
  }
  return null;
}

function lineEditor(call: Call): Output {
  const { input } = call.frame;
  if (input.kind === 'unknown') call.run.uncertain('ed reads its commands from another program');
  if (input.kind !== 'text') return null;
  for (const line of input.text.split('\n')) {
    const escaped = /^[^A-Za-z]*!(.*)$/.exec(line)?.[1];
    if (escaped !== undefined) runLine(call, escaped);
    if (/!|^[\d,$.;+\s-]*[reEwWf]\b/.test(line))
      call.run.uncertain('ed runs commands or opens files');
  }
  return null;
}

function make(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('make'), false);
  const file = optionValue(read, '-f', '--file', '--makefile');
  const text = file === undefined || file === null ? null : exactText(file);
  if (hasOption(read, '--eval')) {
    call.run.uncertain('make is given rules on its command line');
    const rule = exactText(optionValue(read, '--eval') ?? []);
    const inner = /\$\(shell ([^)]*)\)/.exec(rule ?? '')?.[1];
    if (inner !== undefined) runLine(call, inner);
  }
  if (file !== undefined && (text === null || text === '-' || text.startsWith('/dev/'))) {
    call.run.uncertain('make reads its rules from another program');
    const { input } = call.frame;
    if (input.kind === 'text') recipes(call, input.text);
    return null;
  }
  const directory = exactText(optionValue(read, '-C', '--directory') ?? []) ?? '';
  for (const name of text === null ? ['Makefile', 'makefile', 'GNUmakefile'] : [text]) {
    const base = directory === '' ? name : `${directory}/${name}`;
    const path = absolutePath(base, call.frame.state.likeliestDirectory);
    const known = path === null ? undefined : call.frame.state.files.get(path);
    if (known === undefined) continue;
    call.run.uncertain('make reads rules that were written in this session');
    if (known.kind === 'text') recipes(call, known.text);
  }
  return null;
}

function recipes(call: Call, text: string): void {
  for (const line of text.split('\n')) {
    if (line.startsWith('\t'))
      runLine(
        call,
        line
          .slice(1)
          .replace(/^[@+-]+/, '')
          .replaceAll('$$', '$'),
      );
  }
}

/** Configuration of git whose value is a command; `!` marks an alias for the shell. */
const GIT_COMMANDS =
  /^(alias\..+|core\.(pager|editor|fsmonitor|sshCommand|hooksPath|gitProxy|askPass)|sequence\.editor|diff\.external|gpg\.program|credential\.helper|.*\.(cmd|textconv|pager|clean|smudge|process|uploadpack|receivepack|driver))$/i;

function git(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('git'), true);
  for (const { name, value } of read.options) {
    const text = value === null ? '' : exactText(value);
    const at = text?.indexOf('=') ?? -1;
    if (name === '-c' && text !== null && at > 0)
      gitSetting(call, text.slice(0, at), text.slice(at + 1));
    else if (name === '-c' && text === null) call.run.uncertain("a setting for git can't be known");
    else if (name === '--exec-path' && value !== null)
      call.run.uncertain('git runs programs of another directory');
  }
  const rest = call.texts.slice(read.end);
  const [verb, ...others] = rest;
  const plain = others.filter((text) => text !== null && !text.startsWith('-')) as string[];
  if (verb === 'config' && plain.length >= 2) gitSetting(call, plain[0] ?? '', plain[1] ?? '');
  else if (verb === 'bisect' && plain[0] === 'run') {
    call.run.runWords(call.words.slice(read.end + 2), subshell(call.frame, 'git bisect run'), true);
  } else if (verb === 'submodule' && plain[0] === 'foreach')
    runLine(call, plain.slice(1).join(' '));
  else if (verb === 'filter-branch') call.run.uncertain('git filter-branch runs commands');
  others.forEach((text, index) => {
    const value = /^(?:--exec|--upload-pack|--receive-pack|--extcmd)=([^]*)$/.exec(text ?? '')?.[1];
    if (value !== undefined) runLine(call, value);
    else if (
      (verb === 'rebase' || verb === 'difftool') &&
      /^(-x|--exec|--extcmd)$/.test(text ?? '')
    ) {
      runLine(call, others[index + 1] ?? ':');
    }
  });
  return null;
}

function gitSetting(call: Call, name: string, value: string): void {
  if (!GIT_COMMANDS.test(name) || value === '') return;
  if (/^alias\./i.test(name) && !value.startsWith('!')) return;
  call.run.uncertain(`git is told to run a command (${name})`);
  runLine(call, value.replace(/^!/, ''));
}

/** Options whose value is a command line, by program. */
const COMMAND_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  rsync: ['-e', '--rsh', '--rsync-path'],
  tar: [
    '--to-command',
    '--use-compress-program',
    '-I',
    '--rsh-command',
    '--info-script',
    '-F',
    '--new-volume-script',
    '--checkpoint-action',
  ],
  bsdtar: ['--use-compress-program'],
  split: ['--filter'],
  man: ['-P', '--pager'],
  zip: ['-TT', '--unzip-command'],
  sort: ['--compress-program'],
  tcpdump: ['-z'],
  scp: ['-S', '-o'],
  sftp: ['-S', '-o'],
  nc: ['-e', '-c'],
  ncat: ['-e', '-c', '--exec', '--sh-exec'],
  netcat: ['-e', '-c'],
  openvpn: ['--up', '--down', '--ipchange'],
  rg: ['--pre'],
  fzf: ['--preview', '--bind'],
  dpkg: ['--pre-invoke', '--post-invoke'],
};

function commandOption(call: Call): Output {
  const names = COMMAND_OPTIONS[call.name] ?? [];
  const read = readOptions(call.words, optionGrammar(call.name), false);
  const run = (value: string | null) => {
    if (value === null) {
      call.run.uncertain(`a command for ${call.name} can't be known`);
      return;
    }
    const settings = /^(?:exec=|\w*Command[= ])([^]*)$/i.exec(value)?.[1];
    if (settings !== undefined) runLine(call, settings);
    else if (!/^(-o)$/.test(value) && !/^[A-Z]\w+=/.test(value)) runLine(call, value);
  };
  call.texts.forEach((text, index) => {
    if (text !== null && names.includes(text) && text.length > 2) {
      const next = call.texts[index + 1];
      if (next !== undefined && text !== '--checkpoint-action') run(next);
      else if (next !== undefined && next?.startsWith('exec=') === true) run(next);
    }
  });
  for (const { name, value } of read.options) {
    if (value === null || !names.includes(name)) continue;
    const text = exactText(value);
    if (name === '--checkpoint-action' && text !== null && !text.startsWith('exec=')) continue;
    if (name.startsWith('--') || name.length === 2) run(text);
  }
  return null;
}

function socat(call: Call): Output {
  for (const text of call.texts) {
    const command = /^(?:EXEC|SYSTEM):([^,]*)/i.exec(text ?? '')?.[1];
    if (command !== undefined) runLine(call, command.replace(/^["']|["']$/g, ''));
  }
  return null;
}

function expect(call: Call): Output {
  const at = call.texts.indexOf('-c');
  const script =
    at >= 0 ? call.texts[at + 1] : call.frame.input.kind === 'text' ? call.frame.input.text : null;
  for (const match of (script ?? '').matchAll(/\b(?:spawn|exec|system)\s+([^;\n]+)/g))
    runLine(call, match[1] ?? '');
  if (call.texts[0] !== '-v') call.run.uncertain('expect drives programs by a script');
  return null;
}

export const EMBEDDED_PROGRAMS: Readonly<Record<string, Program>> = {
  sed,
  gsed: sed,
  vim: editor,
  vi: editor,
  ex: editor,
  view: editor,
  nvim: editor,
  vimdiff: editor,
  ed: lineEditor,
  red: lineEditor,
  make,
  gmake: make,
  git,
  socat,
  expect,
  ...Object.fromEntries(Object.keys(COMMAND_OPTIONS).map((name) => [name, commandOption])),
};
