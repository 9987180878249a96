/**
 * Recorded events, after asciicast v3 (https://docs.asciinema.org/manual/asciicast/v3/).
 * Not caught here: whether a session's events are complete; that is the chain's business.
 *
 * Times are absolute integer microseconds since the start of the session; intervals exist only in
 * exported files.
 */
export type RecordedEvent =
  /** Output as the client saw it: text is valid UTF-8; bytes that were not are in a `b` event just before. */
  | { readonly atUs: number; readonly code: 'o'; readonly text: string }
  /**
   * Our own code: the exact bytes (base64) of the next `o` event, whose text is not exactly these: it is
   * lossy, or empty for the first bytes of a character whose text comes with its last ones.
   */
  | { readonly atUs: number; readonly code: 'b'; readonly base64: string }
  /** The terminal was resized. */
  | { readonly atUs: number; readonly code: 'r'; readonly cols: number; readonly rows: number }
  /** A command was submitted; label = its text, one line, at most 200 characters. */
  | { readonly atUs: number; readonly code: 'm'; readonly label: string }
  /** The session ended with this status (a number, or a signal name). */
  | { readonly atUs: number; readonly code: 'x'; readonly status: string };

/**
 * An `o` event by the UTF-8 encoding of its text, as output comes in; saves decoding it only to encode
 * it again. Stored as that `o` event. The bytes must be valid UTF-8 and must not change afterwards.
 */
export interface Utf8Output {
  readonly atUs: number;
  readonly code: 'utf8';
  readonly bytes: Buffer;
}

/** What an asciicast header says about a session. */
export interface CastHeader {
  readonly cols: number;
  readonly rows: number;
  /** Terminal type as the client asked for it; null without a terminal. */
  readonly term: string | null;
  /** Seconds since 1970 UTC. */
  readonly timestampS: number;
  readonly title: string;
  /** The exec string, if the session ran one. */
  readonly command: string | null;
}
