/**
 * Signing in machines without a browser (RFC 8628): the machine shows a code, a person types it here. The
 * address that would hold the code is left out on purpose: nobody can be sent a link that needs only a click.
 */
import { Router, type Response } from 'express';
import { SallyportError } from '../errors.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { addressOf, fieldsOf, personIn } from './link-routes.ts';
import type { Services } from './options.ts';
import { ownUrl } from './own-url.ts';
import type { PublicKeyOutcome } from './ports.ts';
import { viewerOf } from './viewer.ts';

/** What a machine's key signs the device code for. */
export const LOGIN_NAMESPACE = 'login@sallyport';
const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';
/** What a login counts where keys aren't remembered at all. */
const LEAST_LIFE_MS = 3_600_000;
const MAX_SIGNATURE_CHARACTERS = 16 * 1024;

/** The errors of RFC 6749 and RFC 8628. */
type OauthError =
  | 'invalid_request'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token';

/** For programs: under `/api/v1`. */
export function deviceRoutes(services: Services): Router {
  const { attempts, clientSignIns, parsePublicKey, signIns } = services;
  const { devices } = clientSignIns;
  const router = Router();

  router.post('/device_authorization', async (request, response) => {
    const { source } = viewerOf(response);
    attempts.take(source);
    const line = textIn(request.body, 'public_key');
    const key = line === '' ? null : parsePublicKey(line);
    if (key?.kind === 'invalid') {
      return refuse(response, 'invalid_request', `public_key is no public key: ${key.why}`);
    }
    const opened = await devices.open({ source, key: key === null ? null : plain(key) });
    attempts.takeBack(source);
    if (opened === null) {
      const hint = 'finish or wait for those that are under way, then try again';
      throw new SallyportError('limit.exceeded', 'too many sign-ins wait from your address', hint);
    }
    return response.json({
      device_code: opened.deviceCode,
      user_code: opened.userCode,
      verification_uri: `${baseOf(services, request.socket.localPort)}/device`,
      expires_in: seconds(opened.lifeMs),
      interval: seconds(opened.intervalMs),
    });
  });
  router.post('/device_token', async (request, response) => {
    const { source } = viewerOf(response);
    if (textIn(request.body, 'grant_type') !== GRANT_TYPE) {
      return refuse(response, 'unsupported_grant_type', `send grant_type=${GRANT_TYPE}`);
    }
    const deviceCode = textIn(request.body, 'device_code');
    const signature = textIn(request.body, 'key_signature');
    const outcome = await devices.redeem(deviceCode, {
      source,
      lifeMs: lifeOf(services),
      isProven: (blob) => clientSignIns.signed(blob, signature, LOGIN_NAMESPACE, deviceCode),
    });
    switch (outcome.kind) {
      case 'signed-in':
        return response.json({
          access_token: outcome.token,
          token_type: 'Bearer',
          expires_in: seconds(outcome.lifeMs),
          principal: outcome.principal,
          key: outcome.key,
        });
      case 'pending':
        return refuse(response, 'authorization_pending', 'nobody has typed the code yet');
      case 'slow-down':
        response.set('Retry-After', String(seconds(outcome.intervalMs)));
        return refuse(
          response,
          'slow_down',
          `ask every ${seconds(outcome.intervalMs)} seconds only`,
        );
      case 'refused':
        return refuse(response, 'access_denied', 'somebody says that this sign-in is not theirs');
      case 'expired':
        return refuse(response, 'expired_token', 'nobody typed the code in time; begin again');
      case 'unproven':
        return refuse(
          response,
          'invalid_request',
          'key_signature is no signature of that key for this device_code',
        );
      case 'unknown':
        attempts.take(source);
        return refuse(response, 'invalid_grant', 'the device_code is unknown or used');
    }
  });
  router.get('/login', (_request, response) => {
    const { by, principal } = viewerOf(response);
    if (principal === null || by !== 'bearer') throw notLoggedIn();
    const { kind, name, roles } = principal;
    response.json({ name, kind, roles: ['user', ...roles] });
  });
  router.delete('/login', async (_request, response) => {
    const { by, principal, source, token } = viewerOf(response);
    if (principal === null || by !== 'bearer' || token === null) throw notLoggedIn();
    await signIns.revoke(token);
    await services.audit.append({
      type: 'token.revoked',
      principal: principal.name,
      source,
      session: null,
      target: null,
      data: { kind: 'api', owner: principal.name, why: 'logged out' },
    });
    response.json({ revoked: true });
  });
  router.all(['/device_authorization', '/device_token'], onlyMethods('POST'));
  router.all('/login', onlyMethods('GET', 'HEAD', 'DELETE'));
  return router;
}

/** For people: the page with the code. */
export function devicePages(services: Services): Router {
  const { attempts, clientSignIns, pages } = services;
  const { devices } = clientSignIns;
  const router = Router();

  const show = async (
    response: Response,
    shown: Pick<Parameters<typeof pages.device>[0], 'code' | 'device' | 'problem'>,
  ): Promise<void> => {
    if (shown.problem !== null) response.status(400);
    const html = pages.device({
      frame: await frameOf(services, response),
      browser: addressOf(viewerOf(response).source),
      lifeMs: lifeOf(services),
      ...shown,
    });
    response.type('html').send(html);
  };

  router.get('/device', async (_request, response) => {
    await personIn(services, response, 'sign machines in');
    await show(response, { code: '', device: null, problem: null });
  });
  router.post('/device', async (request, response) => {
    const principal = await personIn(services, response, 'sign machines in');
    const { source } = viewerOf(response);
    const { code, decision } = fieldsOf(request.body);
    // RFC 8628 section 5.1: a code is short, so guesses are few.
    attempts.take(source, principal.name);
    const device = await devices.waiting(code, principal.id);
    if (device === null) {
      const problem = 'No machine waits with this code. It may be mistyped, used or too old.';
      return show(response, { code, device: null, problem });
    }
    attempts.forgive(source, principal.name);
    if (decision !== 'allow' && decision !== 'refuse') {
      return show(response, { code, device, problem: null });
    }
    const isAllowed = decision === 'allow';
    const isDecided = await devices.decide(code, isAllowed, { principal, source });
    if (!isDecided) {
      const problem = 'This sign-in has just ended. Begin again on the machine.';
      return show(response, { code: '', device: null, problem });
    }
    const frame = await frameOf(services, response);
    const done = isAllowed ? 'signed-in' : 'refused';
    response.type('html').send(pages.signedClient({ frame, done, client: 'device' }));
  });
  router.all('/device', onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}

function baseOf(services: Services, port: number | undefined): string {
  return ownUrl(services, port ?? services.listen.port);
}

function lifeOf({ clientSignIns: { rememberMs } }: Services): number {
  return rememberMs === 0 ? LEAST_LIFE_MS : rememberMs;
}

function plain({ algorithm, blob, fingerprint }: Extract<PublicKeyOutcome, { kind: 'key' }>) {
  return { algorithm, blob, fingerprint };
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

function textIn(body: unknown, name: string): string {
  const given = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const value = given[name];
  return typeof value === 'string' ? value.slice(0, MAX_SIGNATURE_CHARACTERS) : '';
}

function refuse(response: Response, error: OauthError, description: string): Response {
  return response.status(400).json({ error, error_description: description });
}

function notLoggedIn(): SallyportError {
  return new SallyportError(
    'access.unauthenticated',
    'no token of yours came with this',
    'sign in with: sallyport login',
  );
}
