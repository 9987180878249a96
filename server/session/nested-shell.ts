/**
 * Shells that shells start on the same input. Nobody sees from outside which of them reads the next line.
 * Not caught here: what the start-up files of the inner one change.
 */
import type { ShellState } from '../shell/command.ts';
import { readShell } from '../shell/read.ts';
import { initialState, joinStates } from '../shell/state.ts';

/** A shell that another one starts gets its directory and what it exports; the rest may be unset. */
export function innerState(outer: ShellState): ShellState {
  const state = initialState(outer.interactive);
  state.moveTo(outer.directories, true);
  return state;
}

/** @param input all of the session's input, where that is known */
export function withInput(state: ShellState, input: string | undefined): ShellState {
  if (input === undefined) return state;
  const told = state.copy();
  told.input = { kind: 'text', text: input };
  return told;
}

/** What holds in whichever of the shells reads the next line; the first is the likeliest. */
export function joined(...states: readonly (ShellState | null)[]): ShellState {
  const branches = states.filter((state) => state !== null);
  const all = branches[0]?.copy() ?? initialState(false);
  joinStates(all, branches);
  return all;
}

/** What a line leaves for those after it, whether it goes on with those before it or not. */
export function stateAfter(
  line: {
    readonly text: string;
    readonly whole?: string | null;
    readonly mayStandAlone?: boolean;
  },
  state: ShellState,
): ShellState {
  const { text, whole = null, mayStandAlone = true } = line;
  if (whole === null) return readShell(text, state).after;
  const after = readShell(whole, state).after;
  return mayStandAlone ? joined(readShell(text, state).after, after) : after;
}
