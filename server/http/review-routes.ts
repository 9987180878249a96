/** `/api/v1/sessions/:id/notes|review`, and the forms of the session page that do the same. */
import { Router, type Request, type Response } from 'express';
import { SallyportError } from '../errors.ts';
import { isInvisible } from '../printable.ts';
import { onlyMethods } from './failure.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import type { NoteView, ReviewOutcome, ReviewView, Unsaid } from './review-ports.ts';
import { sessionFor } from './session-access.ts';

export const MAX_NOTE_CHARACTERS = 2000;

export function reviewRoutes(services: Services): Router {
  const { reviews } = services;
  const router = Router();

  router.get('/:id/notes', async (request, response) => {
    const { session } = await mayReview(services, request, response);
    response.json({ items: await reviews.notesOf(session.id), next: null });
  });
  router.post('/:id/notes', async (request, response) => {
    const { note } = await noted(services, request, response);
    response.status(201).json(note);
  });
  router.get('/:id/review', async (request, response) => {
    const { session } = await mayReview(services, request, response);
    const history = await reviews.reviewsOf(session.id);
    response.json({ reviewed: reviewedBy(history), history });
  });
  router.post('/:id/review', async (request, response) => {
    const { reviewed } = await reviewedNow(services, request, response);
    response.json({ reviewed });
  });

  router.all(['/:id/notes', '/:id/review'], onlyMethods('GET', 'HEAD', 'POST'));
  return router;
}

/** The forms of the session page. */
export function reviewPages(services: Services): Router {
  const router = Router();
  router.post('/sessions/:id/notes', async (request, response) => {
    const { note, session } = await noted(services, request, response);
    response.redirect(303, `/sessions/${session}#note-${note.number}`);
  });
  router.post('/sessions/:id/review', async (request, response) => {
    const { session } = await reviewedNow(services, request, response);
    response.redirect(303, `/sessions/${session}#review`);
  });
  router.all(['/sessions/:id/notes', '/sessions/:id/review'], onlyMethods('POST'));
  return router;
}

/** The mark that counts, if there is one. */
export function reviewedBy(history: readonly ReviewView[]): ReviewView | null {
  const last = history.at(-1);
  return last?.kind === 'reviewed' ? last : null;
}

function mayReview(services: Services, request: Request, response: Response) {
  return sessionFor(services, response, request.params['id'], 'session.review');
}

async function noted(
  services: Services,
  request: Request,
  response: Response,
): Promise<{ readonly session: string; readonly note: NoteView }> {
  const { principal, session, source } = await mayReview(services, request, response);
  const { command, text } = bodyOf(request);
  const outcome = await services.reviews.note({
    session: session.id,
    by: principal.name,
    source,
    command: commandIn(command),
    text: textIn(text),
  });
  if (outcome.kind === 'written') return { session: session.id, note: outcome.note };
  if (outcome.kind === 'no-command') throw noCommand();
  throw unsaid(outcome, 'notes');
}

async function reviewedNow(
  services: Services,
  request: Request,
  response: Response,
): Promise<{ readonly session: string; readonly reviewed: ReviewView | null }> {
  const { principal, session, source } = await mayReview(services, request, response);
  const kind = kindIn(bodyOf(request)['reviewed']);
  const asked = { session: session.id, by: principal.name, source, kind };
  const outcome: ReviewOutcome = await services.reviews.review(asked);
  if (outcome.kind === 'written') return { session: session.id, reviewed: outcome.reviewed };
  if (outcome.kind === 'running') {
    throw new SallyportError(
      'object.conflict',
      'the session is still running',
      'a mark says that all of it was looked at: wait for its end; notes can be written now',
    );
  }
  throw unsaid(outcome, 'marks');
}

function unsaid(outcome: Unsaid, what: string): SallyportError {
  switch (outcome.kind) {
    case 'unknown':
      return unknownObject('session');
    case 'own':
      return new SallyportError(
        'access.forbidden',
        'this is your own session, which somebody else has to review',
        'ask another auditor',
      );
    case 'too-many':
      return new SallyportError(
        'limit.exceeded',
        `the session has as many ${what} as are kept`,
        'those that are there stay',
      );
  }
}

function bodyOf(request: Request): Readonly<Record<string, unknown>> {
  return (request.body ?? {}) as Readonly<Record<string, unknown>>;
}

function textIn(text: unknown): string {
  if (typeof text === 'string' && isInvisible(text)) {
    throw new SallyportError(
      'usage.invalid',
      'the note is empty: nothing in it can be seen',
      'send "text" with words in it',
    );
  }
  if (typeof text === 'string' && text.length <= 2 * MAX_NOTE_CHARACTERS) {
    const kept = text.replaceAll('\r\n', '\n').trim();
    if (kept.length <= MAX_NOTE_CHARACTERS) return kept;
  }
  throw new SallyportError(
    'usage.invalid',
    'the note is not a text of the allowed length',
    `send "text" as a string of 1 to ${MAX_NOTE_CHARACTERS} characters`,
  );
}

/** A form sends text, and nothing as an empty one. */
function commandIn(command: unknown): number | null {
  if (command === undefined || command === null || command === '') return null;
  const number = typeof command === 'string' && /^\d{1,9}$/.test(command) ? +command : command;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number > 0) return number;
  throw noCommand();
}

function noCommand(): SallyportError {
  return new SallyportError(
    'usage.invalid',
    'the session has no command of that number',
    'send "command" as the number of one of its commands, or leave it out for the whole session',
  );
}

function kindIn(reviewed: unknown): ReviewView['kind'] {
  if (reviewed === true || reviewed === 'yes') return 'reviewed';
  if (reviewed === false || reviewed === 'no') return 'withdrawn';
  throw new SallyportError(
    'usage.invalid',
    'it is not said whether the session was reviewed',
    'send "reviewed" as true, or as false to withdraw the mark',
  );
}
