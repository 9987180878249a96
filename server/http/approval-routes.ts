/** `/api/v1/approvals…`, and the decisions that the pages' forms make too. */
import { Router, type Request, type Response } from 'express';
import { readScope, SCOPE_FORM, type GrantedScope } from '../access/approval-scope.ts';
import { SallyportError } from '../errors.ts';
import { approvalFor, MAX_ID_CHARACTERS, surroundings } from './approval-access.ts';
import { onlyMethods } from './failure.ts';
import { guard, unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import type { ApprovalDesk } from './ports.ts';
import { approvalQuery, refuseUnknown } from './query.ts';
import { principalFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

export const MAX_REASON_CHARACTERS = 500;
export const MAX_STANDING_LISTED = 200;

type Outcome = Awaited<ReturnType<ApprovalDesk['decide']>>;
type Revoked = Awaited<ReturnType<ApprovalDesk['revoke']>>;

export function approvalRoutes(services: Services): Router {
  const { approvals, feed, live } = services;
  const router = Router();
  router.get('/', async (request, response) => {
    principalFor(response, 'approval.list');
    const query = approvalQuery(request.query);
    response.json({ items: await approvals.listApprovals(query), next: null });
  });
  router.get('/standing', async (request, response) => {
    principalFor(response, 'approval.list');
    refuseUnknown(request.query, []);
    response.json({ items: await approvals.standing(MAX_STANDING_LISTED), next: null });
  });
  router.get('/stream', async (request, response) => {
    const principal = principalFor(response, 'approval.list');
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    const isAllowed = stillAllowed(services, response);
    await feed.listen(response, {
      principalId: principal.id,
      lastEvent: lastEventId(request),
      isAllowed: () => isAllowed(async () => true),
    });
  });
  router.post('/:id/approve', async (request, response) => {
    answer(response, await decide(services, request, response, 'approved'));
  });
  router.post('/:id/deny', async (request, response) => {
    answer(response, await decide(services, request, response, 'refused'));
  });
  router.post('/:id/revoke', async (request, response) => {
    const outcome = await revoke(services, request, response);
    if (outcome.kind === 'unknown') throw unknownObject('approval');
    if (outcome.kind === 'not-standing') {
      throw new SallyportError(
        'object.conflict',
        'that approval counts for nothing any more',
        'GET /api/v1/approvals/standing lists those that do',
      );
    }
    response.json(outcome.approval);
  });
  router.get('/:id', async (request, response) => {
    const access = await approvalFor(services, response, request.params.id);
    const around = await surroundings(services, access);
    response.json({ ...access.approval, mayDecide: access.standing.decides, surroundings: around });
  });
  router.get('/:id/live', async (request, response) => {
    const access = await approvalFor(services, response, request.params.id);
    const { approval, principal, source } = access;
    const session =
      approval.session === null || !access.mayLook || approval.status !== 'waiting'
        ? null
        : await services.recordings.session(approval.session);
    if (session === null) throw unknownObject('screen');
    await services.views.looked(principal, session, source);
    if (request.method === 'HEAD') {
      response.type('text/event-stream').end();
      return;
    }
    const isAllowed = stillAllowed(services, response);
    await live.watch(response, {
      session,
      principalId: principal.id,
      lastEvent: lastEventId(request),
      isAllowed: () =>
        isAllowed(async () => (await approvals.approval(approval.id))?.status === 'waiting'),
    });
  });
  router.all(['/', '/standing', '/stream', '/:id', '/:id/live'], onlyMethods('GET', 'HEAD'));
  router.all(['/:id/approve', '/:id/deny', '/:id/revoke'], onlyMethods('POST'));
  return router;
}

/** Whether whoever sent the request is still let in, and `still` holds. */
function stillAllowed(services: Services, response: Response) {
  const { principal, token } = viewerOf(response);
  return async (still: () => Promise<boolean>): Promise<boolean> => {
    const now = token === null ? null : await services.signIns.principalByToken(token);
    if (now === null || now.id !== principal?.id) return false;
    return guard(now, 'approval.list').kind === 'allowed' && still();
  };
}

/** What a browser that comes back has got already. */
function lastEventId(request: Request): number | null {
  const id = request.get('last-event-id');
  return id !== undefined && /^\d{1,15}$/.test(id) ? Number(id) : null;
}

/** Reads reason and scope from the body and asks the desk. Throws for who may not, and for bad ones. */
export async function decide(
  services: Services,
  request: Request,
  response: Response,
  decision: 'approved' | 'refused',
): Promise<Outcome> {
  const principal = principalFor(response, 'approval.decide');
  const id = request.params['id'];
  const reason = reasonIn(request.body);
  const scope = decision === 'approved' ? scopeIn(request.body) : ({ kind: 'once' } as const);
  if (typeof id !== 'string' || id.length > MAX_ID_CHARACTERS) return { kind: 'unknown' };
  const { source } = viewerOf(response);
  return services.approvals.decide(id, decision, { principal, source, reason, scope });
}

/** Ends what counts for more than once. */
export async function revoke(
  services: Services,
  request: Request,
  response: Response,
): Promise<Revoked> {
  const principal = principalFor(response, 'approval.decide');
  const id = request.params['id'];
  const reason = reasonIn(request.body);
  if (typeof id !== 'string' || id.length > MAX_ID_CHARACTERS) return { kind: 'unknown' };
  const { source } = viewerOf(response);
  return services.approvals.revoke(id, { principal, source, reason });
}

function reasonIn(body: unknown): string | null {
  const reason = (body as { readonly reason?: unknown } | undefined)?.reason ?? null;
  if (reason === null) return null;
  if (
    typeof reason !== 'string' ||
    reason.length > MAX_REASON_CHARACTERS ||
    reason.includes('\0')
  ) {
    throw new SallyportError(
      'usage.invalid',
      'the reason is not a text of the allowed length',
      `send "reason" as a string of at most ${MAX_REASON_CHARACTERS} characters, or leave it out`,
    );
  }
  return reason.trim() === '' ? null : reason.trim();
}

function scopeIn(body: unknown): GrantedScope {
  const given = (body as { readonly scope?: unknown } | undefined)?.scope ?? 'once';
  const scope = typeof given === 'string' ? readScope(given) : null;
  if (scope !== null) return scope;
  throw new SallyportError(
    'usage.invalid',
    'the scope is none that an approval can have',
    `send "scope" as ${SCOPE_FORM}, or leave it out`,
  );
}

function answer(response: Response, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'decided':
      response.json(outcome.approval);
      return;
    case 'agreed':
      response.status(202).json({ ...outcome.approval, missing: outcome.missing });
      return;
    case 'unknown':
      throw unknownObject('approval');
    case 'already-decided': {
      const { decidedBy, status } = outcome.approval;
      throw new SallyportError(
        'object.conflict',
        `the request is ${status} already${decidedBy === null ? '' : ` by ${decidedBy}`}`,
        'the first decision counts; read it with GET on the approval',
      );
    }
    case 'own-request':
      throw forbidden('nobody decides on their own request', 'ask another approver');
    case 'four-eyes':
      throw forbidden(
        'the rule asks for somebody who does not own the agent that asks',
        'ask another approver',
      );
    case 'not-an-approver':
      throw forbidden('the rule that held this names other approvers', 'ask one of them');
    case 'once-only':
      throw new SallyportError(
        'object.conflict',
        `it can be approved only once: ${outcome.why}`,
        'leave "scope" out',
      );
  }
}

function forbidden(what: string, hint: string): SallyportError {
  return new SallyportError('access.forbidden', what, hint);
}
