/**
 * What opens a target: a stored key, a password, or a certificate that the stored CA signs for a key made
 * for this one connection. Whatever the vault opened is wiped before this returns.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Grant } from '../access/grant.ts';
import { SallyportError } from '../errors.ts';
import type { CredentialUse, Vault } from '../session/ports.ts';
import { encodeCertificate } from './engine/certificate-encoder.ts';
import type { ClientCredential } from './engine/client-auth.ts';
import { readPrivateKey } from './engine/private-key.ts';
import { blobOf } from './engine/signature.ts';

/** Everything that a session may ask of the target; forwards only where the connection is for them. */
const EXTENSIONS = ['permit-pty'];
const NONCE_BYTES = 32;

/** Rejects with the vault's own error, or `target.refused` for material that can't be used. */
export async function openCredential(
  grant: Grant,
  vault: Vault,
  use: CredentialUse,
): Promise<ClientCredential> {
  using opened = await vault.open(grant, use);
  if (opened.kind === 'password') return { kind: 'password', password: Buffer.from(opened.bytes) };
  const outcome = readPrivateKey(opened.bytes);
  if (outcome.kind === 'key') {
    return opened.kind === 'authority' ? certified(grant, use, outcome.key) : outcome;
  }
  const name = grant.login.credential;
  throw new SallyportError(
    'target.refused',
    `the credential ${name} cannot be used: ${outcome.why}`,
    `store it again with: sallyport credential put ${name} --private-key FILE${opened.kind === 'authority' ? ' --authority' : ''}`,
  );
}

type Key = Extract<ReturnType<typeof readPrivateKey>, { kind: 'key' }>['key'];

/** A key that lives in memory for one handshake, and its certificate for this login. */
function certified(grant: Grant, use: CredentialUse, authority: Key): ClientCredential {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { keyId, serial, validFromMs, validUntilMs, forwards = [] } = use.certificate;
  const certificate = encodeCertificate(
    {
      kind: 'user',
      key: blobOf(privateKey) ?? Buffer.alloc(0),
      nonce: randomBytes(NONCE_BYTES),
      serial,
      keyId,
      principals: [grant.login.name],
      validAfterMs: validFromMs,
      validBeforeMs: validUntilMs,
      extensions: [...EXTENSIONS, ...forwards.map((kind) => `permit-${kind}-forwarding`)].sort(),
    },
    authority,
  );
  return {
    kind: 'key',
    type: certificate.type,
    signsAs: 'ssh-ed25519',
    key: privateKey,
    blob: certificate.blob,
  };
}
