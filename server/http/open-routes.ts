/** What everybody may fetch: health for machines, counts, and the files of the pages. */
import { Router } from 'express';
import { onlyMethods } from './failure.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';

export function openRoutes(services: Services): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok', version: services.version });
  });
  router.get('/readyz', async (_request, response) => {
    const state = await services.readiness();
    response.status(state.ready ? 200 : 503).json(state);
  });
  router.get('/metrics', (_request, response) => {
    response.type('text/plain; version=0.0.4; charset=utf-8').send(services.metrics());
  });
  router.get('/assets/:name', (request, response) => {
    const asset = services.pages.asset(request.params.name);
    if (asset === null) throw unknownObject('file');
    response.set('Cache-Control', 'public, max-age=31536000, immutable');
    response.type(asset.type).send(asset.body);
  });
  router.all(['/healthz', '/readyz', '/metrics', '/assets/:name'], onlyMethods('GET', 'HEAD'));
  return router;
}
