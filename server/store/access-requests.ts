/**
 * Requests for access: asked for here, decided at the desk of approvals, and granted, ended and journalled
 * here. The row is the grant; every process reads it anew, and whoever notices first that its time is over
 * notes it.
 */
import type { Knex } from 'knex';
import {
  durationText,
  MAX_ACCESS_REASON_CHARACTERS,
  MAX_WAITING_REQUESTS,
  requestable,
  requestOptions,
  type RequestOption,
  type RequestRule,
} from '../access/access-request.ts';
import type { AttributedRun } from '../access/attribution.ts';
import type { WebhookEntry } from '../access/directory.ts';
import { permit } from '../access/permission.ts';
import type { Principal } from '../access/principal.ts';
import type { AuditEvent } from '../journal/event.ts';
import {
  accessRequestView,
  type AccessRequestObject,
  type AccessRequestRow,
} from './access-request-row.ts';
import {
  accessRow,
  commitAccess,
  endAccess,
  giveUp,
  Settled,
  settleRow,
  type AccessStores,
} from './access-settle.ts';
import type { ApprovalRow } from './approval-row.ts';
import { APPROVALS_CHANNEL } from './approval-settle.ts';
import { readTargets } from './directory.ts';
import { askThrough } from './outage.ts';
import { readRequestRules, readWebhooks } from './request-rules.ts';
import { storable } from './storable.ts';
import { readPlaces, stillGives } from './temporary-grants.ts';
import { webhookStates, type WebhookState } from './webhooks.ts';

export const MAX_REQUESTS_LISTED = 200;
/** Rows that one round looks at. */
const MAX_ROUND = 1_000;
/** An approval of a request that was never stored is given up after this. */
const ORPHANED_AFTER_MS = 60_000;

interface OpenRow extends AccessRequestRow {
  /** Decided, over or revoked; the configuration can end it as well. */
  readonly is_due: boolean;
}

export interface AccessAsk {
  readonly principal: Principal;
  readonly source: string;
  readonly target: string;
  /** null = the only one that may be asked for. */
  readonly login: string | null;
  readonly durationS: number;
  readonly reason: string;
  readonly by: AttributedRun;
}

export type AskOutcome =
  | { readonly kind: 'asked'; readonly request: AccessRequestObject; readonly url: string }
  | { readonly kind: 'no-reason' }
  | { readonly kind: 'too-many'; readonly most: number }
  | Exclude<ReturnType<typeof requestable>, { kind: 'requestable' }>;

export type EndOutcome =
  | { readonly kind: 'withdrawn' | 'ended'; readonly request: AccessRequestObject }
  /** There is none, or it isn't theirs to see. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'over'; readonly request: AccessRequestObject }
  /** Somebody else's that still waits: it is denied like anything that waits. */
  | { readonly kind: 'waiting' };

export interface StoredAccessRequests {
  /** What the configuration says may be asked for. */
  rules(): Promise<readonly RequestRule[]>;
  /** Whom it says to tell of events, and how it goes with them. */
  webhooks(): Promise<readonly (WebhookEntry & WebhookState)[]>;
  ask(ask: AccessAsk): Promise<AskOutcome>;
  /** Everything that a principal may ask for. */
  options(principal: Principal): Promise<readonly RequestOption[]>;
  /** Newest first. @param principal null = everybody's */
  list(principal: string | null, limit: number): Promise<readonly AccessRequestObject[]>;
  request(id: string): Promise<AccessRequestObject | null>;
  /** Withdraws one's own, ends it early, or revokes somebody else's. */
  end(
    id: string,
    by: { readonly principal: Principal; readonly source: string; readonly reason: string | null },
  ): Promise<EndOutcome>;
  /** Waits until it is no longer waiting. `signal` ends the wait and nothing else. */
  decided(id: string, signal: AbortSignal): Promise<AccessRequestObject | null>;
  /**
   * Brings everything up to date with decisions, the configuration and the time.
   * @returns when something is due next, milliseconds from now; null = nothing is known to be
   */
  settle(): Promise<number | null>;
}

export function createAccessRequests(options: AccessStores): StoredAccessRequests {
  return new AccessDesk(options);
}

class AccessDesk implements StoredAccessRequests {
  readonly #options: AccessStores;
  readonly #knex: Knex;

  constructor(options: AccessStores) {
    this.#options = options;
    this.#knex = options.database.knex;
  }

  rules(): Promise<readonly RequestRule[]> {
    return askThrough(() => readRequestRules(this.#knex));
  }

  async webhooks(): Promise<readonly (WebhookEntry & WebhookState)[]> {
    const [entries, states] = await askThrough(() =>
      Promise.all([readWebhooks(this.#knex), webhookStates(this.#options.database)]),
    );
    return entries.flatMap((entry) => {
      const state = states.find(({ name }) => name === entry.name);
      return state === undefined ? [] : [{ ...entry, ...state }];
    });
  }

  async ask(ask: AccessAsk): Promise<AskOutcome> {
    const { durationS, principal } = ask;
    const reason = ask.reason.trim().slice(0, MAX_ACCESS_REASON_CHARACTERS);
    const [[target], rules] = await askThrough(() =>
      Promise.all([readTargets(this.#knex, ask.target), readRequestRules(this.#knex)]),
    );
    const found = requestable(principal, target ?? null, ask.login, durationS, rules);
    if (found.kind !== 'requestable') return found;
    if (reason === '') return { kind: 'no-reason' };
    const most = MAX_WAITING_REQUESTS;
    if ((await waitingOf(this.#knex, principal.name)) >= most) return { kind: 'too-many', most };
    const { login, rule } = found;
    const nowMs = this.#options.clock.nowMs();
    const expiresAtMs = nowMs + rule.timeoutS * 1_000;
    const { approvers, fourEyes } = rule;
    const { id, url } = await this.#options.approvals.request({
      kind: 'access',
      session: null,
      principal: principal.name,
      target: ask.target,
      login,
      commandSeq: null,
      text: askedText(ask, login, rule),
      rule: null,
      reason: storable(reason),
      approvers,
      demands: [{ rule: null, approvers, minimum: rule.approvals, fourEyes, escalation: null }],
      expiresAtMs,
    });
    const row = {
      id,
      rule_id: rule.id,
      principal: principal.name,
      target: ask.target,
      login,
      channels: rule.channels,
      policy: rule.policy,
      run: ask.by.run,
      task: ask.by.task,
      attribution: ask.by.attribution,
      reason: storable(reason),
      duration_s: durationS,
      requested_at: new Date(nowMs),
      expires_at: new Date(expiresAtMs),
    };
    if (!(await this.#insert(ask, row))) {
      await giveUp(this.#options, id, 'too many requests of the same principal wait');
      return { kind: 'too-many', most };
    }
    const stored = await this.#settleOne(id);
    return stored === null
      ? { kind: 'unknown' }
      : { kind: 'asked', request: accessRequestView(stored), url };
  }

  /** @returns false = others of the same principal came first */
  async #insert(
    { by, principal, source }: AccessAsk,
    row: Omit<
      AccessRequestRow,
      'status' | 'approved_by' | `granted_${string}` | 'granted_s' | 'ends_at' | `settled_${string}`
    >,
  ): Promise<boolean> {
    const event: AuditEvent = {
      type: 'access.requested',
      principal: principal.name,
      source,
      session: null,
      target: row.target,
      data: {
        request: row.id,
        login: row.login,
        channels: row.channels,
        policy: row.policy,
        durationS: row.duration_s,
        reason: row.reason,
        run: by.run,
        task: by.task,
        attribution: by.attribution,
        expiresAt: row.expires_at.toISOString(),
      },
    };
    return commitAccess(this.#options, [event], async (trx) => {
      await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
        `access ${principal.name}`,
      ]);
      if ((await waitingOf(trx, principal.name)) >= MAX_WAITING_REQUESTS) throw new Settled();
      await trx('access_requests').insert(row);
    });
  }

  async options(principal: Principal): Promise<readonly RequestOption[]> {
    const [targets, rules] = await askThrough(() =>
      Promise.all([readTargets(this.#knex, null), readRequestRules(this.#knex)]),
    );
    return requestOptions(principal, targets, rules);
  }

  async list(principal: string | null, limit: number): Promise<readonly AccessRequestObject[]> {
    const rows = await this.#knex<AccessRequestRow>('access_requests')
      .modify((query) => principal !== null && void query.where('principal', storable(principal)))
      .orderBy([
        { column: 'requested_at', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .limit(Math.min(Math.max(limit, 1), MAX_REQUESTS_LISTED));
    return rows.map(accessRequestView);
  }

  async request(id: string): Promise<AccessRequestObject | null> {
    const row = await accessRow(this.#options, id);
    return row === null ? null : accessRequestView(row);
  }

  async end(
    id: string,
    by: { readonly principal: Principal; readonly source: string; readonly reason: string | null },
  ): Promise<EndOutcome> {
    const typed = await accessRow(this.#options, id);
    if (typed === null) return { kind: 'unknown' };
    const isOwn = typed.principal === by.principal.name;
    if (!isOwn && permit(by.principal, 'approval.decide').kind !== 'allowed') {
      return { kind: 'unknown' };
    }
    const row = (await this.#settleOne(typed.id)) ?? typed;
    if (row.status === 'waiting') {
      if (!isOwn) return { kind: 'waiting' };
      await giveUp(this.#options, row.id, by.reason ?? 'the requester withdrew it');
    } else if (row.status === 'granted') {
      const why = by.reason ?? (isOwn ? 'no longer needed' : 'revoked');
      await endAccess(this.#options, row, why, by);
    }
    const after = (await this.#settleOne(row.id)) ?? row;
    const request = accessRequestView(after);
    if (row.status === 'waiting' && after.status === 'withdrawn') {
      return { kind: 'withdrawn', request };
    }
    const isEnded = row.status === 'granted' && after.status === 'ended';
    return { kind: isEnded ? 'ended' : 'over', request };
  }

  async decided(id: string, signal: AbortSignal): Promise<AccessRequestObject | null> {
    let wake = (): void => {};
    const unlisten = await this.#options.database.listen(APPROVALS_CHANNEL, () => wake());
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        const woken = new Promise<void>((resolve) => (wake = resolve));
        const row = await askThrough(() => this.#settleOne(id));
        if (row === null) return null;
        if (row.status !== 'waiting' || signal.aborted) return accessRequestView(row);
        const leftMs = row.expires_at.getTime() - this.#options.clock.nowMs();
        const timer = setTimeout(() => wake(), Math.min(Math.max(leftMs, 1), LOOK_AGAIN_MS));
        await woken;
        clearTimeout(timer);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      unlisten();
    }
  }

  async settle(): Promise<number | null> {
    const nowMs = this.#options.clock.nowMs();
    const { rows } = await this.#knex.raw<{ rows: readonly OpenRow[] }>(
      `select asked.*, asked.status = 'waiting' or asked.ends_at <= now()
         or approvals.revoked_at is not null as is_due
       from access_requests as asked left join approvals on approvals.id = asked.id
       where asked.status = 'granted' or (asked.status = 'waiting'
         and (approvals.status <> 'waiting' or asked.expires_at <= ?))
       order by asked.requested_at limit ${MAX_ROUND}`,
      [new Date(nowMs)],
    );
    if (rows.length > 0) {
      const places = await readPlaces(this.#knex, rows);
      const rules = await readRequestRules(this.#knex);
      const stands = (row: OpenRow): boolean =>
        rules.some((rule) => rule.id === row.rule_id && stillGives(rule, places, row));
      for (const row of rows) {
        if (row.is_due || !stands(row)) await settleRow(this.#options, row, places, rules);
      }
    }
    const orphans = await this.#knex<ApprovalRow>('approvals')
      .where({ kind: 'access', status: 'waiting' })
      .where('requested_at', '<', new Date(nowMs - ORPHANED_AFTER_MS))
      .whereNotExists(
        this.#knex('access_requests').whereRaw('access_requests.id = approvals.id').select('id'),
      )
      .limit(MAX_ROUND)
      .select('id');
    for (const { id } of orphans) await giveUp(this.#options, id, 'it was never stored');
    const { rows: due } = await this.#knex.raw<{ rows: readonly { due_ms: number | null }[] }>(
      `select min(extract(epoch from case status when 'granted' then ends_at else expires_at end
                  - now()))::float8 * 1000 as due_ms
       from access_requests where status in ('waiting', 'granted')`,
    );
    const dueMs = due[0]?.due_ms ?? null;
    return dueMs === null ? null : Math.max(0, dueMs);
  }

  async #settleOne(id: string): Promise<AccessRequestRow | null> {
    const row = await accessRow(this.#options, id);
    if (row === null) return null;
    if (row.status !== 'waiting' && row.status !== 'granted') return row;
    const places = await readPlaces(this.#knex, [row]);
    await settleRow(this.#options, row, places, await readRequestRules(this.#knex));
    return accessRow(this.#options, row.id);
  }
}

/** How often a request that somebody waits for is looked at without a notification. */
const LOOK_AGAIN_MS = 3_000;

async function waitingOf(knex: Knex, principal: string): Promise<number> {
  const { rows } = await knex.raw<{ rows: readonly { count: number }[] }>(
    `select count(*)::int as count from access_requests where principal = ? and status = 'waiting'`,
    [storable(principal)],
  );
  return rows[0]?.count ?? 0;
}

/** What approvers read in one line. */
function askedText(ask: AccessAsk, login: string, { channels, policy }: RequestRule): string {
  const { attribution, run, task } = ask.by;
  const place = `access to ${login}@${ask.target} for ${durationText(ask.durationS)}`;
  const runs = [
    ...(run === null ? [] : [`run ${run}`]),
    ...(task === null ? [] : [`task ${task}`]),
  ];
  const said = runs.length === 0 ? '' : `, ${runs.join(', ')} (${attribution ?? 'claimed'})`;
  return `${place}: ${channels.join(', ')} under policy ${policy}${said}`;
}
