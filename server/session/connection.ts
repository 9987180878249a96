/**
 * One downstream transport: who it is, where it wants to go, which channels it may have. It owns
 * *which* channels exist, never *what is in them*.
 */
import { attributedRun, type AttributedRun } from '../access/attribution.ts';
import { parseDestination, type Destination } from '../access/destination.ts';
import { authorise, type ChannelKind, type Grant, type GrantRule } from '../access/grant.ts';
import { jumpPlace } from '../access/jump.ts';
import type { Principal } from '../access/principal.ts';
import type { Target } from '../access/target.ts';
import { messageOf } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import { isBuiltin, reachableLogins, type BuiltinQueries } from './builtin.ts';
import { answer, close } from './answer.ts';
import { ConnectionSessions, type Running, type Standing } from './connection-sessions.ts';
import type { ForwardPace } from './forward-pace.ts';
import { ConnectionForwards, type ForwardsOwner } from './forwards.ts';
import { chooseFrom } from './menu.ts';
import { notice } from './notice.ts';
import type {
  ChannelRequest,
  ConnectionHandler,
  ConnectionPermits,
  Dialer,
  Dialers,
  DownstreamEnd,
  InnerConnection,
  Pty,
  PublicKey,
} from './ports.ts';
import { serveBuiltin } from './builtin-channel.ts';
import type { SessionDependencies } from './scene.ts';
import { Session } from './session.ts';
import type { BastionPlace } from './ssh-config.ts';
import { linkSignIns } from './link-sign-in.ts';
import { clip, servedRequest, SignIn, type Peer, type SignInDependencies } from './sign-in.ts';
import { transferOf } from './transfer.ts';

/** Connections inside connections, the outermost not counted. */
const MAX_JUMPS = 4;
/** How long whoever may not stay still gets to read why. */
const WITHDRAWN_LINGER_MS = 500;

export interface ConnectionDependencies extends SessionDependencies, SignInDependencies {
  readonly dialers: Dialers;
  readonly builtins: BuiltinQueries;
}

/** Where a connection comes from, and where it reached the bastion; inside a jump as outside. */
export interface Origin {
  readonly source: string;
  readonly place: BastionPlace | null;
  /** Ends the outermost transport. */
  readonly close: (why: string) => void;
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

export class Connection implements ConnectionHandler, ForwardsOwner {
  readonly #dependencies: ConnectionDependencies;
  readonly #origin: Origin;
  readonly #registry: ConnectionOwner;
  readonly #sessions: ConnectionSessions;
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
    this.#origin = origin;
    this.#registry = registry;
    this.#jump = jump;
    this.#signIn = new SignIn(dependencies, origin.source);
    this.links = linkSignIns(this.#signIn, (prove) => this.#comeIn(prove));
    this.#sessions = new ConnectionSessions((running) => registry.start(running));
    this.forwards = new ConnectionForwards({ ...dependencies, pace: registry.pace }, this);
  }

  get source(): string {
    return this.#origin.source;
  }

  get via(): 'direct' | 'jump' {
    return this.#jump === null ? 'direct' : 'jump';
  }

  get sessions(): ConnectionSessions {
    return this.#sessions;
  }

  get peer(): Peer | null {
    return this.#signIn.peer;
  }

  get isDraining(): boolean {
    return this.#registry.isDraining;
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
    const inner = new Connection(this.#dependencies, this.#origin, this.#registry, jump, over);
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
    this.#route(request, end).catch((error: unknown) => {
      this.#dependencies.logger.error('channel failed', {
        source: this.source,
        why: messageOf(error),
      });
      void answer(request, end, notice('something broke inside the bastion; tell its operator'));
    });
  }

  ended(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver();
    this.#sessions.close();
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
    setTimeout(() => this.#origin.close('your access was withdrawn'), WITHDRAWN_LINGER_MS);
  }

  #stand(standing: Standing | null): void {
    this.#sessions.recheck(standing);
    if (standing === null) this.#isWithdrawn = true;
    else this.#signIn.changed(standing.principal);
    for (const inner of this.#inner) inner.#stand(standing);
  }

  async #route(asked: ChannelRequest, end: DownstreamEnd): Promise<void> {
    const { peer } = this.#signIn;
    if (peer === null) return answer(asked, end, notice('sign in first'));
    const request = servedRequest(asked, peer.forceCommand);
    if (this.#registry.isDraining) {
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
    const { peer } = this.#signIn;
    if (peer === null || this.#isWithdrawn) {
      return answer(request, end, notice('your access was withdrawn'));
    }
    const { directory } = this.#dependencies;
    const { changes } = this.#registry;
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
    if (changes !== this.#registry.changes) return this.#enter(destination, request, end);
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
    const { dialer } = this;
    const session: Session = new Session(this.#dependencies, {
      grant,
      source: this.source,
      via: this.via,
      attributed,
      request,
      end,
      dialer,
      holds: this.#sessions.holds,
      forwards: this.forwards,
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
    const run = { known: this.#signIn.peer?.known ?? null, claimed: destination };
    const caller = { principal, userName: destination.target, run, ...this.#origin };
    return serveBuiltin(this.#dependencies.builtins, caller, request, end);
  }

  /** Lets a person choose where to go, and goes there. */
  async #menu(
    destination: Destination,
    request: ChannelRequest & { readonly pty: Pty },
    end: DownstreamEnd,
  ): Promise<void> {
    const { principal } = this.#signIn.peer ?? {};
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
    const { peer } = this.#signIn;
    await this.#journal({
      type: 'access.refused',
      principal: peer?.principal.name ?? null,
      session: null,
      target: null,
      data: { why, userName: clip(peer?.userName ?? ''), channel: request.kind },
    });
    await answer(request, end, notice(text));
  }

  #journal(event: Omit<AuditEvent, 'source'>): Promise<void> {
    return this.#dependencies.journal.append({ ...event, source: this.source });
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
