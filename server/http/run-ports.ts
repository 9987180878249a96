/** Runs of agents: sessions of one principal that name the same run. Types and ports only. */
import type { CommandView, Page, SessionView } from './ports.ts';

/** A run is named by its principal too: another one may claim the same name. */
export interface RunName {
  readonly principal: string;
  readonly run: string;
}

export interface RunView extends RunName {
  readonly principalKind: 'human' | 'agent';
  /** How far the name can be trusted: that of the session where it can be trusted least. */
  readonly attribution: SessionView['attribution'];
  readonly tasks: readonly string[];
  readonly targets: readonly string[];
  readonly sessionCount: number;
  readonly activeCount: number;
  /** ISO 8601, of the first session. */
  readonly startedAt: string;
  /** Of the last one; null while one is running. */
  readonly endedAt: string | null;
  readonly commandCount: number;
  readonly deniedCount: number;
  readonly heldCount: number;
  readonly maskedCount: number;
  /** The run has more sessions than the figures count. */
  readonly isCut: boolean;
}

export interface RunQuery {
  readonly principal?: string;
  /** Text in the run's name or a task's, upper and lower case alike. */
  readonly q?: string;
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string;
}

/** A command and where it ran. */
export interface RunCommand extends CommandView {
  readonly session: string;
  readonly target: string;
  readonly login: string;
}

export interface RunReader {
  /** By their newest session, newest first. */
  listRuns(query: RunQuery): Promise<Page<RunView>>;
  run(name: RunName): Promise<RunView | null>;
  /** In the order in which they began, over all sessions; bounded. */
  runCommands(
    name: RunName,
  ): Promise<{ readonly commands: readonly RunCommand[]; readonly isCut: boolean }>;
}
