/** Access for a time, in memory: `web-01` may be asked for as `deploy`, for an hour. */
import type { AccessDesk, AccessRequestView } from '../../server/http/access-ports.ts';

export class FakeAccess implements AccessDesk {
  readonly requests: AccessRequestView[] = [];

  async rules() {
    return [];
  }

  async webhooks() {
    return [];
  }

  async ask({ by, durationS, principal, reason, target }: Parameters<AccessDesk['ask']>[0]) {
    if (target !== 'web-01') return { kind: 'unknown' } as const;
    if (durationS > 3_600) return { kind: 'too-long', mostS: 3_600 } as const;
    if (reason.trim() === '') return { kind: 'no-reason' } as const;
    const id = `ask${this.requests.length + 1}`;
    const request = accessView(id, { ...by, durationS, principal: principal.name, reason });
    this.requests.unshift(request);
    return { kind: 'asked', request, url: `https://bastion.example/approvals/${id}` } as const;
  }

  async options() {
    return [
      { target: 'web-01', login: 'deploy', channels: ['shell', 'exec'], maxDurationS: 3_600 },
    ];
  }

  async list(principal: string | null, limit: number): Promise<readonly AccessRequestView[]> {
    const found = this.requests.filter((one) => principal === null || one.principal === principal);
    return found.slice(0, limit);
  }

  async request(id: string): Promise<AccessRequestView | null> {
    return this.requests.find((one) => one.id === id) ?? null;
  }

  async end(id: string): ReturnType<AccessDesk['end']> {
    const request = await this.request(id);
    return request === null ? { kind: 'unknown' } : { kind: 'over', request };
  }
}

export function accessView(
  id: string,
  changes: Partial<AccessRequestView> = {},
): AccessRequestView {
  return {
    id,
    status: 'waiting',
    principal: 'uma',
    target: 'web-01',
    login: 'deploy',
    channels: ['shell', 'exec'],
    policy: 'urgent',
    run: null,
    task: null,
    attribution: null,
    reason: 'the disk is full',
    durationS: 3_600,
    requestedAt: '2026-01-01T10:03:00.000Z',
    expiresAt: '2026-01-01T11:03:00.000Z',
    approvedBy: [],
    grantedS: null,
    grantedAt: null,
    endsAt: null,
    settledBy: null,
    settledAt: null,
    settledWhy: null,
    ...changes,
  };
}
