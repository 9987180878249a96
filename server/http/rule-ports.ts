/** Policies with what their rules did, and changed ones tried on what was decided before. Types only. */

export type RuleVerdict = 'allow' | 'deny' | 'hold';

export interface RuleHits {
  /** In the last 7 and 30 days. */
  readonly week: number;
  readonly month: number;
  /** ISO 8601, in the last 30 days; null = never. */
  readonly lastAt: string | null;
}

export interface RuleView extends RuleHits {
  readonly name: string;
  readonly action: RuleVerdict;
  readonly reason: string | null;
  /** The pack that it comes from; null = the policy's own. */
  readonly pack: string | null;
  /** The rest of the rule as written, key by key. */
  readonly written: Readonly<Record<string, unknown>>;
}

export interface PolicyView {
  readonly name: string;
  readonly version: number;
  readonly default: RuleVerdict;
  readonly uncertain: RuleVerdict;
  /** What stopped something without a rule: the default, or that it was uncertain. */
  readonly withoutRule: RuleHits;
  readonly rules: readonly RuleView[];
  /** Names of masks. */
  readonly masks: readonly string[];
}

/** What a changed policy says of commands that differ in nothing that it can see. */
export interface TrialRow {
  readonly text: string;
  readonly principal: string;
  readonly target: string;
  /** How often it ran. */
  readonly count: number;
  /** The newest of them. */
  readonly session: string;
  readonly seq: number;
  readonly before: TrialDecision;
  readonly after: TrialDecision;
}

export interface TrialDecision {
  readonly decision: RuleVerdict;
  readonly rule: string | null;
  readonly reason: string | null;
}

export type TrialOutcome =
  | {
      readonly kind: 'tried';
      readonly policy: string;
      /** Those whose decision or rule changes, what becomes looser first; bounded. */
      readonly changed: readonly TrialRow[];
      /** How many of each kind change, over all. */
      readonly looser: number;
      readonly stricter: number;
      readonly otherRule: number;
      readonly same: number;
      /** There were more commands than are tried. */
      readonly isCut: boolean;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  | { readonly kind: 'unknown' };

export interface PolicyDesk {
  policies(): Promise<readonly PolicyView[]>;
  /** The policy in force as YAML with a `policies:` map; null = there is none of that name. */
  written(name: string): Promise<string | null>;
  /**
   * Judges the commands of the last days, each once, by the policy in force and by `text`.
   * @param days 1 to 30
   */
  tryOut(wish: {
    readonly name: string;
    readonly text: string;
    readonly days: number;
  }): Promise<TrialOutcome>;
}
