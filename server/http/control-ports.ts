/** What the HTTP adapter needs to act on running sessions; part of ports.ts in all but its file. */

export type ControlKind = 'notice' | 'pause' | 'resume' | 'terminate';

/** One thing that was done to a session; times in ISO 8601. */
export interface ControlView {
  readonly seq: number;
  readonly kind: ControlKind;
  readonly at: string;
  readonly by: string;
  /** Of a notice its text, else the reason. */
  readonly words: string | null;
  /** When a pause ends the session. */
  readonly until: string | null;
}

export interface ControlState {
  /** null = it isn't paused. */
  readonly pause: ControlView | null;
  /** It was told to end. */
  readonly isEnding: boolean;
}

/** A running session, and what the viewer of a page may do to it. */
export interface LiveSession extends ControlState {
  readonly session: { readonly id: string; readonly status: string };
  /** Whether the viewer may pause it and write to it. */
  readonly mayControl: boolean;
  readonly mayTerminate: boolean;
  /** What the viewer has just done. */
  readonly done: ControlKind | null;
}

export type ControlOutcome =
  /** `isNew`: false = it was so already, and nothing was written. */
  | { readonly kind: 'asked'; readonly isNew: boolean; readonly state: ControlState }
  | { readonly kind: 'over' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'too-many' };

export interface ControlDesk {
  /** Commits, journals and announces it. Rejects with `journal.failed`; then nothing is done. */
  ask(asked: {
    readonly session: string;
    readonly kind: ControlKind;
    readonly by: string;
    readonly principal: string | null;
    readonly source: string | null;
    readonly words: string | null;
  }): Promise<ControlOutcome>;
  /** All that was done to a session, oldest first. */
  controlsOf(sessionId: string): Promise<readonly ControlView[]>;
}
