/** What the HTTP adapter needs for marks and notes of auditors; part of ports.ts in all but its file. */

/** That somebody looked at all of a session, or took that back; times in ISO 8601. */
export interface ReviewView {
  readonly kind: 'reviewed' | 'withdrawn';
  readonly at: string;
  readonly by: string;
}

export interface NoteView {
  /** 1, 2, 3, … within the session. */
  readonly number: number;
  /** Number of the command that it is about; null = the whole session. */
  readonly command: number | null;
  readonly at: string;
  readonly by: string;
  readonly text: string;
}

/** Who says something about which session. */
interface Saying {
  readonly session: string;
  /** Name of the principal. */
  readonly by: string;
  readonly source: string | null;
}

export type Unsaid =
  | { readonly kind: 'unknown' }
  /** It is their own session. */
  | { readonly kind: 'own' }
  | { readonly kind: 'too-many' };

export type ReviewOutcome =
  /** `isNew`: false = it was so already, and nothing was written. */
  | { readonly kind: 'written'; readonly isNew: boolean; readonly reviewed: ReviewView | null }
  | { readonly kind: 'running' }
  | Unsaid;

export type NoteOutcome =
  { readonly kind: 'written'; readonly note: NoteView } | { readonly kind: 'no-command' } | Unsaid;

export interface ReviewDesk {
  /** Oldest first; the last one counts. */
  reviewsOf(sessionId: string): Promise<readonly ReviewView[]>;
  /** Oldest first. */
  notesOf(sessionId: string): Promise<readonly NoteView[]>;
  /** Row and journal entry in one transaction. Rejects with `journal.failed`; then nothing is done. */
  review(asked: Saying & { readonly kind: ReviewView['kind'] }): Promise<ReviewOutcome>;
  note(
    asked: Saying & { readonly command: number | null; readonly text: string },
  ): Promise<NoteOutcome>;
}
