/**
 * Keys that count for somebody now: seen and revoked by whoever they belong to, and by admins. Keys of the
 * configuration are shown; only the configuration drops them.
 */
import { Router, type Response } from 'express';
import type { Principal } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';
import { onlyMethods } from './failure.ts';
import { frameOf } from './frame.ts';
import { guard, refusal, unknownObject, type Action } from './guard.ts';
import type { OwnKeyView } from './link-ports.ts';
import type { Services } from './options.ts';
import { refuseUnknown, text } from './query.ts';
import { viewerOf } from './viewer.ts';

const MAX_NAME_CHARACTERS = 128;
const MAX_ID_CHARACTERS = 100;

/** `GET` and `DELETE` under `/api/v1/ssh-keys`. */
export function ownKeyRoutes(services: Services): Router {
  const { keys } = services.clientSignIns;
  const router = Router();

  router.get('/', async (request, response) => {
    const { isEverybodys, principal } = askerOf(response, 'ssh-key.list');
    refuseUnknown(request.query, ['principal']);
    const wanted = text(request.query, 'principal', MAX_NAME_CHARACTERS);
    const isOwn = wanted === null || wanted === principal.name;
    if (!isEverybodys && !isOwn) return void response.json({ items: [], next: null });
    const items = await keys.list(wanted ?? (isEverybodys ? null : principal.name));
    response.json({ items, next: null });
  });
  router.delete('/:id', async (request, response) => {
    const key = await revoke(services, response, request.params.id);
    response.json({ ...key, revoked: true });
  });
  // Express would answer it by itself, before whoever else has this path is asked.
  router.options('/', onlyMethods('GET', 'HEAD', 'POST'));
  router.all('/:id', onlyMethods('DELETE'));
  return router;
}

/** The page of one's own keys. */
export function ownKeyPages(services: Services): Router {
  const { clientSignIns, pages } = services;
  const router = Router();

  router.get('/keys', async (request, response) => {
    const { principal } = askerOf(response, 'ssh-key.list');
    const html = pages.ownKeys({
      frame: await frameOf(services, response),
      keys: await clientSignIns.keys.list(principal.name),
      isRevoked: request.query['revoked'] !== undefined,
    });
    response.type('html').send(html);
  });
  router.post('/keys/:id/revoke', async (request, response) => {
    await revoke(services, response, request.params.id);
    response.redirect(303, '/keys?revoked');
  });
  router.all('/keys', onlyMethods('GET', 'HEAD'));
  router.all('/keys/:id/revoke', onlyMethods('POST'));
  return router;
}

interface Asker {
  readonly principal: Principal;
  readonly isEverybodys: boolean;
  readonly source: string;
}

function askerOf(response: Response, action: Action): Asker {
  const { principal, source } = viewerOf(response);
  const outcome = guard(principal, action);
  if (outcome.kind !== 'allowed' || principal === null) {
    throw refusal(outcome.kind === 'allowed' ? { kind: 'unauthenticated' } : outcome, 'key');
  }
  return { principal, isEverybodys: outcome.scope === 'all', source };
}

async function revoke(services: Services, response: Response, id: string): Promise<OwnKeyView> {
  const { isEverybodys, principal, source } = askerOf(response, 'ssh-key.revoke');
  if (id.length > MAX_ID_CHARACTERS) throw unknownObject('key');
  const owner = isEverybodys ? null : principal.name;
  const by = { principal: principal.name, source };
  const outcome = await services.clientSignIns.keys.revoke(id, owner, by);
  if (outcome.kind === 'unknown') throw unknownObject('key');
  if (outcome.kind === 'configured') {
    throw new SallyportError(
      'object.conflict',
      'this key stands in the configuration',
      'take it out there and apply that; an admin can do it',
    );
  }
  return outcome.key;
}
