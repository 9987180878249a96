/** `/api/v1/sessions…`: list, one, its commands, recording, replay, chain, and ending it. */
import { Router, type Request, type Response } from 'express';
import { refuseLargePage, sendRecording } from './exports.ts';
import { MAX_COMMAND_NUMBER, MAX_COMMANDS } from './command-window.ts';
import { onlyMethods } from './failure.ts';
import { sendKeptFile } from './file-routes.ts';
import { guard, unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import { recordingFormat, refuseUnknown, replayQuery, sessionQuery, wholeNumber } from './query.ts';
import { sessionFor, sessionsFor, type SessionAccess } from './session-access.ts';
import { viewerOf } from './viewer.ts';

export function sessionRoutes(services: Services): Router {
  const { recordings, views } = services;
  const router = Router();

  /** A session whose content is about to be read. */
  const opened = async (request: Request, response: Response): Promise<SessionAccess> => {
    const access = await sessionFor(services, response, request.params['id']);
    await views.looked(access.principal, access.session, access.source);
    return access;
  };

  router.get('/', async (request, response) => {
    const { page } = await sessionsFor(services, response, sessionQuery(request.query));
    response.json(page);
  });
  router.get('/:id', async (request, response) => {
    const { session } = await sessionFor(services, response, request.params.id);
    response.json(session);
  });
  router.get('/:id/commands', async (request, response) => {
    refuseUnknown(request.query, ['limit', 'cursor']);
    const limit = wholeNumber(request.query, 'limit', 1, MAX_COMMANDS) ?? MAX_COMMANDS;
    const from = wholeNumber(request.query, 'cursor', 1, MAX_COMMAND_NUMBER) ?? 1;
    const { session } = await opened(request, response);
    const rows = await recordings.commands(session.id, { from, limit: limit + 1 });
    const next = rows[limit]?.seq;
    response.json({ items: rows.slice(0, limit), next: next === undefined ? null : String(next) });
  });
  router.get('/:id/recording', async (request, response) => {
    const access = await sessionFor(services, response, request.params.id);
    const { session } = access;
    const format = recordingFormat(request.query);
    refuseLargePage(format, session);
    if (request.method === 'HEAD') return sendRecording(response, session, format, null);
    await views.exported(access.principal, session, access.source, format);
    const header = await recordings.header(session.id);
    const seal = await recordings.chain(session.id);
    if (header === null) throw unknownObject('session');
    const commands = format === 'html' ? await recordings.commands(session.id) : [];
    const { keyId, publicKey } = await services.recordingKey(seal?.head?.keyId ?? null);
    const page = () => services.pages.exported({ session, commands, keyId, publicKey });
    const events = recordings.events(session.id);
    await sendRecording(response, session, format, { header, events, seal, page });
  });
  router.get('/:id/files/:number', (request, response) =>
    sendKeptFile(services, request, response),
  );
  router.get('/:id/segments', async (request, response) => {
    const query = replayQuery(request.query, ['skip']);
    const { session } = await opened(request, response);
    response.type('json').send(await services.replays.index(session, query));
  });
  router.get('/:id/segments/:number', async (request, response) => {
    const query = replayQuery(request.query, ['skip', 'until']);
    const { session } = await opened(request, response);
    const number = /^\d{1,6}$/.test(request.params.number) ? Number(request.params.number) : null;
    const segment = number === null ? null : await services.replays.segment(session, number, query);
    if (segment === null) throw unknownObject('segment');
    response.type('json').send(segment);
  });
  router.get('/:id/live', async (request, response) => {
    const lastEvent = lastEventId(request);
    const { principal, session, source } = await opened(request, response);
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    const { token } = viewerOf(response);
    await services.live.watch(response, {
      session,
      principalId: principal.id,
      lastEvent,
      isAllowed: async () => {
        const now = token === null ? null : await services.signIns.principalByToken(token);
        if (now === null || now.id !== principal.id) return false;
        if (guard(now, 'session.read', session.principal.name).kind !== 'allowed') return false;
        await views.looked(now, session, source);
        return true;
      },
    });
  });
  router.get('/:id/pauses', async (request, response) => {
    const { session } = await opened(request, response);
    response.json(await services.replays.pauses(session));
  });
  router.get('/:id/chain', async (request, response) => {
    const { session } = await sessionFor(services, response, request.params.id);
    const chain = await recordings.chain(session.id);
    if (chain === null) throw unknownObject('session');
    response.json(chain);
  });
  router.all(
    ['/', '/:id', '/:id/commands', '/:id/recording', '/:id/segments', '/:id/segments/:number'],
    onlyMethods('GET', 'HEAD'),
  );
  router.all(
    ['/:id/pauses', '/:id/live', '/:id/chain', '/:id/files/:number'],
    onlyMethods('GET', 'HEAD'),
  );
  return router;
}

/** What a browser that comes back has got already. */
function lastEventId(request: Request): number | null {
  const id = request.get('last-event-id');
  return id !== undefined && /^\d{1,15}$/.test(id) ? Number(id) : null;
}
