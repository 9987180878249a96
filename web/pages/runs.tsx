/** Runs of agents: their list, and all sessions of one. */
import type { ComponentChildren } from 'preact';
import type { RunProps, RunsProps } from '../../server/http/run-page-props.ts';
import type { RunName, RunView } from '../../server/http/run-ports.ts';
import type { SessionView } from '../../server/http/ports.ts';
import type { AssetPaths } from '../build.ts';
import {
  Badge,
  KindBadge,
  MaskedBadge,
  StatusBadge,
  StoppedBadges,
  TrustBadge,
} from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { ago, dateTime, length, plural } from '../parts/format.ts';
import { Visible } from '../parts/visible.tsx';

export function RunsPage(props: RunsProps & { readonly assets: AssetPaths }) {
  const { assets, continued, filters, frame, page, problem, scope } = props;
  const filtered = filters.principal !== '' || filters.q !== '';
  const address = (cursor: string | null): string => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filters)) if (value !== '') query.set(name, value);
    if (cursor !== null) query.set('cursor', cursor);
    return query.size === 0 ? '/runs' : `/runs?${query.toString()}`;
  };
  return (
    <Document frame={frame} assets={assets} title="Runs" current="runs">
      <div class="row title">
        <h1>Runs</h1>
        {scope === 'own' && <span class="muted">your own</span>}
      </div>
      <form class="panel filters one" method="get" action="/runs" role="search">
        <div class="row fields">
          <label class="wide">
            Run or task contains
            <input name="q" value={filters.q} type="search" maxLength={200} autocomplete="off" />
          </label>
          {scope === 'all' && (
            <label>
              Principal
              <input
                name="principal"
                value={filters.principal}
                type="text"
                maxLength={200}
                autocomplete="off"
              />
            </label>
          )}
        </div>
        <div class="row actions">
          <button type="submit" class="primary">
            Filter
          </button>
          {filtered && (
            <a class="button quiet" href="/runs">
              Clear
            </a>
          )}
        </div>
      </form>
      {problem !== null && (
        <p class="notice bad" role="alert">
          <strong>{problem.message}.</strong> {problem.hint}.
        </p>
      )}
      {page.items.length > 0 && <RunTable runs={page.items} nowMs={frame.nowMs} />}
      {page.items.length === 0 && problem === null && <Empty filtered={filtered || continued} />}
      {(page.next !== null || continued) && (
        <nav class="row pager" aria-label="Pages of the list">
          {continued && <a href={address(null)}>Newest runs</a>}
          <span class="grow" />
          {page.next !== null && (
            <a class="button" rel="next" href={address(page.next)}>
              Older runs
            </a>
          )}
        </nav>
      )}
    </Document>
  );
}

export function runAddress({ principal, run }: RunName): string {
  return `/run?${new URLSearchParams({ principal, run }).toString()}`;
}

function RunTable(props: { readonly runs: readonly RunView[]; readonly nowMs: number }) {
  return (
    <div class="panel">
      <table class="things">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Principal</th>
            <th scope="col">Targets</th>
            <th scope="col">Started (UTC)</th>
            <th scope="col">Length</th>
            <th scope="col">Sessions</th>
            <th scope="col">Commands</th>
            <th scope="col">Stopped</th>
          </tr>
        </thead>
        <tbody>
          {props.runs.map((run) => (
            <tr key={`${run.principal} ${run.run}`}>
              <td data-of="Run">
                <a href={runAddress(run)}>
                  <Visible text={run.run} />
                </a>{' '}
                {run.attribution !== null && <TrustBadge attribution={run.attribution} />}
                <Tasks tasks={run.tasks} />
              </td>
              <td data-of="Principal">
                <Visible text={run.principal} />{' '}
                {run.principalKind === 'agent' && <KindBadge kind="agent" />}
              </td>
              <td data-of="Targets">
                {run.targets.map((target) => (
                  <span key={target} class="key">
                    <Visible text={target} />
                  </span>
                ))}
              </td>
              <td data-of="Started (UTC)">
                <time dateTime={run.startedAt}>{dateTime(run.startedAt)}</time>
                <span class="sub">{ago(run.startedAt, props.nowMs)}</span>
              </td>
              <td data-of="Length">{runLength(run, props.nowMs)}</td>
              <td data-of="Sessions">
                {run.sessionCount}
                {run.isCut && '+'}{' '}
                {run.activeCount > 0 && <Badge tone="info">{`${run.activeCount} running`}</Badge>}
              </td>
              <td data-of="Commands">{run.commandCount}</td>
              <td data-of="Stopped">
                <Stopped run={run} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
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
  if (filtered) {
    return (
      <div class="panel empty">
        <h2>No run matches</h2>
        <p>
          Loosen a filter, or <a href="/runs">show all runs</a>.
        </p>
      </div>
    );
  }
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
          <time dateTime={run.startedAt}>{dateTime(run.startedAt)}</time>
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
          <label class="wide">
            Compare with
            <select name="with">
              {comparable.map((other) => (
                <option key={other.run} value={other.run}>
                  {`${other.run} (${dateTime(other.startedAt)}, ${plural(other.commandCount, 'command')})`}
                </option>
              ))}
            </select>
          </label>
          <div class="row actions">
            <button type="submit" class="primary">
              Compare
            </button>
          </div>
        </form>
      )}
      <section aria-labelledby="of-run">
        <h2 id="of-run">Sessions</h2>
        <SessionsOfRun sessions={sessions.items} nowMs={frame.nowMs} />
        {sessions.next !== null && (
          <nav class="row pager" aria-label="Pages of the list">
            <span class="grow" />
            <a
              class="button"
              rel="next"
              href={`${runAddress(run)}&${new URLSearchParams({ cursor: sessions.next }).toString()}`}
            >
              Older sessions
            </a>
          </nav>
        )}
      </section>
    </Document>
  );
}

function Fact(props: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function SessionsOfRun(props: {
  readonly sessions: readonly SessionView[];
  readonly nowMs: number;
}) {
  return (
    <div class="panel">
      <table class="things">
        <thead>
          <tr>
            <th scope="col">Started (UTC)</th>
            <th scope="col">Target</th>
            <th scope="col">Kind</th>
            <th scope="col">Commands</th>
            <th scope="col">Stopped</th>
            <th scope="col">Exit</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {props.sessions.map((session) => (
            <tr key={session.id}>
              <td data-of="Started (UTC)">
                <a href={`/sessions/${session.id}`}>
                  <time dateTime={session.startedAt}>{dateTime(session.startedAt)}</time>
                </a>
              </td>
              <td data-of="Target">
                <Visible text={`${session.login}@${session.target}`} />
              </td>
              <td data-of="Kind">{session.kind}</td>
              <td data-of="Commands">{session.commandCount}</td>
              <td data-of="Stopped">
                <StoppedBadges session={session} />
              </td>
              <td data-of="Exit">{session.exitStatus ?? <span class="muted">none</span>}</td>
              <td data-of="Status">
                <StatusBadge status={session.status} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
