/**
 * The output of one command as text. Not caught here: what full-screen programs drew; text has no place for
 * that, the replay has.
 */
import { encodeText } from '../asciicast/codec.ts';
import type { CastHeader, RecordedEvent } from '../asciicast/event.ts';
import { Played } from '../asciicast/played.ts';
import { SallyportError } from '../errors.ts';
import { unknownObject } from './guard.ts';
import type { HeaderReader, ReplayReader, SessionView } from './ports.ts';
import { PREPARE_CHUNKS } from './replays.ts';

/** Longer outputs are cut, and say so. */
export const MAX_OUTPUT_CHARACTERS = 1024 * 1024;
/** Output between the last keyframe and the command that is passed over. */
export const MAX_PASSED_CHARACTERS = 64 * 1024 * 1024;
/** So late may the mark be recorded that ends a command. */
const LATE_US = 5_000;
const MAX_LATE_EVENTS = 64;
/** By which a shell says that the output of a command begins, and that it has ended (OSC 133 and 633). */
// oxlint-disable-next-line no-control-regex -- marks begin and end with control characters
const START_MARK = /\u001b\](?:133|633);C[^\u0007\u001b]*(?:\u0007|\u001b\\)/;
// oxlint-disable-next-line no-control-regex -- as above
const END_MARK = /\u001b\](?:133|633);D[^\u0007\u001b]*(?:\u0007|\u001b\\)/g;

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
  seq: number,
): Promise<CommandOutput> {
  const header = await recordings.header(session.id);
  if (header === null) throw unknownObject('session');
  const range = await recordings.outputRange(session.id, seq);
  if (range === null) return { text: '', isCut: false };
  if (session.recording.chunks > PREPARE_CHUNKS) await recordings.prepare(session.id);
  const { fromUs, toUs } = range;
  const start = await startOf(recordings, session.id, header, fromUs);
  const after = recordings.eventsFrom(session.id, start.place);
  const isMarked = session.kind === 'shell' && toUs !== null;
  const lastUs = isMarked ? toUs + LATE_US : (toUs ?? Number.POSITIVE_INFINITY);
  const all = between(after, start, fromUs, lastUs);
  const events = isMarked ? upToMark(fromMark(all, fromUs), toUs) : all;
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

/**
 * Leaves out what is left of the line where it came in one piece with the mark that begins the output. Only
 * such marks as count are at that moment.
 */
async function* fromMark(
  events: AsyncIterable<RecordedEvent>,
  fromUs: number,
): AsyncGenerator<RecordedEvent> {
  let first: RecordedEvent[] | null = [];
  for await (const event of events) {
    if (first === null || event.atUs > fromUs || first.length === MAX_LATE_EVENTS) {
      if (first !== null) yield* first;
      first = null;
      yield event;
      continue;
    }
    const mark = event.code === 'o' ? START_MARK.exec(event.text) : null;
    if (mark === null || event.code !== 'o') first.push(event);
    else {
      first = null;
      yield { ...event, text: event.text.slice(mark.index + mark[0].length) };
    }
  }
  if (first !== null) yield* first;
}

/**
 * Ends with the mark that ends the command: the prompt may have come in one piece with it, and what was
 * recorded meanwhile may have made it late. Behind the last one: a command that forges some hides nothing.
 */
async function* upToMark(
  events: AsyncIterable<RecordedEvent>,
  toUs: number,
): AsyncGenerator<RecordedEvent> {
  const late: RecordedEvent[] = [];
  for await (const event of events) {
    const isEnd = event.code === 'o' && event.atUs >= toUs;
    const mark = isEnd ? [...event.text.matchAll(END_MARK)].at(-1) : undefined;
    if (mark !== undefined && event.code === 'o') {
      yield* late;
      yield { ...event, text: event.text.slice(0, mark.index) };
      return;
    }
    if (event.atUs <= toUs) yield event;
    else if (late.push(event) > MAX_LATE_EVENTS) return;
  }
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
