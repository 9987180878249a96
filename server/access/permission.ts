/**
 * Who may do what: the one table that pages, API, event streams and the bastion's own commands over SSH ask,
 * and that the README shows. Pure. Not caught here: whether a principal is who they say, and whether an
 * approver may decide this very request (the approval desk, which sees the rule).
 */
import { hasRole, type Principal, type Role } from './principal.ts';
import { missingScope, type TokenScope } from './token-scope.ts';

export interface Permission {
  /** In the README. */
  readonly words: string;
  /** About one session: who may not even see it gets the answer for what doesn't exist. */
  readonly isOfSession: boolean;
  /** Everybody may do it to what is their own. */
  readonly own: boolean;
  /** Who may do it to everything. */
  readonly all: Role;
}

function row(words: string, own: boolean, all: Role, isOfSession = false): Permission {
  return { words, own, all, isOfSession };
}

export const PERMISSIONS = {
  'session.list': row('list and search sessions', true, 'auditor'),
  'session.read': row(
    'read a session: commands, recording, live, files, export',
    true,
    'auditor',
    true,
  ),
  'session.terminate': row('end a running session', false, 'admin', true),
  'session.control': row('pause, resume and write to a running session', false, 'approver', true),
  'session.hold': row('keep a session from being deleted', false, 'auditor', true),
  'session.review': row(
    'mark a session reviewed and write notes on it, never one’s own',
    false,
    'auditor',
    true,
  ),
  'approval.list': row('see what waits for approval', false, 'approver'),
  'approval.decide': row('approve or refuse, never what is their own', false, 'approver'),
  'access.request': row('ask for access for a time, and end it early', true, 'approver'),
  'journal.read': row('read the journal', false, 'auditor'),
  'directory.read': row('read the configuration and its versions', false, 'auditor'),
  'directory.write': row('change the configuration', false, 'admin'),
  'token.list': row('list API tokens', true, 'admin'),
  'token.create': row('make API tokens', true, 'admin'),
  'token.revoke': row('revoke API tokens', true, 'admin'),
  'ssh-key.list': row('list SSH keys that count now', true, 'admin'),
  'ssh-key.revoke': row('revoke SSH keys that were registered for a time', true, 'admin'),
  'ssh-key.register': row('register a short-lived key for oneself', true, 'admin'),
} as const satisfies Readonly<Record<string, Permission>>;

export type Action = keyof typeof PERMISSIONS;
export const ACTIONS = Object.keys(PERMISSIONS) as readonly Action[];

export type PermitOutcome =
  /** `own`: only what belongs to the principal. */
  | { readonly kind: 'allowed'; readonly scope: 'all' | 'own' }
  | { readonly kind: 'unauthenticated' }
  /** To be answered exactly like something that doesn't exist. */
  | { readonly kind: 'hidden' }
  | { readonly kind: 'forbidden'; readonly needs: Role }
  /** The roles may allow it, but the token is for less. */
  | { readonly kind: 'out-of-scope'; readonly needs: TokenScope };

/**
 * @param principal null when nobody is signed in
 * @param owner name of the principal whose session it is, for actions on one session
 */
export function permit(
  principal: Principal | null,
  action: Action,
  owner: string | null = null,
): PermitOutcome {
  if (principal === null) return { kind: 'unauthenticated' };
  const outcome = byRoles(principal, action, owner);
  const needs = missingScope(principal.scopes, action);
  // What the roles hide stays hidden: a scope that is missing would tell that it is there.
  return outcome.kind === 'allowed' && needs !== null ? { kind: 'out-of-scope', needs } : outcome;
}

function byRoles(
  principal: Principal,
  action: Action,
  owner: string | null,
): Exclude<PermitOutcome, { kind: 'unauthenticated' | 'out-of-scope' }> {
  const { all, isOfSession, own } = PERMISSIONS[action];
  if (hasRole(principal, all)) return { kind: 'allowed', scope: 'all' };
  if (!isOfSession) {
    return own ? { kind: 'allowed', scope: 'own' } : { kind: 'forbidden', needs: all };
  }
  const isOwner = owner !== null && owner === principal.name;
  if (isOwner && own) return { kind: 'allowed', scope: 'own' };
  const seesIt = isOwner || hasRole(principal, PERMISSIONS['session.read'].all);
  return seesIt ? { kind: 'forbidden', needs: all } : { kind: 'hidden' };
}
