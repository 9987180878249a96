/** What auditors said of a session: whether it was reviewed, by whom, and their notes. */
import type { SessionProps } from '../../server/http/pages.ts';
import type { NoteView } from '../../server/http/review-ports.ts';
import { Badge } from './badge.tsx';
import { plural } from './format.ts';
import { Moment } from './moment.tsx';
import { Visible } from './visible.tsx';

const MAX_NOTE_CHARACTERS = 2000;

export function SessionReview({ details, session }: SessionProps) {
  const { mayReview, notes, reviews } = details;
  const last = reviews.at(-1);
  const mark = last?.kind === 'reviewed' ? last : null;
  if (notes === null && reviews.length === 0) return null;
  return (
    <section class="panel review" id="review" aria-labelledby="review-heading">
      <div class="row head">
        <h2 id="review-heading">Review</h2>
        {mark === null ? (
          <span class="muted">not reviewed{last !== undefined && ' any more'}</span>
        ) : (
          <>
            <Badge tone="ok">reviewed</Badge>
            <span>
              by <Visible text={mark.by} />, <Moment at={mark.at} saysUtc />
            </span>
          </>
        )}
        <span class="grow" />
        {mayReview && session.status !== 'active' && (
          <form method="post" action={`/sessions/${session.id}/review`}>
            <input type="hidden" name="reviewed" value={mark === null ? 'yes' : 'no'} />
            <button type="submit" class={mark === null ? 'primary' : undefined}>
              {mark === null ? 'Mark as reviewed' : 'Withdraw the mark'}
            </button>
          </form>
        )}
      </div>
      {mayReview && session.status === 'active' && (
        <p class="muted">It can be marked as reviewed when it has ended.</p>
      )}
      {notes !== null && !mayReview && (
        <p class="muted">This is your own session: somebody else has to review it.</p>
      )}
      {reviews.length > 1 && (
        <details>
          <summary>{plural(reviews.length, 'change')} of the mark</summary>
          <ol>
            {reviews.map(({ at, by, kind }) => (
              <li key={at + kind}>
                <Moment at={at} saysUtc /> {kind} by <Visible text={by} />
              </li>
            ))}
          </ol>
        </details>
      )}
      {notes !== null && (
        <>
          {notes.length === 0 && <p class="muted">No notes yet.</p>}
          <ol class="notes" aria-label="Notes">
            {notes.map((note) => (
              <Note key={note.number} note={note} />
            ))}
          </ol>
        </>
      )}
      {mayReview && (
        <form class="note-form" method="post" action={`/sessions/${session.id}/notes`}>
          <label>
            <span>New note</span>
            <textarea name="text" rows={3} required maxLength={MAX_NOTE_CHARACTERS} />
          </label>
          <div class="row">
            {session.commandCount > 0 && (
              <label class="row">
                <span>About command</span>
                <input
                  type="number"
                  name="command"
                  id="note-command"
                  min={1}
                  max={session.commandCount}
                  placeholder="all"
                />
              </label>
            )}
            <button type="submit">Add the note</button>
            <span class="muted">Notes stay as they are written; auditors and admins see them.</span>
          </div>
        </form>
      )}
    </section>
  );
}

function Note({ note }: { readonly note: NoteView }) {
  const { at, by, command, number, text } = note;
  return (
    <li id={`note-${number}`}>
      <p class="muted">
        {number}.{' '}
        <b>
          <Visible text={by} />
        </b>
        , <Moment at={at} saysUtc />
        {command !== null && (
          <>
            , on <a href={`#cmd-${command}`}>command {command}</a>
          </>
        )}
      </p>
      <div class="note-text">
        {text.split('\n').map((line, index) => (
          <p key={index}>
            <Visible text={line} />
          </p>
        ))}
      </div>
    </li>
  );
}
