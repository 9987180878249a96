/**
 * Rows of sessions and commands beside what the journal said when they were written. Not caught here: what
 * the journal doesn't repeat (a command's words and language, the size of the terminal).
 */
import type { Knex } from 'knex';
import type { JournalEntry, JsonValue } from '../journal/event.ts';
import { storable } from './storable.ts';

/** An entry about a command of a session. */
export interface CommandClaim {
  readonly entry: JournalEntry;
  readonly session: string;
  /** 1, 2, 3, … within the session. */
  readonly number: number;
}

type Row = Readonly<Record<string, unknown>>;
/** Columns and what the entry calls them. */
type Names = readonly (readonly [column: string, name: string])[];

const STARTED: Names = [
  ['kind', 'kind'],
  ['principal_id', 'principalId'],
  ['principal_kind', 'principalKind'],
  ['login', 'login'],
  ['via', 'via'],
  ['run', 'run'],
  ['task', 'task'],
  ['attribution', 'attribution'],
  ['command', 'command'],
  ['policy', 'policy'],
  ['policy_version', 'policyVersion'],
  ['directory_version', 'directoryVersion'],
  ['recording', 'recording'],
  ['keep_days', 'keepDays'],
  ['access_request', 'access'],
];
const ENDED: Names = [
  ['status', 'status'],
  ['exit_status', 'exitStatus'],
];
const DECIDED: Names = [
  ['text', 'text'],
  ['masked', 'masked'],
  ['certainty', 'certainty'],
  ['verdict', 'verdict'],
  ['rule', 'rule'],
  ['reason', 'reason'],
  ['policy', 'policy'],
  ['policy_version', 'policyVersion'],
  ['directory_version', 'directoryVersion'],
  ['at_us', 'atUs'],
];
const COMMAND_ENDED: Names = [
  ['exit_status', 'exitStatus'],
  ['output_from_us', 'outputFromUs'],
  ['output_to_us', 'outputToUs'],
  ['masked', 'masked'],
];

/** What a session's row says otherwise than the entry; null = nothing. */
export function sessionFault(entry: JournalEntry, row: Row): string | null {
  if (entry.type === 'session.ended') return difference('its row', row, entry, ENDED, entry.data);
  if (entry.type !== 'session.started') return null;
  const { principal, source, target } = entry;
  const names: Names = [
    ['principal', 'principal'],
    ['source', 'source'],
    ['target', 'target'],
    ...STARTED,
  ];
  return difference('its row', row, entry, names, { ...entry.data, principal, source, target });
}

/** What rows of commands say otherwise, by the number of the entry. */
export async function commandFaults(
  knex: Knex,
  claims: readonly CommandClaim[],
): Promise<ReadonlyMap<number, string>> {
  const faults = new Map<number, string>();
  for (const [type, table, names] of [
    ['command.decided', 'commands', DECIDED],
    ['command.ended', 'command_ends', COMMAND_ENDED],
  ] as const) {
    const some = claims.filter(({ entry }) => entry.type === type);
    if (some.length === 0) continue;
    const rows: readonly Row[] = await knex(table).whereIn(
      ['session_id', 'seq'],
      some.map(({ number, session }) => [session, number]),
    );
    const found = new Map(
      rows.map((row) => [`${String(row['session_id'])} ${String(row['seq'])}`, row]),
    );
    for (const { entry, number, session } of some) {
      const row = found.get(`${session} ${number}`);
      const what =
        type === 'command.decided' ? `command ${number}` : `the end of command ${number}`;
      const why =
        row === undefined
          ? `${what}, which entry ${entry.seq} of the journal names, is gone`
          : difference(`the row of ${what}`, row, entry, names, entry.data);
      if (why !== null) faults.set(entry.seq, why);
    }
  }
  return faults;
}

function difference(
  what: string,
  row: Row,
  { seq }: JournalEntry,
  names: Names,
  said: Readonly<Record<string, JsonValue>>,
): string | null {
  for (const [column, name] of names) {
    const value = said[name];
    // Entries of older versions say less.
    if (value === undefined || row[column] === undefined) continue;
    const wanted = typeof value === 'string' ? storable(value) : value;
    if (row[column] !== wanted) {
      return `${what} says another ${column.replaceAll('_', ' ')} than entry ${seq} of the journal`;
    }
  }
  return null;
}
