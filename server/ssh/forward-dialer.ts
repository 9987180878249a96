/**
 * The forwards of one client's connection on their way to the target: channels that lead on from it, and what
 * it listens for. One connection for each target and login, made when it is needed.
 */
import type { Grant } from '../access/grant.ts';
import { placeText } from '../access/forward.ts';
import type {
  ForwardAnswer,
  ForwardDialer,
  ForwardedChannel,
  ForwardOrigin,
  ForwardRefusal,
  ForwardTaker,
  ListenOutcome,
  UpstreamEnd,
} from '../session/ports.ts';
import { OPEN_FAILURE, type ClientChannels } from './engine/channels.ts';
import { DIRECT_STREAMLOCAL, DIRECT_TCPIP, LISTEN, UNLISTEN } from './forward-channel.ts';
import type { AloneConnection, AloneConnections } from './upstream-alone.ts';

type Place = Parameters<ForwardDialer['connect']>[1];
type Listening = Parameters<ForwardDialer['listen']>[1];
type Reached = Awaited<ReturnType<ForwardDialer['connect']>>;

/** How long a target may try to reach what it was told to; its own TCP gives up by then. */
const REACH_TIMEOUT_MS = 150_000;
/** How long it may take to listen. */
const LISTEN_TIMEOUT_MS = 30_000;
/** How long a connection is kept that carries nothing. */
const IDLE_MS = 60_000;

export class TargetForwards implements ForwardDialer {
  readonly #connections: AloneConnections;
  readonly #carriers = new Map<string, Carrier>();

  constructor(connections: AloneConnections) {
    this.#connections = connections;
  }

  async connect(
    grant: Grant,
    place: Place,
    origin: ForwardOrigin | null,
    session: string,
  ): Promise<Reached> {
    return this.#carrier(grant, session).connect(grant, place, origin);
  }

  async listen(
    grant: Grant,
    place: Listening,
    take: ForwardTaker,
    session: string,
  ): Promise<ListenOutcome> {
    return this.#carrier(grant, session).listen(grant, place, take);
  }

  close(): void {
    for (const carrier of this.#carriers.values()) carrier.close("the client's connection ended");
  }

  #carrier(grant: Grant, session: string): Carrier {
    const key = JSON.stringify([grant.target, grant.login]);
    const known = this.#carriers.get(key);
    if (known !== undefined && !known.hasEnded) return known;
    const carrier: Carrier = new Carrier((take, onIdle) =>
      this.#connections.connect(grant, session, ['port'], take, onIdle),
    );
    this.#carriers.set(key, carrier);
    return carrier;
  }
}

interface Listener {
  readonly kind: Listening['kind'];
  /** As the target was told; it names its channels by it. */
  readonly host: string;
  port: number;
  readonly take: ForwardTaker;
}

/** One connection: connecting → standing → ended. */
class Carrier {
  readonly #connection: AloneConnection;
  readonly #listeners = new Set<Listener>();
  #channels: ClientChannels | null = null;
  #idle: NodeJS.Timeout | null = null;
  #busy = 0;

  constructor(connect: (take: ForwardTaker, onIdle: () => void) => AloneConnection) {
    this.#connection = connect(
      (channel, gone) => this.#take(channel, gone),
      () => this.#rest(),
    );
  }

  get hasEnded(): boolean {
    return this.#connection.gone.aborted;
  }

  close(why: string): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#connection.abort(why);
  }

  async connect(grant: Grant, place: Place, origin: ForwardOrigin | null): Promise<Reached> {
    return this.#using(async (channels): Promise<Reached> => {
      const what = `${grant.target.name} could not connect to ${placeText(place)}`;
      const from = origin ?? { host: '127.0.0.1', port: 0 };
      const opening =
        place.kind === 'tcp'
          ? channels.openChannel(DIRECT_TCPIP, place.host, place.port, from.host, from.port)
          : channels.openChannel(DIRECT_STREAMLOCAL, place.path, '', 0);
      const opened = await within(REACH_TIMEOUT_MS, opening);
      if (opened === null) {
        void opening.then((late) => late.kind === 'open' && late.channel.abandon());
        return refusal(`${what}: no answer within ${REACH_TIMEOUT_MS / 1000} s`, true);
      }
      if (opened.kind === 'open') return { kind: 'open', end: opened.channel };
      return refusal(`${what}: ${opened.why}`, opened.reason !== OPEN_FAILURE.prohibited);
    });
  }

  async listen(grant: Grant, place: Listening, take: ForwardTaker): Promise<ListenOutcome> {
    return this.#using(async (channels): Promise<ListenOutcome> => {
      const isTcp = place.kind === 'listen';
      const host = !isTcp ? place.path : place.host === '*' ? '' : place.host;
      const kind = isTcp ? 'tcp' : 'socket';
      const listener: Listener = { kind: place.kind, host, port: isTcp ? place.port : 0, take };
      const fields = isTcp ? [host, place.port] : [host];
      // Before the answer: a connection may come in with it.
      this.#listeners.add(listener);
      const answer = await within(
        LISTEN_TIMEOUT_MS,
        channels.globalRequest(LISTEN[kind], ...fields),
      );
      if (answer === null) {
        this.#listeners.delete(listener);
        return refusal(`${grant.target.name} refuses to listen at ${placeText(place)}`, false);
      }
      if (isTcp && place.port === 0 && answer.length >= 4) listener.port = answer.readUInt32BE(0);
      const stop = async (): Promise<void> => {
        if (!this.#listeners.delete(listener) || this.hasEnded) return;
        const again = isTcp ? [host, listener.port] : [host];
        await within(LISTEN_TIMEOUT_MS, channels.globalRequest(UNLISTEN[kind], ...again));
        this.#rest();
      };
      return { kind: 'listening', port: listener.port, gone: this.#connection.gone, stop };
    });
  }

  async #using<T>(
    work: (channels: ClientChannels) => Promise<T>,
  ): Promise<T | Extract<Reached, { kind: 'failed' }>> {
    this.#busy += 1;
    if (this.#idle !== null) clearTimeout(this.#idle);
    try {
      const outcome = await this.#connection.outcome;
      if (outcome.kind === 'failed') return outcome;
      this.#channels = outcome.connection.channels;
      return await work(this.#channels);
    } finally {
      this.#busy -= 1;
      this.#rest();
    }
  }

  async #take(channel: ForwardedChannel, gone: AbortSignal): Promise<ForwardAnswer<UpstreamEnd>> {
    const listener = this.#listenerOf(channel);
    return listener === null ? refusal('nobody asked for it', false) : listener.take(channel, gone);
  }

  /** Servers don't all repeat the address as they were told it, but the port is what was listened at. */
  #listenerOf(channel: ForwardedChannel): Listener | null {
    if (channel.kind === 'agent' || channel.kind === 'x11') return null;
    const fitting = [...this.#listeners].filter((one) =>
      channel.kind === 'tcp'
        ? one.kind === 'listen' && one.port === channel.port
        : one.kind === 'listen-socket' && one.host === channel.path,
    );
    if (channel.kind === 'socket' || fitting.length === 1) return fitting[0] ?? null;
    return fitting.find(({ host }) => host === channel.host) ?? null;
  }

  #rest(): void {
    if (this.#isUsed || this.hasEnded) return;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (!this.#isUsed) this.close('idle');
    }, IDLE_MS);
    this.#idle.unref();
  }

  get #isUsed(): boolean {
    return this.#busy > 0 || this.#listeners.size > 0 || (this.#channels?.count ?? 0) > 0;
  }
}

function refusal(why: string, isUnreachable: boolean): ForwardRefusal {
  return { kind: 'refused', why, isUnreachable };
}

/** The outcome, or null when it takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
