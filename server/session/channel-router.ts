/**
 * Where a channel goes that a client opens: to a target as far as grants let it, to the menu, to a command
 * of the bastion's own, or nowhere with the reason. What is in the channel is not read here.
 */
import { attributedRun, type AttributedRun } from '../access/attribution.ts';
import { parseDestination, type Destination } from '../access/destination.ts';
import { authorise, type ChannelKind, type Grant } from '../access/grant.ts';
import type { Principal } from '../access/principal.ts';
import { messageOf } from '../errors.ts';
import { answer, close } from './answer.ts';
import { serveBuiltin } from './builtin-channel.ts';
import { isBuiltin, reachableLogins, type BuiltinQueries } from './builtin.ts';
import type { ConnectionSessions } from './connection-sessions.ts';
import type { ConnectionForwards, ForwardsOwner } from './forwards.ts';
import { chooseFrom } from './menu.ts';
import { notice } from './notice.ts';
import type { ChannelRequest, Dialer, DownstreamEnd, Pty } from './ports.ts';
import type { SessionDependencies } from './scene.ts';
import { Session } from './session.ts';
import { clip, servedRequest, type SignInDependencies } from './sign-in.ts';
import type { BastionPlace } from './ssh-config.ts';
import { transferOf } from './transfer.ts';

export interface RouteDependencies extends SessionDependencies, SignInDependencies {
  readonly builtins: BuiltinQueries;
}

/** Where a connection comes from, and where it reached the bastion; inside a jump as outside. */
export interface Origin {
  readonly source: string;
  readonly place: BastionPlace | null;
  /** Ends the outermost transport. */
  readonly close: (why: string) => void;
}

/** The connection whose channels these are. */
export interface ChannelsOwner extends ForwardsOwner {
  readonly origin: Origin;
  readonly forwards: ConnectionForwards;
  readonly dialer: Dialer;
  /** Whoever is there may not be any more. */
  readonly isWithdrawn: boolean;
  /** Grows whenever the directory has changed. */
  readonly changes: number;
}

export class ChannelRouter {
  readonly #dependencies: RouteDependencies;
  readonly #owner: ChannelsOwner;

  constructor(dependencies: RouteDependencies, owner: ChannelsOwner) {
    this.#dependencies = dependencies;
    this.#owner = owner;
  }

  get #sessions(): ConnectionSessions {
    return this.#owner.sessions;
  }

  open(request: ChannelRequest, end: DownstreamEnd): void {
    this.#route(request, end).catch((error: unknown) => {
      this.#dependencies.logger.error('channel failed', {
        source: this.#owner.source,
        why: messageOf(error),
      });
      void answer(request, end, notice('something broke inside the bastion; tell its operator'));
    });
  }

  async #route(asked: ChannelRequest, end: DownstreamEnd): Promise<void> {
    const { peer } = this.#owner;
    if (peer === null) return answer(asked, end, notice('sign in first'));
    const request = servedRequest(asked, peer.forceCommand);
    if (this.#owner.isDraining) {
      return answer(request, end, notice('the bastion is stopping; connect again later'));
    }
    const { maxSessionsPerConnection } = this.#dependencies.limits;
    if (this.#sessions.size >= maxSessionsPerConnection) {
      return answer(
        request,
        end,
        notice(`at most ${maxSessionsPerConnection} sessions run on one connection; open another`),
      );
    }
    const parsed = parseDestination(peer.userName);
    if (parsed.kind === 'malformed') {
      return this.#refuse(
        request,
        end,
        'malformed user name',
        `${parsed.why}; connect as [login@]target, for instance deploy@web1`,
      );
    }
    return this.#enter(parsed.destination, request, end);
  }

  /** Goes where the client wants to, as far as grants let it. */
  async #enter(
    destination: Destination,
    request: ChannelRequest,
    end: DownstreamEnd,
  ): Promise<void> {
    const { isWithdrawn, peer } = this.#owner;
    if (peer === null || isWithdrawn) {
      return answer(request, end, notice('your access was withdrawn'));
    }
    const { directory } = this.#dependencies;
    const { changes } = this.#owner;
    const [target, grantRules] = await Promise.all([
      directory.targetByName(destination.target),
      directory.grantRules(),
    ]);
    if (target === null && destination.login === null && isBuiltin(request)) {
      const { pty } = request;
      return request.kind === 'shell' && pty !== null
        ? this.#menu(destination, { ...request, pty }, end)
        : this.#builtin(peer.principal, destination, request, end);
    }
    if (request.kind === 'subsystem' && request.command?.toString('latin1') !== 'sftp') {
      const name = clip(request.command?.toString('utf8') ?? '');
      return this.#refuse(
        request,
        end,
        'subsystem',
        `the subsystem ${name} is refused, because only sftp is read and judged here; use that, a shell or a command`,
      );
    }
    const outcome =
      target === null
        ? ({ kind: 'refused', why: 'no-grant' } as const)
        : authorise(peer.principal, target, destination.login, channelKind(request), grantRules);
    if (outcome.kind === 'refused') {
      return this.#refuse(request, end, outcome.why, refusalText(outcome, destination, request));
    }
    // Nothing begins by a grant that was withdrawn in this moment.
    if (changes !== this.#owner.changes) return this.#enter(destination, request, end);
    const attributed = attributedRun(peer.known, destination);
    if (attributed.kind === 'contradiction') {
      return this.#refuse(request, end, 'another run or task', attributed.why);
    }
    // A terminal would change bytes of a subsystem on their way.
    const opened = request.kind === 'subsystem' ? { ...request, pty: null } : request;
    this.#start(outcome.grant, attributed.by, opened, end);
  }

  #start(
    grant: Grant,
    attributed: AttributedRun,
    request: ChannelRequest,
    end: DownstreamEnd,
  ): void {
    const { dialer, forwards, source, via } = this.#owner;
    const session: Session = new Session(this.#dependencies, {
      grant,
      source,
      via,
      attributed,
      request,
      end,
      dialer,
      holds: this.#sessions.holds,
      forwards,
      onBegun: () => this.#sessions.begun(session),
      onOver: () => {
        this.#sessions.over(session);
        dialer.release(session.id);
      },
    });
    this.#sessions.run(session);
  }

  #builtin(
    principal: Principal,
    destination: Destination,
    request: ChannelRequest,
    end: DownstreamEnd,
  ): Promise<void> {
    const run = { known: this.#owner.peer?.known ?? null, claimed: destination };
    const caller = { principal, userName: destination.target, run, ...this.#owner.origin };
    return serveBuiltin(this.#dependencies.builtins, caller, request, end);
  }

  /** Lets a person choose where to go, and goes there. */
  async #menu(
    destination: Destination,
    request: ChannelRequest & { readonly pty: Pty },
    end: DownstreamEnd,
  ): Promise<void> {
    const { principal } = this.#owner.peer ?? {};
    if (principal === undefined) return;
    const { directory } = this.#dependencies;
    const reachable = await reachableLogins(directory, principal);
    const items = reachable.filter(({ kinds }) => kinds.includes('shell'));
    if (items.length === 0) return this.#builtin(principal, destination, request, end);
    const chosen = await chooseFrom(end, items, request.pty.size);
    if (chosen.kind === 'left') return close(end, 0);
    const { item, size } = chosen;
    const asked = { ...request, pty: { ...request.pty, size } };
    return this.#enter({ ...destination, ...item }, asked, chosen.end);
  }

  async #refuse(
    request: ChannelRequest,
    end: DownstreamEnd,
    why: string,
    text: string,
  ): Promise<void> {
    const { peer, source } = this.#owner;
    await this.#dependencies.journal.append({
      type: 'access.refused',
      principal: peer?.principal.name ?? null,
      source,
      session: null,
      target: null,
      data: { why, userName: clip(peer?.userName ?? ''), channel: request.kind },
    });
    await answer(request, end, notice(text));
  }
}

function channelKind(request: ChannelRequest): ChannelKind {
  if (request.kind === 'subsystem') return 'sftp';
  if (request.kind === 'shell') return 'shell';
  return transferOf(request)?.kind === 'scp' ? 'scp' : 'exec';
}

/** An unknown target and a missing grant get the same words. */
function refusalText(
  refusal: Exclude<ReturnType<typeof authorise>, { kind: 'granted' }>,
  destination: Destination,
  request: ChannelRequest,
): string {
  switch (refusal.why) {
    case 'no-grant':
      return `there is no target "${destination.target}" that you may reach${
        destination.login === null ? '' : ` as ${destination.login}`
      }; see yours with: ssh BASTION targets, other commands with: ssh BASTION help`;
    case 'channel-kind':
      return `your grant for ${destination.target} doesn't cover a session of kind ${channelKind(request)}; ask for one that does`;
    case 'login-ambiguous':
      return `several logins fit; connect as LOGIN@${destination.target} with one of: ${refusal.logins.join(', ')}`;
  }
}
