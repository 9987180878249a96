/** What the page of a session shows beside its replay. Types only. */
import type { ApprovalView } from './ports.ts';
import type { NoteView, ReviewView } from './review-ports.ts';

/** What came of an operation on files, of a whole transfer, or of a forward. */
export interface TransferView {
  /** Number of its entry in the journal. */
  readonly entry: number;
  readonly type: string;
  /** ISO 8601; when it was over. */
  readonly at: string;
  /** Milliseconds from the start of the session. */
  readonly atMs: number;
  /** Number of the command that it belongs to; null = none. */
  readonly command: number | null;
  readonly path: string | null;
  /** The other path of what has two; where a forward leads. */
  readonly to: string | null;
  /** As the target saw it. */
  readonly written: ContentView | null;
  readonly read: ContentView | null;
  /** SFTP status, 0 = done; null = there is none. */
  readonly status: number | null;
  /** Further words: what was made or changed, why it ended. */
  readonly words: string | null;
  readonly durationMs: number | null;
  /** Directions in which contents are kept. */
  readonly kept: readonly ('written' | 'read')[];
}

export interface ContentView {
  readonly bytes: number;
  readonly sha256: string | null;
  /** The hash is that of the whole. */
  readonly isWhole: boolean;
}

/** How the principal proved who they are, as the journal has it. */
export interface ProofView {
  /** Number of its entry in the journal. */
  readonly entry: number;
  readonly at: string;
  readonly method: string;
  /** Names and values. */
  readonly facts: readonly (readonly [name: string, value: string])[];
}

export interface SessionDetails {
  /** null = it isn't among the newest sign-ins of the day before. */
  readonly proof: ProofView | null;
  /** How access was given, and why it ended. */
  readonly terms: readonly (readonly [name: string, value: string])[];
  /** Of its commands, oldest first. */
  readonly approvals: readonly ApprovalView[];
  /** Oldest first. */
  readonly transfers: readonly TransferView[];
  readonly hasMoreTransfers: boolean;
  readonly reviews: readonly ReviewView[];
  /** null = not for the viewer. */
  readonly notes: readonly NoteView[] | null;
  /** Whether the viewer may mark it and write notes. */
  readonly mayReview: boolean;
  /** SubjectPublicKeyInfo (DER) in base64 of who signs recordings. */
  readonly publicKey: string;
}
