/** Held commands: those that wait, each with its form, and what was decided before. */
import type { ApprovalsProps, DecisionNotice } from '../../server/http/pages.ts';
import type { ApprovalView } from '../../server/http/ports.ts';
import type { AssetPaths } from '../build.ts';
import { ApprovalBadge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { ago, dateTime, length } from '../parts/format.ts';
import { Visible, visibleText } from '../parts/visible.tsx';

type Props = ApprovalsProps & { readonly assets: AssetPaths };

export function ApprovalsPage(props: Props) {
  const { assets, frame, notice } = props;
  // What runs out first stands first; what was settled last stands first.
  const waiting = props.waiting.toSorted((a, b) => order(a.expiresAt, b.expiresAt));
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
      </div>
      {notice !== null && <Notice notice={notice} />}
      <p class="notice" id="news" role="status" hidden>
        The list has changed. <a href="/approvals">Show the new list</a>
      </p>
      <section aria-labelledby="waiting-heading">
        <h2 id="waiting-heading">Waiting for a decision</h2>
        {waiting.length === 0 ? (
          <div class="panel empty">
            <p>Nothing waits. A command that a rule holds appears here until its time is up.</p>
          </div>
        ) : (
          <ul class="cards" id="waiting" data-ids={waiting.map((one) => one.id).join(' ')}>
            {waiting.map((approval) => (
              <Card key={approval.id} approval={approval} page={props} />
            ))}
          </ul>
        )}
      </section>
      {decided.length > 0 && (
        <section aria-labelledby="decided-heading">
          <h2 id="decided-heading">Earlier requests</h2>
          <Decided approvals={decided} page={props} />
        </section>
      )}
    </Document>
  );
}

function settledAt(approval: ApprovalView): string {
  return approval.decidedAt ?? approval.expiresAt;
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

const NOTICES: Readonly<Record<DecisionNotice, { readonly good: boolean; readonly text: string }>> =
  {
    approved: { good: true, text: 'Approved: the command goes on.' },
    refused: { good: true, text: 'Denied: the command is refused.' },
    unknown: { good: false, text: 'There is no such request.' },
    'already-decided': { good: false, text: 'It was decided before, or its time was up.' },
    'own-request': { good: false, text: 'Nobody decides on their own request: ask somebody else.' },
    'not-an-approver': { good: false, text: 'The rule names other approvers: ask one of them.' },
  };

function Notice({ notice }: { readonly notice: NonNullable<ApprovalsProps['notice']> }) {
  const { good, text } = NOTICES[notice.kind];
  return (
    <p class={good ? 'notice good' : 'notice bad'} role="status">
      <strong>
        Request <Visible text={notice.id} />.
      </strong>{' '}
      {text}
    </p>
  );
}

function Card(props: { readonly approval: ApprovalView; readonly page: Props }) {
  const { approval, page } = props;
  const { nowMs } = page.frame;
  const leftMs = Date.parse(approval.expiresAt) - nowMs;
  const own = page.frame.viewer?.name === approval.principal;
  return (
    <li class="panel card" id={`approval-${approval.id}`}>
      <div class="row">
        <ApprovalBadge status="waiting" />
        <span>
          <b>
            <Visible text={approval.principal} />
          </b>{' '}
          <span class="muted">on</span>{' '}
          <b>
            <Visible text={approval.target} />
          </b>
        </span>
        <span class="grow" />
        <span class="muted">
          <code>{approval.id}</code> · asked {ago(approval.requestedAt, nowMs)} ·{' '}
          <time dateTime={approval.expiresAt} title={`${dateTime(approval.expiresAt)} UTC`}>
            {leftMs > 0 ? `${length(leftMs)} left` : 'time is up'}
          </time>
        </span>
      </div>
      <pre class="asked">
        <code>
          <Visible text={approval.text} />
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
        {approval.reason !== null && (
          <span>
            <Visible text={approval.reason} />
          </span>
        )}
        <SessionLink approval={approval} page={page} />
      </p>
      {own ? (
        <p class="muted">This is your own request: somebody else decides.</p>
      ) : (
        <form
          method="post"
          action={`/approvals/${encodeURIComponent(approval.id)}`}
          class="row decide"
        >
          <input
            name="reason"
            maxLength={500}
            placeholder="Reason (optional)"
            aria-label={`Reason for the decision on ${visibleText(approval.id)}`}
            autoComplete="off"
          />
          <button type="submit" name="decision" value="approve" class="primary">
            Approve once
          </button>
          <button type="submit" name="decision" value="deny" class="danger">
            Deny
          </button>
        </form>
      )}
    </li>
  );
}

function SessionLink(props: { readonly approval: ApprovalView; readonly page: Props }) {
  const { commandSeq, session } = props.approval;
  if (!props.page.mayReadSessions) return null;
  return <a href={`/sessions/${session}#cmd-${commandSeq}`}>session, command {commandSeq}</a>;
}

function Decided(props: { readonly approvals: readonly ApprovalView[]; readonly page: Props }) {
  return (
    <div class="panel">
      <table class="decided">
        <thead>
          <tr>
            <th scope="col">Command</th>
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
                <code class="text">
                  <Visible text={approval.text} />
                </code>
                <span class="sub">
                  <code>{approval.id}</code> <SessionLink approval={approval} page={props.page} />
                </span>
              </td>
              <td>
                <Visible text={approval.principal} />
                <span class="sub">
                  on <Visible text={approval.target} />
                </span>
              </td>
              <td>
                <ApprovalBadge status={approval.status} />
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
                <time dateTime={settledAt(approval)}>{dateTime(settledAt(approval))}</time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
