/**
 * Names that the shell evaluates: `a[$(cmd)]` given to `read`, `printf -v`, `test -v` or arithmetic runs
 * the command, whatever quotes it was written in. Not caught here: names that come from unknown values.
 */
import type { Frame, Runner } from './runner.ts';
import { subshell } from './runner.ts';

const SUBSTITUTION = /\[[^]*(?:\$\(|`)/;

/** Runs what a name or an arithmetic text contains. */
export function runSubscripts(text: string | null | undefined, frame: Frame, run: Runner): void {
  if (text === null || text === undefined || !SUBSTITUTION.test(text)) return;
  if (!run.spend(1)) return;
  run.runText(`: "${text.replaceAll('"', '')}"`, subshell(frame, null));
}
