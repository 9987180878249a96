/** Filters of the list of sessions that people keep. Types only. */
export interface SavedFilter {
  readonly name: string;
  /** As it stands in the URL behind the question mark. */
  readonly query: string;
}

/** `replaced`: the name stood for other filters, or for the same, before. */
export type SaveOutcome = 'saved' | 'replaced';

/** What the viewer has just kept, and under which of their names. */
export interface SaveNotice {
  readonly outcome: SaveOutcome;
  readonly name: string;
}

export interface SavedFilterDesk {
  /** Of one principal, by name. */
  list(principalId: string): Promise<readonly SavedFilter[]>;
  /** Replaces one of the same name. Rejects with `limit.exceeded` for one too many. */
  save(principalId: string, name: string, query: string): Promise<SaveOutcome>;
  /** Nothing happens when there is none. */
  remove(principalId: string, name: string): Promise<void>;
}
