/**
 * The only place where a target's credential is open. It asks for a Grant, opens the credential of that
 * grant's login and no other, and says so in the journal before it hands it out.
 */
import { Grant } from '../access/grant.ts';
import { SallyportError } from '../errors.ts';
import type { JsonValue } from '../journal/event.ts';
import type { CredentialUse, Journal, OpenedCredential, Vault } from '../session/ports.ts';
import { keyIdOf, open, seal } from './envelope.ts';
import type { MasterKey } from './master-key.ts';
import { Secret } from './secret.ts';

/** Longest material that is sealed, bytes; an RSA key of 16,384 bits has 13 KB. */
export const MAX_MATERIAL_BYTES = 65_536;

/** A credential as it is stored. */
export interface SealedCredential {
  readonly name: string;
  readonly kind: OpenedCredential['kind'];
  readonly version: number;
  readonly keyId: string;
  readonly sealed: Buffer;
}

export interface SealedCredentials {
  /** Null when there is none, or it holds no material yet. */
  byName(name: string): Promise<SealedCredential | null>;
}

export interface VaultParts {
  readonly masterKey: MasterKey;
  readonly credentials: SealedCredentials;
  readonly journal: Journal;
}

export interface SealingVault extends Vault {
  readonly keyId: string;
  /**
   * Seals material under the next version of the credential; storing it is the caller's.
   * Rejects with `usage.invalid` for empty or over-long material.
   */
  seal(name: string, kind: OpenedCredential['kind'], bytes: Buffer): Promise<SealedCredential>;
  /** Rejects with `vault.locked` unless this master key opens the credential; nothing is handed out. */
  check(name: string): Promise<void>;
}

export function createVault({ masterKey, credentials, journal }: VaultParts): SealingVault {
  const keyId = keyIdOf(masterKey);
  return {
    keyId,
    current: async (grant) => {
      const { kind, version } = await stockOf(credentials, credentialOf(grant));
      return { kind, version };
    },
    open: async (grant, use) => {
      const name = credentialOf(grant);
      const stored = await stockOf(credentials, name);
      const opened = unseal(masterKey, keyId, stored);
      try {
        await journal.append({
          type: 'credential.used',
          principal: grant.principal.name,
          source: null,
          session: use.session,
          target: grant.target.name,
          data: {
            credential: name,
            version: stored.version,
            login: grant.login.name,
            grant: grant.rule.id,
            connection: use.connection,
            ...(stored.kind === 'authority' ? { certificate: shownCertificate(use) } : {}),
          },
        });
        return opened;
      } catch (error) {
        opened[Symbol.dispose]();
        throw error;
      }
    },
    seal: async (name, kind, bytes) => {
      if (bytes.length === 0 || bytes.length > MAX_MATERIAL_BYTES) {
        throw new SallyportError(
          'usage.invalid',
          `a credential holds 1 to ${MAX_MATERIAL_BYTES} bytes; this has ${bytes.length}`,
          'give the private key or the password itself',
        );
      }
      const version = ((await credentials.byName(name))?.version ?? 0) + 1;
      const sealed = seal(masterKey, { name, kind, version }, bytes);
      return { name, kind, version, keyId, sealed };
    },
    check: async (name) => {
      unseal(masterKey, keyId, await stockOf(credentials, name))[Symbol.dispose]();
    },
  };
}

function shownCertificate({ certificate }: CredentialUse): JsonValue {
  return {
    keyId: certificate.keyId,
    // A number of JSON is too small for it.
    serial: String(certificate.serial),
    validUntil: new Date(certificate.validUntilMs).toISOString(),
  };
}

/** The class's own getter is asked, with the object as `this`: it throws for everything but a Grant. */
function credentialOf(grant: Grant): string {
  let proven = false;
  try {
    proven = Reflect.get(Grant.prototype, 'isProof', grant);
  } catch {
    // An object that only looks like a Grant lacks the private field.
  }
  if (proven) return grant.login.credential;
  throw new SallyportError(
    'internal',
    'a credential was asked for without a grant',
    'this is a defect; please report it',
  );
}

async function stockOf(credentials: SealedCredentials, name: string): Promise<SealedCredential> {
  const stored = await credentials.byName(name);
  if (stored !== null) return stored;
  throw new SallyportError(
    'object.unknown',
    `the credential ${name} holds no key or password yet`,
    `put one in: sallyport credential generate ${name}, or credential put ${name}`,
  );
}

function unseal(masterKey: MasterKey, keyId: string, stored: SealedCredential): OpenedCredential {
  const { name, kind, version, sealed } = stored;
  const outcome = open(masterKey, { name, kind, version }, sealed);
  switch (outcome.kind) {
    case 'open':
      return new Secret(kind, outcome.bytes);
    case 'other-key':
      throw new SallyportError(
        'vault.locked',
        `the credential ${name} was sealed with master key ${outcome.keyId}, but this one is ${keyId}`,
        'start with the master key that sealed it, or put the credential in again',
      );
    case 'damaged':
      throw new SallyportError(
        'vault.locked',
        `the credential ${name} was changed since it was sealed: it is damaged or was tampered with`,
        'restore its row from a backup or put the credential in again, and look for who changed it',
      );
  }
}
