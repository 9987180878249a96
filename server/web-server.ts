/** The web server of a running bastion: what its routes ask for, brought together from the stores. */
import type { Closers } from './cli/closers.ts';
import { publicKeyOf } from './cli/recording-keys.ts';
import { createDirectoryDesk } from './config/directory-desk.ts';
import type { Config } from './config/environment.ts';
import type { Stores } from './context.ts';
import { startHttp, type HttpServer } from './http/app.ts';
import type { HttpOptions } from './http/options.ts';
import type { Logger } from './log.ts';
import { createPolicyDesk } from './policy-trial.ts';
import { isSignedBy } from './ssh/key-signature.ts';
import { parsePublicLine } from './ssh/key.ts';
import { readPrincipals } from './store/directory.ts';
import { JOURNAL_CHANNEL } from './store/journal.ts';
import { createKeptFiles } from './store/kept-files.ts';
import type { KeyframeKeeper } from './store/keyframe-keeper.ts';
import { createLiveSignals } from './store/live.ts';
import { createLockouts } from './store/lockouts.ts';
import { isOutage } from './store/outage.ts';
import { createOverview } from './store/overview.ts';
import { createReviews } from './store/reviews.ts';
import { createRuleHits } from './store/rule-hits.ts';
import { createRuns } from './store/runs.ts';
import { createSavedFilters } from './store/saved-filters.ts';
import { createPages } from '../web/index.ts';

export interface WebOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  readonly keyframes: KeyframeKeeper;
  /** Whether ssh is served: after the start, and until the bastion drains. */
  readonly isReady: () => boolean;
  /** See HttpOptions. */
  readonly metrics: HttpOptions['metrics'];
}

/** Resolves when listening. Rejects with `listen.failed`. */
export async function startWeb(
  stores: Stores,
  options: WebOptions,
  closers: Closers,
): Promise<HttpServer> {
  const { config, isReady, keyframes, logger, metrics, version } = options;
  const { clock, database, home, journal } = stores;
  const live = await createLiveSignals(database, logger);
  closers.add('live views', async () => live.close());
  const http = await startHttp({
    listen: config.http,
    publicUrl: config.publicUrl,
    recordings: {
      ...stores.recordings,
      prepare: (id) => keyframes.prepare(id),
      watch: (id, onNews) => live.watch(id, onNews),
    },
    overview: createOverview(database, clock),
    policyDesk: createPolicyDesk({
      hits: createRuleHits(database),
      policies: () => stores.directoryObjects.list('policies'),
      principals: () => readPrincipals(database.knex),
      targets: () => stores.directory.allTargets(),
      clock,
    }),
    savedFilters: createSavedFilters(database),
    reviews: createReviews({ database, journal, clock }),
    newsSource: {
      watch: (onNews) => database.listen(JOURNAL_CHANNEL, onNews),
    },
    runs: createRuns(database),
    search: stores.search,
    signIns: stores.tokens,
    lockouts: createLockouts(database),
    issuerDesk: stores.issuerDesk,
    tokens: stores.tokenDesk,
    approvals: stores.approvals,
    access: stores.accessRequests,
    audit: journal,
    controls: stores.controls,
    readiness: async () => {
      const answer = await database.knex.raw('select 1').then(
        () => 'ok',
        () => 'unreachable',
      );
      return {
        ready: isReady() && answer === 'ok',
        checks: { database: answer, ssh: isReady() ? 'ok' : 'stopping' },
      };
    },
    isOutage,
    metrics,
    pages: await createPages(),
    recordingKey: (keyId) => publicKeyOf(home, keyId),
    files: createKeptFiles(database),
    holds: stores.holds,
    shortKeys: stores.shortKeys,
    clientSignIns: {
      links: stores.links,
      devices: stores.devices,
      keys: stores.rememberedKeys,
      rememberMs: config.links.rememberMs,
      signed: isSignedBy,
    },
    directory: stores.directoryObjects,
    directoryEdits: createDirectoryDesk(stores),
    parsePublicKey: parsePublicLine,
    logger,
    clock,
    version,
  });
  closers.add('web', () => http.close());
  return http;
}
