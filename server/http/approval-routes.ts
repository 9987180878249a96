/** `/api/v1/approvals…`, and the decision that the page's form makes too. */
import { Router, type Request, type Response } from 'express';
import { SallyportError } from '../errors.ts';
import { onlyMethods } from './failure.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import type { ApprovalDesk } from './ports.ts';
import { approvalQuery } from './query.ts';
import { principalFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

export const MAX_REASON_CHARACTERS = 500;
const MAX_ID_CHARACTERS = 64;

type Outcome = Awaited<ReturnType<ApprovalDesk['decide']>>;

export function approvalRoutes(services: Services): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    principalFor(response, 'approval.list');
    const query = approvalQuery(request.query);
    response.json({ items: await services.approvals.listApprovals(query), next: null });
  });
  router.post('/:id/approve', async (request, response) => {
    answer(response, await decide(services, request, response, 'approved'));
  });
  router.post('/:id/deny', async (request, response) => {
    answer(response, await decide(services, request, response, 'refused'));
  });
  router.get('/:id', async (request, response) => {
    principalFor(response, 'approval.list');
    const { id } = request.params;
    const approval = id.length <= MAX_ID_CHARACTERS ? await services.approvals.approval(id) : null;
    if (approval === null) throw unknownObject('approval');
    response.json(approval);
  });
  router.all(['/', '/:id'], onlyMethods('GET', 'HEAD'));
  router.all(['/:id/approve', '/:id/deny'], onlyMethods('POST'));
  return router;
}

/** Reads the reason from the body and asks the desk. Throws for who may not, and for a bad reason. */
export async function decide(
  services: Services,
  request: Request,
  response: Response,
  decision: 'approved' | 'refused',
): Promise<Outcome> {
  const principal = principalFor(response, 'approval.decide');
  const id = request.params['id'];
  const reason = reasonIn(request.body);
  if (typeof id !== 'string' || id.length > MAX_ID_CHARACTERS) return { kind: 'unknown' };
  const { source } = viewerOf(response);
  return services.approvals.decide(id, decision, { principal, source, reason });
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

function answer(response: Response, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'decided':
      response.json(outcome.approval);
      return;
    case 'unknown':
      throw unknownObject('approval');
    case 'already-decided':
      throw new SallyportError(
        'object.conflict',
        `the request is ${outcome.approval.status} already`,
        'the first decision counts; read it with GET on the approval',
      );
    case 'own-request':
      throw new SallyportError(
        'access.forbidden',
        'nobody decides on their own request',
        'ask another approver',
      );
    case 'not-an-approver':
      throw new SallyportError(
        'access.forbidden',
        'the rule that held this command names other approvers',
        'ask one of them',
      );
  }
}
