/**
 * Approvals: requests that wait for a person, and the desk where they are decided. Waiting is by
 * notification and a deadline; the row alone says what was decided, and only once.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { hasRole, isNamedBy, type Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { AuditEvent, EventType } from '../journal/event.ts';
import type { ApprovalOutcome, ApprovalRequest, Approvals } from '../session/ports.ts';
import { type ApprovalRow, approvalView } from './approval-row.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import { askThrough, outageReason, retryDelayMs } from './outage.ts';
import { storable } from './storable.ts';

/** Notified with the approval's id when it is requested and when it is decided. */
export const APPROVALS_CHANNEL = 'sallyport_approvals';
/** Digits and letters that nobody takes for one another. */
export const ID_ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz';
export const ID_CHARACTERS = 6;
const MAX_ID_ATTEMPTS = 10;
export const MAX_LISTED = 500;
export const MAX_REASON_CHARACTERS = 1000;
/** How often a row is looked at that nobody was notified about: that shows that the database is away. */
export const LOOK_EVERY_MS = 3000;
/** How long the database may be away before what waits is refused. */
export const OUTAGE_WAIT_MS = 10_000;
/** Attempts to cancel an approval after that, 2 s apart. */
const MAX_CANCEL_ATTEMPTS = 1000;

export type ApprovalObject = ReturnType<typeof approvalView>;

export type DeskOutcome =
  | { readonly kind: 'decided'; readonly approval: ApprovalObject }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'already-decided'; readonly approval: ApprovalObject }
  | { readonly kind: 'own-request' }
  | { readonly kind: 'not-an-approver' };

export interface StoredApprovals extends Approvals {
  listApprovals(query: {
    readonly status?: ApprovalObject['status'];
    readonly limit: number;
  }): Promise<readonly ApprovalObject[]>;
  approval(id: string): Promise<ApprovalObject | null>;
  /** First decision wins. Rejects with `journal.failed`; nothing is decided then. */
  decide(
    id: string,
    decision: 'approved' | 'refused',
    by: { readonly principal: Principal; readonly source: string; readonly reason: string | null },
  ): Promise<DeskOutcome>;
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

type Final = 'approved' | 'refused' | 'expired' | 'cancelled';

/** Somebody else was first; never leaves this file. */
class Settled extends Error {}

export function createApprovals(options: ApprovalsOptions): StoredApprovals {
  return new Desk(options);
}

class Desk implements StoredApprovals {
  readonly #options: ApprovalsOptions;
  readonly #knex: Knex;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
    this.#knex = options.database.knex;
  }

  /** See `Approvals`. */
  async request(request: ApprovalRequest): Promise<{ id: string; url: string }> {
    for (let attempt = 1; ; attempt += 1) {
      const id = newId();
      try {
        await this.#insert(id, request);
        return { id, url: `${this.#options.publicUrl()}/approvals/${id}` };
      } catch (error) {
        if (!(error instanceof Settled) || attempt === MAX_ID_ATTEMPTS) throw error;
      }
    }
  }

  /** See `Approvals`; never rejects: without an answer of the database nothing is approved. */
  async outcome(id: string, signal: AbortSignal): Promise<ApprovalOutcome> {
    try {
      const reason = await this.#waited(id, signal);
      if (reason !== 'decided') await this.#settle(id, reason, null);
      return outcomeOf(await this.#row(id));
    } catch (error) {
      // The row still says `waiting`: nobody may approve what has been refused.
      void this.#cancelLater(id);
      if (signal.aborted) return { kind: 'cancelled' };
      return { kind: 'unavailable', why: outageReason(error) };
    }
  }

  /** Cancels once the database answers again; never rejects. The expiry and the next start do so too. */
  async #cancelLater(id: string): Promise<void> {
    for (let failures = 1; failures <= MAX_CANCEL_ATTEMPTS; failures += 1) {
      try {
        return void (await this.#settle(id, 'cancelled', null));
      } catch {
        await sleep(retryDelayMs(failures), null, { ref: false });
      }
    }
  }

  async listApprovals(query: {
    readonly status?: ApprovalObject['status'];
    readonly limit: number;
  }): Promise<readonly ApprovalObject[]> {
    const found = this.#knex<ApprovalRow>('approvals')
      .orderBy([
        { column: 'requested_at', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .limit(Math.min(Math.max(query.limit, 1), MAX_LISTED));
    if (query.status !== undefined) void found.where('status', query.status);
    return (await found).map(approvalView);
  }

  async approval(id: string): Promise<ApprovalObject | null> {
    const row = await this.#row(id);
    return row === null ? null : approvalView(row);
  }

  async decide(
    id: string,
    decision: 'approved' | 'refused',
    by: { readonly principal: Principal; readonly source: string; readonly reason: string | null },
  ): Promise<DeskOutcome> {
    const row = await this.#row(id);
    if (row === null) return { kind: 'unknown' };
    if (row.principal === by.principal.name) return { kind: 'own-request' };
    if (!mayDecide(by.principal, row.approvers)) return { kind: 'not-an-approver' };
    if (row.expires_at.getTime() <= this.#options.clock.nowMs()) {
      await this.#settle(row.id, 'expired', null);
    }
    const isDecided = await this.#settle(row.id, decision, by);
    const after = (await this.#row(row.id)) ?? row;
    return { kind: isDecided ? 'decided' : 'already-decided', approval: approvalView(after) };
  }

  async cancelStale(): Promise<void> {
    const { rows } = await this.#knex.raw<{ rows: readonly { readonly id: string }[] }>(
      `select id from approvals where status = 'waiting' and not exists (
         select 1 from sessions where sessions.id = session_id and status = 'active')`,
    );
    for (const { id } of rows) await this.#settle(id, 'cancelled', null);
  }

  async #insert(id: string, request: ApprovalRequest): Promise<void> {
    const row = {
      id,
      session_id: request.session,
      principal: request.principal,
      target: request.target,
      command_seq: request.commandSeq,
      text: storable(request.text),
      rule: request.rule === null ? null : storable(request.rule),
      reason: request.reason === null ? null : storable(request.reason),
      approvers: request.approvers.map(storable),
      requested_at: new Date(this.#options.clock.nowMs()),
      expires_at: new Date(request.expiresAtMs),
    };
    const data = { id, seq: request.commandSeq, text: request.text, rule: request.rule };
    const event: AuditEvent = {
      type: 'approval.requested',
      principal: request.principal,
      source: null,
      session: request.session,
      target: request.target,
      data: { ...data, approvers: request.approvers, expiresAt: row.expires_at.toISOString() },
    };
    await this.#options.journal.appendWith([event], async (trx) => {
      const made: readonly unknown[] = await trx('approvals')
        .insert(row, ['id'])
        .onConflict('id')
        .ignore();
      if (made.length === 0) throw new Settled('the id is taken');
      await notify(trx, id);
    });
  }

  /**
   * Ends the waiting of an approval, with its journal row, if nobody did before.
   * @returns whether this call decided
   */
  async #settle(
    id: string,
    status: Final,
    by: {
      readonly principal: Principal;
      readonly source: string;
      readonly reason: string | null;
    } | null,
  ): Promise<boolean> {
    const row = await this.#row(id);
    if (row === null || row.status !== 'waiting') return false;
    const nowMs = this.#options.clock.nowMs();
    const reason = by?.reason?.slice(0, MAX_REASON_CHARACTERS) ?? null;
    const changes = {
      status,
      decided_by: by?.principal.name ?? null,
      decided_at: new Date(nowMs),
      decision_reason: reason === null ? null : storable(reason),
    };
    const event: AuditEvent = {
      type: EVENTS[status],
      principal: by?.principal.name ?? null,
      source: by?.source ?? null,
      session: row.session_id,
      target: row.target,
      data: { id, decision: status, requester: row.principal, seq: row.command_seq, reason },
    };
    try {
      await this.#options.journal.appendWith([event], async (trx) => {
        const waiting = trx<ApprovalRow>('approvals').where({ id, status: 'waiting' });
        // Nobody decides after the end of its time, even if nothing has noted the end yet.
        if (by !== null) void waiting.where('expires_at', '>', new Date(nowMs));
        if ((await waiting.update(changes)) === 0) throw new Settled('it was decided before');
        await notify(trx, id);
      });
      return true;
    } catch (error) {
      if (error instanceof Settled) return false;
      throw error;
    }
  }

  /** Waits until the approval is decided, its time is over, or the signal says that nobody waits. */
  async #waited(id: string, signal: AbortSignal): Promise<'decided' | 'expired' | 'cancelled'> {
    let wake = (): void => {};
    const unlisten = await this.#options.database.listen(APPROVALS_CHANNEL, (payload) => {
      if (payload === '' || payload === id) wake();
    });
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    let timer: NodeJS.Timeout | undefined;
    try {
      const nextWake = (): Promise<void> => new Promise((resolve) => (wake = resolve));
      // Asked for before the row is read, so that no change falls between.
      let woken = nextWake();
      // Without a first answer nobody knows how long to wait: that counts as refused.
      let row = await askThrough(() => this.#row(id), OUTAGE_WAIT_MS);
      for (;;) {
        if (signal.aborted) return 'cancelled';
        if (row === null || row.status !== 'waiting') return 'decided';
        const leftMs = row.expires_at.getTime() - this.#options.clock.nowMs();
        if (leftMs <= 0) return 'expired';
        clearTimeout(timer);
        timer = setTimeout(() => wake(), Math.min(leftMs, LOOK_EVERY_MS));
        await woken;
        woken = nextWake();
        row = await askThrough(() => this.#row(id), OUTAGE_WAIT_MS);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      unlisten();
    }
  }

  async #row(id: string): Promise<ApprovalRow | null> {
    const typed = storable(id.trim().toLowerCase());
    const row = await this.#knex<ApprovalRow>('approvals').where('id', typed).first();
    return row ?? null;
  }
}

const EVENTS = {
  approved: 'approval.decided',
  refused: 'approval.decided',
  expired: 'approval.expired',
  cancelled: 'approval.cancelled',
} as const satisfies Record<Final, EventType>;

/** Named approvers narrow the role; an admin may always decide. */
function mayDecide(principal: Principal, approvers: readonly string[]): boolean {
  if (hasRole(principal, 'admin')) return true;
  if (!hasRole(principal, 'approver')) return false;
  return approvers.length === 0 || approvers.some((selector) => isNamedBy(principal, selector));
}

function outcomeOf(row: ApprovalRow | null): ApprovalOutcome {
  if (row?.status === 'approved' || row?.status === 'refused') {
    return { kind: row.status, by: row.decided_by ?? '', reason: row.decision_reason };
  }
  return { kind: row?.status === 'cancelled' ? 'cancelled' : 'expired' };
}

async function notify(trx: Knex, id: string): Promise<void> {
  await trx.raw('select pg_notify(?, ?)', [APPROVALS_CHANNEL, id]);
}

function newId(): string {
  return Array.from(
    { length: ID_CHARACTERS },
    () => ID_ALPHABET[randomInt(ID_ALPHABET.length)],
  ).join('');
}
