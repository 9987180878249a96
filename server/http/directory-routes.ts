/**
 * `/api/v1/principals`, `targets`, `grants`, `policies`, `credentials`: what is configured, for auditors to read
 * and for admins to change one by one; `/api/v1/versions`: what changes came to.
 */
import { Router, type Request, type Response } from 'express';
import { SallyportError } from '../errors.ts';
import { credentialIn, refuseOpenNetwork, type SentCredential } from './credential-body.ts';
import type { EditActor, EditedKind, EditOutcome } from './directory-ports.ts';
import { KnownFailure, onlyMethods } from './failure.ts';
import { unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import type { DirectoryViews } from './ports.ts';
import {
  DEFAULT_LIMIT,
  invalid,
  MAX_CURSOR_CHARACTERS,
  MAX_LIMIT,
  oneOf,
  refuseUnknown,
  text,
  wholeNumber,
} from './query.ts';
import { principalFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

/** Each kind, its singular, and what names one. */
const KINDS = [
  ['principals', 'principal', 'name'],
  ['targets', 'target', 'name'],
  ['grants', 'grant', 'id'],
  ['policies', 'policy', 'name'],
  ['credentials', 'credential', 'name'],
] as const satisfies readonly (readonly [
  keyof DirectoryViews & EditedKind,
  string,
  'name' | 'id',
])[];
/** Mistakes that one answer names. */
const MAX_NAMED_PROBLEMS = 20;

type Kind = (typeof KINDS)[number];

export function directoryRoutes(services: Services): Router {
  const { directoryEdits } = services;
  const router = Router();
  for (const kind of KINDS) {
    const [plural, noun] = kind;
    router.get(`/${plural}`, async (_request, response) => {
      principalFor(response, 'directory.read');
      await nameVersion(services, response);
      response.json({ items: await services.directory.list(plural), next: null });
    });
    router.get(`/${plural}/:name`, async (request, response) => {
      principalFor(response, 'directory.read');
      refuseUnknown(request.query, ['as']);
      const name = request.params.name;
      await nameVersion(services, response);
      const found =
        oneOf(request.query, 'as', ['entry']) === null
          ? await viewOf(services, kind, name)
          : await directoryEdits.entry(plural, name);
      if (found === null) throw unknownObject(noun);
      response.json(found);
    });
    router.post(`/${plural}`, async (request, response) => {
      const by = editor(request, response, `/${plural}`);
      await answer(services, kind, by, response, () => put(services, kind, request, by));
    });
    router.delete(`/${plural}/:name`, async (request, response) => {
      const { name } = request.params;
      const by = editor(request, response, `/${plural}/${name}`);
      await answer(services, kind, by, response, async () => ({
        outcome: await directoryEdits.remove(plural, name, { ifVersion: ifMatch(request) }, by),
      }));
    });
    if (plural !== 'grants') {
      router.all(`/${plural}/:name`, onlyMethods('GET', 'HEAD', 'DELETE'));
    }
    router.all(`/${plural}`, onlyMethods('GET', 'HEAD', 'POST'));
  }
  router.post('/grants/:name', async (request, response) => {
    const { name } = request.params;
    const by = editor(request, response, `/grants/${name}`);
    const options = { grantId: name, ifVersion: ifMatch(request) };
    await answer(services, KINDS[2], by, response, async () => ({
      outcome: await directoryEdits.put('grants', bodyOf(request), options, by),
    }));
  });
  router.all('/grants/:name', onlyMethods('GET', 'HEAD', 'POST', 'DELETE'));

  router.get('/versions', async (request, response) => {
    principalFor(response, 'directory.read');
    refuseUnknown(request.query, ['limit', 'cursor']);
    const limit = wholeNumber(request.query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
    const cursor = text(request.query, 'cursor', MAX_CURSOR_CHARACTERS);
    if (cursor !== null && !/^\d{1,9}$/.test(cursor)) {
      throw invalid('cursor', 'is not known here', 'use the `next` of a page before');
    }
    const before = cursor === null ? null : Number(cursor);
    response.json(await directoryEdits.versions({ limit, before }));
  });
  router.get('/versions/:number', async (request, response) => {
    principalFor(response, 'directory.read');
    const { number } = request.params;
    const found = /^\d{1,9}$/.test(number) ? await directoryEdits.version(Number(number)) : null;
    if (found === null) throw unknownObject('version');
    response.json(found);
  });
  router.all(['/versions', '/versions/:number'], onlyMethods('GET', 'HEAD'));
  return router;
}

/** `ETag`, which `If-Match` of a change may repeat: the version of the whole directory. */
async function nameVersion(services: Services, response: Response): Promise<void> {
  response.set('ETag', `"${await services.directoryEdits.currentVersion()}"`);
}

async function viewOf(
  { directory }: Services,
  [plural, , key]: Kind,
  name: string,
): Promise<object | null> {
  const all: readonly object[] = await directory.list(plural);
  return all.find((one) => (one as Readonly<Record<string, unknown>>)[key] === name) ?? null;
}

function editor(request: Request, response: Response, path: string): EditActor {
  const { name } = principalFor(response, 'directory.write');
  const { source } = viewerOf(response);
  return { principal: name, source, request: `${request.method} /api/v1${path}`.slice(0, 300) };
}

function ifMatch(request: Request): number | null {
  const given = request.get('if-match');
  if (given === undefined || given.trim() === '*') return null;
  const [, number] = /^"(\d{1,9})"$/.exec(given.trim()) ?? [];
  if (number !== undefined) return Number(number);
  throw new SallyportError(
    'usage.invalid',
    'If-Match names no version',
    'send the ETag of what you have read, such as "12" with its quotes',
  );
}

function bodyOf(request: Request): unknown {
  const body: unknown = request.body;
  if (typeof body === 'object' && body !== null && request.is('application/json') !== false) {
    return body;
  }
  throw new SallyportError(
    'usage.invalid',
    'the body is no JSON object',
    'send {"name": …} with Content-Type: application/json',
  );
}

interface Done {
  readonly outcome: EditOutcome;
  /** Of material that went into the vault; left out = none did. */
  readonly sealed?: { readonly version: number; readonly publicKey: string | null };
}

async function put(
  services: Services,
  [plural]: Kind,
  request: Request,
  by: EditActor,
): Promise<Done> {
  const { directoryEdits, publicUrl } = services;
  const options = { grantId: null, ifVersion: ifMatch(request) };
  const body = bodyOf(request);
  if (plural !== 'credentials') {
    return { outcome: await directoryEdits.put(plural, body, options, by) };
  }
  let sent: SentCredential | null = null;
  try {
    sent = credentialIn(body);
    // Nothing keeps it longer than it takes.
    request.body = null;
    if (sent.material !== null) refuseOpenNetwork(request, publicUrl);
    const outcome = await directoryEdits.put(plural, sent.entry, options, by);
    if (outcome.kind !== 'done' || sent.material === null) return { outcome };
    const sealed = await directoryEdits.seal(outcome.name ?? '', sent.material, by);
    return { outcome, sealed };
  } finally {
    sent?.material?.bytes?.fill(0);
  }
}

/** Answers with what came of it; what is refused is journalled. */
async function answer(
  services: Services,
  kind: Kind,
  by: EditActor,
  response: Response,
  change: () => Promise<Done>,
): Promise<void> {
  try {
    const { outcome, sealed } = await change();
    if (outcome.kind !== 'done') throw refusalOf(outcome, kind[1]);
    const { changes, isNew, name, version, warnings } = outcome;
    response.set('ETag', `"${version}"`);
    response.status(isNew ? 201 : 200).json({
      ...(name !== null && { item: await viewOf(services, kind, name) }),
      ...(sealed !== undefined && { publicKey: sealed.publicKey }),
      version,
      changes,
      warnings,
    });
  } catch (error) {
    const failure = error instanceof KnownFailure ? error.failure : error;
    if (failure instanceof SallyportError ? failure.httpStatus < 500 : error !== failure) {
      const { code, message } = failure as { readonly code: string; readonly message: string };
      await services.audit.append({
        type: 'config.refused',
        principal: by.principal,
        source: by.source,
        session: null,
        target: null,
        data: { request: by.request, code, why: message },
      });
    }
    throw error;
  }
}

function refusalOf(outcome: Exclude<EditOutcome, { kind: 'done' }>, noun: string): Error {
  switch (outcome.kind) {
    case 'unknown':
      return unknownObject(noun);
    case 'stale':
      return new KnownFailure({
        status: 412,
        code: 'object.conflict',
        message: `somebody has changed the directory meanwhile: it has version ${outcome.version}`,
        hint: 'read it again, and repeat the change if it is still wanted',
      });
    case 'named':
      return new SallyportError(
        'object.conflict',
        `the ${noun} is still named by ${outcome.by.join('; ')}`,
        'change or delete those first',
      );
    case 'shut-out':
      return new SallyportError(
        'object.conflict',
        'the principal is shut out by `principal disable`, and deleting it would let a configuration bring it back',
        'it can do nothing as it is; to delete it, enable it first: sallyport principal enable NAME',
      );
    case 'invalid': {
      const said = outcome.problems
        .slice(0, MAX_NAMED_PROBLEMS)
        .map(({ message, path }) =>
          path === '' || message.startsWith(path) ? message : `${path}: ${message}`,
        );
      const more = outcome.problems.length - said.length;
      const hints = [...new Set(outcome.problems.slice(0, 3).map(({ hint }) => hint))];
      return new SallyportError(
        'config.invalid',
        `${said.join('; ')}${more > 0 ? ` and ${more} more` : ''}`,
        hints.join('; '),
      );
    }
  }
}
