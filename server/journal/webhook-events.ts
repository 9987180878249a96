/**
 * Names of events that others can be told of: the journal's types, and some of its entries by what they say.
 * Pure. Not caught here: events that nobody appended.
 */
import { EVENT_TYPES, type JournalEntry } from './event.ts';

/** A decision on a command is found by its outcome as well. */
const BY_VERDICT: Readonly<Record<string, string>> = {
  allow: 'command.allowed',
  deny: 'command.denied',
  hold: 'command.held',
};

/** Every name that `events:` may have, beside patterns. */
export const WEBHOOK_EVENTS: readonly string[] = [...EVENT_TYPES, ...Object.values(BY_VERDICT)];

/** The name that a message has for an entry: the most exact one. */
export function eventName({ data, type }: Pick<JournalEntry, 'data' | 'type'>): string {
  const { verdict } = data;
  if (type !== 'command.decided' || typeof verdict !== 'string') return type;
  return BY_VERDICT[verdict] ?? type;
}

/** Whether `events:` may say so: a name, `GROUP.*` of a group that there is, or `*`. */
export function isEventPattern(text: string): boolean {
  if (text === '*') return true;
  if (!text.endsWith('.*')) return WEBHOOK_EVENTS.includes(text);
  return WEBHOOK_EVENTS.some((name) => name.startsWith(text.slice(0, -1)));
}

/** Whether one of the patterns names the entry, by its type or its more exact name. */
export function isNamedEvent(
  patterns: readonly string[],
  entry: Pick<JournalEntry, 'data' | 'type'>,
): boolean {
  const names = [entry.type, eventName(entry)];
  return patterns.some((pattern) =>
    pattern.endsWith('*')
      ? names.some((name) => name.startsWith(pattern.slice(0, -1)))
      : names.includes(pattern),
  );
}
