/**
 * Input of a session without a terminal. Either it is the program of a shell (`ssh target < script`,
 * `ssh target 'bash -s' < script`): then it is read as whole commands and each is decided before its
 * bytes go up; or it is data for a program, which passes untouched.
 */
import { isCompleteInput } from '../shell/complete.ts';
import type { Gate, GateLine } from './gate.ts';
import type { InputQueue } from './input-queue.ts';
import type { UpstreamEnd } from './ports.ts';

const NEWLINE = 0x0a;

/** How the input side of a session ended. */
export type InputEnd =
  | { readonly kind: 'gone' }
  /** A command was refused and the session with it; `notice` says so. */
  | { readonly kind: 'refused'; readonly notice: string };

/** Passes every unit on, in order, until the client has gone. */
export async function passInput(input: InputQueue, upstream: UpstreamEnd): Promise<InputEnd> {
  for (;;) {
    const unit = await input.next();
    await upstream.write(unit);
    if (unit.kind === 'close') return { kind: 'gone' };
  }
}

/**
 * Reads shell input as whole commands until the client has gone or a command is refused. A script
 * whose command was refused must not go on with the next one, so a refusal ends the session.
 * @param maxLineBytes a command that is still incomplete at this length is decided as it stands
 */
export async function gateShellInput(
  input: InputQueue,
  upstream: UpstreamEnd,
  gate: Gate,
  say: (text: string) => Promise<void>,
  maxLineBytes: number,
): Promise<InputEnd> {
  let pending = Buffer.alloc(0);

  const release = async (bytes: Buffer): Promise<InputEnd | null> => {
    const text = bytes.toString('utf8');
    if (text.trim() !== '') {
      const outcome = await input.interruptible((abandoned) =>
        gate.decide(commandLine(bytes, text), abandoned, say),
      );
      if (outcome.kind === 'refused') return { kind: 'refused', notice: outcome.notice };
      if (input.gone.aborted) return { kind: 'gone' };
    }
    await upstream.write({ kind: 'data', bytes });
    return null;
  };

  for (;;) {
    const unit = await input.next();
    if (unit.kind === 'data') {
      pending = Buffer.concat([pending, unit.bytes]);
      for (;;) {
        const end = wholeCommandEnd(pending, maxLineBytes);
        if (end === 0) break;
        const ended = await release(pending.subarray(0, end));
        if (ended !== null) return ended;
        pending = pending.subarray(end);
      }
      continue;
    }
    if (unit.kind === 'eof' && pending.length > 0) {
      const ended = await release(pending);
      if (ended !== null) return ended;
      pending = Buffer.alloc(0);
    }
    await upstream.write(unit);
    if (unit.kind === 'close') return { kind: 'gone' };
  }
}

/** A line whose exact bytes are known; what isn't UTF-8 is judged by its lossy text and uncertain. */
export function commandLine(bytes: Buffer, text: string): GateLine {
  const exact = Buffer.from(text, 'utf8').equals(bytes);
  return {
    text,
    candidates: [text],
    guesses: new Set(),
    language: 'shell',
    certainty: exact ? 'exact' : 'uncertain',
    why: exact ? null : 'the command is not valid UTF-8, so what the target makes of it is unknown',
    quiet: false,
    secret: false,
  };
}

/** Length of the first whole command in `bytes`, its line end included; 0 while there is none. */
function wholeCommandEnd(bytes: Buffer, maxLineBytes: number): number {
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (at >= maxLineBytes) return at + 1;
    if (isCompleteInput(bytes.toString('utf8', 0, at + 1)) !== 'incomplete') return at + 1;
  }
  return bytes.length > maxLineBytes ? bytes.length : 0;
}
