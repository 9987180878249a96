/** The list of sessions with its filters in the URL. */
import type { SessionFilters, SessionsProps } from '../../server/http/pages.ts';
import type { SessionView } from '../../server/http/ports.ts';
import type { SaveNotice } from '../../server/http/saved-filter-ports.ts';
import type { AssetPaths } from '../build.ts';
import { sessionAddress } from '../parts/address.ts';
import { KindBadge, ReviewedBadge, StatusBadge, StoppedBadges } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import {
  Choice,
  type Choices,
  Field,
  filteredAddress,
  FoldedFilters,
  isFiltered,
} from '../parts/filters.tsx';
import { ago, dateTime, length } from '../parts/format.ts';
import { NothingMatches, Pager, Problem } from '../parts/list.tsx';
import { Moment } from '../parts/moment.tsx';
import { Visible, visibleText } from '../parts/visible.tsx';

export function SessionsPage(props: SessionsProps & { readonly assets: AssetPaths }) {
  const { assets, continued, filters, frame, kept, page, problem, saved, scope, showsScreens } =
    props;
  const address = (cursor: string | null, screens = showsScreens): string =>
    listAddress(filters, cursor, screens);
  const filtered = isFiltered(filters);
  return (
    <Document
      frame={frame}
      assets={assets}
      title="Sessions"
      current="sessions"
      scripts={[{ path: assets.sessionsScript, module: true }]}
    >
      <div class="row title">
        <h1>Sessions</h1>
        {scope === 'own' && <span class="muted">your own</span>}
        <span class="grow" />
        <a class="button" href={address(null, !showsScreens)}>
          {showsScreens ? 'Show rows' : 'Show screens'}
        </a>
      </div>
      <Filters filters={filters} filtered={filtered} scope={scope} showsScreens={showsScreens} />
      {kept !== null && <Kept notice={kept} />}
      <Saved saved={saved} filters={filters} filtered={filtered} />
      <Problem problem={problem} />
      <div
        id="list"
        data-news={scope === 'all' && !continued ? '/api/v1/sessions/news' : undefined}
      >
        {page.items.length > 0 && showsScreens && <Screens sessions={page.items} />}
        {page.items.length > 0 && !showsScreens && (
          <Table sessions={page.items} nowMs={frame.nowMs} />
        )}
      </div>
      <p class="aloud" role="status" id="news" />
      {page.items.length === 0 && problem === null && (
        <Empty filtered={filtered} continued={continued} />
      )}
      <Pager
        of="sessions"
        label="Pages of the list"
        address={address}
        next={page.next}
        continued={continued}
      />
    </Document>
  );
}

function listAddress(
  filters: SessionFilters,
  cursor: string | null,
  showsScreens: boolean,
): string {
  return filteredAddress('/sessions', filters, { show: showsScreens ? 'screens' : null, cursor });
}

function Filters(props: {
  readonly filters: SessionFilters;
  readonly filtered: boolean;
  readonly scope: 'all' | 'own';
  readonly showsScreens: boolean;
}) {
  const { filters } = props;
  return (
    <FoldedFilters path="/sessions" filtered={props.filtered} layout="listing">
      <Field name="q" label="Command contains" value={filters.q} wide />
      {props.scope === 'all' && (
        <Field name="principal" label="Principal" value={filters.principal} />
      )}
      <Field name="target" label="Target" value={filters.target} />
      <Field name="run" label="Run" value={filters.run} />
      <Choice name="kind" label="Kind" value={filters.kind} choices={KINDS} />
      <Choice name="decision" label="Stopped" value={filters.decision} choices={DECISIONS} />
      <Choice name="reviewed" label="Reviewed" value={filters.reviewed} choices={ANSWERS} />
      <Choice name="status" label="Status" value={filters.status} choices={STATUSES} />
      <Field name="since" label="From (UTC)" kind="date" value={filters.since} />
      <Field name="until" label="To (UTC)" kind="date" value={filters.until} />
      {props.showsScreens && <input type="hidden" name="show" value="screens" />}
    </FoldedFilters>
  );
}

const KINDS: Choices = [
  ['', 'any'],
  ['shell', 'shell'],
  ['exec', 'exec'],
  ['sftp', 'sftp'],
  ['scp', 'scp'],
  ['forward', 'forward'],
];
const DECISIONS: Choices = [
  ['', 'any'],
  ['deny', 'denied'],
  ['hold', 'held'],
];
const ANSWERS: Choices = [
  ['', 'any'],
  ['yes', 'yes'],
  ['no', 'no'],
];
const STATUSES: Choices = [
  ['', 'any'],
  ['active', 'running'],
  ['closed', 'ended'],
  ['failed', 'failed'],
];

/** Filters that the viewer keeps, and a form to keep those that are set. */
function Saved(props: {
  readonly saved: SessionsProps['saved'];
  readonly filters: SessionFilters;
  readonly filtered: boolean;
}) {
  const { filtered, filters, saved } = props;
  if (saved.length === 0 && !filtered) return null;
  const query = listAddress(filters, null, false).replace(/^[^?]*\??/, '');
  const isKept = saved.some((one) => one.query === query);
  return (
    <div class="row">
      {saved.length > 0 && <span class="muted">Saved:</span>}
      {saved.map((one) => (
        <form key={one.name} class="chip" method="post" action="/sessions/filters/delete">
          <a
            href={`/sessions?${one.query}`}
            aria-current={one.query === query ? 'true' : undefined}
          >
            <Visible text={one.name} />
          </a>
          <input type="hidden" name="name" value={one.name} />
          <button
            type="submit"
            class="quiet"
            aria-label={`Delete the saved filters ${visibleText(one.name, 60)}`}
          >
            ×
          </button>
        </form>
      ))}
      {filtered && !isKept && (
        <form class="row" method="post" action="/sessions/filters">
          <input type="hidden" name="query" value={query} />
          <input
            name="name"
            type="text"
            maxLength={60}
            required
            autocomplete="off"
            placeholder="Name"
            aria-label="Name for these filters"
          />
          <button type="submit">Save filters</button>
        </form>
      )}
    </div>
  );
}

function Kept({ notice }: { readonly notice: SaveNotice }) {
  return (
    <p class="notice good" role="status">
      {notice.outcome === 'saved' ? 'Saved as ' : 'Replaced: these filters now stand under '}
      <b>
        <Visible text={notice.name} />
      </b>
      {notice.outcome === 'saved' ? '.' : ', and those that it stood for before are gone.'}
    </p>
  );
}

/** Last screens as pictures; the words beside each say which session it is. */
function Screens({ sessions }: { readonly sessions: readonly SessionView[] }) {
  return (
    <ul class="screens" id="rows">
      {sessions.map((session) => (
        <li key={session.id} class="panel">
          <a href={sessionAddress(session.id)}>
            <img
              src={`/api/v1/sessions/${session.id}/thumbnail`}
              alt=""
              loading="lazy"
              width={320}
              height={200}
            />
            <span class="row">
              <Visible text={session.principal.name} />
              <span class="muted">on</span>
              <Visible text={session.target} />
            </span>
          </a>
          <span class="row">
            <span class="muted">
              {session.kind}, <Moment at={session.startedAt} />
            </span>
            <StatusBadge status={session.status} />
            <ReviewedBadge session={session} />
            <StoppedBadges session={session} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Table(props: { readonly sessions: readonly SessionView[]; readonly nowMs: number }) {
  return (
    <div class="panel">
      <table class="sessions">
        <thead>
          <tr>
            <th scope="col">Principal</th>
            <th scope="col">Target</th>
            <th scope="col">Kind</th>
            <th scope="col">Started (UTC)</th>
            <th scope="col">Length</th>
            <th scope="col" class="number">
              Commands
            </th>
            <th scope="col">Stopped</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody id="rows">
          {props.sessions.map((session) => (
            <Row key={session.id} session={session} nowMs={props.nowMs} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ session, nowMs }: { readonly session: SessionView; readonly nowMs: number }) {
  const { principal } = session;
  const endMs = session.endedAt === null ? nowMs : Date.parse(session.endedAt);
  return (
    <tr>
      <td>
        <a class="cover" href={sessionAddress(session.id)}>
          <span class="aloud">Session of </span>
          <Visible text={principal.name} />
          <span class="aloud">
            {` on ${visibleText(session.target, 100)}, ${dateTime(session.startedAt)}`}
          </span>
        </a>
        {principal.kind === 'agent' && <KindBadge kind="agent" />}
        {session.run !== null && (
          <span class="sub">
            run <Visible text={session.run} />
          </span>
        )}
      </td>
      <td class="target">
        <span class="muted">
          <Visible text={session.login} />@
        </span>
        <Visible text={session.target} />
      </td>
      <td class="kind">{session.kind}</td>
      <td class="started">
        <Moment at={session.startedAt} />
        <span class="sub">{ago(session.startedAt, nowMs)}</span>
      </td>
      <td class="length">{length(endMs - Date.parse(session.startedAt))}</td>
      <td class="number commands">
        {session.commandCount}
        <span class="unit"> {session.commandCount === 1 ? 'command' : 'commands'}</span>
      </td>
      <td class="stopped">
        <StoppedBadges session={session} />
      </td>
      <td class="status">
        <StatusBadge status={session.status} />
        <ReviewedBadge session={session} />
      </td>
    </tr>
  );
}

function Empty(props: { readonly filtered: boolean; readonly continued: boolean }) {
  if (props.filtered || props.continued) {
    return <NothingMatches one="session" many="sessions" path="/sessions" />;
  }
  return (
    <div class="panel empty">
      <h2>No session yet</h2>
      <p>Open one from a terminal; it appears here as soon as it starts. In the demo:</p>
      <pre tabIndex={0}>
        <code>{'ssh -F "${SALLYPORT_HOME:-$HOME/.sallyport}/demo/ssh_config" demo'}</code>
      </pre>
      <p>With targets of your own, through the bastion’s address and port:</p>
      <pre tabIndex={0}>
        <code>ssh -p PORT LOGIN@TARGET@BASTION</code>
      </pre>
    </div>
  );
}
