/** What the HTTP adapter is given, and what its routes share. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { AccessDesk } from './access-ports.ts';
import type { ApprovalFeed } from './approval-feed.ts';
import type { Attempts, LockoutKeeper } from './attempts.ts';
import type { ControlDesk } from './control-ports.ts';
import type { DirectoryEditDesk } from './directory-ports.ts';
import type { Pages } from './pages.ts';
import type {
  ApprovalDesk,
  AuditReader,
  AuditWriter,
  ChainReader,
  DirectoryDesk,
  HeaderReader,
  HoldDesk,
  KeptFileReader,
  LiveReader,
  PublicKeyOutcome,
  RecordingReader,
  ReplayReader,
  SearchDesk,
  ShortKeyDesk,
  SignIns,
} from './ports.ts';
import type { ClientSignIns } from './link-ports.ts';
import type { LiveViews } from './live.ts';
import type { OidcClient } from './oidc.ts';
import type { Replays } from './replays.ts';
import type { IssuerDesk } from './sign-in-ports.ts';
import type { TokenDesk } from './token-ports.ts';
import type { OverviewReader } from './overview-ports.ts';
import type { PolicyDesk } from './rule-ports.ts';
import type { NewsFeed, NewsSource } from './news-feed.ts';
import type { ReviewDesk } from './review-ports.ts';
import type { SavedFilterDesk } from './saved-filter-ports.ts';
import type { RunReader } from './run-ports.ts';
import type { Views } from './views.ts';

export interface HttpOptions {
  /** Port 0 takes any free port. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Origin under which browsers reach us, when it isn't the listening address. */
  readonly publicUrl: string | null;
  readonly recordings: RecordingReader & ChainReader & HeaderReader & ReplayReader & LiveReader;
  readonly files: KeptFileReader;
  readonly overview: OverviewReader;
  readonly policyDesk: PolicyDesk;
  readonly savedFilters: SavedFilterDesk;
  readonly reviews: ReviewDesk;
  /** Told of whatever may change a list. */
  readonly newsSource: NewsSource;
  readonly runs: RunReader;
  readonly search: SearchDesk;
  readonly signIns: SignIns;
  /** Left out = waits after failures count for this process alone, until it ends. */
  readonly lockouts?: LockoutKeeper;
  readonly issuerDesk: IssuerDesk;
  readonly tokens: TokenDesk;
  readonly approvals: ApprovalDesk;
  readonly access: AccessDesk;
  readonly audit: AuditWriter & AuditReader;
  readonly controls: ControlDesk;
  readonly readiness: () => Promise<{
    readonly ready: boolean;
    readonly checks: Readonly<Record<string, string>>;
  }>;
  /** Whether an error means that the database is away for a while. */
  readonly isOutage: (error: unknown) => boolean;
  /** Prometheus text with counts only: it is open to everybody. */
  readonly metrics: () => string;
  readonly pages: Pages;
  /** The public key of that id, or of who signs now when it is null or not known. */
  readonly recordingKey: (
    keyId: string | null,
  ) => Promise<{ readonly keyId: string; readonly publicKey: string }>;
  readonly holds: HoldDesk;
  readonly shortKeys: ShortKeyDesk;
  readonly clientSignIns: ClientSignIns;
  readonly directory: DirectoryDesk;
  readonly directoryEdits: DirectoryEditDesk;
  readonly parsePublicKey: (line: string) => PublicKeyOutcome;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly version: string;
}

export interface Services extends HttpOptions {
  readonly news: NewsFeed;
  readonly views: Views;
  readonly attempts: Attempts;
  readonly oidc: OidcClient;
  readonly replays: Replays;
  readonly live: LiveViews;
  readonly feed: ApprovalFeed;
}
