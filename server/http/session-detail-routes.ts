/** `/api/v1/sessions/:id/transfers` and `/api/v1/sessions/:id/commands/:seq/output`. */
import { Router } from 'express';
import { commandOutput } from './command-output.ts';
import { onlyMethods } from './failure.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import {
  DEFAULT_LIMIT,
  MAX_CURSOR_CHARACTERS,
  MAX_LIMIT,
  refuseUnknown,
  text,
  wholeNumber,
} from './query.ts';
import { sessionFor } from './session-access.ts';
import { transfersOf } from './transfers.ts';

export function sessionDetailRoutes(services: Services): Router {
  const { audit, recordings, views } = services;
  const router = Router();

  router.get('/:id/transfers', async (request, response) => {
    const { principal, session, source } = await sessionFor(services, response, request.params.id);
    refuseUnknown(request.query, ['limit', 'cursor']);
    const limit = wholeNumber(request.query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
    const cursor = text(request.query, 'cursor', MAX_CURSOR_CHARACTERS);
    await views.looked(principal, session, source);
    const page = cursor === null ? { limit } : { limit, cursor };
    response.json(await transfersOf(audit, session, page));
  });
  router.get('/:id/commands/:seq/output', async (request, response) => {
    const { principal, session, source } = await sessionFor(services, response, request.params.id);
    const { seq } = request.params;
    await views.looked(principal, session, source);
    const from = /^[1-9]\d{0,8}$/.test(seq) ? Number(seq) : 0;
    const [command] = from === 0 ? [] : await recordings.commands(session.id, { from, limit: 1 });
    if (command?.seq !== from) throw unknownObject('command');
    const output = await commandOutput(recordings, session, command.seq);
    if (output.isCut) response.set('X-Sallyport-Cut', 'yes');
    response.type('text/plain').send(output.text);
  });

  router.all(['/:id/transfers', '/:id/commands/:seq/output'], onlyMethods('GET', 'HEAD'));
  return router;
}
