/**
 * Anchors: what is copied to a place outside, signed, so that a record that was rewritten as a whole, with
 * the bastion's own key, still differs from what was said before. Not caught here: what was rewritten
 * before its first anchor, and an anchor that the same hand can write.
 */
import { canonicalJson } from './chain.ts';
import type { JsonValue } from './event.ts';

/** A recording up to a head that was signed. */
export interface AnchoredHead {
  readonly sessionId: string;
  readonly chunks: number;
  readonly events: number;
  readonly hash: string;
}

/** The newest entry of the journal, whose hash covers all before, and heads of recordings. */
export interface AnchorStatement {
  /** When it was made, ISO 8601. */
  readonly at: string;
  /** The key that signs. */
  readonly keyId: string;
  readonly journal: { readonly seq: number; readonly hash: string };
  /** Signed since the anchor before. */
  readonly heads: readonly AnchoredHead[];
}

export interface AnchorRecord extends AnchorStatement {
  /** base64 Ed25519 signature of `anchorPayload`. */
  readonly signature: string;
}

/** Heads of one anchor; more take more anchors. */
export const MAX_ANCHOR_HEADS = 1000;
/** The longest line of an anchor, characters. */
export const MAX_ANCHOR_LINE = 512 * 1024;

const HASH = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The signed bytes: a line that says what this is, then canonical JSON. */
export function anchorPayload({ at, heads, journal, keyId }: AnchorStatement): Buffer {
  const named = heads.map(({ chunks, events, hash, sessionId }) => ({
    sessionId,
    chunks,
    events,
    hash,
  }));
  const body = { at, keyId, journal: { seq: journal.seq, hash: journal.hash }, heads: named };
  return Buffer.from(`sallyport anchor v1\n${canonicalJson(body)}`);
}

/** One line with its end. */
export function anchorLine({ at, heads, journal, keyId, signature }: AnchorRecord): string {
  return `${JSON.stringify({ anchor: 1, at, keyId, journal, heads, signature })}\n`;
}

/** Reads a line that somebody kept; null = it is none. */
export function readAnchorLine(line: string): AnchorRecord | null {
  if (line.length > MAX_ANCHOR_LINE) return null;
  let value: JsonValue;
  try {
    value = JSON.parse(line) as JsonValue;
  } catch {
    return null;
  }
  const record = fieldsOf(value);
  const journal = fieldsOf(record['journal']);
  const heads = Array.isArray(record['heads']) ? record['heads'].map(headOf) : [null];
  const { at, keyId, signature } = record;
  const { hash, seq } = journal;
  const isWhole =
    record['anchor'] === 1 &&
    typeof at === 'string' &&
    typeof keyId === 'string' &&
    typeof signature === 'string' &&
    isCount(seq) &&
    typeof hash === 'string' &&
    HASH.test(hash);
  if (!isWhole || heads.length > MAX_ANCHOR_HEADS) return null;
  const whole = heads.filter((head) => head !== null);
  if (whole.length !== heads.length) return null;
  return { at, keyId, journal: { seq, hash }, heads: whole, signature };
}

function headOf(value: unknown): AnchoredHead | null {
  const { chunks, events, hash, sessionId } = fieldsOf(value);
  const isWhole =
    isCount(chunks) &&
    isCount(events) &&
    typeof hash === 'string' &&
    HASH.test(hash) &&
    typeof sessionId === 'string' &&
    UUID.test(sessionId);
  return isWhole ? { sessionId, chunks, events, hash } : null;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
