/** Search over commands and output of all sessions; hits lead to their place in the session. */
import type { SearchFilters, SearchProps } from '../../server/http/pages.ts';
import type { FoundCommand, FoundOutput, SearchPage as Found } from '../../server/http/ports.ts';
import type { AssetPaths } from '../build.ts';
import { sessionAddress } from '../parts/address.ts';
import { DecisionBadge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { Choice, Field, filteredAddress, Submit } from '../parts/filters.tsx';
import { clockTime, dateTime, plural } from '../parts/format.ts';
import { Pager, Problem } from '../parts/list.tsx';
import { Moment } from '../parts/moment.tsx';
import { Visible, visibleText } from '../parts/visible.tsx';

export function SearchPage(props: SearchProps & { readonly assets: AssetPaths }) {
  const { assets, continued, filters, frame, page, problem, scope } = props;
  return (
    <Document frame={frame} assets={assets} title="Search" current="search">
      <div class="row title">
        <h1>Search</h1>
        {scope === 'own' && <span class="muted">your own sessions</span>}
      </div>
      <Form filters={filters} scope={scope} />
      <Problem problem={problem} />
      {page !== null && <Missing page={page} />}
      {page !== null && page.items.length > 0 && <Hits page={page} q={filters.q} />}
      {page !== null && page.items.length === 0 && problem === null && <Nothing page={page} />}
      {page !== null && (
        <Pager
          of="hits"
          label="Pages of the hits"
          address={(cursor) => filteredAddress('/search', filters, { cursor })}
          next={page.next}
          continued={continued}
        />
      )}
    </Document>
  );
}

function Form(props: { readonly filters: SearchFilters; readonly scope: 'all' | 'own' }) {
  const { filters } = props;
  return (
    <form class="panel filters searching" method="get" action="/search" role="search">
      <Field name="q" label="Text" value={filters.q} kind="search" wide />
      <Choice
        name="in"
        label="In"
        value={filters.in}
        choices={[
          ['commands', 'commands'],
          ['output', 'output'],
        ]}
      />
      {props.scope === 'all' && (
        <Field name="principal" label="Principal" value={filters.principal} />
      )}
      <Field name="target" label="Target" value={filters.target} />
      <Field name="run" label="Run" value={filters.run} />
      {filters.session !== '' && <Field name="session" label="Session" value={filters.session} />}
      <Choice
        name="decision"
        label="Decision"
        value={filters.decision}
        choices={[
          ['', 'any'],
          ['allow', 'allowed'],
          ['deny', 'denied'],
          ['hold', 'held'],
        ]}
      />
      <Field name="from" label="From (UTC)" kind="date" value={filters.from} />
      <Field name="to" label="To (UTC)" kind="date" value={filters.to} />
      <Submit word="Search" />
    </form>
  );
}

function Hits(props: { readonly page: Found; readonly q: string }) {
  return (
    <ol class="panel hits" aria-label="Hits">
      {props.page.items.map((hit) => (
        <Hit key={`${hit.session} ${hit.seq} ${hit.atMs}`} hit={hit} q={props.q} />
      ))}
    </ol>
  );
}

function Hit({ hit, q }: { readonly hit: FoundCommand | FoundOutput; readonly q: string }) {
  const place = `, ${visibleText(hit.principal, 100)} on ${visibleText(hit.target, 100)}, ${dateTime(hit.at)}`;
  return (
    <li>
      <a class="cover" href={sessionAddress(hit.session, hit.seq)}>
        <code class="text">
          <Marked text={hit.text} q={q} />
        </code>
        <span class="aloud">{place}</span>
      </a>
      {hit.decision !== null && <DecisionBadge decision={hit.decision} />}
      <p class="why">
        <Moment at={hit.at} />
        <span>
          <b>
            <Visible text={hit.principal} />
          </b>{' '}
          on <Visible text={hit.login} />@<Visible text={hit.target} />
        </span>
        {hit.run !== null && (
          <span>
            run <Visible text={hit.run} />
          </span>
        )}
        <span>
          {hit.seq === null ? 'before the first command' : `command ${hit.seq}`} at{' '}
          {clockTime(hit.atMs)}
        </span>
        {hit.in === 'output' && hit.command !== null && (
          <span>
            printed by <code>{visibleText(hit.command, 80)}</code>
          </span>
        )}
      </p>
    </li>
  );
}

/** What was searched for stands out, as far as it stands in one piece. */
function Marked({ text, q }: { readonly text: string; readonly q: string }) {
  const lower = text.toLowerCase();
  const at = q === '' || lower.length !== text.length ? -1 : lower.indexOf(q.toLowerCase());
  if (at === -1) return <Visible text={text} />;
  const end = at + q.length;
  return (
    <>
      {at > 0 && <Visible text={text.slice(0, at)} />}
      <mark>
        <Visible text={text.slice(at, end)} />
      </mark>
      {end < text.length && <Visible text={text.slice(end)} />}
    </>
  );
}

function Missing({ page }: { readonly page: Found }) {
  const { cutSessions, waitingSessions } = page.missing;
  return (
    <>
      {cutSessions > 0 && (
        <p class="notice">
          {plural(cutSessions, 'session')} printed more than can be searched; only the first part is
          looked through. Their recordings have all of it.
        </p>
      )}
      {waitingSessions > 0 && (
        <p class="notice">
          {plural(waitingSessions, 'session')} that ended {waitingSessions === 1 ? 'is' : 'are'}{' '}
          still being taken in.
        </p>
      )}
    </>
  );
}

function Nothing({ page }: { readonly page: Found }) {
  return (
    <div class="panel empty">
      <h2>{page.next === null ? 'Nothing found' : 'Nothing found so far'}</h2>
      <p>
        {page.next === null
          ? 'Take a shorter text, loosen a filter, or search the output.'
          : 'There was much to look through: go on with the older ones, or narrow the time down.'}
      </p>
    </div>
  );
}
