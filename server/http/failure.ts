/**
 * Errors to answers: JSON for the API, a page for people. What is unexpected is logged with a number
 * that the answer repeats, and its text stays inside.
 */
import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { FRONT_PAGE, returnPath } from '../access/sign-in.ts';
import { messageOf, SallyportError, type ErrorCode } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Frame, Pages } from './pages.ts';

export interface Failure {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** Whether the answer is for a program. */
function wantsJson(request: Request): boolean {
  return request.path === '/api' || request.path.startsWith('/api/');
}

/** What to tell about anything thrown. Body parser errors carry a `type`. */
export function failureOf(thrown: unknown, log: Logger, path: string): Failure {
  if (thrown instanceof SallyportError) {
    if (thrown.httpStatus >= 500) {
      log.error('http.failed', { path, code: thrown.code, message: messageOf(thrown) });
    }
    const { code, message, hint } = thrown;
    return { status: thrown.httpStatus, code, message, hint };
  }
  const bad = badRequest(thrown);
  if (bad !== null) return bad;
  const number = randomBytes(4).toString('hex');
  log.error('http.failed', { path, number, message: messageOf(thrown) });
  return {
    status: 500,
    code: 'internal',
    message: 'something broke while this was being answered',
    hint: `try again; if it stays, look for "${number}" in the server's log`,
  };
}

/** What is told while the database is away. */
export function outageOf(cause: unknown): SallyportError {
  return new SallyportError(
    'database.unreachable',
    "the database doesn't answer",
    'try again in a minute; sessions that run go on as far as they need no decision',
    { cause },
  );
}

const BODY_ERRORS: Readonly<Record<string, readonly [status: number, what: string, hint: string]>> =
  {
    'entity.too.large': [413, 'the body is too large', 'send at most 64 KiB'],
    'entity.parse.failed': [400, 'the body is not valid JSON', 'send a JSON object'],
    'encoding.unsupported': [415, 'the content encoding is not supported', 'send it uncompressed'],
    'charset.unsupported': [415, 'the character set is not supported', 'use UTF-8'],
    'parameters.too.many': [413, 'the form has too many fields', 'send the form of the page'],
    'request.size.invalid': [400, 'the body is shorter or longer than announced', 'send it again'],
    'request.aborted': [400, 'the request ended early', 'send it again'],
  };

function badRequest(thrown: unknown): Failure | null {
  if (thrown instanceof URIError) {
    return refused(400, 'the address is not valid', 'check the % signs in it');
  }
  if (!(thrown instanceof Error) || !('type' in thrown)) return null;
  const found = BODY_ERRORS[String(thrown.type)];
  return found === undefined ? null : refused(...found);
}

function refused(status: number, message: string, hint: string): Failure {
  return { status, code: 'usage.invalid', message, hint };
}

export function sendFailure(
  request: Request,
  response: Response,
  failure: Failure,
  pages: Pages,
  frame: Frame,
): void {
  const { status, code, message, hint } = failure;
  response.status(status);
  response.set('Cache-Control', 'no-store');
  if (status === 401) response.set('WWW-Authenticate', 'Bearer realm="sallyport"');
  if (wantsJson(request)) {
    response.json({ error: { code, message, hint } });
    return;
  }
  const title = status === 401 ? 'Sign in' : (STATUS_CODES[status] ?? 'Error');
  const signIn = signInAddress(request);
  response.type('html').send(pages.error({ frame, status, title, message, hint, signIn }));
}

/** What a form acts on, which has a page of its own, or else the page that it stood on. */
const PAGE_OF_FORM = /^\/(?:(?:approvals|sessions|ssh)\/(?!filters(?:\/|$))[^/]+|[^/]+)/;

/** The sign-in page, from which a form leads back to its page: nothing is sent again by itself. */
function signInAddress(request: Request): string {
  if (request.method !== 'POST') return '/sign-in';
  const to = returnPath(PAGE_OF_FORM.exec(request.path)?.[0]);
  return to === FRONT_PAGE ? '/sign-in' : `/sign-in?${new URLSearchParams({ to }).toString()}`;
}

/** For every method of a known path that no route took. */
export function onlyMethods(...methods: readonly string[]): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    response.set('Allow', methods.join(', '));
    const error: Failure = {
      status: 405,
      code: 'usage.invalid',
      message: `${request.method.slice(0, 20)} is not possible here`,
      hint: `use ${methods.join(' or ')}`,
    };
    next(new KnownFailure(error));
  };
}

/** Carries a finished answer through express's error path. */
export class KnownFailure extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}
