/**
 * The closed union of audit events. Not caught here: events that nobody appended; see the callers.
 */
export const EVENT_TYPES = [
  'server.started',
  'server.stopped',
  'auth.succeeded',
  'auth.failed',
  'access.refused',
  'access.requested',
  'access.granted',
  'access.expired',
  'access.withdrawn',
  'access.ended',
  'session.started',
  'session.ended',
  'session.noticed',
  'session.paused',
  'session.resumed',
  'session.terminated',
  'session.held',
  'session.released',
  'session.reviewed',
  'session.review-withdrawn',
  'session.noted',
  'session.deleted',
  'principal.disabled',
  'principal.enabled',
  'principal.unbound',
  'key.registered',
  'key.rotated',
  'key.revoked',
  'verify.failed',
  'command.decided',
  'command.ended',
  'file.read',
  'file.written',
  'file.copied',
  'file.listed',
  'file.renamed',
  'file.removed',
  'file.changed',
  'file.created',
  'transfer.ended',
  'approval.requested',
  'approval.agreed',
  'approval.escalated',
  'approval.decided',
  'approval.expired',
  'approval.cancelled',
  'approval.used',
  'approval.revoked',
  'channel.refused',
  'forward.refused',
  'forward.listening',
  'forward.opened',
  'forward.ended',
  'upstream.opened',
  'upstream.failed',
  'credential.created',
  'credential.used',
  'vault.rotated',
  'config.changed',
  'webhook.failed',
  'config.refused',
  'token.created',
  'token.revoked',
  'journal.exported',
  'web.signed-in',
  'web.signed-out',
  'recording.viewed',
  'recording.exported',
  'recording.moved',
  'recording.checkpoint',
  'recording.sealed',
  'recording.failed',
  'recording.gap',
  'journal.read',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** JSON without floating-point surprises: numbers are safe integers. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** An event before the chain gives it its place. */
export interface AuditEvent {
  readonly type: EventType;
  /** Name of the principal, or null when none is known. */
  readonly principal: string | null;
  /** Network address of the peer (`192.0.2.7:51514`), `cli:USER` or `http:ADDRESS`; null = the server itself. */
  readonly source: string | null;
  /** Session id, or null. */
  readonly session: string | null;
  readonly target: string | null;
  readonly data: { readonly [name: string]: JsonValue };
}

/** An event in its place in the chain. */
export interface JournalEntry extends AuditEvent {
  /** 1, 2, 3, … without gaps. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  /** Hexadecimal SHA-256 of the entry before; 64 zeros for the first. */
  readonly prevHash: string;
  readonly hash: string;
}
