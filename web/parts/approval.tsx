/** What the inbox and the page of one request share. */
import type { DecisionNotice, NoticeProps } from '../../server/http/approval-page-props.ts';
import type {
  ApprovalDemandView,
  ApprovalStanding,
  ApprovalView,
} from '../../server/http/ports.ts';
import { approvalAddress } from './address.ts';
import { Badge } from './badge.tsx';
import { dateTime, plural } from './format.ts';
import { Visible, visibleText } from './visible.tsx';

const NOTICES: Readonly<Record<DecisionNotice, { readonly good: boolean; readonly text: string }>> =
  {
    approved: { good: true, text: 'Approved: it goes on.' },
    refused: { good: true, text: 'Denied: it is refused.' },
    agreed: { good: true, text: 'Your approval counts; more people must approve.' },
    revoked: { good: true, text: 'Revoked: from now on it is asked for again.' },
    'not-standing': { good: false, text: 'It counted for nothing any more.' },
    unknown: { good: false, text: 'There is no such request.' },
    'already-decided': { good: false, text: 'It was decided before, or its time was up' },
    'own-request': { good: false, text: 'Nobody decides on their own request: ask somebody else.' },
    'four-eyes': {
      good: false,
      text: 'The rule asks for somebody who does not own the agent that asks.',
    },
    'not-an-approver': { good: false, text: 'The rule names other approvers: ask one of them.' },
    'once-only': { good: false, text: 'This can be approved only once: choose “once”.' },
  };

export function Notice({ notice }: { readonly notice: NoticeProps }) {
  const { good, text } = NOTICES[notice.kind];
  return (
    <p class={good ? 'notice good' : 'notice bad'} role="status">
      <strong>
        Request <Visible text={notice.id} />.
      </strong>{' '}
      {text}
      {notice.kind === 'already-decided' && notice.by !== null && (
        <>
          : <Visible text={notice.by} /> was first
        </>
      )}
      {notice.kind === 'already-decided' && '.'}
    </p>
  );
}

/** A rule without a reason gives what it fits, which may be all that is asked for. */
export function isItself(reason: string, text: string): boolean {
  return reason === `\`${text}\``;
}

export const KINDS = {
  command: 'command',
  file: 'file operation',
  forward: 'forward',
  access: 'access',
} as const satisfies Record<ApprovalView['kind'], string>;

/** `deploy-bot on root@web1` */
export function WhoAndWhere({ approval }: { readonly approval: ApprovalView }) {
  return (
    <span>
      <b>
        <Visible text={approval.principal} />
      </b>{' '}
      <span class="muted">on</span>{' '}
      <b>
        {approval.login !== null && (
          <>
            <Visible text={approval.login} />@
          </>
        )}
        <Visible text={approval.target} />
      </b>
    </span>
  );
}

/** Who has to approve, and who has. */
export function Demands({ approval }: { readonly approval: ApprovalView }) {
  return (
    <>
      {approval.demands.map((demand) => (
        <p class="why" key={demand.rule ?? ''}>
          <Demand
            demand={demand}
            isEscalated={approval.escalatedAt !== null}
            isNamed={approval.demands.length > 1 || demand.rule !== approval.rule}
          />
        </p>
      ))}
      {approval.votes
        .filter(({ decision }) => decision === 'approved')
        .map((vote) => (
          <p class="why" key={vote.by}>
            <span>
              approved by{' '}
              <b>
                <Visible text={vote.by} />
              </b>{' '}
              at {dateTime(vote.at)} UTC
            </span>
            {vote.reason !== null && <Visible text={vote.reason} />}
          </p>
        ))}
    </>
  );
}

function Demand(props: {
  readonly demand: ApprovalDemandView;
  readonly isEscalated: boolean;
  /** The rule is not the one that is named already. */
  readonly isNamed: boolean;
}) {
  const { approvers, escalation, fourEyes, minimum, rule } = props.demand;
  return (
    <>
      <span>
        {rule !== null && props.isNamed && (
          <>
            rule{' '}
            <b>
              <Visible text={rule} />
            </b>
            :{' '}
          </>
        )}
        {plural(minimum, 'approval')} of{' '}
        {approvers.length === 0 ? 'any approver' : <Visible text={approvers.join(', ')} />}
      </span>
      {fourEyes && <span>not by the agent’s owner</span>}
      {escalation !== null && approvers.length > 0 && (
        <span>
          {props.isEscalated ? 'escalated to ' : `from ${dateTime(escalation.at)} UTC also `}
          <Visible text={escalation.to.join(', ')} />
        </span>
      )}
    </>
  );
}

const WHY_NOT: Readonly<Record<Exclude<ApprovalStanding['decides'], 'may'>, string>> = {
  'own-request': 'This is your own request: somebody else decides.',
  'four-eyes': 'The rule asks for somebody who does not own this agent.',
  'not-an-approver': 'The rule names other approvers.',
};

const SCOPES = [
  ['once', 'once'],
  ['session', 'for the rest of this session'],
  ['15m', 'for 15 minutes'],
  ['1h', 'for 1 hour'],
  ['8h', 'for 8 hours'],
] as const;

/** Access lasts for a time in any case; whoever approves may make it shorter. */
const ACCESS_SCOPES = [
  ['once', 'for as long as asked'],
  ['15m', 'for at most 15 minutes'],
  ['1h', 'for at most 1 hour'],
  ['8h', 'for at most 8 hours'],
] as const;

function scopesFor({ kind, repeatable, session }: ApprovalView) {
  if (kind === 'access') return ACCESS_SCOPES;
  if (!repeatable) return [];
  return SCOPES.filter(([value]) => value !== 'session' || session !== null);
}

/** Plain HTML: scripts only keep it from being sent twice. */
export function DecideForm(props: {
  readonly approval: ApprovalView;
  readonly decides: ApprovalStanding['decides'];
  /** The page that it leads back to. */
  readonly page: 'inbox' | 'one';
}) {
  const { approval, decides, page } = props;
  if (decides !== 'may') return <p class="muted">{WHY_NOT[decides]}</p>;
  const label = visibleText(approval.id);
  const scopes = scopesFor(approval);
  return (
    <form method="post" action={approvalAddress(approval.id)} class="row decide">
      <input type="hidden" name="page" value={page} />
      <input
        name="reason"
        maxLength={500}
        placeholder="Reason (optional)"
        aria-label={`Reason for the decision on ${label}`}
        autoComplete="off"
      />
      {scopes.length > 0 ? (
        <select name="scope" aria-label={`For how much an approval of ${label} counts`}>
          {scopes.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      ) : (
        <input type="hidden" name="scope" value="once" />
      )}
      <button type="submit" name="decision" value="approve" class="primary">
        Approve
      </button>
      <button type="submit" name="decision" value="deny" class="danger">
        Deny
      </button>
    </form>
  );
}

/** What an approval that counts for more than once is worth now. */
export function Standing({ approval, nowMs }: { approval: ApprovalView; nowMs: number }) {
  const { revokedAt, scope, until, uses } = approval;
  if (scope === 'once' || until === null) return null;
  const isOver = revokedAt !== null || Date.parse(until) <= nowMs;
  return (
    <span class="sub">
      {scope === 'session' ? 'for its session, at most ' : ''}until {dateTime(until)}
      {approval.standing === null &&
        approval.kind !== 'access' &&
        `, used ${plural(uses, 'time')}`}{' '}
      {isOver && <Badge tone="plain">{revokedAt === null ? 'over' : 'revoked'}</Badge>}
    </span>
  );
}

export function RevokeForm(props: {
  readonly approval: ApprovalView;
  readonly page: 'inbox' | 'one';
}) {
  const { approval, page } = props;
  return (
    <form method="post" action={`${approvalAddress(approval.id)}/revoke`} class="row decide">
      <input type="hidden" name="page" value={page} />
      <button type="submit" class="danger" aria-label={`Revoke ${visibleText(approval.id)}`}>
        Revoke
      </button>
    </form>
  );
}
