/** What may be done to a running session, and what was done to it. */
import type { ComponentChildren } from 'preact';
import type { ControlKind, LiveSession } from '../../server/http/control-ports.ts';
import { approvalAddress, sessionAddress } from './address.ts';
import { Visible } from './visible.tsx';

const MAX_WORDS_CHARACTERS = 500;

const DONE = {
  notice: 'Your notice is on its way to the person.',
  pause: 'The session is being paused.',
  resume: 'The session goes on.',
  terminate: 'The session has been told to end.',
} as const;

/** The page that the forms lead back to. */
interface Place {
  /** Of a request; the session's own page when there is none. */
  readonly approval?: string;
}

/** Buttons of who may; plain forms, so that they work without a script. */
export function LiveControls(props: LiveSession & Place) {
  const { isEnding, mayControl, mayTerminate, pause, session } = props;
  if (!mayControl && !mayTerminate) return null;
  const origin = props.approval !== undefined && (
    <input type="hidden" name="approval" value={props.approval} />
  );
  const action = (name: string) => `/sessions/${session.id}/${name}`;
  return (
    <div class="row live-controls" id="live-controls" role="group" aria-label="Act on this session">
      {mayControl && !isEnding && (
        <Confirm word="Notice">
          <form method="post" action={action('notice')} class="panel">
            {origin}
            <Words name="text" label="A line for the person" isNeeded />
            <button type="submit">Send it</button>
          </form>
        </Confirm>
      )}
      {mayControl && !isEnding && pause === null && (
        <Confirm word="Pause">
          <form method="post" action={action('pause')} class="panel">
            {origin}
            <p>Nothing goes in or out until it is resumed, for 15 minutes at most.</p>
            <Words name="reason" label="Reason, shown to the person" />
            <button type="submit">Pause it</button>
          </form>
        </Confirm>
      )}
      {mayControl && !isEnding && pause !== null && (
        <form method="post" action={action('resume')}>
          {origin}
          <button type="submit" class="primary">
            Resume
          </button>
        </form>
      )}
      {mayTerminate && !isEnding && (
        <Confirm word="End session" isDanger>
          <form method="post" action={action('terminate')} class="panel">
            {origin}
            <p>This cuts the connection now. The recording stays.</p>
            <Words name="reason" label="Reason, shown to the person" />
            <button type="submit" class="danger">
              End it
            </button>
          </form>
        </Confirm>
      )}
    </div>
  );
}

/** How it stands, in a line; nothing when it just runs. */
export function LiveState({ approval, done, isEnding, pause, session }: LiveSession & Place) {
  if (session.status !== 'active') return null;
  const page = approval === undefined ? sessionAddress(session.id) : approvalAddress(approval);
  return (
    <>
      {pause !== null && !isEnding && (
        <p class="notice hold" role="status">
          Paused by <Visible text={pause.by} />
          {pause.words !== null && (
            <>
              : <Visible text={pause.words} />
            </>
          )}
          . Nothing goes in or out. It is ended if nobody resumes it by{' '}
          <time dateTime={pause.until ?? pause.at}>{utcTime(pause.until ?? pause.at)} UTC</time>.
        </p>
      )}
      {isEnding && (
        <p class="notice" role="status">
          The session has been told to end. <a href={page}>Reload</a> to see it ended.
        </p>
      )}
      {done !== null && done !== 'terminate' && !(done === 'pause' && pause !== null) && (
        <Done done={done} />
      )}
    </>
  );
}

/** What the viewer has just done. */
export function Done({ done }: { readonly done: ControlKind }) {
  return (
    <p class="notice good" role="status">
      {DONE[done]}
    </p>
  );
}

function Confirm(props: {
  readonly word: string;
  readonly isDanger?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <details class="confirm">
      <summary class={props.isDanger === true ? 'button danger' : 'button'}>{props.word}</summary>
      {props.children}
    </details>
  );
}

function Words(props: {
  readonly name: string;
  readonly label: string;
  readonly isNeeded?: boolean;
}) {
  return (
    <label class="words">
      <span>{props.label}</span>
      <input
        type="text"
        name={props.name}
        maxLength={MAX_WORDS_CHARACTERS}
        required={props.isNeeded === true}
        autocomplete="off"
      />
    </label>
  );
}

function utcTime(at: string): string {
  return at.slice(11, 19);
}
