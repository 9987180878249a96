/**
 * A program that a client pipes to an interpreter (`ssh target python3 < program`): where it comes at once
 * and whole, it is judged together with the command. Not caught here: longer ones, and those of which not
 * every part can be read; they stay uncertain.
 */
import { sha256Hex } from '../journal/chain.ts';
import { readShell } from '../shell/read.ts';
import { initialState } from '../shell/state.ts';
import type { InputQueue } from './input-queue.ts';
import { withInput } from './nested-shell.ts';
import type { ChannelRequest } from './ports.ts';

/** Longer programs are not read anyway. */
const MAX_PROGRAM_BYTES = 8_192;
/** A client that pauses longer is somebody who types. */
const MAX_PAUSE_MS = 3_000;

/** Commands that may start an interpreter. */
const HINT = /\b(?:python|perl|ruby|node|php|lua)/;

const NEVER_READS = /^(?:echo|cd|true|:|umask|export|sleep)$/;

/**
 * Programs of tools that only look, by their hash, and what they do in words. Ansible 2.8 to 2.16 finds
 * with the first one out which system and Python a host has: it prints /etc/os-release.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  '5c1b15776262b8a6c5e8671edbfb04ae010c825d84702c1aed5c34d456e73f7a',
]);

/** The input as it counts for the decision; null = it is no such program, or isn't all there. */
export async function pipedProgram(
  request: ChannelRequest,
  input: InputQueue,
): Promise<string | null> {
  const { kind, command, pty } = request;
  if (kind !== 'exec' || command === null || pty !== null) return null;
  const text = command.toString('utf8');
  if (!HINT.test(text) || !isReadFromInput(text)) return null;
  const program = await input.whole(MAX_PROGRAM_BYTES, MAX_PAUSE_MS);
  if (program === null) return null;
  if (HARMLESS.has(sha256Hex(program))) return '';
  const read = program.toString('utf8');
  return Buffer.from(read, 'utf8').equals(program) ? read : null;
}

/** Nothing but its input makes the command uncertain, and one interpreter takes all of that. */
function isReadFromInput(text: string): boolean {
  const state = initialState(false);
  const { commands, uncertain } = readShell(text, state);
  if (uncertain.length === 0) return false;
  // What runs before it, or beside it, could take a part: then the rest is another program.
  const own = commands.filter((one) => !one.carries && !NEVER_READS.test(one.argv?.[0] ?? ''));
  const [first, ...others] = own;
  if (first === undefined || !first.readsInput || !HINT.test(first.argv?.[0] ?? '')) return false;
  if (others.some((one) => one.readsInput || one.stdinLanguage !== null)) return false;
  return readShell(text, withInput(state, '')).uncertain.length === 0;
}
