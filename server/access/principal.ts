/** Who somebody is. Not caught here: whether they are who they say; see authenticate.ts. */
import type { TokenScope } from './token-scope.ts';

export const ROLES = ['user', 'auditor', 'approver', 'admin'] as const;
export type Role = (typeof ROLES)[number];
export type PrincipalKind = 'human' | 'agent';

export interface Principal {
  /** UUIDv7. */
  readonly id: string;
  readonly name: string;
  readonly kind: PrincipalKind;
  readonly roles: readonly Role[];
  readonly groups: readonly string[];
  /** What the token is for that speaks in its name; left out = everything that it may do. */
  readonly scopes?: readonly TokenScope[];
}

/** `admin` includes every other role; everybody is a `user`. */
export function hasRole(principal: Principal, role: Role): boolean {
  return role === 'user' || principal.roles.includes(role) || principal.roles.includes('admin');
}

/**
 * Whether a selector of the configuration (`alice`, `group:sre`) names this principal.
 */
export function isNamedBy(principal: Principal, selector: string): boolean {
  return selector.startsWith('group:')
    ? principal.groups.includes(selector.slice('group:'.length))
    : principal.name === selector;
}
