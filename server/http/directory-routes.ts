/** `GET /api/v1/principals`, `targets`, `grants`, `policies`, `credentials`: what is configured, for auditors. */
import { Router } from 'express';
import { onlyMethods } from './failure.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import type { DirectoryViews } from './ports.ts';
import { principalFor } from './session-access.ts';

/** Each kind, its singular, and what names one. */
const KINDS = [
  ['principals', 'principal', 'name'],
  ['targets', 'target', 'name'],
  ['grants', 'grant', 'id'],
  ['policies', 'policy', 'name'],
  ['credentials', 'credential', 'name'],
] as const satisfies readonly (readonly [keyof DirectoryViews, string, 'name' | 'id'])[];

export function directoryRoutes(services: Services): Router {
  const router = Router();
  for (const [kind, noun, key] of KINDS) {
    router.get(`/${kind}`, async (_request, response) => {
      principalFor(response, 'directory.read');
      response.json({ items: await services.directory.list(kind), next: null });
    });
    router.get(`/${kind}/:name`, async (request, response) => {
      principalFor(response, 'directory.read');
      const wanted = request.params.name;
      const all: readonly object[] = await services.directory.list(kind);
      const found = all.find((one) => (one as Readonly<Record<string, unknown>>)[key] === wanted);
      if (found === undefined) throw unknownObject(noun);
      response.json(found);
    });
    router.all([`/${kind}`, `/${kind}/:name`], onlyMethods('GET', 'HEAD'));
  }
  return router;
}
