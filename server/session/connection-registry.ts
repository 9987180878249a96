/** All connections of this process: where they begin, and what happens to all of them at once. */
import { Connection, type ConnectionDependencies, type ConnectionOwner } from './connection.ts';
import type { Running } from './connection-sessions.ts';
import { ForwardPace } from './forward-pace.ts';
import { notice } from './notice.ts';
import type { ConnectionHandler, Connections, InnerConnection } from './ports.ts';
import type { BastionPlace } from './ssh-config.ts';

/** Connections of which the directory is asked at once. */
const MAX_RECHECKED_AT_ONCE = 8;

export class ConnectionRegistry implements Connections, ConnectionOwner {
  readonly #dependencies: ConnectionDependencies;
  readonly #sessions = new Map<Running, Promise<void>>();
  /** Those that are inside no other. */
  readonly #connections = new Set<Connection>();
  /** How fast principals open forwards, over all their connections. */
  readonly pace: ForwardPace;
  #draining = false;
  #changes = 0;

  constructor(dependencies: ConnectionDependencies) {
    this.#dependencies = dependencies;
    this.pace = new ForwardPace(dependencies.limits);
  }

  get activeSessions(): number {
    return this.#sessions.size;
  }

  accept(
    source: string,
    place: BastionPlace | null = null,
    close: (why: string) => void = () => {},
  ): ConnectionHandler {
    const over = (): boolean => this.#connections.delete(connection);
    const origin = { source, place, close };
    const connection = new Connection(this.#dependencies, origin, this, null, over);
    this.#connections.add(connection);
    return connection;
  }

  /** The directory has changed: ends what it no longer allows. Rejects when it can't be read. */
  async recheck(): Promise<void> {
    this.#changes += 1;
    const { directory } = this.#dependencies;
    const [targets, rules] = await Promise.all([directory.allTargets(), directory.grantRules()]);
    const left = [...this.#connections];
    while (left.length > 0) {
      const some = left.splice(0, MAX_RECHECKED_AT_ONCE);
      await Promise.all(some.map((one) => one.recheck(targets, rules)));
    }
  }

  async jump(
    outer: ConnectionHandler,
    host: string,
    port: number,
  ): Promise<InnerConnection | null> {
    return outer instanceof Connection ? outer.jump(host, port) : null;
  }

  get changes(): number {
    return this.#changes;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Runs a session and remembers it until it is over. */
  start(session: Running): void {
    const over = session.run().finally(() => this.#sessions.delete(session));
    this.#sessions.set(session, over);
  }

  /**
   * No new sessions; running ones get a notice and `drainTimeoutMs`, then they are ended.
   * @param cut ends them at once
   */
  async drain(cut: AbortSignal): Promise<void> {
    this.#draining = true;
    const { held, limits } = this.#dependencies;
    const { drainTimeoutMs } = limits;
    const seconds = Math.ceil(drainTimeoutMs / 1000);
    const running = [...this.#sessions.values()];
    for (const session of this.#sessions.keys()) {
      session
        .say(notice(`the bastion is stopping; this session ends in ${seconds} s`))
        // A session whose recording failed is ending already.
        .catch(() => {});
    }
    // Nobody would be left to run what is approved later.
    held.stop();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainTimeoutMs);
      cut.addEventListener('abort', () => resolve());
    });
    await Promise.race([Promise.all(running), deadline]);
    clearTimeout(timer);
    for (const session of this.#sessions.keys()) {
      session.terminate('the bastion has stopped; connect again later', 'the bastion stopped');
    }
    await Promise.all(this.#sessions.values());
  }
}
