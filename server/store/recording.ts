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
import type { DecidedCommand, Recording, SessionEnd } from '../session/ports.ts';
import type { OpenHead } from './checkpoint.ts';
import { type ChainPlace, ChunkBuilder, type SealedChunk } from './chunk.ts';
import { commandRow, decidedEvent } from './command-row.ts';
import { auditEvent, closeSession, type CommandEnding, type SessionNames } from './head-row.ts';
import { attachedInsert, type StoredJournal } from './journal.ts';
import { outageReason, retryDelayMs } from './outage.ts';
import type { Shipper } from './shipper.ts';
import { refusal } from './spool-backlog.ts';
import type { Spool } from './spool.ts';

/** Age at which a chunk is sealed however small it is. */
export const SEAL_AFTER_MS = 5000;
/** How long `end` keeps its caller while Postgres is away; the rest happens behind. */
export const END_WAIT_MS = 10_000;
/** Command endings on their way to Postgres, per session. */
export const MAX_WAITING_ENDINGS = 1024;

/** What all recordings of a process share. */
export interface RecordingContext {
  readonly spool: Spool;
  readonly shipper: Shipper;
  readonly journal: StoredJournal;
  readonly signer: HeadSigner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the process gives up waiting for Postgres. */
  readonly stop: AbortSignal;
  readonly sealAfterMs: number;
  readonly endWaitMs: number;
  /** The recording is closed, or given up. */
  readonly onFinished: (recording: LiveRecording) => void;
}

/** `bytesOut` null = what the chunks say. */
export type RecordingEnd = Omit<SessionEnd, 'bytesOut'> & { readonly bytesOut: number | null };

export class LiveRecording implements Recording {
  readonly #context: RecordingContext;
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

  constructor(context: RecordingContext, names: SessionNames) {
    this.#context = context;
    this.#names = names;
    this.#builder = new ChunkBuilder(names.id, this.#stored);
  }

  /** See `Recording`. */
  append(event: RecordedEvent | Utf8Output): Promise<void> {
    const appended = this.#append(event);
    this.#newestAppend = appended.catch(() => {});
    return appended;
  }

  async #append(event: RecordedEvent | Utf8Output): Promise<void> {
    if (this.#finished !== null) throw refusal('the recording has ended');
    const line = eventLineBytes(event);
    this.#events += 1;
    const number = this.#events;
    try {
      await this.#context.spool.append(this.#names.id, number, line);
      this.#ship(this.#builder.add(number, event, line));
    } catch (error) {
      throw this.#failed(error);
    }
    if (this.#builder.isEmpty || this.#sealTimer !== null) return;
    this.#sealTimer = setTimeout(() => this.#seal(), this.#context.sealAfterMs);
  }

  /** See `Recording`. */
  async decided(command: DecidedCommand): Promise<void> {
    if (this.#finished !== null) throw refusal('the recording has ended');
    try {
      await this.#context.journal.appendWith([decidedEvent(this.#names, command)], {
        statements: [attachedInsert('commands', commandRow(this.#names.id, command))],
        notices: [],
      });
    } catch (error) {
      throw refusal(`the command can't be recorded: ${outageReason(error)}`, error);
    }
  }

  /** See `Recording`. */
  commandEnded(seq: number, end: Parameters<Recording['commandEnded']>[1]): void {
    if (this.#endings.size + this.#unsentEndings.length >= MAX_WAITING_ENDINGS) {
      this.#context.logger.warn('recording.ending-dropped', { session: this.#names.id, seq });
      return;
    }
    const event = auditEvent('command.ended', this.#names, { seq, ...end });
    const row = {
      session_id: this.#names.id,
      seq,
      output_from_us: end.outputFromUs,
      output_to_us: end.outputToUs,
      exit_status: end.exitStatus,
    };
    this.#unsentEndings.push({ event, row });
    // What ends together with its session is stored together with the session's end.
    queueMicrotask(() => this.#sendEndings());
  }

  #sendEndings(): void {
    const endings = this.#unsentEndings.splice(0);
    if (endings.length === 0) return;
    const sent = this.#persist(() => this.#storeEndings(endings)).then(
      () => void this.#endings.delete(sent),
    );
    this.#endings.add(sent);
  }

  #storeEndings(endings: readonly CommandEnding[]): Promise<void> {
    return this.#context.journal.appendWith(
      endings.map(({ event }) => event),
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
    this.#seal();
    const complete = await this.#newestChunk;
    await Promise.all(this.#endings);
    const { journal, signer, clock, spool, shipper, stop } = this.#context;
    const endedAtMs = clock.nowMs();
    const ended = {
      names: this.#names,
      place: this.#stored,
      status: complete ? end.status : 'failed',
      exitStatus: end.exitStatus,
      bytesOut: end.bytesOut,
      durationUs: Math.max(end.atUs, this.#builder.lastUs),
      endedAtMs,
      why: complete ? end.why : `${end.why}; ${this.#failure?.message ?? 'a part is missing'}`,
      complete,
      endedBefore: false,
      endings,
    } as const;
    const givenUp = stop.aborted && !complete;
    const closed = !givenUp && (await this.#persist(() => closeSession(journal, signer, ended)));
    // What isn't in Postgres stays in the spool for the next start.
    if (closed && complete) spool.forget(this.#names.id);
    shipper.forget(this.#names.id);
    this.#context.onFinished(this);
  }

  #seal(): void {
    this.#ship(this.#builder.seal());
  }

  #ship(chunk: SealedChunk | null): void {
    if (chunk === null) return;
    if (this.#sealTimer !== null) clearTimeout(this.#sealTimer);
    this.#sealTimer = null;
    const { header, hash } = chunk;
    const stored = this.#context.shipper.ship(chunk).then(
      () => {
        const event = header.firstEvent + header.events;
        this.#stored = { seq: header.seq + 1, event, prevHash: hash };
        return true;
      },
      (error: unknown) => {
        this.#failed(error);
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
    if (!this.#context.stop.aborted) void this.#journalFailure(failure.message);
    return failure;
  }

  async #journalFailure(why: string): Promise<void> {
    const { journal, logger } = this.#context;
    logger.error('recording.failed', { session: this.#names.id, why });
    try {
      await journal.append(auditEvent('recording.failed', this.#names, { why }));
    } catch (error) {
      logger.error('journal.failed', { why: messageOf(error) });
    }
  }

  /** Tries until it works, or the process gives up. False = given up. */
  async #persist(write: () => Promise<void>): Promise<boolean> {
    const { stop, logger } = this.#context;
    for (let failures = 1; ; failures += 1) {
      try {
        await write();
        return true;
      } catch (error) {
        const known = error instanceof SallyportError && error.code === 'journal.failed';
        logger.warn('recording.write-waits', { session: this.#names.id, why: messageOf(error) });
        if (!known || stop.aborted) return false;
        await sleep(retryDelayMs(failures), null, { signal: stop }).catch(() => {});
      }
    }
  }
}
