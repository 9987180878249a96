/** One session: replay, its commands beside it, who and where, integrity, files to take away. */
import type { SessionProps } from '../../server/http/pages.ts';
import type { SessionView } from '../../server/http/ports.ts';
import type { AssetPaths } from '../build.ts';
import { sessionAddress } from '../parts/address.ts';
import {
  Badge,
  ExitStatus,
  KindBadge,
  ReviewedBadge,
  StatusBadge,
  StoppedBadges,
  TrustBadge,
} from '../parts/badge.tsx';
import { CommandList } from '../parts/command-list.tsx';
import { Document } from '../parts/document.tsx';
import { Fact } from '../parts/facts.tsx';
import { filteredAddress } from '../parts/filters.tsx';
import { clockTime, plural, size } from '../parts/format.ts';
import { Moment } from '../parts/moment.tsx';
import { LiveControls, LiveState } from '../parts/live-controls.tsx';
import { SessionReview } from '../parts/session-review.tsx';
import { OutputPanel, SessionSearch } from '../parts/session-search.tsx';
import { SessionTerms } from '../parts/session-facts.tsx';
import { TransferList } from '../parts/transfer-list.tsx';
import { Visible } from '../parts/visible.tsx';

const SPEEDS = [0.5, 1, 2, 4, 8, 16];

export function SessionPage(props: SessionProps & { readonly assets: AssetPaths }) {
  const { assets, frame, session } = props;
  // Of the others the screen shows little: what went where comes first.
  const isTyped = session.kind === 'shell' || session.kind === 'exec';
  const startMs = Date.parse(session.startedAt);
  const controls = props.controls.map((one) => ({
    ...one,
    atMs: Math.max(0, Date.parse(one.at) - startMs),
  }));
  const scripts = [
    { path: assets.playerScript, module: false },
    { path: assets.replayScript, module: true },
  ];
  return (
    <Document
      frame={frame}
      assets={assets}
      title={`Session ${session.id.slice(-12)}`}
      current="sessions"
      styles={[assets.playerStyle]}
      scripts={scripts}
    >
      <Heading {...props} />
      <Facts session={session} />
      <SessionTerms {...props} />
      <div class="replay">
        <div class="stage">
          {!isTyped && <TransferList {...props} />}
          <Player session={session} />
          <SessionSearch session={session} />
          <OutputPanel />
          {isTyped && <TransferList {...props} />}
          <Integrity {...props} />
          <SessionReview {...props} />
        </div>
        <CommandList
          window={props.commands}
          total={session.commandCount}
          sessionId={session.id}
          controls={controls}
          approvals={props.details.approvals}
          notes={props.details.notes ?? []}
        />
      </div>
    </Document>
  );
}

function Heading(props: SessionProps) {
  const { session } = props;
  const recording = `/api/v1/sessions/${session.id}/recording`;
  return (
    <>
      <div class="row title">
        <h1>
          <a class="up" href="/sessions">
            Sessions
          </a>
          <span aria-hidden="true" class="muted">
            /
          </span>
          <Visible text={session.principal.name} />
          <span class="muted">on</span>
          <Visible text={session.target} />
        </h1>
        <span class="row" id="status">
          <StatusBadge status={session.status} />
          {session.status === 'active' && props.pause !== null && <Badge tone="hold">paused</Badge>}
          <StoppedBadges session={session} />
          <ReviewedBadge session={session} />
          <ExitStatus status={session.exitStatus} />
        </span>
        <span class="grow" />
        <div class="row downloads" role="group" aria-label="Download the recording">
          <a class="button" href={`${recording}?format=cast`} title="asciicast v3">
            .cast
          </a>
          <a
            class="button"
            href={`${recording}?format=cast2`}
            title="asciicast v2, for asciinema 2"
          >
            .cast v2
          </a>
          <a class="button" href={`${recording}?format=txt`} title="plain text">
            .txt
          </a>
          <a
            class="button"
            href={`${recording}?format=json`}
            title="everything recorded, with proof"
          >
            .json
          </a>
          <a
            class="button"
            href={`${recording}?format=html`}
            title="a page that plays and verifies itself"
          >
            .html
          </a>
        </div>
        <LiveControls {...props} />
      </div>
      <div id="live-state">
        <LiveState {...props} />
      </div>
      <p class="notice" role="status" id="notice" hidden={session.status !== 'active'}>
        {session.status === 'active' && (
          <>
            This session is still running. <a href={sessionAddress(session.id)}>Reload</a> to see
            what has happened since.
          </>
        )}
      </p>
    </>
  );
}

function Facts({ session }: { readonly session: SessionView }) {
  return (
    <dl class="facts page-facts">
      <Fact name="Principal">
        <Visible text={session.principal.name} /> <KindBadge kind={session.principal.kind} />
      </Fact>
      <Fact name="Target">
        <Visible text={session.target} /> <span class="muted">as</span>{' '}
        <Visible text={session.login} />
      </Fact>
      <Fact name="From">
        <Visible text={session.source} />
        {session.via === 'jump' && <span class="muted"> by jump</span>}
      </Fact>
      {session.run !== null && (
        <Fact name="Run">
          <a href={filteredAddress('/sessions', { run: session.run })}>
            <Visible text={session.run} />
          </a>{' '}
          {session.attribution !== null && <TrustBadge attribution={session.attribution} />}
        </Fact>
      )}
      {session.task !== null && (
        <Fact name="Task">
          <Visible text={session.task} />{' '}
          {session.attribution !== null && <TrustBadge attribution={session.attribution} />}
        </Fact>
      )}
      <Fact name="Kind">{session.kind}</Fact>
      <Fact name="Started">
        <Moment at={session.startedAt} saysUtc />
      </Fact>
      <Fact name="Length">{clockTime(session.recording.durationMs)}</Fact>
      <Fact name={session.kind === 'forward' ? 'To the client' : 'Output'}>
        {size(session.bytesOut)}
      </Fact>
    </dl>
  );
}

function Player({ session }: { readonly session: SessionView }) {
  const api = `/api/v1/sessions/${session.id}`;
  const text = `${api}/recording?format=txt`;
  const isActive = session.status === 'active';
  return (
    <section class="panel player" aria-label="Replay">
      <div
        id="player"
        data-index={`${api}/segments`}
        data-pauses={`${api}/pauses`}
        data-live={isActive ? `${api}/live` : undefined}
        data-cols={session.width}
        data-rows={session.height}
      >
        <p class="waiting" id="player-status" role="status">
          Loading the replay…
        </p>
        <noscript>
          <p class="waiting">
            The replay needs JavaScript. <a href={text}>Read the recording as text.</a>
          </p>
        </noscript>
      </div>
      <div class="row controls" id="controls" hidden>
        {isActive && (
          <button type="button" id="live" aria-pressed="true">
            Live
          </button>
        )}
        <label>
          <span>Speed</span>
          <select id="speed">
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed} selected={speed === 1}>
                {speed}×
              </option>
            ))}
          </select>
        </label>
        <label title="Pauses of more than 2 s last 2 s">
          <input type="checkbox" id="skip-idle" />
          <span>Skip idle time</span>
        </label>
        <label>
          <span>Theme</span>
          <select id="theme">
            <option value="dark">dark</option>
            <option value="light">light</option>
          </select>
        </label>
        <span class="grow" />
        <span class="muted">
          Recorded at <output id="clock">–</output>
        </span>
      </div>
      <p class="keys muted">
        <span>
          <kbd>j</kbd> <kbd>k</kbd> next and previous command
        </span>
        <span>
          <kbd>p</kbd> play or pause
        </span>
        <span>
          <kbd>/</kbd> find a command
        </span>
        <span>
          <kbd>n</kbd> <kbd>N</kbd> next and previous hit
        </span>
        <a href={text} id="as-text">
          Read as text
        </a>
      </p>
    </section>
  );
}

function Integrity({ details, head, session }: SessionProps) {
  const api = `/api/v1/sessions/${session.id}`;
  const { chunks, complete, headHash } = session.recording;
  return (
    <section class="panel integrity" aria-labelledby="integrity-heading">
      <h2 id="integrity-heading">Integrity</h2>
      <dl class="facts" id="integrity-facts">
        <Fact name="Recording">{completeness(session.status, complete)}</Fact>
        <Fact name="Chain">{plural(chunks, 'chunk')}</Fact>
        <Fact name="Signed">
          {head === null ? (
            'not yet: heads are signed every minute, and when the session ends'
          ) : (
            <>
              Ed25519, key <code>{head.keyId}</code>
              {head.chunks < chunks && `, up to chunk ${head.chunks}`}
            </>
          )}
        </Fact>
        <div class="whole">
          <dt>Head hash</dt>
          <dd>
            <code class="hash">{head?.hash ?? headHash ?? 'none yet'}</code>
          </dd>
        </div>
      </dl>
      <p
        id="verification"
        role="status"
        data-chain={`${api}/chain`}
        data-recording={`${api}/recording?format=json`}
        data-key={details.publicKey}
      />
      <p>
        <button type="button" id="verify-all" hidden title="This is journalled as an export">
          Check every byte in this browser
        </button>
      </p>
      <p class="muted">
        Check it yourself: <code>sallyport verify {session.id}</code>. A chain shows that nothing
        changed since it was signed; compare the head with a copy kept elsewhere to rule out a
        forged whole.
      </p>
    </section>
  );
}

function completeness(status: SessionView['status'], complete: boolean): string {
  if (complete) return 'complete';
  return status === 'active' ? 'still growing' : 'incomplete: its end is missing';
}
