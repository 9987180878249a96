/**
 * What the HTTP routes and the pages read and write, and the JSON objects of the outside contract.
 * `web/` imports these types; store/ satisfies the ports structurally.
 */
import type { GrantRule } from '../access/grant.ts';
import type { NamedIdentity, OidcIdentity } from '../access/identity.ts';
import type { Principal } from '../access/principal.ts';
import type { AuditEvent, EventType, JournalEntry } from '../journal/event.ts';

export type * from './approval-ports.ts';
export type * from './recording-ports.ts';
export type * from './search-ports.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque cursor of the next page; null on the last. */
  readonly next: string | null;
}

export interface SignIns {
  /** Exchanges a one-time set-up token for a web session; null = unknown, used or expired. */
  redeemSetup(
    token: string,
  ): Promise<{ readonly token: string; readonly principal: Principal } | null>;
  /**
   * The principal of a live token; `source` is noted as where it was used last. An API token in a cookie is
   * none: a program isn't a person in a browser.
   */
  principalByToken(
    token: string,
    source?: string,
    by?: 'cookie' | 'bearer',
  ): Promise<Principal | null>;
  revoke(token: string): Promise<void>;
}

export interface KeyView {
  readonly algorithm: string;
  readonly fingerprint: string;
  readonly comment: string;
  /** ISO 8601; null = until the configuration drops it. */
  readonly expiresAt: string | null;
}

/** What the configuration says, object by object; never a secret. */
export interface DirectoryViews {
  readonly principals: {
    readonly name: string;
    readonly kind: 'human' | 'agent';
    readonly roles: readonly string[];
    readonly groups: readonly string[];
    readonly owner: string | null;
    readonly disabled: boolean;
    readonly keys: readonly KeyView[];
    readonly oidc: readonly OidcIdentity[];
  };
  readonly targets: {
    readonly name: string;
    /** `HOST:PORT` */
    readonly address: string;
    readonly hostKey: string | null;
    readonly labels: Readonly<Record<string, string>>;
    readonly shellIntegration: string;
    readonly logins: readonly { readonly name: string; readonly credential: string }[];
  };
  readonly grants: GrantRule;
  readonly policies: {
    readonly name: string;
    readonly version: number;
    /** As written. */
    readonly policy: unknown;
  };
  readonly credentials: {
    readonly name: string;
    /** null = declared, without material yet. */
    readonly kind: string | null;
    readonly version: number;
    readonly publicKey: string | null;
    readonly updatedAt: string;
  };
}

export interface DirectoryDesk {
  /** All of a kind, by name; grants in the order in which they are asked. */
  list<Kind extends keyof DirectoryViews>(kind: Kind): Promise<readonly DirectoryViews[Kind][]>;
}

/** A line of a `.pub` file, read. */
export type PublicKeyOutcome =
  | {
      readonly kind: 'key';
      readonly algorithm: string;
      readonly blob: Buffer;
      readonly fingerprint: string;
    }
  | { readonly kind: 'invalid'; readonly why: string };

/** Keys that are valid for minutes. */
export interface ShortKeyDesk {
  identities(): Promise<readonly NamedIdentity[]>;
  /** Rejects with `object.conflict`, `object.unknown` and `limit.exceeded`. @returns its end, ISO 8601 */
  register(
    key: {
      readonly principal: string;
      readonly key: Omit<Extract<PublicKeyOutcome, { kind: 'key' }>, 'kind'>;
      readonly lifeMs: number;
      readonly attribution: 'verified' | 'declared' | null;
      readonly run: string | null;
      readonly task: string | null;
    },
    event: AuditEvent,
  ): Promise<string>;
}

export interface JournalQuery {
  readonly types?: readonly EventType[];
  readonly session?: string;
  readonly principal?: string;
  readonly target?: string;
  /** ISO 8601. */
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface AuditReader {
  /** Newest first. Rejects with `usage.invalid` for a cursor that it doesn't know. */
  list(query: JournalQuery): Promise<Page<JournalEntry>>;
}

export interface AuditWriter {
  append(event: AuditEvent): Promise<void>;
}

/** A legal hold on a session; times in ISO 8601. */
export interface HoldView {
  readonly session: string;
  readonly heldAt: string;
  readonly heldBy: string;
  readonly reason: string;
  readonly releasedAt: string | null;
  readonly releasedBy: string | null;
  readonly releaseReason: string | null;
}

export interface HoldChange {
  readonly session: string;
  readonly reason: string;
  /** Who, as it is shown. */
  readonly by: string;
  readonly principal: string | null;
  readonly source: string | null;
}

/** Rejects with `object.conflict` when it is held already, or not held, and with `usage.invalid`. */
export interface HoldDesk {
  hold(change: HoldChange): Promise<HoldView>;
  release(change: HoldChange): Promise<HoldView>;
  /** All of a session, newest first. */
  of(sessionId: string): Promise<readonly HoldView[]>;
}
