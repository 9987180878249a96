/**
 * Signing people in with an issuer of OpenID Connect: authorization code, PKCE, state and nonce out; a
 * verified ID token back. openid-client does the protocol, with its check of the signature switched on, and
 * what it leaves out is checked here. Not caught here: whom the claims speak for; see access/sign-in.ts.
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  clockTolerance,
  Configuration,
  customFetch,
  enableNonRepudiationChecks,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type ClientAuth,
  type CustomFetchOptions,
} from 'openid-client';
import type { Claims } from '../access/identity.ts';
import type { SignInSettings } from '../access/sign-in.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { printable } from '../printable.ts';
import {
  CLOCK_TOLERANCE_S,
  ISSUER_TIMEOUT_MS,
  Issuers,
  IssuerUnavailable,
  MAX_DOCUMENT_BYTES,
  SIGNING_ALGORITHMS,
  type IssuerMetadata,
} from './issuers.ts';
import type { PendingSignIn } from './sign-in-ports.ts';

/** Issuers take addresses of some length only; a longer token isn't shown when signing out. */
const MAX_HINT_CHARACTERS = 4000;
/** OpenID Connect Core, section 2. */
const MAX_SUBJECT_CHARACTERS = 255;

/** Where a sign-in goes, and what its return is compared with. */
export interface Departure {
  readonly url: URL;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export type ReturnOutcome =
  | { readonly kind: 'verified'; readonly claims: Claims; readonly idToken: string }
  /** `why` may be shown. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unavailable'; readonly why: string };

/** The client that one process is to its issuer. */
export class OidcClient {
  readonly #clock: Clock;
  readonly #issuers: Issuers;
  #made: {
    readonly key: string;
    readonly metadata: IssuerMetadata;
    readonly client: Configuration;
  } | null = null;
  /** Where forms of ours may lead beside ourselves. */
  #origins: readonly string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#issuers = new Issuers(clock);
  }

  /** Origins that a form may be sent on to: signing out leads to the issuer. */
  get formOrigins(): readonly string[] {
    return this.#origins;
  }

  /** Learns them anew; an issuer that can't be asked stays as it was known. */
  async learn(settings: SignInSettings | null): Promise<void> {
    this.#origins =
      settings?.logout === true
        ? originsOf(settings, (await this.#issuers.find(settings.issuer)).metadata)
        : [];
  }

  /** Rejects with IssuerUnavailable. */
  async depart(
    settings: SignInSettings,
    secret: string | null,
    redirectUri: string,
  ): Promise<Departure> {
    const client = await this.#clientOf(settings, secret);
    const state = randomState();
    const nonce = randomNonce();
    const codeVerifier = randomPKCECodeVerifier();
    try {
      const url = buildAuthorizationUrl(client, {
        redirect_uri: redirectUri,
        scope: settings.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return { url, state, nonce, codeVerifier };
    } catch (thrown) {
      throw new IssuerUnavailable(`its metadata can't be used: ${messageOf(thrown)}`);
    }
  }

  /**
   * Trades the code of the return for an ID token and verifies it.
   * @param secret rejects with IssuerUnavailable when it can't be had
   * @param url the redirect URI with the query that came
   */
  async redeem(
    settings: SignInSettings,
    secret: () => Promise<string | null>,
    url: URL,
    state: string,
    pending: Pick<PendingSignIn, 'nonce' | 'codeVerifier'>,
  ): Promise<ReturnOutcome> {
    try {
      const client = await this.#clientOf(settings, await secret());
      const tokens = await authorizationCodeGrant(client, url, {
        expectedState: state,
        expectedNonce: pending.nonce,
        pkceCodeVerifier: pending.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims() as Claims | undefined;
      if (claims === undefined || tokens.id_token === undefined) {
        return { kind: 'refused', why: 'the issuer gave no ID token' };
      }
      const why = this.#faultIn(settings, claims);
      return why === null
        ? { kind: 'verified', claims, idToken: tokens.id_token }
        : { kind: 'refused', why };
    } catch (thrown) {
      // The next one asks for the issuer's keys anew: it may have changed them.
      this.#made = null;
      return faultOf(thrown);
    }
  }

  /** Where the session at the issuer is ended; null = the issuer offers none, or can't be asked. */
  async logoutUrl(
    settings: SignInSettings,
    idToken: string | null,
    returnUrl: string,
  ): Promise<URL | null> {
    try {
      const client = await this.#clientOf(settings, null);
      if (client.serverMetadata().end_session_endpoint === undefined) return null;
      return buildEndSessionUrl(client, {
        post_logout_redirect_uri: returnUrl,
        ...(idToken !== null &&
          idToken.length <= MAX_HINT_CHARACTERS && { id_token_hint: idToken }),
      });
    } catch {
      return null;
    }
  }

  async #clientOf(settings: SignInSettings, secret: string | null): Promise<Configuration> {
    const { metadata } = await this.#issuers.find(settings.issuer);
    this.#origins = originsOf(settings, metadata);
    const key = JSON.stringify([settings.issuer, settings.clientId, secret]);
    if (this.#made?.key === key && this.#made.metadata === metadata) return this.#made.client;
    const client = clientFor(metadata, settings.clientId, secret);
    this.#made = { key, metadata, client };
    return client;
  }

  /** What the library leaves to its user. */
  #faultIn({ clientId }: SignInSettings, claims: Claims): string | null {
    const { azp, iat, sub } = claims;
    if (azp !== undefined && azp !== clientId) return 'its token was issued to another client';
    const latest = this.#clock.nowMs() / 1000 + CLOCK_TOLERANCE_S;
    if (typeof iat !== 'number' || iat > latest) {
      return 'its token was issued in the future; compare the clocks';
    }
    if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT_CHARACTERS) {
      return 'its token names no subject that can be used';
    }
    return null;
  }
}

/** Where signing out leads. */
function originsOf({ logout }: SignInSettings, metadata: IssuerMetadata): readonly string[] {
  const place = metadata.end_session_endpoint;
  return logout && place !== undefined && URL.canParse(place) ? [new URL(place).origin] : [];
}

function clientFor(
  metadata: IssuerMetadata,
  clientId: string,
  secret: string | null,
): Configuration {
  const said = listIn(metadata.id_token_signing_alg_values_supported) ?? ['RS256'];
  const usable = {
    ...metadata,
    // Whatever the issuer offers beside: no shared secrets, no `none`.
    id_token_signing_alg_values_supported: said.filter((one) => SIGNING_ALGORITHMS.includes(one)),
  };
  const known = { [clockTolerance]: CLOCK_TOLERANCE_S };
  const client = new Configuration(usable, clientId, known, authOf(metadata, secret));
  client.timeout = ISSUER_TIMEOUT_MS / 1000;
  client[customFetch] = boundedFetch;
  enableNonRepudiationChecks(client);
  // The configuration takes plain HTTP for an issuer on the loopback alone.
  if (metadata.issuer.startsWith('http:')) allowInsecureRequests(client);
  return client;
}

/** OpenID Connect Discovery: `client_secret_basic` where nothing is said. */
function authOf(metadata: IssuerMetadata, secret: string | null): ClientAuth {
  if (secret === null) return None();
  const methods = listIn(metadata.token_endpoint_auth_methods_supported) ?? ['client_secret_basic'];
  return methods.includes('client_secret_basic') || !methods.includes('client_secret_post')
    ? ClientSecretBasic(secret)
    : ClientSecretPost(secret);
}

function listIn(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : null;
}

/** Answers bounded in size; what is no answer at all names itself. */
async function boundedFetch(url: string, options: CustomFetchOptions): Promise<Response> {
  const fail = (why: string): IssuerUnavailable =>
    new IssuerUnavailable(`${printable(new URL(url).origin, 300)} ${why}`);
  let answer: Response;
  try {
    // The library's own type allows what its requests never carry.
    answer = await fetch(url, options as RequestInit);
  } catch (thrown) {
    const isLate = thrown instanceof Error && thrown.name === 'TimeoutError';
    throw fail(isLate ? `does not answer within ${ISSUER_TIMEOUT_MS / 1000} s` : 'does not answer');
  }
  if (answer.status >= 500) throw fail(`answers ${answer.status}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of answer.body ?? []) {
      size += part.length;
      if (size > MAX_DOCUMENT_BYTES) throw fail('answers more than is read');
      parts.push(part);
    }
  } catch (thrown) {
    throw thrown instanceof IssuerUnavailable ? thrown : fail('breaks off its answer');
  }
  const { headers, status, statusText } = answer;
  const text = Buffer.concat(parts).toString('utf8');
  if (status === 200 && !isJson(text)) throw fail('does not answer JSON');
  return new Response(text, { status, statusText, headers });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function faultOf(thrown: unknown): ReturnOutcome {
  const causes = causesOf(thrown);
  const away = causes.find((one) => one instanceof IssuerUnavailable);
  if (away !== undefined) return { kind: 'unavailable', why: away.message };
  const refused = (why: string): ReturnOutcome => ({ kind: 'refused', why });
  if (thrown instanceof AuthorizationResponseError || thrown instanceof ResponseBodyError) {
    const said = printable(thrown.error_description ?? '', 200);
    const what = `${printable(thrown.error, 60)}${said === '' ? '' : ` (${said})`}`;
    return refused(
      thrown instanceof ResponseBodyError
        ? `the issuer gives no token for the code: ${what}`
        : `the issuer says ${what}`,
    );
  }
  if (thrown instanceof WWWAuthenticateChallengeError) {
    return refused('the issuer does not accept our client id and its secret');
  }
  if (!(thrown instanceof ClientError)) throw thrown;
  const words = causes.map(({ message }) => message).join(': ');
  const code = thrown.code ?? '';
  if (code === 'OAUTH_TIMEOUT') return { kind: 'unavailable', why: 'it does not answer in time' };
  if (AWAY.includes(code)) return { kind: 'unavailable', why: `it answers otherwise: ${words}` };
  const claim = claimOf(causes);
  const known = claim === null ? undefined : CLAIM_WORDS[claim];
  if (known !== undefined) return refused(known);
  const [, why] = MESSAGES.find(([pattern]) => pattern.test(words)) ?? [];
  return refused(why ?? `its answer can't be used: ${printable(words, 200)}`);
}

const AWAY = ['OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_RESPONSE_IS_NOT_CONFORM'];

const CLAIM_WORDS: Readonly<Record<string, string>> = {
  aud: 'its token was issued for another client',
  azp: 'its token was issued to another client',
  exp: 'its token has expired; compare the clocks',
  iss: 'its token was issued by another issuer',
  nbf: 'its token is not valid yet; compare the clocks',
  nonce: 'its token belongs to another sign-in',
};

const MESSAGES: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/signature verification failed/, 'the signature of its token is wrong'],
  [/no applicable keys/, 'its token is signed by a key that the issuer does not have'],
  [/multiple applicable keys/, 'its token does not say which key has signed it'],
  [/"alg"|unsupported JWS/, 'its token is not signed in a way that is trusted'],
  [/"iss" \(issuer\)/, 'the answer came from another issuer'],
  [/"state"/, 'the answer belongs to another sign-in'],
  [/no authorization code/, 'the answer has no code'],
  [/"id_token"/, 'the issuer gave no ID token'],
  [/"nonce"/, 'its token belongs to another sign-in'],
  [/JWT Header|JWT Payload|Invalid JWT/, 'its token is no JSON Web Token'],
];

function causesOf(thrown: unknown): Error[] {
  const found: Error[] = [];
  // A chain of causes is short; a circle of them would not be.
  for (let one = thrown; one instanceof Error && found.length < 8; one = one.cause) found.push(one);
  return found;
}

/** The claim that a failed comparison was about. */
function claimOf(causes: readonly Error[]): string | null {
  const { cause } = causes.at(-1) ?? {};
  const claim =
    typeof cause === 'object' && cause !== null && 'claim' in cause ? cause.claim : null;
  return typeof claim === 'string' ? claim : null;
}
