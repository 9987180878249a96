/** Recordings as files, streamed as fast as the client reads. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { encodeCast2, encodeCast3, encodeJson, encodeText } from '../asciicast/codec.ts';
import type { CastHeader, RecordedEvent } from '../asciicast/event.ts';
import { asPlayed } from '../asciicast/played.ts';
import type { SessionView } from './ports.ts';
import type { Format } from './query.ts';

type Encode = (header: CastHeader, events: AsyncIterable<RecordedEvent>) => AsyncIterable<string>;

const ENCODINGS: Readonly<
  Record<Format, { readonly encode: Encode; readonly type: string; readonly suffix: string }>
> = {
  cast: { encode: encodeCast3, type: 'application/x-asciicast', suffix: 'cast' },
  cast2: { encode: encodeCast2, type: 'application/x-asciicast', suffix: 'v2.cast' },
  txt: { encode: encodeText, type: 'text/plain; charset=utf-8', suffix: 'txt' },
  json: { encode: encodeJson, type: 'application/json; charset=utf-8', suffix: 'json' },
};

/** The file in one of the formats. Only `json` is exactly what was recorded; the others are for showing. */
export function encodeRecording(
  format: Format,
  header: CastHeader,
  events: AsyncIterable<RecordedEvent>,
): AsyncIterable<string> {
  const { encode } = ENCODINGS[format];
  return encode(header, format === 'json' ? events : asPlayed(header, events));
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
  content: { readonly header: CastHeader; readonly events: AsyncIterable<RecordedEvent> } | null,
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
  const encoded = Readable.from(encodeRecording(format, content.header, content.events));
  try {
    await pipeline(encoded, response);
  } catch (error) {
    if (!isEarlyClose(error)) throw error;
  }
}

function isEarlyClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
