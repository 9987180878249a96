/** How a session is recorded; part of ports.ts, which adapters import. */
import type { AttributedRun } from '../access/attribution.ts';
import type { GrantedAccess, RecordingMode, SessionKind } from '../access/grant.ts';
import type { Principal } from '../access/principal.ts';
import type { RecordedEvent, Utf8Output } from '../asciicast/event.ts';
import type { AuditEvent, EventType } from '../journal/event.ts';
import type { Certainty, Decision } from '../policy/decision.ts';
import type { JudgedBy } from './ports.ts';

export interface SessionStart {
  /** UUIDv7. */
  readonly id: string;
  readonly kind: SessionKind;
  readonly principal: Principal;
  readonly target: string;
  readonly login: string;
  readonly via: 'direct' | 'jump';
  readonly source: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly attribution: AttributedRun['attribution'];
  readonly startedAtMs: number;
  readonly size: { readonly cols: number; readonly rows: number };
  /** Terminal type; null without a terminal. */
  readonly term: string | null;
  readonly command: string | null;
  readonly policy: string;
  readonly policyVersion: number;
  /** Of the directory that gave access; left out = not known. */
  readonly directoryVersion?: number;
  readonly recording: RecordingMode;
  /** Days that the session is kept after its end, as promised when it began; null = for ever. */
  readonly keepDays: number | null;
  /** Left out = it runs by a grant of the configuration. */
  readonly access?: GrantedAccess;
}

export interface DecidedCommand {
  /** 1, 2, 3, … within the session. */
  readonly seq: number;
  readonly atUs: number;
  readonly text: string;
  /** How many secrets were replaced in the text; left out = none. */
  readonly masked?: number;
  readonly certainty: Certainty;
  readonly decision: Decision;
  /** Left out = not known. */
  readonly judgedBy?: JudgedBy;
}

/** What came of an operation on files, or of a whole transfer, for the journal. */
export interface FileResult {
  readonly type: Extract<EventType, `file.${string}` | 'transfer.ended'>;
  readonly data: AuditEvent['data'];
}

/** A part of the contents of a transferred file. */
export interface KeptPart {
  readonly session: string;
  /** Number of the command that opened it. */
  readonly seq: number;
  readonly direction: 'read' | 'written';
  /** 1, 2, 3, … */
  readonly part: number;
  readonly bytes: Buffer;
}

export interface FileKeeper {
  /** Resolves when the part is committed. Rejects with `recording.failed`. */
  keep(part: KeptPart): Promise<void>;
}

export interface SessionEnd {
  readonly atUs: number;
  readonly status: 'closed' | 'failed';
  /** Exit status, or 128 + number for a signal as shells count it; null = unknown. */
  readonly exitStatus: number | null;
  readonly bytesOut: number;
  /** In words for the journal: `the command ended`, `the client went away`. */
  readonly why: string;
}

/** Delivered although it isn't recorded; or the first event after such ones. */
export type RecordingGap =
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'resumed'; readonly lostBytes: number };

/** The record of one session. Order of calls = order of events. */
export interface Recording {
  /**
   * Resolves when what the event shows may be delivered. Rejects with `recording.failed`; where the mode
   * is `continue` it resolves with what happened instead.
   */
  append(event: RecordedEvent | Utf8Output): Promise<RecordingGap | void>;
  /** Commits the command row and `command.decided` in one transaction. Rejects with `recording.failed`. */
  decided(command: DecidedCommand): Promise<void>;
  /** The output range of a command and its exit status are known. Appended behind; never rejects. */
  commandEnded(
    seq: number,
    end: {
      readonly outputFromUs: number;
      readonly outputToUs: number;
      readonly exitStatus: number | null;
      /** How many secrets were replaced in its text and output; left out = none. */
      readonly masked?: number;
      /** Committed together with the end. */
      readonly file?: FileResult;
    },
  ): void;
  /** Seals what is left, signs the head, writes `session.ended`. Call once. */
  end(end: SessionEnd): Promise<void>;
}

export interface RecordingSink {
  /** Commits the session row and `session.started`. Rejects with `recording.failed`: no recording, no session. */
  begin(start: SessionStart): Promise<Recording>;
}
