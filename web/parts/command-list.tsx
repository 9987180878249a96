/** The commands of a session in order, each an address of its own (`#cmd-3`). */
import type { ControlView } from '../../server/http/control-ports.ts';
import type { ApprovalView, CommandView } from '../../server/http/ports.ts';
import type { NoteView } from '../../server/http/review-ports.ts';
import { Badge, DecisionBadge, ExitStatus, MaskedBadge } from './badge.tsx';
import { ApprovalWords, NoteLinks, PolicyWords } from './command-facts.tsx';
import { clockTime } from './format.ts';
import { Visible } from './visible.tsx';

/** The page lists this many; the API has all. */
export const MAX_COMMANDS_LISTED = 2000;

export function CommandList(props: {
  readonly commands: readonly CommandView[];
  /** null on a page that stands alone, from which nothing else can be reached. */
  readonly sessionId: string | null;
  /** What people did to the session, oldest first, and when that was. */
  readonly controls?: readonly (ControlView & { readonly atMs: number })[];
  /** Of the session. */
  readonly approvals?: readonly ApprovalView[];
  readonly notes?: readonly NoteView[];
}) {
  const { approvals = [], commands, controls = [], notes = [] } = props;
  const asked = bySeq(approvals, (one) => one.commandSeq);
  const noted = bySeq(notes, (one) => one.command);
  const listed = commands.slice(0, MAX_COMMANDS_LISTED);
  return (
    <section class="panel side" aria-labelledby="commands-heading">
      <div class="row head">
        <h2 id="commands-heading">Commands</h2>
        <output class="muted" id="command-count">
          {commands.length}
        </output>
        <span class="grow" />
        <div class="row finder" id="finder" hidden>
          <input
            id="find"
            type="search"
            placeholder="Find"
            aria-label="Find a command"
            autoComplete="off"
            spellcheck={false}
          />
          <select id="only" aria-label="Show only commands that were">
            <option value="">all</option>
            <option value="allow">allowed</option>
            <option value="deny">denied</option>
            <option value="hold">held</option>
          </select>
        </div>
      </div>
      {commands.length === 0 && <p class="none muted">No command was read in this session.</p>}
      <ol class="commands" id="commands">
        {inOrder(listed, controls).map((one) =>
          'kind' in one ? (
            <Control key={`control-${one.seq}`} control={one} />
          ) : (
            <Command
              key={one.seq}
              command={one}
              sessionId={props.sessionId}
              approvals={asked.get(one.seq) ?? []}
              notes={noted.get(one.seq) ?? []}
            />
          ),
        )}
      </ol>
      {commands.length > listed.length && (
        <p class="none">
          The first {listed.length.toLocaleString('en')} of {commands.length.toLocaleString('en')}{' '}
          commands.{' '}
          {props.sessionId !== null && (
            <a href={`/api/v1/sessions/${props.sessionId}/commands`}>All of them as JSON</a>
          )}
        </p>
      )}
    </section>
  );
}

function bySeq<One>(all: readonly One[], seqOf: (one: One) => number | null) {
  const found = new Map<number, One[]>();
  for (const one of all) {
    const seq = seqOf(one);
    if (seq !== null) found.set(seq, [...(found.get(seq) ?? []), one]);
  }
  return found;
}

function inOrder<One extends { readonly atMs: number }, Other extends { readonly atMs: number }>(
  commands: readonly One[],
  controls: readonly Other[],
): readonly (One | Other)[] {
  return [...commands, ...controls].toSorted((one, other) => one.atMs - other.atMs);
}

const DONE = {
  notice: 'wrote',
  pause: 'paused it',
  resume: 'let it go on',
  terminate: 'ended it',
} as const;

function Control({ control }: { readonly control: ControlView & { readonly atMs: number } }) {
  const { atMs, by, kind, words } = control;
  return (
    <li class="act">
      <span class="at">{clockTime(atMs)}</span>
      <span>
        <b>
          <Visible text={by} />
        </b>{' '}
        {DONE[kind]}
        {words !== null && (
          <>
            : <Visible text={words} />
          </>
        )}
      </span>
    </li>
  );
}

function Command(props: {
  readonly command: CommandView;
  readonly sessionId: string | null;
  readonly approvals: readonly ApprovalView[];
  readonly notes: readonly NoteView[];
}) {
  const { approvals, command, notes, sessionId } = props;
  const isAlone = sessionId === null;
  const isUntold = command.approval !== null && approvals.length === 0;
  return (
    <li
      id={`cmd-${command.seq}`}
      data-at-ms={command.atMs}
      data-from-ms={command.outputFromMs ?? undefined}
      data-to-ms={command.outputToMs ?? undefined}
      data-decision={command.decision}
    >
      <a class="command" href={`#cmd-${command.seq}`}>
        <span class="seq">{command.seq}</span>
        <span class="at">{clockTime(command.atMs)}</span>
        <code class="text">
          <Visible text={command.text} />
        </code>
        <DecisionBadge decision={command.decision} />
      </a>
      <p class="why">
        <Certainty certainty={command.certainty} />
        {command.language === 'sql' && <span>SQL</span>}
        <ExitStatus status={command.exitStatus} />
        {command.masked > 0 && <MaskedBadge count={command.masked} />}
        {command.rule !== null && (
          <span>
            rule{' '}
            <b>
              <Visible text={command.rule} />
            </b>
          </span>
        )}
        {command.reason !== null && (
          <span>
            <Visible text={command.reason} />
          </span>
        )}
        {isUntold && isAlone && (
          <span>
            approval <Visible text={command.approval ?? ''} />
          </span>
        )}
        {isUntold && !isAlone && (
          <a href={`/approvals/${encodeURIComponent(command.approval ?? '')}`}>
            approval <Visible text={command.approval ?? ''} />
          </a>
        )}
        {approvals.map((approval) => (
          <ApprovalWords key={approval.id} approval={approval} />
        ))}
        <PolicyWords command={command} />
        <NoteLinks notes={notes} />
        {!isAlone && command.outputFromMs !== null && (
          <a
            class="output-link"
            href={`/api/v1/sessions/${sessionId}/commands/${command.seq}/output`}
            data-seq={command.seq}
          >
            output
          </a>
        )}
      </p>
    </li>
  );
}

const CERTAINTY = {
  exact: 'this text is what ran',
  observed: 'read from the screen when Enter was pressed',
  uncertain: 'could not be read with certainty; the policy decided what to do',
} as const;

function Certainty({ certainty }: Pick<CommandView, 'certainty'>) {
  if (certainty === 'uncertain') {
    return (
      <Badge tone="hold" title={CERTAINTY.uncertain}>
        uncertain
      </Badge>
    );
  }
  return <span title={CERTAINTY[certainty]}>{certainty}</span>;
}
