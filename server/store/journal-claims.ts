/**
 * What the journal says of sessions and the rows no longer say: sessions deleted as a whole, signed heads
 * that were taken away, commands and facts that were edited, tombstones that nobody signed or that came too
 * early. Not caught here: a journal that was cut together with its head, which only a copy of it elsewhere
 * shows, and rows of commands that were added.
 */
import type { Knex } from 'knex';
import type { JournalEntry } from '../journal/event.ts';
import type { KeyOf } from '../journal/signature.ts';
import { type Buried, judgeTombstone } from './claim-graves.ts';
import { commandFaults, type CommandClaim, sessionFault } from './claim-rows.ts';
import type { Database } from './database.ts';
import type { StoredJournal } from './journal.ts';
import { keptFaults } from './kept-files.ts';
import { isUuid } from './query-text.ts';
import { tombstonesFor } from './tombstones.ts';

/** Entries that are looked up at once. */
const CLAIM_PAGE = 500;

export interface LostRecording {
  readonly session: string;
  readonly why: string;
}

type Row = Readonly<Record<string, unknown>>;

/** That a recording had this head. */
interface HeadClaim {
  readonly session: string;
  readonly seq: number;
  readonly chunks: number;
  readonly hash: string;
}

/**
 * In the order of the journal; a session may come more than once.
 * @param keyOf of the bastions that record here, from elsewhere than the record
 */
export async function* lostRecordings(
  { knex }: Pick<Database, 'knex'>,
  journal: Pick<StoredJournal, 'entries'>,
  keyOf: KeyOf,
): AsyncGenerator<LostRecording> {
  const walk = new ClaimWalk(knex, keyOf);
  let page: JournalEntry[] = [];
  for await (const entry of journal.entries()) {
    page.push(entry);
    if (page.length < CLAIM_PAGE) continue;
    yield* walk.check(page);
    page = [];
  }
  yield* walk.check(page);
}

/** What the journal's own entries of one session say against its rows; the first, or null. */
export async function claimFault(
  knex: Knex,
  keyOf: KeyOf,
  entries: AsyncIterable<readonly JournalEntry[]>,
): Promise<string | null> {
  const walk = new ClaimWalk(knex, keyOf);
  for await (const page of entries) {
    for await (const { why } of walk.check(page)) return why;
  }
  return null;
}

class ClaimWalk {
  readonly #knex: Knex;
  readonly #keyOf: KeyOf;
  /** Sessions that are held where the walk stands, by the entry that says so. */
  readonly #held = new Map<string, number>();
  /** Said already. */
  readonly #lost = new Set<string>();

  constructor(knex: Knex, keyOf: KeyOf) {
    this.#knex = knex;
    this.#keyOf = keyOf;
  }

  async *check(page: readonly JournalEntry[]): AsyncGenerator<LostRecording> {
    const ids = [...new Set(page.flatMap(sessionsIn))];
    // First the details: retention deletes them before the rows that are read last.
    const kept = await this.#heads(ids);
    const commands = await commandFaults(this.#knex, page.flatMap(commandClaim));
    const files = await keptFaults(this.#knex, page);
    const rows: readonly Row[] = await this.#knex('sessions').whereIn('id', ids);
    const sessions = new Map(rows.map((row) => [String(row['id']), row]));
    const graves = await this.#graves(ids);
    for (const entry of page) {
      const { seq, session } = entry;
      const held = this.#heldFault(entry);
      if (held !== null && session !== null) yield { session, why: held };
      for (const id of sessionsIn(entry)) {
        const row = sessions.get(id);
        const grave = graves.get(id);
        const isGone = row === undefined || (row['deleting_at'] !== null && grave?.why === null);
        const heads = headClaims(entry).filter((head) => head.session === id);
        const faults = isGone
          ? this.#goneFaults(id, entry, heads, grave)
          : [
              ...heads.map((head) => headFault(head, kept)),
              id === session ? sessionFault(entry, row) : null,
              id === session ? (commands.get(seq) ?? files.get(seq) ?? null) : null,
            ];
        for (const why of faults) if (why !== null) yield { session: id, why };
      }
    }
  }

  async #graves(ids: readonly string[]): Promise<ReadonlyMap<string, Buried>> {
    const graves = new Map<string, Buried>();
    for (const [id, stored] of await tombstonesFor(this.#knex, ids)) {
      graves.set(id, await judgeTombstone(this.#knex, this.#keyOf, id, stored));
    }
    return graves;
  }

  async #heads(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#knex<{ session_id: string; chunks: number; hash: Buffer }>('heads')
      .select('session_id', 'chunks', 'hash')
      .whereIn('session_id', [...ids]);
    return new Map(
      rows.map((row) => [`${row.session_id} ${row.chunks}`, row.hash.toString('hex')]),
    );
  }

  /** Of a session that is not there any more; said once. */
  #goneFaults(
    session: string,
    { seq, type }: JournalEntry,
    heads: readonly HeadClaim[],
    grave: Buried | undefined,
  ): readonly (string | null)[] {
    if (this.#lost.has(session) || (heads.length === 0 && type !== 'session.started')) return [];
    const faults =
      grave === undefined
        ? [`entry ${seq} of the journal names it, but it was deleted, and no tombstone says why`]
        : [
            grave.why ??
              heads.map((head) => otherHead(grave, head)).find((why) => why !== null) ??
              null,
          ];
    if (faults[0] !== null) this.#lost.add(session);
    return faults;
  }

  #heldFault({ seq, session, type }: JournalEntry): string | null {
    if (session === null) return null;
    if (type === 'session.held') this.#held.set(session, seq);
    if (type === 'session.released') this.#held.delete(session);
    const since = this.#held.get(session);
    if (type !== 'session.deleted' || since === undefined) return null;
    return `entry ${seq} of the journal says that it was deleted, but it was held since entry ${since}`;
  }
}

/** Sessions that the entry says something of. */
function sessionsIn(entry: JournalEntry): readonly string[] {
  const heads = headClaims(entry).map(({ session }) => session);
  const { session } = entry;
  return session !== null && isUuid(session) ? [...new Set([session, ...heads])] : heads;
}

function otherHead({ tombstone }: Buried, { chunks, hash, seq }: HeadClaim): string | null {
  if (tombstone === null || chunks < tombstone.chunks) return null;
  if (chunks === tombstone.chunks && hash === tombstone.headHash) return null;
  return `its tombstone has another head than entry ${seq} of the journal`;
}

function headFault({ chunks, hash, seq, session }: HeadClaim, kept: ReadonlyMap<string, string>) {
  if (kept.get(`${session} ${chunks}`) === hash) return null;
  const what = `its signed head of ${chunks} chunks`;
  return `${what}, which entry ${seq} of the journal names, is gone`;
}

function headClaims({ data, seq, session, type }: JournalEntry): HeadClaim[] {
  if (type === 'session.ended' || type === 'recording.sealed') {
    return headClaim({ sessionId: session, chunks: data['chunks'], hash: data['headHash'] }, seq);
  }
  if (type !== 'recording.checkpoint') return [];
  const { heads } = data;
  return Array.isArray(heads) ? heads.flatMap((head) => headClaim(head, seq)) : [];
}

function headClaim(head: unknown, seq: number): HeadClaim[] {
  if (typeof head !== 'object' || head === null) return [];
  const { chunks, hash, sessionId } = head as Record<string, unknown>;
  const isWhole =
    typeof sessionId === 'string' &&
    isUuid(sessionId) &&
    typeof chunks === 'number' &&
    typeof hash === 'string';
  return isWhole ? [{ session: sessionId, seq, chunks, hash }] : [];
}

function commandClaim(entry: JournalEntry): CommandClaim[] {
  const { data, session, type } = entry;
  const isCommand = type === 'command.decided' || type === 'command.ended';
  const number = data['seq'];
  if (!isCommand || session === null || !isUuid(session) || typeof number !== 'number') return [];
  return [{ entry, session, number }];
}
