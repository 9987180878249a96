/** Sessions, their commands and what was recorded of them; part of ports.ts. */
import type { CastHeader, RecordedEvent } from '../asciicast/event.ts';
import type { RecordingSeal } from '../journal/seal.ts';
import type { Keyframe, Pause } from '../terminal/keyframe.ts';
import type { Page } from './ports.ts';

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
  /** Of a command, to the microsecond; null = it has no output. */
  outputRange(
    sessionId: string,
    seq: number,
  ): Promise<{ readonly fromUs: number; readonly toUs: number | null } | null>;
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
