/** What the list of sessions needs beside itself: pictures, news, and the filters that people keep. */
import { Router } from 'express';
import { SallyportError } from '../errors.ts';
import { isInvisible } from '../printable.ts';
import { onlyMethods } from './failure.ts';
import { refusal, unknownObject } from './guard.ts';
import { lastScreen } from './last-screen.ts';
import type { Services } from './options.ts';
import { invalid, sessionQuery } from './query.ts';
import type { SavedFilter, SaveNotice } from './saved-filter-ports.ts';
import { principalFor, readsAll, sessionFor } from './session-access.ts';
import { thumbnail } from './thumbnail.ts';
import { viewerOf } from './viewer.ts';

/** Pictures of sessions that have ended, the oldest is forgotten first. */
export const MAX_KEPT_PICTURES = 500;
export const MAX_FILTER_NAME_CHARACTERS = 60;

/** What a picture file may do: nothing. */
const PICTURE_POLICY = "default-src 'none'";

export function sessionListRoutes(services: Services): Router {
  const { news, recordings, savedFilters, signIns, views } = services;
  const router = Router();
  const pictures = new Map<string, string>();

  router.get('/api/v1/sessions/news', async (request, response) => {
    const principal = principalFor(response, 'session.list');
    const { token } = viewerOf(response);
    if (!readsAll(principal)) throw refusal({ kind: 'forbidden', needs: 'auditor' }, 'list');
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    const isAllowed = async (): Promise<boolean> => {
      const now = token === null ? null : await signIns.principalByToken(token);
      return now !== null && readsAll(now);
    };
    await news.listen(response, { principalId: principal.id, isAllowed });
  });

  router.get('/api/v1/sessions/:id/thumbnail', async (request, response) => {
    const { principal, session, source } = await sessionFor(services, response, request.params.id);
    await views.looked(principal, session, source);
    let picture = pictures.get(session.id);
    if (picture === undefined) {
      const screen = await lastScreen(recordings, session.id);
      if (screen === null) throw unknownObject('picture');
      picture = thumbnail(screen);
      if (session.status !== 'active') keep(pictures, session.id, picture);
    }
    response.set('Content-Security-Policy', PICTURE_POLICY);
    response.type('image/svg+xml').send(picture);
  });

  router.post('/sessions/filters', async (request, response) => {
    const principal = principalFor(response, 'session.list');
    const { name, query } = wishIn(request.body);
    const outcome = await savedFilters.save(principal.id, name, query);
    const shown = new URLSearchParams([...new URLSearchParams(query), [outcome, name]]);
    response.redirect(303, `/sessions?${shown.toString()}`);
  });
  router.post('/sessions/filters/delete', async (request, response) => {
    const principal = principalFor(response, 'session.list');
    await savedFilters.remove(principal.id, nameIn(request.body));
    response.redirect(303, '/sessions');
  });

  router.all('/api/v1/sessions/news', onlyMethods('GET', 'HEAD'));
  router.all('/api/v1/sessions/:id/thumbnail', onlyMethods('GET', 'HEAD'));
  router.all(['/sessions/filters', '/sessions/filters/delete'], onlyMethods('POST'));
  return router;
}

/** What the page says was just kept; null = nothing, or nothing that the viewer has. */
export function savedIn(
  query: Readonly<Record<string, unknown>>,
  saved: readonly SavedFilter[],
): SaveNotice | null {
  for (const outcome of ['saved', 'replaced'] as const) {
    const known = saved.find(({ name }) => name === query[outcome]);
    if (known !== undefined) return { outcome, name: known.name };
  }
  return null;
}

function keep(pictures: Map<string, string>, id: string, picture: string): void {
  pictures.set(id, picture);
  const oldest = pictures.keys().next();
  if (pictures.size > MAX_KEPT_PICTURES && oldest.done !== true) pictures.delete(oldest.value);
}

/** A name, and filters that the list takes; throws `usage.invalid` for others. */
function wishIn(body: unknown): { readonly name: string; readonly query: string } {
  const raw = (body as { readonly query?: unknown } | undefined)?.query;
  if (typeof raw !== 'string' || raw.length > 2000) {
    throw invalid('query', 'is no list of filters', 'use the form below the filters');
  }
  const fields = Object.fromEntries(
    [...new URLSearchParams(raw)].filter(([field, value]) => value !== '' && field !== 'cursor'),
  );
  sessionQuery(fields);
  const name = nameIn(body);
  if (isInvisible(name)) throw noName();
  return { name, query: new URLSearchParams(fields).toString() };
}

function nameIn(body: unknown): string {
  const name = (body as { readonly name?: unknown } | undefined)?.name;
  const trimmed = typeof name === 'string' ? name.trim() : '';
  if (trimmed === '' || trimmed.length > MAX_FILTER_NAME_CHARACTERS || trimmed.includes('\0')) {
    throw noName();
  }
  return trimmed;
}

function noName(): SallyportError {
  return new SallyportError(
    'usage.invalid',
    'the filters have no name of the allowed length',
    `give them a name of at most ${MAX_FILTER_NAME_CHARACTERS} characters that can be seen`,
  );
}
