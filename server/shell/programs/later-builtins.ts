/**
 * Builtins that load code, make it run at a later key or completion, or evaluate words for completion.
 * Not caught here: what the loaded code does.
 */
import { NO_VALUES, type OptionGrammar } from '../option-table.ts';
import { hasOption, optionValue, readOptions } from '../options.ts';
import type { Call, Output, Program } from '../runner.ts';
import { subshell } from '../runner.ts';
import { remember, valuesIn } from '../state.ts';
import { exactText } from '../word.ts';

/** Builtins that load code or make it run later; keys that type, or that submit a line. */
function loads(call: Call): Output {
  const risky: Readonly<Record<string, RegExp>> = {
    enable: /^-\w*f/,
    bind: /^-\w*[xf]|:\s*["']|accept-line|operate-and-get-next|edit-and-execute|insert-comment|call-last-kbd-macro|re-read-init-file|execute-named-command|^\s*set\s+(?:comment-begin|horizontal-scroll-mode)/i,
    complete: /^-C$/,
    // Of zsh: keys that type, files of functions.
    bindkey: /^-\w*s|accept-|push-|execute-/,
    autoload: /^-\w*X|\//,
  };
  const pattern = risky[call.name];
  if (call.texts.some((text) => text === null || pattern?.test(text) === true)) {
    call.run.uncertain(`${call.name} makes the shell run code later`);
    laterText(call);
  }
  if (call.name === 'complete') completesBy(call);
  fishBinding(call);
  return '';
}

/** `complete -F NAME`: a function of this name runs later, also one that is defined later. */
function completesBy(call: Call): void {
  const name = optionValue(readOptions(call.words, COMPLETE_OPTIONS, false), '-F');
  const text = name === undefined || name === null ? null : exactText(name);
  if (text === null) return;
  remember(call.shell.traps, text, valuesIn(text, call.shell));
  call.run.runText(text, subshell(call.frame, 'complete'));
}

const COMPLETE_OPTIONS = { ...NO_VALUES, short: 'oAGWFCXPS' };

/** The text that `complete -C` and `bind -x` make run, or `bind` types, when it is known. */
function laterText(call: Call): void {
  const frame = subshell(call.frame, call.name);
  const at = call.texts.indexOf('-C');
  if (call.name === 'complete' && at >= 0) {
    const word = call.words[at + 1];
    if (word !== undefined) call.run.runWord(word, frame, 'complete');
  }
  if (call.name === 'bindkey') {
    const typed = call.texts.at(-1);
    if (typed !== null && typed !== undefined)
      call.run.runText(typed.replace(/\\[nr]|\^[MJ]/g, '\n'), frame);
  }
  if (call.name !== 'bind') return;
  for (const text of call.texts) {
    const bound = /^\s*(?:"(?:[^"\\]|\\.)*"|[\w-]+)\s*:\s*([^]*)$/.exec(text ?? '')?.[1];
    if (bound === undefined || !call.run.spend(1)) continue;
    const typed = /^(["'])([^]*)\1\s*$/.exec(bound)?.[2];
    const line = (typed ?? bound).replace(/\\(?:C-[mj]|[nr]|M|015|012)/g, '\n');
    if (typed !== undefined || call.texts.includes('-x')) call.run.runText(line, frame);
  }
}

/** `bind KEYS COMMAND…` of fish; bash has one word for both. */
function fishBinding(call: Call): void {
  if (call.name !== 'bind') return;
  const read = readOptions(call.words, BIND_OPTIONS, true);
  const [, ...commands] = call.words.slice(read.end);
  if (commands.length === 0 || hasOption(read, '-e', '--erase')) return;
  call.run.uncertain('bind makes a key run something later');
  for (const command of commands) {
    call.run.runText(exactText(command) ?? '', subshell(call.frame, 'bind'));
  }
}

const BIND_OPTIONS = { ...NO_VALUES, short: 'mMqux', long: new Set(['mode', 'sets-mode']) };

/** `zle -N WIDGET [FUNCTION]` of zsh: a key runs the function, which may submit a line. */
function lineEditor(call: Call): Output {
  const [option, widget, name = widget] = call.texts;
  if (option === '-N' && name != null) {
    call.run.uncertain('zle makes a key run a function later');
    call.run.runText(name, subshell(call.frame, 'zle'));
  }
  // Another name for a widget that submits a line is as good as that.
  if (option === null || /^-[AC]/.test(option ?? '')) {
    call.run.uncertain('zle gives what keys do another name');
  }
  return '';
}

const ABBR_OPTIONS: OptionGrammar = {
  ...NO_VALUES,
  short: 'prfc',
  long: new Set(['position', 'regex', 'function', 'command']),
  flags: new Set('add rename set-cursor erase query show list global universal help'.split(' ')),
};

/** With these the text is changed, or stands for other words than the name. */
const ABBR_CHANGES = '-c --command -f --function -r --regex --set-cursor --rename'.split(' ');

/**
 * `abbr -a NAME TEXT…` of fish: the text stands for the word when a line is submitted, as the name of a
 * command unless an option says otherwise.
 */
function abbreviation(call: Call): Output {
  const read = readOptions(call.words, ABBR_OPTIONS, false);
  const [name, ...text] = read.operands.map(({ word }) => exactText(word));
  if (name === undefined || text.length === 0) {
    // One with a function has no text.
    if (hasOption(read, '-f', '--function', '-r', '--regex')) {
      call.run.uncertain("an abbreviation is set to something that can't be known");
    }
    return '';
  }
  const position = optionValue(read, '-p', '--position');
  const isCommand = position === undefined || (position && exactText(position)) === 'command';
  const isOther = !isCommand || hasOption(read, ...ABBR_CHANGES);
  if (isOther || name === null || text.includes(null)) {
    call.run.uncertain("an abbreviation is set to something that can't be known");
    const known = text.filter((one) => one !== null).join(' ');
    call.run.runText(`: ${known}`, subshell(call.frame, 'abbr'));
  } else remember(call.shell.aliases, name, text.join(' '));
  return '';
}

/** compgen runs the command of `-C`, and expands the words of `-W`. */
function compgen(call: Call): Output {
  const read = readOptions(call.words, { ...NO_VALUES, short: 'oAGWPSXCF' }, true);
  const frame = subshell(call.frame, 'compgen');
  const command = optionValue(read, '-C', '-F');
  if (command !== undefined && command !== null) call.run.runWord(command, frame, 'compgen');
  const list = exactText(optionValue(read, '-W') ?? []);
  if (list !== null && /\$|`/.test(list))
    call.run.runText(`: "${list.replaceAll('"', '')}"`, frame);
  return null;
}

export const LATER_BUILTINS: Readonly<Record<string, Program>> = {
  enable: loads,
  bind: loads,
  bindkey: loads,
  autoload: loads,
  complete: loads,
  zle: lineEditor,
  abbr: abbreviation,
  compgen,
};
