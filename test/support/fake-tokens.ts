/** API tokens that live in memory. */
import type { TokenDesk, TokenView } from '../../server/http/token-ports.ts';

export class FakeTokens implements TokenDesk {
  readonly views: TokenView[] = [];

  async create(...[wish, by]: Parameters<TokenDesk['create']>): ReturnType<TokenDesk['create']> {
    const object: TokenView = {
      id: `00000000-0000-4000-8000-${String(this.views.length + 1).padStart(12, '0')}`,
      name: wish.name,
      principal: wish.principal,
      scopes: wish.scopes,
      createdAt: '2026-01-01T10:00:00.000Z',
      createdBy: by.principal,
      expiresAt: '2026-01-01T11:00:00.000Z',
      lastUsedAt: null,
      lastUsedFrom: null,
    };
    this.views.unshift(object);
    return { token: 't'.repeat(43), object };
  }

  async list(principal: string | null): Promise<readonly TokenView[]> {
    return this.views.filter((one) => principal === null || one.principal === principal);
  }

  async one(id: string): Promise<TokenView | null> {
    return this.views.find((one) => one.id === id) ?? null;
  }

  async revoke(id: string): Promise<boolean> {
    const at = this.views.findIndex((one) => one.id === id);
    if (at !== -1) this.views.splice(at, 1);
    return at !== -1;
  }
}
