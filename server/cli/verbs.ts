/** Every verb of the command line, in the order in which the usage text lists them. */
import { approvalVerbs } from './approvals.ts';
import { configurationVerbs } from './configuration.ts';
import { credentialVerbs } from './credentials.ts';
import { demoTarget } from './demo-target.ts';
import { doctor } from './doctor.ts';
import { journalVerbs } from './journal.ts';
import { policyTest } from './policy-verb.ts';
import { serve } from './serve.ts';
import { sessionVerbs } from './sessions.ts';
import { migrate, tokenCreate } from './upkeep.ts';
import type { Verb } from './verb.ts';
import { verify } from './verify.ts';

/** Verbs that only Sallyport itself runs. */
const INTERNAL: readonly Verb[] = [demoTarget];

const PUBLIC: readonly Verb[] = [
  serve,
  ...configurationVerbs,
  doctor,
  migrate,
  tokenCreate,
  ...credentialVerbs,
  ...sessionVerbs,
  verify,
  ...approvalVerbs,
  ...journalVerbs,
  policyTest,
];

export const VERBS: readonly Verb[] = [...PUBLIC, ...INTERNAL];

export function usageText(): string {
  const rows = PUBLIC.map((verb) => [`${verb.name} ${verb.usage}`.trim(), verb.summary] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return [
    'npx sallyport VERB [--json]',
    '',
    ...lines,
    '',
    'Exit status: 0 ok, 1 negative answer, 2 usage or configuration error.',
    '',
  ].join('\n');
}
