/** Search over the commands and the output of all sessions; part of ports.ts. */
import type { CommandView, Page } from './ports.ts';

/** What to search; times in ISO 8601. */
export interface SearchQuery {
  readonly in: 'commands' | 'output';
  /** Upper and lower case alike; at most 200 characters. */
  readonly q?: string;
  /** Id of the only session to look through. */
  readonly session?: string;
  readonly principal?: string;
  readonly target?: string;
  readonly run?: string;
  readonly decision?: CommandView['decision'];
  readonly from?: string;
  readonly to?: string;
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string;
}

/** Where and when something was found. */
interface FoundPlace {
  /** Id of the session. */
  readonly session: string;
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly run: string | null;
  readonly at: string;
}

export interface FoundCommand extends FoundPlace, CommandView {
  readonly in: 'commands';
}

/** A line that was on the screen. */
export interface FoundOutput extends FoundPlace {
  readonly in: 'output';
  /** The command that printed it, its decision and its text; null = before the first. */
  readonly seq: number | null;
  readonly decision: CommandView['decision'] | null;
  readonly command: string | null;
  readonly atMs: number;
  readonly text: string;
}

export interface SearchPage extends Page<FoundCommand | FoundOutput> {
  /** What could not be looked through. */
  readonly missing: {
    /** Sessions that match and printed more than can be searched. */
    readonly cutSessions: number;
    /** Sessions that have ended and will be searched in a moment. */
    readonly waitingSessions: number;
  };
}

export interface SearchDesk {
  /** Newest first. A page may have fewer items than asked for although there is a next one. */
  search(query: SearchQuery): Promise<SearchPage>;
}
