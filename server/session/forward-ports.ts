/** What forwards need from the SSH layer and offer to it; part of ports.ts, which adapters import. */
import type { ForwardKind, ForwardPlace } from '../access/forward.ts';
import type { Grant } from '../access/grant.ts';
import type { SallyportError } from '../errors.ts';
import type { DownstreamEnd, UpstreamEnd } from './unit-ports.ts';

/** Where a connection comes from, as whoever accepted it says. */
export interface ForwardOrigin {
  readonly host: string;
  readonly port: number;
}

/** What a client wants to be connected to, or listened for, in its own spelling. */
export type ForwardRequest =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string };

/** A connection that the target hands to the client, as RFC 4254 section 7.2 and 6.3.2 say it. */
export type ForwardedChannel =
  /** `host` in the spelling of the client's request. */
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly origin: ForwardOrigin;
    }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'agent' }
  | { readonly kind: 'x11'; readonly origin: ForwardOrigin };

/** The answer to whoever opened a channel: who takes it, or why nobody does. */
export type ForwardAnswer<End> =
  { readonly kind: 'open'; readonly take: (end: End) => void } | ForwardRefusal;

export interface ForwardRefusal {
  readonly kind: 'refused';
  readonly why: string;
  /** It was allowed, but nobody answers there. */
  readonly isUnreachable: boolean;
}

/** The answer to an attempt to open a channel. */
export type ReachOutcome<End> = { readonly kind: 'open'; readonly end: End } | ForwardRefusal;

/** What the client of one connection may ask for beside sessions. None of these rejects. */
export interface ForwardHandler {
  /**
   * It opens a channel that leads on from the target.
   * @param isGuess it may as well mean something else: what isn't granted leaves no trace then
   * @returns null = it means something else
   */
  open(
    request: ForwardRequest,
    origin: ForwardOrigin | null,
    isGuess: boolean,
  ): Promise<ForwardAnswer<DownstreamEnd> | null>;
  /** The target shall listen. @returns the port that it listens at; null = refused, or it can't */
  listen(request: ForwardRequest, client: ForwardClient): Promise<number | null>;
  /** @returns whether it was listening */
  unlisten(request: ForwardRequest): Promise<boolean>;
  /** A session that hasn't started asks for its agent or its display. */
  mayCarry(kind: ForwardKind): Promise<boolean>;
}

/** Opens channels towards the client. */
export interface ForwardClient {
  open(channel: ForwardedChannel): Promise<ReachOutcome<DownstreamEnd>>;
}

/** What `x11-req` says, RFC 4254 section 6.3.1. */
export interface X11Request {
  readonly isSingle: boolean;
  readonly protocol: Buffer;
  readonly cookie: Buffer;
  readonly screen: number;
}

/** What a session wants of its client's own machine. */
export interface CarriedByClient {
  readonly agent: boolean;
  readonly x11: X11Request | null;
  readonly client: ForwardClient;
  /** Asked for and refused. */
  readonly refused: readonly ForwardKind[];
}

/** Who takes the channels that a target opens; `gone` aborts when the connection to it ends. */
export type ForwardTaker = (
  channel: ForwardedChannel,
  gone: AbortSignal,
) => Promise<ForwardAnswer<UpstreamEnd>>;

/** What a session's connection to the target carries beside the session. */
export interface CarriedToTarget {
  readonly agent: boolean;
  readonly x11: X11Request | null;
  readonly take: ForwardTaker;
}

export type ListenOutcome =
  | {
      readonly kind: 'listening';
      readonly port: number;
      /** Aborts when the connection to the target ends. */
      readonly gone: AbortSignal;
      stop(): Promise<void>;
    }
  | ForwardRefusal
  | { readonly kind: 'failed'; readonly error: SallyportError };

/** A connection to the target that carries the forwards of one client's connection and nothing else. */
export interface ForwardDialer {
  /** The target connects to `place`. Never rejects. */
  connect(
    grant: Grant,
    place: Extract<ForwardPlace, { kind: 'tcp' | 'socket' }>,
    origin: ForwardOrigin | null,
    session: string,
  ): Promise<
    ReachOutcome<UpstreamEnd> | { readonly kind: 'failed'; readonly error: SallyportError }
  >;
  /** The target listens at `place`, and `take` gets what comes. Never rejects. */
  listen(
    grant: Grant,
    place: Extract<ForwardPlace, { kind: 'listen' | 'listen-socket' }>,
    take: ForwardTaker,
    session: string,
  ): Promise<ListenOutcome>;
}
