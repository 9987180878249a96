/**
 * `/api/v1/rules`, and the page `/rules`: what each rule did, and a changed policy tried on the commands
 * of the last days. Trying reads what others ran, so it is journalled.
 */
import { Router, type Request, type Response } from 'express';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import { invalid, MAX_FILTER_CHARACTERS, refuseUnknown, text } from './query.ts';
import type { TrialOutcome } from './rule-ports.ts';
import { principalFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

export const MAX_POLICY_CHARACTERS = 50_000;
export const MAX_TRIAL_DAYS = 30;
const DEFAULT_TRIAL_DAYS = 7;

interface Wish {
  readonly name: string;
  readonly text: string;
  readonly days: number;
}

export function ruleRoutes(services: Services): Router {
  const { pages, policyDesk } = services;
  const router = Router();

  router.get('/api/v1/rules', async (request, response) => {
    principalFor(response, 'directory.read');
    refuseUnknown(request.query, []);
    response.json({ items: await policyDesk.policies(), next: null });
  });
  router.post('/api/v1/rules/try', async (request, response) => {
    const outcome = await tried(services, response, wishIn(request));
    if (outcome.kind === 'invalid') {
      throw invalid('policy', `can't be used: ${outcome.problems.join('; ')}`, 'correct it');
    }
    response.json(outcome);
  });

  router.get('/rules', async (request, response) => {
    principalFor(response, 'directory.read');
    refuseUnknown(request.query, ['policy']);
    const name = text(request.query, 'policy', MAX_FILTER_CHARACTERS);
    const [frame, policies, written] = await Promise.all([
      frameOf(services, response),
      policyDesk.policies(),
      name === null ? null : policyDesk.written(name),
    ]);
    if (name !== null && written === null) throw unknownObject('policy');
    const form = { name: name ?? '', text: written ?? '', days: DEFAULT_TRIAL_DAYS };
    response
      .type('html')
      .send(pages.rules({ frame, policies, form: name === null ? null : form, outcome: null }));
  });
  router.post('/rules', async (request, response) => {
    const form = wishIn(request);
    const outcome = await tried(services, response, form);
    const [frame, policies] = await Promise.all([
      frameOf(services, response),
      policyDesk.policies(),
    ]);
    if (outcome.kind === 'invalid') response.status(400);
    response.type('html').send(pages.rules({ frame, policies, form, outcome }));
  });

  router.all('/api/v1/rules', onlyMethods('GET', 'HEAD'));
  router.all('/api/v1/rules/try', onlyMethods('POST'));
  router.all('/rules', onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}

async function tried(
  services: Services,
  response: Response,
  wish: Wish,
): Promise<Exclude<TrialOutcome, { kind: 'unknown' }>> {
  const principal = principalFor(response, 'directory.read');
  const { days, name } = wish;
  const { source } = viewerOf(response);
  await services.views.searched(principal, source, { what: 'policy trial', policy: name, days });
  const outcome = await services.policyDesk.tryOut(wish);
  if (outcome.kind === 'unknown') throw unknownObject('policy');
  return outcome;
}

/** Throws `usage.invalid` for a body that asks for nothing that can be tried. */
function wishIn(request: Request): Wish {
  const body: unknown = request.body;
  const { days, name, policy } = (typeof body === 'object' && body !== null ? body : {}) as {
    readonly [field: string]: unknown;
  };
  if (typeof name !== 'string' || name === '' || name.length > MAX_FILTER_CHARACTERS) {
    throw invalid('name', 'names no policy', 'give the name of the policy to change');
  }
  if (typeof policy !== 'string' || policy.length > MAX_POLICY_CHARACTERS) {
    throw invalid(
      'policy',
      'is no text of the allowed length',
      `send the changed policy as YAML, at most ${MAX_POLICY_CHARACTERS} characters`,
    );
  }
  const wanted = days === undefined ? DEFAULT_TRIAL_DAYS : Number(days);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_TRIAL_DAYS) {
    throw invalid('days', 'is not a number in range', `use 1 to ${MAX_TRIAL_DAYS}`);
  }
  return { name, text: policy, days: wanted };
}
