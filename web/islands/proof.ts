/**
 * Recomputes an exported recording's chain and checks its signature with WebCrypto. What is hashed and
 * signed is written down in the record's own terms: hash = SHA-256(previous hash ‖ canonical header ‖
 * event lines), signature = Ed25519 over "sallyport recording head v1" and the head.
 */

/** The document that `sessions export --format json` makes. */
export interface ExportedDocument {
  readonly header: {
    readonly cols: number;
    readonly rows: number;
    readonly term: string | null;
    readonly timestampS: number;
  };
  readonly seal: {
    readonly sessionId: string;
    readonly chunks: readonly {
      readonly seq: number;
      readonly t0Us: number;
      readonly t1Us: number;
      readonly firstEvent: number;
      readonly events: number;
      readonly rawLength: number;
      readonly prevHash: string;
      readonly hash: string;
    }[];
    readonly head: {
      readonly chunks: number;
      readonly hash: string;
      readonly keyId: string;
      readonly signature: string;
    } | null;
  };
  readonly events: readonly ExportedEvent[];
}

export type ExportedEvent =
  | { readonly atUs: number; readonly code: 'o'; readonly text: string }
  | { readonly atUs: number; readonly code: 'b'; readonly base64: string }
  | { readonly atUs: number; readonly code: 'r'; readonly cols: number; readonly rows: number }
  | { readonly atUs: number; readonly code: 'm'; readonly label: string }
  | { readonly atUs: number; readonly code: 'x'; readonly status: string };

export type Proof =
  | { readonly kind: 'intact'; readonly chunks: number; readonly keyId: string }
  /** The chain holds, and a head signed its first `signed` chunks: the session still ran. */
  | { readonly kind: 'unsigned'; readonly chunks: number; readonly signed: number }
  /** The chain holds; this browser can't check the signature. */
  | { readonly kind: 'unable'; readonly chunks: number; readonly keyId: string }
  /** The chain holds, signed by another key than the one that came with it. */
  | { readonly kind: 'foreign'; readonly chunks: number; readonly keyId: string }
  /** This page has no cryptography at hand: nothing was checked. */
  | { readonly kind: 'blind' }
  | { readonly kind: 'broken'; readonly why: string };

type Seal = ExportedDocument['seal'];

/** Browsers have it on https and on the machine itself only. */
function hasCryptography(): boolean {
  return (globalThis as { readonly crypto?: { subtle?: unknown } }).crypto?.subtle !== undefined;
}

function broken(why: string): Proof {
  return { kind: 'broken', why };
}

const CHAIN_START = '0'.repeat(64);

/** @param publicKey SubjectPublicKeyInfo (DER) in base64 */
export async function prove(document: ExportedDocument, publicKey: string): Promise<Proof> {
  if (!hasCryptography()) return { kind: 'blind' };
  const { events, seal } = document;
  const { head } = seal;
  let prevHash = CHAIN_START;
  let read = 0;
  let atHead = head?.chunks === 0 ? { events: 0, hash: CHAIN_START } : null;
  for (const [index, chunk] of seal.chunks.entries()) {
    const place = `chunk ${index + 1}`;
    const follows = chunk.seq === index + 1 && chunk.prevHash === prevHash;
    if (!follows || chunk.firstEvent !== read + 1) {
      return broken(`${place} does not follow the one before`);
    }
    const lines = events.slice(read, read + chunk.events);
    if (lines.length < chunk.events) return broken(`${place} is missing its last events`);
    const { t0Us, t1Us, firstEvent, rawLength, seq } = chunk;
    const { sessionId } = seal;
    // Keys in order of code units, without white space: the canonical form.
    const header = { events: chunk.events, firstEvent, rawLength, seq, sessionId, t0Us, t1Us };
    const hash = await sha256(
      concat([
        bytesOfHex(prevHash),
        utf8(JSON.stringify(header)),
        utf8(lines.map(lineOf).join('')),
      ]),
    );
    if (hash !== chunk.hash) return broken(`${place} is not what was recorded`);
    prevHash = hash;
    read += chunk.events;
    if (head?.chunks === chunk.seq) atHead = { events: read, hash };
  }
  if (read !== events.length) return broken(`event ${read + 1} belongs to no chunk`);
  return proveHead(seal, atHead, publicKey);
}

/**
 * Checks what is known without the content: that chunks follow each other, and that the head which closes
 * them is signed. Not caught here: content that differs from its hash.
 */
export async function proveChain(seal: Seal, publicKey: string): Promise<Proof> {
  if (!hasCryptography()) return { kind: 'blind' };
  const { chunks, head } = seal;
  let before = { seq: 0, hash: CHAIN_START, events: 0 };
  let atHead = head?.chunks === 0 ? { events: 0, hash: CHAIN_START } : null;
  for (const chunk of chunks) {
    const follows =
      chunk.seq === before.seq + 1 &&
      chunk.prevHash === before.hash &&
      chunk.firstEvent === before.events + 1;
    if (!follows) return broken(`chunk ${before.seq + 1} does not follow the one before`);
    before = { seq: chunk.seq, hash: chunk.hash, events: before.events + chunk.events };
    if (head?.chunks === chunk.seq) atHead = { events: before.events, hash: before.hash };
  }
  return proveHead(seal, atHead, publicKey);
}

/** @param atHead the chain where the head was signed; null = it ends before */
async function proveHead(
  seal: Seal,
  atHead: { readonly events: number; readonly hash: string } | null,
  publicKey: string,
): Promise<Proof> {
  const { head } = seal;
  const chunks = seal.chunks.length;
  if (head === null) return { kind: 'unsigned', chunks, signed: 0 };
  if (atHead === null) return broken(`${head.chunks - chunks} chunks are missing at the end`);
  if (head.hash !== atHead.hash) return broken('its head is not the one that was signed');
  const spki = bytesOfBase64(publicKey);
  const { keyId } = head;
  if ((await sha256(spki)) !== keyId) return { kind: 'foreign', chunks, keyId };
  const statement = { chunks: head.chunks, ...atHead, sessionId: seal.sessionId };
  const payload = utf8(`sallyport recording head v1\n${JSON.stringify(statement)}`);
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey('spki', spki, 'Ed25519', false, ['verify']);
  } catch {
    return { kind: 'unable', chunks, keyId };
  }
  const isSigned = await crypto.subtle.verify(
    'Ed25519',
    key,
    bytesOfBase64(head.signature),
    payload,
  );
  if (!isSigned) return broken('its signature is not of this recording');
  if (head.chunks < chunks) return { kind: 'unsigned', chunks, signed: head.chunks };
  return { kind: 'intact', chunks, keyId };
}

/** The line as it was stored and hashed. */
function lineOf(event: ExportedEvent): string {
  return `[${event.atUs},"${event.code}",${JSON.stringify(dataOf(event))}]\n`;
}

export function dataOf(event: ExportedEvent): string {
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

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
