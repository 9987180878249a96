/**
 * Tombstones: what stays of a session that was deleted because its time was over. The journal's chain
 * holds them, and the bastion's key signs them, so that nobody without the key can pass a deletion off as
 * retention. Not caught here: whether the time was over; the journal says how long was promised.
 */
import { canonicalJson } from './chain.ts';
import type { AuditEvent, JsonValue } from './event.ts';

export interface Tombstone {
  readonly sessionId: string;
  readonly principal: string;
  readonly target: string;
  /** Times in ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly keepDays: number;
  /** When it was decided to delete it. */
  readonly deletedAt: string;
  /** Who did it: `cli:USER`, or `retention` by itself. */
  readonly by: string;
  /** Of the recording, with the hash of its last chunk. */
  readonly chunks: number;
  readonly events: number;
  readonly headHash: string;
  readonly commands: number;
  readonly bytesOut: number;
}

export interface SignedTombstone extends Tombstone {
  /** The key that signs. */
  readonly keyId: string;
  /** base64 Ed25519 signature of `tombstonePayload`. */
  readonly signature: string;
}

const TEXTS = [
  'principal',
  'target',
  'startedAt',
  'endedAt',
  'deletedAt',
  'by',
  'headHash',
] as const;
const COUNTS = ['keepDays', 'chunks', 'events', 'commands', 'bytesOut'] as const;

/** The signed bytes: a line that says what this is, then canonical JSON. */
export function tombstonePayload(tombstone: Tombstone): Buffer {
  return Buffer.from(`sallyport tombstone v1\n${canonicalJson(fieldsOf(tombstone))}`);
}

/** What goes to the journal. */
export function tombstoneEvent(tombstone: SignedTombstone, source: string | null): AuditEvent {
  const { keyId, principal, sessionId: session, signature, target } = tombstone;
  const { sessionId: _, ...data } = fieldsOf(tombstone);
  const signed = { ...data, keyId, signature };
  return { type: 'session.deleted', principal, source, session, target, data: signed };
}

/** The tombstone that an event carries; null = it carries none that is whole. */
export function tombstoneOf({ data, session, type }: AuditEvent): SignedTombstone | null {
  if (type !== 'session.deleted' || session === null) return null;
  const { keyId, signature } = data;
  const isWhole =
    typeof keyId === 'string' &&
    typeof signature === 'string' &&
    TEXTS.every((name) => typeof data[name] === 'string') &&
    COUNTS.every((name) => Number.isSafeInteger(data[name]));
  return isWhole ? ({ ...data, sessionId: session } as unknown as SignedTombstone) : null;
}

function fieldsOf(tombstone: Tombstone): Record<string, JsonValue> {
  const fields: Record<string, JsonValue> = { sessionId: tombstone.sessionId };
  for (const name of [...TEXTS, ...COUNTS]) fields[name] = tombstone[name];
  return fields;
}
