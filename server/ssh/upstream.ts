/**
 * The leg towards targets: channels that only a grant opens, on connections to a host whose key is
 * pinned. Which connection carries a channel is the pool's; what it is opened with, the vault's.
 */
import type { Grant } from '../access/grant.ts';
import { systemClock, type Clock } from '../clock.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type {
  CarriedToTarget,
  ChannelRequest,
  Dialer,
  Dialers,
  DialOutcome,
  InputUnit,
  OutputUnit,
  Vault,
} from '../session/ports.ts';
import type { Channel } from './engine/channel.ts';
import { REKEY_LIMITS } from './engine/rekey.ts';
import { connectTarget, type ConnectionLimits } from './upstream-connection.ts';
import { TargetForwards } from './forward-dialer.ts';
import { AloneConnections } from './upstream-alone.ts';
import { askToCarry, leaseAlone } from './upstream-carried.ts';
import {
  POOL_LIMITS,
  UpstreamPool,
  type Lease,
  type LeaseOutcome,
  type PoolLimits,
} from './upstream-pool.ts';

export type DialerLimits = ConnectionLimits & PoolLimits;

export const DIALER_LIMITS: DialerLimits = {
  connectTimeoutMs: 10_000,
  keepaliveIntervalMs: 30_000,
  maxSilentIntervals: 10,
  rekey: REKEY_LIMITS,
  ...POOL_LIMITS,
};

export interface DialersOptions {
  readonly vault: Vault;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly limits?: Partial<DialerLimits>;
}

/** Makes one Dialer per downstream connection; the connections to targets belong to all of them. */
export interface TargetDialers extends Dialers {
  /** Connections to targets that stand or are being made. */
  readonly connectionCount: number;
  /** The directory or a credential has changed: no connection that stands takes a new channel. */
  retire(): void;
  /** Ends all connections to targets. */
  close(): void;
}

export function createDialers(options: DialersOptions): TargetDialers {
  const limits = { ...DIALER_LIMITS, ...options.limits };
  const { clock = systemClock, logger, vault } = options;
  const pool = new UpstreamPool(
    (grant, use, onEnd) => connectTarget({ grant, use, vault, logger, limits, onEnd }),
    limits,
    clock,
  );
  const alone = new AloneConnections({ vault, logger, limits, clock });
  return {
    create: () => new TargetDialer(pool, alone, vault, limits),
    get connectionCount() {
      return pool.size + alone.size;
    },
    retire: () => pool.retire(),
    close: () => {
      pool.close('the bastion is stopping');
      alone.close('the bastion is stopping');
    },
  };
}

type TargetChannel = Channel<OutputUnit, InputUnit>;

class TargetDialer implements Dialer {
  readonly forwards: TargetForwards;
  readonly #pool: UpstreamPool;
  readonly #alone: AloneConnections;
  readonly #vault: Vault;
  readonly #limits: DialerLimits;
  /** What is open, by session. */
  readonly #leases = new Map<Lease, string>();
  /** Sessions whose channel is on its way, and those of them that are over meanwhile. */
  readonly #dialling = new Set<string>();
  readonly #over = new Set<string>();
  #isClosed = false;

  constructor(pool: UpstreamPool, alone: AloneConnections, vault: Vault, limits: DialerLimits) {
    this.forwards = new TargetForwards(alone);
    this.#pool = pool;
    this.#alone = alone;
    this.#vault = vault;
    this.#limits = limits;
  }

  async dial(
    grant: Grant,
    request: ChannelRequest,
    session: string,
    carried?: CarriedToTarget,
  ): Promise<DialOutcome> {
    this.#dialling.add(session);
    try {
      return await this.#dial(grant, request, session, carried ?? null);
    } catch (thrown) {
      if (thrown instanceof SallyportError) return { kind: 'failed', error: thrown };
      return failed(grant, `opening the channel failed: ${messageOf(thrown)}`, thrown);
    } finally {
      this.#dialling.delete(session);
      this.#over.delete(session);
    }
  }

  release(session: string): void {
    if (this.#dialling.has(session)) this.#over.add(session);
    for (const [lease, owner] of this.#leases) if (owner === session) this.#end(lease);
  }

  close(): void {
    this.#isClosed = true;
    for (const lease of this.#leases.keys()) this.#end(lease);
    this.#pool.forget(this);
    this.forwards.close();
  }

  async #dial(
    grant: Grant,
    request: ChannelRequest,
    session: string,
    carried: CarriedToTarget | null,
  ): Promise<DialOutcome> {
    if (grant.target.hostKey === null) return { kind: 'failed', error: unpinned(grant) };
    if (carried !== null) {
      const outcome = await leaseAlone(this.#alone, grant, session, carried);
      return this.#leased(outcome, grant, request, session, carried);
    }
    const credential = await this.#vault.current(grant);
    if (this.#isClosed) return failed(grant, 'the client has gone');
    const outcome = await this.#pool.lease({
      grant,
      credential,
      session,
      borrower: this,
      isTerminal: request.pty !== null,
      open: (channels) => channels.openSession(),
    });
    return this.#leased(outcome, grant, request, session, null);
  }

  async #leased(
    outcome: LeaseOutcome,
    grant: Grant,
    request: ChannelRequest,
    session: string,
    carried: CarriedToTarget | null,
  ): Promise<DialOutcome> {
    if (outcome.kind === 'failed') return outcome;
    if (outcome.kind === 'refused') {
      return failed(grant, `it refused a channel: ${outcome.why || 'no reason given'}`);
    }
    const { lease } = outcome;
    this.#leases.set(lease, session);
    if (this.#isClosed || this.#over.has(session)) {
      this.#end(lease);
      return failed(grant, 'the client has gone');
    }
    return this.#start(grant, request, lease, carried);
  }

  async #start(
    grant: Grant,
    request: ChannelRequest,
    lease: Lease,
    carried: CarriedToTarget | null,
  ): Promise<DialOutcome> {
    const { channel, connection } = lease;
    const asked = askToCarry(channel, carried);
    const refused = await refusedRequest(channel, request, this.#limits.channelTimeoutMs);
    if (refused === null) {
      const { id, isShared, from } = connection;
      const without = await asked;
      return { kind: 'open', end: channel, connection: { id, isShared, from }, without };
    }
    this.#end(lease);
    return failed(
      grant,
      connection.transport.isEnded ? 'its connection ended meanwhile' : `it refused ${refused}`,
    );
  }

  #end(lease: Lease): void {
    this.#leases.delete(lease);
    lease.channel.abandon();
    lease.end();
  }
}

/** Sends what starts the channel; says what the target refused, or null. */
async function refusedRequest(
  channel: TargetChannel,
  { command, env, kind, pty }: ChannelRequest,
  timeoutMs: number,
): Promise<string | null> {
  const answers: Promise<boolean>[] = [];
  // All requests leave at once; the answers come in the same order.
  if (pty !== null) {
    const { cols, rows, widthPx, heightPx } = pty.size;
    answers.push(channel.request('pty-req', pty.term, cols, rows, widthPx, heightPx, pty.modes));
  }
  for (const { name, value } of env) channel.notify('env', name, value);
  answers.push(command === null ? channel.request(kind) : channel.request(kind, command));
  const timer = setTimeout(() => channel.abandon(), timeoutMs);
  const granted = await Promise.all(answers);
  clearTimeout(timer);
  if (granted.every(Boolean)) return null;
  return pty !== null && granted[0] === false ? 'a terminal' : `the ${kind} request`;
}

function unpinned(grant: Grant): SallyportError {
  const { name } = grant.target;
  return new SallyportError(
    'target.refused',
    `the target ${name} has no pinned host key, so nothing proves which host answers`,
    `compare the host's fingerprint with what this shows, then put the key in the configuration: sallyport target scan ${name}`,
  );
}

function failed(grant: Grant, why: string, cause?: unknown): DialOutcome {
  const { name } = grant.target;
  const hint = 'look into the SSH log of the target for the reason';
  const error = new SallyportError('target.refused', `${name}: ${why}`, hint, { cause });
  return { kind: 'failed', error };
}
