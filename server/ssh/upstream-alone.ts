/**
 * Connections to targets that carry what belongs to one client alone: its forwards, or a session with its
 * agent or display. They are never in the pool, and what the target opens on them goes to their owner.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Grant } from '../access/grant.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type {
  CredentialUse,
  ForwardAnswer,
  ForwardedChannel,
  OutputUnit,
  InputUnit,
  UpstreamEnd,
  Vault,
} from '../session/ports.ts';
import { OPEN_FAILURE, type OpenAnswer } from './engine/channels.ts';
import type { PacketReader } from './engine/wire.ts';
import { readForwarded } from './forward-channel.ts';
import {
  connectTarget,
  type Connecting,
  type ConnectionLimits,
  type IncomingChannels,
} from './upstream-connection.ts';
import type { PoolLimits } from './upstream-pool.ts';

/** Channels that a target may have open on one connection. */
const MAX_INCOMING = 32;

export interface AloneOptions {
  readonly vault: Vault;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly limits: ConnectionLimits & PoolLimits;
}

/** Who takes what the target opens. */
export type TakeChannel = (
  channel: ForwardedChannel,
  gone: AbortSignal,
) => Promise<ForwardAnswer<UpstreamEnd>>;

export interface AloneConnection extends Connecting {
  readonly id: string;
  /** Aborts when it ends, or never began. */
  readonly gone: AbortSignal;
}

/** All of them, so that they end with the bastion. */
export class AloneConnections {
  readonly #options: AloneOptions;
  readonly #standing = new Set<Connecting>();

  constructor(options: AloneOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#standing.size;
  }

  /**
   * @param forwards what a certificate has to permit beside a terminal
   * @param onIdle no channel is open any more; called again each time
   */
  connect(
    grant: Grant,
    session: string,
    forwards: NonNullable<CredentialUse['certificate']['forwards']>,
    take: TakeChannel,
    onIdle: () => void,
  ): AloneConnection {
    const { clock, limits, logger, vault } = this.#options;
    const id = randomUUID();
    const nowMs = clock.nowMs();
    const gone = new AbortController();
    const use: CredentialUse = {
      session,
      connection: id,
      certificate: {
        keyId: `sallyport:${grant.principal.name}:${session}`,
        serial: randomBytes(8).readBigUInt64BE(),
        validFromMs: nowMs - limits.clockSkewMs,
        validUntilMs: nowMs + limits.certificateMs,
        forwards,
      },
    };
    const incoming: IncomingChannels = {
      maxChannels: MAX_INCOMING,
      mayOpen: (type, reader) => answerOf(take, type, reader, gone.signal),
      idle: onIdle,
    };
    const onEnd = (): void => {
      this.#standing.delete(connecting);
      gone.abort();
    };
    const connecting = connectTarget({ grant, use, vault, logger, limits, incoming, onEnd });
    if (!gone.signal.aborted) this.#standing.add(connecting);
    return { ...connecting, id, gone: gone.signal };
  }

  close(why: string): void {
    for (const connecting of this.#standing) connecting.abort(why);
  }
}

type Opened = OpenAnswer<OutputUnit, InputUnit>;

/** A target learns nothing of why it is refused. */
function answerOf(
  take: TakeChannel,
  type: string,
  reader: PacketReader,
  gone: AbortSignal,
): Opened | Promise<Opened> {
  const channel = readForwarded(type, reader);
  if (channel === null) return { reason: OPEN_FAILURE.unknownType, why: 'not known here' };
  return take(channel, gone).then((answer): Opened =>
    answer.kind === 'open'
      ? (opened) => answer.take(opened)
      : { reason: OPEN_FAILURE.prohibited, why: 'not allowed' },
  );
}
