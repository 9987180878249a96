/**
 * `POST /api/v1/ssh-keys`: a fresh public key for a proof of who somebody is, either the token of a trusted
 * issuer or one of ours. The key is valid for minutes and carries run and task into every session.
 */
import { Router } from 'express';
import type { Claims, NamedIdentity } from '../access/identity.ts';
import { principalOfClaims, vouchedRun } from '../access/identity.ts';
import { isClaim } from '../access/destination.ts';
import { SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import { onlyMethods } from './failure.ts';
import { Issuers } from './issuers.ts';
import type { Services } from './options.ts';
import type { PublicKeyOutcome } from './ports.ts';
import { principalFor } from './session-access.ts';
import { viewerOf, type Viewer } from './viewer.ts';

/** Longest and usual life of such a key. */
export const MAX_KEY_LIFE_MS = 10 * 60_000;
/** A key that ends at once is of no use. */
const MIN_KEY_LIFE_S = 10;

interface Proof {
  readonly principal: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly attribution: 'verified' | 'declared' | null;
  /** For the journal. */
  readonly by: { readonly [name: string]: string };
}

interface Wish {
  readonly key: Extract<PublicKeyOutcome, { kind: 'key' }>;
  readonly lifeMs: number;
  readonly run: string | null;
  readonly task: string | null;
}

export function sshKeyRoutes(services: Services): Router {
  const { attempts, audit, clock, parsePublicKey, shortKeys } = services;
  const issuers = new Issuers(clock);
  const router = Router();

  router.post('/', async (request, response) => {
    const viewer = viewerOf(response);
    const { source } = viewer;
    attempts.take(source);
    let wish: Wish;
    let proof: Proof;
    try {
      if (viewer.by !== 'bearer') throw unproven();
      wish = readWish(request.body, parsePublicKey);
      proof =
        viewer.principal === null
          ? await proofOfIssuer(viewer, wish, issuers, await shortKeys.identities())
          : {
              principal: principalFor(response, 'ssh-key.register').name,
              ...declared(wish),
              by: { method: 'token' },
            };
    } catch (error) {
      // Also that an issuer is away, and keys that can't be read: whoever waits for a job looks here.
      if (error instanceof SallyportError) {
        const { code, message } = error;
        const method = viewer.principal === null ? 'issuer' : 'token';
        await audit.append({
          type: 'auth.failed',
          principal: viewer.principal?.name ?? null,
          source,
          session: null,
          target: null,
          data: { method, code, why: message },
        });
      }
      throw error;
    }
    const { attribution, by, principal, run, task } = proof;
    const { algorithm, blob, fingerprint } = wish.key;
    const key = { algorithm, blob, fingerprint };
    const expiresAt = await shortKeys.register(
      { principal, key, lifeMs: wish.lifeMs, run, task, attribution },
      {
        type: 'key.registered',
        principal,
        source,
        session: null,
        target: null,
        data: { ...by, key: fingerprint, lifeMs: wish.lifeMs, run, task, attribution },
      },
    );
    attempts.forgive(source);
    response.status(201).json({ principal, fingerprint, expiresAt, run, task, attribution });
  });
  router.all('/', onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}

async function proofOfIssuer(
  viewer: Viewer,
  wish: Wish,
  issuers: Issuers,
  identities: readonly NamedIdentity[],
): Promise<Proof> {
  const audiences = new Map<string, Set<string>>();
  for (const { identity } of identities) {
    if (identity.issuer === null || identity.audience === null) continue;
    const known = audiences.get(identity.issuer) ?? new Set<string>();
    audiences.set(identity.issuer, known.add(identity.audience));
  }
  const verified = await issuers.verify(viewer.token ?? '', audiences);
  if (verified.kind === 'unavailable') {
    throw new SallyportError(
      'issuer.unavailable',
      `the issuer ${verified.issuer} can't be asked for its keys: ${verified.why}`,
      'try again in a minute; if it stays, an admin can look at the address of the issuer',
    );
  }
  if (verified.kind === 'refused') throw refusedToken(verified.why);
  const claims: Claims = verified.claims;
  const found = principalOfClaims(identities.filter(hasIssuer), claims);
  const subject = printable(String(claims['sub']), 200);
  if (found.kind === 'unknown')
    throw refusedToken(`nobody here is named by its subject ${subject}`);
  if (found.kind === 'ambiguous') {
    throw refusedToken(`its subject ${subject} names more than one principal`);
  }
  const { identity, principal } = found.named;
  const vouched = vouchedRun(identity, claims);
  const isVouched = vouched.run !== null || vouched.task !== null;
  const by = {
    method: 'issuer',
    issuer: String(claims['iss']),
    subject,
    ...(typeof claims['jti'] === 'string' && { jti: printable(claims['jti'], 200) }),
  };
  if (!isVouched) return { principal, ...declared(wish), by };
  for (const name of ['run', 'task'] as const) {
    if (wish[name] === null || wish[name] === vouched[name]) continue;
    throw new SallyportError(
      'usage.invalid',
      `the token says ${name} ${vouched[name] ?? 'of none'}, not ${wish[name]}`,
      `leave "${name}" out: it is taken from the token`,
    );
  }
  return { principal, ...vouched, attribution: 'verified', by };
}

/** Signing people in is another matter: a program must come with its own issuer and audience. */
function hasIssuer({ identity }: NamedIdentity): boolean {
  return identity.issuer !== null && identity.audience !== null;
}

function declared({ run, task }: Wish): Pick<Proof, 'attribution' | 'run' | 'task'> {
  return { run, task, attribution: run === null && task === null ? null : 'declared' };
}

function readWish(body: unknown, parse: Services['parsePublicKey']): Wish {
  const { lifeSeconds, publicKey, run, task, ...others } = objectIn(body);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw invalid(
      `there is no "${printable(unknown, 40)}"`,
      'send publicKey, lifeSeconds, run, task',
    );
  }
  if (typeof publicKey !== 'string') {
    throw invalid('"publicKey" is missing', 'send the line of a .pub file: ssh-ed25519 AAAA…');
  }
  const key = parse(publicKey);
  if (key.kind === 'invalid') {
    throw invalid(`"publicKey" is no public key: ${key.why}`, 'send one line of a .pub file');
  }
  const lifeMs = lifeSeconds === undefined ? MAX_KEY_LIFE_MS : Number(lifeSeconds) * 1000;
  const isWhole = lifeSeconds === undefined || Number.isInteger(lifeSeconds);
  if (!isWhole || lifeMs < MIN_KEY_LIFE_S * 1000 || lifeMs > MAX_KEY_LIFE_MS) {
    const range = `${MIN_KEY_LIFE_S} to ${MAX_KEY_LIFE_MS / 1000}`;
    throw invalid('"lifeSeconds" is out of range', `send a whole number from ${range}`);
  }
  return { key, lifeMs, run: claimIn('run', run), task: claimIn('task', task) };
}

function claimIn(name: 'run' | 'task', value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && isClaim(value)) return value;
  const hint = 'use letters, digits and . _ : / -, at most 128';
  throw invalid(`"${name}" has characters that it can't have`, hint);
}

function objectIn(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
    return body as Readonly<Record<string, unknown>>;
  }
  throw invalid('the body is no JSON object', 'send {"publicKey": "ssh-ed25519 AAAA…"} as JSON');
}

function invalid(message: string, hint: string): SallyportError {
  return new SallyportError('usage.invalid', message, hint);
}

function unproven(): SallyportError {
  return new SallyportError(
    'access.unauthenticated',
    'nothing says who you are',
    'send "Authorization: Bearer TOKEN" with a token of a trusted issuer, or of: sallyport token create',
  );
}

function refusedToken(why: string): SallyportError {
  return new SallyportError(
    'access.unauthenticated',
    `the token is refused: ${why}`,
    'ask the issuer for a fresh token for this bastion; an admin can compare it with `oidc` of the principal',
  );
}
