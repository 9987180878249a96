/** Where `cd` leads. Not caught here: `CDPATH`, links on the target. */
import { absolutePath } from './path.ts';
import type { ShellState } from './state.ts';
import { exactText } from './word.ts';
import type { Word } from './word.ts';

/** They exist wherever anything runs, so that `cd` to them does not fail. */
const ALWAYS_THERE = new Set(['/', '/tmp', '/etc', '/usr', '/var', '/bin', '/dev', '/proc', '~']);

/** @param must the command doesn't run at all when the directory is missing */
export function changeDirectory(word: Word | null, state: ShellState, must = false): void {
  const target = word === null ? null : exactText(word);
  if (target === null) {
    state.moveTo(null, true);
    return;
  }
  const from = state.directories;
  const absolute = absolutePath(target, null);
  if (absolute !== null) {
    state.moveTo([absolute], must || ALWAYS_THERE.has(absolute));
    return;
  }
  const to = from === null ? null : from.map((one) => absolutePath(target, one) ?? one);
  state.moveTo(to, must || /^\.\.?(\/\.\.)*\/?$/.test(target));
}
