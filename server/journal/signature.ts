/**
 * Signed heads: what the signature of a recording covers, and how it is made and checked (Ed25519).
 * A chain alone can be recomputed by whoever can write rows; the signature needs the bastion's key.
 * Not caught here: a session that was deleted with all of its rows; the journal names it.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { type AnchorRecord, type AnchorStatement, anchorPayload } from './anchor.ts';
import { canonicalJson, sha256Hex } from './chain.ts';
import { type SignedTombstone, type Tombstone, tombstonePayload } from './tombstone.ts';

/** A recording up to its head: everything here can be recomputed from the chunks. */
export interface HeadStatement {
  readonly sessionId: string;
  readonly chunks: number;
  readonly events: number;
  /** Hash of the last chunk; 64 zeros when there is none. */
  readonly hash: string;
}

/** An Ed25519 public key. */
export type PublicKey = KeyObject;

/** The public key of an id, from elsewhere than the record; null = a stranger's. */
export type KeyOf = (keyId: string) => PublicKey | null;

export interface HeadSigner {
  /** Names the key: hexadecimal SHA-256 of the public key (SubjectPublicKeyInfo, DER). */
  readonly keyId: string;
  /** The public key itself (SubjectPublicKeyInfo, DER) in base64. */
  readonly publicKey: string;
  /** base64 Ed25519 signature of `headPayload`. */
  sign(statement: HeadStatement): string;
  /** base64 Ed25519 signature of `anchorPayload`. */
  signAnchor(statement: AnchorStatement): string;
  /** base64 Ed25519 signature of `tombstonePayload`. */
  signTombstone(tombstone: Tombstone): string;
}

/** The signed bytes: a line that says what this is, then canonical JSON. */
export function headPayload(statement: HeadStatement): Buffer {
  const { sessionId, chunks, events, hash } = statement;
  return Buffer.from(
    `sallyport recording head v1\n${canonicalJson({ sessionId, chunks, events, hash })}`,
  );
}

/** @param privateKey an Ed25519 private key */
export function createHeadSigner(privateKey: KeyObject): HeadSigner {
  const publicKey = createPublicKey(privateKey);
  return {
    keyId: keyIdOf(publicKey),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    sign: (statement) => sign(null, headPayload(statement), privateKey).toString('base64'),
    signAnchor: (statement) => sign(null, anchorPayload(statement), privateKey).toString('base64'),
    signTombstone: (tombstone) =>
      sign(null, tombstonePayload(tombstone), privateKey).toString('base64'),
  };
}

export function keyIdOf(publicKey: PublicKey): string {
  return sha256Hex(publicKey.export({ type: 'spki', format: 'der' }));
}

/** Knows these keys. */
export function keyring(keys: readonly PublicKey[]): KeyOf {
  const byId = new Map(keys.map((key) => [keyIdOf(key), key]));
  return (keyId) => byId.get(keyId) ?? null;
}

/** Whether `signature` (base64) is that of the key over this head. Malformed signatures are false. */
export function isSignedBy(
  statement: HeadStatement,
  signature: string,
  publicKey: PublicKey,
): boolean {
  return verify(null, headPayload(statement), publicKey, Buffer.from(signature, 'base64'));
}

/** The same for an anchor. */
export function isAnchorSignedBy(record: AnchorRecord, publicKey: PublicKey): boolean {
  return verify(null, anchorPayload(record), publicKey, Buffer.from(record.signature, 'base64'));
}

/** The same for a tombstone. */
export function isTombstoneSignedBy(tombstone: SignedTombstone, publicKey: PublicKey): boolean {
  const signature = Buffer.from(tombstone.signature, 'base64');
  return verify(null, tombstonePayload(tombstone), publicKey, signature);
}
