/**
 * Signatures of files and texts as `ssh-keygen -Y sign` makes them (OpenSSH's PROTOCOL.sshsig). Pure.
 * Not caught here: whether the message is fresh; whoever asks must have made it up.
 */
import { createHash } from 'node:crypto';
import { tokenFlags, verifySignature } from './engine/signature.ts';
import { encodeFields, exactText, PacketReader } from './engine/wire.ts';

const ARMOUR =
  /^\s*-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END SSH SIGNATURE-----\s*$/;
const MAGIC = 'SSHSIG';
const VERSION = 1;
const HASHES: readonly string[] = ['sha256', 'sha512'];
/** Signatures of RSA keys that count; the old ones with SHA-1 don't. */
const RSA: readonly string[] = ['rsa-sha2-256', 'rsa-sha2-512'];

/** Whether `armoured` is the signature of `message` by this very key, made for `namespace`. */
export function isSignedBy(
  blob: Buffer,
  armoured: string,
  namespace: string,
  message: string,
): boolean {
  const [, body] = ARMOUR.exec(armoured) ?? [];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, 'base64');
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return false;
  try {
    const reader = new PacketReader(bytes, MAGIC.length);
    if (reader.uint32() !== VERSION || !reader.string().equals(blob)) return false;
    if (exactText(reader.string()) !== namespace) return false;
    const reserved = reader.string();
    const hash = reader.name();
    const signature = reader.string();
    if (!HASHES.includes(hash) || reader.rest().length > 0) return false;
    const digest = createHash(hash).update(message).digest();
    const fields = encodeFields([namespace, reserved, hash, digest]);
    const algorithm = new PacketReader(signature).name();
    const isRsa = new PacketReader(blob).name() === 'ssh-rsa';
    if (isRsa && !RSA.includes(algorithm)) return false;
    const signed = Buffer.concat([Buffer.from(MAGIC), fields]);
    if (!verifySignature(blob, algorithm, signed, signature)) return false;
    // Of a security token, a signature without a touch says nothing about the person.
    return tokenFlags(signature)?.isTouched ?? true;
  } catch {
    return false; // What can't be read proves nothing.
  }
}
