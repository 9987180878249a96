/**
 * `/api/v1/tokens`: API tokens. Everybody has their own; admins see and revoke all. A token is shown once,
 * when it is made, and passes on no more than whoever makes it has.
 */
import { Router, type Response } from 'express';
import type { Principal } from '../access/principal.ts';
import {
  beyondScopes,
  isTokenScope,
  TOKEN_SCOPES,
  type TokenScope,
} from '../access/token-scope.ts';
import { SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import { onlyMethods } from './failure.ts';
import { type Action, guard, refusal, unknownObject } from './guard.ts';
import type { Services } from './options.ts';
import { refuseUnknown, text } from './query.ts';
import { viewerOf } from './viewer.ts';

const DEFAULT_LIFE_S = 3600;
const MAX_NAME_CHARACTERS = 128;

interface Asker {
  readonly principal: Principal;
  readonly isEverybodys: boolean;
  readonly by: { readonly principal: string; readonly source: string };
}

export function tokenRoutes(services: Services): Router {
  const { tokens } = services;
  const router = Router();

  router.get('/', async (request, response) => {
    const { isEverybodys, principal } = askerOf(response, 'token.list');
    refuseUnknown(request.query, ['principal']);
    const wanted = text(request.query, 'principal', MAX_NAME_CHARACTERS);
    const isOwn = wanted === null || wanted === principal.name;
    if (!isEverybodys && !isOwn) return void response.json({ items: [], next: null });
    const items = await tokens.list(isEverybodys ? wanted : principal.name);
    response.json({ items, next: null });
  });
  router.post('/', async (request, response) => {
    const asker = askerOf(response, 'token.create');
    const wish = readWish(request.body);
    const owner = wish.principal ?? asker.principal.name;
    if (owner !== asker.principal.name) await refuseInNameOf(services, owner, asker);
    const own = asker.principal.scopes ?? null;
    const beyond = beyondScopes(own, wish.scopes ?? []);
    if (beyond !== null) {
      throw new SallyportError(
        'access.forbidden',
        `your own token lacks the scope "${beyond}", so it can't pass it on`,
        'ask for fewer scopes, or use a token that has it',
      );
    }
    const { by, token } = viewerOf(response);
    const made = await tokens.create(
      {
        principal: owner,
        name: wish.name,
        scopes: wish.scopes ?? own,
        ttlMs: wish.lifeS * 1000,
        madeWith: by === 'bearer' ? token : null,
      },
      asker.by,
    );
    response.status(201).json({ token: made.token, ...made.object });
  });
  router.get('/:id', async (request, response) => {
    response.json(await tokenFor(services, response, request.params.id, 'token.list'));
  });
  router.delete('/:id', async (request, response) => {
    const { id } = await tokenFor(services, response, request.params.id, 'token.revoke');
    const { by } = askerOf(response, 'token.revoke');
    if (!(await tokens.revoke(id, by))) throw unknownObject('token');
    response.json({ id, revoked: true });
  });
  router.all('/', onlyMethods('GET', 'HEAD', 'POST'));
  router.all('/:id', onlyMethods('GET', 'HEAD', 'DELETE'));
  return router;
}

function askerOf(response: Response, action: Action): Asker {
  const { principal, source } = viewerOf(response);
  const outcome = guard(principal, action);
  if (outcome.kind !== 'allowed' || principal === null) {
    throw refusal(outcome.kind === 'allowed' ? { kind: 'unauthenticated' } : outcome, 'token');
  }
  const isEverybodys = outcome.scope === 'all';
  return { principal, isEverybodys, by: { principal: principal.name, source } };
}

/** Another's token doesn't exist for who may not see it. */
async function tokenFor(services: Services, response: Response, id: string, action: Action) {
  const { isEverybodys, principal } = askerOf(response, action);
  const found = await services.tokens.one(id);
  if (found !== null && (isEverybodys || found.principal === principal.name)) return found;
  throw unknownObject('token');
}

/**
 * Whoever acts by another's token counts as that other one. That may be a program's name, never one that
 * approves or administers: two people would be one.
 */
async function refuseInNameOf(services: Services, owner: string, asker: Asker): Promise<void> {
  if (!asker.isEverybodys) {
    throw new SallyportError(
      'access.forbidden',
      'a token for somebody else needs the role "admin", which you don\'t have',
      'leave "principal" out: the token is yours then',
    );
  }
  const found = (await services.directory.list('principals')).find(({ name }) => name === owner);
  if (found === undefined || found.disabled) {
    throw new SallyportError(
      'object.unknown',
      `there is no enabled principal named ${printable(owner, 128)}`,
      'see who there is: GET /api/v1/principals',
    );
  }
  const deciding = found.roles.find((role) => role === 'approver' || role === 'admin');
  if (found.kind === 'agent' && deciding === undefined) return;
  const why = found.kind === 'human' ? 'is a person' : `has the role "${deciding ?? ''}"`;
  throw new SallyportError(
    'access.forbidden',
    `${owner} ${why}, and nobody makes tokens in such a name over the API`,
    'let them make it themselves, or use on the machine: sallyport token create --principal NAME',
  );
}

interface Wish {
  readonly principal: string | null;
  readonly name: string;
  readonly scopes: readonly TokenScope[] | null;
  readonly lifeS: number;
}

function readWish(body: unknown): Wish {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('the body is no JSON object', 'send {"name": "…", "scopes": ["sessions:read"]}');
  }
  const { lifeSeconds, name, principal, scopes, ...others } = body as Readonly<
    Record<string, unknown>
  >;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw invalid(
      `there is no "${printable(unknown, 40)}"`,
      'send name, scopes, lifeSeconds, principal',
    );
  }
  const lifeS = lifeSeconds ?? DEFAULT_LIFE_S;
  if (typeof lifeS !== 'number' || !Number.isInteger(lifeS) || lifeS < 1) {
    throw invalid('"lifeSeconds" is out of range', 'send a whole number from 1 to 31622400');
  }
  return {
    principal: textOf(principal, 'principal'),
    name: textOf(name, 'name') ?? '',
    scopes: scopesIn(scopes),
    lifeS,
  };
}

function textOf(value: unknown, name: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  throw invalid(`"${name}" must be text`, 'put it in quotes');
}

function scopesIn(value: unknown): readonly TokenScope[] | null {
  if (value === undefined || value === null) return null;
  const hint = `use some of: ${TOKEN_SCOPES.join(', ')}`;
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid('"scopes" must be a list that is not empty', hint);
  }
  const given: readonly unknown[] = value;
  return [
    ...new Set(
      given.map((one) => {
        if (typeof one === 'string' && isTokenScope(one)) return one;
        throw invalid(`there is no scope ${printable(JSON.stringify(one) ?? '', 60)}`, hint);
      }),
    ),
  ];
}

function invalid(message: string, hint: string): SallyportError {
  return new SallyportError('usage.invalid', message, hint);
}
