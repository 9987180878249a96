/**
 * Programs that change what a terminal makes of keys: which of them erase, end or quote what was typed.
 * With other ones than usual nobody sees on a screen what a program reads. Not caught here: programs that
 * set up the terminal by a system call of their own.
 */
import type { Call, Output, Program } from '../runner.ts';

/** What the usual keys are; any terminal has them, so that to set them changes nothing. */
const USUAL: Readonly<Record<string, RegExp>> = {
  erase: /^\^[?H]$/,
  kill: /^\^U$/,
  werase: /^\^W$/,
  lnext: /^\^V$/,
  intr: /^\^C$/,
  quit: /^\^\\$/,
  susp: /^\^Z$/,
  eof: /^\^D$/,
};
const NONE = /^(?:\^-|undef)$/;
/** Letters in other shapes, keys that end a line, characters that are erased by bytes. */
const RISKY = /^-?(?:iuclc|olcuc|xcase|lcase|LCASE|istrip|cooked7|eof|eol2?|swtch)$|^-iutf8$/;
/** What `stty -g` prints, and takes back; this one is made up. */
export const SAVED_SETTINGS =
  '500:5:bf:8a3b:3:1c:7f:15:4:0:1:0:11:13:1a:0:12:f:17:16:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0';

/** A terminal that changes letters or ends lines at other keys hides what is typed. */
function stty(call: Call): Output {
  if (call.texts.some((text) => text === '-g' || text === '--save')) return SAVED_SETTINGS;
  const hides = call.texts.some((text, at) => {
    if (text === null) return true;
    if (text === SAVED_SETTINGS) return false;
    const usual = USUAL[text];
    const value = call.texts[at + 1] ?? '';
    if (usual !== undefined) return !usual.test(value) && !NONE.test(value);
    return RISKY.test(text) || text.includes(':');
  });
  if (hides) call.run.uncertain('stty changes what is read from the keys');
  return null;
}

/** `tset -e KEY`, also under its name `reset`. */
function tset(call: Call): Output {
  const sets = call.texts.some((text) => text === null || /^-[a-zA-Z]*[eik]/.test(text));
  if (sets) call.run.uncertain(`${call.name} changes what is read from the keys`);
  return null;
}

export const TERMINAL_PROGRAMS: Readonly<Record<string, Program>> = { stty, tset, reset: tset };
