/**
 * Output: mask → record → durable → deliver, in that order and in the order of arrival. What is on its way
 * to the disk is bounded; while the bound is reached, nothing more is read from the target.
 */
import { OutputDecoder, outputEvents } from '../asciicast/utf8.ts';
import type { RecordedEvent, Utf8Output } from '../asciicast/event.ts';
import type { OutputGuard } from './output-guard.ts';
import { type MaskingOptions, OutputMasking } from './masking.ts';
import type { DownstreamEnd, OutputUnit, Recording, RecordingGap } from './ports.ts';

export class OutputPipe {
  readonly #recording: Recording;
  readonly #end: DownstreamEnd;
  readonly #nowUs: () => number;
  readonly #maxUndurableBytes: number;
  readonly #onGap: (gap: RecordingGap) => void;
  readonly #decoder = new OutputDecoder();
  /** The client has been told that nothing is recorded now. */
  #isLossy = false;
  #tail: Promise<void> = Promise.resolve();
  #undurableBytes = 0;
  readonly #waiting: (() => void)[] = [];
  #bytesOut = 0;
  /** Of the newest event. */
  #lastUs = 0;
  #failure: Error | null = null;
  #fail: (error: Error) => void = () => {};
  /** null = nothing is masked. */
  #masking: OutputMasking | null = null;
  /** null = no rule is about what comes out. */
  #guard: Pick<OutputGuard, 'watch'> | null = null;
  /** Resolves with the recording's failure as soon as there is one. */
  readonly failed: Promise<Error> = new Promise((resolve) => {
    this.#fail = resolve;
  });

  /**
   * @param nowUs microseconds since the start of the session
   * @param onGap told once when delivery goes on without a record, and once when there is one again
   */
  constructor(
    recording: Recording,
    end: DownstreamEnd,
    nowUs: () => number,
    maxUndurableBytes: number,
    onGap: (gap: RecordingGap) => void = () => {},
  ) {
    this.#recording = recording;
    this.#end = end;
    this.#nowUs = nowUs;
    this.#maxUndurableBytes = maxUndurableBytes;
    this.#onGap = onGap;
  }

  /** Bytes of the target's output that went to the client. */
  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** From here on secrets are masked in what is pushed. */
  mask(options: Omit<MaskingOptions, 'nowUs' | 'release'>): OutputMasking {
    this.#masking = new OutputMasking({
      ...options,
      nowUs: this.#nowUs,
      // Who pushes next gets the failure, if there is one.
      release: (unit) => void this.#pass(unit, this.#nowUs()).catch(() => {}),
    });
    return this.#masking;
  }

  /** From here on rules decide how often something may come out; `mask` counts it. */
  guard(guard: Pick<OutputGuard, 'watch'>): void {
    this.#guard = guard;
  }

  /** The client has pressed these keys. */
  typed(keys: Buffer): void {
    this.#masking?.typed(keys);
  }

  /** The client's terminal has another width. */
  resized(columns: number): void {
    this.#masking?.resized(columns);
  }

  /** As `push`, for what the bastion says itself. */
  async say(unit: Extract<OutputUnit, { kind: 'data' }>): Promise<void> {
    const units = this.#masking?.notice(unit) ?? [unit];
    await Promise.all(units.map((one) => this.#pass(one, this.#nowUs())));
  }

  /**
   * Takes the next unit. Resolves when more may come; rejects with the recording's failure, after
   * which nothing is delivered any more.
   * @param atUs when it came
   */
  async push(unit: OutputUnit, atUs: number = this.#nowUs()): Promise<void> {
    const units = this.#masking?.take(unit) ?? [unit];
    const stopped = this.#masking === null ? null : (this.#guard?.watch(this.#masking) ?? null);
    if (stopped !== null) await stopped;
    // All in this turn, so that nothing comes between them.
    await Promise.all(units.map((one) => this.#pass(one, atUs)));
    if (this.#failure !== null) throw this.#failure;
  }

  async #pass(unit: OutputUnit, atUs: number): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const size = unit.kind === 'data' ? unit.bytes.length : 0;
    // What was recorded meanwhile comes before it.
    this.#lastUs = Math.max(this.#lastUs, atUs);
    const durable = this.#record(unit, this.#lastUs);
    this.#undurableBytes += size;
    const previous = this.#tail;
    this.#tail = (async () => {
      await Promise.all([previous, durable]);
      this.#undurableBytes -= size;
      this.#bytesOut += size;
      this.#wake();
      await this.#end.write(unit);
    })();
    // The failure is kept here and thrown at the next push or flush; nobody else awaits this copy.
    this.#tail.catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      this.#fail(this.#failure);
      this.#wake();
    });
    // Room, not emptiness: while some is on its way to the disk, the next is read and prepared.
    while (this.#undurableBytes >= this.#maxUndurableBytes && this.#failure === null) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * Delivers bytes of which the record says something else, in the order of the calls: contents of files,
   * which are counted and hashed. Resolves when there is room for more, as at the end itself.
   * @param shown settles when what the record says of them is durable
   */
  async pass(bytes: Buffer, shown: Promise<unknown> | null = null): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const previous = this.#tail;
    const written = (async () => {
      await (shown === null ? previous : Promise.all([previous, shown]));
      this.#bytesOut += bytes.length;
      await this.#end.write({ kind: 'data', stream: 'stdout', bytes });
    })();
    this.#tail = written;
    written.catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      this.#fail(this.#failure);
      this.#wake();
    });
    await written;
  }

  /** Appends an event that is not output (a marker, a resize); keeps its place among the output. */
  async event(event: RecordedEvent): Promise<void> {
    this.#lastUs = Math.max(this.#lastUs, event.atUs);
    await this.#append(event);
  }

  /** Resolves when everything taken so far is durable and delivered. */
  async flush(): Promise<void> {
    for (const unit of this.#masking?.rest() ?? [])
      void this.#pass(unit, this.#nowUs()).catch(() => {});
    await this.#tail;
    if (this.#failure !== null) throw this.#failure;
  }

  #wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async #append(event: RecordedEvent | Utf8Output): Promise<void> {
    const gap = await this.#recording.append(event);
    const isLossy = gap?.kind === 'lost';
    if (gap === undefined || isLossy === this.#isLossy) return;
    this.#isLossy = isLossy;
    this.#onGap(gap);
  }

  #record(unit: OutputUnit, atUs: number): Promise<unknown> {
    switch (unit.kind) {
      case 'data': {
        const events = outputEvents(atUs, this.#decoder.push(unit.bytes));
        return Promise.all(events.map((event) => this.#append(event)));
      }
      case 'exit':
        return this.#append({ atUs, code: 'x', status: String(unit.status) });
      case 'exit-signal':
        return this.#append({ atUs, code: 'x', status: unit.name });
      case 'eof':
      case 'close':
        return Promise.resolve();
    }
  }
}
