/**
 * Editors that take commands from options or from their input: vim and its names, ex, ed. A command for
 * a shell and the files of `:r`, `:w`, `:e` are followed; any other command is uncertain. Not caught
 * here: scripts and start-up files of the target, what is typed once the editor has the terminal.
 */
import { absolutePath } from '../path.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { literal } from '../word.ts';

/** Longer commands are not looked into. */
const MAX_COMMAND_CHARACTERS = 1_000;
/** Lines of a script that are followed one by one. */
const MAX_LINES = 500;

/** Commands of vim and ex that only look, move, change the text, set options or leave. */
const HARMLESS = new Set(
  (
    'p print P nu number l list d delete j join m move t co copy y yank k mark q quit qa qall quita x exit xa xall ' +
    'wq wqa wa wall u undo red redo se set setlocal setl syntax syn filetype colorscheme colo noh nohl nohlsearch ' +
    'sort n next N prev bn bp bnext bprev b buffer ls buffers files only on sp split vs vsplit tabn tabp tabc close ' +
    'clo echo echom ec z ret retab ve version marks reg registers di display ju jumps changes cq up update w write'
  ).split(' '),
);
/** Commands that open the file that they name: into the text, or to write the text to it. */
const READS = new Set(
  'r read e ed edit ex vi visual vie view sv sview sp split vs vsplit tabe tabedit tabnew fin find bad badd ar args diffs diffsplit'.split(
    ' ',
  ),
);
const WRITES = new Set('w write sav saveas wq x exit up update W'.split(' '));

/** Follows one line of commands between bars; the rest behind `!` belongs to a shell. */
function follow(call: Call, line: string): void {
  if (line.length > MAX_COMMAND_CHARACTERS) {
    call.run.uncertain(`a command for ${call.name} is too long to follow`);
    runLine(call, line.slice(line.indexOf('!') + 1));
    return;
  }
  let rest = line;
  while (rest !== '') {
    const command = rest
      .replace(/^[\s:]+/, '')
      .replace(/^sil(?:ent)?!?\s+/, '')
      .replace(/^[\d,;$.%+'-]+\s*/, '');
    const verb = /^[A-Za-z]+/.exec(command)?.[0] ?? '';
    const behind = command.slice(verb.length);
    const shell = shellLine(verb, behind);
    if (shell !== null) {
      runLine(call, shell);
      call.run.uncertain(`${call.name} is told to run a command`);
      return;
    }
    const end = command.search(/(?<!\\)\|/);
    const argument = (end < 0 ? command : command.slice(0, end)).slice(verb.length);
    if (!isFollowed(call, verb, argument)) {
      call.run.uncertain(`${call.name} is given a command of its own`);
      for (const match of argument.matchAll(
        /\b(?:system|systemlist|execute)\(\s*["']([^"']*)["']/g,
      )) {
        runLine(call, match[1] ?? '');
      }
      const quoted = /^\s*["']:?!(.*)["']\s*$/.exec(argument)?.[1];
      if (quoted !== undefined) runLine(call, quoted);
    }
    rest = end < 0 ? '' : command.slice(end + 1);
  }
}

/** `!cmd`, `r !cmd`, `w !cmd`, `r!cmd`, `te cmd`. */
function shellLine(verb: string, behind: string): string | null {
  if (verb === '' && behind.startsWith('!')) return behind.slice(1);
  if (/^r(?:ead)?$/.test(verb)) return /^\s*!(.*)$/s.exec(behind)?.[1] ?? null;
  if (/^w(?:rite)?$/.test(verb)) return /^\s+!(.*)$/s.exec(behind)?.[1] ?? null;
  if (/^te(?:rm|rminal)?$/.test(verb)) return behind;
  return null;
}

/** False when the command does more than can be told. */
function isFollowed(call: Call, verb: string, argument: string): boolean {
  const text = argument.replace(/^!/, '').trim();
  if (verb === '') return !/^[@*~&<>]/.test(text);
  if (verb === 's' || (verb.startsWith('s') && /^\W/.test(argument) && !HARMLESS.has(verb))) {
    return !argument.includes('\\=');
  }
  const opens = READS.has(verb) ? 'read' : WRITES.has(verb) ? 'write' : null;
  if (opens !== null && text !== '') {
    const path = text.replace(/^>>\s*/, '').replace(/^\+\S*\s+/, '');
    if (/[`$*%#]/.test(path)) return false;
    call.run.opened([{ access: opens, word: literal(path) }], call.frame);
    return true;
  }
  return (HARMLESS.has(verb) || READS.has(verb)) && !/[`=(]/.test(text.replace(/^\w+=/, ''));
}

function runLine(call: Call, text: string): void {
  call.run.runText(text, subshell(call.frame, call.name));
}

function editor(call: Call): Output {
  let isBatch = call.name === 'ex';
  for (let index = 0; index < call.texts.length; index++) {
    const text = call.texts[index];
    if (text === null || text === undefined) continue;
    if (/^-[eEs]+$/.test(text) || text === '--headless') isBatch = true;
    let command: string | null | undefined;
    if (/^-[A-Za-z]*c$/.test(text) || text === '--cmd') command = call.texts[++index] ?? null;
    else if (/^(\+|-c)./.test(text)) command = text.replace(/^(\+|-c)/, '');
    else if (text.startsWith('-S') || (text === '-s' && call.name !== 'ex' && !isExtra(call))) {
      call.run.uncertain(`${call.name} runs a script`);
    } else if (text === '-u' || text === '-U') startFile(call, call.texts[++index] ?? '');
    if (command === undefined) continue;
    if (command === null) call.run.uncertain(`a command for ${call.name} can't be known`);
    else follow(call, command);
  }
  if (isBatch) readInput(call, follow, /^[\s:]*[\d,$.%+-]*\s*[aic](?:ppend|nsert|hange)?!?\s*$/);
  return null;
}

/** `-s` behind `-e` means silence, not a script. */
function isExtra(call: Call): boolean {
  return call.texts.some((text) => /^-[eE]s?$/.test(text ?? ''));
}

/** A start-up file: a program for the editor. */
function startFile(call: Call, file: string): void {
  if (/^(NONE|NORC|DEFAULTS|\/dev\/null)$/.test(file)) return;
  const path = absolutePath(file, call.frame.state.likeliestDirectory);
  const known = path === null ? undefined : call.frame.state.files.get(path);
  if (known?.kind === 'text') {
    for (const line of known.text.split('\n').slice(0, MAX_LINES)) follow(call, line);
  }
  call.run.uncertain(`${call.name} runs a script`);
}

/** Commands on standard input, one a line; text that is put in ends with a line of one dot. */
function readInput(call: Call, run: (call: Call, line: string) => void, putsIn: RegExp): void {
  const { input } = call.frame;
  if (input.kind === 'unknown') {
    call.run.uncertain(`${call.name} reads its commands from another program`);
  }
  if (input.kind !== 'text') return;
  const lines = input.text.split('\n');
  if (lines.length > MAX_LINES) {
    call.run.uncertain(`${call.name} is given more commands than can be followed`);
  }
  let isText = false;
  for (const line of lines.slice(0, MAX_LINES)) {
    if (isText) isText = line !== '.';
    else if (line.length < MAX_COMMAND_CHARACTERS && putsIn.test(line)) isText = true;
    else run(call, line);
  }
}

function lineEditor(call: Call): Output {
  for (const text of call.texts) {
    const line = /^!(.*)/s.exec(text ?? '')?.[1];
    if (line === undefined) continue;
    runLine(call, line);
    call.run.uncertain(`${call.name} edits the output of a command`);
  }
  readInput(call, lineCommand, /^[\d,;$.%+-]*[aic]\s*$/);
  return null;
}

/** One command of ed, behind its addresses. */
function lineCommand(call: Call, line: string): void {
  const command = (line.length > MAX_COMMAND_CHARACTERS ? '\0' : line)
    .replace(/^[\s\d,;$.%+-]+/, '')
    .replace(/^\/(?:[^/\\]|\\.)*\//, '')
    .replace(/^[\s\d,;$.+-]+/, '');
  const escaped = /^(?:[reEwW]\s*)?!(.*)$/.exec(command)?.[1];
  if (escaped !== undefined) {
    runLine(call, escaped);
    call.run.uncertain(`${call.name} is told to run a command`);
    return;
  }
  const [, verb = '', path = ''] = /^([reEwWf]q?)\s+(\S.*)$/.exec(command) ?? [];
  if (verb !== '') {
    const access = /^[wW]/.test(verb) ? 'write' : 'read';
    call.run.opened([{ access, word: literal(path.trim()) }], call.frame);
  } else if (
    !/^(?:[pnlPhHdjuzxkqQ=eEwWf]|wq|[mtk]\S*|[gv]\/[^/]*\/[pnld]?|z\d*|s(?!h)\W?.*|\/.*)?\s*$/.test(
      command,
    )
  ) {
    call.run.uncertain(`${call.name} is given commands that can't be followed`);
  }
}

export const EDITOR_PROGRAMS: Readonly<Record<string, Program>> = {
  vim: editor,
  'vim.basic': editor,
  'vim.tiny': editor,
  vi: editor,
  ex: editor,
  view: editor,
  nvim: editor,
  vimdiff: editor,
  gvim: editor,
  rvim: editor,
  ed: lineEditor,
  red: lineEditor,
};
