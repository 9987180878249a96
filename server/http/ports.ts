/**
 * What the HTTP routes and the pages read and write, and the JSON objects of the outside contract.
 * `web/` imports these types; store/ satisfies the ports structurally.
 */
import type { GrantRule } from '../access/grant.ts';
import type { NamedIdentity, OidcIdentity } from '../access/identity.ts';
import type { Principal } from '../access/principal.ts';
import type { CastHeader, RecordedEvent } from '../asciicast/event.ts';
import type { AuditEvent, EventType, JournalEntry } from '../journal/event.ts';
import type { RecordingSeal } from '../journal/seal.ts';
import type { Keyframe, Pause } from '../terminal/keyframe.ts';

export type * from './approval-ports.ts';

export interface SessionView {
  readonly id: string;
  readonly kind: 'shell' | 'exec' | 'sftp' | 'scp' | 'forward';
  readonly principal: { readonly name: string; readonly kind: 'human' | 'agent' };
  readonly target: string;
  readonly login: string;
  readonly via: 'direct' | 'jump';
  readonly source: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly attribution: 'verified' | 'declared' | 'claimed' | null;
  /** ISO 8601, UTC, milliseconds. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly status: 'active' | 'closed' | 'failed';
  readonly exitStatus: number | null;
  readonly width: number;
  readonly height: number;
  readonly commandCount: number;
  readonly deniedCount: number;
  readonly heldCount: number;
  /** Secrets that were masked in commands and output. */
  readonly maskedCount: number;
  readonly bytesOut: number;
  readonly recording: {
    readonly durationMs: number;
    readonly chunks: number;
    readonly headHash: string | null;
    readonly complete: boolean;
  };
  /** By whom and when; null or left out = by nobody. */
  readonly reviewed?: { readonly by: string; readonly at: string } | null;
}

export interface CommandView {
  readonly seq: number;
  readonly atMs: number;
  readonly text: string;
  readonly certainty: 'exact' | 'observed' | 'uncertain';
  readonly decision: 'allow' | 'deny' | 'hold';
  readonly rule: string | null;
  readonly reason: string | null;
  /** Id of the approval of a held command. */
  readonly approval: string | null;
  readonly language: 'shell' | 'sql' | 'file' | 'forward';
  readonly argv: readonly string[] | null;
  readonly exitStatus: number | null;
  readonly outputFromMs: number | null;
  readonly outputToMs: number | null;
  /** How many secrets were masked in its text and output. */
  readonly masked: number;
  /** The policy that judged it, and the version of the directory then; null = from before they were kept. */
  readonly policy?: string | null;
  readonly policyVersion?: number | null;
  readonly directoryVersion?: number | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque cursor of the next page; null on the last. */
  readonly next: string | null;
}

export interface SessionQuery {
  readonly principal?: string;
  readonly target?: string;
  readonly run?: string;
  readonly kind?: SessionView['kind'];
  /** Sessions with a command that was decided so. */
  readonly decision?: 'deny' | 'hold';
  readonly reviewed?: 'yes' | 'no';
  readonly status?: 'active' | 'closed' | 'failed';
  /** ISO 8601. */
  readonly since?: string;
  readonly until?: string;
  /** Text in a command. */
  readonly q?: string;
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string;
}

/** Commands of a session from this number on, at most so many. */
export interface CommandRange {
  readonly from: number;
  readonly limit: number;
}

export interface RecordingReader {
  listSessions(query: SessionQuery): Promise<Page<SessionView>>;
  session(id: string): Promise<SessionView | null>;
  /** In order; without a range as many as are read at once. */
  commands(sessionId: string, range?: CommandRange): Promise<readonly CommandView[]>;
  /** Events in order, from sealed chunks and, while it runs, nothing beyond the last seal. */
  events(sessionId: string): AsyncIterable<RecordedEvent>;
}

export interface KeptFileReader {
  /** The contents in order; empty = none are kept. */
  contents(place: {
    readonly session: string;
    /** Number of the command. */
    readonly seq: number;
    readonly direction: 'read' | 'written';
  }): AsyncIterable<Buffer>;
}

export interface HeaderReader {
  /** What exported files and replays say about the recording; null = no such session. */
  header(sessionId: string): Promise<CastHeader | null>;
}

/** Where an event is stored; its number counts from 1 over the whole recording. */
export interface EventPlace {
  readonly chunk: number;
  readonly event: number;
}

/** Where a segment of a replay starts, and the pauses of the segment before it. */
export interface KeyframePlace extends EventPlace {
  readonly atUs: number;
  readonly pauses: number;
  readonly idleUs: number;
  readonly newPauses: readonly Pause[];
}

/** Recordings from any place on, and keyframes to start there. */
export interface ReplayReader {
  /** When each command began and how it starts, in order. */
  commandMarks(
    sessionId: string,
  ): Promise<readonly { readonly atMs: number; readonly text: string }[]>;
  /** Brings the keyframes up to date; resolves after a bounded time, done or not. */
  prepare(sessionId: string): Promise<void>;
  /** Of segments 1, 2, …: the first one, 0, starts where the recording does. */
  keyframePlaces(sessionId: string): Promise<readonly KeyframePlace[]>;
  /** Of segment `n`, from 1. */
  keyframeAt(
    sessionId: string,
    n: number,
  ): Promise<(EventPlace & { readonly keyframe: Keyframe; readonly afterReturn: boolean }) | null>;
  eventsFrom(sessionId: string, from: EventPlace): AsyncIterable<PlacedEvent>;
}

export interface PlacedEvent {
  /** From 1 over the whole recording. */
  readonly number: number;
  readonly chunk: number;
  readonly event: RecordedEvent;
}

/** Sessions while they run. */
export interface LiveReader {
  /**
   * Calls `onNews` when more of the session is stored, when it ended, and when that may have been missed.
   * @returns the un-subscribe
   */
  watch(sessionId: string, onNews: () => void): () => void;
  newestKeyframe(sessionId: string): ReturnType<ReplayReader['keyframeAt']>;
  /** The last chunk that starts at or before this event; null = none is stored. */
  chunkOf(
    sessionId: string,
    event: number,
  ): Promise<{ readonly chunk: number; readonly lastEvent: number } | null>;
}

export interface ChainReader {
  /** Chunk hashes in order and the signed head, for verification outside. */
  chain(sessionId: string): Promise<RecordingSeal | null>;
  /** The newest signed head alone; null = none yet. */
  head(sessionId: string): Promise<RecordingSeal['head']>;
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

/** What to search; times in ISO 8601. */
export interface SearchQuery {
  readonly in: 'commands' | 'output';
  /** Upper and lower case alike; at most 200 characters. */
  readonly q?: string;
  /** Id of the only session to look through. */
  readonly session?: string;
  readonly principal?: string;
  readonly target?: string;
  readonly run?: string;
  readonly decision?: CommandView['decision'];
  readonly from?: string;
  readonly to?: string;
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string;
}

/** Where and when something was found. */
interface FoundPlace {
  /** Id of the session. */
  readonly session: string;
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly run: string | null;
  readonly at: string;
}

export interface FoundCommand extends FoundPlace, CommandView {
  readonly in: 'commands';
}

/** A line that was on the screen. */
export interface FoundOutput extends FoundPlace {
  readonly in: 'output';
  /** The command that printed it, its decision and its text; null = before the first. */
  readonly seq: number | null;
  readonly decision: CommandView['decision'] | null;
  readonly command: string | null;
  readonly atMs: number;
  readonly text: string;
}

export interface SearchPage extends Page<FoundCommand | FoundOutput> {
  /** What could not be looked through. */
  readonly missing: {
    /** Sessions that match and printed more than can be searched. */
    readonly cutSessions: number;
    /** Sessions that have ended and will be searched in a moment. */
    readonly waitingSessions: number;
  };
}

export interface SearchDesk {
  /** Newest first. A page may have fewer items than asked for although there is a next one. */
  search(query: SearchQuery): Promise<SearchPage>;
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
