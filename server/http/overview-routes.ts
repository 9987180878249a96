/** `/api/v1/overview` and the page `/overview`: figures for those who may look at everything. */
import { Router } from 'express';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import type { Services } from './options.ts';
import { refuseUnknown } from './query.ts';
import { principalFor } from './session-access.ts';

export function overviewRoutes(services: Services): Router {
  const router = Router();
  router.get('/api/v1/overview', async (request, response) => {
    principalFor(response, 'directory.read');
    refuseUnknown(request.query, []);
    response.json(await services.overview.overview());
  });
  router.get('/overview', async (_request, response) => {
    principalFor(response, 'directory.read');
    const [frame, overview, { checks, ready }] = await Promise.all([
      frameOf(services, response),
      services.overview.overview(),
      services.readiness(),
    ]);
    response.type('html').send(services.pages.overview({ frame, overview, ready, checks }));
  });
  router.all(['/api/v1/overview', '/overview'], onlyMethods('GET', 'HEAD'));
  return router;
}
