/**
 * One forwarded channel: a session whose bytes pass as they are and are counted. One end comes from whoever
 * opened the channel, and gets an answer when the other end is reached.
 *
 * States: starting → (refused | relaying) → over. Only `run` moves between them.
 */
import type { GrantRule } from '../access/grant.ts';
import { messageOf, type SallyportError } from '../errors.ts';
import type { ForwardWish } from '../policy/forward-place.ts';
import { ruleStands, type Standing } from './connection-sessions.ts';
import { asFailure } from './cut.ts';
import { ForwardMeter } from './forward-meter.ts';
import { ForwardRecord, type ForwardContext } from './forward-record.ts';
import { LiveControl } from './live-control.ts';
import { errorNotice, notice } from './notice.ts';
import type {
  DownstreamEnd,
  ForwardAnswer,
  ForwardRefusal,
  InputUnit,
  OutputUnit,
  ReachOutcome,
  SessionEnd,
  UpstreamEnd,
} from './ports.ts';
import type { SessionDependencies } from './scene.ts';
import { WorkShare } from './turns.ts';
import { Valve } from './valve.ts';

/** Lines about how much has passed: the first after so long, then at twice the time, at least hourly. */
const FIRST_REPORT_MS = 10_000;
const MAX_REPORT_MS = 3_600_000;

export interface ForwardEnds {
  readonly client: DownstreamEnd;
  readonly target: UpstreamEnd;
}

export type Reached<Far> =
  ReachOutcome<Far> | { readonly kind: 'failed'; readonly error: SallyportError };

export interface ForwardOptions<Near, Far extends AnyEnd> {
  readonly context: ForwardContext;
  /** What the row says. */
  readonly command: string;
  /** What the gate is asked; null = it is a part of something that was allowed. */
  readonly wish: ForwardWish | null;
  readonly from: string;
  readonly to: string;
  /** Where the connection comes from, as whoever opened it says; null = nothing is said. */
  readonly origin: string | null;
  /** Opens the other end. Never rejects. */
  readonly reach: (session: string) => Promise<Reached<Far>>;
  readonly ends: (near: Near, far: Far) => ForwardEnds;
  /** Aborts when whoever opened the channel has gone. */
  readonly gone: AbortSignal;
  /** Called once, when it is over. */
  readonly onOver: () => void;
}

/** As much of an end as closing it takes. */
interface AnyEnd {
  read(): Promise<{ readonly kind: string }>;
  write(unit: { readonly kind: 'close' }): Promise<void>;
}

interface Ending {
  readonly status: SessionEnd['status'];
  readonly why: string;
  /** What whoever opened the channel is told, should it still be waiting. */
  readonly refusal: ForwardRefusal;
}

export class Forward<Near extends AnyEnd, Far extends AnyEnd> {
  readonly #dependencies: SessionDependencies;
  readonly #options: ForwardOptions<Near, Far>;
  readonly #record: ForwardRecord;
  readonly #over = new AbortController();
  readonly #valve = new Valve();
  readonly #in = new ForwardMeter();
  readonly #out = new ForwardMeter();
  readonly #ends: AnyEnd[] = [];
  #cut: ((ending: Ending) => void) | null = null;
  #report: NodeJS.Timeout | null = null;
  #hasOpened = false;
  #isRelaying = false;
  #answer: (answer: ForwardAnswer<Near>) => void = () => {};
  /** For whoever opened the channel. */
  readonly answer: Promise<ForwardAnswer<Near>> = new Promise((resolve) => {
    this.#answer = resolve;
  });

  constructor(dependencies: SessionDependencies, options: ForwardOptions<Near, Far>) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#record = new ForwardRecord(dependencies, options.context);
  }

  get id(): string {
    return this.#record.id;
  }

  /** Runs to the end; never rejects. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } finally {
      this.#options.onOver();
    }
  }

  /** A forward has nobody to talk to. */
  say(): Promise<void> {
    return Promise.resolve();
  }

  terminate(text: string, why: string): void {
    this.#cut?.({ status: 'closed', why, refusal: refused(notice(text)) });
  }

  get rule(): GrantRule {
    return this.#options.context.grant.rule;
  }

  mayStay(standing: Standing): boolean {
    return ruleStands(this.#options.context.grant, standing);
  }

  clientGone(): void {
    this.#cut?.(gone('the client went away'));
  }

  async #run(): Promise<void> {
    const failure = await this.#record.begin(this.#options.command);
    if (failure !== null) return this.#answer(refused(errorNotice(failure)));
    const ending = await this.#live();
    this.#over.abort();
    this.#answer(ending.refusal);
    for (const end of this.#ends)
      void (this.#isRelaying ? end.write({ kind: 'close' }) : close(end));
    await this.#finish(ending);
  }

  /** From the beginning of the record to the moment that nothing more will happen. */
  async #live(): Promise<Ending> {
    const { controls, logger } = this.#dependencies;
    const { gone: signal } = this.#options;
    const cut = new Promise<Ending>((resolve) => (this.#cut = resolve));
    const onGone = (): void => this.#cut?.(gone('the connection ended'));
    signal.addEventListener('abort', onGone);
    if (signal.aborted) onGone();
    const control = new LiveControl(controls, logger, {
      id: this.id,
      valve: this.#valve,
      announce: (text) => this.#record.announce(text, this.#options.command),
      terminate: (text, why) => this.terminate(text, why),
    });
    try {
      return await Promise.race([cut, this.#open()]);
    } catch (error) {
      logger.error('forward failed', { session: this.id, why: messageOf(error) });
      const failure = asFailure(error);
      return { status: 'failed', why: messageOf(failure), refusal: refused(errorNotice(failure)) };
    } finally {
      control.end();
      signal.removeEventListener('abort', onGone);
      if (this.#report !== null) clearTimeout(this.#report);
    }
  }

  async #open(): Promise<Ending> {
    const { wish, reach, from, to, origin } = this.#options;
    if (wish !== null) {
      const outcome = await this.#record.decide(wish, this.#over.signal);
      if (outcome.kind === 'refused') {
        return { status: 'closed', why: 'it was refused', refusal: refused(outcome.notice) };
      }
    }
    if (this.#over.signal.aborted) return gone('the client went away');
    if (!(await this.#valve.passes())) return gone('the client went away');
    const reached = await reach(this.id);
    if (reached.kind !== 'open') return this.#unreached(reached);
    this.#ends.push(reached.end);
    if (this.#over.signal.aborted) {
      void close(reached.end);
      return gone('the client went away');
    }
    this.#hasOpened = true;
    await this.#record.line(
      `opened: from ${from} to ${to}${origin === null ? '' : `, asked for by ${origin}`}`,
    );
    await this.#record.journal('forward.opened', { from, to, origin });
    const near = await new Promise<Near>((take) => this.#answer({ kind: 'open', take }));
    this.#ends.push(near);
    this.#isRelaying = true;
    this.#reportAfter(FIRST_REPORT_MS);
    return this.#relay(this.#options.ends(near, reached.end));
  }

  async #unreached(reached: Exclude<Reached<Far>, { kind: 'open' }>): Promise<Ending> {
    if (reached.kind === 'refused') {
      return {
        status: 'failed',
        why: reached.why,
        refusal: { ...reached, why: notice(reached.why) },
      };
    }
    const { error } = reached;
    await this.#record.journal('upstream.failed', { code: error.code, why: messageOf(error) });
    const refusal: ForwardRefusal = { ...refused(errorNotice(error)), isUnreachable: true };
    return { status: 'failed', why: messageOf(error), refusal };
  }

  /** Moves units both ways until both sides have closed. */
  async #relay(ends: ForwardEnds): Promise<Ending> {
    const { client } = ends;
    const target = this.#valve.guarded(ends.target);
    const { context, from, to } = this.#options;
    const work = new WorkShare(context.grant.principal.name, this.#record.nowUs);
    const beyond = from === 'client' ? to : 'the target';
    let why: string | null = null;
    const up = async (): Promise<void> => {
      for (;;) {
        const unit: InputUnit = await client.read();
        if (unit.kind === 'close') {
          why ??= 'the client closed it';
          return target.write(unit);
        }
        if (unit.kind === 'data') this.#in.add(unit.bytes.length, this.#record.nowUs());
        if (unit.kind === 'data' || unit.kind === 'eof') await work.run(() => target.write(unit));
        await work.pause();
      }
    };
    const down = async (): Promise<void> => {
      for (;;) {
        const unit: OutputUnit = await target.read();
        if (unit.kind === 'close') {
          why ??=
            unit.isBroken === true ? 'the connection to the target ended' : `${beyond} closed it`;
          return client.write({ kind: 'close' });
        }
        // Only one stream of bytes is forwarded; a target that sends another one as well means nothing by it.
        const isBytes = unit.kind === 'data' && unit.stream === 'stdout';
        if (isBytes) this.#out.add(unit.bytes.length, this.#record.nowUs());
        if (isBytes || unit.kind === 'eof') await work.run(() => client.write(unit));
        await work.pause();
      }
    };
    await Promise.all([up(), down()]);
    this.#ends.length = 0;
    return gone(why ?? 'both sides closed it');
  }

  #reportAfter(ms: number): void {
    this.#report = setTimeout(() => {
      const text = `after ${Math.round(this.#record.nowUs() / 1_000_000)} s: ${this.#figures()}`;
      // A record that fails ends the forward.
      this.#record.line(text).catch((error: unknown) => {
        const failure = asFailure(error);
        this.#cut?.({
          status: 'failed',
          why: messageOf(failure),
          refusal: refused(errorNotice(failure)),
        });
      });
      this.#reportAfter(Math.min(ms * 2, MAX_REPORT_MS));
    }, ms);
    this.#report.unref();
  }

  #figures(): string {
    const [sent, received] = [this.#in, this.#out].map(
      ({ bytes, peakBytesPerS }) => `${bytes} bytes (at most ${peakBytesPerS} a second)`,
    );
    return `${sent} from the client, ${received} to the client`;
  }

  async #finish({ status, why }: Ending): Promise<void> {
    const { logger } = this.#dependencies;
    const durationUs = this.#record.nowUs();
    const { from, to } = this.#options;
    const rates = (meter: ForwardMeter) => ({
      average: meter.averageBytesPerS(durationUs),
      peak: meter.peakBytesPerS,
    });
    await this.#record
      .journal('forward.ended', {
        from,
        to,
        isOpened: this.#hasOpened,
        bytesIn: this.#in.bytes,
        bytesOut: this.#out.bytes,
        bytesInPerS: rates(this.#in),
        bytesOutPerS: rates(this.#out),
        durationMs: Math.round(durationUs / 1000),
        why,
      })
      .catch((error: unknown) => {
        logger.error('forward.ended not journalled', { session: this.id, why: messageOf(error) });
      });
    const last = this.#hasOpened ? `ended: ${why}; ${this.#figures()}` : `not opened: ${why}`;
    await this.#record.end({ status, why, bytesOut: this.#out.bytes }, last);
  }
}

function refused(why: string): ForwardRefusal {
  return { kind: 'refused', why, isUnreachable: false };
}

function gone(why: string): Ending {
  return { status: 'closed', why, refusal: refused(notice(why)) };
}

/** Closes an end and reads what it still says, so that nothing waits for a reader. */
async function close(end: AnyEnd): Promise<void> {
  await end.write({ kind: 'close' });
  while ((await end.read()).kind !== 'close') continue;
}
