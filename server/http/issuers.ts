/**
 * Tokens of issuers: OpenID Connect discovery, the issuer's keys, and whether a JSON Web Token is genuine
 * (RFC 7519, RFC 8725; OpenID Connect Discovery 1.0). Not caught here: whom a genuine token speaks for; see
 * access/identity.ts.
 */
import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { printable } from '../printable.ts';

/** Longer tokens aren't read. */
export const MAX_JWT_CHARACTERS = 8 * 1024;
/** What an issuer's metadata or keys may have. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;
export const ISSUER_TIMEOUT_MS = 5_000;
/** How long metadata is believed. */
export const METADATA_LIFE_MS = 3_600_000;
/** An issuer that didn't answer is asked again after this. */
export const ISSUER_RETRY_MS = 5_000;
/** How far the clocks of issuer and bastion may differ. */
export const CLOCK_TOLERANCE_S = 30;
/** No shared secrets, no `none`. */
export const SIGNING_ALGORITHMS: readonly string[] =
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

/** What an issuer says about itself, as far as it is used. */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint?: string;
  readonly end_session_endpoint?: string;
  readonly authorization_response_iss_parameter_supported?: boolean;
  readonly id_token_signing_alg_values_supported?: string[];
  readonly token_endpoint_auth_methods_supported?: string[];
}

export interface Issuer {
  readonly metadata: IssuerMetadata;
  readonly keys: JWTVerifyGetKey;
}

export type TokenOutcome =
  | { readonly kind: 'genuine'; readonly claims: JWTPayload }
  /** `why` may be shown to whoever sent the token. */
  | { readonly kind: 'refused'; readonly why: string; readonly issuer: string | null }
  /** The issuer can't be asked for its keys. */
  | { readonly kind: 'unavailable'; readonly why: string; readonly issuer: string };

export class IssuerUnavailable extends Error {}

/** What is known of an issuer: it, or why not, and until when that counts. */
interface Known {
  readonly issuer: Promise<Issuer>;
  untilMs: number;
}

export class Issuers {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Metadata and keys of an issuer that the configuration names. Rejects with IssuerUnavailable.
   * @param name `iss`, a URL that the configuration has checked
   */
  find(name: string): Promise<Issuer> {
    const nowMs = this.#clock.nowMs();
    const known = this.#known.get(name);
    if (known !== undefined && nowMs < known.untilMs) return known.issuer;
    const fresh: Known = { issuer: discover(name), untilMs: nowMs + METADATA_LIFE_MS };
    this.#known.set(name, fresh);
    fresh.issuer.catch(() => {
      fresh.untilMs = this.#clock.nowMs() + ISSUER_RETRY_MS;
    });
    return fresh.issuer;
  }

  /**
   * Whether a token was issued by one of these issuers, for us, and is valid now.
   * @param audiences by issuer: what `aud` may have. An issuer that isn't in here isn't asked anything
   */
  async verify(
    token: string,
    audiences: ReadonlyMap<string, ReadonlySet<string>>,
  ): Promise<TokenOutcome> {
    const name = issuerOf(token);
    if (name === null) return refused('it is no JSON Web Token', null);
    const accepted = audiences.get(name);
    if (accepted === undefined) {
      return refused(`its issuer ${printable(name, 200)} is not trusted here`, name);
    }
    try {
      const { keys } = await this.find(name);
      const { payload } = await jwtVerify(token, keys, {
        issuer: name,
        audience: [...accepted],
        algorithms: [...SIGNING_ALGORITHMS],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(this.#clock.nowMs()),
        requiredClaims: ['exp', 'iat', 'sub'],
      });
      return { kind: 'genuine', claims: payload };
    } catch (thrown) {
      return outcomeOf(thrown, name);
    }
  }
}

/** The unverified `iss`; null when the token can't be read at all. */
function issuerOf(token: string): string | null {
  if (token.length > MAX_JWT_CHARACTERS) return null;
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' ? iss : null;
  } catch {
    return null;
  }
}

function refused(why: string, issuer: string | null): TokenOutcome {
  return { kind: 'refused', why, issuer };
}

function outcomeOf(thrown: unknown, issuer: string): TokenOutcome {
  if (thrown instanceof IssuerUnavailable || thrown instanceof errors.JWKSTimeout) {
    return { kind: 'unavailable', why: messageOf(thrown), issuer };
  }
  if (!(thrown instanceof errors.JOSEError)) throw thrown;
  if (thrown instanceof errors.JWTExpired) return refused('it has expired', issuer);
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    return refused(CLAIM_WORDS[thrown.claim] ?? `its claim ${thrown.claim} is wrong`, issuer);
  }
  if (thrown instanceof errors.JWKSNoMatchingKey) {
    return refused('it is signed by a key that its issuer does not have', issuer);
  }
  if (thrown instanceof errors.JOSEAlgNotAllowed || thrown instanceof errors.JOSENotSupported) {
    return refused('it is not signed in a way that is trusted', issuer);
  }
  return refused('its signature is wrong', issuer);
}

const CLAIM_WORDS: Readonly<Record<string, string>> = {
  aud: 'it was issued for another audience',
  iss: 'its issuer is another one',
  nbf: 'it is not valid yet; compare the clocks',
  iat: 'it has no time of issue, or one in the future; compare the clocks',
  exp: 'it never expires',
  sub: 'it has no subject',
};

async function discover(name: string): Promise<Issuer> {
  const url = `${name.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const metadata = (await document(url)) as Partial<IssuerMetadata> | null;
  if (metadata?.issuer !== name) {
    throw new IssuerUnavailable(
      `${url} describes the issuer ${printable(String(metadata?.issuer), 200)}, not ${name}`,
    );
  }
  const keys = metadata.jwks_uri;
  if (typeof keys !== 'string' || !URL.canParse(keys) || !isAsSafe(keys, name)) {
    throw new IssuerUnavailable(`${url} names no safe place of keys`);
  }
  return {
    metadata: { ...metadata, issuer: name, jwks_uri: keys },
    keys: createRemoteJWKSet(new URL(keys), {
      timeoutDuration: ISSUER_TIMEOUT_MS,
      [customFetch]: async (address) => Response.json(await document(address)),
    }),
  };
}

/** Keys of an https issuer come by https. */
function isAsSafe(address: string, name: string): boolean {
  return new URL(address).protocol === 'https:' || new URL(name).protocol === 'http:';
}

/** Fetches JSON, bounded in time and size; redirects lead elsewhere and count as failures. */
async function document(address: string): Promise<unknown> {
  const fail = (why: string): IssuerUnavailable =>
    new IssuerUnavailable(`${printable(address, 300)} ${why}`);
  try {
    const response = await fetch(address, {
      redirect: 'error',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(ISSUER_TIMEOUT_MS),
    });
    if (response.status !== 200) throw fail(`answers ${response.status}`);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > MAX_DOCUMENT_BYTES) throw fail('answers more than is read');
      parts.push(part);
    }
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch (thrown) {
    if (thrown instanceof IssuerUnavailable) throw thrown;
    if (thrown instanceof SyntaxError) throw fail('does not answer JSON');
    const isLate = thrown instanceof Error && thrown.name === 'TimeoutError';
    throw fail(isLate ? `does not answer within ${ISSUER_TIMEOUT_MS / 1000} s` : 'does not answer');
  }
}
