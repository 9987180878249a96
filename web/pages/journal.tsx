/** The audit log with its filters in the URL. */
import type { JournalProps } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { sessionAddress } from '../parts/address.ts';
import { DecisionBadge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { Choice, Field, filteredAddress, FoldedFilters, isFiltered } from '../parts/filters.tsx';
import { NothingMatches, Pager, Problem } from '../parts/list.tsx';
import { Moment } from '../parts/moment.tsx';
import { Cell, type Column, Table } from '../parts/table.tsx';
import { Visible } from '../parts/visible.tsx';

export function JournalPage(props: JournalProps & { readonly assets: AssetPaths }) {
  const { assets, continued, filters, frame, page, problem } = props;
  const filtered = isFiltered(filters);
  return (
    <Document frame={frame} assets={assets} title="Journal" current="journal">
      <div class="row title">
        <h1>Journal</h1>
        <span class="grow" />
        <a class="button" href={filteredAddress('/journal/export', filters)}>
          Export JSON lines
        </a>
      </div>
      <Filters {...props} filtered={filtered} />
      <Problem problem={problem} />
      {page.items.length === 0 && problem === null && <Empty filtered={filtered || continued} />}
      {page.items.length > 0 && <Entries entries={page.items} />}
      <Pager
        of="entries"
        label="Pages of the journal"
        address={(cursor) => filteredAddress('/journal', filters, { cursor })}
        next={page.next}
        continued={continued}
      />
    </Document>
  );
}

function Empty({ filtered }: { readonly filtered: boolean }) {
  if (filtered) return <NothingMatches one="entry" many="entries" path="/journal" />;
  return (
    <div class="panel empty">
      <h2>The journal is empty</h2>
    </div>
  );
}

function Filters(props: JournalProps & { readonly filtered: boolean }) {
  const { filtered, filters, types } = props;
  const choices = types.map((type) => [type, type] as const);
  return (
    <FoldedFilters path="/journal" filtered={filtered}>
      <Choice
        name="type"
        label="Type"
        value={filters.type}
        choices={[['', 'any'], ...choices]}
        wide
      />
      <Field name="principal" label="Principal" value={filters.principal} />
      <Field name="target" label="Target" value={filters.target} />
      <Field name="session" label="Session" value={filters.session} />
      <Field name="since" label="From (UTC)" kind="date" value={filters.since} />
      <Field name="until" label="To (UTC)" kind="date" value={filters.until} />
    </FoldedFilters>
  );
}

const COLUMNS: readonly Column[] = [
  { word: 'Entry', class: 'number' },
  'At (UTC)',
  'Type',
  'Principal',
  'Target',
  'What',
];

function Entries({ entries }: { readonly entries: JournalProps['page']['items'] }) {
  return (
    <Table columns={COLUMNS} layout="entries">
      {entries.map((entry) => (
        <tr key={entry.seq} id={`entry-${entry.seq}`}>
          <Cell of="Entry" class="number">
            {entry.seq}
          </Cell>
          <Cell of="At (UTC)">
            <Moment at={entry.at} />
          </Cell>
          <Cell of="Type">
            <code>{entry.type}</code>
          </Cell>
          <Cell of="Principal">
            {entry.principal === null ? (
              <span class="muted">none</span>
            ) : (
              <Visible text={entry.principal} />
            )}
            {entry.source !== null && (
              <span class="sub">
                <Visible text={entry.source} />
              </span>
            )}
          </Cell>
          <Cell of="Target">
            {entry.target === null ? (
              <span class="muted">none</span>
            ) : (
              <Visible text={entry.target} />
            )}
            {entry.session !== null && (
              <span class="sub">
                <a href={sessionAddress(entry.session)}>session</a>
              </span>
            )}
          </Cell>
          <Cell of="What">
            <What entry={entry} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

/** What tells an entry from others of its type, in the order in which one reads it. */
const TELLING = [
  'verdict',
  'decision',
  'text',
  'path',
  'from',
  'to',
  'program',
  'method',
  'name',
  'what',
  'rule',
  'reason',
  'why',
  'status',
  'exitStatus',
];
/** So few are shown at once. */
const MAX_PLAIN = 3;
const MAX_LINE_CHARACTERS = 300;

type Entry = JournalProps['page']['items'][number];
type Datum = readonly [name: string, value: Entry['data'][string]];

/** One line that says what happened; the rest unfolds. What is null says nothing; the export has it. */
function What({ entry }: { readonly entry: Entry }) {
  const data: readonly Datum[] = Object.entries(entry.data).filter(([, value]) => value !== null);
  const telling = TELLING.flatMap((name) => data.filter(([one]) => one === name));
  const others = data.filter(([name]) => !TELLING.includes(name));
  const shown = others.length <= MAX_PLAIN ? [...telling, ...others] : telling;
  return (
    <>
      {shown.length > 0 && (
        <p class="why">
          {shown.map((datum) => (
            <Told key={datum[0]} datum={datum} />
          ))}
        </p>
      )}
      <details class="entry">
        <summary>{shown.length === data.length ? 'hash' : 'all of it'}</summary>
        <dl class="data">
          {data.map(([name, value]) => (
            <div key={name}>
              <dt>
                <Visible text={name} />
              </dt>
              <dd>
                <Visible text={textOf(value)} />
              </dd>
            </div>
          ))}
          <div>
            <dt>hash of the entry</dt>
            <dd class="hash">{entry.hash}</dd>
          </div>
        </dl>
      </details>
    </>
  );
}

function Told({ datum: [name, value] }: { readonly datum: Datum }) {
  const isDecision = name === 'verdict' || name === 'decision';
  if (isDecision && (value === 'allow' || value === 'deny' || value === 'hold')) {
    return <DecisionBadge decision={value} />;
  }
  const text = <Visible text={textOf(value)} maxCharacters={MAX_LINE_CHARACTERS} />;
  if (name === 'text' || name === 'path') return <code>{text}</code>;
  return (
    <span>
      <Visible text={name} /> <b>{text}</b>
    </span>
  );
}

function textOf(value: Datum[1]): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
