/**
 * After a start: brings what the spool still has into Postgres, and closes sessions that a bastion
 * didn't outlive. Sessions of another bastion that lives are never touched.
 */
import type { Knex } from 'knex';
import { decodeEventLine } from '../asciicast/event-line.ts';
import type { RecordingMode } from '../access/grant.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { CHAIN_START } from '../journal/chain.ts';
import type { HeadSigner } from '../journal/signature.ts';
import type { Logger } from '../log.ts';
import { bastionSeen, ownerIsGone } from './bastion-row.ts';
import { ChunkBuilder, packLines, QUALITY, type SealedChunk } from './chunk.ts';
import type { Database } from './database.ts';
import { closeSession } from './head-row.ts';
import type { StoredJournal } from './journal.ts';
import { isOutage } from './outage.ts';
import { Partitions } from './partitions.ts';
import { STOPPED } from './recordings.ts';
import { insertChunks } from './shipper.ts';
import type { SpoolRecord } from './spool-segment.ts';
import type { Spool } from './spool.ts';

export interface RecoveryOptions {
  readonly database: Database;
  readonly spool: Spool;
  readonly journal: StoredJournal;
  readonly signer: HeadSigner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** UUID of this bastion, as the sink has it. */
  readonly instanceId: string;
}

export interface Recovered {
  /** Sessions closed as failed, or given the rest of their recording. */
  readonly sessions: number;
  /** Events that only the spool had. */
  readonly events: number;
  /** Sessions in the spool that this database doesn't know; their segments are set aside. */
  readonly unclaimed: number;
}

interface SessionRow {
  readonly id: string;
  readonly owner: string;
  readonly principal: string;
  readonly source: string;
  readonly target: string;
  readonly status: 'active' | 'closed' | 'failed';
  readonly complete: boolean;
  readonly recording: RecordingMode;
}

interface Unfinished {
  readonly row: SessionRow;
  readonly builder: ChunkBuilder;
  endUs: number;
  events: number;
  /** Why nothing more can be added; null = nothing is missing. */
  fault: string | null;
}

/**
 * Call at the start, before new sessions begin. Rejects when the database goes away meanwhile; calling
 * it again is harmless. What can't be brought in for another reason stays in the spool's directory.
 */
export async function recoverRecordings(options: RecoveryOptions): Promise<Recovered> {
  const { database, spool, instanceId, logger } = options;
  await bastionSeen(database.knex, instanceId);
  const recovery = new Recovery(options);
  for await (const record of spool.leftovers()) await recovery.add(record);
  await recovery.addLost();
  const recovered = await recovery.finish();
  await spool.settleLeftovers(recovery.unclaimed);
  if (recovered.sessions + recovered.unclaimed > 0) {
    logger.info('recording.recovered', { ...recovered });
  }
  return recovered;
}

class Recovery {
  readonly #options: RecoveryOptions;
  readonly #knex: Knex;
  readonly #partitions: Partitions;
  /** null = there is nothing to do for this session. */
  readonly #sessions = new Map<string, Unfinished | null>();
  readonly unclaimed = new Set<string>();

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#knex = options.database.knex;
    this.#partitions = new Partitions(options.database.knex);
  }

  async add(record: SpoolRecord): Promise<void> {
    const known = this.#sessions.get(record.sessionId);
    const session = known === undefined ? await this.#load(record.sessionId) : known;
    if (session === null || session.fault !== null) return;
    if (record.eventNumber < session.builder.nextEvent) return;
    const decoded = decodeEventLine(record.line.toString());
    if (record.eventNumber > session.builder.nextEvent || decoded.kind === 'malformed') {
      session.fault = `the spool lacks event ${session.builder.nextEvent}`;
      return;
    }
    session.events += 1;
    session.endUs = decoded.event.atUs;
    // A copy, because the record is a view of a whole segment.
    const chunk = session.builder.add(record.eventNumber, decoded.event, Buffer.from(record.line));
    if (chunk !== null) await this.#store(session, chunk);
  }

  /** Adds the sessions that are still active without a bastion. */
  async addLost(): Promise<void> {
    const gone = ownerIsGone(this.#options.instanceId);
    const ids = await this.#knex('sessions')
      .where('status', 'active')
      .whereRaw(gone.sql, gone.bindings)
      .pluck<string[]>('id');
    for (const id of ids) if (!this.#sessions.has(id)) await this.#load(id);
  }

  async finish(): Promise<Recovered> {
    let sessions = 0;
    let events = 0;
    for (const session of this.#sessions.values()) {
      if (session === null) continue;
      const nothingNew = session.row.status !== 'active' && session.events === 0;
      if (nothingNew && session.fault === null) continue;
      const rest = session.builder.seal();
      if (rest !== null) await this.#store(session, rest);
      await this.#close(session);
      sessions += 1;
      events += session.events;
    }
    return { sessions, events, unclaimed: this.unclaimed.size };
  }

  async #load(id: string): Promise<Unfinished | null> {
    const row = await this.#knex<SessionRow>('sessions').where('id', id).first();
    if (row === undefined) {
      this.unclaimed.add(id);
      this.#options.logger.error('recording.session-unknown', { session: id });
    }
    // A complete recording may be followed by lines that were never acknowledged.
    const session = row === undefined || row.complete ? null : await this.#resume(row);
    this.#sessions.set(id, session);
    return session;
  }

  async #resume(row: SessionRow): Promise<Unfinished> {
    await this.#partitions.ensureFor(row.id);
    const last = await this.#knex<{
      session_id: string;
      seq: number;
      first_event: number;
      events: number;
      t1_us: number;
      hash: Buffer;
    }>('chunks')
      .where('session_id', row.id)
      .orderBy('seq', 'desc')
      .first();
    const shippedEvent = last === undefined ? 0 : last.first_event + last.events - 1;
    const place = {
      seq: (last?.seq ?? 0) + 1,
      event: shippedEvent + 1,
      prevHash: last?.hash.toString('hex') ?? CHAIN_START,
    };
    const builder = new ChunkBuilder(row.id, place);
    return { row, builder, endUs: last?.t1_us ?? 0, events: 0, fault: null };
  }

  async #store(session: Unfinished, chunk: SealedChunk): Promise<void> {
    const packed = await packLines(chunk.lines, QUALITY.calm);
    try {
      await insertChunks(this.#knex, [{ chunk, packed }]);
    } catch (error) {
      if (isOutage(error)) throw error;
      session.fault = `Postgres refuses a chunk: ${messageOf(error)}`;
    }
  }

  async #close(session: Unfinished): Promise<void> {
    const { journal, signer, clock, spool, instanceId, logger } = this.#options;
    const { row, fault } = session;
    const ours = row.owner === instanceId;
    if (fault !== null) {
      logger.error('recording.incomplete', { session: row.id, why: fault });
      this.unclaimed.add(row.id);
    }
    // What a fault left out of Postgres must not be in the head.
    const place = fault === null ? session.builder.place : (await this.#resume(row)).builder.place;
    await closeSession(journal, signer, {
      names: row,
      place,
      status: 'failed',
      exitStatus: null,
      bytesOut: null,
      durationUs: session.endUs,
      endedAtMs: clock.nowMs(),
      why: ours ? STOPPED : 'the bastion that recorded it is gone',
      complete: fault === null && isWhole(row.recording, ours, spool.isSameBoot),
      endedBefore: row.status !== 'active',
    });
  }
}

/** Whether everything that was delivered must be in the spool or in Postgres. */
function isWhole(mode: RecordingMode, ours: boolean, isSameBoot: boolean): boolean {
  switch (mode) {
    case 'strict':
      return ours;
    case 'strict-remote':
      return true;
    case 'balanced':
      return ours && isSameBoot;
    case 'continue':
      return false;
  }
}
