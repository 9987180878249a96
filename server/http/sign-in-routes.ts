/**
 * Signing in by the one-time link, and out. The link's page only shows a button: programs that preview
 * links fetch it without using it up.
 */
import { Router } from 'express';
import { SallyportError } from '../errors.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { signOutPlace } from './oidc-routes.ts';
import type { Services } from './options.ts';
import { cookieName, isHttps, MAX_TOKEN_CHARACTERS, viewerOf } from './viewer.ts';

export function signInRoutes(services: Services): Router {
  const { audit, attempts, signIns, pages, publicUrl, logger } = services;
  const router = Router();
  const cookie = {
    httpOnly: true,
    sameSite: 'lax',
    secure: isHttps(publicUrl),
    path: '/',
  } as const;

  router.get('/setup/:token', async (request, response) => {
    const frame = await frameOf(services, response);
    const action = `/setup/${encodeURIComponent(request.params.token)}`;
    response.type('html').send(pages.setup({ frame, action }));
  });
  router.post('/setup/:token', async (request, response) => {
    const { source } = viewerOf(response);
    attempts.take(source);
    const { token } = request.params;
    const signedIn = token.length <= MAX_TOKEN_CHARACTERS ? await signIns.redeemSetup(token) : null;
    if (signedIn === null) {
      logger.warn('http.sign-in-refused', { source });
      throw new SallyportError(
        'access.unauthenticated',
        'this link is unknown, expired or already used',
        'a link works once and for 15 minutes; ask for a new one, or restart the server to print one',
      );
    }
    await audit.append({
      type: 'web.signed-in',
      principal: signedIn.principal.name,
      source,
      session: null,
      target: null,
      data: { by: 'setup-link' },
    });
    response.cookie(cookieName(publicUrl), signedIn.token, cookie);
    response.redirect(303, '/sessions');
  });
  router.post('/sign-out', async (request, response) => {
    const { principal, token, by, source } = viewerOf(response);
    const place = by === 'cookie' ? await signOutPlace(services, request) : null;
    if (by === 'cookie' && principal !== null && token !== null) {
      await signIns.revoke(token);
      await audit.append({
        type: 'web.signed-out',
        principal: principal.name,
        source,
        session: null,
        target: null,
        data: {},
      });
    }
    response.clearCookie(cookieName(publicUrl), cookie);
    response.redirect(303, place ?? '/');
  });
  router.all('/setup/:token', onlyMethods('GET', 'HEAD', 'POST'));
  router.all('/sign-out', onlyMethods('POST'));
  return router;
}
