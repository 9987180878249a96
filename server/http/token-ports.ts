/** What the routes of API tokens read and write. */
import type { TokenScope } from '../access/token-scope.ts';

/** Times in ISO 8601. */
export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly principal: string;
  /** null = everything that its principal may do. */
  readonly scopes: readonly string[] | null;
  readonly createdAt: string;
  readonly createdBy: string | null;
  readonly expiresAt: string;
  readonly lastUsedAt: string | null;
  readonly lastUsedFrom: string | null;
}

interface TokenActor {
  readonly principal: string | null;
  readonly source: string;
}

export interface TokenDesk {
  /** Rejects with `object.unknown`, `usage.invalid` and `limit.exceeded`. */
  create(
    wish: {
      readonly principal: string;
      readonly name: string;
      readonly scopes: readonly TokenScope[] | null;
      readonly ttlMs: number;
      /** The new one ends with this one at the latest. */
      readonly madeWith: string | null;
    },
    by: TokenActor,
  ): Promise<{ readonly token: string; readonly object: TokenView }>;
  /** Live ones, newest first. @param principal null = of everybody */
  list(principal: string | null): Promise<readonly TokenView[]>;
  one(id: string): Promise<TokenView | null>;
  /** @returns whether there was such a live one */
  revoke(id: string, by: TokenActor): Promise<boolean>;
}
