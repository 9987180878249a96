/** Where things have a page of their own. */
import type { RunName } from '../../server/http/run-ports.ts';

/** Commands that the page of a session always comes with; for later ones it has to be asked. */
const FIRST_COMMANDS = 200;

/** @param command its number, where the page begins with one of them */
export function sessionAddress(id: string, command: number | null = null): string {
  const page = `/sessions/${encodeURIComponent(id)}`;
  if (command === null) return page;
  return `${page}${command > FIRST_COMMANDS ? `?from=${command}` : ''}#cmd-${command}`;
}

/** @param cursor place in its list of sessions to go on from */
export function runAddress({ principal, run }: RunName, cursor: string | null = null): string {
  const query = new URLSearchParams({ principal, run, ...(cursor !== null && { cursor }) });
  return `/run?${query.toString()}`;
}

export function approvalAddress(id: string): string {
  return `/approvals/${encodeURIComponent(id)}`;
}

export function policyAddress(name: string): string {
  return `/rules#policy-${encodeURIComponent(name)}`;
}
