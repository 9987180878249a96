/** Gathers what the page of a session shows beside its replay. Everything is read a bounded number of rows at a time. */
import type { Principal } from '../access/principal.ts';
import type { JournalEntry, JsonValue } from '../journal/event.ts';
import type { RecordingSeal } from '../journal/seal.ts';
import { guard } from './guard.ts';
import type { Services } from './options.ts';
import type { SessionView } from './ports.ts';
import type { ProofView, SessionDetails } from './session-detail-props.ts';
import { transfersOf } from './transfers.ts';

/** Of one session; the API has all. */
export const MAX_TRANSFERS_SHOWN = 200;
export const MAX_APPROVALS_SHOWN = 500;
/** Sign-ins of the principal that are looked through for the one of the session's connection. */
const MAX_SIGN_INS = 100;
/** How long before a session they are looked for: most often the first is enough, and a longer one reads more. */
const SIGN_INS_BEFORE_MS = [10 * 60_000, 24 * 60 * 60_000];

/** @param head the newest that is signed; null = none is */
export async function sessionDetails(
  services: Services,
  principal: Principal,
  session: SessionView,
  head: Promise<RecordingSeal['head']>,
): Promise<SessionDetails> {
  const { approvals, audit, recordingKey, reviews } = services;
  const seesNotes = guard(principal, 'session.review', session.principal.name).kind === 'allowed';
  const limit = MAX_APPROVALS_SHOWN;
  const [proof, terms, asked, transfers, marks, notes, key] = await Promise.all([
    proofOf(services, session),
    audit.list({ types: ['session.started', 'session.ended'], session: session.id, limit: 4 }),
    approvals.listApprovals({ session: session.id, limit }),
    transfersOf(audit, session, { limit: MAX_TRANSFERS_SHOWN }),
    reviews.reviewsOf(session.id),
    seesNotes ? reviews.notesOf(session.id) : null,
    head.then((signed) => recordingKey(signed?.keyId ?? null)),
  ]);
  return {
    proof,
    terms: termsOf(terms.items),
    approvals: asked.toReversed(),
    transfers: transfers.items.toReversed(),
    hasMoreTransfers: transfers.next !== null,
    reviews: marks,
    notes,
    mayReview: seesNotes && session.principal.name !== principal.name,
    publicKey: key.publicKey,
  };
}

/** The sign-in on the connection that the session ran over: of the same address and port, before it. */
async function proofOf({ audit }: Services, session: SessionView): Promise<ProofView | null> {
  const startMs = Date.parse(session.startedAt);
  let jump: JournalEntry | null = null;
  for (const beforeMs of SIGN_INS_BEFORE_MS) {
    const { items } = await audit.list({
      types: ['auth.succeeded'],
      principal: session.principal.name,
      since: new Date(startMs - beforeMs).toISOString(),
      // The end is left out of what is listed.
      until: new Date(startMs + 1).toISOString(),
      limit: MAX_SIGN_INS,
    });
    const there = items.filter(({ source }) => source === session.source);
    // Inside a jump the outer connection's proof counts.
    const found = there.find(({ data }) => data['method'] !== 'jump');
    if (found !== undefined) return proofIn(found);
    jump ??= there[0] ?? null;
  }
  return jump === null ? null : proofIn(jump);
}

function proofIn({ at, data, seq }: JournalEntry): ProofView {
  const { method, userName: _claimed, ...facts } = data;
  const name = typeof method === 'string' ? method : 'not known';
  return { entry: seq, at, method: name, facts: shown(facts) };
}

const TERMS: readonly (readonly [name: string, word: string])[] = [
  ['policy', 'Policy at the start'],
  ['policyVersion', 'Policy version'],
  ['directoryVersion', 'Directory version'],
  ['approvedBy', 'Access approved by'],
  ['access', 'Access request'],
  ['recording', 'Recording'],
  ['keepDays', 'Kept for days'],
  ['why', 'Ended because'],
];

function termsOf(entries: readonly JournalEntry[]): SessionDetails['terms'] {
  const data = Object.assign({}, ...entries.map((entry) => entry.data)) as JournalEntry['data'];
  return TERMS.flatMap(([name, word]) =>
    shown({ [name]: data[name] ?? null }).map(([, value]) => [word, value] as const),
  );
}

/** What has a value, as text. */
function shown(data: Readonly<Record<string, JsonValue>>): (readonly [string, string])[] {
  return Object.entries(data).flatMap(([name, value]) => {
    if (value === null || value === '') return [];
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [[name, text] as const];
  });
}
