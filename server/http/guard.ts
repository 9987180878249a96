/**
 * The one place that decides who may do what over HTTP: pages, API and event streams all ask here.
 * Not caught here: whether a principal is who they say (viewer.ts), and whether an approver may decide
 * this very request (the approval desk, which sees the rule).
 */
import { hasRole, type Principal, type Role } from '../access/principal.ts';
import { SallyportError } from '../errors.ts';

export const ACTIONS = [
  'session.list',
  'session.read',
  'session.terminate',
  'session.hold',
  'approval.list',
  'approval.decide',
  'journal.read',
  'directory.read',
] as const;
export type Action = (typeof ACTIONS)[number];

export type GuardOutcome =
  /** `own`: only what belongs to the principal. */
  | { readonly kind: 'allowed'; readonly scope: 'all' | 'own' }
  | { readonly kind: 'unauthenticated' }
  /** To be answered exactly like something that doesn't exist. */
  | { readonly kind: 'hidden' }
  | { readonly kind: 'forbidden'; readonly needs: Role };

/**
 * @param principal null when nobody is signed in
 * @param owner name of the principal whose session it is, for actions on one session
 */
export function guard(
  principal: Principal | null,
  action: Action,
  owner: string | null = null,
): GuardOutcome {
  if (principal === null) return { kind: 'unauthenticated' };
  const readsAll = hasRole(principal, 'auditor');
  switch (action) {
    case 'session.list':
      return { kind: 'allowed', scope: readsAll ? 'all' : 'own' };
    case 'session.read':
      if (readsAll) return { kind: 'allowed', scope: 'all' };
      return owner === principal.name ? { kind: 'allowed', scope: 'own' } : { kind: 'hidden' };
    case 'session.terminate':
      if (hasRole(principal, 'admin')) return { kind: 'allowed', scope: 'all' };
      if (readsAll || owner === principal.name) return { kind: 'forbidden', needs: 'admin' };
      return { kind: 'hidden' };
    case 'session.hold':
      if (readsAll) return { kind: 'allowed', scope: 'all' };
      return owner === principal.name
        ? { kind: 'forbidden', needs: 'auditor' }
        : { kind: 'hidden' };
    case 'journal.read':
    case 'directory.read':
      return readsAll ? { kind: 'allowed', scope: 'all' } : { kind: 'forbidden', needs: 'auditor' };
    case 'approval.list':
    case 'approval.decide':
      return hasRole(principal, 'approver')
        ? { kind: 'allowed', scope: 'all' }
        : { kind: 'forbidden', needs: 'approver' };
  }
}

/** What is thrown for an outcome that isn't `allowed`. `what` is the noun that would not exist. */
export function refusal(
  outcome: Exclude<GuardOutcome, { kind: 'allowed' }>,
  what: string,
): SallyportError {
  switch (outcome.kind) {
    case 'unauthenticated':
      return new SallyportError(
        'access.unauthenticated',
        'you are not signed in',
        'open a one-time link, which the demo prints and "sallyport token create --link" makes, or send "Authorization: Bearer TOKEN" (sallyport token create)',
      );
    case 'hidden':
      return unknownObject(what);
    case 'forbidden':
      return new SallyportError(
        'access.forbidden',
        `this needs the role "${outcome.needs}", which you don't have`,
        `ask an administrator for the role "${outcome.needs}"`,
      );
  }
}

/** The answer for what doesn't exist, and for what the asker may not know of. */
export function unknownObject(what: string): SallyportError {
  return new SallyportError(
    'object.unknown',
    `there is no such ${what}`,
    `check the id; the list of ${what}s shows those that you may see`,
  );
}
