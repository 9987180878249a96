/** One request with everything that helps to decide on it: what would run, why it is held, what was before. */
import type { ApprovalProps } from '../../server/http/approval-page-props.ts';
import type { CommandView } from '../../server/http/ports.ts';
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
import { ApprovalBadge, Badge, DecisionBadge, KindBadge, TrustBadge } from '../parts/badge.tsx';
import { Document } from '../parts/document.tsx';
import { Fact } from '../parts/facts.tsx';
import { clockTime, dateTime, length } from '../parts/format.ts';
import { LiveControls, LiveState } from '../parts/live-controls.tsx';
import { Visible } from '../parts/visible.tsx';

type Props = ApprovalProps & { readonly assets: AssetPaths };

export function ApprovalPage(props: Props) {
  const { approval, around, assets, decides, frame, live, mayReadSessions, notice } = props;
  const isWaiting = approval.status === 'waiting';
  const isLive = isWaiting && (around?.session ?? null) !== null;
  const scripts = [
    ...(isLive ? [{ path: assets.playerScript, module: false }] : []),
    { path: assets.inboxScript, module: true },
  ];
  return (
    <Document
      frame={frame}
      assets={assets}
      title={`Approval ${approval.id}`}
      current="approvals"
      styles={isLive ? [assets.playerStyle] : []}
      scripts={scripts}
    >
      <div class="row title">
        <h1>
          {frame.waiting === null ? (
            'Approval'
          ) : (
            <a class="up" href="/approvals">
              Approvals
            </a>
          )}{' '}
          <code>{approval.id}</code>
        </h1>
        <ApprovalBadge status={approval.status} />
        {approval.escalatedAt !== null && <Badge tone="hold">escalated</Badge>}
        {approval.kind !== 'command' && <Badge tone="info">{KINDS[approval.kind]}</Badge>}
      </div>
      <div id="notice">{notice !== null && <Notice notice={notice} />}</div>
      <p class="notice bad" id="broken" role="status" hidden>
        The connection is gone: what is shown may be out of date.{' '}
        <a href={approvalAddress(approval.id)}>Reload</a>
      </p>
      <p class="aloud" id="news" role="status" />
      <div id="request" data-id={approval.id} data-status={approval.status}>
        <section class="panel card" aria-label="The request">
          <Facts {...props} />
          <pre class="asked" tabIndex={0} role="group" aria-label="What is asked for">
            <code>
              <Visible text={approval.text} maxCharacters={approval.text.length} />
            </code>
          </pre>
          <Grounds {...props} />
          {isWaiting && <Demands approval={approval} />}
          {isWaiting ? (
            <>
              {!approval.repeatable && approval.onceBecause !== null && (
                <p class="muted">
                  It can be approved only once: <Visible text={approval.onceBecause} />.
                </p>
              )}
              <DecideForm approval={approval} decides={decides} page="one" />
            </>
          ) : (
            <Outcome {...props} />
          )}
        </section>
        {around !== null && around.resolved.length > 0 && <Resolved {...props} />}
      </div>
      {live !== null && (
        <section aria-labelledby="live-heading">
          <div class="row">
            <h2 id="live-heading">The running session</h2>
            <span class="grow" />
            <LiveControls {...live} approval={approval.id} />
          </div>
          <LiveState {...live} approval={approval.id} />
        </section>
      )}
      {around !== null && around.session !== null && (
        <section aria-labelledby="screen-heading">
          <h2 id="screen-heading">
            Last screen <span class="muted" id="screen-state" />
          </h2>
          <div
            class="panel screen"
            id="player"
            data-live={isLive ? `/api/v1/approvals/${approval.id}/live` : undefined}
          >
            <pre id="screen-text" tabIndex={0} aria-label="The screen as text">
              {around.screen === null || around.screen.lines.length === 0 ? (
                <span class="muted">Nothing was printed yet.</span>
              ) : (
                around.screen.lines.map((line, row) => (
                  <span key={row}>
                    <Visible text={line} />
                    {'\n'}
                  </span>
                ))
              )}
            </pre>
          </div>
        </section>
      )}
      {around !== null && around.earlier.length > 0 && (
        <section aria-labelledby="earlier-heading">
          <h2 id="earlier-heading">Earlier commands of the session</h2>
          <div class="panel">
            <ol class="commands">
              {around.earlier.map((command) => (
                <Earlier
                  key={command.seq}
                  command={command}
                  href={
                    mayReadSessions && approval.session !== null
                      ? sessionAddress(approval.session, command.seq)
                      : null
                  }
                />
              ))}
            </ol>
          </div>
        </section>
      )}
    </Document>
  );
}

function Facts({ approval, around, frame, mayReadSessions }: Props) {
  const session = around?.session ?? null;
  const leftMs = Date.parse(approval.expiresAt) - frame.nowMs;
  const place = `${session?.kind ?? 'session'}${approval.commandSeq === null ? '' : `, command ${approval.commandSeq}`}`;
  return (
    <dl class="facts">
      <Fact name="Who">
        <WhoAndWhere approval={approval} />{' '}
        {session !== null && <KindBadge kind={session.principal.kind} />}
      </Fact>
      {session !== null && (
        <Fact name="Run">
          {session.run === null && session.task === null ? (
            <span class="muted">none</span>
          ) : (
            <Visible text={[session.run, session.task].filter((one) => one !== null).join(' · ')} />
          )}{' '}
          {session.attribution !== null && <TrustBadge attribution={session.attribution} />}
        </Fact>
      )}
      {session !== null && (
        <Fact name="From">
          <code>
            <Visible text={session.source} />
          </code>
        </Fact>
      )}
      {approval.session !== null && (
        <Fact name="Session">
          {mayReadSessions ? (
            <a href={sessionAddress(approval.session, approval.commandSeq)}>{place}</a>
          ) : (
            <span>{place}</span>
          )}
        </Fact>
      )}
      <Fact name="Asked">{dateTime(approval.requestedAt)} UTC</Fact>
      <Fact name="Decide by">
        {dateTime(approval.expiresAt)} UTC{' '}
        {approval.status === 'waiting' && (
          <time dateTime={approval.expiresAt} class="muted" data-deadline>
            {leftMs > 0 ? `${length(leftMs)} left` : 'time is up'}
          </time>
        )}
      </Fact>
    </dl>
  );
}

/** Why it is held: every rule that holds it, and everything that can't be read. */
function Grounds({ approval, around }: Props) {
  const grounds =
    approval.grounds.length > 0
      ? approval.grounds
      : [{ rule: approval.rule, isDoubt: false, why: approval.reason ?? '' }];
  return (
    <ul class="grounds">
      {around?.certainty === 'uncertain' && (
        <li>
          <Badge tone="hold">uncertain</Badge> what would run can’t be read with certainty
        </li>
      )}
      {grounds.map((ground, index) => (
        <li key={index}>
          {ground.isDoubt ? <Badge tone="hold">doubt</Badge> : <Badge tone="hold">rule</Badge>}{' '}
          {ground.rule !== null && (
            <b>
              <Visible text={ground.rule} />
            </b>
          )}{' '}
          {!isItself(ground.why, approval.text) && <Visible text={ground.why} />}
        </li>
      ))}
    </ul>
  );
}

function Resolved({ around }: Props) {
  if (around === null) return null;
  return (
    <section aria-labelledby="resolved-heading">
      <h2 id="resolved-heading">What it would run</h2>
      <ol class="panel resolved">
        {around.resolved.map((command, index) => (
          <li key={index}>
            {command.via.length > 0 && (
              <span class="muted">
                inside <Visible text={command.via.join(' › ')} />
              </span>
            )}
            <code class="argv">
              {command.argv === null ? (
                <>
                  <Visible text={command.text} />{' '}
                  <Badge tone="hold">not known before it runs</Badge>
                </>
              ) : (
                command.argv.map((word, at) => (
                  <span key={at} class="word">
                    <Visible text={word} />
                  </span>
                ))
              )}
            </code>
            {command.language !== 'shell' && <span class="muted">{command.language}</span>}
          </li>
        ))}
      </ol>
      {around.moreResolved > 0 && <p class="muted">… and {around.moreResolved} more</p>}
    </section>
  );
}

function Outcome({ approval, frame, mayRevoke }: Props) {
  const { decidedBy, decidedAt, decisionReason, standing, status } = approval;
  const counts =
    approval.scope !== 'once' &&
    standing === null &&
    status === 'approved' &&
    approval.revokedAt === null &&
    Date.parse(approval.until ?? '') > frame.nowMs;
  return (
    <>
      <p class="why">
        <span>
          {status}
          {decidedBy !== null && (
            <>
              {' '}
              by{' '}
              <b>
                <Visible text={decidedBy} />
              </b>
            </>
          )}
          {decidedAt !== null && ` at ${dateTime(decidedAt)} UTC`}
        </span>
        {standing !== null && (
          <span>
            without being asked for, by approval{' '}
            <a href={approvalAddress(standing)}>
              <code>{standing}</code>
            </a>
          </span>
        )}
        {decisionReason !== null && (
          <span>
            <Visible text={decisionReason} />
          </span>
        )}
        {approval.revokedBy !== null && (
          <span>
            revoked by <Visible text={approval.revokedBy} />
            {approval.revokeReason !== null && (
              <>
                : <Visible text={approval.revokeReason} />
              </>
            )}
          </span>
        )}
      </p>
      <Standing approval={approval} nowMs={frame.nowMs} />
      {counts && mayRevoke && <RevokeForm approval={approval} page="one" />}
    </>
  );
}

function Earlier(props: { readonly command: CommandView; readonly href: string | null }) {
  const { command, href } = props;
  const inside = (
    <>
      <span class="seq">{command.seq}</span>
      <span class="at">{clockTime(command.atMs)}</span>
      <code class="text">
        <Visible text={command.text} />
      </code>
      <DecisionBadge decision={command.decision} />
    </>
  );
  return (
    <li>
      {href === null ? (
        <span class="command">{inside}</span>
      ) : (
        <a class="command" href={href}>
          {inside}
        </a>
      )}
    </li>
  );
}
