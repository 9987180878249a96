/** Every verb of the command line, in the order in which the usage text lists them. */
import { approvalVerbs } from './approvals.ts';
import { sessionsMoveCold } from './cold.ts';
import { configurationVerbs } from './configuration.ts';
import { controlVerbs } from './control.ts';
import { credentialVerbs } from './credentials.ts';
import { demoTarget } from './demo-target.ts';
import { doctor } from './doctor.ts';
import { journalVerbs } from './journal.ts';
import { keyVerbs } from './keys.ts';
import { principalVerbs } from './principals.ts';
import { loginVerbs } from './login.ts';
import { policyTest } from './policy-verb.ts';
import { searchVerbs } from './search.ts';
import { retentionVerbs } from './retention.ts';
import { serve } from './serve.ts';
import { sessionFile } from './session-files.ts';
import { sshKeyVerbs } from './ssh-keys.ts';
import { sessionVerbs } from './sessions.ts';
import { tokenVerbs } from './tokens.ts';
import { migrate } from './upkeep.ts';
import { versionVerbs } from './versions.ts';
import { vaultVerbs } from './vault.ts';
import type { Verb } from './verb.ts';
import { verify } from './verify.ts';

/** Verbs that only Sallyport itself runs. */
const INTERNAL: readonly Verb[] = [demoTarget];

const PUBLIC: readonly Verb[] = [
  serve,
  ...configurationVerbs,
  ...versionVerbs,
  doctor,
  migrate,
  ...tokenVerbs,
  ...principalVerbs,
  ...loginVerbs,
  ...sshKeyVerbs,
  ...credentialVerbs,
  ...vaultVerbs,
  ...sessionVerbs,
  ...controlVerbs,
  sessionFile,
  ...searchVerbs,
  sessionsMoveCold,
  ...retentionVerbs,
  ...keyVerbs,
  verify,
  ...approvalVerbs,
  ...journalVerbs,
  policyTest,
];

export const VERBS: readonly Verb[] = [...PUBLIC, ...INTERNAL];

/** Every verb with its usage, and below it what it does. */
export function usageText(): string {
  const lines = PUBLIC.flatMap((verb) => [
    `  ${verb.name} ${verb.usage}`.trimEnd(),
    `      ${verb.summary}`,
  ]);
  return [
    'npx sallyport VERB [--json]',
    '',
    ...lines,
    '',
    'Exit status: 0 ok, 1 negative answer, 2 usage or configuration error.',
    '',
  ].join('\n');
}
