/**
 * Why a line was held or denied, in one line for people. Not caught here: control characters of hostile
 * input; whoever shows the line removes them.
 */
import type { ReadCommand } from '../shell/command.ts';
import type { Policy } from './policy.ts';

/** Longest command text that is quoted, in UTF-16 units. */
const MAX_QUOTED_CHARACTERS = 120;

/**
 * @param reason the rule's own words, or why it isn't certain
 * @param command the one that decided
 * @param policy given when no rule decided, but the policy's default or its verdict for the uncertain
 */
export function explain(
  reason: string | null,
  command: ReadCommand | null,
  policy: Policy | null,
): string {
  const where = command === null ? '' : place(command);
  if (reason === null && policy !== null) {
    return where === ''
      ? `policy ${policy.name} allows only what it names`
      : `${where} is not among what policy ${policy.name} allows`;
  }
  if (reason === null) return where === '' ? 'the text matches the rule' : where;
  const reached = command !== null && command.via.length > 0;
  return reached ? `${reason} (${where})` : reason;
}

/** `` `rm -rf /data` inside `sh -c` inside `sudo` ``. */
function place(command: ReadCommand): string {
  const line = command.text.replace(/\s+/g, ' ').trim();
  const text =
    line.length > MAX_QUOTED_CHARACTERS
      ? `${line.slice(0, MAX_QUOTED_CHARACTERS).toWellFormed()}…`
      : line;
  const via = command.via.toReversed().map((wrapper) => ` inside \`${wrapper}\``);
  return `\`${text}\`${via.join('')}`;
}
