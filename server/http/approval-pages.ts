/** The pages of approvals: the inbox and one request, with forms that work without scripts. */
import { Router, type Request, type Response } from 'express';
import { SallyportError } from '../errors.ts';
import { approvalFor, surroundings } from './approval-access.ts';
import type { DecisionNotice, NoticeProps } from './approval-page-props.ts';
import { decide, MAX_STANDING_LISTED, revoke } from './approval-routes.ts';
import { doneIn, liveSession } from './control-routes.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { guard } from './guard.ts';
import type { Services } from './options.ts';
import { principalFor, readsAll } from './session-access.ts';

/** Decided requests that the page shows, newest first. */
export const MAX_DECIDED_SHOWN = 50;
export const MAX_WAITING_LISTED = 200;

const NOTICES: readonly string[] = [
  'approved',
  'refused',
  'agreed',
  'revoked',
  'not-standing',
  'unknown',
  'already-decided',
  'own-request',
  'four-eyes',
  'not-an-approver',
  'once-only',
] satisfies readonly DecisionNotice[];

export function approvalPages(services: Services): Router {
  const { approvals, pages } = services;
  const router = Router();

  router.get('/approvals', async (request, response) => {
    const principal = principalFor(response, 'approval.list');
    const [waiting, latest, standing, frame, notice] = await Promise.all([
      approvals.listApprovals({ status: 'waiting', limit: MAX_WAITING_LISTED }),
      approvals.listApprovals({ uses: false, limit: MAX_DECIDED_SHOWN }),
      approvals.standing(MAX_STANDING_LISTED),
      frameOf(services, response),
      noticeIn(services, request),
    ]);
    const mine = waiting.map(async (approval) => {
      const stands = await approvals.standingFor(approval.id, principal);
      return { approval, decides: stands?.decides ?? ('not-an-approver' as const) };
    });
    const html = pages.approvals({
      frame,
      waiting: await Promise.all(mine),
      standing,
      decided: latest.filter((one) => one.status !== 'waiting'),
      notice,
      done: doneIn(request.query),
      mayReadSessions: readsAll(principal),
    });
    response.type('html').send(html);
  });

  router.get('/approvals/:id', async (request, response) => {
    const access = await approvalFor(services, response, request.params.id);
    const { approval, principal, standing } = access;
    const [around, live, frame, notice] = await Promise.all([
      surroundings(services, access),
      liveSession(services, principal, approval.session, request.query),
      frameOf(services, response),
      noticeIn(services, request),
    ]);
    const html = pages.approval({
      frame,
      approval,
      decides: standing.decides,
      around,
      live,
      notice,
      mayReadSessions: readsAll(principal) || approval.principal === principal.name,
      mayRevoke: guard(principal, 'approval.decide').kind === 'allowed',
    });
    response.type('html').send(html);
  });

  router.post('/approvals/:id', async (request, response) => {
    const choice = field(request, 'decision');
    if (choice !== 'approve' && choice !== 'deny') {
      throw new SallyportError(
        'usage.invalid',
        'the form says neither approve nor deny',
        'use the buttons of the page',
      );
    }
    const verdict = choice === 'approve' ? 'approved' : 'refused';
    const outcome = await decide(services, request, response, verdict);
    back(request, response, outcome.kind === 'decided' ? verdict : outcome.kind);
  });

  router.post('/approvals/:id/revoke', async (request, response) => {
    back(request, response, (await revoke(services, request, response)).kind);
  });

  router.all('/approvals', onlyMethods('GET', 'HEAD'));
  router.all('/approvals/:id', onlyMethods('GET', 'HEAD', 'POST'));
  router.all('/approvals/:id/revoke', onlyMethods('POST'));
  return router;
}

/** To the page that the form stood on. */
function back(request: Request, response: Response, notice: DecisionNotice): void {
  const id = String(request.params['id']);
  const query = new URLSearchParams({ notice, id });
  const isOne = field(request, 'page') === 'one' && notice !== 'unknown';
  const path = isOne ? `/approvals/${encodeURIComponent(id)}` : '/approvals';
  response.redirect(303, `${path}?${query.toString()}`);
}

function field(request: Request, name: string): unknown {
  return (request.body as Readonly<Record<string, unknown>> | undefined)?.[name];
}

async function noticeIn(services: Services, request: Request): Promise<NoticeProps | null> {
  const { notice: kind, id } = request.query;
  if (typeof kind !== 'string' || typeof id !== 'string' || !NOTICES.includes(kind)) return null;
  const shown = { kind: kind as DecisionNotice, id: id.slice(0, 64) };
  const first = kind === 'already-decided' ? await services.approvals.approval(shown.id) : null;
  return { ...shown, by: first?.decidedBy ?? null };
}
