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
  // What is wrong with it is said without showing it: it may be a secret.
  url: z.string(),
  events: z.array(event).min(1),
  format: z.enum(WEBHOOK_FORMATS).default('json'),
  secretEnv: z
    .preprocess(
      (value) => (typeof value === 'string' ? [value] : value),
      z.array(variable).min(1).max(MAX_KEYS),
    )
    .optional(),
  private: z.boolean().default(false),
});

export type WebhookShape = z.infer<typeof webhookSchema>;

export function webhookEntries(entries: Pick<Entries, 'webhooks'>): WebhookEntry[] {
  return entries.webhooks.map(({ entry }) => ({ ...entry, secretEnv: entry.secretEnv ?? [] }));
}

/** What webhooks say that can't be: adds to `problems`. */
export function checkWebhooks(entries: Pick<Entries, 'webhooks'>, problems: Problem[]): void {
  for (const { entry, path, source } of entries.webhooks) {
    const place = [...path, 'url'];
    const fault = urlFault(entry);
    if (fault !== null) {
      problems.push(source.at(place, `${pathText(place)} ${fault.what}`, fault.hint));
    }
    if (entry.format !== 'json' || entry.secretEnv !== undefined) continue;
    const message = `${pathText(path)}: messages to ${quoted(entry.name)} would be unsigned`;
    const hint =
      'add secretEnv: SALLYPORT_WEBHOOK_…, a variable with whsec_ and 32 random bytes in base64';
    problems.push(source.at(path, message, hint));
  }
}

function urlFault({
  private: isPrivate,
  url: text,
}: WebhookShape): { readonly what: string; readonly hint: string } | null {
  if (text.startsWith('env:')) {
    const isOurs = WEBHOOK_VARIABLE.test(text.slice('env:'.length));
    return isOurs
      ? null
      : { what: 'names a variable that webhooks may not read', hint: VARIABLE_HINT };
  }
  const hint = 'write https://HOST/PATH, or env:SALLYPORT_WEBHOOK_NAME';
  const url = text.length <= MAX_URL_CHARACTERS && URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    return { what: 'is no address of a web server', hint };
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return { what: 'has a user, a password or a #', hint };
  }
  if (url.protocol === 'http:' && !isPrivate) {
    return { what: 'is not https', hint: 'use https, or private: true in your own network' };
  }
  return SECRET_HOSTS.test(url.hostname)
    ? {
        what: 'stands in a file, and whoever knows it may post there',
        hint: 'put it into a variable and write env:SALLYPORT_WEBHOOK_NAME',
      }
    : null;
}
