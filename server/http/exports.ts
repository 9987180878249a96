/** Recordings as files, streamed as fast as the client reads. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { encodeCast2, encodeCast3, encodeJson, encodeText } from '../asciicast/codec.ts';
import type { CastHeader, RecordedEvent } from '../asciicast/event.ts';
import { asPlayed } from '../asciicast/played.ts';
import { SallyportError } from '../errors.ts';
import type { RecordingSeal } from '../journal/seal.ts';
import type { SessionView } from './ports.ts';
import type { Format } from './query.ts';

/** What an exported file is made of. */
export interface ExportedRecording {
  readonly header: CastHeader;
  readonly events: AsyncIterable<RecordedEvent>;
  readonly seal: RecordingSeal | null;
  /** What stands around the recording in a page of its own. */
  readonly page: () => { readonly start: string; readonly end: string };
}

/** A page with more output than this would be slow to open; the other formats have no bound. */
export const MAX_PAGE_OUTPUT_BYTES = 64 * 1024 * 1024;

type Encode = (recording: ExportedRecording) => AsyncIterable<string>;

const ENCODINGS: Readonly<
  Record<Format, { readonly encode: Encode; readonly type: string; readonly suffix: string }>
> = {
  cast: { encode: played(encodeCast3), type: 'application/x-asciicast', suffix: 'cast' },
  cast2: { encode: played(encodeCast2), type: 'application/x-asciicast', suffix: 'v2.cast' },
  txt: { encode: played(encodeText), type: 'text/plain; charset=utf-8', suffix: 'txt' },
  html: { encode: sealedPage, type: 'text/html; charset=utf-8', suffix: 'html' },
  json: { encode: sealedJson, type: 'application/json; charset=utf-8', suffix: 'json' },
};

/**
 * The file in one of the formats. Only `json` and `html` hold exactly what was recorded, and its proof;
 * the others are for showing.
 */
export function encodeRecording(
  format: Format,
  recording: ExportedRecording,
): AsyncIterable<string> {
  return ENCODINGS[format].encode(recording);
}

function played(
  encode: (header: CastHeader, events: AsyncIterable<RecordedEvent>) => AsyncIterable<string>,
): Encode {
  return ({ header, events }) => encode(header, asPlayed(header, events));
}

/** Without the events that were sealed after the seal was read: nothing in the file proves them. */
function sealedJson({ header, events, seal }: ExportedRecording): AsyncIterable<string> {
  if (seal === null) return encodeJson(header, events);
  const sealed = seal.chunks.reduce((sum, chunk) => sum + chunk.events, 0);
  return encodeJson(header, first(sealed, events), JSON.stringify(seal));
}

/** JSON in a script element: nothing in it may look like markup. */
async function* sealedPage(recording: ExportedRecording): AsyncGenerator<string> {
  const { end, start } = recording.page();
  yield start;
  for await (const piece of sealedJson(recording)) yield piece.replaceAll('<', '\\u003c');
  yield end;
}

/** Throws `usage.invalid` when a page of its own would be too large for this recording. */
export function refuseLargePage(format: Format, session: Pick<SessionView, 'bytesOut'>): void {
  if (format !== 'html' || session.bytesOut <= MAX_PAGE_OUTPUT_BYTES) return;
  throw new SallyportError(
    'usage.invalid',
    `the session printed ${session.bytesOut} bytes, more than a page of its own can show (${MAX_PAGE_OUTPUT_BYTES})`,
    'take the format json, which holds the same and verifies with: sallyport verify --file',
  );
}

async function* first<T>(count: number, items: AsyncIterable<T>): AsyncGenerator<T> {
  if (count === 0) return;
  let left = count;
  for await (const item of items) {
    yield item;
    left -= 1;
    if (left === 0) return;
  }
}

/**
 * Sends the whole recording. A recording that can't be read to its end breaks the connection, so that
 * half a file never looks whole; a client that goes away ends the reading.
 * @param content null for the head of the answer alone
 */
export async function sendRecording(
  response: Response,
  session: SessionView,
  format: Format,
  content: ExportedRecording | null,
): Promise<void> {
  const { type, suffix } = ENCODINGS[format];
  response.set({
    'Content-Type': type,
    'Content-Disposition': `attachment; filename="sallyport-${session.id}.${suffix}"`,
  });
  if (content === null) {
    response.end();
    return;
  }
  const encoded = Readable.from(encodeRecording(format, content));
  try {
    await pipeline(encoded, response);
  } catch (error) {
    if (!isEarlyClose(error)) throw error;
  }
}

function isEarlyClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
