/** What the page of rules shows. Types only. */
import type { Frame } from './pages.ts';
import type { PolicyView, TrialOutcome } from './rule-ports.ts';

export interface RulesProps {
  readonly frame: Frame;
  readonly policies: readonly PolicyView[];
  /** The policy that is being changed; null = none. */
  readonly form: { readonly name: string; readonly text: string; readonly days: number } | null;
  readonly outcome: Exclude<TrialOutcome, { kind: 'unknown' }> | null;
}

export interface RulePages {
  rules(props: RulesProps): string;
}
