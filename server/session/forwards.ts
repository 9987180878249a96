/**
 * What one connection forwards: who may have what, how many at once and how fast. Whatever isn't granted is
 * refused here and journalled, up to a bound.
 */
import { attributedRun } from '../access/attribution.ts';
import { parseDestination } from '../access/destination.ts';
import {
  listenPlace,
  otherSpellings,
  placeText,
  socketPlace,
  tcpPlace,
  type ForwardKind,
  type ForwardPlace,
  type PlaceOutcome,
} from '../access/forward.ts';
import { authoriseForward } from '../access/grant.ts';
import { messageOf } from '../errors.ts';
import { forwardText } from '../policy/forward-place.ts';
import { printable } from '../printable.ts';
import type { ConnectionSessions, Running } from './connection-sessions.ts';
import { Forward } from './forward.ts';
import { ForwardListen } from './forward-listen.ts';
import type { ForwardPace } from './forward-pace.ts';
import type { ForwardContext } from './forward-record.ts';
import { inSpellingOf, keyOf, originText, refusalText, shown } from './forward-text.ts';
import { notice } from './notice.ts';
import type {
  ConnectionPermits,
  Directory,
  DownstreamEnd,
  ForwardAnswer,
  ForwardClient,
  ForwardDialer,
  ForwardedChannel,
  ForwardHandler,
  ForwardOrigin,
  ForwardRefusal,
  ForwardRequest,
  ForwardTaker,
  UpstreamEnd,
} from './ports.ts';
import type { SessionDependencies } from './scene.ts';
import type { Peer } from './sign-in.ts';

/** Refusals of one connection that are journalled one by one; the rest are counted. */
export const MAX_JOURNALLED_REFUSALS = 32;
const MAX_TEXT_CHARACTERS = 200;

export interface ForwardsDependencies extends SessionDependencies {
  readonly directory: Directory;
  readonly pace: ForwardPace;
}

/** The connection as its forwards see it. */
export interface ForwardsOwner {
  readonly source: string;
  readonly via: 'direct' | 'jump';
  readonly sessions: ConnectionSessions;
  /** Null before anybody has authenticated. */
  readonly peer: Peer | null;
  readonly isDraining: boolean;
  readonly dialer: { readonly forwards?: ForwardDialer };
}

/** A channel that a target has opened. */
export interface Incoming {
  readonly channel: ForwardedChannel;
  /** What it belongs to: `listen:localhost:8080`, `agent`. */
  readonly from: string;
  /** What the client listens for; null = it belongs to a session. */
  readonly request: ForwardRequest | null;
}

type Allowed = { readonly kind: 'allowed'; readonly context: ForwardContext };

/** What certificates can withhold. */
const PERMIT: Readonly<Record<ForwardPlace['kind'], keyof ConnectionPermits>> = {
  tcp: 'portForwarding',
  socket: 'portForwarding',
  listen: 'portForwarding',
  'listen-socket': 'portForwarding',
  agent: 'agentForwarding',
  x11: 'x11Forwarding',
};

export class ConnectionForwards implements ForwardHandler {
  readonly #dependencies: ForwardsDependencies;
  readonly #owner: ForwardsOwner;
  readonly #gone = new AbortController();
  readonly #channels = new Set<Running>();
  /** What is listened for, or asked to be. */
  readonly #listening = new Set<ForwardListen>();
  /** The same by the words that the client takes it back with, port 0 by the port that it got. */
  readonly #listens = new Map<string, ForwardListen>();
  /** Listens and channels that are asked for and not yet in the sets. */
  #pending = 0;
  #refusals = 0;

  constructor(dependencies: ForwardsDependencies, owner: ForwardsOwner) {
    this.#dependencies = dependencies;
    this.#owner = owner;
  }

  async open(
    request: ForwardRequest,
    origin: ForwardOrigin | null,
    isGuess: boolean,
  ): Promise<ForwardAnswer<DownstreamEnd> | null> {
    const asked =
      request.kind === 'tcp'
        ? tcpPlace(request.host, request.port)
        : socketPlace(request.path, false);
    if (isGuess && !(await this.#isGranted(asked))) return null;
    const admitted = await this.#admit(asked, shown(request));
    if (admitted.kind === 'refused') return admitted;
    const { context, place } = admitted;
    if (place.kind !== 'tcp' && place.kind !== 'socket') return unbuilt();
    const text = placeText(place);
    const { forwards: dialer } = this.#owner.dialer;
    if (dialer === undefined) return unbuilt();
    return this.#start(
      (onOver) =>
        new Forward<DownstreamEnd, UpstreamEnd>(this.#dependencies, {
          context,
          command: forwardText(text),
          wish: { place: text, others: otherSpellings(place) },
          from: 'client',
          to: text,
          origin: originText(origin),
          reach: (session) => dialer.connect(context.grant, place, origin, session),
          ends: (client, target) => ({ client, target }),
          gone: this.#gone.signal,
          onOver,
        }),
    );
  }

  async listen(request: ForwardRequest, client: ForwardClient): Promise<number | null> {
    const asked =
      request.kind === 'tcp'
        ? listenPlace(request.host, request.port)
        : socketPlace(request.path, true);
    const { maxListensPerConnection } = this.#dependencies.limits;
    if (this.#listening.size >= maxListensPerConnection) {
      const why = `at most ${maxListensPerConnection} places are listened at for one connection; take one back first`;
      this.#tell(this.#refuse(`listen:${shown(request)}`, why).why);
      return null;
    }
    const admitted = await this.#admit(asked, `listen:${shown(request)}`);
    if (admitted.kind === 'refused') {
      this.#tell(admitted.why);
      return null;
    }
    const { context, place } = admitted;
    const { forwards: dialer } = this.#owner.dialer;
    if (place.kind !== 'listen' && place.kind !== 'listen-socket') return null;
    if (dialer === undefined) return null;
    const text = placeText(place);
    const take: ForwardTaker = async (channel, gone) => {
      if (listen.isPaused) return this.#refuse(text, 'it is paused');
      return channel.kind === request.kind
        ? this.take({ channel, from: text, request }, client, context, gone)
        : this.#refuse(text, 'nobody asked for channels of this kind');
    };
    const listen: ForwardListen = new ForwardListen(this.#dependencies, {
      context,
      command: forwardText(text),
      wish: { place: text, others: otherSpellings(place) },
      listen: (session) => dialer.listen(context.grant, place, take, session),
      onOver: () => {
        this.#listening.delete(listen);
        for (const [key, one] of this.#listens) if (one === listen) this.#listens.delete(key);
        this.#owner.sessions.over(listen);
      },
    });
    this.#listening.add(listen);
    this.#owner.sessions.run(listen);
    const port = await listen.answer;
    if (port !== null && this.#listening.has(listen))
      this.#listens.set(keyOf(request, port), listen);
    return port;
  }

  async unlisten(request: ForwardRequest): Promise<boolean> {
    const listen = this.#listens.get(keyOf(request, request.kind === 'tcp' ? request.port : 0));
    if (listen === undefined) return false;
    listen.stop();
    await listen.done;
    return true;
  }

  async mayCarry(kind: ForwardKind): Promise<boolean> {
    return (await this.contextFor(kind)) !== null;
  }

  /** Whose forwards of this kind a session's are; null = not granted, which is journalled. */
  async contextFor(kind: ForwardKind): Promise<ForwardContext | null> {
    const allowed = await this.#allow({ kind }, kind);
    return allowed.kind === 'refused' ? null : allowed.context;
  }

  /** Hands a channel that the target has opened to the client. */
  async take(
    incoming: Incoming,
    client: ForwardClient,
    context: ForwardContext,
    gone: AbortSignal,
  ): Promise<ForwardAnswer<UpstreamEnd>> {
    const { channel, from, request } = incoming;
    const full = this.#full(from) ?? this.#tooFast(from);
    if (full !== null) return full;
    const spelt = request === null ? channel : inSpellingOf(request, channel);
    return this.#start(
      (onOver) =>
        new Forward<UpstreamEnd, DownstreamEnd>(this.#dependencies, {
          context,
          command: `forward from ${from}`,
          wish: null,
          from,
          to: 'client',
          origin: 'origin' in channel ? originText(channel.origin) : null,
          reach: () => client.open(spelt),
          ends: (target, end) => ({ client: end, target }),
          gone,
          onOver,
        }),
    );
  }

  /** Refuses what the directory needn't be asked about. */
  refuse(place: string, why: string): ForwardRefusal {
    return this.#refuse(place, why);
  }

  /** The connection has ended. */
  close(): void {
    this.#gone.abort();
    const uncounted = this.#refusals - MAX_JOURNALLED_REFUSALS;
    if (uncounted > 0)
      this.#journalRefusal({ place: null, why: 'more of the same', refusals: uncounted });
  }

  #start<Near>(
    make: (onOver: () => void) => Running & { readonly answer: Promise<ForwardAnswer<Near>> },
  ): Promise<ForwardAnswer<Near>> {
    const forward = make(() => {
      this.#channels.delete(forward);
      this.#owner.sessions.over(forward);
    });
    this.#channels.add(forward);
    this.#owner.sessions.run(forward);
    return forward.answer;
  }

  /** Whether one more may come, and lead where it wants to. */
  async #admit(
    asked: PlaceOutcome,
    text: string,
  ): Promise<(Allowed & { readonly place: ForwardPlace }) | ForwardRefusal> {
    const full = this.#full(text) ?? this.#tooFast(text);
    if (full !== null) return full;
    if (asked.kind === 'malformed') return this.#refuse(text, asked.why);
    this.#pending += 1;
    const allowed = await this.#allow(asked.place, placeText(asked.place));
    this.#pending -= 1;
    return allowed.kind === 'refused' ? allowed : { ...allowed, place: asked.place };
  }

  async #isGranted(asked: PlaceOutcome): Promise<boolean> {
    if (asked.kind === 'malformed') return false;
    return typeof (await this.#granted(asked.place, placeText(asked.place))) !== 'string';
  }

  async #allow(place: ForwardPlace, text: string): Promise<Allowed | ForwardRefusal> {
    try {
      const granted = await this.#granted(place, text);
      return typeof granted === 'string' ? this.#refuse(text, granted) : granted;
    } catch (error) {
      const { source } = this.#owner;
      this.#dependencies.logger.error('forward refused', { source, why: messageOf(error) });
      const why = 'the bastion cannot read its directory at the moment; try again in a minute';
      return { kind: 'refused', why: notice(why), isUnreachable: true };
    }
  }

  /** Whose forward it is, or why it isn't granted. Rejects when the directory can't be read. */
  async #granted(place: ForwardPlace, text: string): Promise<Allowed | string> {
    const { peer, isDraining, sessions, source, via } = this.#owner;
    if (peer === null) return 'sign in first';
    if (isDraining) return 'the bastion is stopping; connect again later';
    if (!peer.permits[PERMIT[place.kind]]) {
      return 'the certificate that you signed in with does not permit it';
    }
    const parsed = parseDestination(peer.userName);
    if (parsed.kind === 'malformed') {
      return `${parsed.why}; connect as [login@]target, for instance deploy@web1`;
    }
    const { destination } = parsed;
    const { directory } = this.#dependencies;
    const [target, rules] = await Promise.all([
      directory.targetByName(destination.target),
      directory.grantRules(),
    ]);
    const outcome =
      target === null
        ? ({ kind: 'refused', why: 'no-grant' } as const)
        : authoriseForward(peer.principal, target, destination.login, place, rules);
    if (outcome.kind === 'refused') return refusalText(outcome, destination, text);
    const attributed = attributedRun(peer.known, destination);
    if (attributed.kind === 'contradiction') return attributed.why;
    const tell = (words: string): Promise<void> => {
      this.#tell(words);
      return Promise.resolve();
    };
    const { grant } = outcome;
    const { holds } = sessions;
    const context = { grant, source, via, attributed: attributed.by, holds, tell };
    return { kind: 'allowed', context };
  }

  #full(text: string): ForwardRefusal | null {
    const { maxForwardsPerConnection } = this.#dependencies.limits;
    if (this.#channels.size + this.#pending < maxForwardsPerConnection) return null;
    const why = `at most ${maxForwardsPerConnection} forwarded connections are open at once; close some first`;
    return this.#refuse(text, why);
  }

  #tooFast(text: string): ForwardRefusal | null {
    const { clock, limits, pace } = this.#dependencies;
    const { peer } = this.#owner;
    if (peer === null || pace.enter(peer.principal.name, clock.monotonicUs())) return null;
    const { forwardBurst, forwardsPerSecond } = limits;
    const why = `too many new forwards: after the first ${forwardBurst} you may open ${forwardsPerSecond} a second; wait a while`;
    return this.#refuse(text, why);
  }

  #refuse(place: string, why: string): ForwardRefusal {
    this.#refusals += 1;
    if (this.#refusals <= MAX_JOURNALLED_REFUSALS) {
      this.#journalRefusal({
        place: printable(place, MAX_TEXT_CHARACTERS),
        why: printable(why, 1000),
      });
    }
    return { kind: 'refused', why: notice(why), isUnreachable: false };
  }

  /** Says it somewhere, some time; nothing waits for that. */
  #tell(text: string): void {
    this.#owner.sessions.tell(text).catch((error: unknown) => {
      const { source } = this.#owner;
      this.#dependencies.logger.info('forward.untold', { source, why: messageOf(error) });
    });
  }

  #journalRefusal(data: Readonly<Record<string, string | number | null>>): void {
    const { journal, logger } = this.#dependencies;
    const { peer, source } = this.#owner;
    journal
      .append({
        type: 'forward.refused',
        principal: peer?.principal.name ?? null,
        source,
        session: null,
        target: null,
        data: { ...data, userName: printable(peer?.userName ?? '', MAX_TEXT_CHARACTERS) },
      })
      .catch((error: unknown) => {
        logger.error('forward.refused not journalled', { source, why: messageOf(error) });
      });
  }
}

function unbuilt(): ForwardRefusal {
  return { kind: 'refused', why: notice('nothing is forwarded here'), isUnreachable: false };
}
