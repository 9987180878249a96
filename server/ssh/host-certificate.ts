/**
 * Who the bastion is inside `ssh -J`: its own host key, certified by its own authority for the one name
 * that the client typed. Every inner connection has a certificate of its own.
 */
import { randomBytes, type KeyObject } from 'node:crypto';
import { encodeCertificate } from './engine/certificate-encoder.ts';
import type { HostSigner } from './engine/driver.ts';

/** How long a client may take to look at the certificate; it looks once, at the beginning. */
const VALID_MS = 3_600_000;
/** For clients whose clock is behind ours. */
const BACKDATED_MS = 300_000;
const NONCE_BYTES = 32;
const SERIAL_BYTES = 8;

/** Signers by the name of the algorithm, ahead of which clients may still choose the plain keys. */
export function hostCertificates(
  name: string,
  hostKeys: Readonly<Record<string, HostSigner>>,
  authority: KeyObject,
  nowMs: number,
): Readonly<Record<string, HostSigner>> {
  const certificates: Record<string, HostSigner> = {};
  for (const signer of Object.values(hostKeys)) {
    // An RSA key would have two names more; the keys that a bastion makes are Ed25519.
    if (signer.type === 'ssh-rsa') continue;
    const { type, blob } = encodeCertificate(
      {
        kind: 'host',
        key: signer.getPublicSSH(),
        nonce: randomBytes(NONCE_BYTES),
        serial: randomBytes(SERIAL_BYTES).readBigUInt64BE(),
        keyId: `sallyport:${name}`,
        principals: [name],
        validAfterMs: nowMs - BACKDATED_MS,
        validBeforeMs: nowMs + VALID_MS,
      },
      authority,
    );
    certificates[type] = { ...signer, getPublicSSH: () => blob };
  }
  return certificates;
}
