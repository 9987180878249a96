/**
 * One recorded event as one line of our stored form: the JSON array `[atUs, code, data]` and `\n`.
 * Spool records and chunks hold these lines, and a chunk's hash covers them byte for byte.
 * Not caught here: order and gaps between lines; the chunk header and the chain show those.
 */
import type { RecordedEvent, Utf8Output } from './event.ts';
import { escapeText, MAX_ESCAPED_BYTES } from './escape.ts';

export type EventLineOutcome =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  | { readonly kind: 'malformed'; readonly why: string };

const SIZE = /^(\d{1,10})x(\d{1,10})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The stored line of `event`, with its line end. The same event always gives the same bytes. */
export function encodeEventLine(event: RecordedEvent): string {
  return `[${event.atUs},"${event.code}",${JSON.stringify(dataOf(event))}]\n`;
}

/** The bytes of the stored line; for `utf8` events those of the `o` event with that text. */
export function eventLineBytes(event: RecordedEvent | Utf8Output): Buffer {
  if (event.code !== 'utf8') return Buffer.from(encodeEventLine(event));
  const head = `[${event.atUs},"o","`;
  const tail = '"]\n';
  const most = head.length + event.bytes.length * MAX_ESCAPED_BYTES + tail.length;
  if (workspace.length < most) workspace = Buffer.allocUnsafeSlow(most);
  let end = workspace.write(head, 0, 'latin1');
  end = escapeText(event.bytes, workspace, end);
  end += workspace.write(tail, end, 'latin1');
  return Buffer.from(workspace.subarray(0, end));
}

/** Where a line grows until its length is known; used within one call only. */
let workspace = Buffer.alloc(0);

/** Reads a stored line back; the line end may be missing. Lines come from a database: nothing is trusted. */
export function decodeEventLine(line: string): EventLineOutcome {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return malformed('the line is not JSON');
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) return malformed('not an array of three');
  const [atUs, code, data] = parsed as readonly unknown[];
  if (typeof atUs !== 'number' || !Number.isSafeInteger(atUs) || atUs < 0) {
    return malformed('the time is not a whole number of microseconds');
  }
  if (typeof data !== 'string') return malformed('the data is not a string');
  switch (code) {
    case 'o':
      return { kind: 'event', event: { atUs, code, text: data } };
    case 'b':
      if (!BASE64.test(data)) return malformed('the bytes are not base64');
      return { kind: 'event', event: { atUs, code, base64: data } };
    case 'r': {
      const [, cols, rows] = SIZE.exec(data) ?? [];
      if (cols === undefined || rows === undefined) return malformed('the size is not COLSxROWS');
      return { kind: 'event', event: { atUs, code, cols: Number(cols), rows: Number(rows) } };
    }
    case 'm':
      return { kind: 'event', event: { atUs, code, label: data } };
    case 'x':
      return { kind: 'event', event: { atUs, code, status: data } };
    default:
      return malformed('the event code is unknown');
  }
}

function dataOf(event: RecordedEvent): string {
  switch (event.code) {
    case 'o':
      return event.text;
    case 'b':
      return event.base64;
    case 'r':
      return `${event.cols}x${event.rows}`;
    case 'm':
      return event.label;
    case 'x':
      return event.status;
  }
}

function malformed(why: string): EventLineOutcome {
  return { kind: 'malformed', why };
}
