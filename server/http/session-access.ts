/** From an id in an address to a session that the viewer may use, or the refusal. */
import type { Response } from 'express';
import type { Principal } from '../access/principal.ts';
import { guard, refusal, unknownObject, type Action } from './guard.ts';
import type { Services } from './options.ts';
import type { Page, SessionQuery, SessionView } from './ports.ts';
import { viewerOf } from './viewer.ts';

export interface SessionAccess {
  readonly session: SessionView;
  readonly principal: Principal;
  readonly source: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Throws `access.unauthenticated`, `object.unknown` or `access.forbidden`. */
export async function sessionFor(
  services: Services,
  response: Response,
  id: unknown,
  action: Action = 'session.read',
): Promise<SessionAccess> {
  const { principal, source } = viewerOf(response);
  if (principal === null) throw refusal({ kind: 'unauthenticated' }, 'session');
  const session =
    typeof id === 'string' && UUID.test(id) ? await services.recordings.session(id) : null;
  if (session === null) throw unknownObject('session');
  const outcome = guard(principal, action, session.principal.name);
  if (outcome.kind !== 'allowed') throw refusal(outcome, 'session');
  return { session, principal, source };
}

/** The sessions that match and that the viewer may see. */
export async function sessionsFor(
  services: Services,
  response: Response,
  query: SessionQuery,
): Promise<{ readonly scope: 'all' | 'own'; readonly page: Page<SessionView> }> {
  const { principal, source } = viewerOf(response);
  const outcome = guard(principal, 'session.list');
  if (outcome.kind !== 'allowed' || principal === null) {
    throw refusal(outcome.kind === 'allowed' ? { kind: 'unauthenticated' } : outcome, 'session');
  }
  if (outcome.scope === 'all') {
    // Which sessions have a text in their commands says what others typed.
    if (query.q !== undefined && query.principal !== principal.name) {
      const { cursor: _cursor, limit: _limit, ...asked } = query;
      await services.views.searched(principal, source, asked);
    }
    return { scope: 'all', page: await services.recordings.listSessions(query) };
  }
  if (query.principal !== undefined && query.principal !== principal.name) {
    return { scope: 'own', page: { items: [], next: null } };
  }
  const own = { ...query, principal: principal.name };
  return { scope: 'own', page: await services.recordings.listSessions(own) };
}

/** The principal, if it may do `action` that is about no single session; throws otherwise. */
export function principalFor(response: Response, action: Action): Principal {
  const { principal } = viewerOf(response);
  const outcome = guard(principal, action);
  if (outcome.kind !== 'allowed') throw refusal(outcome, 'page');
  if (principal === null) throw refusal({ kind: 'unauthenticated' }, 'page');
  return principal;
}

/** Whose sessions the viewer may see. Throws `access.unauthenticated` or `access.forbidden`. */
export function scopeOf(response: Response): 'all' | 'own' {
  const outcome = guard(viewerOf(response).principal, 'session.list');
  if (outcome.kind !== 'allowed') throw refusal(outcome, 'page');
  return outcome.scope;
}

/** Whether somebody sees the sessions of all others. */
export function readsAll(principal: Principal | null): boolean {
  const outcome = guard(principal, 'session.list');
  return outcome.kind === 'allowed' && outcome.scope === 'all';
}
