/**
 * What a client asks for beside sessions: channels that lead on from the target, listening there, and the
 * channels that come back to it. Who may have it is decided elsewhere; here are only the words for it.
 */
import type {
  ForwardClient,
  ForwardedChannel,
  ForwardHandler,
  ForwardOrigin,
  ForwardRefusal,
  ForwardRequest,
  InputUnit,
  OutputUnit,
  ReachOutcome,
  DownstreamEnd,
} from '../session/ports.ts';
import { OPEN_FAILURE, type GlobalAnswer, type OpenAnswer } from './engine/channels.ts';
import type { ServerChannels } from './engine/channels.ts';
import type { PacketReader } from './engine/wire.ts';
import { forwardedFields, LISTEN, readListen, TUNNEL, UNLISTEN } from './forward-channel.ts';

/** How long a client may take to answer a channel that is opened towards it. */
const OPEN_TIMEOUT_MS = 30_000;

type Opened = OpenAnswer<InputUnit, OutputUnit>;

export class DownstreamForwards implements ForwardClient {
  readonly #handler: ForwardHandler;
  readonly #channels: () => ServerChannels | null;

  /** @param channels null before the client has authenticated */
  constructor(handler: ForwardHandler, channels: () => ServerChannels | null) {
    this.#handler = handler;
    this.#channels = channels;
  }

  /**
   * The client opens a channel that leads on; null = it means something else.
   * @param isGuess see `ForwardHandler.open`
   */
  async connect(
    request: ForwardRequest,
    origin: ForwardOrigin | null,
    isGuess: boolean,
  ): Promise<Opened | null> {
    const answer = await this.#handler.open(request, origin, isGuess);
    if (answer === null) return null;
    return answer.kind === 'open' ? (channel) => answer.take(channel) : failureOf(answer);
  }

  /** Null = not a global request of a forward. */
  globalRequest(type: string, reader: PacketReader): GlobalAnswer | Promise<GlobalAnswer> | null {
    for (const kind of ['tcp', 'socket'] as const) {
      if (type !== LISTEN[kind] && type !== UNLISTEN[kind]) continue;
      const request = readListen(kind, reader);
      if (request === null) return false;
      return type === LISTEN[kind] ? this.#listen(request) : this.#handler.unlisten(request);
    }
    return null;
  }

  async #listen(request: ForwardRequest): Promise<GlobalAnswer> {
    const port = await this.#handler.listen(request, this);
    if (port === null) return false;
    // RFC 4254 section 7.1: the port is said only to whom it is news.
    return request.kind === 'tcp' && request.port === 0 ? [port] : true;
  }

  /** See `ForwardClient`. */
  async open(channel: ForwardedChannel): Promise<ReachOutcome<DownstreamEnd>> {
    const channels = this.#channels();
    if (channels === null) return refusal('the client has gone', true);
    const opening = channels.openChannel(...forwardedFields(channel));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), OPEN_TIMEOUT_MS);
    });
    const outcome = await Promise.race([opening, late]);
    clearTimeout(timer);
    if (outcome === null) {
      void abandonLate(opening);
      return refusal(`the client did not answer within ${OPEN_TIMEOUT_MS / 1000} s`, true);
    }
    if (outcome.kind === 'open') return { kind: 'open', end: outcome.channel };
    return refusal(`the client refused it: ${outcome.why}`, true);
  }
}

async function abandonLate(opening: ReturnType<ServerChannels['openChannel']>): Promise<void> {
  const outcome = await opening;
  if (outcome.kind === 'open') outcome.channel.abandon();
}

function refusal(why: string, isUnreachable: boolean): ForwardRefusal {
  return { kind: 'refused', why, isUnreachable };
}

/** What the client is told; its program prints the words. */
export function failureOf({ why, isUnreachable }: ForwardRefusal): {
  readonly reason: number;
  readonly why: string;
} {
  return { reason: isUnreachable ? OPEN_FAILURE.connectFailed : OPEN_FAILURE.prohibited, why };
}

/** Why a channel of this type is refused whoever asks for it. */
export function wordsAgainst(type: string): string {
  return type === TUNNEL
    ? 'sallyport: this bastion forwards no networks; name what you need with -L or -R'
    : 'sallyport: this bastion forwards nothing of this kind';
}
