/**
 * Which connections to targets stand, and who may put a channel on them. Channels of one principal that
 * go to the same target, as the same login, with the same credential, share connections, whichever
 * client they come from; nobody else ever gets one. A connection that is full, old, ending or outdated
 * takes no further channel, and an idle one ends after a while.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Grant } from '../access/grant.ts';
import type { Clock } from '../clock.ts';
import type { SallyportError } from '../errors.ts';
import type { CredentialUse, InputUnit, OutputUnit } from '../session/ports.ts';
import type { Channel } from './engine/channel.ts';
import type { ClientChannels, OpenOutcome } from './engine/channels.ts';
import type { Connecting, UpstreamConnection } from './upstream-connection.ts';

export interface PoolLimits {
  /** How long a connection without channels is kept; 0 = every channel gets a connection of its own. */
  readonly idleMs: number;
  /** A connection older than this takes no new channel. */
  readonly maxAgeMs: number;
  /** Connections at once for one principal, target, login and credential. */
  readonly maxConnections: number;
  /** Channels at once on one connection, if the target doesn't allow fewer. */
  readonly maxChannels: number;
  /** A target must answer the opening of a channel by then. */
  readonly channelTimeoutMs: number;
  /** The same on a connection that was used before: a dead one mustn't cost more. */
  readonly reuseTimeoutMs: number;
  /** How long a certificate is good for; its connection takes no new channel afterwards. */
  readonly certificateMs: number;
  /** How far a target's clock may be behind. */
  readonly clockSkewMs: number;
}

export const POOL_LIMITS: PoolLimits = {
  idleMs: 60_000,
  maxAgeMs: 3_600_000,
  maxConnections: 64,
  maxChannels: 32,
  channelTimeoutMs: 30_000,
  reuseTimeoutMs: 3_000,
  certificateMs: 300_000,
  clockSkewMs: 300_000,
};

type TargetChannel = Channel<OutputUnit, InputUnit>;
type Opened = OpenOutcome<OutputUnit, InputUnit>;

/** A wish for a channel. */
export interface Want {
  readonly grant: Grant;
  /** What the login is opened with now. */
  readonly credential: { readonly kind: string; readonly version: number };
  readonly session: string;
  /** The client's connection: its channels may share with its own terminals. */
  readonly borrower: object;
  /** It has a terminal: output of another client mustn't stand between a key and its echo. */
  readonly isTerminal: boolean;
  /** What to open. */
  readonly open: (channels: ClientChannels) => Promise<Opened>;
}

export interface Lease {
  readonly channel: TargetChannel;
  readonly connection: UpstreamConnection & {
    readonly id: string;
    /** It stood already, or another channel was waiting for it. */
    readonly isShared: boolean;
  };
  /** The channel is over. May be called more than once. */
  end(): void;
}

export type LeaseOutcome =
  | { readonly kind: 'leased'; readonly lease: Lease }
  /** The connection couldn't be made. */
  | { readonly kind: 'failed'; readonly error: SallyportError }
  /** The target refused the channel itself. */
  | { readonly kind: 'refused'; readonly why: string };

export type Connect = (grant: Grant, use: CredentialUse, onEnd: () => void) => Connecting;

/** Channels on their way or open, on one connection. */
interface Place {
  readonly borrower: object;
  readonly isTerminal: boolean;
}

/** Connections of one key. */
interface Group {
  readonly key: string;
  readonly connections: Set<PooledConnection>;
  /** Most channels that a connection of this target has carried when it was full. */
  typicalRoom: number;
}

export class UpstreamPool {
  readonly #connect: Connect;
  readonly #limits: PoolLimits;
  readonly #clock: Clock;
  readonly #groups = new Map<string, Group>();
  #isClosed = false;

  constructor(connect: Connect, limits: PoolLimits, clock: Clock) {
    this.#connect = connect;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Connections that stand or are being made. */
  get size(): number {
    let size = 0;
    for (const { connections } of this.#groups.values()) size += connections.size;
    return size;
  }

  /** Opens a channel on a connection that fits, or on a new one. Never rejects. */
  async lease(want: Want): Promise<LeaseOutcome> {
    const tried = new Set<PooledConnection>();
    // Every round uses up one connection; more than these can't be full in turn.
    for (let round = 0; round <= this.#limits.maxConnections; round += 1) {
      if (this.#isClosed) return { kind: 'refused', why: 'the bastion is stopping' };
      const group = this.#group(keyOf(want));
      const standing = this.#standing(group, want, tried);
      if (standing === null && group.connections.size >= this.#limits.maxConnections) {
        return { kind: 'refused', why: `all ${group.connections.size} connections to it are full` };
      }
      const connection = standing ?? this.#start(group, want);
      tried.add(connection);
      const outcome = await connection.open(want, standing === null);
      if (outcome !== 'elsewhere') return outcome;
    }
    return { kind: 'refused', why: 'every connection to it that was tried is full' };
  }

  /** The borrower has gone: what only it waited for is given up. Its open channels are its own to end. */
  forget(borrower: object): void {
    for (const connection of this.#all()) connection.forget(borrower);
  }

  /** Something that connections depend on has changed: none of them takes a new channel any more. */
  retire(): void {
    for (const connection of this.#all()) connection.retire();
  }

  /** Ends everything. */
  close(why: string): void {
    this.#isClosed = true;
    for (const connection of this.#all()) connection.close(why);
  }

  #all(): PooledConnection[] {
    return [...this.#groups.values()].flatMap(({ connections }) => [...connections]);
  }

  /** It is remembered as long as it has connections. */
  #group(key: string): Group {
    const known = this.#groups.get(key);
    return known ?? { key, connections: new Set(), typicalRoom: Infinity };
  }

  /** The oldest that fits, so that newer ones become idle and end; for a terminal, one without channels first. */
  #standing(group: Group, want: Want, tried: ReadonlySet<PooledConnection>) {
    if (this.#limits.idleMs === 0) return null;
    const fitting = [...group.connections].filter((one) => !tried.has(one) && one.fits(want));
    const empty = want.isTerminal ? fitting.find((one) => one.isEmpty) : undefined;
    return empty ?? fitting[0] ?? null;
  }

  #start(group: Group, want: Want): PooledConnection {
    const id = randomUUID();
    const nowMs = this.#clock.nowMs();
    const { certificateMs, clockSkewMs } = this.#limits;
    const validUntilMs = nowMs + certificateMs;
    const use: CredentialUse = {
      session: want.session,
      connection: id,
      certificate: {
        keyId: `sallyport:${want.grant.principal.name}:${want.session}`,
        serial: randomBytes(8).readBigUInt64BE(),
        validFromMs: nowMs - clockSkewMs,
        validUntilMs,
      },
    };
    const connecting = this.#connect(want.grant, use, () => {
      group.connections.delete(connection);
      connection.ended();
      if (group.connections.size === 0) this.#groups.delete(group.key);
    });
    const lastsMs =
      want.credential.kind === 'authority'
        ? Math.min(certificateMs, this.#limits.maxAgeMs)
        : this.#limits.maxAgeMs;
    const connection = new PooledConnection({
      id,
      group,
      connecting,
      limits: this.#limits,
      isOld: () => this.#clock.nowMs() - nowMs >= lastsMs,
    });
    this.#groups.set(group.key, group);
    group.connections.add(connection);
    return connection;
  }
}

/** All that two channels must have in common to share a connection. */
function keyOf({ grant, credential }: Want): string {
  const { principal, target, login } = grant;
  return JSON.stringify([
    principal.id,
    principal.name,
    target.name,
    target.host,
    target.port,
    target.hostKey,
    login.name,
    login.credential,
    credential.kind,
    credential.version,
  ]);
}

/** A channel that opens after nobody waits for it any more. */
async function abandonLate(opening: Promise<Opened>): Promise<void> {
  const opened = await opening;
  if (opened.kind === 'open') opened.channel.abandon();
}

interface PooledOptions {
  readonly id: string;
  readonly group: Group;
  readonly connecting: Connecting;
  readonly limits: PoolLimits;
  readonly isOld: () => boolean;
}

/** connecting → standing → (retired) → ended. */
class PooledConnection {
  readonly #options: PooledOptions;
  readonly #places = new Set<Place>();
  #standing: UpstreamConnection | null = null;
  /** Channels that the target carries at most; learnt from its first refusal. */
  #room: number;
  #opening = 0;
  #isRetired = false;
  #isEnded = false;
  #idle: NodeJS.Timeout | null = null;

  constructor(options: PooledOptions) {
    this.#options = options;
    this.#room = options.limits.maxChannels;
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  /** Whether this channel may come here now. */
  fits(want: Want): boolean {
    if (this.#isRetired || this.#isEnded || this.#options.isOld()) return false;
    const strangers = [...this.#places].filter(({ borrower }) => borrower !== want.borrower);
    if (strangers.length > 0 && (want.isTerminal || strangers.some((one) => one.isTerminal))) {
      return false;
    }
    const standing = this.#standing;
    if (standing === null) {
      return this.#places.size < Math.min(this.#room, this.#options.group.typicalRoom);
    }
    // One that isn't read, because a client of it doesn't read, would make this channel wait, too.
    const { transport, channels } = standing;
    return !transport.isEnded && !transport.isHeld && channels.count + this.#opening < this.#room;
  }

  /** @param isNew this channel is what the connection is made for */
  async open(want: Want, isNew: boolean): Promise<LeaseOutcome | 'elsewhere'> {
    const place: Place = { borrower: want.borrower, isTerminal: want.isTerminal };
    this.#places.add(place);
    this.#stopIdling();
    const isFresh = this.#standing === null;
    const made = await this.#options.connecting.outcome;
    if (made.kind === 'failed') return made;
    this.#standing = made.connection;
    if (!this.#places.has(place)) return { kind: 'refused', why: 'the client has gone' };
    const opened = await this.#openChannel(want, made.connection, isFresh);
    if (opened.kind === 'refused') {
      this.#leave(place);
      // Only what a fresh connection refuses to its first channel would be refused again.
      const isHopeless = isFresh && (this.#room === 0 || made.connection.transport.isEnded);
      return isHopeless ? opened : 'elsewhere';
    }
    const connection = { ...made.connection, id: this.#options.id, isShared: !isNew };
    const end = (): void => this.#leave(place);
    return { kind: 'leased', lease: { channel: opened.channel, connection, end } };
  }

  async #openChannel(
    want: Want,
    { channels, transport }: UpstreamConnection,
    isFresh: boolean,
  ): Promise<Opened> {
    const { group, limits } = this.#options;
    const opening = want.open(channels);
    this.#opening += 1;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      const waitMs = isFresh ? limits.channelTimeoutMs : limits.reuseTimeoutMs;
      timer = setTimeout(() => resolve('late'), waitMs);
    });
    const answer = await Promise.race([opening, late]);
    clearTimeout(timer);
    this.#opening -= 1;
    if (answer === 'late') {
      void abandonLate(opening);
      this.#isRetired = true;
      if (isFresh) this.#room = 0;
      return { kind: 'refused', why: 'no answer to the opening of a channel', reason: 0 };
    }
    if (answer.kind === 'refused' && !transport.isEnded) {
      this.#room = channels.count;
      if (this.#room === 0) this.#isRetired = true;
      else if (group.typicalRoom === Infinity || group.typicalRoom < this.#room) {
        group.typicalRoom = this.#room;
      }
    }
    return answer;
  }

  forget(borrower: object): void {
    if (this.#standing !== null) return;
    for (const place of this.#places) {
      if (place.borrower === borrower) this.#leave(place);
    }
  }

  retire(): void {
    this.#isRetired = true;
    this.#rest();
  }

  close(why: string): void {
    this.#options.connecting.abort(why);
  }

  ended(): void {
    this.#isEnded = true;
    this.#stopIdling();
  }

  #leave(place: Place): void {
    if (this.#places.delete(place)) this.#rest();
  }

  /** Without channels it waits a while for the next one, or ends. */
  #rest(): void {
    if (this.#places.size > 0 || this.#isEnded) return;
    this.#stopIdling();
    const { isOld, limits } = this.#options;
    if (this.#standing === null) return this.close('the client has gone');
    if (this.#isRetired || isOld() || limits.idleMs === 0) return this.close('no longer needed');
    this.#idle = setTimeout(() => this.close('idle'), limits.idleMs);
    // An idle connection keeps no process alive; its socket may.
    this.#idle.unref();
  }

  #stopIdling(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
  }
}
