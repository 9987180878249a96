/** Access for a time: the form that asks for it, and what became of earlier requests. */
import type {
  AccessNotice,
  AccessProps,
  AccessRequestView,
} from '../../server/http/access-ports.ts';
import type { AssetPaths } from '../build.ts';
import { Badge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { ago, dateTime, length } from '../parts/format.ts';
import { Moment } from '../parts/moment.tsx';
import { Visible, visibleText } from '../parts/visible.tsx';

export function AccessPage(props: AccessProps & { readonly assets: AssetPaths }) {
  const { assets, frame, granted, notice, own } = props;
  return (
    <Document frame={frame} assets={assets} title="Access" current="access">
      <div class="row title">
        <h1>Access for a time</h1>
      </div>
      {notice !== null && <Notice notice={notice} />}
      <Form {...props} />
      <section aria-labelledby="own-heading">
        <h2 id="own-heading">Your requests</h2>
        {own.length === 0 ? (
          <div class="panel empty">
            <p>You have not asked for access yet.</p>
          </div>
        ) : (
          <Requests requests={own} nowMs={frame.nowMs} isOwn />
        )}
      </section>
      {granted !== null && granted.length > 0 && (
        <section aria-labelledby="granted-heading">
          <h2 id="granted-heading">What others have now</h2>
          <Requests requests={granted} nowMs={frame.nowMs} isOwn={false} />
        </section>
      )}
    </Document>
  );
}

function Form({ options, typed }: AccessProps) {
  if (options.length === 0) {
    return (
      <div class="panel empty">
        <p>There is nothing that you may ask for. An admin can add you to an entry of requests.</p>
      </div>
    );
  }
  return (
    <form class="panel filters" method="post" action="/access" aria-label="Ask for access">
      <label class="wide">
        Where
        <select name="place">
          {options.map(({ channels, login, maxDurationS, target }) => {
            const place = `${login}@${target}`;
            return (
              <option key={place} value={place} selected={place === typed.place}>
                {`${visibleText(place)}: ${channels.join(', ')}, up to ${length(maxDurationS * 1000)}`}
              </option>
            );
          })}
        </select>
      </label>
      <label>
        How long
        <input
          name="time"
          value={typed.time}
          placeholder="30m, 2h, 1d"
          pattern="[0-9]+[smhd]"
          title="30m, 2h or 1d"
          maxLength={8}
          required
          autocomplete="off"
        />
      </label>
      <label class="wide">
        Why
        <input name="reason" value={typed.reason} maxLength={500} required autocomplete="off" />
      </label>
      <div class="row actions">
        <button type="submit" class="primary">
          Ask for access
        </button>
      </div>
    </form>
  );
}

const NOTICES: Readonly<
  Record<AccessNotice, { readonly good: boolean; readonly text: (about: string) => string }>
> = {
  asked: { good: true, text: (id) => `Request ${id} waits for a decision.` },
  withdrawn: { good: true, text: (id) => `Request ${id} is withdrawn.` },
  ended: { good: true, text: (id) => `The access of request ${id} has ended.` },
  over: { good: false, text: (id) => `Request ${id} was over already.` },
  waiting: { good: false, text: (id) => `Request ${id} still waits: decide it under Approvals.` },
  unknown: { good: false, text: () => 'There is nothing of that name that you may ask for.' },
  'login-ambiguous': { good: false, text: () => 'Choose a login as well.' },
  'no-reason': { good: false, text: () => 'Say why: approvers decide by it.' },
  'bad-time': { good: false, text: () => 'Write the time as 30m, 2h or 1d.' },
  'too-long': { good: false, text: (most) => `That may be asked for at most ${most}.` },
  'too-many': {
    good: false,
    text: (most) => `${most} of your requests wait already: let them be decided, or withdraw one.`,
  },
};

function Notice({ notice }: { readonly notice: NonNullable<AccessProps['notice']> }) {
  const { good, text } = NOTICES[notice.kind];
  return (
    <p class={good ? 'notice good' : 'notice bad'} role={good ? 'status' : 'alert'}>
      <Visible text={text(notice.about)} />
    </p>
  );
}

const TONES = {
  waiting: 'hold',
  granted: 'ok',
  refused: 'bad',
  expired: 'plain',
  withdrawn: 'plain',
  ended: 'plain',
} as const;

function Requests(props: {
  readonly requests: readonly AccessRequestView[];
  readonly nowMs: number;
  readonly isOwn: boolean;
}) {
  return (
    <ul class="cards">
      {props.requests.map((one) => (
        <Card key={one.id} request={one} nowMs={props.nowMs} isOwn={props.isOwn} />
      ))}
    </ul>
  );
}

function Card(props: {
  readonly request: AccessRequestView;
  readonly nowMs: number;
  readonly isOwn: boolean;
}) {
  const { isOwn, nowMs, request } = props;
  const { approvedBy, id, status } = request;
  const isOpen = status === 'granted' || (isOwn && status === 'waiting');
  return (
    <li class="panel card" id={`request-${id}`}>
      <div class="row">
        <Badge tone={TONES[status]}>{status}</Badge>
        <b>
          <Visible text={`${request.login}@${request.target}`} />
        </b>
        {!isOwn && (
          <span>
            <span class="muted">by</span> <Visible text={request.principal} />
          </span>
        )}
        <span class="grow" />
        <span class="muted">
          <code>{id}</code> · asked {ago(request.requestedAt, nowMs)}
        </span>
      </div>
      <p>
        <Visible text={request.reason} />
      </p>
      <p class="why">
        <span>{request.channels.join(', ')}</span>
        <span>
          policy <Visible text={request.policy} />
        </span>
        <span>asked for {length(request.durationS * 1000)}</span>
        {request.run !== null && (
          <span>
            run <Visible text={request.run} /> ({request.attribution})
          </span>
        )}
        {approvedBy.length > 0 && (
          <span>
            approved by <Visible text={approvedBy.join(', ')} />
          </span>
        )}
        <State request={request} nowMs={nowMs} />
      </p>
      {isOpen && (
        <form method="post" action={`/access/${encodeURIComponent(id)}/end`} class="row decide">
          <input
            name="reason"
            maxLength={500}
            placeholder="Reason (optional)"
            aria-label={`Reason for the end of request ${visibleText(id)}`}
            autocomplete="off"
          />
          <button type="submit" class={status === 'waiting' ? 'quiet' : 'danger'}>
            {status === 'waiting' ? 'Withdraw' : isOwn ? 'End it now' : 'Revoke'}
          </button>
        </form>
      )}
    </li>
  );
}

function State({
  nowMs,
  request,
}: {
  readonly request: AccessRequestView;
  readonly nowMs: number;
}) {
  const { endsAt, expiresAt, settledAt, settledBy, settledWhy, status } = request;
  if (status === 'granted' && endsAt !== null) {
    return (
      <time dateTime={endsAt} title={`${dateTime(endsAt)} UTC`}>
        {length(Math.max(0, Date.parse(endsAt) - nowMs))} left
      </time>
    );
  }
  if (status === 'waiting') {
    return (
      <time dateTime={expiresAt} title={`${dateTime(expiresAt)} UTC`}>
        waits {length(Math.max(0, Date.parse(expiresAt) - nowMs))} more
      </time>
    );
  }
  return (
    <span>
      {settledBy !== null && (
        <>
          by <Visible text={settledBy} />{' '}
        </>
      )}
      {settledAt !== null && <Moment at={settledAt} />}
      {settledWhy !== null && (
        <>
          {' '}
          · <Visible text={settledWhy} />
        </>
      )}
    </span>
  );
}
