/** The record of a running bastion: how it is written and anchored, and what is done with it afterwards. */
import { changeableSigner, KEYS_CHANNEL, recordingSigner } from './cli/recording-keys.ts';
import type { Closers } from './cli/closers.ts';
import type { Config } from './config/environment.ts';
import { anchorSink, coldStore, coldStoreOptions, type Stores } from './context.ts';
import { messageOf } from './errors.ts';
import type { Logger } from './log.ts';
import { startAnchoring } from './store/anchor.ts';
import { startColdRounds } from './store/cold-rounds.ts';
import { createKeyframeKeeper, type KeyframeKeeper } from './store/keyframe-keeper.ts';
import { createRecordingSink } from './store/recordings.ts';
import { recoverRecordings } from './store/recovery.ts';
import { startRetention } from './store/retention.ts';
import { createSearchKeeper } from './store/search-keeper.ts';
import { openSpool } from './store/spool.ts';

/** How long the recorder may take to ship what it has at the end, milliseconds. */
const SHIP_TIMEOUT_MS = 10_000;

type Signer = ReturnType<typeof changeableSigner>;

export interface Recorder {
  readonly recordings: ReturnType<typeof createRecordingSink>;
  /** Follows the key that recordings are signed with. */
  readonly signer: Signer;
}

/** Resolves when everything that an earlier process left is recovered. */
export async function startRecorder(
  { clock, database, home, journal }: Stores,
  config: Config,
  logger: Logger,
  closers: Closers,
): Promise<Recorder> {
  const spool = await openSpool({
    directory: home.path('spool'),
    onFailure: (error) => logger.error('spool failed', { why: messageOf(error) }),
  });
  closers.add('spool', () => spool.close());
  const signer = changeableSigner(await recordingSigner(home));
  const reloadKey = (): void => {
    recordingSigner(home).then(
      (one) => signer.change(one),
      (error: unknown) => logger.error('recording key not read', { why: messageOf(error) }),
    );
  };
  await database.listen(KEYS_CHANNEL, reloadKey);
  const recording = {
    database,
    spool,
    journal,
    signer,
    clock,
    logger,
    instanceId: home.instanceId(),
  };
  const sink = anchorSink(config, clock);
  if (sink !== null) {
    const anchoring = startAnchoring({ database, signer, sink, clock, logger });
    closers.add('anchor', () => anchoring.close());
  }
  await recoverRecordings(recording);
  const recordings = createRecordingSink(recording);
  closers.add('recorder', () => recordings.close({ deadlineMs: SHIP_TIMEOUT_MS }));
  return { recordings, signer };
}

/** Moves, deletes and indexes what is recorded, for as long as the bastion runs. */
export async function startUpkeep(
  stores: Stores,
  signer: Signer,
  config: Config,
  logger: Logger,
  closers: Closers,
): Promise<{ readonly keyframes: KeyframeKeeper }> {
  const { clock, database, home, journal } = stores;
  startColdMoves(stores, config, logger, closers);
  const objects = coldStore(config);
  const retention = startRetention({ database, journal, signer, clock, logger, objects });
  closers.add('retention', () => retention.close());
  const threads = { database, objects: coldStoreOptions(config), logger };
  const keyframes = await createKeyframeKeeper({ ...threads, instanceId: home.instanceId() });
  closers.add('keyframes', () => keyframes.close());
  const searching = await createSearchKeeper(threads);
  closers.add('search', () => searching.close());
  return { keyframes };
}

/** Old recordings go to the object store, where there is one and this process may. */
function startColdMoves(
  { clock, database, journal }: Stores,
  config: Config,
  logger: Logger,
  closers: Closers,
): void {
  const { cold } = config.record;
  const objects = coldStore(config);
  if (cold === null || objects === null) return;
  const { owner } = database;
  if (owner === null) {
    logger.warn('recordings.cold-by-others', { why: 'SALLYPORT_DATABASE_OWNER_URL is not set' });
    return;
  }
  const { afterDays } = cold;
  const rounds = startColdRounds({
    owner,
    objects,
    clock,
    afterDays,
    journal,
    logger,
    source: null,
  });
  closers.add('cold recordings', () => rounds.close());
}
