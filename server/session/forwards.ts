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
  /** By the text of the place as the client asked for it, port 0 by the port that it got. */
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
  ): Promise<ForwardAnswer<DownstreamEnd>> {
    const asked =
      request.kind === 'tcp'
        ? tcpPlace(request.host, request.port)
        : socketPlace(request.path, false);
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
    if (this.#listens.size >= maxListensPerConnection) {
      const why = `at most ${maxListensPerConnection} places are listened at for one connection; take one back first`;
      await this.#tellRefusal(this.#refuse(`listen:${shown(request)}`, why));
      return null;
    }
    const admitted = await this.#admit(asked, `listen:${shown(request)}`);
    if (admitted.kind === 'refused') {
      await this.#tellRefusal(admitted);
      return null;
    }
    const { context, place } = admitted;
    const { forwards: dialer } = this.#owner.dialer;
    if (place.kind !== 'listen' && place.kind !== 'listen-socket') return null;
    if (dialer === undefined) return null;
    const text = placeText(place);
    const take = this.taker(client, [request.kind], context, request, text);
    const listen = new ForwardListen(this.#dependencies, {
      context,
      command: forwardText(text),
      wish: { place: text, others: otherSpellings(place) },
      listen: (session) => dialer.listen(context.grant, place, take, session),
      onOver: () => {
        for (const [key, one] of this.#listens) if (one === listen) this.#listens.delete(key);
        this.#owner.sessions.over(listen);
      },
    });
    const waiting = `${listen.id} (asked for)`;
    this.#listens.set(waiting, listen);
    this.#owner.sessions.run(listen);
    const port = await listen.answer;
    this.#listens.delete(waiting);
    if (port !== null) this.#listens.set(keyOf(request, port), listen);
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

  /**
   * Takes the channels that a target opens, of these kinds and no other, and hands them to the client.
   * @param request what the client listens for; null = the channels belong to a session
   */
  taker(
    client: ForwardClient,
    kinds: readonly ForwardedChannel['kind'][],
    context: ForwardContext,
    request: ForwardRequest | null,
    from: string,
  ): ForwardTaker {
    return async (channel, gone): Promise<ForwardAnswer<UpstreamEnd>> => {
      if (!kinds.includes(channel.kind)) {
        return this.#refuse(from, 'nobody asked for channels of this kind');
      }
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
    };
  }

  /** The connection has ended. */
  close(): void {
    this.#gone.abort();
    const uncounted = this.#refusals - MAX_JOURNALLED_REFUSALS;
    if (uncounted > 0)
      this.#journalRefusal({ place: null, why: 'more of the same', refusals: uncounted });
  }

  /** A tunnel, or something else that no grant can name. */
  refuse(what: string): ForwardRefusal {
    return this.#refuse(what, 'no grant can allow it');
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

  async #allow(place: ForwardPlace, text: string): Promise<Allowed | ForwardRefusal> {
    const { peer, isDraining, sessions, source, via } = this.#owner;
    if (peer === null) return this.#refuse(text, 'sign in first');
    if (isDraining) return this.#refuse(text, 'the bastion is stopping; connect again later');
    if (!peer.permits[PERMIT[place.kind]]) {
      return this.#refuse(text, 'the certificate that you signed in with does not permit it');
    }
    const parsed = parseDestination(peer.userName);
    if (parsed.kind === 'malformed') {
      const hint = 'connect as [login@]target, for instance deploy@web1';
      return this.#refuse(text, `${parsed.why}; ${hint}`);
    }
    const { destination } = parsed;
    const { directory, logger } = this.#dependencies;
    try {
      const [target, rules] = await Promise.all([
        directory.targetByName(destination.target),
        directory.grantRules(),
      ]);
      const { login } = destination;
      const outcome =
        target === null
          ? ({ kind: 'refused', why: 'no-grant' } as const)
          : authoriseForward(peer.principal, target, login, place, rules);
      if (outcome.kind === 'refused') {
        return this.#refuse(text, refusalText(outcome, destination, text));
      }
      const attributed = attributedRun(peer.known, destination);
      if (attributed.kind === 'contradiction') return this.#refuse(text, attributed.why);
      const tell = (words: string): Promise<void> => sessions.tell(words);
      const { grant } = outcome;
      const { holds } = sessions;
      const context = { grant, source, via, attributed: attributed.by, holds, tell };
      return { kind: 'allowed', context };
    } catch (error) {
      logger.error('forward refused', { source, why: messageOf(error) });
      const why = 'the bastion cannot read its directory at the moment; try again in a minute';
      return { kind: 'refused', why: notice(why), isUnreachable: true };
    }
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

  #tellRefusal({ why }: ForwardRefusal): Promise<void> {
    return this.#owner.sessions.tell(why);
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

/** An unknown target and a missing grant get the same words. */
function refusalText(
  refusal: Exclude<ReturnType<typeof authoriseForward>, { kind: 'granted' }>,
  { login, target }: { readonly login: string | null; readonly target: string },
  place: string,
): string {
  switch (refusal.why) {
    case 'no-grant':
      return `there is no target "${target}" that you may reach${
        login === null ? '' : ` as ${login}`
      }; forwards go through a target: ssh OPTIONS LOGIN@TARGET@BASTION`;
    case 'channel-kind':
      return `your grant for ${target} doesn't name the forward ${place}; ask for one that does`;
    case 'login-ambiguous':
      return `several logins fit; connect as LOGIN@${target} with one of: ${refusal.logins.join(', ')}`;
  }
}

function unbuilt(): ForwardRefusal {
  return { kind: 'refused', why: notice('nothing is forwarded here'), isUnreachable: false };
}

/** A request as the client spelt it, for people. */
function shown(request: ForwardRequest): string {
  if (request.kind === 'socket') return `unix:${request.path}`;
  const host = request.host.includes(':') ? `[${request.host}]` : request.host;
  return `${host}:${request.port}`;
}

function keyOf(request: ForwardRequest, port: number): string {
  return JSON.stringify(request.kind === 'tcp' ? [request.host, port] : [request.path]);
}

/** The client knows its listening by the words of its own request. */
function inSpellingOf(request: ForwardRequest, channel: ForwardedChannel): ForwardedChannel {
  if (request.kind === 'socket' && channel.kind === 'socket') return request;
  if (request.kind === 'tcp' && channel.kind === 'tcp') return { ...channel, host: request.host };
  return channel;
}

function originText(origin: ForwardOrigin | null): string | null {
  if (origin === null) return null;
  const { host, port } = origin;
  return `${printable(host.includes(':') ? `[${host}]` : host, MAX_TEXT_CHARACTERS)}:${port}`;
}
