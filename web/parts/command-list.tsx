/** The commands of a session in order, each an address of its own (`#cmd-3`). */
import type { ControlView } from '../../server/http/control-ports.ts';
import type { CommandWindow } from '../../server/http/pages.ts';
import type { ApprovalView, CommandView } from '../../server/http/ports.ts';
import type { NoteView } from '../../server/http/review-ports.ts';
import { approvalAddress } from './address.ts';
import { Badge, DecisionBadge, ExitStatus, MaskedBadge } from './badge.tsx';
import { ApprovalWords, NoteLinks, PolicyWords } from './command-facts.tsx';
import { clockTime, length } from './format.ts';
import { Visible } from './visible.tsx';

/** What ran shorter is told in milliseconds. */
const SHORT_MS = 100;

type TimedControl = ControlView & { readonly atMs: number };

export function CommandList(props: {
  readonly window: CommandWindow;
  /** Commands of the session. */
  readonly total: number;
  /** null on a page that stands alone, from which nothing else can be reached. */
  readonly sessionId: string | null;
  /** What people did to the session, oldest first, and when that was. */
  readonly controls?: readonly TimedControl[];
  /** Of the session. */
  readonly approvals?: readonly ApprovalView[];
  readonly notes?: readonly NoteView[];
}) {
  const { approvals = [], controls = [], notes = [], sessionId, total, window } = props;
  const asked = bySeq(approvals, (one) => one.commandSeq);
  const noted = bySeq(notes, (one) => one.command);
  const rows = inOrder(withPolicy(window.items), within(controls, window));
  return (
    <section class="panel side" aria-labelledby="commands-heading">
      <div class="row head">
        <h2 id="commands-heading">Commands</h2>
        <output class="muted" id="command-count" data-total={total}>
          {total}
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
      {total === 0 && <p class="none muted">No command was read in this session.</p>}
      <ol
        class="commands"
        id="commands"
        data-from={window.from}
        data-next={window.next?.seq}
        data-size={window.size}
      >
        {rows.map((one) =>
          'kind' in one ? (
            <Control key={`control-${one.seq}`} control={one} />
          ) : (
            <Command
              key={one.command.seq}
              {...one}
              sessionId={sessionId}
              approvals={asked.get(one.command.seq) ?? []}
              notes={noted.get(one.command.seq) ?? []}
            />
          ),
        )}
      </ol>
      <OtherCommands sessionId={sessionId} total={total} window={window} />
    </section>
  );
}

/** The way to those that aren't listed; a script brings those behind by itself. */
function OtherCommands(
  props: Pick<Parameters<typeof CommandList>[0], 'sessionId' | 'total' | 'window'>,
) {
  const { sessionId, total, window } = props;
  const { earlier, from, items, next } = window;
  const isAll = earlier === null && next === null && items.length >= total;
  if (isAll) return null;
  const number = (seq: number): string => seq.toLocaleString('en');
  if (sessionId === null) {
    return (
      <p class="none">
        The first {number(items.length)} of {number(total)} commands.
      </p>
    );
  }
  const address = (seq: number): string => `/sessions/${sessionId}?from=${seq}`;
  return (
    <nav class="row none" id="other-commands" aria-label="Other commands">
      <span>
        {number(from)} to {number(items.at(-1)?.seq ?? from)} of {number(total)}
      </span>
      {earlier !== null && (
        <a rel="prev" href={address(earlier)}>
          Earlier commands
        </a>
      )}
      {next !== null && (
        <a rel="next" href={address(next.seq)}>
          Later commands
        </a>
      )}
    </nav>
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

/** A command, and whether the policy that judged it is to be named. */
interface ListedCommand {
  readonly command: CommandView;
  readonly atMs: number;
  readonly showsPolicy: boolean;
}

/** Named where it stopped something, and where it became another one. */
function withPolicy(commands: readonly CommandView[]): readonly ListedCommand[] {
  const terms = ({ directoryVersion, policy, policyVersion }: CommandView): string =>
    JSON.stringify([policy, policyVersion, directoryVersion]);
  return commands.map((command, index) => {
    const before = commands[index - 1];
    const isOther = before === undefined || terms(before) !== terms(command);
    return { command, atMs: command.atMs, showsPolicy: isOther || command.decision !== 'allow' };
  });
}

/** What was done from the first of these commands on until the next that isn't among them. */
function within(
  controls: readonly TimedControl[],
  { earlier, items, next }: CommandWindow,
): readonly TimedControl[] {
  const fromMs = earlier === null ? -Infinity : (items[0]?.atMs ?? Infinity);
  const untilMs = next?.atMs ?? Infinity;
  return controls.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs);
}

function inOrder(
  commands: readonly ListedCommand[],
  controls: readonly TimedControl[],
): readonly (ListedCommand | TimedControl)[] {
  return [...commands, ...controls].toSorted((one, other) => one.atMs - other.atMs);
}

const DONE = {
  notice: 'wrote',
  pause: 'paused it',
  resume: 'let it go on',
  terminate: 'ended it',
} as const;

function Control({ control }: { readonly control: TimedControl }) {
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
  readonly showsPolicy: boolean;
  readonly sessionId: string | null;
  readonly approvals: readonly ApprovalView[];
  readonly notes: readonly NoteView[];
}) {
  const { approvals, command, notes, sessionId, showsPolicy } = props;
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
        <Duration command={command} />
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
          <a href={approvalAddress(command.approval ?? '')}>
            approval <Visible text={command.approval ?? ''} />
          </a>
        )}
        {approvals.map((approval) => (
          <ApprovalWords key={approval.id} approval={approval} />
        ))}
        {showsPolicy && <PolicyWords command={command} />}
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

function Duration({ command }: { readonly command: CommandView }) {
  const { outputFromMs, outputToMs } = command;
  if (outputFromMs === null || outputToMs === null) return null;
  const ms = outputToMs - outputFromMs;
  return <span title="how long it ran">{ms < SHORT_MS ? `${Math.round(ms)} ms` : length(ms)}</span>;
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
