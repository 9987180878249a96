/** The pages of what is configured: `/principals`, `/targets`, `/grants`, `/credentials`. */
import { Router } from 'express';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import type { Services } from './options.ts';
import type { DirectoryProps } from './pages.ts';
import { MAX_FILTER_CHARACTERS, refuseUnknown, text } from './query.ts';
import { principalFor } from './session-access.ts';

const KINDS = ['principals', 'targets', 'grants', 'credentials'] as const;

export function directoryPages(services: Services): Router {
  const router = Router();
  for (const kind of KINDS) {
    router.get(`/${kind}`, async (request, response) => {
      principalFor(response, 'directory.read');
      refuseUnknown(request.query, ['q']);
      const q = text(request.query, 'q', MAX_FILTER_CHARACTERS) ?? '';
      const [frame, all] = await Promise.all([
        frameOf(services, response),
        services.directory.list(kind),
      ]);
      const items = (all as readonly object[]).filter((one) => mentions(one, q));
      const found = { kind, items } as unknown as DirectoryProps['found'];
      response.type('html').send(services.pages.directory({ frame, q, found, total: all.length }));
    });
    router.all(`/${kind}`, onlyMethods('GET', 'HEAD'));
  }
  return router;
}

/** Whether a name or value of the object holds the text, upper and lower case alike. */
function mentions(one: object, q: string): boolean {
  const wanted = q.toLowerCase();
  const look = (value: unknown): boolean => {
    if (typeof value === 'object' && value !== null) return Object.values(value).some(look);
    return typeof value === 'string' && value.toLowerCase().includes(wanted);
  };
  const labels = 'labels' in one && typeof one.labels === 'object' ? (one.labels ?? {}) : {};
  return (
    look(one) ||
    Object.entries(labels).some(([name, value]) => `${name}=${String(value)}`.includes(wanted))
  );
}
