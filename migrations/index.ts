/**
 * The list of migrations, in order. Names carry no file extension, so that a database that was migrated
 * from source is recognised by a compiled build. Never rename or reorder an entry; append.
 */
import type { Knex } from 'knex';
import * as identities from './0001_identities.ts';
import * as targets from './0002_targets.ts';
import * as recordings from './0003_recordings.ts';
import * as journalApprovals from './0004_journal_approvals.ts';
import * as shellIntegration from './0005_shell_integration.ts';
import * as recordingModes from './0006_recording_modes.ts';
import * as search from './0007_search.ts';
import * as retention from './0008_retention.ts';
import * as keyframes from './0009_keyframes.ts';
import * as coldChunks from './0010_cold_chunks.ts';
import * as filesAndForwards from './0011_files_and_forwards.ts';
import * as certificates from './0012_certificates.ts';
import * as signingAuthorities from './0013_signing_authorities.ts';
import * as keptFiles from './0014_kept_files.ts';
import * as masks from './0015_masks.ts';
import * as identitiesOfIssuers from './0016_identities_of_issuers.ts';
import * as lockedPrincipals from './0017_locked_principals.ts';
import * as securityTokens from './0018_security_tokens.ts';
import * as signIns from './0019_sign_ins.ts';
import * as links from './0020_links.ts';
import * as directoryVersions from './0021_directory_versions.ts';
import * as approvalTerms from './0022_approval_terms.ts';
import * as accessAndWebhooks from './0023_access_and_webhooks.ts';
import * as lockouts from './0025_lockouts.ts';
import * as sessionControls from './0026_session_controls.ts';
import * as runs from './0027_runs.ts';
import * as sessionLists from './0028_session_lists.ts';
import * as sessionReviews from './0029_session_reviews.ts';

export interface NamedMigration {
  readonly name: string;
  readonly migration: Knex.Migration;
}

export const MIGRATIONS: readonly NamedMigration[] = [
  { name: '0001_identities', migration: identities },
  { name: '0002_targets', migration: targets },
  { name: '0003_recordings', migration: recordings },
  { name: '0004_journal_approvals', migration: journalApprovals },
  { name: '0005_shell_integration', migration: shellIntegration },
  { name: '0006_recording_modes', migration: recordingModes },
  { name: '0007_search', migration: search },
  { name: '0008_retention', migration: retention },
  { name: '0009_keyframes', migration: keyframes },
  { name: '0010_cold_chunks', migration: coldChunks },
  { name: '0011_files_and_forwards', migration: filesAndForwards },
  { name: '0012_certificates', migration: certificates },
  { name: '0013_signing_authorities', migration: signingAuthorities },
  { name: '0014_kept_files', migration: keptFiles },
  { name: '0015_masks', migration: masks },
  { name: '0016_identities_of_issuers', migration: identitiesOfIssuers },
  { name: '0017_locked_principals', migration: lockedPrincipals },
  { name: '0018_security_tokens', migration: securityTokens },
  { name: '0019_sign_ins', migration: signIns },
  { name: '0020_links', migration: links },
  { name: '0021_directory_versions', migration: directoryVersions },
  { name: '0022_approval_terms', migration: approvalTerms },
  { name: '0023_access_and_webhooks', migration: accessAndWebhooks },
  { name: '0025_lockouts', migration: lockouts },
  { name: '0026_session_controls', migration: sessionControls },
  { name: '0027_runs', migration: runs },
  { name: '0028_session_lists', migration: sessionLists },
  { name: '0029_session_reviews', migration: sessionReviews },
];
