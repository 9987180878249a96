/** `/api/v1/sessions/:id/pause|resume|notice|terminate`, and the forms of the session page that do the same. */
import { Router, type Request, type Response } from 'express';
import type { Principal } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import type { ControlKind, ControlState, ControlView, LiveSession } from './control-ports.ts';
import { MAX_ID_CHARACTERS } from './approval-access.ts';
import { onlyMethods } from './failure.ts';
import { guard, unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import { sessionFor, type SessionAccess } from './session-access.ts';

/** Of a notice, and of a reason. */
export const MAX_WORDS_CHARACTERS = 500;

/** What is answered when it was asked for. */
const STATUS = {
  notice: 'noticed',
  pause: 'pausing',
  resume: 'resuming',
  terminate: 'terminating',
} as const satisfies Record<ControlKind, string>;
const KINDS = Object.keys(STATUS) as readonly ControlKind[];

interface Controlled extends SessionAccess {
  readonly isNew: boolean;
  readonly state: ControlState;
}

export function controlRoutes(services: Services): Router {
  const router = Router();
  for (const kind of KINDS) {
    router.post(`/:id/${kind}`, async (request, response) => {
      const { session, state } = await control(services, request, response, kind);
      const { pause } = state;
      response.status(202).json({ status: STATUS[kind], session: session.id, pause });
    });
    router.all(`/:id/${kind}`, onlyMethods('POST'));
  }
  router.get('/:id/controls', async (request, response) => {
    const { session } = await sessionFor(services, response, request.params.id);
    const items = await services.controls.controlsOf(session.id);
    response.json({ items, next: null });
  });
  router.all('/:id/controls', onlyMethods('GET', 'HEAD'));
  return router;
}

/** The forms of the session page, and of the page of a request that it waits for. */
export function controlPages(services: Services): Router {
  const router = Router();
  for (const kind of KINDS) {
    router.post(`/sessions/:id/${kind}`, async (request, response) => {
      const access = await control(services, request, response, kind);
      const page = await pageBehind(services, request.body, access);
      response.redirect(303, `${page}?done=${kind}`);
    });
    router.all(`/sessions/:id/${kind}`, onlyMethods('POST'));
  }
  return router;
}

/** Where the form stood, or else a page that whoever may act but not read is allowed to see. */
async function pageBehind(
  services: Services,
  body: unknown,
  { principal, session }: SessionAccess,
): Promise<string> {
  const id = (body as Readonly<Record<string, unknown>> | undefined)?.['approval'];
  if (typeof id === 'string' && id !== '' && id.length <= MAX_ID_CHARACTERS) {
    const approval = await services.approvals.approval(id);
    if (approval?.session === session.id) return `/approvals/${encodeURIComponent(approval.id)}`;
  }
  const reading = guard(principal, 'session.read', session.principal.name);
  return reading.kind === 'allowed' ? `/sessions/${session.id}` : '/approvals';
}

/** What the viewer may do to a session, and how it stands; null = nothing, or it doesn't run. */
export async function liveSession(
  services: Services,
  principal: Principal,
  sessionId: string | null,
  query: Request['query'],
): Promise<LiveSession | null> {
  const session = sessionId === null ? null : await services.recordings.session(sessionId);
  if (session?.status !== 'active') return null;
  const may = (action: 'session.control' | 'session.terminate'): boolean =>
    guard(principal, action, session.principal.name).kind === 'allowed';
  const mayControl = may('session.control');
  const mayTerminate = may('session.terminate');
  if (!mayControl && !mayTerminate) return null;
  const state = controlState(await services.controls.controlsOf(session.id));
  const { id, status } = session;
  return { ...state, session: { id, status }, mayControl, mayTerminate, done: doneIn(query) };
}

/** What the page says was just done; null = nothing. */
export function doneIn(query: Request['query']): ControlKind | null {
  return KINDS.find((kind) => query['done'] === kind) ?? null;
}

/** How a session stands, from what was done to it, oldest first. */
export function controlState(done: readonly ControlView[]): ControlState {
  const last = done.findLast(({ kind }) => kind === 'pause' || kind === 'resume');
  const isEnding = done.some(({ kind }) => kind === 'terminate');
  return { pause: last?.kind === 'pause' ? last : null, isEnding };
}

async function control(
  services: Services,
  request: Request,
  response: Response,
  kind: ControlKind,
): Promise<Controlled> {
  const action = kind === 'terminate' ? 'session.terminate' : 'session.control';
  const access = await sessionFor(services, response, request.params['id'], action);
  const { principal, session, source } = access;
  const outcome = await services.controls.ask({
    session: session.id,
    kind,
    by: principal.name,
    principal: principal.name,
    source,
    words: wordsIn(request.body, kind),
  });
  switch (outcome.kind) {
    case 'asked':
      return { ...access, isNew: outcome.isNew, state: outcome.state };
    case 'unknown':
      throw unknownObject('session');
    case 'over':
      throw new SallyportError(
        'object.conflict',
        'the session has ended already',
        'nothing is left to do',
      );
    case 'too-many':
      throw new SallyportError(
        'limit.exceeded',
        'too much was done to this session already',
        'it can still be ended',
      );
  }
}

/** The text of a notice, or a reason; one printable line. */
function wordsIn(body: unknown, kind: ControlKind): string | null {
  const name = kind === 'notice' ? 'text' : 'reason';
  const given = (body as Readonly<Record<string, unknown>> | undefined)?.[name] ?? null;
  if (given !== null && (typeof given !== 'string' || given.length > MAX_WORDS_CHARACTERS)) {
    throw new SallyportError(
      'usage.invalid',
      `the ${name} is not a text of the allowed length`,
      `send "${name}" as a string of at most ${MAX_WORDS_CHARACTERS} characters`,
    );
  }
  const words = printable(given ?? '', MAX_WORDS_CHARACTERS, ' ').trim();
  if (words !== '') return words;
  if (kind !== 'notice') return null;
  throw new SallyportError('usage.invalid', 'the notice is empty', 'send "text" as a string');
}
