/** What the pages of runs show. Types only. */
import type { Comparison } from './compare.ts';
import type { Frame, ListProblem } from './pages.ts';
import type { Page, SessionView } from './ports.ts';
import type { RunCommand, RunView } from './run-ports.ts';

export interface RunsProps {
  readonly frame: Frame;
  readonly scope: 'all' | 'own';
  /** As they stand in the URL; an empty string is no filter. */
  readonly filters: { readonly principal: string; readonly q: string };
  /** What is wrong with the filters, if they could not be used. */
  readonly problem: ListProblem | null;
  readonly page: Page<RunView>;
  /** True when a cursor is in the URL: this isn't the first page. */
  readonly continued: boolean;
}

export interface RunProps {
  readonly frame: Frame;
  readonly run: RunView;
  readonly sessions: Page<SessionView>;
  /** Other runs of the same principal, newest first. */
  readonly comparable: readonly RunView[];
}

export interface CompareProps {
  readonly frame: Frame;
  readonly left: RunView;
  readonly right: RunView;
  /** One of them has more commands than are compared. */
  readonly isCut: boolean;
  readonly comparison: Comparison<RunCommand>;
}

export interface RunPages {
  runs(props: RunsProps): string;
  run(props: RunProps): string;
  compare(props: CompareProps): string;
}
