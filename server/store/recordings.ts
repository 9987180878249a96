/** Begins recordings, and ends them all when the process stops. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { AuditEvent } from '../journal/event.ts';
import type { HeadSigner } from '../journal/signature.ts';
import type { Logger } from '../log.ts';
import type { Recording, RecordingSink, SessionStart } from '../session/ports.ts';
import { bastionSeen, SEEN_EVERY_MS } from './bastion-row.ts';
import { checkpoint, CHECKPOINT_EVERY_MS } from './checkpoint.ts';
import type { Database } from './database.ts';
import type { SealedChunk } from './chunk.ts';
import { auditEvent, SESSIONS_CHANNEL, type SessionNames } from './head-row.ts';
import { attachedInsert, type StoredJournal } from './journal.ts';
import { Partitions } from './partitions.ts';
import {
  END_WAIT_MS,
  LiveRecording,
  REMOTE_WAIT_MS,
  type RecordingContext,
  type RecordingEnd,
  SEAL_AFTER_MS,
} from './recording.ts';
import { Shipper } from './shipper.ts';
import { answerWithin, askThrough, COMMIT_WAIT_MS, outageReason } from './outage.ts';
import { refusal } from './spool-backlog.ts';
import type { Spool } from './spool.ts';
import { storable } from './storable.ts';
import { sealWatched } from './watched.ts';

/** Larger sides of a terminal are stored as this: a pty's own size has 16 bits a side. */
const MAX_STORED_SIDE = 65_535;
/** How long the database may stay away before a refused session's row is left to the next start. */
const LATE_WAIT_MS = 600_000;
/** Why sessions end that the bastion didn't outlive. */
export const STOPPED = 'the bastion stopped';

export interface RecordingSinkOptions {
  readonly database: Database;
  readonly spool: Spool;
  readonly journal: StoredJournal;
  readonly signer: HeadSigner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** UUID of this bastion: it belongs to the home that the spool is in, and stays over restarts. */
  readonly instanceId: string;
  readonly sealAfterMs?: number;
  readonly endWaitMs?: number;
  readonly remoteWaitMs?: number;
  readonly checkpointEveryMs?: number;
}

export interface StoredRecordingSink extends RecordingSink {
  /** Recordings that haven't ended, or whose end isn't in Postgres yet. */
  readonly liveCount: number;
  /**
   * Takes no new session, ends what still runs as failed, and waits until everything is in Postgres;
   * what isn't after `deadlineMs` stays in the spool for the next start. Never rejects.
   */
  close(options: { readonly deadlineMs: number }): Promise<void>;
}

export function createRecordingSink(options: RecordingSinkOptions): StoredRecordingSink {
  return new Sink(options);
}

class Sink implements StoredRecordingSink {
  readonly #options: RecordingSinkOptions;
  readonly #knex: Knex;
  readonly #shipper: Shipper;
  readonly #remoteShipper: Shipper;
  readonly #partitions: Partitions;
  readonly #context: RecordingContext;
  readonly #live = new Set<LiveRecording>();
  readonly #stop = new AbortController();
  readonly #stopWatching: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #checkpoints: NodeJS.Timeout;
  /** The one that is being written; while Postgres is away it waits, and no other begins. */
  #checkpoint: Promise<void> | null = null;
  #closing = false;

  constructor(options: RecordingSinkOptions) {
    const { database, spool, journal, signer, clock, logger } = options;
    this.#options = options;
    this.#knex = database.knex;
    this.#partitions = new Partitions(database.knex);
    const onStored = ({ header }: SealedChunk): void =>
      spool.shipped(header.sessionId, {
        throughEvent: header.firstEvent + header.events - 1,
        events: header.events,
        bytes: header.rawLength,
      });
    this.#shipper = new Shipper({ knex: database.knex, logger, onStored });
    this.#remoteShipper = new Shipper({ knex: database.knex, logger, onStored });
    spool.whenPressed(() => {
      for (const recording of this.#live) recording.seal();
    });
    this.#context = {
      spool,
      journal,
      signer,
      clock,
      logger,
      shipper: this.#shipper,
      remoteShipper: this.#remoteShipper,
      stop: this.#stop.signal,
      sealAfterMs: options.sealAfterMs ?? SEAL_AFTER_MS,
      endWaitMs: options.endWaitMs ?? END_WAIT_MS,
      remoteWaitMs: options.remoteWaitMs ?? REMOTE_WAIT_MS,
      onFinished: (recording) => void this.#live.delete(recording),
    };
    this.#stopWatching = sealWatched(database, this.#live);
    this.#heartbeat = setInterval(() => void this.#beat(), SEEN_EVERY_MS);
    this.#heartbeat.unref();
    const everyMs = options.checkpointEveryMs ?? CHECKPOINT_EVERY_MS;
    this.#checkpoints = setInterval(() => {
      this.#checkpoint ??= this.#sealOpen().finally(() => {
        this.#checkpoint = null;
      });
    }, everyMs);
    this.#checkpoints.unref();
  }

  get liveCount(): number {
    return this.#live.size;
  }

  /** See `RecordingSink`. */
  async begin(start: SessionStart): Promise<Recording> {
    if (this.#closing) throw refusal('the bastion is stopping');
    const names: SessionNames = {
      id: start.id,
      principal: start.principal.name,
      source: start.source,
      target: start.target,
      ...(start.access === undefined ? {} : { access: start.access.request }),
    };
    let gap: SallyportError | null = null;
    try {
      gap = await this.#unready(start);
      await this.#partitions.ensureFor(start.id);
      const row = sessionRow(start, this.#options.instanceId);
      const begun = this.#options.journal.appendWith([startedEvent(names, start)], {
        statements: [attachedInsert('sessions', row)],
        notices: [{ channel: SESSIONS_CHANNEL, payload: start.id }],
      });
      await answerWithin(COMMIT_WAIT_MS, begun).catch((error: unknown) => {
        void this.#closeLate(begun, names);
        throw error;
      });
    } catch (error) {
      if (error instanceof SallyportError && error.code === 'recording.failed') throw error;
      throw refusal(`the session can't be recorded: ${outageReason(error)}`, error);
    }
    const recording = new LiveRecording(this.#context, names, start.recording, gap);
    this.#live.add(recording);
    // A drain that started while the row was written doesn't know this recording.
    if (this.#closing) {
      await recording.end(stoppedEnd());
      throw refusal('the bastion is stopping');
    }
    return recording;
  }

  /** A session that was refused ends, should its row have come all the same; never rejects. */
  async #closeLate(begun: Promise<void>, names: SessionNames): Promise<void> {
    await begun.catch(() => {});
    const found = await askThrough(
      () => this.#knex('sessions').where('id', names.id).first<{ id: string } | undefined>('id'),
      LATE_WAIT_MS,
    ).catch(() => undefined);
    // The next start closes it otherwise.
    if (found === undefined || this.#closing) return;
    const recording = new LiveRecording(this.#context, names);
    this.#live.add(recording);
    await recording.end({
      ...stoppedEnd(),
      why: 'the session was refused before its row was there',
    });
  }

  /** Why a session begins unrecorded that may; null = it doesn't. Rejects where none may. */
  async #unready({ recording }: SessionStart): Promise<SallyportError | null> {
    try {
      await this.#options.spool.ready(recording !== 'balanced');
      return null;
    } catch (error) {
      if (recording !== 'continue' || !(error instanceof SallyportError)) throw error;
      return error;
    }
  }

  /** See `StoredRecordingSink`. */
  async close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    this.#stopWatching();
    clearInterval(this.#checkpoints);
    const ended = [...this.#live].map(async (recording) => {
      if (recording.finished === null) await recording.end(stoppedEnd());
      await recording.finished;
    });
    const waited = new AbortController();
    const deadline = sleep(deadlineMs, null, { signal: waited.signal }).catch(() => {});
    await Promise.race([Promise.all([...ended, this.#checkpoint]), deadline]);
    waited.abort();
    this.#stop.abort();
    this.#shipper.close();
    this.#remoteShipper.close();
  }

  /** Never rejects: what could not be sealed is sealed with the next chunk. */
  async #sealOpen(): Promise<void> {
    const open = [...this.#live].flatMap((recording) => recording.newHead() ?? []);
    try {
      await checkpoint(this.#options, open);
    } catch (error) {
      this.#options.logger.warn('recording.checkpoint-failed', { why: messageOf(error) });
    }
  }

  async #beat(): Promise<void> {
    try {
      await bastionSeen(this.#knex, this.#options.instanceId);
    } catch (error) {
      this.#options.logger.warn('database.heartbeat-failed', { why: messageOf(error) });
    }
  }
}

function stoppedEnd(): RecordingEnd {
  return { atUs: 0, status: 'failed', exitStatus: null, bytesOut: null, why: STOPPED };
}

function startedEvent(names: SessionNames, start: SessionStart): AuditEvent {
  return auditEvent('session.started', names, {
    kind: start.kind,
    principalId: start.principal.id,
    principalKind: start.principal.kind,
    login: start.login,
    via: start.via,
    run: start.run,
    task: start.task,
    attribution: start.attribution,
    command: start.command,
    policy: start.policy,
    policyVersion: start.policyVersion,
    directoryVersion: start.directoryVersion ?? null,
    recording: start.recording,
    keepDays: start.keepDays,
    ...(start.access === undefined ? {} : { approvedBy: start.access.approvedBy }),
  });
}

function sessionRow(start: SessionStart, owner: string): Record<string, unknown> {
  return {
    id: start.id,
    owner,
    kind: start.kind,
    principal: start.principal.name,
    principal_kind: start.principal.kind,
    principal_id: start.principal.id,
    target: start.target,
    login: start.login,
    via: start.via,
    source: start.source,
    run: start.run,
    task: start.task,
    attribution: start.attribution,
    started_at: new Date(start.startedAtMs),
    width: Math.min(start.size.cols, MAX_STORED_SIDE),
    height: Math.min(start.size.rows, MAX_STORED_SIDE),
    term: start.term === null ? null : storable(start.term),
    command: start.command === null ? null : storable(start.command),
    policy: start.policy,
    policy_version: start.policyVersion,
    directory_version: start.directoryVersion ?? null,
    recording: start.recording,
    keep_days: start.keepDays,
    access_request: start.access?.request ?? null,
  };
}
