/**
 * Compares the commands that an exported page lists with the markers in its recording, which the chain
 * binds. Not caught here: what no marker has: how a command was decided, its exit status, what stands
 * behind its first 200 characters, which white space it had, and second readings.
 */
import { clockTime } from '../parts/format.ts';
import { visibleText } from '../parts/visible.tsx';
import type { ExportedDocument, ExportedEvent, Proof } from './proof.ts';

const MAX_LABEL_CHARACTERS = 200;
/** An export lists no more commands. */
const MAX_LISTED = 10_000;
/** Commands that a verdict names; of others it gives the number. */
const MAX_NAMED = 5;
/** Between what was read and what else it may be. */
const SECOND_READING = '\n(or: ';
/** A marker with so many asterisks has most likely a masked secret in it. */
const MASKED_LABEL = /\*{3}/;

/** What a row of the list says. */
export interface ListedRow {
  /** null = it has none. */
  readonly seq: number | null;
  /** null = it has none, or not the one that it was written with. */
  readonly atMs: number | null;
  /** null = it isn't written as the bastion writes texts. */
  readonly text: string | null;
  /** It says that the text is longer. */
  readonly isCut: boolean;
  /** It says that secrets in it were masked. */
  readonly isMasked: boolean;
}

export interface Listed {
  readonly rows: readonly ListedRow[];
  /** How many commands the page says that there are. */
  readonly count: string;
  /** The session's id, and that of the key, as the page shows them. */
  readonly sessionId: string;
  readonly keyId: string;
  /** The recorder never failed: each command has its marker. */
  readonly isComplete: boolean;
  /** Neither it nor the session failed: each marker has its row as well. */
  readonly isWhole: boolean;
}

/** What the recording says of a row that it doesn't bear out, or only in part. */
export type RowMark =
  | { readonly kind: 'differs'; readonly label: string }
  | { readonly kind: 'unrecorded' }
  | { readonly kind: 'partly' };

type Marker = Extract<ExportedEvent, { code: 'm' }>;

export interface Comparison {
  /** By place in the list; rows that the recording bears out have none. */
  readonly marks: ReadonlyMap<number, RowMark>;
  /** Recorded commands without a row. */
  readonly unlisted: readonly Marker[];
  readonly markers: number;
}

export function compareListed(listed: Listed, events: readonly ExportedEvent[]): Comparison {
  const { isComplete, rows } = listed;
  const markers = events.filter((event): event is Marker => event.code === 'm');
  const markerOf = isComplete ? byNumber(rows, markers) : byTime(rows, markers);
  const marks = new Map<number, RowMark>();
  for (const [index, row] of rows.entries()) {
    const marker = markerOf.get(index);
    if (marker === undefined) {
      marks.set(index, { kind: 'unrecorded' });
      continue;
    }
    const agreement = isAt(row, marker) ? agreementOf(row, marker.label) : 'none';
    if (agreement === 'none') marks.set(index, { kind: 'differs', label: marker.label });
    if (agreement === 'partly') marks.set(index, { kind: 'partly' });
  }
  const found = new Set(markerOf.values());
  const last = rows.length < MAX_LISTED ? markers.length : MAX_LISTED;
  const unlisted = markers.slice(0, last).filter((marker) => !found.has(marker));
  return { marks, unlisted, markers: markers.length };
}

/** The n-th command has the n-th marker. A number that comes again, or too late, has none. */
function byNumber(rows: readonly ListedRow[], markers: readonly Marker[]): Map<number, Marker> {
  const found = new Map<number, Marker>();
  let before = 0;
  for (const [index, { seq }] of rows.entries()) {
    const marker = markers[(seq ?? 0) - 1];
    if (seq === null || seq <= before || marker === undefined) continue;
    before = seq;
    found.set(index, marker);
  }
  return found;
}

/** Where markers are missing: first those that agree, then those that only stand at the same time. */
function byTime(rows: readonly ListedRow[], markers: readonly Marker[]): Map<number, Marker> {
  const open = new Map<number, Marker[]>();
  for (const marker of markers) {
    const atMs = millisecond(marker);
    open.set(atMs, [...(open.get(atMs) ?? []), marker]);
  }
  const found = new Map<number, Marker>();
  const take = (index: number, row: ListedRow, fits: (marker: Marker) => boolean): void => {
    const there = row.atMs === null ? [] : (open.get(row.atMs) ?? []);
    const place = there.findIndex(fits);
    const marker = there[place];
    if (marker === undefined || found.has(index)) return;
    there.splice(place, 1);
    found.set(index, marker);
  };
  for (const [index, row] of rows.entries()) {
    take(index, row, ({ label }) => agreementOf(row, label) !== 'none');
  }
  for (const [index, row] of rows.entries()) take(index, row, () => true);
  return found;
}

function isAt(row: ListedRow, marker: Marker): boolean {
  return row.atMs === millisecond(marker);
}

/** As rows have it. */
function millisecond({ atUs }: Marker): number {
  return Math.round(atUs / 1000);
}

/** As the bastion makes the label of a marker: one line, at most 200 characters. */
export function labelOf(text: string): string {
  return oneLine(text).slice(0, MAX_LABEL_CHARACTERS).toWellFormed();
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function agreementOf(row: ListedRow, recorded: string): 'all' | 'partly' | 'none' {
  const { isCut, isMasked, text } = row;
  if (text === null) return 'none';
  // Rows can't hold it and show it so.
  const label = recorded.replaceAll('\0', '\u2400');
  const line = oneLine(text);
  const isLonger = isCut || line.length > MAX_LABEL_CHARACTERS;
  if (labelOf(text) === label) return isLonger ? 'partly' : 'all';
  // Nearly all of what is shown is white space.
  if (isCut && line.length < MAX_LABEL_CHARACTERS && label.startsWith(line)) return 'partly';
  for (const reading of readings(text)) {
    const own = labelOf(reading);
    if (own === label || agreesButForMasks(own, label, isMasked)) return 'partly';
  }
  return 'none';
}

/** The text, and what it is without a second reading. */
function* readings(text: string): Generator<string> {
  yield text;
  let at = text.indexOf(SECOND_READING);
  while (at >= 0) {
    yield text.slice(0, at);
    at = text.indexOf(SECOND_READING, at + 1);
  }
}

/** Text and marker are masked each for itself: a secret that only one has whole may be open in the other. */
function agreesButForMasks(own: string, label: string, isMasked: boolean): boolean {
  if (!isMasked && !MASKED_LABEL.test(label)) return false;
  // Wide characters become more asterisks than they are characters.
  const isNarrow = /^[\0-\x7f]*$/.test(own + label);
  if (isNarrow && own.length !== label.length) return false;
  for (let at = 0; at < Math.max(own.length, label.length); at += 1) {
    if (own[at] === label[at]) continue;
    if (own[at] !== '*' && label[at] !== '*') return false;
    if (!isNarrow) return true;
  }
  return true;
}

export interface Verdict {
  readonly kind: Proof['kind'] | 'incomplete';
  readonly text: string;
}

/**
 * What the page says of itself.
 * @param said of the recording alone
 */
export function verdictOf(
  proof: Proof,
  said: string,
  listed: Listed,
  { events, seal }: ExportedDocument,
  comparison: Comparison,
): Verdict {
  if (proof.kind === 'broken') return { kind: proof.kind, text: said };
  const { marks, markers, unlisted } = comparison;
  const { isComplete, isWhole, rows } = listed;
  const of = (kind: RowMark['kind']): number[] =>
    [...marks].filter(([, mark]) => mark.kind === kind).map(([index]) => index);
  const wrong: string[] = [];
  const differing = of('differs');
  if (seal.sessionId !== listed.sessionId) wrong.push(`it is of the session ${seal.sessionId}`);
  if ('keyId' in proof && proof.kind !== 'foreign' && proof.keyId !== listed.keyId) {
    wrong.push('the key that is named below is not the one that signed');
  }
  if (differing.length > 0) {
    const verb = differing.length === 1 ? 'reads' : 'read';
    wrong.push(`${named(rows, differing)} ${verb} otherwise in the recording`);
  }
  const lastMs = Math.round((events.at(-1)?.atUs ?? 0) / 1000);
  const isRunning = proof.kind === 'unsigned';
  const isLater = (index: number): boolean => isRunning && (rows[index]?.atMs ?? -1) >= lastMs;
  const unrecorded = of('unrecorded');
  const later = unrecorded.filter(isLater);
  const missing = [
    ...unrecordedWords(
      rows,
      unrecorded.filter((index) => !isLater(index)),
    ),
    ...unlistedWords(unlisted),
  ];
  if (isWhole) wrong.push(...missing);
  if (wrong.length === 0 && isWhole && listed.count !== String(markers)) {
    wrong.push(`the recording has ${markers} commands, not as many as the list says`);
  }
  if (wrong.length > 0)
    return { kind: 'broken', text: `NOT what was recorded: ${wrong.join('; ')}.` };
  const partly = of('partly');
  const more = [
    later.length > 0 && `Later than what is sealed: ${named(rows, later)}.`,
    partly.length > 0 &&
      `Of ${named(rows, partly)} the recording has only a part: at most 200 characters, no second reading, and no masked secret.`,
  ].filter((one) => one !== false);
  if (missing.length === 0) return { kind: proof.kind, text: [said, ...more].join(' ') };
  const because = isComplete
    ? 'The file says that the session was cut off, which can cause that'
    : 'The file says that not all of it was recorded, which can cause that';
  const text = `The list and the recording have NOT the same commands: ${missing.join('; ')}. ${because}; compare with the journal. The recording alone: ${said}`;
  return { kind: 'incomplete', text: [text, ...more].join(' ') };
}

function unrecordedWords(rows: readonly ListedRow[], places: readonly number[]): string[] {
  if (places.length === 0) return [];
  return [`${named(rows, places)} ${places.length === 1 ? 'is' : 'are'} not in the recording`];
}

function unlistedWords(unlisted: readonly Marker[]): string[] {
  const [first] = unlisted;
  if (first === undefined) return [];
  const one = `“${visibleText(first.label)}” at ${clockTime(first.atUs / 1000)}`;
  return unlisted.length === 1
    ? [`the list lacks a recorded command: ${one}`]
    : [`the list lacks ${unlisted.length} recorded commands, the first ${one}`];
}

function named(rows: readonly ListedRow[], places: readonly number[]): string {
  const names = places
    .slice(0, MAX_NAMED)
    .map((place) => rows[place]?.seq ?? `without a number in row ${place + 1}`);
  const rest = places.length - names.length;
  const noun = places.length === 1 ? 'command' : 'commands';
  return `${noun} ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
