/** How a person without a key that counts comes in through a browser; part of ports.ts. */
import type { Principal } from '../access/principal.ts';
import type { AuditEvent } from '../journal/event.ts';

// --- towards ssh/: who calls us ---------------------------------------------------------------

/** Signing in by a link, for one connection. */
export interface LinkSignIns {
  /** Whether a link is of any use to whoever typed this user name. */
  isOffered(userName: string): boolean;
  /** Makes the link. Rejects when that can't be written down. */
  begin(userName: string): Promise<LinkWait>;
  /** The person has signed in: lets the client in as them. False = they no longer may. */
  enter(userName: string): Promise<boolean>;
}

export interface LinkWait {
  /** For the client's terminal: where to go, and the code to type there. */
  readonly text: string;
  /** The longest that it takes. */
  readonly lifeMs: number;
  /** Rejects when nobody can say any more what was decided. */
  readonly outcome: Promise<LinkOutcome>;
  /** The client has gone, or tries something else. */
  withdraw(): void;
}

export type LinkOutcome =
  /** `enter` lets the client in. */
  | { readonly kind: 'signed-in' }
  /** `why` is for the client. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'withdrawn' };

// --- what we call -----------------------------------------------------------------------------

/** A key that the client has shown. */
export interface ShownKey {
  readonly algorithm: string;
  readonly blob: Buffer;
  readonly fingerprint: string;
}

export interface LinkWish {
  /** `address:port` of the ssh client. */
  readonly source: string;
  /** As typed. */
  readonly userName: string;
  readonly target: string;
  readonly login: string | null;
  readonly keys: readonly (ShownKey & {
    /** It has signed for this connection, so it may be remembered. */
    readonly isProven: boolean;
  })[];
}

export interface OpenedLink {
  readonly id: string;
  readonly url: string;
  /** What the person types on the page; stands in no link. */
  readonly code: string;
  readonly lifeMs: number;
}

export type LinkDecision =
  | {
      readonly kind: 'confirmed';
      /** As it is now: enabled, and a person. */
      readonly principal: Principal;
      /** `http:ADDRESS` of the browser. */
      readonly browser: string;
      /** null = no key is to be remembered. */
      readonly remember: { readonly fingerprint: string; readonly lifeMs: number } | null;
    }
  /** `by` = the person who said that they didn't start this; null = too many wrong codes. */
  | { readonly kind: 'refused'; readonly by: string | null }
  /** Whoever confirmed it may not come in any more. */
  | { readonly kind: 'shut-out' }
  | { readonly kind: 'expired' }
  | { readonly kind: 'withdrawn' };

export interface RememberedKey {
  readonly principalId: string;
  readonly key: ShownKey;
  readonly lifeMs: number;
  /** Where the ssh client was. */
  readonly from: string;
}

/** Links that wait for people; one of these serves all connections of a process. */
export interface Links {
  /** False = no links are made at all. */
  readonly isOn: boolean;
  /** Whether keys may be remembered. */
  readonly remembers: boolean;
  open(wish: LinkWish): Promise<OpenedLink>;
  /** Waits for what becomes of a link, and uses it up. `signal` withdraws it. */
  decision(id: string, signal: AbortSignal): Promise<LinkDecision>;
  /**
   * Registers a key that was proven, for a time, and journals `event` with it.
   * @returns until when, ISO 8601; null = it is somebody else's, or was revoked
   */
  remember(wish: RememberedKey, event: AuditEvent): Promise<string | null>;
}
