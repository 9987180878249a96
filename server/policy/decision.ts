/** The outcome of judging a line. Pure data. */
import type { ReadCommand } from '../shell/command.ts';
import type { HoldGround } from './hold-terms.ts';
import type { Dialect, SqlState } from '../sql/statement.ts';

export type Verdict = 'allow' | 'deny' | 'hold';
/** exact: the text is what will run; observed: read from a terminal; uncertain: could not be read. */
export type Certainty = 'exact' | 'observed' | 'uncertain';

/** Where a client of a database stands when more SQL comes. */
export interface SqlPlace {
  readonly dialect: Dialect;
  /** What it was told before. */
  readonly state: SqlState;
}

export interface Decision {
  readonly verdict: Verdict;
  /** `uncertain` when any part of the line could not be resolved. */
  readonly certainty: 'exact' | 'uncertain';
  /** Name of the rule that decided; null when the policy's default or `uncertain` verdict did. */
  readonly rule: string | null;
  /** In words, one line; null for a plain allow. */
  readonly reason: string | null;
  /** Position in `commands` of the command that decided; null when no single one did. */
  readonly deciding: number | null;
  readonly commands: readonly ReadCommand[];
  /** The client of a database that reads statements from the session's input; absent: there is none. */
  readonly sqlInput?: SqlPlace;
  /** Who may approve a hold (`group:sre`, `alice`); empty = every approver. */
  readonly approvers: readonly string[];
  /** Every reason for which it is held; absent: the one above. */
  readonly grounds?: readonly HoldGround[];
}

/** Facts about who asks, for `for:` clauses of rules. */
export interface Facts {
  readonly principal: { readonly name: string; readonly groups: readonly string[] };
  readonly target: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}
