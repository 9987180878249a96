/** Files and forwards of a session, read from its journal: a bounded number of entries at a time. */
import {
  EVENT_TYPES,
  type EventType,
  type JournalEntry,
  type JsonValue,
} from '../journal/event.ts';
import type { AuditReader, Page, SessionView } from './ports.ts';
import type { ContentView, TransferView } from './session-detail-props.ts';

export const TRANSFER_TYPES: readonly EventType[] = EVENT_TYPES.filter(
  (type) => type.startsWith('file.') || type.startsWith('forward.') || type === 'transfer.ended',
);

/** The newest first. */
export async function transfersOf(
  audit: AuditReader,
  session: Pick<SessionView, 'id' | 'startedAt'>,
  page: { readonly limit: number; readonly cursor?: string },
): Promise<Page<TransferView>> {
  const query = { types: TRANSFER_TYPES, session: session.id, ...page };
  const { items, next } = await audit.list(query);
  const startMs = Date.parse(session.startedAt);
  return { items: items.map((entry) => transferView(entry, startMs)), next };
}

/** An entry of a type that is not known here, or without what it should have, has less to show. */
function transferView(entry: JournalEntry, startMs: number): TransferView {
  const { at, data, seq, type } = entry;
  const base: TransferView = {
    entry: seq,
    type,
    at,
    atMs: Math.max(0, Date.parse(at) - startMs),
    command: whole(data['seq']),
    path: words(data['path']) ?? words(data['from']),
    to: words(data['to']),
    written: null,
    read: null,
    status: whole(data['status']),
    words: words(data['why']) ?? words(data['what']) ?? words(data['detail']),
    durationMs: whole(data['durationMs']),
    kept: keptIn(data['kept']),
  };
  return { ...base, ...contentsOf(type, data) };
}

/** What went which way, where the entry says it. */
function contentsOf(type: EventType, data: JournalEntry['data']): Partial<TransferView> {
  if (type === 'file.written') {
    return { to: null, written: content(data), read: content(data['read']) };
  }
  if (type === 'file.read') return { to: null, read: content(data) };
  if (type === 'transfer.ended') {
    return {
      path: words(data['program']),
      written: stream(data['bytesIn'], data['sha256In']),
      read: stream(data['bytesOut'], data['sha256Out']),
    };
  }
  if (type !== 'forward.ended') return {};
  return { written: stream(data['bytesIn'], null), read: stream(data['bytesOut'], null) };
}

function content(data: JsonValue | undefined): ContentView | null {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return null;
  const { bytes, complete, sha256 } = data as Readonly<Record<string, JsonValue>>;
  const count = whole(bytes);
  if (count === null) return null;
  return { bytes: count, sha256: words(sha256), isWhole: complete === true };
}

function stream(bytes: JsonValue | undefined, sha256: JsonValue | undefined): ContentView | null {
  const count = whole(bytes);
  return count === null ? null : { bytes: count, sha256: words(sha256), isWhole: true };
}

function keptIn(kept: JsonValue | undefined): ('written' | 'read')[] {
  const places = Array.isArray(kept) ? (kept as readonly JsonValue[]) : [];
  const directions = places.map(
    (one) => (one as { readonly direction?: JsonValue } | null)?.direction,
  );
  return (['written', 'read'] as const).filter((one) => directions.includes(one));
}

function whole(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
}

function words(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
