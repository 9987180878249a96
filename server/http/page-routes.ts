/** The pages: the same reads and the same guard as the API, answered as HTML. */
import { Router } from 'express';
import { controlState, doneIn } from './control-routes.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { guard } from './guard.ts';
import { listProblem } from './list-problem.ts';
import type { Services } from './options.ts';
import type { SessionsProps } from './pages.ts';
import { sessionFilters, sessionQuery, wholeNumber } from './query.ts';
import { commandWindow, MAX_COMMAND_NUMBER } from './command-window.ts';
import { savedIn } from './session-list-routes.ts';
import { sessionDetails } from './session-details.ts';
import { principalFor, sessionFor, sessionsFor } from './session-access.ts';

export function pageRoutes(services: Services): Router {
  const { pages, recordings } = services;
  const router = Router();

  router.get('/', (_request, response) => response.redirect(302, '/sessions'));

  router.get('/sessions', async (request, response) => {
    const principal = principalFor(response, 'session.list');
    const frame = await frameOf(services, response);
    // How they are shown, and what was just done, are no filters of what there is.
    const { show, saved: _saved, replaced: _replaced, ...asked } = request.query;
    const filters = sessionFilters(asked);
    const continued = typeof request.query['cursor'] === 'string';
    const saved = await services.savedFilters.list(principal.id);
    const kept = savedIn(request.query, saved);
    const base = { frame, filters, continued, saved, kept, showsScreens: show === 'screens' };
    let props: SessionsProps;
    try {
      const found = await sessionsFor(services, response, sessionQuery(asked));
      props = { ...base, ...found, problem: null };
    } catch (error) {
      const problem = listProblem(error, response);
      props = { ...base, scope: 'all', page: { items: [], next: null }, problem };
    }
    response.type('html').send(pages.sessions(props));
  });

  router.get('/sessions/:id', async (request, response) => {
    const { session, principal, source } = await sessionFor(services, response, request.params.id);
    const from = wholeNumber(request.query, 'from', 1, MAX_COMMAND_NUMBER) ?? 1;
    await services.views.looked(principal, session, source);
    const signed = recordings.head(session.id);
    const [frame, commands, controls, head, details] = await Promise.all([
      frameOf(services, response),
      commandWindow(recordings, session.id, from, session.commandCount),
      services.controls.controlsOf(session.id),
      signed,
      sessionDetails(services, principal, session, signed),
    ]);
    const isActive = session.status === 'active';
    const may = (action: 'session.control' | 'session.terminate'): boolean =>
      isActive && guard(principal, action, session.principal.name).kind === 'allowed';
    const html = pages.session({
      frame,
      session,
      commands,
      head,
      details,
      controls,
      ...controlState(controls),
      mayControl: may('session.control'),
      mayTerminate: may('session.terminate'),
      done: isActive ? doneIn(request.query) : null,
    });
    response.type('html').send(html);
  });

  router.all(['/', '/sessions', '/sessions/:id'], onlyMethods('GET', 'HEAD'));
  return router;
}
