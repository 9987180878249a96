/** `/api/v1/sessions/:id/hold…`: legal holds, which keep a session from being deleted. */
import { Router, type Request, type Response } from 'express';
import { SallyportError } from '../errors.ts';
import { onlyMethods } from './failure.ts';
import type { Services } from './options.ts';
import { sessionFor } from './session-access.ts';

export function holdRoutes(services: Services): Router {
  const { holds } = services;
  const router = Router();

  const change = async (request: Request, response: Response) => {
    const { id } = request.params;
    const { principal, session, source } = await sessionFor(services, response, id, 'session.hold');
    const reason = reasonIn(request.body);
    const { name } = principal;
    return { session: session.id, reason, by: name, principal: name, source };
  };

  router.get('/:id/holds', async (request, response) => {
    const { session } = await sessionFor(services, response, request.params.id, 'session.hold');
    response.json({ items: await holds.of(session.id), next: null });
  });
  router.post('/:id/hold', async (request, response) => {
    response.status(201).json(await holds.hold(await change(request, response)));
  });
  router.post('/:id/release', async (request, response) => {
    response.json(await holds.release(await change(request, response)));
  });
  router.all('/:id/holds', onlyMethods('GET', 'HEAD'));
  router.all(['/:id/hold', '/:id/release'], onlyMethods('POST'));
  return router;
}

function reasonIn(body: unknown): string {
  const reason = (body as { readonly reason?: unknown } | undefined)?.reason;
  if (typeof reason === 'string') return reason;
  throw new SallyportError('usage.invalid', 'a hold needs a reason', 'send "reason" as a string');
}
