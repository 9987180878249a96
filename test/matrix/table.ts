/** The matrix as a table in Markdown. Pure. */
import { CHECKS, type CheckName, type Client } from './check.ts';

/** What a cell may say when nothing differs. */
export const PASS = 'pass';
/** Differences of one cell that are written out. */
const MAX_NOTES = 4;
const NOTHING = '–';

/** What came of one check: nothing differs, or what does; `missing` = why it couldn't run here. */
export interface Result {
  readonly client: string;
  readonly check: CheckName;
  /** By way: what differs from a connection without the bastion. */
  readonly differences: Readonly<Record<'bastion' | 'jump', readonly string[]>>;
  readonly missing: string | null;
}

/** The head of the table, with its rule. */
export function tableHead(): string[] {
  return [`| client | ${CHECKS.join(' | ')} |`, `| --- |${' --- |'.repeat(CHECKS.length)}`];
}

/** A client's row, each cell by what `cell` says of the checks that it has. */
export function rowOf(client: Client, cell: (check: CheckName) => string): string {
  const cells = CHECKS.map((check) => (client.checks[check] === undefined ? NOTHING : cell(check)));
  return `| ${client.name} | ${cells.join(' | ')} |`;
}

/** The table, and below it what differs. */
export function renderTable(clients: readonly Client[], results: readonly Result[]): string {
  const notes: string[] = [];
  const rows = clients.map((client) =>
    rowOf(client, (check) => {
      const result = results.find((one) => one.client === client.name && one.check === check);
      if (result === undefined) return 'not run';
      if (result.missing !== null) return result.missing;
      const found = (['bastion', 'jump'] as const).flatMap((way) =>
        result.differences[way].map(
          (line) => `${client.name}, ${check}, ${WAY_NAMES[way]}: ${line}`,
        ),
      );
      notes.push(...found.slice(0, MAX_NOTES), ...(found.length > MAX_NOTES ? ['…'] : []));
      return found.length === 0 ? PASS : `differs (${found.length})`;
    }),
  );
  return `${[...tableHead(), ...rows].join('\n')}\n${notes.map((line) => `\n- ${line}`).join('')}\n`;
}

export const WAY_NAMES = { bastion: 'through the bastion', jump: 'through `-J`' } as const;
