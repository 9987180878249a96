/**
 * The page on which a person signs an ssh client in. Whoever sees it has the link; only who sees the terminal
 * has the code. Not caught here: somebody who is talked into reading the code from a stranger's message.
 */
import { Router, type Request, type Response } from 'express';
import type { Principal } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import type { LinkView } from './link-ports.ts';
import type { Services } from './options.ts';
import { viewerOf } from './viewer.ts';

/** How long keys are offered to be remembered, where the longest allows it. */
const OFFERED_LIVES_MS: readonly number[] = [1, 4, 12, 24].map((hours) => hours * 3_600_000);
const MAX_FIELD_CHARACTERS = 200;

export function linkRoutes(services: Services): Router {
  const { attempts, clientSignIns, pages } = services;
  const { links } = clientSignIns;
  const router = Router();

  router.get('/ssh/:token', async (request, response) => {
    const principal = await personIn(services, response, 'sign ssh clients in');
    const link = await linkOf(services, response, request.params.token, principal);
    await show(services, request, response, link, null);
  });
  router.post('/ssh/:token', async (request, response) => {
    const principal = await personIn(services, response, 'sign ssh clients in');
    const { source } = viewerOf(response);
    const { token } = request.params;
    const { code, decision, key, life } = fieldsOf(request.body);
    const frame = await frameOf(services, response);
    if (decision === 'refuse') {
      if (!(await links.refuse(token, { principal }))) throw gone();
      const html = pages.signedClient({ frame, done: 'refused', client: 'ssh' });
      response.type('html').send(html);
      return;
    }
    const link = await linkOf(services, response, token, principal);
    const lifeMs = livesOf(services).find((one) => String(one) === life);
    const remember =
      decision === 'remember' && lifeMs !== undefined ? { fingerprint: key, lifeMs } : null;
    if (decision !== 'once' && remember === null) {
      throw new SallyportError(
        'usage.invalid',
        'the form says neither once nor how long',
        'use the buttons of the page',
      );
    }
    attempts.take(source, principal.name);
    const outcome = await links.confirm(token, { code, principal, source, remember });
    if (outcome.kind === 'gone') throw gone();
    if (outcome.kind === 'not-that-key') {
      attempts.forgive(source, principal.name);
      const problem = 'This key can’t be remembered. Sign in once, or choose another one.';
      return show(services, request, response, link, problem);
    }
    if (outcome.kind === 'wrong-code') {
      const { attemptsLeft } = outcome;
      if (attemptsLeft === 0) throw voided();
      const problem = `That is not the code that the terminal shows. ${attemptsLeft} more ${
        attemptsLeft === 1 ? 'try' : 'tries'
      }.`;
      return show(services, request, response, { ...link, attemptsLeft }, problem);
    }
    attempts.forgive(source, principal.name);
    response.type('html').send(pages.signedClient({ frame, done: 'signed-in', client: 'ssh' }));
  });
  router.all('/ssh/:token', onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}

/**
 * The person who is signed in in this browser. Programs have no business here: who holds an agent's session
 * or anybody's token is not a person who looks at a page.
 */
export async function personIn(
  services: Services,
  response: Response,
  what: string,
): Promise<Principal> {
  const { by, principal, source } = viewerOf(response);
  if (principal === null) {
    throw new SallyportError(
      'access.unauthenticated',
      'you are not signed in in this browser',
      'sign in first, with your organisation or a one-time link, then open this link again',
    );
  }
  if (by === 'cookie' && principal.kind === 'human') return principal;
  await services.audit.append({
    type: 'auth.failed',
    principal: principal.name,
    source,
    session: null,
    target: null,
    data: {
      method: 'browser',
      why: by === 'cookie' ? 'an agent' : 'a token in place of a browser',
    },
  });
  throw new SallyportError(
    'access.forbidden',
    `only people in a browser can ${what}`,
    'agents have keys of their own, or trade the token of an issuer for one (POST /api/v1/ssh-keys)',
  );
}

/** `http:` and the address, as the viewer has it, to the address alone. */
export function addressOf(source: string): string {
  return source.replace(/^http:/, '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Text fields of a form; what isn't there is ''. */
export function fieldsOf(body: unknown): Record<'code' | 'decision' | 'key' | 'life', string> {
  const given = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const field = (name: string): string => {
    const value = given[name];
    return typeof value === 'string' ? value.slice(0, MAX_FIELD_CHARACTERS) : '';
  };
  return {
    code: field('code'),
    decision: field('decision'),
    key: field('key'),
    life: field('life'),
  };
}

async function linkOf(
  { attempts, clientSignIns }: Services,
  response: Response,
  token: string,
  principal: Principal,
): Promise<LinkView> {
  const link = await clientSignIns.links.waiting(token, principal.id);
  if (link !== null) return link;
  attempts.take(viewerOf(response).source, principal.name);
  throw gone();
}

async function show(
  services: Services,
  request: Request,
  response: Response,
  link: LinkView,
  problem: string | null,
): Promise<void> {
  const html = services.pages.link({
    frame: await frameOf(services, response),
    action: `/ssh/${encodeURIComponent(String(request.params['token']))}`,
    link,
    browser: addressOf(viewerOf(response).source),
    lives: livesOf(services),
    problem,
  });
  if (problem !== null) response.status(400);
  response.type('html').send(html);
}

function livesOf({ clientSignIns: { rememberMs } }: Services): readonly number[] {
  if (rememberMs === 0) return [];
  const shorter = OFFERED_LIVES_MS.filter((one) => one < rememberMs);
  return [...shorter, rememberMs];
}

function gone(): SallyportError {
  return new SallyportError(
    'object.unknown',
    'this link is unknown, used, too old, or the ssh client that showed it has gone',
    'run ssh again for a new link; it is good for one sign-in',
  );
}

function voided(): SallyportError {
  return new SallyportError(
    'object.unknown',
    'a wrong code was typed too often, so this link is void',
    'run ssh again for a new link; did you not run ssh? then somebody else made this link: tell an administrator',
  );
}
