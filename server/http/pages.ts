/**
 * What the HTTP adapter needs from the web front end: pages as functions from props to an HTML
 * document, and files by path. `web/` satisfies this; nothing here imports it.
 */
import type { AccessPages } from './access-ports.ts';
import type { ApprovalPages } from './approval-page-props.ts';
import type { Principal } from '../access/principal.ts';
import type { ControlKind, ControlView } from './control-ports.ts';
import type { EventType, JournalEntry } from '../journal/event.ts';
import type { LinkPages } from './link-page-props.ts';
import type { OverviewView } from './overview-ports.ts';
import type { RulePages } from './rule-page-props.ts';
import type { SessionDetails } from './session-detail-props.ts';
import type { SavedFilter, SaveNotice } from './saved-filter-ports.ts';
import type { RunPages } from './run-page-props.ts';
import type {
  ChainReader,
  CommandView,
  DirectoryViews,
  Page,
  SearchPage,
  SessionView,
} from './ports.ts';

/** What every page shows around its content. */
export interface Frame {
  /** null when nobody is signed in. */
  readonly viewer: Pick<Principal, 'name' | 'kind' | 'roles'> | null;
  /** Requests that wait for a decision; null for those who may not see them. */
  readonly waiting: number | null;
  /** Whether the viewer may look at what others do, and at what is configured. */
  readonly readsAll: boolean;
  readonly version: string;
  readonly nowMs: number;
}

/** Why a list could not be made, and what to do about it. */
export interface ListProblem {
  readonly message: string;
  readonly hint: string;
}

/** The filters of the session list, as they stand in the URL; an empty string is no filter. */
export type SessionFilters = Readonly<
  Record<
    | 'principal'
    | 'target'
    | 'run'
    | 'kind'
    | 'decision'
    | 'reviewed'
    | 'status'
    | 'since'
    | 'until'
    | 'q',
    string
  >
>;

export interface SessionsProps {
  readonly frame: Frame;
  readonly scope: 'all' | 'own';
  readonly filters: SessionFilters;
  /** What is wrong with the filters, if they could not be used. */
  readonly problem: ListProblem | null;
  readonly page: Page<SessionView>;
  /** True when a cursor is in the URL: this isn't the first page. */
  readonly continued: boolean;
  /** As pictures of their last screens rather than as rows. */
  readonly showsScreens: boolean;
  readonly saved: readonly SavedFilter[];
  /** What the viewer has just kept. */
  readonly kept: SaveNotice | null;
}

/** The fields of the search form, as they stand in the URL; an empty string is no filter. */
export type SearchFilters = Readonly<
  Record<
    'in' | 'q' | 'session' | 'principal' | 'target' | 'run' | 'decision' | 'from' | 'to',
    string
  >
>;

export interface SearchProps {
  readonly frame: Frame;
  readonly scope: 'all' | 'own';
  readonly filters: SearchFilters;
  /** What is wrong with the filters, if they could not be used. */
  readonly problem: ListProblem | null;
  /** null = nothing was asked for yet. */
  readonly page: SearchPage | null;
  /** True when a cursor is in the URL: this isn't the first page. */
  readonly continued: boolean;
}

/** Some of the commands of a session, in order. */
export interface CommandWindow {
  readonly items: readonly CommandView[];
  /** The first number that belongs here. */
  readonly from: number;
  /** How many numbers belong here. */
  readonly size: number;
  /** Where the commands before start; null = these are the first. */
  readonly earlier: number | null;
  /** The first command behind these; null = these are the last. */
  readonly next: Pick<CommandView, 'seq' | 'atMs'> | null;
}

export interface SessionProps {
  readonly frame: Frame;
  readonly session: SessionView;
  readonly commands: CommandWindow;
  /** The signed head, if the recording has been sealed. */
  readonly head: NonNullable<Awaited<ReturnType<ChainReader['chain']>>>['head'];
  readonly details: SessionDetails;
  /** All that people did to it, oldest first. */
  readonly controls: readonly ControlView[];
  /** null = it isn't paused. */
  readonly pause: ControlView | null;
  /** It was told to end. */
  readonly isEnding: boolean;
  /** Whether the viewer may pause it and write to it. */
  readonly mayControl: boolean;
  readonly mayTerminate: boolean;
  /** What the viewer has just done. */
  readonly done: ControlKind | null;
}

type DirectoryKind = 'principals' | 'targets' | 'grants' | 'credentials';

export interface DirectoryProps {
  readonly frame: Frame;
  /** What the objects that are shown contain; empty = all are. */
  readonly q: string;
  readonly found: {
    readonly [Kind in DirectoryKind]: {
      readonly kind: Kind;
      readonly items: readonly DirectoryViews[Kind][];
    };
  }[DirectoryKind];
  /** How many there are of the kind. */
  readonly total: number;
}

export interface OverviewProps {
  readonly frame: Frame;
  readonly overview: OverviewView;
  readonly ready: boolean;
  /** By what is checked; `ok` or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

/** The filters of the journal, as they stand in the URL; an empty string is no filter. */
export type JournalFilters = Readonly<
  Record<'type' | 'principal' | 'target' | 'session' | 'since' | 'until', string>
>;

export interface JournalProps {
  readonly frame: Frame;
  readonly filters: JournalFilters;
  /** What is wrong with the filters, if they could not be used. */
  readonly problem: ListProblem | null;
  readonly page: Page<JournalEntry>;
  /** All that one can filter by. */
  readonly types: readonly EventType[];
  /** True when a cursor is in the URL: this isn't the first page. */
  readonly continued: boolean;
}

export interface SetupProps {
  readonly frame: Frame;
  /** Where the button posts to. */
  readonly action: string;
}

export interface SignInProps {
  readonly frame: Frame;
  /** What the button says and where it leads; null = people come by one-time links only. */
  readonly issuer: { readonly title: string; readonly action: string } | null;
}

export interface ErrorProps {
  readonly frame: Frame;
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly hint: string;
  /** Where whoever isn't signed in goes to do that, and comes back from to the page of their form. */
  readonly signIn: string;
}

/** A recording that stands alone in one file. */
export interface ExportedProps {
  readonly session: SessionView;
  readonly commands: readonly CommandView[];
  /** Of the bastion that recorded. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo (DER) in base64. */
  readonly publicKey: string;
}

/** A file under `/assets/`. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

export interface Pages extends LinkPages, RulePages, RunPages, ApprovalPages, AccessPages {
  sessions(props: SessionsProps): string;
  session(props: SessionProps): string;
  search(props: SearchProps): string;
  overview(props: OverviewProps): string;
  directory(props: DirectoryProps): string;
  journal(props: JournalProps): string;
  setup(props: SetupProps): string;
  signIn(props: SignInProps): string;
  error(props: ErrorProps): string;
  /** The file before and after the recording, which stands as JSON inside a script element. */
  exported(props: ExportedProps): { readonly start: string; readonly end: string };
  /** The file with this content-hashed name (without folder), or null. */
  asset(name: string): Asset | null;
}
