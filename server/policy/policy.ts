/** A compiled policy: what `judge` needs, with every pattern parsed. */
import type { Wanted } from '../mask/detectors.ts';
import type { CommandPattern } from './command-pattern.ts';
import type { Verdict } from './decision.ts';
import type { PathPattern } from './path-pattern.ts';
import type { CompiledRegex } from './regex.ts';
import type { SqlPattern } from './sql-pattern.ts';

export interface Policy {
  readonly name: string;
  /** Verdict when no rule matches. */
  readonly default: Verdict;
  /** Verdict for what can't be read with certainty. */
  readonly uncertain: Verdict;
  readonly holdTimeoutMs: number;
  /** What a hold without a rule asks for. */
  readonly terms: HoldTerms;
  readonly rules: readonly Rule[];
  /** What is replaced in output and in what is stored. */
  readonly masks: readonly Mask[];
  /** What may come out of a session only so often. */
  readonly outputRules: readonly OutputRule[];
}

/** What a hold asks for before it is released. */
export interface HoldTerms {
  /** Principals and `group:NAME`; empty = every approver. */
  readonly approvers: readonly string[];
  /** People who must approve. */
  readonly minimum: number;
  /** The owner of the agent that asks counts as the one who asks. */
  readonly fourEyes: boolean;
  /** After so long without a decision these may decide as well. */
  readonly escalation: { readonly afterMs: number; readonly to: readonly string[] } | null;
}

/** When a rule does what it says, and what it does at other times. */
export interface Hours {
  /** 0 = Sunday. */
  readonly days: ReadonlySet<number>;
  readonly fromMinute: number;
  /** Not included; less than `fromMinute` = on the next day. */
  readonly toMinute: number;
  readonly zone: string;
  readonly outside: Verdict;
}

export interface Mask {
  readonly name: string;
  readonly wanted: readonly Wanted[];
}

/** Stops a session in which something came out so often. */
export interface OutputRule {
  readonly name: string;
  readonly action: 'deny' | 'hold';
  readonly reason: string | null;
  readonly approvers: readonly string[];
  readonly terms: HoldTerms;
  readonly wanted: readonly Wanted[];
  /** As the policy names it. */
  readonly what: string;
  readonly count: number;
  readonly principals: readonly Subject[] | null;
  readonly targets: readonly Subject[] | null;
}

export type Access = 'read' | 'write' | 'delete' | 'execute';
export const ACCESSES: readonly Access[] = ['read', 'write', 'delete', 'execute'];

export interface Rule {
  readonly name: string;
  readonly action: Verdict;
  /** In the words of whoever wrote the rule. */
  readonly reason: string | null;
  readonly approvers: readonly string[];
  /** `approvers` and the rest, with what the policy says for all rules. */
  readonly terms: HoldTerms;
  /** null = at all times. */
  readonly hours: Hours | null;
  readonly match: Match;
  readonly principals: readonly Subject[] | null;
  readonly targets: readonly Subject[] | null;
}

/** Every part that is given must hold for the same command; within a part one pattern suffices. */
export interface Match {
  readonly commands: readonly CommandPattern[] | null;
  readonly paths: readonly PathPattern[] | null;
  readonly access: ReadonlySet<Access>;
  readonly sql: readonly SqlPattern[] | null;
  /** On the raw text of the whole input. */
  readonly regexes: readonly CompiledRegex[] | null;
}

/** Whom a `for:` names: a name, a group of principals, a label of targets (null = with any value). */
export type Subject =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'label'; readonly key: string; readonly value: string | null };

/** How a pattern fits a command; `maybe`: it depends on a part that can't be known. */
export type Fit = 'yes' | 'maybe' | 'no';

export function strongest(one: Fit, other: Fit): Fit {
  if (one === 'yes' || other === 'yes') return 'yes';
  return one === 'maybe' || other === 'maybe' ? 'maybe' : 'no';
}

export function weakest(one: Fit, other: Fit): Fit {
  if (one === 'no' || other === 'no') return 'no';
  return one === 'maybe' || other === 'maybe' ? 'maybe' : 'yes';
}
