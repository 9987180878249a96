/** The pages: the same reads and the same guard as the API, answered as HTML. */
import { Router } from 'express';
import { messageOf, SallyportError } from '../errors.ts';
import { decide } from './approval-routes.ts';
import { controlState, doneIn } from './control-routes.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { guard } from './guard.ts';
import type { Services } from './options.ts';
import type { DecisionNotice, SessionsProps } from './pages.ts';
import { sessionFilters, sessionQuery } from './query.ts';
import { principalFor, sessionFor, sessionsFor } from './session-access.ts';

/** Decided requests that the page shows, newest first. */
export const MAX_DECIDED_SHOWN = 50;
export const MAX_WAITING_LISTED = 200;

const NOTICES: readonly string[] = [
  'approved',
  'refused',
  'unknown',
  'already-decided',
  'own-request',
  'not-an-approver',
] satisfies readonly DecisionNotice[];

export function pageRoutes(services: Services): Router {
  const { pages, recordings, approvals } = services;
  const router = Router();

  router.get('/', (_request, response) => response.redirect(302, '/sessions'));

  router.get('/sessions', async (request, response) => {
    principalFor(response, 'session.list');
    const frame = await frameOf(services, response);
    const filters = sessionFilters(request.query);
    const continued = typeof request.query['cursor'] === 'string';
    const base = { frame, filters, continued };
    let props: SessionsProps;
    try {
      const found = await sessionsFor(services, response, sessionQuery(request.query));
      props = { ...base, ...found, problem: null };
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code !== 'usage.invalid') throw error;
      const problem = { message: messageOf(error), hint: error.hint };
      props = { ...base, scope: 'all', page: { items: [], next: null }, problem };
      response.status(400);
    }
    response.type('html').send(pages.sessions(props));
  });

  router.get('/sessions/:id', async (request, response) => {
    const { session, principal, source } = await sessionFor(services, response, request.params.id);
    await services.views.looked(principal, session, source);
    const [frame, commands, chain, controls] = await Promise.all([
      frameOf(services, response),
      recordings.commands(session.id),
      recordings.chain(session.id),
      services.controls.controlsOf(session.id),
    ]);
    const isActive = session.status === 'active';
    const may = (action: 'session.control' | 'session.terminate'): boolean =>
      isActive && guard(principal, action, session.principal.name).kind === 'allowed';
    const html = pages.session({
      frame,
      session,
      commands,
      head: chain?.head ?? null,
      controls,
      ...controlState(controls),
      mayControl: may('session.control'),
      mayTerminate: may('session.terminate'),
      done: isActive ? doneIn(request.query) : null,
    });
    response.type('html').send(html);
  });
  router.get('/approvals', async (request, response) => {
    const principal = principalFor(response, 'approval.list');
    const [waiting, latest, frame] = await Promise.all([
      approvals.listApprovals({ status: 'waiting', limit: MAX_WAITING_LISTED }),
      approvals.listApprovals({ limit: MAX_DECIDED_SHOWN }),
      frameOf(services, response),
    ]);
    const { notice: kind, id } = request.query;
    const notice =
      typeof kind === 'string' && typeof id === 'string' && NOTICES.includes(kind)
        ? { kind: kind as DecisionNotice, id: id.slice(0, 64) }
        : null;
    const listing = guard(principal, 'session.list');
    const html = pages.approvals({
      frame,
      waiting,
      decided: latest.filter((one) => one.status !== 'waiting'),
      notice,
      mayReadSessions: listing.kind === 'allowed' && listing.scope === 'all',
    });
    response.type('html').send(html);
  });
  router.get('/approvals/:id', (request, response) => {
    response.redirect(302, `/approvals#approval-${encodeURIComponent(request.params.id)}`);
  });
  router.post('/approvals/:id', async (request, response) => {
    const choice = (request.body as { readonly decision?: unknown } | undefined)?.decision;
    if (choice !== 'approve' && choice !== 'deny') {
      throw new SallyportError(
        'usage.invalid',
        'the form says neither approve nor deny',
        'use the buttons of the page',
      );
    }
    const verdict = choice === 'approve' ? 'approved' : 'refused';
    const outcome = await decide(services, request, response, verdict);
    const notice: DecisionNotice = outcome.kind === 'decided' ? verdict : outcome.kind;
    const query = new URLSearchParams({ notice, id: request.params.id });
    response.redirect(303, `/approvals?${query.toString()}`);
  });

  router.all(['/', '/sessions', '/sessions/:id', '/approvals'], onlyMethods('GET', 'HEAD'));
  router.all('/approvals/:id', onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}
