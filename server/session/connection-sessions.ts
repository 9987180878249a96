/** What runs on one connection, and how its client is told something that belongs to none of it. */
import { ConnectionHolds } from './connection-holds.ts';

/** Something that runs on a connection until it is over. */
export interface Running {
  readonly id: string;
  /** Runs to the end; never rejects. */
  run(): Promise<void>;
  /** Tells the client something; of no effect where there is nobody to tell. */
  say(text: string): Promise<void>;
  /** Ends it with a notice. */
  terminate(text: string, why: string): void;
  /** The transport below has ended. */
  clientGone(): void;
}

/** Notices that wait for a session in which they can be said. */
const MAX_UNTOLD = 4;

export class ConnectionSessions {
  readonly holds = new ConnectionHolds();
  readonly #start: (running: Running) => void;
  readonly #running = new Set<Running>();
  /** Those in which something can be said, oldest first. */
  readonly #talking = new Set<Running>();
  readonly #untold: string[] = [];
  #isOver = false;

  /** @param start runs it and remembers it until it is over */
  constructor(start: (running: Running) => void) {
    this.#start = start;
  }

  get size(): number {
    return this.#running.size;
  }

  run(running: Running): void {
    this.#running.add(running);
    this.#start(running);
    if (this.#isOver) running.clientGone();
  }

  /** Something can be said in it from now on. */
  async begun(running: Running): Promise<void> {
    this.#talking.add(running);
    for (const text of this.#untold.splice(0)) await running.say(text);
  }

  over(running: Running): void {
    this.#running.delete(running);
    this.#talking.delete(running);
  }

  /** Says it in the oldest session, or in the next one. Rejects when it can't be recorded. */
  async tell(text: string): Promise<void> {
    const [oldest] = this.#talking;
    if (oldest !== undefined) return oldest.say(text);
    if (this.#untold.length < MAX_UNTOLD) this.#untold.push(text);
  }

  /** The connection has ended. */
  close(): void {
    this.#isOver = true;
    this.holds.close();
    for (const running of this.#running) running.clientGone();
  }
}
