/** What somebody who decides wants to know beside the request: the session, its commands so far, and news. */
import type { Knex } from 'knex';
import type { EventType } from '../journal/event.ts';
import type { ApprovalRow } from './approval-row.ts';
import { approvalRow } from './approval-settle.ts';
import type { Database } from './database.ts';
import {
  COMMAND_COLUMNS,
  commandView,
  sessionView,
  SESSIONS_WITH_FIGURES,
  type CommandRow,
  type SessionRow,
} from './session-rows.ts';

/** Commands before the one that waits. */
export const MAX_EARLIER = 50;
/** Resolved commands of one line that are shown. */
export const MAX_RESOLVED = 100;

const CHANGES: readonly EventType[] = [
  'approval.requested',
  'approval.agreed',
  'approval.escalated',
  'approval.decided',
  'approval.expired',
  'approval.cancelled',
  'approval.used',
  'approval.revoked',
];

interface Resolved {
  readonly argv: readonly string[] | null;
  readonly text: string;
  readonly via: readonly string[];
  readonly language: string;
}

/** null = there is no such request; `session` null = it is no part of one. */
export async function approvalBackground({ knex }: Pick<Database, 'knex'>, id: string) {
  const row = await approvalRow(knex, id);
  if (row === null) return null;
  const [session, own, earlier] = await Promise.all([
    sessionOf(knex, row),
    ownCommand(knex, row),
    earlierCommands(knex, row),
  ]);
  const resolved = own?.commands ?? [];
  return {
    session,
    certainty: own?.certainty ?? null,
    resolved: resolved.slice(0, MAX_RESOLVED),
    moreResolved: Math.max(0, resolved.length - MAX_RESOLVED),
    earlier,
  };
}

async function sessionOf(knex: Knex, row: ApprovalRow) {
  if (row.session_id === null) return null;
  const found = await knex<SessionRow>(knex.raw(SESSIONS_WITH_FIGURES))
    .where('sessions.id', row.session_id)
    .first();
  return found === undefined ? null : sessionView(found);
}

async function ownCommand(knex: Knex, row: ApprovalRow) {
  if (row.session_id === null || row.command_seq === null) return null;
  const found = await knex('commands')
    .where({ session_id: row.session_id, seq: row.command_seq })
    .first<
      | { readonly certainty: CommandRow['certainty']; readonly commands: readonly Resolved[] }
      | undefined
    >('certainty', 'commands');
  return found ?? null;
}

async function earlierCommands(knex: Knex, row: ApprovalRow) {
  if (row.session_id === null || row.command_seq === null) return [];
  const { rows } = await knex.raw<{ rows: readonly CommandRow[] }>(
    `select * from (
       select ${COMMAND_COLUMNS}
       from commands left join command_ends using (session_id, seq)
       where session_id = ? and seq < ? order by seq desc limit ?
     ) as latest order by seq`,
    [row.session_id, row.command_seq, MAX_EARLIER],
  );
  return rows.map(commandView);
}

export interface ApprovalChange {
  /** Place in the journal: later changes have higher ones. */
  readonly seq: number;
  readonly type: EventType;
  readonly id: string;
}

/** Changes of approvals in the order of the journal. @param after place of the last one that is known */
export async function approvalChanges(
  { knex }: Pick<Database, 'knex'>,
  after: number,
  limit: number,
): Promise<readonly ApprovalChange[]> {
  const rows = await knex('journal')
    .whereIn('type', CHANGES)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit)
    .select<readonly { readonly seq: number; readonly type: EventType; readonly body: string }[]>(
      'seq',
      'type',
      'body',
    );
  return rows.map(({ body, seq, type }) => {
    const { data } = JSON.parse(body) as { readonly data: { readonly id?: unknown } };
    return { seq, type, id: typeof data.id === 'string' ? data.id : '' };
  });
}

/** Where the journal stands: changes that are not in it yet have higher places. */
export async function lastPlace({ knex }: Pick<Database, 'knex'>): Promise<number> {
  const row = await knex('journal_head').first<{ readonly seq: number } | undefined>('seq');
  return row?.seq ?? 0;
}
