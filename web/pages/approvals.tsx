/** The inbox: what waits, each with its form, what counts for longer, and what was decided before. */
import type { ApprovalsProps, WaitingApproval } from '../../server/http/approval-page-props.ts';
import type { ApprovalView } from '../../server/http/ports.ts';
import type { AssetPaths } from '../build.ts';
import { approvalAddress, sessionAddress } from '../parts/address.ts';
import {
  DecideForm,
  Demands,
  isItself,
  KINDS,
  Notice,
  RevokeForm,
  Standing,
  WhoAndWhere,
} from '../parts/approval.tsx';
import { ApprovalBadge, Badge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { ago, dateTime, length } from '../parts/format.ts';
import { Done } from '../parts/live-controls.tsx';
import { Moment } from '../parts/moment.tsx';
import { Visible } from '../parts/visible.tsx';

/** What a card shows of what is asked for; more is read on a page of its own. */
const MAX_CARD_CHARACTERS = 800;
const MAX_CARD_LINES = 8;

type Props = ApprovalsProps & { readonly assets: AssetPaths };

export function ApprovalsPage(props: Props) {
  const { assets, done, frame, notice, standing } = props;
  // What runs out first stands first; what was settled last stands first.
  const waiting = props.waiting.toSorted((a, b) =>
    order(a.approval.expiresAt, b.approval.expiresAt),
  );
  const decided = props.decided.toSorted((a, b) => order(settledAt(b), settledAt(a)));
  return (
    <Document
      frame={frame}
      assets={assets}
      title={waiting.length > 0 ? `Approvals (${waiting.length})` : 'Approvals'}
      current="approvals"
      scripts={[{ path: assets.inboxScript, module: true }]}
    >
      <div class="row title">
        <h1>Approvals</h1>
        <span class="grow" />
        <p class="muted hotkeys" id="keys" hidden>
          <kbd>j</kbd> <kbd>k</kbd> move · <kbd>a</kbd> approve · <kbd>d</kbd> deny ·{' '}
          <kbd>Enter</kbd> open
        </p>
      </div>
      <div id="notice">
        {notice !== null && <Notice notice={notice} />}
        {done !== null && <Done done={done} />}
      </div>
      <p class="notice bad" id="broken" role="status" hidden>
        The connection is gone: what is shown may be out of date. <a href="/approvals">Reload</a>
      </p>
      <p class="aloud" id="news" role="status" />
      <section aria-labelledby="waiting-heading" id="inbox">
        <h2 id="waiting-heading">Waiting for a decision</h2>
        {waiting.length === 0 ? (
          <div class="panel empty">
            <p>Nothing waits. What a rule holds appears here until its time is up.</p>
          </div>
        ) : (
          <ul class="cards" id="waiting">
            {waiting.map((one) => (
              <Card key={one.approval.id} one={one} page={props} />
            ))}
          </ul>
        )}
      </section>
      <div id="settled">
        {standing.length > 0 && (
          <section aria-labelledby="standing-heading">
            <h2 id="standing-heading">Approved for longer</h2>
            <StandingTable approvals={standing} page={props} />
          </section>
        )}
        {decided.length > 0 && (
          <section aria-labelledby="decided-heading">
            <h2 id="decided-heading">Earlier requests</h2>
            <Decided approvals={decided} page={props} />
          </section>
        )}
      </div>
    </Document>
  );
}

function settledAt(approval: ApprovalView): string {
  return approval.decidedAt ?? approval.expiresAt;
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** How much of a text a card shows: nobody decides here on what can't be seen here. */
function fittingCharacters(text: string): number {
  const lines = text.split('\n');
  const head = lines.slice(0, MAX_CARD_LINES).join('\n');
  return Math.min(head.length, MAX_CARD_CHARACTERS);
}

function Card(props: { readonly one: WaitingApproval; readonly page: Props }) {
  const { approval, decides } = props.one;
  const { nowMs } = props.page.frame;
  const leftMs = Date.parse(approval.expiresAt) - nowMs;
  const fitting = fittingCharacters(approval.text);
  const state = `${approval.votes.length} ${approval.escalatedAt ?? ''} ${decides}`;
  return (
    <li class="panel card" id={`approval-${approval.id}`} data-state={state} tabIndex={-1}>
      <div class="row">
        <ApprovalBadge status="waiting" />
        {approval.kind !== 'command' && <Badge tone="info">{KINDS[approval.kind]}</Badge>}
        {approval.escalatedAt !== null && <Badge tone="hold">escalated</Badge>}
        <WhoAndWhere approval={approval} />
        <span class="grow" />
        <span class="muted">
          <a href={approvalAddress(approval.id)} class="open">
            <code>{approval.id}</code>
          </a>{' '}
          · asked {ago(approval.requestedAt, nowMs)} ·{' '}
          <time
            dateTime={approval.expiresAt}
            title={`${dateTime(approval.expiresAt)} UTC`}
            data-deadline
          >
            {leftMs > 0 ? `${length(leftMs)} left` : 'time is up'}
          </time>
        </span>
      </div>
      <pre class="asked" tabIndex={0} role="group" aria-label="What is asked for">
        <code>
          <Visible text={approval.text} maxCharacters={fitting} />
        </code>
      </pre>
      <p class="why">
        {approval.rule !== null && (
          <span>
            held by rule{' '}
            <b>
              <Visible text={approval.rule} />
            </b>
          </span>
        )}
        {approval.reason !== null && !isItself(approval.reason, approval.text) && (
          <span>
            <Visible text={approval.reason} />
          </span>
        )}
        <SessionLink approval={approval} page={props.page} />
        <a href={approvalAddress(approval.id)}>screen and earlier commands</a>
      </p>
      <Demands approval={approval} />
      {fitting >= approval.text.length ? (
        <DecideForm approval={approval} decides={decides} page="inbox" />
      ) : (
        <p>
          <a class="button" href={approvalAddress(approval.id)}>
            {decides === 'may' ? 'Read all of it and decide' : 'Read all of it'}
          </a>
        </p>
      )}
    </li>
  );
}

function SessionLink(props: { readonly approval: ApprovalView; readonly page: Props }) {
  const { commandSeq, session } = props.approval;
  if (!props.page.mayReadSessions || session === null) return null;
  return (
    <a href={sessionAddress(session, commandSeq)}>
      session{commandSeq === null ? '' : `, command ${commandSeq}`}
    </a>
  );
}

function StandingTable(props: {
  readonly approvals: readonly ApprovalView[];
  readonly page: Props;
}) {
  return (
    <div class="panel">
      <table class="decided">
        <thead>
          <tr>
            <th scope="col">Exactly this</th>
            <th scope="col">For</th>
            <th scope="col">Approved by</th>
            <th scope="col">Counts</th>
            <th scope="col">
              <span class="aloud">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.approvals.map((approval) => (
            <tr key={approval.id}>
              <td>
                <Asked approval={approval} page={props.page} />
              </td>
              <td>
                <WhoAndWhere approval={approval} />
              </td>
              <td>
                <Visible text={approval.decidedBy ?? ''} />
              </td>
              <td>
                <Standing approval={approval} nowMs={props.page.frame.nowMs} />
              </td>
              <td>
                <RevokeForm approval={approval} page="inbox" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Asked(props: { readonly approval: ApprovalView; readonly page: Props }) {
  const { approval } = props;
  return (
    <>
      <code class="text">
        <Visible text={approval.text} />
      </code>
      <span class="sub">
        <a href={approvalAddress(approval.id)}>
          <code>{approval.id}</code>
        </a>{' '}
        <SessionLink approval={approval} page={props.page} />
      </span>
    </>
  );
}

function Decided(props: { readonly approvals: readonly ApprovalView[]; readonly page: Props }) {
  return (
    <div class="panel">
      <table class="decided">
        <thead>
          <tr>
            <th scope="col">Asked for</th>
            <th scope="col">Asked by</th>
            <th scope="col">Outcome</th>
            <th scope="col">Decided by</th>
            <th scope="col">When (UTC)</th>
          </tr>
        </thead>
        <tbody>
          {props.approvals.map((approval) => (
            <tr key={approval.id} id={`approval-${approval.id}`}>
              <td>
                <Asked approval={approval} page={props.page} />
              </td>
              <td>
                <Visible text={approval.principal} />
                <span class="sub">
                  on <Visible text={approval.target} />
                </span>
              </td>
              <td>
                <ApprovalBadge status={approval.status} />
                <Standing approval={approval} nowMs={props.page.frame.nowMs} />
              </td>
              <td>
                {approval.decidedBy === null ? (
                  <span class="muted">nobody</span>
                ) : (
                  <Visible text={approval.decidedBy} />
                )}
                {approval.decisionReason !== null && (
                  <span class="sub">
                    <Visible text={approval.decisionReason} />
                  </span>
                )}
              </td>
              <td>
                <Moment at={settledAt(approval)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
