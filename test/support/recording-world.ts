/** A real recorder on a real database: what recordings need, opened in one call. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidV7 } from 'uuid';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import { systemClock } from '../../server/clock.ts';
import { createHeadSigner, type HeadSigner } from '../../server/journal/signature.ts';
import { silentLogger } from '../../server/log.ts';
import type { DecidedCommand, SessionStart } from '../../server/session/ports.ts';
import { openDatabase, type Database } from '../../server/store/database.ts';
import { createJournal, type StoredJournal } from '../../server/store/journal.ts';
import type { ObjectStore } from '../../server/store/object-store.ts';
import {
  createRecordingReader,
  type StoredRecordingReader,
} from '../../server/store/recording-reader.ts';
import {
  createRecordingSink,
  type RecordingSinkOptions,
  type StoredRecordingSink,
} from '../../server/store/recordings.ts';
import { type Recovered, recoverRecordings } from '../../server/store/recovery.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../server/store/spool.ts';

export interface RecordingWorld {
  readonly database: Database;
  readonly journal: StoredJournal;
  readonly spool: Spool;
  readonly sink: StoredRecordingSink;
  readonly reader: StoredRecordingReader;
  readonly recovered: Recovered;
  readonly directory: string;
  /** Ends what runs, then closes everything. */
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly url: string;
  /** Where old chunks are. */
  readonly objects?: ObjectStore;
  /** A spool to take over; without it a new one, removed on close. */
  readonly directory?: string;
  readonly instanceId?: string;
  readonly spool?: Partial<SpoolOptions>;
  readonly sink?: Partial<
    Pick<RecordingSinkOptions, 'sealAfterMs' | 'endWaitMs' | 'remoteWaitMs' | 'checkpointEveryMs'>
  >;
}

const keys = generateKeyPairSync('ed25519');
export const signer: HeadSigner = createHeadSigner(keys.privateKey);
export const publicKey: KeyObject = keys.publicKey;

export async function openRecordingWorld(options: WorldOptions): Promise<RecordingWorld> {
  const { url, instanceId = uuidV7() } = options;
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'recordings-')));
  const logger = silentLogger;
  const clock = systemClock;
  const database = await openDatabase({
    url,
    objects: options.objects ?? null,
    homeDirectory: '/nowhere',
    logger,
  });
  const journal = createJournal({ database, clock, logger });
  const spool = await openSpool({
    directory,
    segmentBytes: 256 * 1024,
    onFailure: () => {},
    ...options.spool,
  });
  const parts = { database, spool, journal, signer, clock, logger, instanceId };
  const recovered = await recoverRecordings(parts);
  const sink = createRecordingSink({ ...parts, ...options.sink });
  return {
    database,
    journal,
    spool,
    sink,
    recovered,
    directory,
    reader: createRecordingReader(database),
    close: async () => {
      await sink.close({ deadlineMs: 20_000 });
      await spool.close();
      await database.close();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

export function sessionStart(more: Partial<SessionStart> = {}): SessionStart {
  return {
    id: uuidV7(),
    kind: 'shell',
    principal: { id: uuidV7(), name: 'alice', kind: 'human', roles: [], groups: [] },
    target: 'web1',
    login: 'deploy',
    via: 'direct',
    source: '192.0.2.7:51514',
    run: null,
    task: null,
    attribution: null,
    startedAtMs: Date.now(),
    size: { cols: 80, rows: 24 },
    term: 'xterm',
    command: null,
    policy: 'default',
    policyVersion: 1,
    recording: 'strict',
    keepDays: null,
    ...more,
  };
}

export function decidedCommand(seq: number, more: Partial<DecidedCommand> = {}): DecidedCommand {
  const text = more.text ?? `echo ${seq}`;
  return {
    seq,
    atUs: seq * 1000,
    text,
    certainty: 'exact',
    decision: {
      verdict: 'allow',
      certainty: 'exact',
      rule: null,
      reason: null,
      deciding: null,
      commands: [
        {
          argv: text.split(' '),
          text,
          via: [],
          language: 'shell',
          redirections: [],
          directory: null,
          stdinLanguage: null,
          readsInput: false,
        },
      ],
      approvers: [],
    },
    ...more,
  };
}

export async function eventsOf(
  reader: Pick<StoredRecordingReader, 'events'>,
  id: string,
): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of reader.events(id)) events.push(event);
  return events;
}
