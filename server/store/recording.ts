/**
 * The recording of one running session: spool first, then chunks, then Postgres; decided commands go
 * to Postgres at once, because nothing may run before they are there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventLineBytes } from '../asciicast/event-line.ts';
import type { RecordedEvent, Utf8Output } from '../asciicast/event.ts';
import type { Clock } from '../clock.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { CHAIN_START } from '../journal/chain.ts';
import type { HeadSigner } from '../journal/signature.ts';
import type { Logger } from '../log.ts';
import type { RecordingMode } from '../access/grant.ts';
import type { DecidedCommand, Recording, RecordingGap, SessionEnd } from '../session/ports.ts';
import type { OpenHead } from './checkpoint.ts';
import { type ChainPlace, ChunkBuilder, type SealedChunk } from './chunk.ts';
import { commandRow, decidedEvent } from './command-row.ts';
import { auditEvent, closeSession, type CommandEnding, type SessionNames } from './head-row.ts';
import { attachedInsert, type StoredJournal } from './journal.ts';
import { answerWithin, COMMIT_WAIT_MS, outageReason } from './outage.ts';
import { persist } from './persist.ts';
import { AwaitedEvents } from './recording-awaited.ts';
import { Gap } from './recording-gap.ts';
import type { Shipper } from './shipper.ts';
import { refusal } from './spool-backlog.ts';
import type { Spool } from './spool.ts';

/** Age at which a chunk is sealed however small it is. */
export const SEAL_AFTER_MS = 5000;
/** How long `end` keeps its caller while Postgres is away; the rest happens behind. */
export const END_WAIT_MS = 10_000;
/** Command endings, and decisions that nobody waited for, on their way to Postgres, per session. */
export const MAX_WAITING_ENDINGS = 1024;
/** How long output waits for Postgres where it must have it first. */
export const REMOTE_WAIT_MS = 30_000;
/** How long anything waits for the recorder in a session that goes on without it. */
export const CONTINUE_WAIT_MS = 2000;
/** How often such a session looks whether it can be recorded again. */
export const RESUME_EVERY_MS = 1000;

/** What all recordings of a process share. */
export interface RecordingContext {
  readonly spool: Spool;
  readonly shipper: Shipper;
  /** Ships alone what somebody waits for. */
  readonly remoteShipper: Shipper;
  readonly journal: StoredJournal;
  readonly signer: HeadSigner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the process gives up waiting for Postgres. */
  readonly stop: AbortSignal;
  readonly sealAfterMs: number;
  readonly endWaitMs: number;
  readonly remoteWaitMs: number;
  /** The recording is closed, or given up. */
  readonly onFinished: (recording: LiveRecording) => void;
}

/** `bytesOut` null = what the chunks say. */
export type RecordingEnd = Omit<SessionEnd, 'bytesOut'> & { readonly bytesOut: number | null };

export class LiveRecording implements Recording {
  readonly #context: RecordingContext;
  readonly #mode: RecordingMode;
  readonly #names: SessionNames;
  readonly #builder: ChunkBuilder;
  #events = 0;
  /** Where the chain in Postgres stands. */
  #stored: ChainPlace = { seq: 1, event: 1, prevHash: CHAIN_START };
  /** `#stored.seq` at the last checkpoint. */
  #checked = 1;
  /** Settles after the newest append and everything before it. */
  #newestAppend: Promise<unknown> = Promise.resolve();
  /** Settles after the newest chunk and everything before it; false = some will never be stored. */
  #newestChunk: Promise<boolean> = Promise.resolve(true);
  readonly #endings = new Set<Promise<void>>();
  readonly #unsentEndings: CommandEnding[] = [];
  #sealTimer: NodeJS.Timeout | null = null;
  #finished: Promise<void> | null = null;
  #failure: SallyportError | null = null;
  /** Appends that the spool hasn't answered. */
  #inFlight = 0;
  /** Chunks that Postgres hasn't answered for. */
  #shipping = 0;
  readonly #awaited: AwaitedEvents;
  #gap: Gap | null = null;
  /** The gap that has just ended. */
  #closedGap: Gap | null = null;
  #hadGap = false;

  /** @param startGap why a session of the mode `continue` begins unrecorded; null = it doesn't */
  constructor(
    context: RecordingContext,
    names: SessionNames,
    mode: RecordingMode = 'strict',
    startGap: SallyportError | null = null,
  ) {
    this.#context = context;
    this.#names = names;
    this.#mode = mode;
    this.#builder = new ChunkBuilder(names.id, this.#stored);
    this.#awaited = new AwaitedEvents(context.remoteWaitMs, (error) => void this.#failed(error));
    context.spool.begin(names.id, {
      isSynced: mode !== 'balanced',
      ...(mode === 'continue' && { waitMs: CONTINUE_WAIT_MS }),
    });
    if (startGap !== null) this.#openGap(startGap);
  }

  get sessionId(): string {
    return this.#names.id;
  }

  /** See `Recording`. */
  append(event: RecordedEvent | Utf8Output): Promise<RecordingGap | void> {
    const appended = this.#mode === 'continue' ? this.#appendOrLose(event) : this.#append(event);
    this.#newestAppend = appended.catch(() => {});
    return appended;
  }

  async #appendOrLose(event: RecordedEvent | Utf8Output): Promise<RecordingGap | void> {
    if (this.#finished !== null) throw refusal('the recording has ended');
    const closed = this.#closedGap;
    this.#closedGap = null;
    try {
      if (this.#gap === null) {
        await this.#append(event);
        return closed === null ? undefined : { kind: 'resumed', lostBytes: closed.bytes };
      }
    } catch (error) {
      if (this.#finished !== null) throw error;
      this.#openGap(error);
    }
    this.#gap?.add(event);
    return { kind: 'lost', why: this.#gap?.why ?? '' };
  }

  async #append(event: RecordedEvent | Utf8Output): Promise<void> {
    if (this.#finished !== null) throw refusal('the recording has ended');
    const line = eventLineBytes(event);
    this.#events += 1;
    const number = this.#events;
    this.#inFlight += 1;
    try {
      await this.#context.spool.append(this.#names.id, number, line);
      this.#ship(this.#builder.add(number, event, line));
    } catch (error) {
      throw this.#mode === 'continue' ? error : this.#failed(error);
    } finally {
      this.#inFlight -= 1;
    }
    if (this.#mode === 'strict-remote') return this.#remote(number);
    if (this.#builder.isEmpty || this.#sealTimer !== null) return;
    this.#sealTimer = setTimeout(() => this.seal(), this.#context.sealAfterMs);
  }

  /** Resolves when Postgres has the event. */
  #remote(eventNumber: number): Promise<void> | void {
    if (this.#failure !== null) throw this.#failure;
    if (eventNumber < this.#stored.event) return;
    // What comes while a chunk is on its way goes with the next one.
    if (this.#shipping === 0) setImmediate(() => this.#shipping === 0 && this.seal());
    return this.#awaited.wait(eventNumber);
  }

  /** See `Recording`. */
  async decided(command: DecidedCommand): Promise<void> {
    if (this.#finished !== null) throw refusal('the recording has ended');
    const store = (): Promise<void> =>
      this.#context.journal.appendWith([decidedEvent(this.#names, command)], {
        statements: [attachedInsert('commands', commandRow(this.#names.id, command))],
        notices: [],
      });
    if (this.#mode === 'continue') return this.#decidedInTime(store);
    try {
      await answerWithin(COMMIT_WAIT_MS, store());
    } catch (error) {
      throw refusal(`the command can't be recorded: ${outageReason(error)}`, error);
    }
  }

  /** Goes on without the row after a while; it follows when Postgres is back. */
  async #decidedInTime(store: () => Promise<void>): Promise<void> {
    if (this.#endings.size >= MAX_WAITING_ENDINGS) {
      throw refusal(`${MAX_WAITING_ENDINGS} commands wait for Postgres already`);
    }
    const stored = this.#track(store);
    const waited = new AbortController();
    const late = sleep(CONTINUE_WAIT_MS, false, { signal: waited.signal }).catch(() => false);
    const isStored = await Promise.race([stored, late]);
    waited.abort();
    if (isStored) return;
    const isFirst = !this.#hadGap;
    this.#hadGap = true;
    if (isFirst) void this.#journalFailure('a command runs before the database has its decision');
  }

  /** See `Recording`. */
  commandEnded(seq: number, end: Parameters<Recording['commandEnded']>[1]): void {
    if (this.#endings.size + this.#unsentEndings.length >= MAX_WAITING_ENDINGS) {
      this.#context.logger.warn('recording.ending-dropped', { session: this.#names.id, seq });
      return;
    }
    const { file, masked = 0, ...times } = end;
    const events = [auditEvent('command.ended', this.#names, { seq, ...times, masked })];
    if (file !== undefined) events.push(auditEvent(file.type, this.#names, { seq, ...file.data }));
    const row = {
      session_id: this.#names.id,
      seq,
      output_from_us: end.outputFromUs,
      output_to_us: end.outputToUs,
      exit_status: end.exitStatus,
      masked,
    };
    this.#unsentEndings.push({ events, row });
    // What ends together with its session is stored together with the session's end.
    queueMicrotask(() => this.#sendEndings());
  }

  #sendEndings(): void {
    const endings = this.#unsentEndings.splice(0);
    if (endings.length === 0) return;
    void this.#track(() => this.#storeEndings(endings));
  }

  /** As `#persist`; the end of the recording waits for it. */
  #track(write: () => Promise<void>): Promise<boolean> {
    const written = this.#persist(write);
    const tracked = written.then(() => void this.#endings.delete(tracked));
    this.#endings.add(tracked);
    return written;
  }

  #storeEndings(endings: readonly CommandEnding[]): Promise<void> {
    return this.#context.journal.appendWith(
      endings.flatMap(({ events }) => events),
      { statements: endings.map(({ row }) => attachedInsert('command_ends', row)), notices: [] },
    );
  }

  /** See `Recording`; never rejects. While Postgres is away it resolves after `endWaitMs`. */
  async end(end: RecordingEnd): Promise<void> {
    this.#finished ??= this.#finish(end);
    const waited = new AbortController();
    const enough = sleep(this.#context.endWaitMs, null, { signal: waited.signal }).catch(() => {});
    await Promise.race([this.#finished, enough]);
    waited.abort();
  }

  /** As far as the chunks are in Postgres; null = nothing new since the last call, or it has ended. */
  newHead(): OpenHead | null {
    const place = this.#stored;
    if (this.#finished !== null || place.seq === this.#checked) return null;
    this.#checked = place.seq;
    return { sessionId: this.#names.id, place };
  }

  /** Settles when nothing more will be written; null = the session runs. */
  get finished(): Promise<void> | null {
    return this.#finished;
  }

  async #finish(end: RecordingEnd): Promise<void> {
    const endings = this.#unsentEndings.splice(0);
    await this.#newestAppend;
    this.seal();
    const isStored = await this.#newestChunk;
    this.#closeGap();
    await Promise.all(this.#endings);
    const complete = isStored && !this.#hadGap;
    const { journal, signer, clock, spool, shipper, remoteShipper, stop } = this.#context;
    const endedAtMs = clock.nowMs();
    const ended = {
      names: this.#names,
      place: this.#stored,
      status: isStored ? end.status : 'failed',
      exitStatus: end.exitStatus,
      bytesOut: end.bytesOut,
      durationUs: Math.max(end.atUs, this.#builder.lastUs),
      endedAtMs,
      why: complete
        ? end.why
        : `${end.why}; ${this.#failure?.message ?? 'not all of it was recorded in time'}`,
      complete,
      endedBefore: false,
      endings,
    } as const;
    const givenUp = stop.aborted && !isStored;
    const closed = !givenUp && (await this.#persist(() => closeSession(journal, signer, ended)));
    // What isn't in Postgres stays in the spool for the next start.
    if (closed && isStored) spool.forget(this.#names.id);
    shipper.forget(this.#names.id);
    remoteShipper.forget(this.#names.id);
    this.#context.onFinished(this);
  }

  /** Ships what there is, however little. */
  seal(): void {
    this.#ship(this.#builder.seal());
  }

  #ship(chunk: SealedChunk | null): void {
    if (chunk === null) return;
    if (this.#sealTimer !== null) clearTimeout(this.#sealTimer);
    this.#sealTimer = null;
    const { header, hash } = chunk;
    const { shipper, remoteShipper } = this.#context;
    this.#shipping += 1;
    const stored = (this.#mode === 'strict-remote' ? remoteShipper : shipper).ship(chunk).then(
      () => {
        this.#shipping -= 1;
        const event = header.firstEvent + header.events;
        this.#stored = { seq: header.seq + 1, event, prevHash: hash };
        this.#awaited.stored(event);
        if (this.#mode === 'strict-remote' && this.#shipping === 0) this.seal();
        return true;
      },
      (error: unknown) => {
        this.#shipping -= 1;
        const failure = this.#failed(error);
        if (this.#mode === 'continue') this.#openGap(failure);
        return false;
      },
    );
    this.#newestChunk = Promise.all([this.#newestChunk, stored]).then(
      ([before, now]) => before && now,
    );
  }

  /** After a gap nothing more is recorded. */
  #failed(error: unknown): SallyportError {
    if (this.#failure !== null) return this.#failure;
    const failure = error instanceof SallyportError ? error : refusal(messageOf(error), error);
    this.#failure = failure;
    this.#context.spool.fail(this.#names.id, failure);
    this.#awaited.fail(failure);
    if (!this.#context.stop.aborted && this.#mode !== 'continue') {
      void this.#journalFailure(failure.message);
    }
    return failure;
  }

  // --- going on without a record: only where a grant says so --------------------------------------

  #openGap(error: unknown): void {
    if (this.#gap !== null) return;
    this.#hadGap = true;
    this.#gap = new Gap(messageOf(error));
    void this.#journalFailure(this.#gap.why);
    void this.#resumeLater(this.#gap);
  }

  /** Ends the gap as soon as there is room again; never rejects. */
  async #resumeLater(gap: Gap): Promise<void> {
    const { spool, stop } = this.#context;
    while (this.#gap === gap && this.#failure === null && !stop.aborted) {
      await sleep(RESUME_EVERY_MS, null, { ref: false });
      const isReady = await spool.ready().then(
        () => true,
        () => false,
      );
      if (this.#gap !== gap || this.#failure !== null || !isReady || this.#inFlight > 0) continue;
      if (!spool.reopen(this.#names.id)) continue;
      this.#events = this.#builder.nextEvent - 1;
      this.#closeGap();
      this.#closedGap = gap;
    }
  }

  /** The journal says what is missing. */
  #closeGap(): void {
    const gap = this.#gap;
    this.#gap = null;
    if (gap === null) return;
    this.#context.logger.error('recording.gap', { session: this.#names.id, bytes: gap.bytes });
    const event = auditEvent('recording.gap', this.#names, gap.data());
    void this.#track(() => this.#context.journal.append(event));
  }

  async #journalFailure(why: string): Promise<void> {
    const { journal, logger } = this.#context;
    const goesOn = this.#mode === 'continue';
    logger.error('recording.failed', { session: this.#names.id, why, goesOn });
    try {
      await journal.append(auditEvent('recording.failed', this.#names, { why, goesOn }));
    } catch (error) {
      logger.error('journal.failed', { why: messageOf(error) });
    }
  }

  #persist(write: () => Promise<void>): Promise<boolean> {
    return persist(write, this.#names.id, this.#context);
  }
}
