/** Small marks with a fixed vocabulary: the word says it, the colour only helps. */
import type { ApprovalView, CommandView, SessionView } from '../../server/http/ports.ts';
import { visibleText } from './visible.tsx';

type Tone = 'ok' | 'bad' | 'hold' | 'info' | 'plain';

export function Badge(props: {
  readonly tone: Tone;
  readonly children: string;
  readonly title?: string;
}) {
  return (
    <span class={`badge ${props.tone}`} title={props.title}>
      {props.children}
    </span>
  );
}

const DECISIONS = {
  allow: { tone: 'ok', word: 'allowed' },
  deny: { tone: 'bad', word: 'denied' },
  hold: { tone: 'hold', word: 'held' },
} as const;

export function DecisionBadge({ decision }: { readonly decision: CommandView['decision'] }) {
  const { tone, word } = DECISIONS[decision];
  return <Badge tone={tone}>{word}</Badge>;
}

const SESSION_STATUS = {
  active: { tone: 'info', word: 'running', title: 'the session is still open' },
  closed: { tone: 'plain', word: 'ended', title: 'the session ended normally' },
  failed: { tone: 'bad', word: 'failed', title: 'the session was cut off: see its last command' },
} as const;

export function StatusBadge({ status }: { readonly status: SessionView['status'] }) {
  const { tone, word, title } = SESSION_STATUS[status];
  return (
    <Badge tone={tone} title={title}>
      {word}
    </Badge>
  );
}

/** How many secrets were replaced before anybody saw them. */
export function MaskedBadge({ count }: { readonly count: number }) {
  return (
    <Badge tone="info" title="secrets that a mask replaced before they were shown or stored">
      {`${count} masked`}
    </Badge>
  );
}

/** An auditor has looked at all of it; nothing when nobody has. */
export function ReviewedBadge({ session }: { readonly session: SessionView }) {
  const { reviewed = null } = session;
  if (reviewed === null) return null;
  const title = `by ${visibleText(reviewed.by, 100)}, ${reviewed.at.slice(0, 16).replace('T', ' ')} UTC`;
  return (
    <Badge tone="ok" title={title}>
      reviewed
    </Badge>
  );
}

/** What was stopped in a session; nothing when nothing was. */
export function StoppedBadges({ session }: { readonly session: SessionView }) {
  return (
    <>
      {session.deniedCount > 0 && <Badge tone="bad">{`${session.deniedCount} denied`}</Badge>}
      {session.heldCount > 0 && <Badge tone="hold">{`${session.heldCount} held`}</Badge>}
      {session.maskedCount > 0 && <MaskedBadge count={session.maskedCount} />}
    </>
  );
}

const TRUST = {
  verified: { tone: 'ok', title: 'stated in a token that its issuer signed' },
  declared: { tone: 'info', title: 'stated by an authenticated caller' },
  claimed: { tone: 'plain', title: 'only the client says so; rules never use it' },
} as const;

export function TrustBadge(props: {
  readonly attribution: NonNullable<SessionView['attribution']>;
}) {
  const { tone, title } = TRUST[props.attribution];
  return (
    <Badge tone={tone} title={title}>
      {props.attribution}
    </Badge>
  );
}

export function KindBadge({ kind }: { readonly kind: 'human' | 'agent' }) {
  return <Badge tone={kind === 'agent' ? 'info' : 'plain'}>{kind}</Badge>;
}

const APPROVAL_STATUS = {
  waiting: 'hold',
  approved: 'ok',
  refused: 'bad',
  expired: 'plain',
  cancelled: 'plain',
} as const;

export function ApprovalBadge({ status }: { readonly status: ApprovalView['status'] }) {
  return <Badge tone={APPROVAL_STATUS[status]}>{status}</Badge>;
}

/** For the exit status of a command or session; 0 is quiet. */
export function ExitStatus({ status }: { readonly status: number | null }) {
  if (status === null) return null;
  return <span class={status === 0 ? 'exit' : 'exit nonzero'}>exit {status}</span>;
}
