/**
 * Recordings as files: asciicast v3 and v2, plain text, and our own JSON document.
 * Not caught here: whether the events are complete or genuine; times that go backwards are written as
 * simultaneous. Sources: https://docs.asciinema.org/manual/asciicast/v3/ and /v2/.
 *
 * The `b` events (exact bytes of output that was not UTF-8) are only in the JSON document: players know
 * no such code. Everything streams; a piece of text is cut once it is longer than PIECE_CHARS, so it is
 * bounded by that plus one event.
 */
import { SallyportError } from '../errors.ts';
import type { CastHeader, RecordedEvent } from './event.ts';
import { PlainTextStage } from './text.ts';

/** A piece of an encoded file is handed out once it is this long. */
export const PIECE_CHARS = 65_536;

type Events = AsyncIterable<RecordedEvent>;

/** asciicast v3: intervals, exact to the microsecond, so that they add up without drift. */
export function encodeCast3(header: CastHeader, events: Events): AsyncIterable<string> {
  let lastUs = 0;
  const head = {
    version: 3,
    term: {
      cols: header.cols,
      rows: header.rows,
      ...(header.term === null ? {} : { type: header.term }),
    },
    ...commonHeader(header),
  };
  return inPieces(`${JSON.stringify(head)}\n`, events, (event) => {
    const data = castData(event);
    if (data === null) return '';
    const atUs = Math.max(lastUs, event.atUs);
    const line = castLine(atUs - lastUs, event.code, data);
    lastUs = atUs;
    return line;
  });
}

/** asciicast v2: absolute seconds; asciinema 2.x plays it and ignores the codes `r` and `x`. */
export function encodeCast2(header: CastHeader, events: Events): AsyncIterable<string> {
  let lastUs = 0;
  const head = {
    version: 2,
    width: header.cols,
    height: header.rows,
    ...commonHeader(header),
    ...(header.term === null ? {} : { env: { TERM: header.term } }),
  };
  return inPieces(`${JSON.stringify(head)}\n`, events, (event) => {
    const data = castData(event);
    if (data === null) return '';
    lastUs = Math.max(lastUs, event.atUs);
    return castLine(lastUs, event.code, data);
  });
}

/** What was shown, line by line, without escape sequences; full-screen programs are left out. */
export function encodeText(header: CastHeader, events: Events): AsyncIterable<string> {
  const stage = new PlainTextStage(header.cols);
  return inPieces(
    '',
    events,
    (event) => {
      if (event.code === 'r') stage.resize(event.cols);
      return event.code === 'o' ? stage.push(event.text) : '';
    },
    () => stage.flush(),
  );
}

/**
 * One JSON document with everything that was recorded, `b` events too:
 * `{"format":"sallyport-recording","version":1,"header":CastHeader,"seal":…,"events":[RecordedEvent,…]}`,
 * one event a line.
 * @param seal what proves the events, as JSON; `null` without
 */
export function encodeJson(
  header: CastHeader,
  events: Events,
  seal = 'null',
): AsyncIterable<string> {
  const start = `{"format":"sallyport-recording","version":1,"header":${JSON.stringify(header)},"seal":${seal},"events":[`;
  let separator = '\n';
  return inPieces(
    start,
    events,
    (event) => {
      const line = separator + JSON.stringify(event);
      separator = ',\n';
      return line;
    },
    () => '\n]}\n',
  );
}

/**
 * Reads an asciicast v3 file that is small enough to be held as one string. Comments and unknown codes
 * are skipped. Throws `usage.invalid` with the line's number for anything malformed.
 */
export function parseCast3(file: string): { header: CastHeader; events: RecordedEvent[] } {
  let header: CastHeader | null = null;
  const events: RecordedEvent[] = [];
  let atUs = 0;
  for (const [index, line] of file.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const value = parseLine(line, index + 1);
    if (header === null) {
      header = parseHeader(value, index + 1);
      continue;
    }
    const fields = castFields(value, index + 1);
    atUs += Math.round(fields.seconds * 1e6);
    const event = parseEvent(atUs, fields.code, fields.data, index + 1);
    if (event !== null) events.push(event);
  }
  if (header === null) throw malformed(1, 'the header is missing');
  return { header, events };
}

async function* inPieces(
  start: string,
  events: Events,
  encode: (event: RecordedEvent) => string,
  finish: () => string = () => '',
): AsyncIterable<string> {
  let piece = start;
  for await (const event of events) {
    piece += encode(event);
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  piece += finish();
  if (piece !== '') yield piece;
}

function commonHeader(header: CastHeader): object {
  return {
    timestamp: Math.floor(header.timestampS),
    ...(header.command === null ? {} : { command: header.command }),
    ...(header.title === '' ? {} : { title: header.title }),
  };
}

function castLine(us: number, code: string, data: string): string {
  const seconds = `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
  return `[${seconds}, "${code}", ${JSON.stringify(data)}]\n`;
}

/** The third field of a cast line; null = the event has no place in the format. */
function castData(event: RecordedEvent): string | null {
  switch (event.code) {
    case 'o':
      return event.text;
    case 'r':
      return `${event.cols}x${event.rows}`;
    case 'm':
      return event.label;
    case 'x':
      return exitNumber(event.status);
    case 'b':
      return null;
  }
}

/** Signal numbers of RFC 4254 section 6.10 as Linux counts them: the format wants a number. */
const SIGNALS = new Map([
  ['HUP', 1],
  ['INT', 2],
  ['QUIT', 3],
  ['ILL', 4],
  ['ABRT', 6],
  ['FPE', 8],
  ['KILL', 9],
  ['USR1', 10],
  ['SEGV', 11],
  ['USR2', 12],
  ['PIPE', 13],
  ['ALRM', 14],
  ['TERM', 15],
]);
const UNKNOWN_EXIT = 255;

function exitNumber(status: string): string {
  if (/^\d{1,10}$/.test(status)) return status;
  const signal = SIGNALS.get(status.replace(/^SIG/, ''));
  return String(signal === undefined ? UNKNOWN_EXIT : 128 + signal);
}

function malformed(line: number, what: string): SallyportError {
  return new SallyportError(
    'usage.invalid',
    `line ${line} is not asciicast v3: ${what}`,
    'export the recording again with --format cast',
  );
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    throw malformed(number, 'it is not JSON');
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseHeader(value: unknown, line: number): CastHeader {
  if (!isRecord(value) || value['version'] !== 3) throw malformed(line, 'the version is not 3');
  const term = value['term'];
  if (!isRecord(term)) throw malformed(line, 'the header has no "term"');
  const { cols, rows, type } = term;
  if (typeof cols !== 'number' || typeof rows !== 'number') {
    throw malformed(line, '"term" has no size');
  }
  const { timestamp, title, command } = value;
  return {
    cols,
    rows,
    term: typeof type === 'string' ? type : null,
    timestampS: typeof timestamp === 'number' ? timestamp : 0,
    title: typeof title === 'string' ? title : '',
    command: typeof command === 'string' ? command : null,
  };
}

function castFields(value: unknown, line: number): { seconds: number; code: string; data: string } {
  const [seconds, code, data] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof seconds !== 'number' || seconds < 0) throw malformed(line, 'the interval is missing');
  if (typeof code !== 'string' || typeof data !== 'string') {
    throw malformed(line, 'code or data is not a string');
  }
  return { seconds, code, data };
}

function parseEvent(atUs: number, code: string, data: string, line: number): RecordedEvent | null {
  if (code === 'o') return { atUs, code, text: data };
  if (code === 'm') return { atUs, code, label: data };
  if (code === 'x') return { atUs, code, status: data };
  if (code !== 'r') return null;
  const size = /^(\d{1,5})x(\d{1,5})$/.exec(data);
  if (size === null) throw malformed(line, 'the size is not COLSxROWS');
  return { atUs, code, cols: Number(size[1]), rows: Number(size[2]) };
}
