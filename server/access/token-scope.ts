/**
 * What an API token may be used for, where that is less than its principal may. Pure; asked by `permit` in
 * permission.ts and nowhere else. Not caught here: what somebody does over SSH with a key that `ssh-keys` got.
 */
import type { Action } from './permission.ts';

/** Each scope with its words in the README, and the scopes that come with it. */
const SCOPE_TABLE = {
  'sessions:read': { words: 'list, search and read sessions', with: [] },
  'sessions:control': { words: 'end, pause, hold and review sessions', with: ['sessions:read'] },
  'approvals:read': { words: 'see what waits for approval', with: [] },
  'approvals:decide': { words: 'approve and refuse', with: ['approvals:read'] },
  access: { words: 'ask for access for a time, and end it', with: [] },
  'journal:read': { words: 'read the journal', with: [] },
  'directory:read': { words: 'read what is configured, and its versions', with: [] },
  'directory:write': { words: 'change what is configured', with: ['directory:read'] },
  tokens: { words: 'list, make and revoke API tokens', with: [] },
  'ssh-keys': { words: 'list, register and revoke keys, which open SSH as their owner', with: [] },
} as const satisfies Readonly<
  Record<string, { readonly words: string; readonly with: readonly string[] }>
>;

export type TokenScope = keyof typeof SCOPE_TABLE;
export const TOKEN_SCOPES = Object.keys(SCOPE_TABLE) as readonly TokenScope[];

/** The scope that each action needs; an action that stands here nowhere can't be compiled. */
export const SCOPE_OF: Readonly<Record<Action, TokenScope>> = {
  'session.list': 'sessions:read',
  'session.read': 'sessions:read',
  'session.terminate': 'sessions:control',
  'session.control': 'sessions:control',
  'session.hold': 'sessions:control',
  'session.review': 'sessions:control',
  'approval.list': 'approvals:read',
  'approval.decide': 'approvals:decide',
  'access.request': 'access',
  'journal.read': 'journal:read',
  'directory.read': 'directory:read',
  'directory.write': 'directory:write',
  'token.list': 'tokens',
  'token.create': 'tokens',
  'token.revoke': 'tokens',
  'ssh-key.list': 'ssh-keys',
  'ssh-key.revoke': 'ssh-keys',
  'ssh-key.register': 'ssh-keys',
};

export function isTokenScope(text: string): text is TokenScope {
  return Object.hasOwn(SCOPE_TABLE, text);
}

/** What a scope is for, in words. */
export function wordsOfScope(scope: TokenScope): string {
  return SCOPE_TABLE[scope].words;
}

/** The scopes with those that come with them; null = everything. */
function reachOf(scopes: readonly TokenScope[]): ReadonlySet<string> {
  return new Set(scopes.flatMap((scope) => [scope, ...SCOPE_TABLE[scope].with]));
}

/** The scope that is missing for an action; null = none is. @param scopes left out or null = everything */
export function missingScope(
  scopes: readonly TokenScope[] | null | undefined,
  action: Action,
): TokenScope | null {
  const needed = SCOPE_OF[action];
  return scopes == null || reachOf(scopes).has(needed) ? null : needed;
}

/** The first of `wanted` that a token of these scopes can't pass on; null = it can pass on all. */
export function beyondScopes(
  scopes: readonly TokenScope[] | null | undefined,
  wanted: readonly TokenScope[],
): TokenScope | null {
  if (scopes == null) return null;
  const reach = reachOf(scopes);
  return wanted.find((scope) => !reach.has(scope)) ?? null;
}
