/**
 * Programs that aren't interpreters but run commands from an option, an operand or their input: sed,
 * make, git, tar, expect … Not caught here: programs and options that these tables don't name.
 */
import { optionGrammar } from '../option-table.ts';
import { hasOption, optionValue, readOptions } from '../options.ts';
import { absolutePath } from '../path.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { remember } from '../state.ts';
import { exactText, literal } from '../word.ts';
import type { Word } from '../word.ts';
import { COMMAND_OPTIONS, HOOK_OPTIONS } from './command-options.ts';
import { EDITOR_PROGRAMS } from './editors.ts';
import { ESCAPE_PROGRAMS } from './escapes.ts';
import { readSed } from './sed-script.ts';

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
    else sedProgram(call, text);
  }
  if (hasOption(read, '-i', '--in-place'))
    editsScripts(
      call,
      read.operands.map(({ word }) => word),
    );
  return null;
}

/** Files that nobody runs, by the end of their name. */
const NO_SCRIPT =
  /\.(?:ya?ml|json|conf|cfg|ini|toml|env|properties|xml|html?|css|md|txt|csv|log|sql|service|tf|lock)$/;

/** A script that was changed may be run by a later command. */
function editsScripts(call: Call, files: readonly Word[]): void {
  for (const file of files) {
    const text = exactText(file);
    const path = text === null ? null : absolutePath(text, call.frame.state.likeliestDirectory);
    if (path === null || NO_SCRIPT.test(path)) continue;
    remember(call.shell.files, path, { kind: 'unknown' });
  }
}

function sedProgram(call: Call, program: string): void {
  const { files, commands, isOpen } = readSed(program);
  if (isOpen) call.run.uncertain('the sed program runs commands or opens files');
  for (const line of commands) {
    runLine(call, line);
    // What it prints takes the place of the text, and may run as well.
    call.run.uncertain('the sed program runs a command');
  }
  if (files.length === 0) return;
  const opened = files.map(({ access, path }) => ({ access, word: literal(path) }));
  call.run.opened(opened, call.frame);
}

function make(call: Call): Output {
  const read = readOptions(call.words, optionGrammar('make'), false);
  for (const text of call.texts) {
    // A variable on the command line may take part in a recipe, and this one runs all of them.
    const shell = /^(?:MAKE)?SHELL\s*:?=(.*)$/s.exec(text ?? '')?.[1];
    if (shell === undefined) continue;
    runLine(call, shell);
    call.run.uncertain('make is told which shell to use');
  }
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
  else if (verb === 'apply' && others.includes('--unsafe-paths')) {
    call.run.uncertain('git applies a patch to any path');
  } else if (verb === 'filter-branch') call.run.uncertain('git filter-branch runs commands');
  others.forEach((text, index) => {
    const value =
      /^(?:--exec=|--upload-pack=|--receive-pack=|--extcmd=|--open-files-in-pager=|-O(?=.))([^]*)$/.exec(
        text ?? '',
      )?.[1];
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

/** Editors, pagers and comparing tools that people set. */
const PLAIN_TOOL =
  /^(?:vim?|nvim|nano|emacs|emacsclient|code|subl|micro|hx|less|more|most|cat|bat|delta|meld|kdiff3|vimdiff|diff-so-fancy|ssh)(?:\s+[\w=./-]+)*$/;

function gitSetting(call: Call, name: string, value: string): void {
  if (!GIT_COMMANDS.test(name) || value === '') return;
  if (/^alias\./i.test(name) && !value.startsWith('!')) return;
  if (!PLAIN_TOOL.test(value)) call.run.uncertain(`git is told to run a command (${name})`);
  runLine(call, value.replace(/^!/, ''));
}

function commandOption(call: Call): Output {
  const options = COMMAND_OPTIONS.get(call.name);
  if (options === undefined) return null;
  call.texts.forEach((text, index) => {
    if (text === null) return;
    for (const { name, form } of options) {
      const value = optionText(call, name, text, index);
      if (value === undefined) continue;
      if (value === null) call.run.uncertain(`a command for ${call.name} can't be known`);
      else follow(call, form, value);
    }
  });
  return null;
}

/** undefined = the word isn't this option; null = its value isn't known. */
function optionText(
  call: Call,
  name: string,
  text: string,
  index: number,
): string | null | undefined {
  if (text === name) return call.texts[index + 1];
  if (name.startsWith('--') || name.length > 2) {
    const [given = ''] = text.split('=', 1);
    if (given !== name && !isStart(given, name)) return undefined;
    return given === text ? call.texts[index + 1] : text.slice(given.length + 1);
  }
  const letter = name[1] ?? '';
  if (!text.startsWith('-') || text.startsWith('--')) return undefined;
  if (text[1] === letter) return text.slice(2);
  // The last letter of a cluster takes the next word.
  return /^-[A-Za-z]+$/.test(text) && text.endsWith(letter) ? call.texts[index + 1] : undefined;
}

/** Programs take any start of a long name that is clear; the shortest of them are other options. */
function isStart(given: string, name: string): boolean {
  return given.startsWith('--') && given.length > 5 && name.startsWith(given);
}

function follow(call: Call, form: keyof typeof HOOK_OPTIONS | 'line', value: string): void {
  if (form === 'line') {
    if (value !== '') runLine(call, value);
    return;
  }
  for (const match of value.matchAll(HOOK_OPTIONS[form])) {
    const line = (match[1] ?? '').replaceAll(form === 'commas' ? ',' : '\0', ' ');
    if (line === '') continue;
    runLine(call, line);
    call.run.uncertain(`${call.name} is told to run a command`);
  }
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

/** A document of TeX may run commands when the option says so, and may open any file. */
function tex(call: Call): Output {
  const isOpen = call.texts.some(
    (text) => text === null || text.includes('\\') || /^--?shell-escape/.test(text),
  );
  if (isOpen) call.run.uncertain(`${call.name} is given a document that may run commands`);
  return null;
}

const TEX = 'tex latex pdftex pdflatex xetex xelatex luatex lualatex context';

/** Programs that run, or are told what to run by, a file: one that this session wrote is a doubt. */
function runsFiles(call: Call): Output {
  const { state } = call.frame;
  if (state.files.size === 0) return null;
  for (const text of call.texts) {
    const name = text === null ? '' : text.replace(/^--?[\w-]+=/, '');
    const path = name === '' ? null : absolutePath(name, state.likeliestDirectory);
    if (path !== null && state.files.has(path)) {
      call.run.uncertain(
        `${call.name} is told what to do by ${name}, which was written in this session`,
      );
    }
  }
  return null;
}

const RUN_BY_FILE =
  'go ansible-playbook minicom runscript wg-quick wg fail2ban-client fastfetch neofetch easyrsa rsyslogd virsh cobc forge gtester check_ssl_cert nginx apache2 httpd haproxy supervisord java stunnel sshd ldconfig monit fetchmail procmail xinetd strongswan tinyproxy squid';

/** Scripts of nmap are programs; those that come with it are named without a path. */
function nmap(call: Call): Output {
  call.texts.forEach((text, index) => {
    if (text === null || !text.startsWith('--script')) return;
    const value = text.includes('=') ? text.slice(text.indexOf('=') + 1) : call.texts[index + 1];
    const isNamed = value !== undefined && value !== null && !/[/~]|\.nse$|\.lua$/.test(value);
    if (/^--script(?:=|$)/.test(text) && !isNamed) {
      call.run.uncertain('nmap runs a script that is no part of it');
    }
  });
  return null;
}

function both(first: Program, second: Program | undefined): Program {
  return (call) => {
    first(call);
    return second?.(call) ?? null;
  };
}

export const EMBEDDED_PROGRAMS: Readonly<Record<string, Program>> = {
  sed,
  gsed: sed,
  make,
  gmake: make,
  git,
  socat,
  expect,
  nmap,
  ...Object.fromEntries(RUN_BY_FILE.split(' ').map((name) => [name, runsFiles])),
  ...Object.fromEntries(TEX.split(' ').map((name) => [name, tex])),
  ...Object.fromEntries([...COMMAND_OPTIONS.keys()].map((name) => [name, commandOption])),
  ...EDITOR_PROGRAMS,
  ...ESCAPE_PROGRAMS,
  sftp: both(commandOption, ESCAPE_PROGRAMS['sftp']),
};
