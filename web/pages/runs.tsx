/** Runs of agents: their list, and all sessions of one. */
import type { RunProps, RunsProps } from '../../server/http/run-page-props.ts';
import type { RunView } from '../../server/http/run-ports.ts';
import type { SessionView } from '../../server/http/ports.ts';
import type { AssetPaths } from '../build.ts';
import { runAddress, sessionAddress } from '../parts/address.ts';
import {
  Badge,
  KindBadge,
  MaskedBadge,
  StatusBadge,
  StoppedBadges,
  TrustBadge,
} from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { Fact } from '../parts/facts.tsx';
import { Choice, Field, filteredAddress, isFiltered, Submit } from '../parts/filters.tsx';
import { ago, dateTime, length, plural } from '../parts/format.ts';
import { NothingMatches, Pager, Problem } from '../parts/list.tsx';
import { Moment } from '../parts/moment.tsx';
import { Cell, Table } from '../parts/table.tsx';
import { Visible, visibleText } from '../parts/visible.tsx';

export function RunsPage(props: RunsProps & { readonly assets: AssetPaths }) {
  const { assets, continued, filters, frame, page, problem, scope } = props;
  const filtered = isFiltered(filters);
  return (
    <Document frame={frame} assets={assets} title="Runs" current="runs">
      <div class="row title">
        <h1>Runs</h1>
        {scope === 'own' && <span class="muted">your own</span>}
      </div>
      <form class="panel filters one" method="get" action="/runs" role="search">
        <div class="row fields">
          <Field name="q" label="Run or task contains" value={filters.q} kind="search" wide />
          {scope === 'all' && (
            <Field name="principal" label="Principal" value={filters.principal} />
          )}
        </div>
        <Submit word="Filter" clear={filtered ? '/runs' : null} />
      </form>
      <Problem problem={problem} />
      {page.items.length > 0 && <RunTable runs={page.items} nowMs={frame.nowMs} />}
      {page.items.length === 0 && problem === null && <Empty filtered={filtered || continued} />}
      <Pager
        of="runs"
        label="Pages of the list"
        address={(cursor) => filteredAddress('/runs', filters, { cursor })}
        next={page.next}
        continued={continued}
      />
    </Document>
  );
}

const RUN_COLUMNS = [
  'Run',
  'Principal',
  'Targets',
  'Started (UTC)',
  'Length',
  'Sessions',
  'Commands',
  'Stopped',
];

function RunTable(props: { readonly runs: readonly RunView[]; readonly nowMs: number }) {
  return (
    <Table columns={RUN_COLUMNS}>
      {props.runs.map((run) => (
        <tr key={`${run.principal} ${run.run}`}>
          <Cell of="Run">
            <a href={runAddress(run)}>
              <Visible text={run.run} />
            </a>{' '}
            {run.attribution !== null && <TrustBadge attribution={run.attribution} />}
            <Tasks tasks={run.tasks} />
          </Cell>
          <Cell of="Principal">
            <Visible text={run.principal} />{' '}
            {run.principalKind === 'agent' && <KindBadge kind="agent" />}
          </Cell>
          <Cell of="Targets">
            {run.targets.map((target) => (
              <span key={target} class="key">
                <Visible text={target} />
              </span>
            ))}
          </Cell>
          <Cell of="Started (UTC)">
            <Moment at={run.startedAt} />
            <span class="sub">{ago(run.startedAt, props.nowMs)}</span>
          </Cell>
          <Cell of="Length">{runLength(run, props.nowMs)}</Cell>
          <Cell of="Sessions">
            {run.sessionCount}
            {run.isCut && '+'}{' '}
            {run.activeCount > 0 && <Badge tone="info">{`${run.activeCount} running`}</Badge>}
          </Cell>
          <Cell of="Commands">{run.commandCount}</Cell>
          <Cell of="Stopped">
            <Stopped run={run} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

function Tasks({ tasks }: { readonly tasks: readonly string[] }) {
  if (tasks.length === 0) return null;
  return (
    <span class="sub">
      task{' '}
      {tasks.map((task, index) => (
        <>
          {index > 0 && ', '}
          <Visible text={task} />
        </>
      ))}
    </span>
  );
}

function Stopped({ run }: { readonly run: RunView }) {
  return (
    <>
      {run.deniedCount > 0 && <Badge tone="bad">{`${run.deniedCount} denied`}</Badge>}{' '}
      {run.heldCount > 0 && <Badge tone="hold">{`${run.heldCount} held`}</Badge>}{' '}
      {run.maskedCount > 0 && <MaskedBadge count={run.maskedCount} />}
    </>
  );
}

function runLength(run: RunView, nowMs: number): string {
  const endMs = run.endedAt === null ? nowMs : Date.parse(run.endedAt);
  return length(endMs - Date.parse(run.startedAt));
}

function Empty({ filtered }: { readonly filtered: boolean }) {
  if (filtered) return <NothingMatches one="run" many="runs" path="/runs" />;
  return (
    <div class="panel empty">
      <h2>No run yet</h2>
      <p>
        Sessions belong to a run when their key was registered for one, or when the client claims
        one:
      </p>
      <pre>
        <code>ssh LOGIN@TARGET+run=4711+task=nightly@BASTION</code>
      </pre>
    </div>
  );
}

export function RunPage(props: RunProps & { readonly assets: AssetPaths }) {
  const { assets, comparable, frame, run, sessions } = props;
  return (
    <Document frame={frame} assets={assets} title={`Run ${run.run}`} current="runs">
      <div class="row title">
        <h1>
          Run <Visible text={run.run} />
        </h1>
        {run.attribution !== null && <TrustBadge attribution={run.attribution} />}
      </div>
      <dl class="panel facts">
        <Fact name="Principal">
          <Visible text={run.principal} />
        </Fact>
        <Fact name="Tasks">
          {run.tasks.length === 0 ? 'none' : <Visible text={run.tasks.join(', ')} />}
        </Fact>
        <Fact name="Targets">
          <Visible text={run.targets.join(', ')} />
        </Fact>
        <Fact name="Started (UTC)">
          <Moment at={run.startedAt} />
        </Fact>
        <Fact name="Length">{runLength(run, frame.nowMs)}</Fact>
        <Fact name="Sessions">
          {plural(run.sessionCount, 'session')}
          {run.isCut && ' and more'}
        </Fact>
        <Fact name="Commands">
          {plural(run.commandCount, 'command')} <Stopped run={run} />
        </Fact>
      </dl>
      {comparable.length > 0 && (
        <form class="panel filters one" method="get" action="/compare">
          <input type="hidden" name="run" value={run.run} />
          <input type="hidden" name="principal" value={run.principal} />
          <Choice
            name="with"
            label="Compare with"
            value={comparable[0]?.run ?? ''}
            choices={comparable.map((other) => [other.run, runWords(other)])}
            wide
          />
          <Submit word="Compare" />
        </form>
      )}
      <section aria-labelledby="of-run">
        <h2 id="of-run">Sessions</h2>
        <SessionsOfRun sessions={sessions.items} />
        <Pager
          of="sessions"
          label="Pages of the list"
          address={(cursor) => runAddress(run, cursor)}
          next={sessions.next}
          continued={false}
        />
      </section>
    </Document>
  );
}

function runWords({ commandCount, run, startedAt }: RunView): string {
  return `${visibleText(run, 100)} (${dateTime(startedAt)}, ${plural(commandCount, 'command')})`;
}

function SessionsOfRun({ sessions }: { readonly sessions: readonly SessionView[] }) {
  return (
    <Table columns={['Started (UTC)', 'Target', 'Kind', 'Commands', 'Stopped', 'Exit', 'Status']}>
      {sessions.map((session) => (
        <tr key={session.id}>
          <Cell of="Started (UTC)">
            <a href={sessionAddress(session.id)}>
              <Moment at={session.startedAt} />
            </a>
          </Cell>
          <Cell of="Target">
            <Visible text={`${session.login}@${session.target}`} />
          </Cell>
          <Cell of="Kind">{session.kind}</Cell>
          <Cell of="Commands">{session.commandCount}</Cell>
          <Cell of="Stopped">
            <StoppedBadges session={session} />
          </Cell>
          <Cell of="Exit">{session.exitStatus ?? <span class="muted">none</span>}</Cell>
          <Cell of="Status">
            <StatusBadge status={session.status} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}
