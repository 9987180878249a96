/** What signing people in with an issuer needs from the stores; types only. */
import type { Claims } from '../access/identity.ts';
import type { Principal } from '../access/principal.ts';
import type { SignInSettings } from '../access/sign-in.ts';

/** A sign-in that has gone to the issuer and hasn't come back. */
export interface PendingSignIn {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** A path of our own. */
  readonly returnPath: string;
  /** `http:ADDRESS` */
  readonly source: string;
}

export type SignInOutcome =
  | {
      readonly kind: 'signed-in';
      /** Of the new web session. */
      readonly token: string;
      readonly principal: Principal;
    }
  /** `why` may be shown to the person; `hint` says what to do. */
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string };

export interface IssuerDesk {
  /** null = people sign in by one-time links only. */
  settings(): Promise<SignInSettings | null>;
  /**
   * Has the settings learnt now, and anew whenever they may have changed. Rejects when the first time fails;
   * `onFailure` is told of later ones. Either way the next change is another try.
   */
  follow(
    learn: (settings: SignInSettings | null) => void | Promise<void>,
    onFailure: (error: unknown) => void,
  ): Promise<void>;
  /** null = a client without a secret. Rejects with `config.invalid` when its file can't be read. */
  clientSecret(): Promise<string | null>;
  /** Keeps a sign-in for a few minutes. */
  begin(state: string, browser: string, pending: PendingSignIn): Promise<void>;
  /** The sign-in that this browser began, once. */
  take(state: string, browser: string): Promise<PendingSignIn | null>;
  /** Finds or makes the principal, opens a web session and journals it, all or nothing. */
  signIn(wish: {
    readonly settings: SignInSettings;
    /** Of a verified ID token. */
    readonly claims: Claims;
    /** The token itself, for signing out; null = not kept. */
    readonly idToken: string | null;
    /** The web session that this one takes the place of. */
    readonly replaces: string | null;
    readonly source: string;
  }): Promise<SignInOutcome>;
  /** What the issuer wants to see when this web session signs out; null = it wasn't opened there. */
  issuerOf(
    token: string,
  ): Promise<{ readonly issuer: string; readonly idToken: string | null } | null>;
}
