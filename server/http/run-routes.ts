/** `/api/v1/runs`, and the pages `/runs`, `/run` and `/compare`. Reading what others ran is journalled. */
import { Router, type Request, type Response } from 'express';
import { compare } from './compare.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { unknownObject } from './guard.ts';
import { listProblem } from './list-problem.ts';
import type { Services } from './options.ts';
import type { RunsProps } from './run-page-props.ts';
import type { RunCommand, RunName, RunQuery, RunView } from './run-ports.ts';
import {
  DEFAULT_LIMIT,
  invalid,
  MAX_CURSOR_CHARACTERS,
  MAX_FILTER_CHARACTERS,
  MAX_LIMIT,
  type RawQuery,
  refuseUnknown,
  shownFilters,
  text,
  wholeNumber,
} from './query.ts';
import { principalFor, scopeOf, sessionsFor } from './session-access.ts';
import { viewerOf } from './viewer.ts';

export function runRoutes(services: Services): Router {
  const { pages, runs } = services;
  const router = Router();

  router.get('/api/v1/runs', async (request, response) => {
    const { page } = await listed(services, response, runQuery(request.query));
    response.json(page);
  });
  router.get('/api/v1/runs/compare', async (request, response) => {
    response.json(await compared(services, request, response));
  });

  router.get('/runs', async (request, response) => {
    principalFor(response, 'session.list');
    const base = {
      frame: await frameOf(services, response),
      filters: shownFilters(request.query, ['principal', 'q']),
      continued: typeof request.query['cursor'] === 'string',
    };
    let props: RunsProps;
    try {
      const found = await listed(services, response, runQuery(request.query));
      props = { ...base, ...found, problem: null };
    } catch (error) {
      const problem = listProblem(error, response);
      props = { ...base, scope: scopeOf(response), page: { items: [], next: null }, problem };
    }
    response.type('html').send(pages.runs(props));
  });
  router.get('/run', async (request, response) => {
    refuseUnknown(request.query, ['principal', 'run', 'cursor']);
    const name = runName(request.query, 'principal', 'run');
    const run = await visibleRun(services, response, name);
    const cursor = text(request.query, 'cursor', MAX_CURSOR_CHARACTERS);
    const [frame, { page: sessions }, { page: others }] = await Promise.all([
      frameOf(services, response),
      sessionsFor(services, response, {
        ...name,
        limit: DEFAULT_LIMIT,
        ...(cursor !== null && { cursor }),
      }),
      listed(services, response, { principal: name.principal, limit: DEFAULT_LIMIT }),
    ]);
    const comparable = others.items.filter((other) => other.run !== run.run);
    response.type('html').send(pages.run({ frame, run, sessions, comparable }));
  });
  router.get('/compare', async (request, response) => {
    const found = await compared(services, request, response);
    const frame = await frameOf(services, response);
    response.type('html').send(pages.compare({ frame, ...found }));
  });

  router.all(
    ['/api/v1/runs', '/api/v1/runs/compare', '/runs', '/run', '/compare'],
    onlyMethods('GET', 'HEAD'),
  );
  return router;

  async function compared(services: Services, request: Request, response: Response) {
    refuseUnknown(request.query, ['principal', 'run', 'withPrincipal', 'with']);
    const left = runName(request.query, 'principal', 'run');
    const named = text(request.query, 'withPrincipal', MAX_FILTER_CHARACTERS);
    const right = {
      principal: named ?? left.principal,
      run: runName({ ...request.query, principal: 'any' }, 'principal', 'with').run,
    };
    const [leftRun, rightRun] = await Promise.all([
      visibleRun(services, response, left),
      visibleRun(services, response, right),
    ]);
    const viewer = principalFor(response, 'session.list');
    const { source } = viewerOf(response);
    // Before anything of others is read.
    for (const { principal, run } of [left, right]) {
      if (principal === viewer.name) continue;
      await services.views.searched(viewer, source, { what: 'compare', principal, run });
    }
    const [one, other] = await Promise.all([runs.runCommands(left), runs.runCommands(right)]);
    return {
      left: leftRun,
      right: rightRun,
      isCut: one.isCut || other.isCut,
      comparison: compare<RunCommand>(one.commands, other.commands),
    };
  }
}

/** What the viewer may see of what matches. */
async function listed(services: Services, response: Response, query: RunQuery) {
  const principal = principalFor(response, 'session.list');
  const scope = scopeOf(response);
  if (scope === 'all') return { scope, page: await services.runs.listRuns(query) };
  if (query.principal !== undefined && query.principal !== principal.name) {
    return { scope, page: { items: [], next: null } };
  }
  const own = { ...query, principal: principal.name };
  return { scope, page: await services.runs.listRuns(own) };
}

/** The run, if there is one that the viewer may see. */
async function visibleRun(services: Services, response: Response, name: RunName): Promise<RunView> {
  const principal = principalFor(response, 'session.list');
  const isTheirs = scopeOf(response) === 'all' || name.principal === principal.name;
  const run = isTheirs ? await services.runs.run(name) : null;
  if (run === null) throw unknownObject('run');
  return run;
}

function runName(raw: RawQuery, principalAt: string, runAt: string): RunName {
  const principal = text(raw, principalAt, MAX_FILTER_CHARACTERS);
  const run = text(raw, runAt, MAX_FILTER_CHARACTERS);
  if (principal === null) throw invalid(principalAt, 'is missing', 'name the principal of the run');
  if (run === null) throw invalid(runAt, 'is missing', 'name the run');
  return { principal, run };
}

/** Throws `usage.invalid` naming the first bad parameter. */
export function runQuery(raw: RawQuery): RunQuery {
  refuseUnknown(raw, ['principal', 'q', 'limit', 'cursor']);
  const principal = text(raw, 'principal', MAX_FILTER_CHARACTERS);
  const q = text(raw, 'q', MAX_FILTER_CHARACTERS);
  const cursor = text(raw, 'cursor', MAX_CURSOR_CHARACTERS);
  return {
    limit: wholeNumber(raw, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
    ...(principal !== null && { principal }),
    ...(q !== null && { q }),
    ...(cursor !== null && { cursor }),
  };
}
