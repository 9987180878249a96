/**
 * The target listens for the client (`ssh -R`): a session from the request until it is taken back or the
 * connection ends. What comes in are forwards of their own.
 *
 * States: starting → (refused | listening) → over. Only `run` moves between them.
 */
import type { GrantRule } from '../access/grant.ts';
import { messageOf } from '../errors.ts';
import type { ForwardWish } from '../policy/forward-place.ts';
import { ruleStands, type Standing } from './connection-sessions.ts';
import { asFailure } from './cut.ts';
import { ForwardRecord, type ForwardContext } from './forward-record.ts';
import { LiveControl } from './live-control.ts';
import { errorNotice, notice } from './notice.ts';
import type { ListenOutcome, SessionEnd } from './ports.ts';
import type { SessionDependencies } from './scene.ts';
import { Valve } from './valve.ts';

export interface ForwardListenOptions {
  readonly context: ForwardContext;
  readonly command: string;
  readonly wish: ForwardWish;
  /** Has the target listen. Never rejects. */
  readonly listen: (session: string) => Promise<ListenOutcome>;
  readonly onOver: () => void;
}

type Listening = Extract<ListenOutcome, { readonly kind: 'listening' }>;

interface Ending {
  readonly status: SessionEnd['status'];
  readonly why: string;
  /** What the client is told, where it isn't listening yet. */
  readonly text: string;
}

export class ForwardListen {
  readonly #dependencies: SessionDependencies;
  readonly #options: ForwardListenOptions;
  readonly #record: ForwardRecord;
  readonly #over = new AbortController();
  readonly #valve = new Valve();
  #listening: Listening | null = null;
  #cut: ((ending: Ending) => void) | null = null;
  #answer: (answer: number | null) => void = () => {};
  /** The port that the target listens at; null = it doesn't. */
  readonly answer: Promise<number | null> = new Promise((resolve) => {
    this.#answer = resolve;
  });
  #isDone: () => void = () => {};
  /** Resolves when nothing listens any more. */
  readonly done: Promise<void> = new Promise((resolve) => {
    this.#isDone = resolve;
  });

  constructor(dependencies: SessionDependencies, options: ForwardListenOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#record = new ForwardRecord(dependencies, options.context);
  }

  get id(): string {
    return this.#record.id;
  }

  /** What comes in meanwhile is refused. */
  get isPaused(): boolean {
    return this.#valve.isShut;
  }

  /** Runs to the end; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      this.#answer(null);
      this.#isDone();
      this.#options.onOver();
    }
  }

  /** There is nobody to talk to here. */
  say(): Promise<void> {
    return Promise.resolve();
  }

  terminate(text: string, why: string): void {
    this.#cut?.({ status: 'closed', why, text: notice(text) });
  }

  get rule(): GrantRule {
    return this.#options.context.grant.rule;
  }

  mayStay(standing: Standing): boolean {
    return ruleStands(this.#options.context.grant, standing);
  }

  clientGone(): void {
    this.#cut?.(closed('the client went away'));
  }

  /** The client takes it back. */
  stop(): void {
    this.#cut?.(closed('the client took it back'));
  }

  async #run(): Promise<void> {
    const { context, command } = this.#options;
    const failure = await this.#record.begin(command);
    if (failure !== null) return context.tell(errorNotice(failure));
    const { status, why, text } = await this.#live();
    this.#over.abort();
    if (this.#listening === null) void context.tell(text).catch(() => {});
    else await this.#listening.stop();
    this.#isDone();
    await this.#journal('forward.ended', { why });
    const last = this.#listening === null ? `not listening: ${why}` : `ended: ${why}`;
    await this.#record.end({ status, why, bytesOut: 0 }, last);
  }

  async #live(): Promise<Ending> {
    const { controls, logger } = this.#dependencies;
    const cut = new Promise<Ending>((resolve) => (this.#cut = resolve));
    const control = new LiveControl(controls, logger, {
      id: this.id,
      valve: this.#valve,
      announce: (text) => this.#record.announce(text, this.#options.command),
      terminate: (text, why) => this.terminate(text, why),
    });
    try {
      return await Promise.race([cut, this.#listen()]);
    } catch (error) {
      logger.error('forward failed', { session: this.id, why: messageOf(error) });
      const failure = asFailure(error);
      return { status: 'failed', why: messageOf(failure), text: errorNotice(failure) };
    } finally {
      control.end();
    }
  }

  async #listen(): Promise<Ending> {
    const { wish, listen } = this.#options;
    const outcome = await this.#record.decide(wish, this.#over.signal);
    if (outcome.kind === 'refused') {
      return { status: 'closed', why: 'it was refused', text: outcome.notice };
    }
    if (this.#over.signal.aborted) return closed('the client went away');
    if (!(await this.#valve.passes())) return closed('the client went away');
    const listening = await listen(this.id);
    if (listening.kind === 'refused') {
      return { status: 'failed', why: listening.why, text: notice(listening.why) };
    }
    if (listening.kind === 'failed') {
      const why = messageOf(listening.error);
      return { status: 'failed', why, text: errorNotice(listening.error) };
    }
    this.#listening = listening;
    if (this.#over.signal.aborted) {
      await listening.stop();
      return closed('the client went away');
    }
    await this.#record.line(`listening: ${wish.place}, port ${listening.port}`);
    await this.#journal('forward.listening', { port: listening.port });
    this.#answer(listening.port);
    const { gone } = listening;
    await new Promise<void>((resolve) => {
      gone.addEventListener('abort', () => resolve());
      if (gone.aborted) resolve();
    });
    return closed('the connection to the target ended');
  }

  async #journal(
    type: 'forward.listening' | 'forward.ended',
    data: { readonly why: string } | { readonly port: number },
  ): Promise<void> {
    const journalled = this.#record.journal(type, {
      from: this.#options.wish.place,
      to: 'client',
      ...data,
    });
    if (type === 'forward.listening') return journalled;
    // It has ended, whether or not that can be written down.
    return journalled.catch((error: unknown) => {
      const { logger } = this.#dependencies;
      logger.error('forward.ended not journalled', { session: this.id, why: messageOf(error) });
    });
  }
}

function closed(why: string): Ending {
  return { status: 'closed', why, text: notice(why) };
}
