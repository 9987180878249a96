/**
 * Signing in with an issuer in the browser: the page with the button, the way there and the way back. A
 * sign-in belongs to the browser that began it, and is good for one return.
 */
import { randomBytes } from 'node:crypto';
import { Router, type Request, type Response } from 'express';
import { returnPath, type SignInSettings } from '../access/sign-in.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { IssuerUnavailable } from './issuers.ts';
import type { Services } from './options.ts';
import { ownUrl } from './own-url.ts';
import { cookieName, cookieValue, isHttps, viewerOf } from './viewer.ts';

/** How long the browser is remembered that went to the issuer. */
const BROWSER_COOKIE_LIFE_MS = 10 * 60_000;
const BROWSER_BYTES = 32;
const BROWSER = /^[A-Za-z0-9_-]{43}$/;

export function oidcRoutes(services: Services): Router {
  const { attempts, issuerDesk, oidc, pages, publicUrl } = services;
  const router = Router();
  const cookie = {
    httpOnly: true,
    sameSite: 'lax',
    secure: isHttps(publicUrl),
    path: '/',
  } as const;

  router.get('/sign-in', async (request, response) => {
    const to = returnPath(request.query['to']);
    if (viewerOf(response).principal !== null) return response.redirect(302, to);
    const settings = await issuerDesk.settings();
    const frame = await frameOf(services, response);
    const action = `/login?${new URLSearchParams({ to }).toString()}`;
    const issuer = settings === null ? null : { title: titleOf(settings), action };
    return response.type('html').send(pages.signIn({ frame, issuer }));
  });

  router.get('/login', async (request, response) => {
    const to = returnPath(request.query['to']);
    const page = `/sign-in?${new URLSearchParams({ to }).toString()}`;
    const settings = await issuerDesk.settings();
    // What another site began is confirmed by a click on our own page.
    const site = request.get('sec-fetch-site');
    if (settings === null || site === 'cross-site' || site === 'same-site') {
      return response.redirect(302, page);
    }
    const base = baseOf(services, request);
    // The way back leads there, and the cookie has to be there too.
    if (publicUrl === null && request.get('host') !== new URL(base).host) {
      return response.redirect(302, base + request.originalUrl);
    }
    const { source } = viewerOf(response);
    attempts.take(source);
    let departure;
    try {
      const secret = await secretOf(services);
      departure = await oidc.depart(settings, secret, `${base}/login/callback`);
    } catch (thrown) {
      if (!(thrown instanceof IssuerUnavailable)) throw thrown;
      throw await unavailable(services, response, settings.issuer, thrown.message);
    }
    const { codeVerifier, nonce, state, url } = departure;
    const known = browserOf(request, publicUrl);
    const browser = known ?? randomBytes(BROWSER_BYTES).toString('base64url');
    const { clientId, issuer } = settings;
    const pending = { issuer, clientId, nonce, codeVerifier, returnPath: to, source };
    await issuerDesk.begin(state, browser, pending);
    attempts.takeBack(source);
    response.cookie(browserCookie(publicUrl), browser, {
      ...cookie,
      maxAge: BROWSER_COOKIE_LIFE_MS,
    });
    return response.redirect(302, url.href);
  });

  router.get('/login/callback', async (request, response) => {
    const { by, source, token } = viewerOf(response);
    attempts.take(source);
    const refuse = (why: string, issuer: string | null): Promise<SallyportError> => {
      const code = 'access.unauthenticated';
      return refused(services, response, { code, issuer, subject: null, why, hint: AGAIN });
    };
    const state = request.query['state'];
    const browser = browserOf(request, publicUrl);
    if (browser === null) {
      throw await refuse('this browser has not begun to sign in, or too long ago', null);
    }
    if (typeof state !== 'string' || state === '' || state.length > MAX_STATE_CHARACTERS) {
      throw await refuse('the answer does not say to which sign-in it belongs', null);
    }
    const pending = await issuerDesk.take(state, browser);
    if (pending === null) {
      throw await refuse('this sign-in is unknown, too old or already used', null);
    }
    const settings = await issuerDesk.settings();
    if (settings?.issuer !== pending.issuer || settings.clientId !== pending.clientId) {
      throw await refuse('the configuration of signing in has just changed', pending.issuer);
    }
    const url = new URL(`${baseOf(services, request)}/login/callback`);
    url.search = new URL(request.originalUrl, url).search;
    const redeemed = await oidc.redeem(settings, () => secretOf(services), url, state, pending);
    if (redeemed.kind === 'unavailable') {
      throw await unavailable(services, response, settings.issuer, redeemed.why);
    }
    if (redeemed.kind === 'refused') throw await refuse(redeemed.why, settings.issuer);
    const outcome = await issuerDesk.signIn({
      settings,
      claims: redeemed.claims,
      idToken: settings.logout ? redeemed.idToken : null,
      replaces: by === 'cookie' ? token : null,
      source,
    });
    if (outcome.kind === 'refused') {
      const { issuer } = settings;
      const subject = printable(String(redeemed.claims['sub']), 255);
      const refusal = { ...outcome, code: 'access.forbidden', issuer, subject } as const;
      throw await refused(services, response, refusal);
    }
    attempts.forgive(source);
    response.cookie(cookieName(publicUrl), outcome.token, cookie);
    return response.redirect(303, pending.returnPath);
  });

  router.all(['/sign-in', '/login', '/login/callback'], onlyMethods('GET', 'HEAD'));
  return router;
}

const MAX_STATE_CHARACTERS = 200;
const AGAIN = 'go to the sign-in page and begin anew';

/** Where a page that needs somebody leads; null = to an error, as for programs. */
export async function signInPlace(
  services: Services,
  request: Request,
  response: Response,
  thrown: unknown,
): Promise<string | null> {
  if (!(thrown instanceof SallyportError) || thrown.code !== 'access.unauthenticated') return null;
  if (request.method !== 'GET' || !(request.get('accept') ?? '').includes('text/html')) return null;
  if (/^\/(api|login|setup)(\/|$)/.test(request.path)) return null;
  if (response.locals['viewer'] === undefined || viewerOf(response).by === 'bearer') return null;
  try {
    if ((await services.issuerDesk.settings()) === null) return null;
  } catch {
    return null;
  }
  return `/sign-in?${new URLSearchParams({ to: returnPath(request.originalUrl) }).toString()}`;
}

/** Where signing out goes on: at the issuer, when the session came from there. */
export async function signOutPlace(services: Services, request: Request): Promise<string | null> {
  const { issuerDesk, oidc } = services;
  const settings = await issuerDesk.settings();
  const token = cookieValue(request.get('cookie'), cookieName(services.publicUrl));
  if (settings === null || !settings.logout || token === null) return null;
  const opened = await issuerDesk.issuerOf(token);
  if (opened?.issuer !== settings.issuer) return null;
  const back = `${baseOf(services, request)}/sign-in`;
  const url = await oidc.logoutUrl(settings, opened.idToken, back);
  return url?.href ?? null;
}

/** `__Host-` binds the cookie to this very host; it says which browser began, and nothing about whom. */
function browserCookie(publicUrl: string | null): string {
  return isHttps(publicUrl) ? '__Host-sallyport_sign_in' : 'sallyport_sign_in';
}

function browserOf(request: Request, publicUrl: string | null): string | null {
  const value = cookieValue(request.get('cookie'), browserCookie(publicUrl));
  return value !== null && BROWSER.test(value) ? value : null;
}

function baseOf(services: Services, request: Request): string {
  return ownUrl(services, request.socket.localPort ?? services.listen.port);
}

function titleOf({ issuer, title }: SignInSettings): string {
  return title ?? new URL(issuer).host;
}

interface Refusal {
  readonly code: 'access.unauthenticated' | 'access.forbidden';
  /** null = it isn't known which it was about. */
  readonly issuer: string | null;
  /** Whom the issuer has named; null = nobody yet. */
  readonly subject: string | null;
  readonly why: string;
  readonly hint: string;
}

async function refused(
  { audit, logger }: Services,
  response: Response,
  { code, hint, issuer, subject, why }: Refusal,
): Promise<SallyportError> {
  const { source } = viewerOf(response);
  logger.warn('http.sign-in-refused', { source, why });
  await audit.append({
    type: 'auth.failed',
    principal: null,
    source,
    session: null,
    target: null,
    data: {
      method: 'oidc',
      ...(issuer !== null && { issuer }),
      ...(subject !== null && { sub: subject }),
      why,
    },
  });
  return new SallyportError(code, `you are not signed in: ${why}`, hint);
}

/** What an outage is told by: it is nobody's attempt. */
async function unavailable(
  { attempts, audit, logger }: Services,
  response: Response,
  issuer: string,
  why: string,
): Promise<SallyportError> {
  const { source } = viewerOf(response);
  logger.warn('http.issuer-unavailable', { source, issuer, why });
  attempts.takeBack(source);
  await audit.append({
    type: 'auth.failed',
    principal: null,
    source,
    session: null,
    target: null,
    data: { method: 'oidc', issuer, why: `the issuer can't be asked: ${why}` },
  });
  return new SallyportError(
    'issuer.unavailable',
    `nobody can be signed in by ${issuer} now: ${why}`,
    'try again in a minute; one-time links go on working: npx sallyport token create --principal NAME --link',
  );
}

/** Its file may be unreadable, which the log says and nobody else is told. */
async function secretOf({ issuerDesk, logger }: Services): Promise<string | null> {
  try {
    return await issuerDesk.clientSecret();
  } catch (thrown) {
    logger.error('http.client-secret', { why: messageOf(thrown) });
    throw new IssuerUnavailable("the bastion's client secret can't be read; its log says why");
  }
}
