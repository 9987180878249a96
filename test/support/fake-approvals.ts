/** Approvals in memory, decided as the store would. */
import type { Principal } from '../../server/access/principal.ts';
import type { ApprovalDesk, ApprovalView } from '../../server/http/ports.ts';
import type { EventType } from '../../server/journal/event.ts';

export class FakeApprovals implements ApprovalDesk {
  readonly views: ApprovalView[] = [];
  /** Who the rules name; an id that is missing may be decided by every approver. */
  readonly named = new Map<string, readonly string[]>();
  /** What else is known of a request, by its id. */
  readonly backgrounds = new Map<string, Awaited<ReturnType<ApprovalDesk['background']>>>();
  /** Changes of approvals, in order, as the journal would have them. */
  readonly changed: { readonly seq: number; readonly type: EventType; readonly id: string }[] = [];
  readonly #watchers = new Set<(id: string) => void>();

  /** Something about an approval has changed. */
  change(id: string, type: EventType): void {
    this.changed.push({ seq: this.changed.length + 1, type, id });
    for (const watcher of this.#watchers) watcher(id);
  }

  async listApprovals(query: {
    readonly status?: ApprovalView['status'];
    readonly uses?: false;
    readonly session?: string;
    readonly limit: number;
  }): Promise<readonly ApprovalView[]> {
    const { limit, session, status, uses } = query;
    return this.views
      .filter((one) => status === undefined || one.status === status)
      .filter((one) => uses !== false || one.standing === null)
      .filter((one) => session === undefined || one.session === session)
      .toSorted((a, b) => (a.requestedAt < b.requestedAt ? 1 : -1))
      .slice(0, limit);
  }

  async approval(id: string): Promise<ApprovalView | null> {
    return this.views.find((one) => one.id === id) ?? null;
  }

  async decide(
    id: string,
    decision: 'approved' | 'refused',
    by: Parameters<ApprovalDesk['decide']>[2],
  ): ReturnType<ApprovalDesk['decide']> {
    const index = this.views.findIndex((one) => one.id === id);
    const found = this.views[index];
    if (found === undefined) return { kind: 'unknown' };
    if (found.principal === by.principal.name) return { kind: 'own-request' };
    if (found.status !== 'waiting') {
      const isAgain = found.status === decision && found.decidedBy === by.principal.name;
      if (isAgain) return { kind: 'decided', approval: found, isAgain };
      return { kind: 'already-decided', approval: found };
    }
    const scope = by.scope?.kind ?? 'once';
    if (scope !== 'once' && !found.repeatable) {
      return { kind: 'once-only', why: found.onceBecause ?? 'it is decided each time' };
    }
    const named = this.named.get(id);
    if (named !== undefined && !named.includes(by.principal.name)) {
      return { kind: 'not-an-approver' };
    }
    const approval: ApprovalView = {
      ...found,
      status: decision,
      decidedBy: by.principal.name,
      decidedAt: '2026-01-01T10:05:00.000Z',
      decisionReason: by.reason,
      scope,
      until: scope === 'once' ? null : '2026-01-01T11:05:00.000Z',
    };
    this.views[index] = approval;
    this.change(id, 'approval.decided');
    return { kind: 'decided', approval, isAgain: false };
  }

  async standing(): Promise<readonly ApprovalView[]> {
    return this.views.filter((one) => one.until !== null && one.revokedAt === null);
  }

  async revoke(
    id: string,
    by: Parameters<ApprovalDesk['revoke']>[1],
  ): ReturnType<ApprovalDesk['revoke']> {
    const index = this.views.findIndex((one) => one.id === id);
    const found = this.views[index];
    if (found === undefined) return { kind: 'unknown' };
    if (found.until === null || found.revokedAt !== null) {
      return { kind: 'not-standing', approval: found };
    }
    const revokedAt = '2026-01-01T10:06:00.000Z';
    const approval = { ...found, revokedAt, revokedBy: by.principal.name };
    this.views[index] = approval;
    return { kind: 'revoked', approval };
  }

  decided(id: string): Promise<ApprovalView | null> {
    return this.approval(id);
  }

  async background(id: string): ReturnType<ApprovalDesk['background']> {
    const known = this.backgrounds.get(id);
    if (known !== undefined || (await this.approval(id)) === null) return known ?? null;
    return { session: null, certainty: 'exact', resolved: [], moreResolved: 0, earlier: [] };
  }

  async changes(after: number, limit: number): ReturnType<ApprovalDesk['changes']> {
    return this.changed.filter(({ seq }) => seq > after).slice(0, limit);
  }

  async lastPlace(): Promise<number> {
    return this.changed.length;
  }

  async watch(onChange: (id: string) => void): Promise<() => void> {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  async standingFor(id: string, principal: Principal): ReturnType<ApprovalDesk['standingFor']> {
    const found = await this.approval(id);
    if (found === null) return null;
    const isTheirs = found.principal === principal.name;
    const named = this.named.get(id);
    const isNamed = named === undefined || named.includes(principal.name);
    if (isTheirs) return { decides: 'own-request', isTheirs };
    return { decides: isNamed ? 'may' : 'not-an-approver', isTheirs };
  }
}
