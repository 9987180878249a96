/**
 * The only place where a target's credential is open. It asks for a Grant, opens the credential of that
 * grant's login and no other, and says so in the journal before it hands it out.
 */
import { Grant } from '../access/grant.ts';
import { SallyportError } from '../errors.ts';
import type { JsonValue } from '../journal/event.ts';
import type { CredentialUse, Journal, OpenedCredential, Vault } from '../session/ports.ts';
import { openBody, readEnvelope, sealBody, writeEnvelope, type SealContext } from './envelope.ts';
import type { KeyServices } from './key-service.ts';
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
  readonly keys: KeyServices;
  readonly credentials: SealedCredentials;
  readonly journal: Journal;
}

export interface SealingVault extends Vault {
  readonly keys: KeyServices;
  /**
   * Seals material under the next version of the credential; storing it is the caller's.
   * Rejects with `usage.invalid` for empty or over-long material.
   */
  seal(name: string, kind: OpenedCredential['kind'], bytes: Buffer): Promise<SealedCredential>;
  /** Rejects with `vault.locked` unless a key of ours opens the credential; nothing is handed out. */
  check(name: string): Promise<void>;
  /** Wipes the keys. */
  close(): void;
}

export function createVault({ keys, credentials, journal }: VaultParts): SealingVault {
  return {
    keys,
    current: async (grant) => {
      const { kind, version } = await stockOf(credentials, credentialOf(grant));
      return { kind, version };
    },
    open: async (grant, use) => {
      const name = credentialOf(grant);
      const stored = await stockOf(credentials, name);
      const opened = await unseal(keys, stored);
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
      return { name, kind, version, ...(await sealAs(keys, { name, kind, version }, bytes)) };
    },
    check: async (name) => {
      (await unseal(keys, await stockOf(credentials, name)))[Symbol.dispose]();
    },
    close: () => {
      for (const service of keys.opening) service.close();
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

/** Seals with a data key of its own, wrapped by the key that seals now. */
export async function sealAs(
  keys: KeyServices,
  context: SealContext,
  plain: Buffer,
): Promise<{ readonly keyId: string; readonly sealed: Buffer }> {
  const { dataKey, key } = await keys.sealing.make(context);
  const sealed = writeEnvelope({ key, body: sealBody(dataKey, context, plain) });
  dataKey.fill(0);
  return { keyId: key.keyId, sealed };
}

export type UnsealOutcome =
  | { readonly kind: 'open'; readonly credential: OpenedCredential }
  | { readonly kind: 'missing-key'; readonly keyId: string }
  | { readonly kind: 'damaged' };

/** Rejects with `vault.locked` when the service of the key can't be asked. */
export async function tryUnseal(
  keys: KeyServices,
  stored: SealedCredential,
): Promise<UnsealOutcome> {
  const { name, kind, version } = stored;
  const context = { name, kind, version };
  const envelope = readEnvelope(stored.sealed);
  if (envelope === null) return { kind: 'damaged' };
  const { keyId } = envelope.key;
  const service = keys.opening.find((one) => one.owns(keyId));
  const outcome = (await service?.unwrap(envelope.key, context)) ?? { kind: 'missing-key' };
  if (outcome.kind === 'missing-key') return { kind: 'missing-key', keyId };
  if (outcome.kind === 'damaged') return outcome;
  const plain = openBody(outcome.dataKey, context, envelope);
  outcome.dataKey.fill(0);
  return plain === null
    ? { kind: 'damaged' }
    : { kind: 'open', credential: new Secret(kind, plain) };
}

async function unseal(keys: KeyServices, stored: SealedCredential): Promise<OpenedCredential> {
  const outcome = await tryUnseal(keys, stored);
  switch (outcome.kind) {
    case 'open':
      return outcome.credential;
    case 'missing-key':
      throw await missing(keys, stored.name, outcome.keyId);
    case 'damaged':
      throw damaged(stored.name);
  }
}

async function missing(keys: KeyServices, name: string, keyId: string): Promise<SallyportError> {
  const now = await keys.sealing.current().catch(() => null);
  return new SallyportError(
    'vault.locked',
    `the credential ${name} was sealed with key ${keyId}, which is not here; this one seals with ${now ?? keys.sealing.place}`,
    'add the key that sealed it behind the first one of SALLYPORT_MASTER_KEY_FILE or SALLYPORT_MASTER_KEY, or put the credential in again; see: sallyport vault status',
  );
}

function damaged(name: string): SallyportError {
  return new SallyportError(
    'vault.locked',
    `the credential ${name} was changed since it was sealed: it is damaged or was tampered with`,
    'restore its row from a backup or put the credential in again, and look for who changed it',
  );
}
