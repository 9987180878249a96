/**
 * Builtins of zsh that run text, now or later. Not caught here: what the modules of `zmodload` do.
 */
import { NO_VALUES } from '../option-table.ts';
import { hasOption, readOptions } from '../options.ts';
import type { Call, Output, Program } from '../runner.ts';
import { deeper, subshell } from '../runner.ts';
import { exactText, joinWords } from '../word.ts';

/** `print -z` of zsh puts its text where the next line is typed; `print -P` expands it. */
function print(call: Call): Output {
  const read = readOptions(call.words, { ...NO_VALUES, short: 'uvCfx' }, true);
  const rest = call.words.slice(read.end);
  if (hasOption(read, '-z', '-s') && rest.length > 0) {
    call.run.uncertain('print puts text where a command is typed');
    call.run.runWord(joinWords(rest), subshell(call.frame, 'print -z'), 'print -z');
  } else if (hasOption(read, '-P')) {
    const text = exactText(joinWords(rest));
    if (text !== null && /\$\(|`/.test(text)) {
      call.run.runText(`: "${text.replaceAll('"', '')}"`, subshell(call.frame, 'print -P'));
    }
  }
  return null;
}

/** `emulate sh -c TEXT` of zsh. */
function emulate(call: Call): Output {
  const at = call.texts.findIndex((text) => /^-[A-Za-z]*c$/.test(text ?? ''));
  const text = at < 0 ? undefined : call.words[at + 1];
  const frame = deeper(call.frame, 'emulate -c', { state: call.shell });
  return text === undefined ? '' : call.run.runWord(text, frame, 'emulate');
}

/** `sched +1 TEXT` of zsh. */
function schedule(call: Call): Output {
  const at = call.texts.findIndex((text) => /^\+?\d[\d:apm]*$/.test(text ?? ''));
  const rest = at < 0 ? [] : call.words.slice(at + 1);
  if (rest.length === 0) return null;
  return call.run.runWord(joinWords(rest), subshell(call.frame, 'sched'), 'sched');
}

/** `zargs [options] -- INPUT… -- COMMAND` of zsh. */
function zargs(call: Call): Output {
  const dashes = call.texts.flatMap((text, index) => (text === '--' ? [index] : []));
  const last = dashes.at(-1);
  if (last === undefined) return null;
  const inputs = call.words.slice(dashes.length > 1 ? (dashes[0] ?? 0) + 1 : 0, last);
  const command = [...call.words.slice(last + 1), ...inputs];
  return call.run.runWords(command, subshell(call.frame, 'zargs'), true);
}

/** zsh and ksh call `fc -e -` by this name; elsewhere it is a program like any other. */
function rerun(call: Call): Output {
  if (call.shell.interactive) call.run.uncertain('r may run an earlier command again');
  return null;
}

/** Modules of zsh that only tell of the shell, the time, numbers and texts. */
const PLAIN_MODULES =
  /^zsh\/(?:datetime|mathfunc|parameter|zutil|complist|complete|compctl|computil|terminfo|termcap|langinfo|regex|pcre|zprof|zle|zleparameter|stat|zselect|nearcolor|param\/private|watch|main|rlimits)$/;

/** `zmodload zsh/mapfile`: others open files, connect, or replace programs by builtins. */
function loadsModule(call: Call): Output {
  const names = call.texts.filter((text) => text?.startsWith('-') !== true);
  if (!names.every((name) => name !== null && PLAIN_MODULES.test(name))) {
    call.run.uncertain('zmodload gives the shell other ways to files');
  }
  return '';
}

export const ZSH_BUILTINS: Readonly<Record<string, Program>> = {
  print,
  emulate,
  sched: schedule,
  zargs,
  zmodload: loadsModule,
  r: rerun,
};
