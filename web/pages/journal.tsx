/** The audit log with its filters in the URL. */
import type { JournalFilters, JournalProps } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { Document } from '../parts/document.tsx';
import { dateTime } from '../parts/format.ts';
import { Visible } from '../parts/visible.tsx';

export function JournalPage(props: JournalProps & { readonly assets: AssetPaths }) {
  const { assets, continued, filters, frame, page, problem } = props;
  const filtered = Object.values(filters).some((value) => value !== '');
  return (
    <Document frame={frame} assets={assets} title="Journal" current="journal">
      <div class="row title">
        <h1>Journal</h1>
        <span class="grow" />
        <a class="button" href={address(filters, null, '/journal/export')}>
          Export JSON lines
        </a>
      </div>
      <Filters {...props} filtered={filtered} />
      {problem !== null && (
        <p class="notice bad" role="alert">
          <strong>{problem.message}.</strong> {problem.hint}.
        </p>
      )}
      {page.items.length === 0 && problem === null && (
        <div class="panel empty">
          <h2>{filtered || continued ? 'No entry matches' : 'The journal is empty'}</h2>
          {filtered && (
            <p>
              Loosen a filter, or <a href="/journal">show all entries</a>.
            </p>
          )}
        </div>
      )}
      {page.items.length > 0 && <Entries entries={page.items} />}
      {(page.next !== null || continued) && (
        <nav class="row pager" aria-label="Pages of the journal">
          {continued && <a href={address(filters, null)}>Newest entries</a>}
          <span class="grow" />
          {page.next !== null && (
            <a class="button" rel="next" href={address(filters, page.next)}>
              Older entries
            </a>
          )}
        </nav>
      )}
    </Document>
  );
}

function address(filters: JournalFilters, cursor: string | null, path = '/journal'): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== '') query.set(name, value);
  if (cursor !== null) query.set('cursor', cursor);
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

function Filters(props: JournalProps & { readonly filtered: boolean }) {
  const { filters, types } = props;
  return (
    <details class="panel filtering" open={props.filtered}>
      <summary>Filters</summary>
      <form class="filters" method="get" action="/journal" role="search">
        <label class="wide">
          Type
          <select name="type">
            <option value="">any</option>
            {types.map((type) => (
              <option key={type} value={type} selected={filters.type === type}>
                {type}
              </option>
            ))}
          </select>
        </label>
        {(
          [
            ['principal', 'Principal'],
            ['target', 'Target'],
            ['session', 'Session'],
          ] as const
        ).map(([name, label]) => (
          <label key={name}>
            {label}
            <input
              name={name}
              value={filters[name]}
              type="text"
              maxLength={200}
              autocomplete="off"
            />
          </label>
        ))}
        {(
          [
            ['since', 'From (UTC)'],
            ['until', 'To (UTC)'],
          ] as const
        ).map(([name, label]) => (
          <label key={name}>
            {label}
            <input name={name} value={filters[name].slice(0, 10)} type="date" />
          </label>
        ))}
        <div class="row actions">
          <button type="submit" class="primary">
            Filter
          </button>
          {props.filtered && (
            <a class="button quiet" href="/journal">
              Clear
            </a>
          )}
        </div>
      </form>
    </details>
  );
}

function Entries({ entries }: { readonly entries: JournalProps['page']['items'] }) {
  return (
    <div class="panel">
      <table class="things entries">
        <thead>
          <tr>
            <th scope="col" class="number">
              Entry
            </th>
            <th scope="col">At (UTC)</th>
            <th scope="col">Type</th>
            <th scope="col">Principal</th>
            <th scope="col">Target</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.seq} id={`entry-${entry.seq}`}>
              <td class="number" data-of="Entry">
                {entry.seq}
              </td>
              <td data-of="At (UTC)">
                <time dateTime={entry.at}>{dateTime(entry.at)}</time>
              </td>
              <td data-of="Type">
                <code>{entry.type}</code>
              </td>
              <td data-of="Principal">
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
              </td>
              <td data-of="Target">
                {entry.target === null ? (
                  <span class="muted">none</span>
                ) : (
                  <Visible text={entry.target} />
                )}
                {entry.session !== null && (
                  <span class="sub">
                    <a href={`/sessions/${encodeURIComponent(entry.session)}`}>session</a>
                  </span>
                )}
              </td>
              <td data-of="What">
                <Data data={entry.data} />
                <span class="sub hash" title={entry.hash}>
                  {entry.hash.slice(0, 16)}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Data({ data }: { readonly data: JournalProps['page']['items'][number]['data'] }) {
  return (
    <dl class="data">
      {Object.entries(data).map(([name, value]) => (
        <div key={name}>
          <dt>
            <Visible text={name} />
          </dt>
          <dd>
            <Visible text={typeof value === 'string' ? value : JSON.stringify(value)} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
