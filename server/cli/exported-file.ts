/**
 * Checks exported files without a database: a recording (`sessions export --format json`) against the
 * seal inside it, a journal (`journal export`) against its own chain. Not caught here: facts of a
 * recording beside its events (title, first size, command), and entries cut from the journal's end.
 */
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { encodeEventLine } from '../asciicast/event-line.ts';
import type { RecordedEvent } from '../asciicast/event.ts';
import { messageOf, SallyportError } from '../errors.ts';
import { ChunkHasher, isIntact } from '../journal/chain.ts';
import { EVENT_TYPES, type JournalEntry, type JsonValue } from '../journal/event.ts';
import { broken, ChainWalk, type RecordingCheck, type RecordingSeal } from '../journal/seal.ts';
import type { KeyOf, PublicKey } from '../journal/signature.ts';
import { linesIn } from './line-stream.ts';

export type ExportedFileCheck =
  | {
      readonly kind: 'recording';
      readonly sessionId: string;
      readonly events: number;
      readonly check: RecordingCheck;
    }
  | {
      readonly kind: 'journal';
      /** Entries that follow each other as they were written, and the first one's number. */
      readonly entries: number;
      readonly firstSeq: number;
      /** Hash of the last of them, to compare with a copy kept elsewhere. */
      readonly headHash: string;
      /** The first that isn't; null = all are. */
      readonly fault: { readonly seq: number; readonly why: string } | null;
    };

const count = z.number().int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const sealShape = z.object({
  sessionId: z.string(),
  chunks: z.array(
    z.object({
      seq: count,
      t0Us: count,
      t1Us: count,
      firstEvent: count,
      events: count,
      rawLength: count,
      prevHash: hash,
      hash,
    }),
  ),
  head: z.object({ chunks: count, hash, keyId: z.string(), signature: z.string() }).nullable(),
});
const eventShape = z.discriminatedUnion('code', [
  z.strictObject({ atUs: count, code: z.literal('o'), text: z.string() }),
  z.strictObject({ atUs: count, code: z.literal('b'), base64: z.string() }),
  z.strictObject({ atUs: count, code: z.literal('r'), cols: count, rows: count }),
  z.strictObject({ atUs: count, code: z.literal('m'), label: z.string() }),
  z.strictObject({ atUs: count, code: z.literal('x'), status: z.string() }),
]) satisfies z.ZodType<RecordedEvent>;
const entryShape = z.strictObject({
  seq: count,
  at: z.string(),
  type: z.enum(EVENT_TYPES),
  principal: z.string().nullable(),
  source: z.string().nullable(),
  session: z.string().nullable(),
  target: z.string().nullable(),
  data: z.record(z.string(), z.json()),
  prevHash: hash,
  hash,
});

/** The seal of a recording is one line: enough for about 50,000 chunks, 3 GB of events. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;
const DOCUMENT_START = '{"format":"sallyport-recording","version":1,';
const EVENTS_START = '"events":[';

/**
 * @param keys public keys of the bastion that recorded, from elsewhere than the file
 * @throws SallyportError `usage.invalid` when it can't be read or is neither of the two
 */
export async function checkExportedFile(
  path: string,
  keys: PublicKey | KeyOf,
): Promise<ExportedFileCheck> {
  const lines = linesIn(createReadStream(path), async () => {}, MAX_LINE_CHARACTERS);
  let first: IteratorResult<string>;
  try {
    first = await lines.next();
  } catch (error) {
    throw new SallyportError(
      'usage.invalid',
      `${path} can't be read (${messageOf(error)})`,
      'name a file that was exported',
      { cause: error },
    );
  }
  const line = first.done === true ? '' : first.value;
  if (line.startsWith(DOCUMENT_START)) return checkRecordingFile(path, line, lines, keys);
  if (entryShape.safeParse(parsed(line)).success) return checkJournalFile(line, lines);
  throw new SallyportError(
    'usage.invalid',
    `${path} holds neither a recording nor a journal in the form in which they are exported`,
    'export it with: sallyport sessions export ID --format json, or: sallyport journal export; other formats are for showing and prove nothing',
  );
}

async function checkRecordingFile(
  path: string,
  start: string,
  lines: AsyncIterable<string>,
  keys: PublicKey | KeyOf,
): Promise<ExportedFileCheck> {
  const seal = sealOf(path, start);
  const walk = new ChainWalk(seal.sessionId, seal.head);
  const result = (events: number, check: RecordingCheck): ExportedFileCheck => ({
    kind: 'recording',
    sessionId: seal.sessionId,
    events,
    check,
  });
  const chunks = seal.chunks.values();
  let chunk = chunks.next().value;
  let hasher: ChunkHasher | null = null;
  let left = 0;
  let events = 0;
  let isClosed = false;
  for await (const line of lines) {
    if (line === ']}') {
      isClosed = true;
      continue;
    }
    const fault = (why: string) => result(events, broken(walk.next, `event ${events + 1}: ${why}`));
    if (isClosed) return fault('something stands behind the end of the recording');
    const event = eventOf(line);
    if (event === null) return fault('it is not in the form in which events are exported');
    if (chunk === undefined) return fault('it belongs to no chunk');
    if (hasher === null) {
      hasher = new ChunkHasher(chunk.prevHash, { ...chunk, sessionId: seal.sessionId });
      left = chunk.events;
    }
    hasher.add(encodeEventLine(event));
    events += 1;
    left -= 1;
    if (left > 0) continue;
    const why = walk.follow(chunk, hasher.end());
    if (why !== null) return result(events, broken(walk.next, why));
    hasher = null;
    chunk = chunks.next().value;
  }
  if (!isClosed) return result(events, broken(walk.next, 'the file was cut before its end'));
  if (chunk !== undefined) {
    return result(events, broken(walk.next, `its events end after event ${events}`));
  }
  // Only a session that still ran has chunks that no head covers; how many is part of the answer.
  const isRunning = seal.head === null || seal.head.chunks < seal.chunks.length;
  return result(events, walk.end(isRunning, keys));
}

/** The first line is a whole document but for the events that follow it. */
function sealOf(path: string, start: string): RecordingSeal {
  const isStart = start.endsWith(EVENTS_START);
  const seal = isStart ? sealShape.safeParse(parsed(`${start}]}`, 'seal')) : null;
  if (seal?.success === true) return seal.data;
  throw new SallyportError(
    'usage.invalid',
    `${path} holds no seal that could prove its events, or was written again by another program`,
    'export it again with: sallyport sessions export ID --format json',
  );
}

/** null for anything but an event exactly as it was exported. */
function eventOf(line: string): RecordedEvent | null {
  const text = line.endsWith(',') ? line.slice(0, -1) : line;
  const event = eventShape.safeParse(parsed(text));
  return event.success && JSON.stringify(event.data) === text ? event.data : null;
}

async function checkJournalFile(
  start: string,
  lines: AsyncIterable<string>,
): Promise<ExportedFileCheck> {
  let before: JournalEntry | null = null;
  let firstSeq = 0;
  let entries = 0;
  const result = (fault: { seq: number; why: string } | null): ExportedFileCheck => ({
    kind: 'journal',
    entries,
    firstSeq,
    headHash: before?.hash ?? '',
    fault,
  });
  for await (const line of following(start, lines)) {
    const expected: number = before === null ? firstSeq : before.seq + 1;
    const read = entryShape.safeParse(parsed(line));
    if (!read.success) return result({ seq: expected, why: 'it is no entry of a journal' });
    const entry = { ...read.data, data: read.data.data as { readonly [name: string]: JsonValue } };
    if (before === null) firstSeq = entry.seq;
    else if (entry.seq !== expected) return result({ seq: expected, why: 'it is missing' });
    else if (entry.prevHash !== before.hash)
      return result({ seq: expected, why: 'it does not follow the one before' });
    if (!isIntact(entry))
      return result({ seq: entry.seq, why: 'its content is not what was written' });
    before = entry;
    entries += 1;
  }
  return result(null);
}

async function* following(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

/** The value of JSON text, or of one of its members; undefined when there is none. */
function parsed(text: string, member?: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (member === undefined) return value;
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)[member]
      : undefined;
  } catch {
    return undefined;
  }
}
