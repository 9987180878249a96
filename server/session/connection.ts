/**
 * One downstream transport: who is there, what runs on it, and what becomes of both when access changes. It
 * owns *which* channels exist, never *what is in them*.
 */
import type { GrantRule } from '../access/grant.ts';
import { jumpPlace } from '../access/jump.ts';
import type { Target } from '../access/target.ts';
import {
  ChannelRouter,
  type ChannelsOwner,
  type Origin,
  type RouteDependencies,
} from './channel-router.ts';
import { ConnectionSessions, type Running, type Standing } from './connection-sessions.ts';
import type { ForwardPace } from './forward-pace.ts';
import { ConnectionForwards } from './forwards.ts';
import { linkSignIns } from './link-sign-in.ts';
import type {
  ChannelRequest,
  ConnectionHandler,
  ConnectionPermits,
  Dialer,
  Dialers,
  DownstreamEnd,
  InnerConnection,
  PublicKey,
} from './ports.ts';
import { SignIn, type Peer } from './sign-in.ts';

/** Connections inside connections, the outermost not counted. */
const MAX_JUMPS = 4;
/** How long whoever may not stay still gets to read why. */
const WITHDRAWN_LINGER_MS = 500;

export interface ConnectionDependencies extends RouteDependencies {
  readonly dialers: Dialers;
}

/** What a connection inside another one is for. */
interface Jump {
  /** Who is at the outer end. */
  readonly peer: Peer;
  /** As the client asked for it, and the target that this stands for. */
  readonly host: string;
  readonly target: string;
  /** 1 = inside a connection of its own. */
  readonly depth: number;
}

/** What all connections of this process share. */
export interface ConnectionOwner {
  /** How fast principals open forwards, over all their connections. */
  readonly pace: ForwardPace;
  readonly isDraining: boolean;
  /** Grows whenever the directory has changed. */
  readonly changes: number;
  /** Runs something and remembers it until it is over. */
  start(running: Running): void;
}

export class Connection implements ConnectionHandler, ChannelsOwner {
  readonly #dependencies: ConnectionDependencies;
  readonly origin: Origin;
  readonly #registry: ConnectionOwner;
  readonly sessions: ConnectionSessions;
  readonly #channels: ChannelRouter;
  readonly forwards: ConnectionForwards;
  readonly links: ConnectionHandler['links'];
  readonly #signIn: SignIn;
  #dialer: Dialer | null = null;
  readonly #jump: Jump | null;
  readonly #inner = new Set<Connection>();
  readonly #onOver: () => void;
  readonly refused: SignIn['refused'] = (...shown) => this.#signIn.refused(...shown);
  #over = false;
  #isWithdrawn = false;

  constructor(
    dependencies: ConnectionDependencies,
    origin: Origin,
    registry: ConnectionOwner,
    jump: Jump | null,
    onOver: () => void,
  ) {
    this.#onOver = onOver;
    this.#dependencies = dependencies;
    this.origin = origin;
    this.#registry = registry;
    this.#jump = jump;
    this.#signIn = new SignIn(dependencies, origin.source);
    this.links = linkSignIns(this.#signIn, (prove) => this.#comeIn(prove));
    this.sessions = new ConnectionSessions((running) => registry.start(running));
    this.forwards = new ConnectionForwards({ ...dependencies, pace: registry.pace }, this);
    this.#channels = new ChannelRouter(dependencies, this);
  }

  get source(): string {
    return this.origin.source;
  }

  get via(): 'direct' | 'jump' {
    return this.#jump === null ? 'direct' : 'jump';
  }

  get peer(): Peer | null {
    return this.#signIn.peer;
  }

  get isDraining(): boolean {
    return this.#registry.isDraining;
  }

  get isWithdrawn(): boolean {
    return this.#isWithdrawn;
  }

  get changes(): number {
    return this.#registry.changes;
  }

  get dialer(): Dialer {
    return (this.#dialer ??= this.#dependencies.dialers.create());
  }

  get permits(): ConnectionPermits {
    return this.#signIn.permits;
  }

  /** A connection to `host:port` inside this one; null before anybody has authenticated here. */
  async jump(host: string, port: number): Promise<InnerConnection | null> {
    const depth = (this.#jump?.depth ?? 0) + 1;
    const { peer } = this.#signIn;
    if (peer === null || depth > MAX_JUMPS) return null;
    const { directory } = this.#dependencies;
    const [targets, rules] = await Promise.all([directory.allTargets(), directory.grantRules()]);
    const place = jumpPlace(peer.principal, host, port, targets, rules);
    if (place === null) return null;
    const { target, leadsSomewhere } = place;
    const jump = { peer, host, target, depth };
    const over = (): boolean => this.#inner.delete(inner);
    const inner = new Connection(this.#dependencies, this.origin, this.#registry, jump, over);
    this.#inner.add(inner);
    return { handler: inner, leadsSomewhere, enter: (userName) => inner.enter(userName) };
  }

  /** Lets the peer of the outer connection in; `userName` is a login, with claims behind it. */
  async enter(userName: string): Promise<boolean> {
    if (this.#jump === null) return false;
    const { peer, host, target } = this.#jump;
    return this.#signIn.enter(userName, peer, host, target);
  }

  offered(userName: string, key: PublicKey): Promise<boolean> {
    return this.#signIn.offered(userName, key);
  }

  proven(userName: string, key: PublicKey): Promise<boolean> {
    return this.#comeIn(() => this.#signIn.proven(userName, key));
  }

  async #comeIn(prove: () => Promise<boolean>): Promise<boolean> {
    const { changes } = this.#registry;
    const isIn = await prove();
    if (!isIn || changes === this.#registry.changes) return isIn;
    // What was asked before the change may be wrong, and whoever asks all again may have missed this one.
    const principal = await this.#signIn.principalNow();
    if (principal === null) this.#isWithdrawn = true;
    else this.#signIn.changed(principal);
    return principal !== null;
  }

  open(request: ChannelRequest, end: DownstreamEnd): void {
    this.#channels.open(request, end);
  }

  ended(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver();
    this.sessions.close();
    this.forwards.close();
    // Sessions that are still writing their last words upstream keep nothing that outlives this.
    this.#dialer?.close();
    this.#signIn.ended(why);
  }

  /** Ends what is no longer allowed, here and in the connections inside. */
  async recheck(targets: readonly Target[], rules: readonly GrantRule[]): Promise<void> {
    if (this.#signIn.peer === null) return;
    const principal = await this.#signIn.principalNow();
    this.#stand(principal === null ? null : { principal, targets, rules });
    if (principal !== null || this.#over) return;
    const { logger } = this.#dependencies;
    logger.info('access withdrawn', { source: this.source });
    setTimeout(() => this.origin.close('your access was withdrawn'), WITHDRAWN_LINGER_MS);
  }

  #stand(standing: Standing | null): void {
    this.sessions.recheck(standing);
    if (standing === null) this.#isWithdrawn = true;
    else this.#signIn.changed(standing.principal);
    for (const inner of this.#inner) inner.#stand(standing);
  }
}
