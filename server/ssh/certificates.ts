/**
 * Judges user certificates: everything that must hold before a certificate says who somebody is. What it
 * names is a principal only if the configuration says so for that authority.
 */
import { presenceFault } from '../access/token-demands.ts';
import type { Clock } from '../clock.ts';
import type {
  Authorities,
  CertificateFacts,
  Certificates,
  CertificateVerdict,
  PublicKey,
  TrustedAuthority,
} from '../session/ports.ts';
import { isAddressIn } from './engine/certificate-source.ts';
import { isSignedByAuthority, readCertificate, type Certificate } from './engine/certificate.ts';
import {
  isRevoked,
  MAX_REVOCATION_BYTES,
  readRevocationList,
  type RevocationList,
} from './engine/certificate-revocation.ts';
import { readTerms, type CertificateTerms } from './engine/certificate-terms.ts';
import { parsePublicLine } from './key.ts';

/** A certificate is good from its first second to before its last one, by our clock, and not longer. */
const CLOCK_TOLERANCE_S = 0n;
/** Revocation lists that are kept, read. */
const MAX_KEPT_LISTS = 16;

export { MAX_REVOCATION_BYTES };

/** Whether bytes are a revocation list that can be used, and whether it says anything of an authority. */
export function readRevocations(
  bytes: Buffer,
  authority: readonly { readonly blob: Buffer }[],
):
  | { readonly kind: 'list'; readonly bytes: Buffer; readonly warning: string | null }
  | { readonly kind: 'invalid'; readonly why: string } {
  const outcome = readRevocationList(bytes, parsePublicLine);
  if (outcome.kind === 'invalid') return outcome;
  const { certificates, keys, sha1, sha256 } = outcome.list;
  const isAboutKeys = keys.size + sha1.size + sha256.size > 0;
  const ours = ['', ...authority.map(({ blob }) => blob.toString('base64'))];
  const isAboutOthers = certificates.size > 0 && !ours.some((one) => certificates.has(one));
  const warning = 'the list is of another authority and revokes nothing of this one';
  return { kind: 'list', bytes, warning: isAboutOthers && !isAboutKeys ? warning : null };
}

export interface CertificatesOptions {
  readonly authorities: Authorities;
  readonly clock: Clock;
}

export function createCertificates(options: CertificatesOptions): Certificates {
  const judge = new CertificateJudge(options);
  return { judge: (key, source, atMs) => judge.judge(key, source, atMs ?? options.clock.nowMs()) };
}

class CertificateJudge {
  readonly #authorities: Authorities;
  /** By digest; the oldest first. */
  readonly #lists = new Map<string, RevocationList>();

  constructor({ authorities }: CertificatesOptions) {
    this.#authorities = authorities;
  }

  async judge(key: PublicKey, source: string, atMs: number): Promise<CertificateVerdict> {
    const read = readCertificate(key.certificate ?? Buffer.alloc(0));
    if (read.kind === 'invalid') return { kind: 'refused', why: read.why, facts: null };
    const { certificate } = read;
    const { keyId, serial } = certificate;
    // Asked before the signature is looked at: strangers can make as many authorities as they like.
    const authority = await this.#authorities.authorityByKey(certificate.authority);
    const facts: CertificateFacts = {
      authority: authority?.name ?? null,
      keyId,
      serial: serial.toString(),
    };
    const refused = (why: string): CertificateVerdict => ({ kind: 'refused', why, facts });
    if (authority === null) return refused('its authority is not trusted here');
    if (!isSignedByAuthority(certificate)) return refused('its signature does not verify');
    if (certificate.kind !== 'user') return refused('it is a certificate for hosts');
    const late = timeFault(certificate, BigInt(Math.floor(atMs / 1000)));
    if (late !== null) return refused(late);
    const options = readTerms(certificate);
    if (options.kind === 'invalid') return refused(options.why);
    const { terms } = options;
    const fault = placeFault(terms, source) ?? tokenFault(terms, certificate, key);
    if (fault !== null) return refused(fault);
    const revoked = await this.#revocationFault(authority, certificate);
    if (revoked !== null) return refused(revoked);
    const named = principalOf(authority, certificate);
    if (typeof named === 'string') return refused(named);
    return {
      kind: 'accepted',
      principal: named.principal,
      facts,
      forceCommand: terms.forceCommand,
      permits: {
        pty: terms.permitsPty,
        portForwarding: terms.permitsPortForwarding,
        agentForwarding: terms.permitsAgentForwarding,
        x11Forwarding: terms.permitsX11Forwarding,
      },
    };
  }

  async #revocationFault(
    { name, revocations }: TrustedAuthority,
    certificate: Certificate,
  ): Promise<string | null> {
    if (revocations === null) return null;
    const list = await this.#list(name, revocations);
    if (list === null) return 'the revocation list of its authority cannot be read';
    return isRevoked(list, certificate) ? 'it is revoked' : null;
  }

  async #list(authority: string, digest: string): Promise<RevocationList | null> {
    const known = this.#lists.get(digest);
    if (known !== undefined) return known;
    const bytes = await this.#authorities.revocations(authority, digest);
    const outcome = bytes === null ? null : readRevocationList(bytes, parsePublicLine);
    if (outcome === null || outcome.kind === 'invalid') return null;
    const [oldest] = this.#lists.keys();
    if (oldest !== undefined && this.#lists.size >= MAX_KEPT_LISTS) this.#lists.delete(oldest);
    this.#lists.set(digest, outcome.list);
    return outcome.list;
  }
}

function timeFault({ validAfterS, validBeforeS }: Certificate, nowS: bigint): string | null {
  if (nowS < validAfterS - CLOCK_TOLERANCE_S) return 'it is not valid yet';
  return nowS < validBeforeS + CLOCK_TOLERANCE_S ? null : 'it has expired';
}

function placeFault({ sourceAddress }: CertificateTerms, source: string): string | null {
  if (sourceAddress === null) return null;
  const address = source.replace(/:\d+$/, '');
  return isAddressIn(sourceAddress, address) ? null : 'it may not be used from this address';
}

/** A bare offer has no signature yet, so nothing to look at; nor have keys that are in no token. */
function tokenFault(
  terms: CertificateTerms,
  { keyType }: Certificate,
  { presence }: PublicKey,
): string | null {
  if (terms.isVerifyRequired && !keyType.startsWith('sk-')) {
    return 'it asks for a security token, and its key is in none';
  }
  return presence === undefined ? null : presenceFault(terms, presence);
}

/** The one principal that the names in the certificate stand for, or why there is none. */
function principalOf(
  { names }: TrustedAuthority,
  { principals }: Certificate,
): TrustedAuthority['names'][number] | string {
  if (principals.length === 0) return 'it names nobody';
  const fitting = names.filter(({ name }) => principals.includes(name));
  const [first] = fitting;
  if (first === undefined) return 'the names in it stand for nobody here';
  const isOne = fitting.every(({ principal }) => principal.id === first.principal.id);
  return isOne ? first : 'the names in it stand for several principals here';
}
