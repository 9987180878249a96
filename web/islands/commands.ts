/** The list of commands as the replay uses it: which one is current, which are shown. */
import { scrollWithin } from './scrolling.ts';

/**
 * A command is shown with its output, but not with more than the first second of it: of a short one one
 * sees the result, of a long one the start.
 */
export const OUTPUT_SHOWN_MS = 1000;
/** Times on the page are whole milliseconds, rounded down; the event itself may be up to one later. */
const ROUNDING_MS = 2;

export interface Command {
  readonly seq: number;
  readonly atMs: number;
  /** What to seek to. */
  readonly showMs: number;
  readonly text: string;
  readonly decision: string;
  readonly row: HTMLElement;
}

export function readCommands(list: HTMLElement): readonly Command[] {
  return Array.from(list.querySelectorAll<HTMLElement>('li[data-at-ms]'), (row) => {
    const atMs = Number(row.dataset['atMs']);
    const fromMs = Number(row.dataset['fromMs'] ?? atMs);
    const toMs = Number(row.dataset['toMs'] ?? fromMs);
    return {
      seq: Number(row.id.slice('cmd-'.length)),
      atMs,
      showMs: Math.min(Math.max(toMs, fromMs), fromMs + OUTPUT_SHOWN_MS) + ROUNDING_MS,
      text: (row.querySelector('.text')?.textContent ?? '').toLowerCase(),
      decision: row.dataset['decision'] ?? '',
      row,
    };
  });
}

/** Marks the row and scrolls the list, never the page. */
export function markCurrent(list: HTMLElement, before: Command | null, current: Command): void {
  const { row } = current;
  before?.row.removeAttribute('aria-current');
  row.setAttribute('aria-current', 'true');
  scrollWithin(list, row);
}

/** Hides what doesn't match; returns how many are left. */
export function filterCommands(
  commands: readonly Command[],
  text: string,
  decision: string,
): number {
  const wanted = text.trim().toLowerCase();
  let shown = 0;
  for (const command of commands) {
    const fits =
      command.text.includes(wanted) && (decision === '' || command.decision === decision);
    command.row.hidden = !fits;
    if (fits) shown += 1;
  }
  return shown;
}

/** The next shown command after (`step` 1) or before (-1) the current one; the same at the ends. */
export function neighbour(
  commands: readonly Command[],
  current: Command | null,
  step: 1 | -1,
): Command | null {
  const shown = commands.filter((command) => !command.row.hidden);
  if (current === null) return (step === 1 ? shown[0] : shown.at(-1)) ?? null;
  const beyond =
    step === 1
      ? shown.find((command) => command.seq > current.seq)
      : shown.findLast((command) => command.seq < current.seq);
  return beyond ?? current;
}
