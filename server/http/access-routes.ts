/** Access for a time: `/api/v1/access-requests`, and the page `/access` on which people ask for it. */
import { Router, type Request, type Response } from 'express';
import { durationS, durationText } from '../access/access-request.ts';
import { isClaim, NAME } from '../access/destination.ts';
import type { Principal } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';
import type { AccessAskOutcome, AccessNotice, AccessProps } from './access-ports.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { guard, refusal, unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import { refuseUnknown, wholeNumber } from './query.ts';
import { principalFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
const MAX_REASON_CHARACTERS = 500;
const MAX_ID_CHARACTERS = 64;
const MAX_WORD_CHARACTERS = 128;
const NOTHING_TYPED = { place: '', time: '1h', reason: '' };
const FORM_HINT =
  'send {"target": "web1", "login": "deploy", "duration": "2h", "reason": "why", "run": "4711"}';

export function accessRoutes(services: Services): Router {
  const { access } = services;
  const router = Router();
  router.get('/api/v1/access-requests', async (request, response) => {
    const { isEverybodys, principal } = askerOf(response);
    refuseUnknown(request.query, ['limit']);
    const limit = wholeNumber(request.query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
    const items = await access.list(isEverybodys ? null : principal.name, limit);
    response.json({ items, next: null });
  });
  router.post('/api/v1/access-requests', async (request, response) => {
    const { principal, source } = askerOf(response);
    const wish = readWish(request.body);
    const outcome = await access.ask({ principal, source, ...wish });
    if (outcome.kind !== 'asked') throw askFailure(outcome, wish.target);
    response.status(201).json({ ...outcome.request, url: outcome.url });
  });
  router.get('/api/v1/access-requests/:id', async (request, response) => {
    const { isEverybodys, principal } = askerOf(response);
    const { id } = request.params;
    const found = id.length <= MAX_ID_CHARACTERS ? await access.request(id) : null;
    const isTheirs = found !== null && (isEverybodys || found.principal === principal.name);
    if (!isTheirs) throw unknownObject('access request');
    response.json(found);
  });
  router.post('/api/v1/access-requests/:id/end', async (request, response) => {
    const outcome = await end(services, request, response);
    switch (outcome.kind) {
      case 'withdrawn':
      case 'ended':
        response.json(outcome.request);
        return;
      case 'unknown':
        throw unknownObject('access request');
      case 'over':
        throw conflict(`the request is ${outcome.request.status} already`);
      case 'waiting':
        throw conflict('the request still waits; refuse it with POST /api/v1/approvals/ID/deny');
    }
  });

  // What is configured; changes go by the document.
  router.get('/api/v1/requests', async (_request, response) => {
    principalFor(response, 'directory.read');
    response.json({ items: await access.rules(), next: null });
  });
  router.get('/api/v1/webhooks', async (_request, response) => {
    principalFor(response, 'directory.read');
    response.json({ items: await access.webhooks(), next: null });
  });

  router.get('/access', async (request, response) => {
    const { kind, about } = request.query;
    const isKnown = typeof kind === 'string' && NOTICES.includes(kind as AccessNotice);
    const notice = isKnown ? { kind: kind as AccessNotice, about: shown(about) } : null;
    await sendPage(services, response, notice, NOTHING_TYPED);
  });
  router.post('/access', async (request, response) => {
    const { principal, source } = askerOf(response);
    const body = (request.body ?? {}) as Readonly<Record<string, unknown>>;
    const typed = {
      place: shown(body['place']),
      time: shown(body['time']),
      reason: shown(body['reason']),
    };
    const [login = '', target = '', ...more] = typed.place.split('@');
    const seconds = durationS(typed.time.trim());
    const by = { run: null, task: null, attribution: null };
    const asked: { readonly kind: AccessNotice; readonly about: string } =
      seconds === null
        ? { kind: 'bad-time', about: '' }
        : more.length > 0 || !NAME.test(login) || !NAME.test(target)
          ? { kind: 'unknown', about: target }
          : said(
              await access.ask({
                principal,
                source,
                target,
                login,
                durationS: seconds,
                reason: typed.reason,
                by,
              }),
            );
    if (asked.kind === 'asked') return redirect(response, asked);
    response.status(400);
    await sendPage(services, response, asked, typed);
  });
  router.post('/access/:id/end', async (request, response) => {
    const outcome = await end(services, request, response);
    redirect(response, {
      kind: outcome.kind,
      about: request.params.id.slice(0, MAX_ID_CHARACTERS),
    });
  });

  router.all('/api/v1/access-requests', onlyMethods('GET', 'HEAD', 'POST'));
  router.all('/api/v1/access-requests/:id', onlyMethods('GET', 'HEAD'));
  router.all(['/api/v1/requests', '/api/v1/webhooks'], onlyMethods('GET', 'HEAD'));
  router.all(['/api/v1/access-requests/:id/end', '/access/:id/end'], onlyMethods('POST'));
  router.all('/access', onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}

const NOTICES: readonly AccessNotice[] = [
  'asked',
  'withdrawn',
  'ended',
  'over',
  'unknown',
  'waiting',
];

function askerOf(response: Response): {
  readonly principal: Principal;
  readonly source: string;
  readonly isEverybodys: boolean;
} {
  const { principal, source } = viewerOf(response);
  const outcome = guard(principal, 'access.request');
  if (outcome.kind !== 'allowed' || principal === null) {
    throw refusal(outcome.kind === 'allowed' ? { kind: 'unauthenticated' } : outcome, 'page');
  }
  return { principal, source, isEverybodys: outcome.scope === 'all' };
}

async function sendPage(
  services: Services,
  response: Response,
  notice: AccessProps['notice'],
  typed: AccessProps['typed'],
): Promise<void> {
  const { isEverybodys, principal } = askerOf(response);
  const { access, pages } = services;
  const [frame, options, own, all] = await Promise.all([
    frameOf(services, response),
    access.options(principal),
    access.list(principal.name, DEFAULT_LIMIT),
    isEverybodys ? access.list(null, MAX_LIMIT) : null,
  ]);
  const others = all?.filter((one) => one.principal !== principal.name) ?? null;
  const granted = others?.filter(({ status }) => status === 'granted') ?? null;
  response.type('html').send(pages.access({ frame, options, own, granted, notice, typed }));
}

async function end(services: Services, request: Request, response: Response) {
  const { principal, source } = askerOf(response);
  const id = request.params['id'];
  const given = (request.body as { readonly reason?: unknown } | undefined)?.reason ?? null;
  if (given !== null && (typeof given !== 'string' || given.length > MAX_REASON_CHARACTERS)) {
    throw invalid(
      'the reason is not a text of the allowed length',
      'send a shorter "reason", or none',
    );
  }
  if (typeof id !== 'string' || id.length > MAX_ID_CHARACTERS) return { kind: 'unknown' } as const;
  const reason = given === null || given.trim() === '' ? null : given.trim();
  return services.access.end(id, { principal, source, reason });
}

function said(outcome: AccessAskOutcome): { readonly kind: AccessNotice; readonly about: string } {
  switch (outcome.kind) {
    case 'asked':
      return { kind: 'asked', about: outcome.request.id };
    case 'too-long':
      return { kind: 'too-long', about: durationText(outcome.mostS) };
    case 'too-many':
      return { kind: 'too-many', about: String(outcome.most) };
    case 'login-ambiguous':
    case 'no-reason':
    case 'unknown':
      return { kind: outcome.kind, about: '' };
  }
}

function redirect(
  response: Response,
  notice: { readonly kind: string; readonly about: string },
): void {
  response.redirect(303, `/access?${new URLSearchParams(notice).toString()}`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_REASON_CHARACTERS) : '';
}

/** `duration` is `2h`, or whole seconds. */
function readWish(body: unknown) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('the body is no JSON object', FORM_HINT);
  }
  const { duration, login, reason, run, target, task, ...others } = body as Readonly<
    Record<string, unknown>
  >;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`there is no "${unknown.slice(0, 40)}"`, FORM_HINT);
  const seconds = typeof duration === 'string' ? durationS(duration) : null;
  if (seconds === null) throw invalid('"duration" is no time', 'write 30m, 2h or 1d');
  const word = (name: string, value: unknown): string => {
    if (typeof value === 'string' && value.length <= MAX_WORD_CHARACTERS && NAME.test(value))
      return value;
    throw invalid(`"${name}" is missing, or no name`, FORM_HINT);
  };
  const claim = (name: string, value: unknown): string | null => {
    if (value === undefined || value === null) return null;
    if (typeof value === 'string' && isClaim(value)) return value;
    throw invalid(`"${name}" has characters that it can't have`, FORM_HINT);
  };
  if (typeof reason !== 'string' || reason.length > MAX_REASON_CHARACTERS) {
    throw invalid(`"reason" is no text of at most ${MAX_REASON_CHARACTERS} characters`, FORM_HINT);
  }
  const claimed = { run: claim('run', run), task: claim('task', task) };
  const isClaimed = claimed.run !== null || claimed.task !== null;
  return {
    target: word('target', target),
    login: login === undefined || login === null ? null : word('login', login),
    durationS: seconds,
    reason,
    by: { ...claimed, attribution: isClaimed ? ('claimed' as const) : null },
  };
}

function askFailure(
  outcome: Exclude<AccessAskOutcome, { kind: 'asked' }>,
  target: string,
): SallyportError {
  switch (outcome.kind) {
    case 'unknown':
      return new SallyportError(
        'object.unknown',
        `there is no target "${target}" that you may ask for`,
        'ask an admin for an entry of `requests:`, or see the page /access',
      );
    case 'login-ambiguous':
      return invalid(
        'several logins may be asked for',
        `add "login": ${outcome.logins.join(' or ')}`,
      );
    case 'too-long':
      return invalid(
        'that is longer than may be asked for',
        `ask for at most ${durationText(outcome.mostS)}`,
      );
    case 'no-reason':
      return invalid('the reason is empty', 'say why in "reason"');
    case 'too-many':
      return new SallyportError(
        'limit.exceeded',
        `${outcome.most} of your requests wait already`,
        'let them be decided, or withdraw one',
      );
  }
}

function invalid(message: string, hint: string): SallyportError {
  return new SallyportError('usage.invalid', message, hint);
}

function conflict(message: string): SallyportError {
  return new SallyportError('object.conflict', message, 'read it with GET on the request');
}
