/** Access for a time, as the web asks for it. Types only. */
import type { requestable, RequestOption, RequestRule } from '../access/access-request.ts';
import type { AttributedRun } from '../access/attribution.ts';
import type { WebhookEntry } from '../access/directory.ts';
import type { Principal } from '../access/principal.ts';
import type { Frame } from './pages.ts';

export type { RequestOption };

export interface AccessRequestView {
  readonly id: string;
  readonly status: 'waiting' | 'granted' | 'refused' | 'expired' | 'withdrawn' | 'ended';
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly channels: readonly string[];
  readonly policy: string;
  readonly run: string | null;
  readonly task: string | null;
  readonly attribution: 'verified' | 'declared' | 'claimed' | null;
  readonly reason: string;
  readonly durationS: number;
  readonly requestedAt: string;
  readonly expiresAt: string;
  readonly approvedBy: readonly string[];
  readonly grantedS: number | null;
  readonly grantedAt: string | null;
  readonly endsAt: string | null;
  readonly settledBy: string | null;
  readonly settledAt: string | null;
  readonly settledWhy: string | null;
}

export type AccessAskOutcome =
  | { readonly kind: 'asked'; readonly request: AccessRequestView; readonly url: string }
  | { readonly kind: 'no-reason' }
  | { readonly kind: 'too-many'; readonly most: number }
  | Exclude<ReturnType<typeof requestable>, { kind: 'requestable' }>;

export type AccessEndOutcome =
  | { readonly kind: 'withdrawn' | 'ended' | 'over'; readonly request: AccessRequestView }
  | { readonly kind: 'unknown' | 'waiting' };

/** A receiver of events, and how it goes with it. */
export interface WebhookView extends WebhookEntry {
  readonly waiting: number;
  /** Messages that were given up. */
  readonly dead: number;
  readonly lastError: string | null;
}

export interface AccessDesk {
  /** What the configuration says may be asked for. */
  rules(): Promise<readonly RequestRule[]>;
  webhooks(): Promise<readonly WebhookView[]>;
  ask(ask: {
    readonly principal: Principal;
    readonly source: string;
    readonly target: string;
    readonly login: string | null;
    readonly durationS: number;
    readonly reason: string;
    readonly by: AttributedRun;
  }): Promise<AccessAskOutcome>;
  options(principal: Principal): Promise<readonly RequestOption[]>;
  /** Newest first. @param principal null = everybody's */
  list(principal: string | null, limit: number): Promise<readonly AccessRequestView[]>;
  request(id: string): Promise<AccessRequestView | null>;
  end(
    id: string,
    by: { readonly principal: Principal; readonly source: string; readonly reason: string | null },
  ): Promise<AccessEndOutcome>;
}

/** What became of what the viewer just did. */
export type AccessNotice = AccessAskOutcome['kind'] | AccessEndOutcome['kind'] | 'bad-time';

export interface AccessProps {
  readonly frame: Frame;
  readonly options: readonly RequestOption[];
  /** The viewer's own, newest first. */
  readonly own: readonly AccessRequestView[];
  /** Of others, for who may end them; null = the viewer may not. */
  readonly granted: readonly AccessRequestView[] | null;
  readonly notice: { readonly kind: AccessNotice; readonly about: string } | null;
  /** What was typed into the form, when it has to be corrected. */
  readonly typed: { readonly place: string; readonly time: string; readonly reason: string };
}

export interface AccessPages {
  access(props: AccessProps): string;
}
