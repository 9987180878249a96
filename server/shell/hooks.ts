/**
 * Variables whose values a shell or a program runs. Not caught here: variables of programs that this
 * table doesn't name.
 */
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';
import type { ShellState } from './state.ts';
import type { Word } from './word.ts';
import { exactText, showWord } from './word.ts';

/** Their value is a command line. */
const COMMAND_VARIABLES = new Set(
  (
    'PROMPT_COMMAND PAGER GIT_PAGER MANPAGER SYSTEMD_PAGER EDITOR VISUAL SUDO_EDITOR KUBE_EDITOR LESSOPEN ' +
    'LESSCLOSE GIT_SSH_COMMAND GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_EXTERNAL_DIFF GIT_ASKPASS SSH_ASKPASS ' +
    'RSYNC_RSH PSQL_EDITOR PSQL_PAGER BROWSER FCEDIT'
  ).split(' '),
);
/** Their value is expanded like a double-quoted string. */
const PROMPTS = new Set(
  'PS0 PS1 PS2 PS3 PS4 RPS1 RPS2 PROMPT PROMPT2 PROMPT3 PROMPT4 RPROMPT RPROMPT2 SPROMPT'.split(
    ' ',
  ),
);
/** Options of node that load nothing. */
const SETTINGS_OF_NODE =
  /^(?:\s*--(?:max-(?:old|semi|new)-space-size|max-http-header-size|stack-size|stack-trace-limit|(?:no-)?(?:trace-)?(?:warnings|deprecation)|enable-source-maps|unhandled-rejections|dns-result-order|openssl-legacy-provider|experimental-vm-modules|preserve-symlinks|use-openssl-ca)(?:=[\w.-]+)?)*\s*$/;
/** They make programs load code. */
const LOADERS = new Set(
  (
    'BASH_ENV ENV LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT PYTHONSTARTUP PYTHONPATH PERL5OPT PERL5LIB RUBYOPT ' +
    'RUBYLIB NODE_OPTIONS ZDOTDIR INPUTRC'
  ).split(' '),
);

/** Options with which `*` matches hidden files too, or other characters are patterns (zsh). */
export function widePatterns(options: readonly (string | null)[], run: Runner): void {
  const wide = /^(?:dotglob|globdots)$/;
  if (options.some((text) => OTHER_READING.test(text?.replaceAll('_', '').toLowerCase() ?? ''))) {
    run.uncertain('the shell reads lines in another way from here on');
  }
  if (options.some((text) => /^extended_?glob$/i.test(text ?? ''))) {
    run.uncertain('more characters are patterns from here on');
  }
  if (options.some((text) => wide.test(text?.replaceAll('_', '').toLowerCase() ?? ''))) {
    run.uncertain('patterns match hidden files from here on');
  }
}

/**
 * Options of zsh with which it runs other words than those that were typed, reads quotes and braces in
 * another way, or shows a part of a line only.
 */
const OTHER_READING =
  /^(?:no)?(?:correct(?:all)?|histsubstpattern|rcquotes|cshjunkie(?:quotes|history|loops)|sunkeyboardhack|globsubst|ignore(?:close)?braces|globassign|singlelinezle|overstrike|evallineno)$/;

/** Looks at what an assignment makes run, now or later. */
export function hookOf(name: string, value: Word, frame: Frame, run: Runner): void {
  const text = exactText(value);
  if (COMMAND_VARIABLES.has(name)) {
    if (text === null) run.runWord(value, subshell(frame, `$${name}`), `$${name}`);
    // Marks by which less tells how it takes what the command prints.
    else if (text !== '') run.runText(text.replace(/^[\s;|]+-?/, ''), subshell(frame, `$${name}`));
  } else if (PROMPTS.has(name)) {
    if (value.length > 0 && value.every((piece) => piece.kind === 'unknown')) {
      run.uncertain(`$${name} is expanded at every prompt, and it can't be known`);
    }
    if (text === null) return;
    if (/\$[({]|`/.test(text)) {
      run.runText(`: "${text.replaceAll('"', '')}"`, subshell(frame, `$${name}`));
    }
  } else if (name === 'histchars') {
    if (text !== '') run.uncertain('other characters recall earlier commands from here on');
  } else if (name === 'GLOBIGNORE' && text !== '') {
    widePatterns(['dotglob'], run);
  } else if (name === 'NODE_OPTIONS' && text !== null && SETTINGS_OF_NODE.test(text)) {
    return;
  } else if (LOADERS.has(name)) {
    const process = value.find((piece) => piece.kind === 'process');
    if (process?.kind === 'process' && process.reads !== null) {
      run.runText(process.reads, subshell(frame, `$${name}`));
    }
    if (text !== '') run.uncertain(`$${name} makes programs load code`);
  } else if (name === 'PATH') {
    const shown = text ?? showWord(value);
    const open = /(^|:)(\.|~|\/tmp|\/var\/tmp|\/dev\/shm|\/home)(\/|:|$)/.test(shown);
    if (open && !/^(~|\/home\/[\w.-]+)\/(\.local\/|go\/|\.cargo\/)?bin:/.test(`${shown}:`)) {
      run.uncertain('$PATH names a directory where anybody can put a program');
    } else if (text === null && !/\/(usr|s?bin|opt)/.test(shown)) {
      run.uncertain("$PATH can't be known");
    }
  }
}

/** zsh: arrays of functions that it calls by itself. */
const FUNCTION_ARRAYS =
  /^(?:precmd|preexec|chpwd|periodic|zshexit|zshaddhistory|zsh_directory_name)_functions$/;
/** Functions that a shell calls by itself. */
const CALLED_BY_ITSELF =
  /^(?:command_not_found_handler?|precmd|preexec|chpwd|periodic|zshexit|zshaddhistory|run-help|which-command|TRAP[A-Z0-9]+|fish_prompt|fish_(?:pre|post)exec)$/;

/** Whether a shell calls a function of this name without being told to. */
export function isCalledByItself(name: string): boolean {
  return CALLED_BY_ITSELF.test(name);
}

/** Whether a prompt or a trap that was set up before calls a function of this name. */
export function isHooked(name: string, state: ShellState): boolean {
  const prompt = state.variables.get('PROMPT_COMMAND');
  const words =
    prompt?.kind === 'word' ? [prompt.word] : prompt?.kind === 'array' ? prompt.words : [];
  const texts = [...words.map(exactText), ...state.traps.keys()];
  return texts.some((text) => text !== null && text.split(/[^\w:.+-]+/).includes(name));
}

/** `precmd_functions+=(f)`: what the functions do is looked at where they are defined. */
export function functionHooks(
  name: string,
  words: readonly Word[],
  frame: Frame,
  run: Runner,
): void {
  if (!FUNCTION_ARRAYS.test(name)) return;
  run.uncertain(`$${name} makes the shell call functions later`);
  for (const word of words) run.runWords([word], subshell(frame, `$${name}`), false);
}
