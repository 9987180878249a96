/**
 * Grants for a time: requests that were granted, as long as their time lasts, the rule that they were asked
 * for by still stands, and it still names principal and target as these are now.
 */
import type { Knex } from 'knex';
import { fits, type RequestRule } from '../access/access-request.ts';
import type { GrantRule } from '../access/grant.ts';
import type { Principal } from '../access/principal.ts';
import type { Target } from '../access/target.ts';
import type { Directory } from '../session/ports.ts';
import type { Database } from './database.ts';
import { PRINCIPAL_COLUMNS, principalOf, readTargets, type PrincipalRow } from './directory.ts';
import { askThrough } from './outage.ts';
import { ruleOf } from './request-rules.ts';

type RuleRow = Parameters<typeof ruleOf>[0];

/** Grants for a time that count at once; more are left out, the oldest first. */
const MAX_GRANTED = 10_000;

interface GrantedRow extends RuleRow {
  readonly request: string;
  readonly principal: string;
  readonly target: string;
  readonly login: string;
  readonly approved_by: readonly string[];
  readonly ends_at: Date;
  readonly left_ms: number;
}

/** Newest first. In front of the grants of the configuration: what was approved just now is what is meant. */
export async function readTemporaryGrants(knex: Knex): Promise<readonly GrantRule[]> {
  const { rows } = await knex.raw<{ rows: readonly GrantedRow[] }>(
    `select request_rules.*, asked.id as request, asked.principal, asked.target, asked.login,
       asked.approved_by, asked.ends_at,
       extract(epoch from asked.ends_at - now())::float8 * 1000 as left_ms
     from access_requests as asked join request_rules on request_rules.id = asked.rule_id
     where asked.status = 'granted' and asked.ends_at > now()
     order by asked.granted_at desc, asked.id limit ${MAX_GRANTED}`,
  );
  if (rows.length === 0) return [];
  const places = await readPlaces(knex, rows);
  return rows.flatMap((row): GrantRule[] => {
    const rule = ruleOf(row);
    if (!stillGives(rule, places, row)) return [];
    const { channels, files, forward, keepDays, keepFiles, policy, recording } = rule;
    return [
      {
        id: `access:${row.request}`,
        principals: [row.principal],
        targets: [row.target],
        logins: [row.login],
        channels,
        policy,
        keepDays,
        recording,
        files,
        keepFiles,
        forward,
        access: {
          request: row.request,
          approvedBy: row.approved_by,
          endsAt: row.ends_at.toISOString(),
          leftMs: Math.max(0, row.left_ms),
        },
      },
    ];
  });
}

/** Principals that are enabled, and targets, as they are now. */
export interface Places {
  readonly principals: ReadonlyMap<string, Principal>;
  readonly targets: ReadonlyMap<string, Target>;
}

export async function readPlaces(
  knex: Knex,
  rows: readonly { readonly principal: string; readonly target: string }[],
): Promise<Places> {
  const found = await knex('principals')
    .whereIn('name', [...new Set(rows.map(({ principal }) => principal))])
    .whereNull('disabled_at')
    .select<PrincipalRow[]>(PRINCIPAL_COLUMNS);
  const targets = await readTargets(knex, null);
  return {
    principals: new Map(found.map((row) => [row.name, principalOf(row)])),
    targets: new Map(targets.map((one) => [one.name, one])),
  };
}

/** Whether a rule still gives somebody this login, as all of them are now. */
export function stillGives(
  rule: RequestRule,
  { principals, targets }: Places,
  asked: { readonly principal: string; readonly target: string; readonly login: string },
): boolean {
  const principal = principals.get(asked.principal);
  const target = targets.get(asked.target);
  return (
    principal !== undefined &&
    target !== undefined &&
    rule.logins.includes(asked.login) &&
    target.logins.some(({ name }) => name === asked.login) &&
    fits(rule, principal, target)
  );
}

/** The directory with the grants for a time in front of those of the configuration. */
export function withTemporaryGrants<T extends Pick<Directory, 'grantRules'>>(
  directory: T,
  { knex }: Pick<Database, 'knex'>,
): T {
  return {
    ...directory,
    grantRules: async () => {
      const [temporary, configured] = await Promise.all([
        askThrough(() => readTemporaryGrants(knex)),
        directory.grantRules(),
      ]);
      return [...temporary, ...configured];
    },
  };
}
