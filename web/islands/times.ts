/** Recorded times and those of a player that skips idle time. */

/** A longer pause lasts this long when idle time is skipped; the server's index has it alike. */
export const IDLE_LIMIT_MS = 2000;

/** The pauses of a recording in order: when each begins, and by how much it is shortened. */
export interface Pauses {
  readonly durationMs: number;
  readonly playedMs: number;
  /** False while the replay is still being prepared: it ends early. */
  readonly complete: boolean;
  readonly pauses: readonly { readonly atMs: number; readonly cutMs: number }[];
}

export class TimeMap {
  readonly #pauses: Pauses['pauses'];

  /** @param pauses none = every time stays as it is */
  constructor(pauses: Pauses['pauses']) {
    this.#pauses = pauses;
  }

  /** Where the player shows what was recorded at this time. */
  played(recordedMs: number): number {
    let cutMs = 0;
    for (const pause of this.#pauses) {
      const beyondMs = recordedMs - pause.atMs - IDLE_LIMIT_MS;
      if (beyondMs <= 0) break;
      cutMs += Math.min(beyondMs, pause.cutMs);
    }
    return recordedMs - cutMs;
  }

  /** When that was recorded which the player shows at this time. */
  recorded(playedMs: number): number {
    let cutMs = 0;
    for (const pause of this.#pauses) {
      if (playedMs + cutMs <= pause.atMs + IDLE_LIMIT_MS) break;
      cutMs += pause.cutMs;
    }
    return playedMs + cutMs;
  }
}
