/**
 * Approvals: requests that wait for people, and the desk where they are decided. Waiting is by
 * notification and a deadline; the row alone says what was decided, and only once.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Demand } from '../access/approval-demands.ts';
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { AuditEvent } from '../journal/event.ts';
import type {
  ApprovalOutcome,
  ApprovalRequest,
  Approvals,
  RequestedApproval,
} from '../session/ports.ts';
import {
  approvalBackground,
  approvalChanges,
  lastPlace,
  type ApprovalChange,
} from './approval-background.ts';
import {
  APPROVAL_COLUMNS,
  approvalView,
  type ApprovalObject,
  type ApprovalRow,
} from './approval-row.ts';
import {
  approvalRow,
  APPROVALS_CHANNEL,
  commit,
  giveUp,
  notify,
  Settled,
  type ApprovalStores,
} from './approval-settle.ts';
import {
  decideApproval,
  escalate,
  standingTowards,
  votesOn,
  type ApprovalStanding,
  type DecidedBy,
  type DeskOutcome,
} from './approval-votes.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import { askThrough, outageReason, retryDelayMs } from './outage.ts';
import {
  passByStanding,
  revokeStanding,
  standingApprovals,
  type RevokeOutcome,
} from './standing-approvals.ts';
import { isUuid } from './query-text.ts';
import { storable, storableJson } from './storable.ts';

/** Digits and letters that nobody takes for one another. */
export const ID_ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz';
export const ID_CHARACTERS = 6;
const MAX_ID_ATTEMPTS = 10;
export const MAX_LISTED = 500;
/** How often a row is looked at that nobody was notified about: that shows that the database is away. */
export const LOOK_EVERY_MS = 3000;
/** How long the database may be away before what waits is refused. */
export const OUTAGE_WAIT_MS = 10_000;
/** Attempts to cancel an approval after that, 2 s apart. */
const MAX_CANCEL_ATTEMPTS = 1000;
/** What an abort without a reason of its own means. */
const GIVEN_UP = 'whoever asked gave up or went away';
/** Nobody is left to run what waited when a bastion ends. */
const RESTARTED = 'the bastion was restarted while it waited';

export interface StoredApprovals extends Approvals {
  /** Newest first. @param query.uses left out = also what passed by an earlier approval */
  listApprovals(query: {
    readonly status?: ApprovalObject['status'];
    readonly uses?: false;
    readonly session?: string;
    readonly limit: number;
  }): Promise<readonly ApprovalObject[]>;
  approval(id: string): Promise<ApprovalObject | null>;
  /** First decision wins. Rejects with `journal.failed`; nothing is decided then. */
  decide(id: string, decision: 'approved' | 'refused', by: DecidedBy): Promise<DeskOutcome>;
  /** What counts for more than once. */
  standing(limit: number): Promise<readonly ApprovalObject[]>;
  revoke(id: string, by: DecidedBy): Promise<RevokeOutcome>;
  /** Waits for the end of somebody else's waiting, without ending it. null = `signal` came first, or it is unknown. */
  decided(id: string, signal: AbortSignal): Promise<ApprovalObject | null>;
  /** Calls back with the id whenever an approval has changed, and with '' when that may have been missed. */
  watch(onChange: (id: string) => void): Promise<() => void>;
  /** What else is known of a request; null = there is none. */
  background(id: string): ReturnType<typeof approvalBackground>;
  changes(after: number, limit: number): Promise<readonly ApprovalChange[]>;
  lastPlace(): Promise<number>;
  /** How somebody stands to a request, as the directory is now; null = there is no such request. */
  standingFor(id: string, principal: Principal): Promise<ApprovalStanding | null>;
  /** At the start, after recovery: cancels what waits for sessions that are over. */
  cancelStale(): Promise<void>;
}

export interface ApprovalsOptions {
  readonly database: Database;
  readonly journal: StoredJournal;
  /** Where browsers reach the web server, without a final slash; asked whenever a link is written. */
  readonly publicUrl: () => string;
  readonly clock: Clock;
}

export function createApprovals(options: ApprovalsOptions): StoredApprovals {
  return new Desk(options);
}

/** What is written of a request, columns with JSON as text. */
type NewRow = Readonly<Record<string, unknown>> &
  Pick<ApprovalRow, 'id' | 'approvers' | 'expires_at'>;

class Desk implements StoredApprovals {
  readonly #options: ApprovalsOptions;
  readonly #stores: ApprovalStores;
  readonly #knex: Knex;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
    this.#stores = options;
    this.#knex = options.database.knex;
  }

  /** See `Approvals`. */
  async request(request: ApprovalRequest): Promise<RequestedApproval> {
    for (let attempt = 1; ; attempt += 1) {
      const id = newId();
      const demands = this.#demands(request);
      const row = this.#rowOf(id, request, demands);
      const url = `${this.#options.publicUrl()}/approvals/${id}`;
      const standing = await passByStanding(this.#stores, request, row, demands);
      if (standing !== null) return { id, url, standing };
      if (await this.#insert(row, request)) return { id, url };
      if (attempt === MAX_ID_ATTEMPTS) throw new Settled('no id is free');
    }
  }

  /** See `Approvals`; never rejects: without an answer of the database nothing is approved. */
  async outcome(id: string, signal: AbortSignal): Promise<ApprovalOutcome> {
    try {
      const reason = await this.#waited(id, signal);
      if (reason !== 'decided') {
        await giveUp(this.#stores, id, reason, reason === 'cancelled' ? whyGivenUp(signal) : null);
      }
      return outcomeOf(await approvalRow(this.#knex, id));
    } catch (error) {
      // The row still says `waiting`: nobody may approve what has been refused.
      const why = signal.aborted ? whyGivenUp(signal) : 'the database did not answer';
      void this.#cancelLater(id, why);
      if (signal.aborted) return { kind: 'cancelled', why };
      return { kind: 'unavailable', why: outageReason(error) };
    }
  }

  /** Cancels once the database answers again; never rejects. The expiry and the next start do so too. */
  async #cancelLater(id: string, why: string): Promise<void> {
    for (let failures = 1; failures <= MAX_CANCEL_ATTEMPTS; failures += 1) {
      try {
        return void (await giveUp(this.#stores, id, 'cancelled', why));
      } catch {
        await sleep(retryDelayMs(failures), null, { ref: false });
      }
    }
  }

  async listApprovals(query: {
    readonly status?: ApprovalObject['status'];
    readonly uses?: false;
    readonly session?: string;
    readonly limit: number;
  }): Promise<readonly ApprovalObject[]> {
    const found = this.#knex<ApprovalRow>('approvals')
      .select<ApprovalRow[]>(this.#knex.raw(APPROVAL_COLUMNS))
      .orderBy([
        { column: 'requested_at', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .limit(Math.min(Math.max(query.limit, 1), MAX_LISTED));
    if (query.status !== undefined) void found.where('status', query.status);
    if (query.uses === false) void found.whereNull('standing');
    if (query.session !== undefined) {
      if (!isUuid(query.session)) return [];
      void found.where('session_id', query.session);
    }
    return (await found).map((row) => approvalView(row));
  }

  async approval(id: string): Promise<ApprovalObject | null> {
    const row = await approvalRow(this.#knex, id);
    return row === null ? null : approvalView(row, await votesOn(this.#knex, row.id));
  }

  decide(id: string, decision: 'approved' | 'refused', by: DecidedBy): Promise<DeskOutcome> {
    return decideApproval(this.#stores, id, decision, by);
  }

  standing(limit: number): Promise<readonly ApprovalObject[]> {
    return standingApprovals(this.#stores, limit);
  }

  revoke(id: string, by: DecidedBy): Promise<RevokeOutcome> {
    return revokeStanding(this.#stores, id, by);
  }

  async decided(id: string, signal: AbortSignal): Promise<ApprovalObject | null> {
    const row = await approvalRow(this.#knex, id);
    if (row === null) return null;
    const reason = await this.#waited(row.id, signal);
    if (reason === 'cancelled') return null;
    if (reason === 'expired') await giveUp(this.#stores, row.id, 'expired', null);
    return this.approval(row.id);
  }

  watch(onChange: (id: string) => void): Promise<() => void> {
    return this.#options.database.listen(APPROVALS_CHANNEL, onChange);
  }

  background(id: string): ReturnType<typeof approvalBackground> {
    return approvalBackground(this.#options.database, id);
  }

  changes(after: number, limit: number): Promise<readonly ApprovalChange[]> {
    return approvalChanges(this.#options.database, after, limit);
  }

  lastPlace(): Promise<number> {
    return lastPlace(this.#options.database);
  }

  standingFor(id: string, principal: Principal): Promise<ApprovalStanding | null> {
    return standingTowards(this.#stores, id, principal);
  }

  async cancelStale(): Promise<void> {
    const { rows } = await this.#knex.raw<{ rows: readonly { readonly id: string }[] }>(
      `select id from approvals
       where status = 'waiting' and kind <> 'access' and not exists (
         select 1 from sessions where sessions.id = session_id and status = 'active')`,
    );
    for (const { id } of rows) await giveUp(this.#stores, id, 'cancelled', RESTARTED);
  }

  #demands({ approvers, demands, rule }: ApprovalRequest): readonly Demand[] {
    const nowMs = this.#options.clock.nowMs();
    const usual = { rule, approvers, minimum: 1, fourEyes: false, escalation: null };
    const asked = demands === undefined || demands.length === 0 ? [usual] : demands;
    return asked.map(({ escalation, ...demand }) => ({
      ...demand,
      escalation:
        escalation === null ? null : { atMs: nowMs + escalation.afterMs, to: escalation.to },
    }));
  }

  #rowOf(id: string, request: ApprovalRequest, demands: readonly Demand[]): NewRow {
    const { grounds = [], kind = 'command', login = null, reason, repeat = null, rule } = request;
    const escalations = demands.flatMap(({ escalation }) => escalation?.atMs ?? []);
    return {
      id,
      kind,
      session_id: request.session,
      principal: storable(request.principal),
      target: storable(request.target),
      login: login === null ? null : storable(login),
      command_seq: request.commandSeq,
      text: storable(request.text),
      rule: rule === null ? null : storable(rule),
      reason: reason === null ? null : storable(reason),
      approvers: [...new Set(demands.flatMap((one) => one.approvers))].map(storable),
      demands: JSON.stringify(storableJson(demands)),
      grounds: JSON.stringify(storableJson(grounds)),
      repeat: repeat === null ? null : JSON.stringify(storableJson(repeat)),
      requested_at: new Date(this.#options.clock.nowMs()),
      expires_at: new Date(request.expiresAtMs),
      escalate_at: escalations.length === 0 ? null : new Date(Math.min(...escalations)),
    };
  }

  /** @returns false = the id is taken */
  #insert(row: NewRow, request: ApprovalRequest): Promise<boolean> {
    const { commandSeq: seq, kind = 'command', rule, text } = request;
    const data = { id: row.id, kind, seq, text, rule, approvers: row.approvers };
    const event: AuditEvent = {
      type: 'approval.requested',
      principal: request.principal,
      source: null,
      session: request.session,
      target: request.target,
      data: { ...data, expiresAt: row.expires_at.toISOString() },
    };
    return commit(this.#stores, event, async (trx) => {
      const made: readonly unknown[] = await trx('approvals')
        .insert(row, ['id'])
        .onConflict('id')
        .ignore();
      if (made.length === 0) throw new Settled('the id is taken');
      await notify(trx, row.id);
    });
  }

  /** Waits until the approval is decided, its time is over, or the signal says that nobody waits. */
  async #waited(id: string, signal: AbortSignal): Promise<'decided' | 'expired' | 'cancelled'> {
    let wake = (): void => {};
    const unlisten = await this.watch((changed) => {
      if (changed === '' || changed === id) wake();
    });
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    let timer: NodeJS.Timeout | undefined;
    const look = (): Promise<ApprovalRow | null> =>
      askThrough(() => approvalRow(this.#knex, id), OUTAGE_WAIT_MS);
    try {
      const nextWake = (): Promise<void> => new Promise((resolve) => (wake = resolve));
      // Asked for before the row is read, so that no change falls between.
      let woken = nextWake();
      // Without a first answer nobody knows how long to wait: that counts as refused.
      let row = await look();
      for (;;) {
        if (signal.aborted) return 'cancelled';
        if (row === null || row.status !== 'waiting') return 'decided';
        const nowMs = this.#options.clock.nowMs();
        const leftMs = row.expires_at.getTime() - nowMs;
        if (leftMs <= 0) return 'expired';
        const toEscalationMs = (row.escalate_at?.getTime() ?? Infinity) - nowMs;
        if (toEscalationMs <= 0) {
          await escalate(this.#stores, id);
          row = await look();
          continue;
        }
        clearTimeout(timer);
        timer = setTimeout(() => wake(), Math.min(leftMs, toEscalationMs, LOOK_EVERY_MS));
        await woken;
        woken = nextWake();
        row = await look();
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      unlisten();
    }
  }
}

function whyGivenUp({ reason }: AbortSignal): string {
  return typeof reason === 'string' ? reason : GIVEN_UP;
}

function outcomeOf(row: ApprovalRow | null): ApprovalOutcome {
  if (row?.status === 'approved' || row?.status === 'refused') {
    return { kind: row.status, by: row.decided_by ?? '', reason: row.decision_reason };
  }
  return row?.status === 'cancelled'
    ? { kind: 'cancelled', why: row.decision_reason }
    : { kind: 'expired' };
}

function newId(): string {
  return Array.from(
    { length: ID_CHARACTERS },
    () => ID_ALPHABET[randomInt(ID_ALPHABET.length)],
  ).join('');
}
