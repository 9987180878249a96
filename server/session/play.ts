/** Plays a recording to a client: `ssh BASTION play SESSION`. Ctrl-C, q or the end of the client ends it. */
import type { RecordedEvent } from '../asciicast/event.ts';
import { HarmlessOutput, TERMINAL_AS_BEFORE } from '../asciicast/harmless.ts';
import type { DownstreamEnd } from './ports.ts';
import { elapsed } from './wait.ts';

/** Longer pauses last so long. */
const MAX_PAUSE_MS = 2000;
/** Shorter ones are left out. */
const MIN_PAUSE_MS = 1;
const CTRL_C = 3;
const QUIT = 'q'.charCodeAt(0);

/** Resolves when it has been played or is no longer wanted; the end stays open. */
export async function play(
  end: DownstreamEnd,
  events: AsyncIterable<RecordedEvent>,
): Promise<'played' | 'stopped'> {
  const stop = new AbortController();
  void waitForStop(end, stop);
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve());
  });
  // The target wrote what this terminal is about to get.
  const harmless = new HarmlessOutput();
  const write = (text: string): Promise<void> =>
    end.write({ kind: 'data', stream: 'stdout', bytes: Buffer.from(text) });
  let lastUs = 0;
  for await (const event of events) {
    if (event.code !== 'o') continue;
    const pauseMs = Math.min(MAX_PAUSE_MS, (event.atUs - lastUs) / 1000);
    lastUs = event.atUs;
    if (pauseMs >= MIN_PAUSE_MS) await Promise.race([elapsed(pauseMs), stopped]);
    if (stop.signal.aborted) break;
    await write(harmless.push(event.text));
  }
  await write(TERMINAL_AS_BEFORE);
  return stop.signal.aborted ? 'stopped' : 'played';
}

/** Aborts `stop` at Ctrl-C, q, or the end of the client. */
export async function waitForStop(end: DownstreamEnd, stop: AbortController): Promise<void> {
  for (;;) {
    const unit = await end.read();
    const isKey =
      unit.kind === 'data' && (unit.bytes.includes(CTRL_C) || unit.bytes.includes(QUIT));
    if (unit.kind !== 'close' && !isKey) continue;
    stop.abort();
    return;
  }
}
