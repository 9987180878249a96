/**
 * Entries of `webhooks:`: who is told of which events.
 * Not caught here: whether a receiver answers, and whether variables of the environment are set; `doctor` says.
 */
import { z } from 'zod';
import { WEBHOOK_FORMATS, type WebhookEntry } from '../access/directory.ts';
import { isEventPattern, WEBHOOK_EVENTS } from '../journal/webhook-events.ts';
import type { Entries } from './entries.ts';
import { nearestName } from './nearest.ts';
import { pathText, quoted, type Problem } from './problem.ts';
import { checked, policyNameSchema as nameSchema } from './schema.ts';
import { WEBHOOK_VARIABLE } from './webhook-variables.ts';

const VARIABLE_HINT = 'name a variable that begins with SALLYPORT_WEBHOOK_, in capitals';
const MAX_URL_CHARACTERS = 2_000;
/** Keys by which one message is signed at once. */
const MAX_KEYS = 4;
/** Whoever knows such an address may post there. */
const SECRET_HOSTS =
  /(^|\.)(hooks\.slack\.com|webhook\.office\.com|logic\.azure\.com|powerplatform\.com)$/;

const webhookUrl = checked((value) => {
  if (value.startsWith('env:')) {
    return WEBHOOK_VARIABLE.test(value.slice('env:'.length)) ? null : `env: ${VARIABLE_HINT}`;
  }
  if (value.length > MAX_URL_CHARACTERS || !URL.canParse(value)) {
    return 'write https://HOST/PATH, or env:SALLYPORT_WEBHOOK_NAME';
  }
  const { hash, hostname, password, protocol, username } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return 'use https';
  if (username !== '' || password !== '')
    return 'leave user and password out: keys sign the message';
  if (hash !== '') return 'leave the # out';
  return SECRET_HOSTS.test(hostname)
    ? 'whoever knows this address may post there: put it into a variable and write env:SALLYPORT_WEBHOOK_NAME'
    : null;
});
const event = checked((value) => {
  if (isEventPattern(value)) return null;
  const nearest = nearestName(value, WEBHOOK_EVENTS);
  return nearest === null
    ? 'use a type of the journal, command.denied, or a group such as approval.*'
    : `did you mean ${nearest}?`;
});
const variable = checked((value) => (WEBHOOK_VARIABLE.test(value) ? null : VARIABLE_HINT));

export const webhookSchema = z.strictObject({
  name: nameSchema,
  url: webhookUrl,
  events: z.array(event).min(1),
  format: z.enum(WEBHOOK_FORMATS).default('json'),
  secretEnv: z.union([variable, z.array(variable).min(1).max(MAX_KEYS)]).optional(),
  private: z.boolean().default(false),
});

export type WebhookShape = z.infer<typeof webhookSchema>;

export function webhookEntries(entries: Pick<Entries, 'webhooks'>): WebhookEntry[] {
  return entries.webhooks.map(({ entry }) => ({
    ...entry,
    secretEnv: secretsOf(entry),
  }));
}

/** What webhooks say that can't be: adds to `problems`. */
export function checkWebhooks(entries: Pick<Entries, 'webhooks'>, problems: Problem[]): void {
  for (const located of entries.webhooks) {
    const { entry, path, source } = located;
    if (entry.format === 'json' && secretsOf(entry).length === 0) {
      const message = `${pathText(path)}: messages to ${quoted(entry.name)} would be unsigned`;
      const hint =
        'add secretEnv: SALLYPORT_WEBHOOK_…, a variable with whsec_ and 32 random bytes in base64';
      problems.push(source.at(path, message, hint));
    }
    if (entry.url.startsWith('http:') && !entry.private) {
      const message = `${pathText([...path, 'url'])} is not https`;
      problems.push(
        source.at([...path, 'url'], message, 'use https, or private: true in your own network'),
      );
    }
  }
}

function secretsOf({ secretEnv }: WebhookShape): readonly string[] {
  if (secretEnv === undefined) return [];
  return typeof secretEnv === 'string' ? [secretEnv] : secretEnv;
}
