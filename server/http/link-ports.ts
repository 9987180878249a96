/** What the pages need on which people sign ssh clients and machines without a browser in. Types only. */
import type { Principal } from '../access/principal.ts';
import type { PublicKeyOutcome } from './ports.ts';

type ReadKey = Omit<Extract<PublicKeyOutcome, { kind: 'key' }>, 'kind'>;

/** What stands between a person and a key. */
export type KeyStanding =
  | { readonly kind: 'unknown' }
  /** Theirs, and it counts no more since then, ISO 8601. */
  | { readonly kind: 'expired'; readonly at: string }
  | { readonly kind: 'revoked' }
  /** Somebody else's. */
  | { readonly kind: 'taken' };

export interface LinkKeyView {
  readonly algorithm: string;
  readonly fingerprint: string;
  readonly standing: KeyStanding;
  /** The client has shown that it holds the key. */
  readonly isProven: boolean;
}

/** An ssh client that waits. */
export interface LinkView {
  readonly id: string;
  /** `address:port` */
  readonly source: string;
  readonly target: string;
  readonly login: string | null;
  readonly keys: readonly LinkKeyView[];
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly attemptsLeft: number;
}

export interface LinkDesk {
  /** null = it isn't known, is decided, or its client has gone. @param principalId who looks */
  waiting(token: string, principalId: string): Promise<LinkView | null>;
  confirm(
    token: string,
    by: {
      /** As typed. */
      readonly code: string;
      readonly principal: Principal;
      /** `http:ADDRESS` */
      readonly source: string;
      readonly remember: { readonly fingerprint: string; readonly lifeMs: number } | null;
    },
  ): Promise<
    | { readonly kind: 'confirmed' }
    | { readonly kind: 'wrong-code'; readonly attemptsLeft: number }
    | { readonly kind: 'not-that-key' }
    | { readonly kind: 'gone' }
  >;
  /** False = it was gone already. */
  refuse(token: string, by: { readonly principal: Principal }): Promise<boolean>;
}

/** A machine without a browser that waits. */
export interface DeviceView {
  /** `http:ADDRESS` */
  readonly source: string;
  /** The key that is to be registered; null = none is. */
  readonly key: Omit<LinkKeyView, 'isProven'> | null;
  readonly expiresAt: string;
}

export type DeviceOutcome =
  | {
      readonly kind: 'signed-in';
      readonly principal: string;
      readonly token: string;
      readonly lifeMs: number;
      readonly key: { readonly fingerprint: string; readonly expiresAt: string } | null;
    }
  | { readonly kind: 'pending' }
  /** Asked too early; from now on it has to wait longer. */
  | { readonly kind: 'slow-down'; readonly intervalMs: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'expired' }
  /** The signature isn't one of the key that was announced. */
  | { readonly kind: 'unproven' }
  | { readonly kind: 'unknown' };

export interface DeviceDesk {
  /** null = too many of this source wait already. */
  open(wish: { readonly source: string; readonly key: ReadKey | null }): Promise<{
    readonly deviceCode: string;
    readonly userCode: string;
    readonly lifeMs: number;
    readonly intervalMs: number;
  } | null>;
  /** @param code as typed @param principalId who looks */
  waiting(code: string, principalId: string): Promise<DeviceView | null>;
  /** False = there is no such code, or no longer. */
  decide(
    code: string,
    isAllowed: boolean,
    by: { readonly principal: Principal; readonly source: string },
  ): Promise<boolean>;
  /** @param isProven whether the machine has signed the device code with this key */
  redeem(
    deviceCode: string,
    wish: {
      readonly source: string;
      readonly lifeMs: number;
      readonly isProven: (blob: Buffer) => boolean;
    },
  ): Promise<DeviceOutcome>;
}

/** A key that counts now; times in ISO 8601. */
export interface OwnKeyView {
  readonly id: string;
  readonly principal: string;
  readonly algorithm: string;
  readonly fingerprint: string;
  readonly comment: string;
  readonly origin: 'configuration' | 'link' | 'device' | 'token';
  readonly registeredFrom: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

export interface OwnKeyDesk {
  /** null = everybody's. */
  list(principal: string | null): Promise<readonly OwnKeyView[]>;
  /** @param id or fingerprint @param owner whose it must be; null = anybody's */
  revoke(
    id: string,
    owner: string | null,
    by: { readonly principal: string | null; readonly source: string },
  ): Promise<
    | { readonly kind: 'revoked'; readonly key: OwnKeyView }
    | { readonly kind: 'unknown' }
    | { readonly kind: 'configured' }
  >;
}

/** All of it, as HttpOptions has it. */
export interface ClientSignIns {
  readonly links: LinkDesk;
  readonly devices: DeviceDesk;
  readonly keys: OwnKeyDesk;
  /** How long a key may be remembered at most; 0 = not at all. */
  readonly rememberMs: number;
  /** Whether `signature`, as `ssh-keygen -Y sign -n NAMESPACE` makes it, is this key's for `message`. */
  readonly signed: (blob: Buffer, signature: string, namespace: string, message: string) => boolean;
}
