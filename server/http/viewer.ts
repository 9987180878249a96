/**
 * Who sends a request: the cookie or bearer token, the principal behind it, and whether a browser was
 * tricked into sending it. Not caught here: what the principal may do; see guard.ts.
 */
import type { Request, Response } from 'express';
import type { Principal } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';
import type { SignIns } from './ports.ts';

export interface Viewer {
  readonly principal: Principal | null;
  /** The token that was sent, valid or not; null when none was. */
  readonly token: string | null;
  readonly by: 'cookie' | 'bearer' | 'nothing';
  /** `http:ADDRESS`, as the journal wants it. */
  readonly source: string;
}

/** Longer tokens are not looked up. */
export const MAX_TOKEN_CHARACTERS = 512;

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** `__Host-` binds the cookie to this very host and to HTTPS; plain HTTP on loopback can't have it. */
export function cookieName(publicUrl: string | null): string {
  return isHttps(publicUrl) ? '__Host-sallyport_session' : 'sallyport_session';
}

export function isHttps(publicUrl: string | null): boolean {
  return publicUrl !== null && publicUrl.startsWith('https:');
}

/** Address of the peer; forwarding headers are the client's own words and are not read. */
export function sourceOf(request: Request): string {
  return `http:${request.socket.remoteAddress ?? 'unknown'}`;
}

/** Reads the token of a request and asks who it belongs to. */
export async function identify(
  request: Request,
  signIns: SignIns,
  publicUrl: string | null,
): Promise<Viewer> {
  const source = sourceOf(request);
  const authorization = request.get('authorization');
  const bearer = authorization === undefined ? null : /^Bearer +(\S+)$/i.exec(authorization);
  const cookie = cookieValue(request.get('cookie'), cookieName(publicUrl));
  const token = authorization === undefined ? cookie : (bearer?.[1] ?? '');
  if (token === null) return { principal: null, token: null, by: 'nothing', source };
  const by = authorization === undefined ? 'cookie' : 'bearer';
  const usable = token.length > 0 && token.length <= MAX_TOKEN_CHARACTERS;
  const principal = usable ? await signIns.principalByToken(token, source, by) : null;
  return { principal, token, by, source };
}

/**
 * Whether somebody sent a token of ours that isn't one, as who guesses does. Those of issuers have dots. A
 * cookie that is too old is nobody's guess.
 */
export function isGuessedToken({ by, principal, token }: Viewer): boolean {
  return by === 'bearer' && principal === null && token?.includes('.') === false;
}

/**
 * Throws `access.forbidden` for an unsafe request that a foreign page may have caused. A bearer token
 * is never sent by a browser on its own, so such requests pass.
 */
export function refuseForeign(request: Request, viewer: Viewer, publicUrl: string | null): void {
  if (SAFE_METHODS.includes(request.method) || viewer.by === 'bearer') return;
  const site = request.get('sec-fetch-site');
  if (site === 'same-origin') return;
  const origin = request.get('origin');
  if (site === undefined && origin !== undefined && isOwnOrigin(origin, request, publicUrl)) return;
  const saysNothing = site === undefined && origin === undefined;
  if (saysNothing && viewer.by === 'nothing') return;
  throw new SallyportError(
    'access.forbidden',
    'this request did not come from one of our own pages',
    'go to the page and use its button; programs send "Authorization: Bearer TOKEN" instead of a cookie',
  );
}

function isOwnOrigin(origin: string, request: Request, publicUrl: string | null): boolean {
  if (!URL.canParse(origin)) return false;
  if (publicUrl !== null && origin === new URL(publicUrl).origin) return true;
  return new URL(origin).host === request.get('host');
}

/** The value of a cookie; null = it wasn't sent. */
export function cookieValue(header: string | undefined, name: string): string | null {
  for (const part of (header ?? '').split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim();
  }
  return null;
}

/** Keeps the viewer with the answer that is being made. */
export function rememberViewer(response: Response, viewer: Viewer): void {
  response.locals['viewer'] = viewer;
}

/** The viewer of this request; `identify` has run before every route that asks. */
export function viewerOf(response: Response): Viewer {
  const viewer = response.locals['viewer'] as Viewer | undefined;
  if (viewer === undefined) {
    throw new SallyportError('internal', 'the request has no viewer', 'report this as a bug');
  }
  return viewer;
}

/** The signed-in principal; throws `access.unauthenticated` through `otherwise`. */
export function signedIn(viewer: Viewer, otherwise: () => SallyportError): Principal {
  if (viewer.principal === null) throw otherwise();
  return viewer.principal;
}
