/**
 * Hash chains: the journal's, and that of a recording's chunks. Sole owner of hashing.
 * Not caught here: a chain that was recomputed from its start; signatures and anchors outside show that.
 */
import { createHash } from 'node:crypto';
import { SallyportError } from '../errors.ts';
import type { AuditEvent, JournalEntry, JsonValue } from './event.ts';

export const CHAIN_START = '0'.repeat(64);

/**
 * JSON with object keys sorted by code unit and no white space (RFC 8785 restricted to strings,
 * booleans, null, safe integers, arrays and objects). Throws `internal` for any other number.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return String(value);
    throw new SallyportError('internal', `${value} can't be chained`, 'use a safe integer');
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const object = value as { readonly [name: string]: JsonValue };
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Gives `event` its place behind the entry with `prevHash`. */
export function chainEntry(
  event: AuditEvent,
  place: { readonly seq: number; readonly at: string; readonly prevHash: string },
): JournalEntry {
  const body = {
    seq: place.seq,
    at: place.at,
    type: event.type,
    principal: event.principal,
    source: event.source,
    session: event.session,
    target: event.target,
    data: event.data,
    prevHash: place.prevHash,
  };
  return { ...body, hash: sha256Hex(canonicalJson(body)) };
}

/** Whether `entry` carries the hash of its own content. */
export function isIntact(entry: JournalEntry): boolean {
  const { hash, ...body } = entry;
  return sha256Hex(canonicalJson({ ...body })) === hash;
}

/** What a chunk's hash covers beside its event lines (DESIGN: canonical header). */
export interface ChunkHeader {
  readonly sessionId: string;
  readonly seq: number;
  readonly t0Us: number;
  readonly t1Us: number;
  readonly firstEvent: number;
  readonly events: number;
  readonly rawLength: number;
}

/**
 * SHA-256(prev_hash ‖ canonical header ‖ uncompressed event lines), so that recompressing or moving a
 * chunk changes nothing. Hashes are hexadecimal; prevHash enters as its 32 bytes.
 */
export function chunkHash(prevHash: string, header: ChunkHeader, lines: Uint8Array): string {
  return sha256Hex(...chunkPrefix(prevHash, header), lines);
}

/** `chunkHash` for lines that come one by one. */
export class ChunkHasher {
  readonly #hash = createHash('sha256');

  constructor(prevHash: string, header: ChunkHeader) {
    for (const part of chunkPrefix(prevHash, header)) this.#hash.update(part);
  }

  add(line: string): void {
    this.#hash.update(line);
  }

  /** Once, after the last line. */
  end(): string {
    return this.#hash.digest('hex');
  }
}

/** Fields by name: a header that was read from a file may carry more than belongs to it. */
function chunkPrefix(prevHash: string, header: ChunkHeader): readonly [Buffer, string] {
  const { sessionId, seq, t0Us, t1Us, firstEvent, events, rawLength } = header;
  const canonical = { sessionId, seq, t0Us, t1Us, firstEvent, events, rawLength };
  return [Buffer.from(prevHash, 'hex'), canonicalJson(canonical)];
}
