/**
 * The output of one command as text. Not caught here: what full-screen programs drew; text has no place for
 * that, the replay has.
 */
import { encodeText } from '../asciicast/codec.ts';
import type { CastHeader, RecordedEvent } from '../asciicast/event.ts';
import { Played } from '../asciicast/played.ts';
import { SallyportError } from '../errors.ts';
import { unknownObject } from './guard.ts';
import type { CommandView, HeaderReader, ReplayReader, SessionView } from './ports.ts';
import { PREPARE_CHUNKS } from './replays.ts';

/** Longer outputs are cut, and say so. */
export const MAX_OUTPUT_CHARACTERS = 1024 * 1024;
/** Output between the last keyframe and the command that is passed over. */
export const MAX_PASSED_CHARACTERS = 64 * 1024 * 1024;
/** Times of commands are whole milliseconds, those of events microseconds. */
const ROUNDING_US = 500;

export interface CommandOutput {
  readonly text: string;
  /** There was more. */
  readonly isCut: boolean;
}

type Recordings = HeaderReader & ReplayReader;

/** Rejects with `limit.exceeded` where too much would have to be read. */
export async function commandOutput(
  recordings: Recordings,
  session: SessionView,
  command: CommandView,
): Promise<CommandOutput> {
  const header = await recordings.header(session.id);
  if (header === null) throw unknownObject('session');
  const { outputFromMs, outputToMs } = command;
  if (outputFromMs === null) return { text: '', isCut: false };
  if (session.recording.chunks > PREPARE_CHUNKS) await recordings.prepare(session.id);
  const fromUs = outputFromMs * 1000 - ROUNDING_US;
  const toUs = outputToMs === null ? Number.POSITIVE_INFINITY : outputToMs * 1000 + ROUNDING_US;
  const start = await startOf(recordings, session.id, header, fromUs);
  const events = between(recordings.eventsFrom(session.id, start.place), start, fromUs, toUs);
  let text = '';
  for await (const piece of encodeText(start.header, events)) {
    // In a shell the first line is what is left of that of the prompt, behind Enter.
    text += text === '' && session.kind === 'shell' ? piece.replace(/^\n/, '') : piece;
    if (text.length > MAX_OUTPUT_CHARACTERS) {
      return { text: text.slice(0, MAX_OUTPUT_CHARACTERS).toWellFormed(), isCut: true };
    }
  }
  return { text, isCut: false };
}

interface Start {
  readonly header: CastHeader;
  readonly played: Played;
  readonly place: { readonly chunk: number; readonly event: number };
}

/** The last keyframe before the output, or the beginning. */
async function startOf(
  recordings: Recordings,
  id: string,
  header: CastHeader,
  fromUs: number,
): Promise<Start> {
  const places = await recordings.keyframePlaces(id);
  const number = places.filter(({ atUs }) => atUs < fromUs).length;
  const found = number === 0 ? null : await recordings.keyframeAt(id, number);
  if (found === null) {
    return { header, played: new Played(header), place: { chunk: 1, event: 1 } };
  }
  const { afterReturn, chunk, event, keyframe } = found;
  const sized = { ...header, cols: keyframe.cols, rows: keyframe.rows };
  return { header: sized, played: new Played(sized, afterReturn), place: { chunk, event } };
}

async function* between(
  events: ReturnType<ReplayReader['eventsFrom']>,
  { played }: Start,
  fromUs: number,
  toUs: number,
): AsyncGenerator<RecordedEvent> {
  let passed = 0;
  for await (const { event } of events) {
    if (event.atUs > toUs) return;
    const shown = played.push(event);
    if (shown.code === 'r' || shown.atUs >= fromUs) yield shown;
    else if (shown.code === 'o') passed += shown.text.length;
    if (passed > MAX_PASSED_CHARACTERS) {
      throw new SallyportError(
        'limit.exceeded',
        'this recording is still being prepared, and the output lies far inside',
        'try again in a minute, or download the recording as text',
      );
    }
  }
}
