/** In-memory stand-ins for what is configured, and for the keys and the journal beside it. */
import { GRANT_DEFAULTS } from '../../server/access/grant.ts';
import type { NamedIdentity } from '../../server/access/identity.ts';
import { SallyportError } from '../../server/errors.ts';
import type {
  AuditReader,
  AuditWriter,
  DirectoryDesk,
  DirectoryViews,
  JournalQuery,
  Page,
  ShortKeyDesk,
} from '../../server/http/ports.ts';
import type { AuditEvent, JournalEntry } from '../../server/journal/event.ts';

export const DIRECTORY: {
  readonly [Kind in keyof DirectoryViews]: readonly DirectoryViews[Kind][];
} = {
  principals: [
    {
      name: 'deploy-bot',
      kind: 'agent',
      roles: [],
      groups: ['agents'],
      owner: 'alice',
      disabled: false,
      keys: [{ algorithm: 'ssh-ed25519', fingerprint: 'SHA256:k', comment: 'k', expiresAt: null }],
      oidc: [],
    },
  ],
  targets: [
    {
      name: 'web-01',
      address: '10.0.0.5:22',
      hostKey: null,
      labels: { env: 'prod' },
      shellIntegration: 'off',
      logins: [{ name: 'deploy', credential: 'web-deploy' }],
    },
  ],
  grants: [
    {
      id: 'g1',
      principals: ['deploy-bot'],
      targets: ['web-01'],
      logins: ['deploy'],
      channels: ['exec'],
      policy: 'default',
      ...GRANT_DEFAULTS,
    },
  ],
  policies: [{ name: 'default', version: 3, policy: { default: 'allow' } }],
  credentials: [
    {
      name: 'web-deploy',
      kind: 'private-key',
      version: 1,
      publicKey: 'ssh-ed25519 AAAA',
      updatedAt: '2026-01-01T10:00:00.000Z',
    },
  ],
};

export class FakeDirectory implements DirectoryDesk {
  async list<Kind extends keyof DirectoryViews>(
    kind: Kind,
  ): Promise<readonly DirectoryViews[Kind][]> {
    return DIRECTORY[kind];
  }
}

export class FakeAudit implements AuditReader, AuditWriter {
  readonly events: AuditEvent[] = [];
  failing = false;

  async append(event: AuditEvent): Promise<void> {
    if (this.failing) {
      throw new SallyportError('journal.failed', 'the journal is away', 'bring it back');
    }
    this.events.push(event);
  }

  /** What it was asked for, newest last. */
  readonly asked: JournalQuery[] = [];

  async list(query: JournalQuery): Promise<Page<JournalEntry>> {
    this.asked.push(query);
    const entries = this.events.map((event, index): JournalEntry => ({
      ...event,
      seq: index + 1,
      at: '2026-01-01T10:00:00.000Z',
      prevHash: '0'.repeat(64),
      hash: '1'.repeat(64),
    }));
    const { limit, principal, session, types } = query;
    const items = entries
      .filter(
        (one) =>
          (types === undefined || types.includes(one.type)) &&
          (session === undefined || one.session === session) &&
          (principal === undefined || one.principal === principal),
      )
      .toReversed();
    return { items: items.slice(0, limit), next: null };
  }

  /** The events of one type, as `PRINCIPAL SESSION`. */
  ofType(type: AuditEvent['type']): string[] {
    return this.events
      .filter((event) => event.type === type)
      .map((event) => `${event.principal ?? '-'} ${event.session ?? '-'}`);
  }
}

export class FakeShortKeys implements ShortKeyDesk {
  readonly named: NamedIdentity[] = [];
  readonly registered: Parameters<ShortKeyDesk['register']>[0][] = [];
  readonly #audit: FakeAudit;
  readonly #clock: { nowMs(): number };

  constructor(audit: FakeAudit, clock: { nowMs(): number }) {
    this.#audit = audit;
    this.#clock = clock;
  }

  async identities(): Promise<readonly NamedIdentity[]> {
    return this.named;
  }

  async register(...[key, event]: Parameters<ShortKeyDesk['register']>): Promise<string> {
    await this.#audit.append(event);
    this.registered.push(key);
    return new Date(this.#clock.nowMs() + key.lifeMs).toISOString();
  }
}
