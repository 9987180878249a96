/** Ends a session's row: its signed head, its figures, and `session.ended`, in one transaction. */
import type { Knex } from 'knex';
import type { AuditEvent, JsonValue } from '../journal/event.ts';
import type { HeadSigner } from '../journal/signature.ts';
import type { ChainPlace } from './chunk.ts';
import { attachedInsert, type StoredJournal } from './journal.ts';

/** Notified with the session's id when its row begins or ends. */
export const SESSIONS_CHANNEL = 'sallyport_sessions';

/** Who a session's events are about. */
export interface SessionNames {
  readonly id: string;
  readonly principal: string;
  readonly source: string;
  readonly target: string;
  /** Request for access that it ran by; left out = none. */
  readonly access?: string;
}

export interface EndedSession {
  readonly names: SessionNames;
  /** Where the next chunk would stand. */
  readonly place: ChainPlace;
  readonly status: 'closed' | 'failed';
  readonly exitStatus: number | null;
  /** null = what the chunks say. */
  readonly bytesOut: number | null;
  readonly durationUs: number;
  readonly endedAtMs: number;
  readonly why: string;
  /** Everything that was delivered is in the chunks. */
  readonly complete: boolean;
  /** The row has ended already; only its recording got longer. */
  readonly endedBefore: boolean;
  /** Endings of commands that aren't on their way yet. */
  readonly endings?: readonly CommandEnding[];
}

/** That a command has ended, as an event and as a row. */
export interface CommandEnding {
  readonly events: readonly AuditEvent[];
  readonly row: Readonly<Record<string, unknown>>;
}

export function auditEvent(
  type: AuditEvent['type'],
  names: SessionNames,
  data: Record<string, JsonValue>,
): AuditEvent {
  const { access, id: session, principal, source, target } = names;
  const said = access === undefined ? data : { ...data, access };
  return { type, principal, source, session, target, data: said };
}

/**
 * Signs the head and closes the row. A row that has ended already keeps how it ended; only its head
 * and completeness are brought up to date. Rejects as `appendWith` does.
 */
export async function closeSession(
  journal: StoredJournal,
  signer: HeadSigner,
  ended: EndedSession,
): Promise<void> {
  const { names, place, status, exitStatus, complete, why, endings } = ended;
  const chunks = place.seq - 1;
  const events = place.event - 1;
  const head = { sessionId: names.id, chunks, events, hash: place.prevHash };
  const signature = signer.sign(head);
  const type = ended.endedBefore ? 'recording.sealed' : 'session.ended';
  const event = auditEvent(type, names, {
    status,
    exitStatus,
    why,
    complete,
    chunks,
    events,
    headHash: head.hash,
    keyId: signer.keyId,
    signature,
  });
  await journal.appendWith([...(endings ?? []).flatMap((one) => one.events), event], {
    statements: [
      ...(endings ?? []).map((one) => attachedInsert('command_ends', one.row)),
      attachedInsert(
        'heads',
        {
          session_id: names.id,
          chunks,
          events,
          hash: Buffer.from(head.hash, 'hex'),
          key_id: signer.keyId,
          signature,
          signed_at: new Date(ended.endedAtMs),
        },
        'on conflict (session_id, chunks) do nothing',
      ),
      {
        sql: `update sessions set
            complete = ?::boolean,
            duration_us = ?::bigint,
            ended_at = case when status = 'active' then ?::timestamptz else ended_at end,
            exit_status = case when status = 'active' then ?::int else exit_status end,
            bytes_out = coalesce(?::bigint,
              (select coalesce(sum(output_bytes), 0) from chunks where session_id = sessions.id)),
            status = case when status = 'active' then ?::text else status end
          from moved where id = ?::uuid`,
        bindings: [
          complete,
          ended.durationUs,
          new Date(ended.endedAtMs),
          exitStatus,
          ended.bytesOut,
          status,
          names.id,
        ] as Knex.RawBinding[],
      },
    ],
    notices: [{ channel: SESSIONS_CHANNEL, payload: names.id }],
  });
}
