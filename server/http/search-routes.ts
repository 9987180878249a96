/** `/api/v1/search`, `/api/v1/commands` and the page `/search`. Searching what others did is journalled. */
import { Router, type Request, type Response } from 'express';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { listProblem } from './list-problem.ts';
import type { Services } from './options.ts';
import type { SearchProps } from './pages.ts';
import type { SearchPage, SearchQuery } from './ports.ts';
import { invalid } from './query.ts';
import { searchFilters, searchQuery } from './search-query.ts';
import { principalFor, scopeOf, sessionFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

/** Between the end of a session and the times of what it printed. */
const SLACK_MS = 60_000;

const NOTHING: SearchPage = {
  items: [],
  next: null,
  missing: { cutSessions: 0, waitingSessions: 0 },
};

export function searchRoutes(services: Services): Router {
  const router = Router();

  router.get('/api/v1/search', async (request, response) => {
    principalFor(response, 'session.list');
    const { page } = await found(services, response, searchQuery(request.query));
    response.json(page);
  });
  router.get('/api/v1/commands', async (request, response) => {
    principalFor(response, 'session.list');
    const query = searchQuery(request.query);
    if (query.in !== 'commands') {
      throw invalid('in', 'can only be "commands" here', 'use /api/v1/search?in=output');
    }
    const { page } = await found(services, response, query);
    response.json(page);
  });
  router.get('/search', (request, response) => searchPage(services, request, response));

  router.all(['/api/v1/search', '/api/v1/commands', '/search'], onlyMethods('GET', 'HEAD'));
  return router;
}

async function searchPage(services: Services, request: Request, response: Response): Promise<void> {
  principalFor(response, 'session.list');
  const filters = searchFilters(request.query);
  const { in: _place, ...asked } = filters;
  const base = {
    frame: await frameOf(services, response),
    filters,
    continued: typeof request.query['cursor'] === 'string',
  };
  let props: SearchProps = { ...base, scope: scopeOf(response), page: null, problem: null };
  try {
    const query = searchQuery(request.query);
    if (Object.values(asked).some((value) => value !== '')) {
      props = { ...props, ...(await found(services, response, query)) };
    }
  } catch (error) {
    props = { ...props, problem: listProblem(error, response) };
  }
  response.type('html').send(services.pages.search(props));
}

/** What the viewer may see of what matches. */
async function found(
  services: Services,
  response: Response,
  query: SearchQuery,
): Promise<{ readonly scope: 'all' | 'own'; readonly page: SearchPage }> {
  const principal = principalFor(response, 'session.list');
  const scope = scopeOf(response);
  if (query.session !== undefined) return foundIn(services, response, query, query.session);
  if (scope === 'own') {
    if (query.principal !== undefined && query.principal !== principal.name) {
      return { scope, page: NOTHING };
    }
    const own = { ...query, principal: principal.name };
    return { scope, page: await services.search.search(own) };
  }
  if (query.principal !== principal.name) {
    const { cursor: _cursor, limit: _limit, ...asked } = query;
    await services.views.searched(principal, viewerOf(response).source, asked);
  }
  return { scope, page: await services.search.search(query) };
}

/** Within one session: who may read it may search it, and its look in the journal covers that. */
async function foundIn(
  services: Services,
  response: Response,
  query: SearchQuery,
  id: string,
): Promise<{ readonly scope: 'all' | 'own'; readonly page: SearchPage }> {
  const { principal, session, source } = await sessionFor(services, response, id);
  await services.views.looked(principal, session, source);
  const scope = scopeOf(response);
  const { name } = session.principal;
  const isOther =
    (query.principal ?? name) !== name || (query.target ?? session.target) !== session.target;
  if (isOther) return { scope, page: NOTHING };
  // What is known of the session leads to few blocks of the index.
  const page = await services.search.search({
    ...query,
    principal: name,
    target: session.target,
    from: later(query.from, session.startedAt),
    ...(session.endedAt !== null && query.to === undefined && { to: after(session.endedAt) }),
    ...(session.run !== null && { run: session.run }),
  });
  return { scope, page };
}

function later(one: string | undefined, other: string): string {
  return one === undefined || one < other ? other : one;
}

/** What was printed last may have been written down a moment later. */
function after(iso: string): string {
  return new Date(Date.parse(iso) + SLACK_MS).toISOString();
}
