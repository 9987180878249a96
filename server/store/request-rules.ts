/** What may be asked for and who is told of events, as the configuration says it. */
import { isDeepStrictEqual } from 'node:util';
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { durationText, type RequestRule } from '../access/access-request.ts';
import type { DirectoryChange, RequestEntry, WebhookEntry } from '../access/directory.ts';
import { grantOf, type GrantRow } from './directory.ts';
import { storable } from './storable.ts';

interface RuleRow extends GrantRow {
  readonly max_duration_s: number;
  readonly timeout_s: number;
  readonly approvers: readonly string[];
  readonly approvals: number;
  readonly four_eyes: boolean;
}

/** All rules in the order of the configuration. */
export async function readRequestRules(knex: Knex): Promise<readonly RequestRule[]> {
  const rows: readonly RuleRow[] = await knex('request_rules').orderBy('place').select('*');
  return rows.map(ruleOf);
}

/** @param row with all columns of `request_rules` */
export function ruleOf(row: RuleRow): RequestRule {
  return {
    ...grantOf(row),
    maxDurationS: row.max_duration_s,
    timeoutS: row.timeout_s,
    approvers: row.approvers,
    approvals: row.approvals,
    fourEyes: row.four_eyes,
  };
}

/** A rule that says something else gets another id, so that what was granted by the old one ends. */
export async function applyRequests(
  knex: Knex,
  entries: readonly RequestEntry[],
  changes: DirectoryChange[],
): Promise<void> {
  const left = [...(await readRequestRules(knex))];
  for (const [place, entry] of entries.entries()) {
    const wanted: RequestEntry = {
      ...entry,
      principals: entry.principals.map(storable),
      targets: entry.targets.map(storable),
      logins: entry.logins.map(storable),
      channels: [...entry.channels],
      policy: storable(entry.policy),
      forward: entry.forward.map(storable),
      approvers: entry.approvers.map(storable),
    };
    const index = left.findIndex((rule) => isDeepStrictEqual(rule, { ...wanted, id: rule.id }));
    const [same] = index === -1 ? [] : left.splice(index, 1);
    if (same !== undefined) {
      await knex('request_rules').where('id', same.id).whereNot('place', place).update({ place });
      continue;
    }
    const { fourEyes, keepDays, keepFiles, maxDurationS, timeoutS, ...columns } = wanted;
    await knex('request_rules').insert({
      id: uuidv7(),
      place,
      ...columns,
      keep_days: keepDays,
      keep_files: keepFiles,
      max_duration_s: maxDurationS,
      timeout_s: timeoutS,
      four_eyes: fourEyes,
    });
    changes.push({ object: 'request', name: requestName(wanted), change: 'added' });
  }
  const gone = left.map(({ id }) => id);
  await knex('request_rules').whereIn('id', gone).delete();
  for (const rule of left) {
    changes.push({ object: 'request', name: requestName(rule), change: 'removed' });
  }
}

function requestName(entry: RequestEntry): string {
  const { approvals, approvers, maxDurationS, principals, targets } = entry;
  const who = approvers.length === 0 ? 'any approver' : approvers.join(', ');
  const said = [`up to ${durationText(maxDurationS)}`, `approved by ${approvals} of ${who}`];
  return `${principals.join(', ')} → ${targets.join(', ')} (${said.join(', ')})`;
}

/** Everybody who is told, by name. */
export async function readWebhooks(knex: Knex): Promise<readonly WebhookEntry[]> {
  const rows: readonly (Omit<WebhookEntry, 'secretEnv'> & {
    readonly secret_env: readonly string[];
  })[] = await knex('webhooks')
    .orderBy('name')
    .select('name', 'url', 'events', 'format', 'secret_env', 'private');
  return rows.map(({ secret_env: secretEnv, ...row }) => ({ ...row, secretEnv }));
}

/** Whom the document doesn't name stays; see `pruneWebhooks`. */
export async function applyWebhooks(
  knex: Knex,
  entries: readonly WebhookEntry[],
  changes: DirectoryChange[],
): Promise<void> {
  const known = new Map((await readWebhooks(knex)).map((one) => [one.name, one]));
  for (const entry of entries) {
    const wanted: WebhookEntry = {
      ...entry,
      name: storable(entry.name),
      url: storable(entry.url),
      events: entry.events.map(storable),
      secretEnv: entry.secretEnv.map(storable),
    };
    const stored = known.get(wanted.name);
    if (isDeepStrictEqual(stored, wanted)) continue;
    const { secretEnv, ...columns } = wanted;
    // Whoever is new is told of what happens from now on; whoever has moved is tried again at once.
    await knex('webhooks')
      .insert({
        ...columns,
        secret_env: secretEnv,
        seen_seq: knex.raw('(select seq from journal_head)'),
      })
      .onConflict('name')
      .merge({ ...columns, secret_env: secretEnv, rest_until: null, failures: 0 });
    const change = stored === undefined ? 'added' : 'changed';
    changes.push({ object: 'webhook', name: wanted.name, change });
  }
}

/** Removes whom the document doesn't name. @returns the names */
export async function pruneWebhooks(
  knex: Knex,
  entries: readonly WebhookEntry[],
): Promise<readonly { readonly name: string }[]> {
  return knex('webhooks')
    .whereNotIn(
      'name',
      entries.map(({ name }) => storable(name)),
    )
    .delete()
    .returning<{ name: string }[]>('name');
}
