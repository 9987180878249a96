/** What goes on: now, over time, by whom, and whether the record can be relied on. */
import type { ComponentChildren } from 'preact';
import type { OverviewView } from '../../server/http/overview-ports.ts';
import type { OverviewProps } from '../../server/http/pages.ts';
import type { AssetPaths } from '../build.ts';
import { policyAddress } from '../parts/address.ts';
import { Badge, DecisionBadge, KindBadge } from '../parts/badge.tsx';
import { Bars, type Series } from '../parts/bars.tsx';
import { Document } from '../parts/document.tsx';
import { Fact } from '../parts/facts.tsx';
import { filteredAddress } from '../parts/filters.tsx';
import { ago } from '../parts/format.ts';
import { Moment } from '../parts/moment.tsx';
import { Visible } from '../parts/visible.tsx';

const STOPPED: readonly Series[] = [
  { name: 'held', tone: 'hold' },
  { name: 'denied', tone: 'bad' },
];
const DECIDED: readonly Series[] = [{ name: 'allowed', tone: 'ok' }, ...STOPPED];

export function OverviewPage(props: OverviewProps & { readonly assets: AssetPaths }) {
  const { assets, frame, overview } = props;
  const day = sumOf(overview.hours);
  return (
    <Document frame={frame} assets={assets} title="Overview" current="overview">
      <div class="row title">
        <h1>Overview</h1>
        <span class="muted">
          counted <Moment at={overview.at} /> UTC
        </span>
      </div>
      <ul class="figures">
        <Figure value={overview.activeSessions} href="/sessions?status=active">
          {overview.activeSessions === 1 ? 'session is running' : 'sessions are running'}
        </Figure>
        <Figure
          value={overview.waitingApprovals}
          href={frame.waiting === null ? null : '/approvals'}
        >
          {overview.waitingApprovals === 1 ? 'request waits' : 'requests wait'}
        </Figure>
        <Figure value={day.denied} href="/search?in=commands&decision=deny">
          denied in 24 hours
        </Figure>
        <Figure value={day.held} href="/search?in=commands&decision=hold">
          held in 24 hours
        </Figure>
      </ul>
      <div class="charts">
        <section class="panel" aria-labelledby="hours">
          <h2 id="hours">The last 24 hours</h2>
          <Bars
            caption="Commands by hour"
            series={DECIDED}
            bars={overview.hours.map((hour) => ({
              label: hour.at.slice(5, 16).replace('T', ' '),
              values: [hour.allowed, hour.held, hour.denied],
            }))}
          />
        </section>
        <section class="panel" aria-labelledby="days">
          <h2 id="days">The last 30 days</h2>
          <Bars
            caption="Commands that were stopped, by day"
            series={STOPPED}
            bars={overview.days.map((one) => ({
              label: one.at.slice(0, 10),
              values: [one.held, one.denied],
            }))}
          />
        </section>
      </div>
      <div class="charts">
        <Principals principals={overview.principals} />
        <Rules rules={overview.rules} />
      </div>
      <Health {...props} />
    </Document>
  );
}

function sumOf(hours: OverviewView['hours']): { readonly denied: number; readonly held: number } {
  return {
    denied: hours.reduce((sum, hour) => sum + hour.denied, 0),
    held: hours.reduce((sum, hour) => sum + hour.held, 0),
  };
}

function Figure(props: {
  readonly value: number;
  readonly href: string | null;
  readonly children: ComponentChildren;
}) {
  const { children, href, value } = props;
  const content = (
    <>
      <strong>{value.toLocaleString('en')}</strong> {children}
    </>
  );
  return (
    <li class="panel">{href === null ? <span>{content}</span> : <a href={href}>{content}</a>}</li>
  );
}

function Principals({ principals }: { readonly principals: OverviewView['principals'] }) {
  return (
    <section class="panel" aria-labelledby="principals">
      <h2 id="principals">Busiest principals of 7 days</h2>
      {principals.length === 0 && <p class="muted">Nobody was here.</p>}
      {principals.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Principal</th>
              <th scope="col" class="number">
                Sessions
              </th>
              <th scope="col" class="number">
                Commands
              </th>
              <th scope="col" class="number">
                Stopped
              </th>
            </tr>
          </thead>
          <tbody>
            {principals.map((one) => (
              <tr key={one.name}>
                <td>
                  <a href={filteredAddress('/sessions', { principal: one.name })}>
                    <Visible text={one.name} />
                  </a>{' '}
                  {one.kind === 'agent' && <KindBadge kind="agent" />}
                </td>
                <td class="number">{one.sessions.toLocaleString('en')}</td>
                <td class="number">{one.commands.toLocaleString('en')}</td>
                <td class="number">{one.stopped.toLocaleString('en')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Rules({ rules }: { readonly rules: OverviewView['rules'] }) {
  return (
    <section class="panel" aria-labelledby="rules">
      <h2 id="rules">Busiest rules of 7 days</h2>
      {rules.length === 0 && <p class="muted">No rule stopped anything.</p>}
      {rules.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col">Policy</th>
              <th scope="col" class="number">
                Hits
              </th>
            </tr>
          </thead>
          <tbody>
            {rules.map((one) => (
              <tr key={`${one.policy} ${one.rule ?? ''} ${one.decision}`}>
                <td>
                  {one.rule === null ? (
                    <span class="muted">what is uncertain, or the default</span>
                  ) : (
                    <Visible text={one.rule} />
                  )}{' '}
                  <DecisionBadge decision={one.decision} />
                </td>
                <td>
                  <a href={policyAddress(one.policy)}>
                    <Visible text={one.policy} />
                  </a>
                </td>
                <td class="number">{one.hits.toLocaleString('en')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Health(props: OverviewProps) {
  const { checks, frame, overview, ready } = props;
  const { broken, failed, gaps, incomplete, lastCheckpointAt } = overview.record;
  return (
    <section class="panel health" aria-labelledby="health">
      <h2 id="health">Health</h2>
      <dl class="facts">
        <Fact name="Service">
          <Badge tone={ready ? 'ok' : 'bad'}>{ready ? 'ready' : 'not ready'}</Badge>
        </Fact>
        {Object.entries(checks).map(([name, state]) => (
          <Fact key={name} name={name}>
            <Badge tone={state === 'ok' ? 'ok' : 'bad'}>{state}</Badge>
          </Fact>
        ))}
        <Trouble name="Recordings that failed" count={failed} type="recording.failed" />
        <Trouble name="Gaps" count={gaps} type="recording.gap" />
        <Trouble name="Failed checks of the chain" count={broken} type="verify.failed" />
        <Fact name="Incomplete recordings">
          <Badge tone={incomplete === 0 ? 'ok' : 'bad'}>{String(incomplete)}</Badge>
        </Fact>
        <Fact name="Last checkpoint of the chain">
          {lastCheckpointAt === null ? (
            <span class="muted">none yet</span>
          ) : (
            <>
              <Moment at={lastCheckpointAt} />{' '}
              <span class="muted">{ago(lastCheckpointAt, frame.nowMs)}</span>
            </>
          )}
        </Fact>
      </dl>
      <p class="muted">
        Counts are of the last 7 days. The chain is checked by{' '}
        <code>npx sallyport verify --all</code>, and for one session on its page.
      </p>
    </section>
  );
}

function Trouble(props: { readonly name: string; readonly count: number; readonly type: string }) {
  const { count, name, type } = props;
  return (
    <Fact name={name}>
      {count === 0 ? (
        <Badge tone="ok">0</Badge>
      ) : (
        <a href={filteredAddress('/journal', { type })}>
          <Badge tone="bad">{count.toLocaleString('en')}</Badge>
        </a>
      )}
    </Fact>
  );
}
