/**
 * The shell reader: from the text of an input to the commands that would or could run. Total: any
 * string gives a Reading. Not caught here: whether a command succeeds, and so what runs after it.
 */
import type { Reading } from './command.ts';
import { MAX_LINE_BYTES } from './limits.ts';
import { Reader } from './reader.ts';
import type { ShellState } from './state.ts';
import { initialState } from './state.ts';

/**
 * @param text one whole input: a line at a prompt, an exec string, a script
 * @param state what earlier inputs of the session left; it is not changed, see `after`
 * @returns every simple command with the wrappers passed to reach it, and what can't be known. At most
 *   MAX_LINE_BYTES are read, and the work is bounded by the constants of limits.ts.
 */
export function readShell(text: string, state: ShellState = initialState()): Reading {
  const after = state.forInput();
  if (Buffer.byteLength(text) > MAX_LINE_BYTES) {
    const why = `the input is longer than ${MAX_LINE_BYTES} bytes`;
    return { commands: [], uncertain: [{ why, start: 0, end: text.length }], after };
  }
  const reader = new Reader(after.copying);
  reader.found.isTyped = after.interactive;
  try {
    reader.runInputText(text, { state: after, input: after.input, via: [], depth: 0 });
  } catch {
    // A defect of the reader must end in a decision too: what was found stays, the rest is unknown.
    reader.found.uncertain('the command could not be read', { start: 0, end: text.length });
  }
  return { commands: reader.found.commands, uncertain: reader.found.uncertainties, after };
}
