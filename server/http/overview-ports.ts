/** What goes on, in numbers. Types and ports only. */
export interface OverviewHour {
  /** ISO 8601, its beginning. */
  readonly at: string;
  readonly allowed: number;
  readonly denied: number;
  readonly held: number;
}

export interface OverviewView {
  /** ISO 8601, when it was counted. */
  readonly at: string;
  readonly activeSessions: number;
  readonly waitingApprovals: number;
  /** The last 24 hours, oldest first, and the last 30 days. */
  readonly hours: readonly OverviewHour[];
  readonly days: readonly OverviewHour[];
  /** Of the last 7 days, busiest first. */
  readonly principals: readonly {
    readonly name: string;
    readonly kind: 'human' | 'agent';
    readonly sessions: number;
    readonly commands: number;
    readonly stopped: number;
  }[];
  /** Rules that denied or held something in the last 7 days, busiest first; null = the policy's default. */
  readonly rules: readonly {
    readonly policy: string;
    readonly rule: string | null;
    readonly decision: 'deny' | 'hold';
    readonly hits: number;
  }[];
  /** Of the last 7 days. */
  readonly record: {
    readonly failed: number;
    readonly gaps: number;
    /** Checks of the chain that found something wrong. */
    readonly broken: number;
    /** Sessions that have ended and whose recording isn't complete. */
    readonly incomplete: number;
    /** ISO 8601; null = none yet. */
    readonly lastCheckpointAt: string | null;
  };
}

export interface OverviewReader {
  /** Counted anew at most every half minute. Rejects with `limit.exceeded` when it takes too long. */
  overview(): Promise<OverviewView>;
}
