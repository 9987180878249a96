/**
 * What the session pipeline needs from outside, and what it offers to the SSH layer. Adapters satisfy
 * these structurally; context.ts is where the compiler checks the fit. At most four methods a port.
 */
import type { Attribution } from '../access/attribution.ts';
import type { ForwardKind } from '../access/forward.ts';
import type { Grant, GrantRule } from '../access/grant.ts';
import type { Principal } from '../access/principal.ts';
import type { Target } from '../access/target.ts';
import type { TokenDemands } from '../access/token-demands.ts';
import type { SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { Policy } from '../policy/policy.ts';
import type {
  CarriedByClient,
  CarriedToTarget,
  ForwardDialer,
  ForwardHandler,
} from './forward-ports.ts';
import type { LinkSignIns } from './link-ports.ts';
import type { DownstreamEnd, TerminalSize, UpstreamEnd } from './unit-ports.ts';

export type * from './approval-ports.ts';
export type * from './control-ports.ts';
export type * from './forward-ports.ts';
export type * from './link-ports.ts';
export type * from './record-ports.ts';
export type * from './unit-ports.ts';

// --- towards ssh/: who calls us ---------------------------------------------------------------

export interface Pty {
  readonly term: string;
  readonly size: TerminalSize;
  /** Encoded terminal modes exactly as sent, RFC 4254 section 8. */
  readonly modes: Buffer;
}

export interface ChannelRequest {
  readonly kind: 'shell' | 'exec' | 'subsystem';
  /** Exec string or subsystem name, the exact bytes; null for a shell. */
  readonly command: Buffer | null;
  readonly pty: Pty | null;
  /** As sent by the client before the request, in order; the allow-list is applied by the session. */
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** What it wants of the client's own machine; absent: nothing. */
  readonly carries?: CarriedByClient;
}

/** A public key as offered: `blob` is the RFC 4253 section 6.6 encoding, `fingerprint` is `SHA256:…`. */
export interface PublicKey {
  readonly algorithm: string;
  readonly blob: Buffer;
  readonly fingerprint: string;
  /** The certificate that the key came in, whole; nothing that it says is checked yet. */
  readonly certificate?: Buffer;
  /** What a security token says about the person who signed; not set for other keys and for offers. */
  readonly presence?: { readonly isTouched: boolean; readonly isVerified: boolean };
}

/** What a connection may ask for; certificates can withhold it. */
export interface ConnectionPermits {
  readonly pty: boolean;
  readonly portForwarding: boolean;
  readonly agentForwarding: boolean;
  readonly x11Forwarding: boolean;
}

/** One downstream transport; made by `Connections.accept`. */
export interface ConnectionHandler {
  /** Known once the peer has authenticated; before that, everything. */
  readonly permits: ConnectionPermits;
  /** Absent: nothing is forwarded. */
  readonly forwards?: ForwardHandler;
  /** Absent: nobody signs in by a link. */
  readonly links?: LinkSignIns | undefined;
  /** Would this key be accepted? For a bare offer: grants nothing and is not journalled. */
  offered(userName: string, key: PublicKey): Promise<boolean>;
  /** The peer has proved that it holds the key (ssh/ verified the signature). False = refused. */
  proven(userName: string, key: PublicKey): Promise<boolean>;
  /** The peer showed something that nobody can judge, for the journal; `shown` = the fingerprint of a key. */
  refused?(userName: string, why: string, shown: string | null): void;
  /** An authenticated peer started a session channel. Returns at once; the session runs by itself. */
  open(request: ChannelRequest, end: DownstreamEnd): void;
  /** The transport ended or a request was refused below us; called once, `why` is for the journal. */
  ended(why: string): void;
}

/** A connection inside another one: `ssh -J bastion login@target`. */
export interface InnerConnection {
  /** False = whoever it is for, there is nothing that they may reach; it says so to whom comes in. */
  readonly leadsSomewhere: boolean;
  readonly handler: ConnectionHandler;
  /** Lets the outer connection's principal in as this user name, a login on the target. */
  enter(userName: string): Promise<boolean>;
}

export interface Connections {
  /** @param source `address:port` of the peer */
  accept(
    source: string,
    /** Where the peer reached us. */
    place?: { readonly host: string; readonly port: number },
    /** Ends the transport; `why` is shown to the client. */
    close?: (why: string) => void,
  ): ConnectionHandler;
  /**
   * The authenticated client of `outer` wants a connection to `host:port`; `outer` may itself be inside a
   * jump. Null = that is no place where one speaks SSH. Rejects when the directory can't be read.
   */
  jump(outer: ConnectionHandler, host: string, port: number): Promise<InnerConnection | null>;
}

// --- what we call -----------------------------------------------------------------------------

export type DialOutcome =
  | {
      readonly kind: 'open';
      readonly end: UpstreamEnd;
      readonly connection: UpstreamConnectionFacts;
      /** What it should have carried, and the target refused; absent: none. */
      readonly without?: readonly ForwardKind[];
    }
  | { readonly kind: 'failed'; readonly error: SallyportError };

/** Which connection to a target carries a channel. */
export interface UpstreamConnectionFacts {
  readonly id: string;
  /** It stood already, or was being made for another session. */
  readonly isShared: boolean;
  /** `address:port` of the bastion's side, which the target's own log names. */
  readonly from: string;
}

/**
 * Opens channels on targets; one Dialer per downstream connection. The connections to targets are shared
 * with other Dialers, but only for the same principal, target, login and credential.
 */
export interface Dialer {
  /**
   * `request.env` is already filtered. Expected failures are values; never rejects.
   * @param session id of the session that the channel is for
   * @param carried makes the connection the session's own; left out = nothing
   */
  dial(
    grant: Grant,
    request: ChannelRequest,
    session: string,
    carried?: CarriedToTarget,
  ): Promise<DialOutcome>;
  readonly forwards?: ForwardDialer;
  /** The session is over: what is still open for it is closed. */
  release(session: string): void;
  /** Closes all channels of this downstream connection, and gives up what is being opened. */
  close(): void;
}

export interface Dialers {
  create(): Dialer;
}

/** Decrypted credential material; wiped by `[Symbol.dispose]`. */
export interface OpenedCredential extends Disposable {
  /** An `authority` is the private key of a CA that signs a certificate for each connection. */
  readonly kind: 'private-key' | 'password' | 'authority';
  readonly bytes: Buffer;
}

/** What a credential is opened for, as the journal says it. */
export interface CredentialUse {
  /** The session that needed the connection first. */
  readonly session: string;
  /** Id of the connection to the target. */
  readonly connection: string;
  /** What an authority will sign; counts for nothing else. */
  readonly certificate: {
    readonly keyId: string;
    readonly serial: bigint;
    readonly validFromMs: number;
    readonly validUntilMs: number;
    /** What it has to permit beside a terminal; absent: nothing. */
    readonly forwards?: readonly ('port' | 'agent' | 'X11')[];
  };
}

export interface Vault {
  /**
   * What the grant's login is opened with now; decrypts nothing. Rejects with `object.unknown`.
   */
  current(grant: Grant): Promise<{
    readonly kind: OpenedCredential['kind'];
    /** Raised by every change. */
    readonly version: number;
  }>;
  /** Decrypts the credential of the grant's login and journals its use. Rejects with `vault.locked` or `object.unknown`. */
  open(grant: Grant, use: CredentialUse): Promise<OpenedCredential>;
}

export interface Directory {
  /** The principal whose live (not revoked, not expired, not disabled) key this is. */
  principalByKey(blob: Buffer): Promise<Principal | null>;
  /** What is asked of who signs in with this key; what is usual for one that nobody has. */
  demandsOfKey(blob: Buffer): Promise<TokenDemands>;
  targetByName(name: string): Promise<Target | null>;
  allTargets(): Promise<readonly Target[]>;
  grantRules(): Promise<readonly GrantRule[]>;
}

/** Whether who came in may stay. */
export interface Standings {
  /**
   * The principal as it is now; null = it is disabled, or the key is no longer its own. That a key has
   * expired since then doesn't matter.
   * @param key what it proved itself with; null = something else
   */
  principalNow(principalId: string, key: Buffer | null): Promise<Principal | null>;
}

/** What keys were registered for. */
export interface Attributions {
  /** null = the key says nothing of a run, or isn't known. */
  attributionOfKey(blob: Buffer): Promise<Attribution | null>;
}

/** Who a certificate is for. */
export interface Certificates {
  /**
   * Judges the certificate of a key: its authority and signature, time, revocation, options, and whom it
   * names. Rejects when the directory can't be read.
   * @param source `address:port` of the peer
   * @param atMs when it was shown; left out = now
   */
  judge(key: PublicKey, source: string, atMs?: number): Promise<CertificateVerdict>;
}

/** What the journal says of a certificate. */
export interface CertificateFacts {
  /** Name of the authority; null = nobody trusts who signed it. */
  readonly authority: string | null;
  readonly keyId: string;
  /** Up to 64 bits, so decimal digits. */
  readonly serial: string;
}

export type CertificateVerdict =
  | {
      readonly kind: 'accepted';
      readonly principal: Principal;
      readonly facts: CertificateFacts;
      /** Runs in place of whatever is asked for; null = nothing is forced. */
      readonly forceCommand: Buffer | null;
      readonly permits: ConnectionPermits;
    }
  /** `facts` are null when the certificate can't be read. */
  | { readonly kind: 'refused'; readonly why: string; readonly facts: CertificateFacts | null };

/** The certificate authorities that the configuration trusts. */
export interface Authorities {
  /** The authority that has this public key; null = nobody trusts it. */
  authorityByKey(blob: Buffer): Promise<TrustedAuthority | null>;
  /** The revocation list with this digest, or null when the authority has another one by now. */
  revocations(authority: string, digest: string): Promise<Buffer | null>;
}

export interface TrustedAuthority {
  readonly name: string;
  /** Digest of its revocation list; null = it has none. */
  readonly revocations: string | null;
  /** Whom the names in its certificates stand for; disabled principals are left out. */
  readonly names: readonly { readonly name: string; readonly principal: Principal }[];
}

export interface Policies {
  /** The compiled policy in force and its version. Rejects with `object.unknown`. */
  byName(name: string): Promise<PolicyInForce>;
}

export interface PolicyInForce {
  readonly version: number;
  readonly policy: Policy;
  /** Version of the directory at that moment; 0 or left out = none was kept yet. */
  readonly directoryVersion?: number;
}

/** By what a command was judged. */
export interface JudgedBy {
  /** Name of the policy. */
  readonly policy: string;
  readonly version: number;
  readonly directoryVersion: number;
}

export interface Journal {
  /** Resolves when the event is committed. Rejects with `journal.failed`. */
  append(event: AuditEvent): Promise<void>;
}
