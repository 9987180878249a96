/**
 * Private keys in armour (PEM, OpenSSH, PGP): of everything between `-----BEGIN … PRIVATE KEY-----` and its
 * end, what is written in base64. Also behind line numbers, names of files and quotes, with `\n` for line
 * ends as in JSON, and an OpenSSH key without its first line. Not caught here: pieces from the middle of
 * any other key, keys in hexadecimal, PuTTY's format.
 */
import { detectorNumber, type Findings, type Sight } from './detection.ts';

const KEY = detectorNumber('private-key');

/** A narrow terminal may have put it into two rows. */
const HEADER = new RegExp(
  `-{4,5} ?${broken('BEGIN')}[A-Z0-9 \\r\\n]{1,64}${broken('PRIVATE KEY')}(?:\\r?\\n?${broken(' BLOCK')})? ?\\r?\\n?-{1,5}\\r?\\n?-{0,5}`,
  'g',
);

/** `openssh-key-v1` and a zero byte in base64: how every such key begins. */
const OPENSSH = 'b3BlbnNzaC1rZXktdjE';
const HEADER_BEFORE = 96;
const END = /-{4,5} ?END /;
const LINE_END = /\r\n|\n|\r|(?:\\r)?\\n/g;
/** Lines of keys have 64 to 76 characters; so many in a row are hardly a word. */
const LONG_RUN = /[A-Za-z0-9+/=]{32,}/g;
const LAST_RUN = /[A-Za-z0-9+/=]+(?=[\\"'\s-]{0,5}$)/;
/** The last line of a key. */
const SHORT_LINE = /^[\s"'>|+]*([A-Za-z0-9+/=]{1,75})[\s"'\\]*$/;
/** Of a key that begins with a short line. */
const LEAST_FIRST = 12;
/** Lines without anything of a key, after which it is no key any more. */
const MAX_OTHER_LINES = 6;
const MAX_LINES = 2000;
/** A line that is longer is cut, as if it ended there. */
const MAX_LINE = 2048;
/** Of a line that has been cut so much stays. */
const KEPT_OF_LINE = 64;

function broken(text: string): string {
  return Array.from(text).join('(?:\\r?\\n)?');
}

export interface KeyPlace {
  /** Up to here everything has been looked at. */
  readonly at: number;
  readonly inside: KeyLines | null;
}

interface KeyLines {
  readonly lines: number;
  readonly others: number;
  /** A line of the key has been there. */
  readonly hasBody: boolean;
}

export const NO_KEY: KeyPlace = { at: 0, inside: null };
const FIRST_LINE: KeyLines = { lines: 0, others: 0, hasBody: false };

/** @returns where to go on when there is more text */
export function findKeys(sight: Sight, from: KeyPlace, findings: Findings): KeyPlace {
  const { text } = sight;
  let { at, inside } = from;
  for (;;) {
    if (inside === null) {
      const start = keyStart(text, at);
      if (start === null) {
        pendOpenssh(text, findings);
        return { at: Math.max(at, text.length - HEADER_BEFORE), inside };
      }
      at = start;
      inside = FIRST_LINE;
    }
    LINE_END.lastIndex = at;
    const ending = LINE_END.exec(text);
    if (ending === null) return openLine(sight, { at, inside }, findings);
    const line = text.slice(at, ending.index);
    inside = lineRead(line, at, inside, findings);
    at = inside === null ? ending.index : ending.index + ending[0].length;
  }
}

function keyStart(text: string, at: number): number | null {
  const openssh = text.indexOf(OPENSSH, at);
  let header: number | null = null;
  if (text.includes('----', at)) {
    HEADER.lastIndex = at;
    header = HEADER.test(text) ? HEADER.lastIndex : null;
  }
  if (openssh === -1) return header;
  return header === null ? openssh : Math.min(header, openssh);
}

function pendOpenssh(text: string, { pending }: Findings): void {
  const low = Math.max(0, text.length - OPENSSH.length + 1);
  const at = text.slice(low).lastIndexOf('b3Bl');
  if (at === -1 || !OPENSSH.startsWith(text.slice(low + at))) return;
  const start = low + at;
  pending.push({ start, sureFrom: text.length, detector: KEY });
}

/** What a whole line of the key says of the next one. */
function lineRead(line: string, at: number, key: KeyLines, { found }: Findings): KeyLines | null {
  const end = END.exec(line)?.index ?? -1;
  const body = end === -1 ? line : line.slice(0, end);
  let hasBody = false;
  for (const { 0: run, index } of body.matchAll(LONG_RUN)) {
    found.push({ start: at + index, end: at + index + run.length, detector: KEY });
    hasBody = true;
  }
  const short = hasBody ? null : SHORT_LINE.exec(body);
  const [shortLine = '', run = ''] = short ?? [];
  const isLong = run.length >= LEAST_FIRST;
  // A row may be narrower than a line of the key.
  const isFirst = key.lines <= 1 && /[a-z]/.test(run) && /[A-Z]/.test(run);
  const isLast = key.hasBody && key.others === 0;
  // A word of small letters is a word.
  if ((isLong || isFirst || isLast) && /[A-Z0-9+/=]/.test(run)) {
    const start = at + shortLine.indexOf(run);
    found.push({ start, end: start + run.length, detector: KEY });
    hasBody = true;
  }
  if (end !== -1) return null;
  const isNothing = body.trim() === '';
  const others = hasBody ? 0 : isNothing ? key.others : key.others + 1;
  if (others > MAX_OTHER_LINES || key.lines >= MAX_LINES) return null;
  return { lines: key.lines + 1, others, hasBody: key.hasBody || hasBody };
}

/** A line that may go on. */
function openLine(
  sight: Sight,
  place: KeyPlace & { readonly inside: KeyLines },
  findings: Findings,
): KeyPlace {
  const { text, isWhole } = sight;
  const { at, inside } = place;
  const line = text.slice(at);
  if (isWhole) return { at: text.length, inside: lineRead(line, at, inside, findings) };
  lineRead(line, at, inside, findings);
  const last = LAST_RUN.exec(line);
  if (last !== null) {
    const start = at + last.index;
    // Before any line of the key was there, it may as well be the next line of something else.
    const isSure = inside.hasBody || inside.lines <= 1 || last[0].length >= 16;
    pendRun(start, text, isSure, findings);
  }
  if (line.length <= MAX_LINE) return place;
  return {
    at: text.length - KEPT_OF_LINE,
    inside: { ...inside, lines: inside.lines + 1, hasBody: true },
  };
}

function pendRun(start: number, text: string, isSure: boolean, { pending }: Findings): void {
  pending.push({ start, sureFrom: isSure ? start : text.length, detector: KEY });
}
