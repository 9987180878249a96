/** `journal …`: the audit log at the command line. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { LOOK_WINDOW_MS } from '../http/views.ts';
import type { JournalEntry } from '../journal/event.ts';
import { printable } from '../printable.ts';
import type { Journal } from '../session/ports.ts';
import type { StoredJournal } from '../store/journal.ts';
import type { AppliedChange } from '../store/directory-transaction.ts';
import type { VersionOrigin } from '../store/directory-versions.ts';
import type { Verb, VerbInput } from './verb.ts';

const PAGE = 500;
const DEFAULT_TAIL = 20;
/** The database says when there is more; this only bounds how long a lost notification can hide it. */
const FOLLOW_MS = 1000;
/** Changes that are named in the journal; the rest is counted. */
const MAX_NAMED_CHANGES = 200;

const tail: Verb = {
  name: 'journal tail',
  usage: '[--limit N] [--follow]',
  summary: 'the newest events, oldest first',
  options: { limit: { type: 'string' }, follow: { type: 'boolean' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ clock, journal }) => {
      const limit = Number(input.options.text('limit') ?? DEFAULT_TAIL);
      if (!Number.isInteger(limit) || limit < 1 || limit > PAGE) {
        throw new SallyportError('usage.invalid', '--limit is out of range', `take 1 to ${PAGE}`);
      }
      let last = 0;
      const show = async (entries: readonly JournalEntry[]): Promise<void> => {
        for (const entry of entries.toSorted((one, other) => one.seq - other.seq)) {
          last = entry.seq;
          await input.terminal.out(lineOf(input, entry));
        }
      };
      const { items } = await journal.list({ limit });
      await journalReading(journal, clock, input, { what: 'tail' });
      await show(items);
      while (input.options.flag('follow')) {
        await sleep(FOLLOW_MS);
        const page = await journal.list({ limit: PAGE });
        await show(page.items.filter((entry) => entry.seq > last));
      }
      return 0;
    }),
};

const exportJournal: Verb = {
  name: 'journal export',
  usage: '',
  summary: 'every event in order, one JSON object a line, with the hashes of the chain',
  options: {},
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ clock, journal }) => {
      await journalReading(journal, clock, input, { what: 'export' });
      for await (const entry of journal.entries()) {
        await input.terminal.out(`${JSON.stringify(entry)}\n`);
      }
      return 0;
    }),
};

export const journalVerbs: readonly Verb[] = [tail, exportJournal];

/** Says in the journal that it is read, since it holds what people typed; once in a window for each reader. */
async function journalReading(
  journal: Pick<StoredJournal, 'append' | 'list'>,
  clock: Clock,
  { source }: VerbInput,
  data: { readonly what: string },
): Promise<void> {
  const since = new Date(clock.nowMs() - LOOK_WINDOW_MS).toISOString();
  const looks = await journal.list({ types: ['journal.read'], since, limit: PAGE });
  const isKnown = ({ data: known, source: by }: JournalEntry): boolean =>
    by === source && known['what'] === data.what;
  if (looks.items.some(isKnown)) return;
  const nobody = { principal: null, session: null, target: null };
  await journal.append({ type: 'journal.read', source, ...nobody, data });
}

function lineOf(input: VerbInput, entry: JournalEntry): string {
  if (input.options.flag('json')) return `${JSON.stringify(entry)}\n`;
  const facts = [
    String(entry.seq).padStart(6),
    entry.at,
    entry.type.padEnd(18),
    entry.principal ?? '-',
    entry.target ?? '-',
    entry.session ?? '-',
    JSON.stringify(entry.data),
  ];
  return `${printable(facts.join('  '), 400)}\n`;
}

/** Journals that the directory was changed; the version says in detail how. */
export async function journalChanges(
  journal: Journal,
  { changes, version }: AppliedChange,
  { from, principal, source, via }: VersionOrigin,
): Promise<void> {
  if (changes.length === 0) return;
  await journal.append({
    type: 'config.changed',
    principal,
    source,
    session: null,
    target: null,
    data: {
      version,
      via,
      from,
      count: changes.length,
      changes: changes
        .slice(0, MAX_NAMED_CHANGES)
        .map(({ object, name, change }) => `${change} ${object} ${name}`),
    },
  });
}
