/**
 * Numbers that check themselves: payment cards (Luhn), IBANs (mod 97), and US social security numbers,
 * which don't. Not caught here: cards written in other groups than on the card, numbers in another
 * spelling (words, base64), social security numbers without dashes.
 */
import { detectorNumber, type Findings, isWordAt, isWordBefore, type Sight } from './detection.ts';
import { eachRun, NUMBER_RUN, runStart } from './character-runs.ts';

export interface NumberKinds {
  readonly card: boolean;
  readonly iban: boolean;
  readonly ssn: boolean;
}

const CARD = detectorNumber('credit-card');
const IBAN = detectorNumber('iban');
const SSN = detectorNumber('us-ssn');

/** A social security number; the other two are longer. */
const SHORTEST_SSN = 11;
const SHORTEST_OTHER = 13;
/** All of them have more. */
const FEWEST_DIGITS = 8;
/** Digits of a card, and characters of an IBAN, that are shown while it is typed. */
const SHOWN = 8;
/** Characters of sixteen digits with separators. */
const SIXTEEN_GROUPED = 19;
/** `123-45` is shown while it is typed. */
const SHOWN_SSN = 6;

const GROUPED_OR_NOT =
  /\d{13,}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3}(?!\d))?|\d{4}([ -])\d{6}\2\d{4,5}/g;
const SSN_FORM = /\d{3}-\d{2}-\d{4}/g;
const IBAN_START = /[A-Z]{2}\d{2}/g;

/** Lengths of IBANs by country, as its registry says. */
const IBAN_LENGTHS = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 ' +
    'EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 ' +
    'KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 ' +
    'PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 ' +
    'UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((one) => [one.slice(0, 2), Number(one.slice(2))] as const),
);

/** Ranges of issuers: the first four digits from … to, and the lengths of such numbers. */
const ISSUERS: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [3000, 3059, [14]],
  [3095, 3095, [14]],
  [3400, 3499, [15]],
  [3528, 3589, [16]],
  [3600, 3699, [14]],
  [3700, 3799, [15]],
  [3800, 3999, [14]],
  [4000, 4999, [13, 16]],
  [5100, 5599, [16]],
  [6011, 6011, [16]],
  [6200, 6299, [16, 19]],
  [6440, 6599, [16]],
  [2200, 2204, [16]],
  [2221, 2720, [16]],
];

export function findNumbers(sight: Sight, kinds: NumberKinds, { found }: Findings): void {
  const least = kinds.ssn ? SHORTEST_SSN : SHORTEST_OTHER;
  eachRun(sight.text, NUMBER_RUN, least, (start, end) => {
    const content = contentOf(sight.text, start, end);
    if (kinds.card && (content & MAY_BE_CARD) !== 0) findCards(sight, start, end, found);
    if (kinds.ssn && (content & MAY_BE_SSN) !== 0) findSsns(sight, start, end, found);
    if (kinds.iban && (content & MAY_BE_IBAN) !== 0) findIbans(sight, start, end, found);
  });
}

const MAY_BE_CARD = 1;
const MAY_BE_SSN = 2;
const MAY_BE_IBAN = 4;

/** What a run may hold, told from how many digits stand together in it: most have dates and sizes. */
function contentOf(text: string, start: number, end: number): number {
  let capitals = 0;
  let digits = 0;
  let group = 0;
  let longest = 0;
  let fours = 0;
  let sixes = 0;
  /** The last groups, a character each: `32` = three digits, a dash, two digits, a dash. */
  let groups = 0;
  let content = 0;
  for (let at = start; at <= end; at += 1) {
    const code = at < end ? text.charCodeAt(at) : 0x20;
    if (code >= 0x30 && code < 0x3a) {
      group += 1;
      continue;
    }
    if (group > 0) {
      digits += group;
      if (group > longest) longest = group;
      if (group === 4) {
        fours += 1;
        if (groups === 32) content = MAY_BE_SSN;
      } else if (group === 6) sixes += 1;
    }
    if (code === 0x2d && group > 0) groups = (groups % 10) * 10 + Math.min(group, 9);
    else groups = 0;
    if (code >= 0x41) capitals += 1;
    group = 0;
  }
  if (longest >= SHORTEST_OTHER || fours > 2 || (fours > 0 && sixes > 0)) content |= MAY_BE_CARD;
  if (capitals > 1 && digits >= FEWEST_DIGITS) content |= MAY_BE_IBAN;
  return content;
}

function findCards(sight: Sight, start: number, end: number, found: Findings['found']): void {
  const run = sight.text.slice(start, end);
  GROUPED_OR_NOT.lastIndex = 0;
  for (let match = GROUPED_OR_NOT.exec(run); match !== null; match = GROUPED_OR_NOT.exec(run)) {
    const from = start + match.index;
    // What is printed behind a card's sixteen digits may look like three more.
    const forms = [match[0], match[0].slice(0, SIXTEEN_GROUPED)];
    const card = forms.find((one) => isCard(one) && standsAlone(sight, from, from + one.length));
    if (card !== undefined) {
      found.push({ start: from, end: from + card.length, detector: CARD });
      GROUPED_OR_NOT.lastIndex = match.index + card.length;
      continue;
    }
    // The next group may begin one.
    const next = /[ -]/.exec(match[0])?.index;
    if (next !== undefined) GROUPED_OR_NOT.lastIndex = match.index + next + 1;
  }
}

/** An address and hexadecimal digits in groups: the line of a dump. */
const DUMPED_BEFORE = /^[0-9a-f]{6,16}:?(?: {1,3}[0-9a-f]{2,8})* {1,3}$/i;

/** Neither part of a word, of a decimal number, nor of a longer row of groups (a dump, a UUID). */
function standsAlone(sight: Sight, start: number, end: number): boolean {
  const { text } = sight;
  if (isWordBefore(sight, start) || isWordAt(sight, end)) return false;
  const before = text.slice(Math.max(0, start - 6), start);
  const after = text.slice(end, end + 6);
  if (/[0-9][.,]$|\.$/.test(before) || /^[.,][0-9]/.test(after)) return false;
  if (/[0-9A-Za-z_]-$/.test(before) || /^-[0-9A-Za-z_]/.test(after)) return false;
  if (!text.slice(start, end).includes(' ')) return true;
  if (
    DUMPED_BEFORE.test(text.slice(Math.max(text.lastIndexOf('\n', start) + 1, start - 96), start))
  )
    return false;
  return (
    !isDumped(/(?:^|[^0-9A-Za-z])(\w{4}) $/.exec(before)) && !isDumped(/^ (\w{4})\b/.exec(after))
  );
}

/** A group of four hexadecimal digits that aren't a plain number. */
function isDumped(match: RegExpExecArray | null): boolean {
  return /^(?=.*[0-9])(?=.*[a-f])[0-9a-f]+$/.test(match?.[1] ?? '');
}

/** Whether these are the digits of a payment card, with or without separators. */
export function isCard(written: string): boolean {
  const digits = written.replace(/[ -]/g, '');
  return isLuhn(digits) && issuedLengths(digits).includes(digits.length);
}

function issuedLengths(digits: string): readonly number[] {
  const first = Number(digits.slice(0, 4));
  return ISSUERS.find(([from, to]) => first >= from && first <= to)?.[2] ?? [];
}

function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, isDoubled = false; at >= 0; at -= 1, isDoubled = !isDoubled) {
    const digit = digits.charCodeAt(at) - 48;
    sum += isDoubled ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

function findSsns(sight: Sight, start: number, end: number, found: Findings['found']): void {
  const run = sight.text.slice(start, end);
  for (const { 0: written, index } of run.matchAll(SSN_FORM)) {
    const from = start + index;
    const to = from + written.length;
    if (!isSsn(written) || isWordBefore(sight, from) || isWordAt(sight, to)) continue;
    const neighbours = (sight.text[from - 1] ?? '') + (sight.text[to] ?? '');
    if (/-/.test(neighbours) || /^\.\d/.test(sight.text.slice(to, to + 2))) continue;
    if (sight.text[from - 1] === '.') continue;
    found.push({ start: from, end: to, detector: SSN });
  }
}

/** Areas 000, 666 and from 900 on were never issued, nor were empty groups and serials. */
function isSsn(written: string): boolean {
  return !/^(?:000|666|9)|-00-|-0000$/.test(written);
}

function findIbans(sight: Sight, start: number, end: number, found: Findings['found']): void {
  const run = sight.text.slice(start, end);
  IBAN_START.lastIndex = 0;
  for (let match = IBAN_START.exec(run); match !== null; match = IBAN_START.exec(run)) {
    IBAN_START.lastIndex = match.index + 1;
    const from = start + match.index;
    if (isWordBefore(sight, from)) continue;
    const { code, length, isBroken } = ibanAt(run, match.index);
    const wanted = IBAN_LENGTHS.get(code.slice(0, 2));
    if (isBroken || wanted !== code.length || isWordAt(sight, from + length)) continue;
    if (!isMod97(code)) continue;
    found.push({ start: from, end: from + length, detector: IBAN });
    IBAN_START.lastIndex = match.index + length;
  }
}

interface IbanText {
  /** Without blanks. */
  readonly code: string;
  /** With them. */
  readonly length: number;
  /** A blank stands where none belongs. */
  readonly isBroken: boolean;
}

/** As many characters of an IBAN as stand here, up to its country's length. */
function ibanAt(run: string, at: number): IbanText {
  const wanted = IBAN_LENGTHS.get(run.slice(at, at + 2)) ?? 0;
  let code = '';
  let to = at;
  const isGrouped = run[at + 4] === ' ';
  while (code.length < wanted && to < run.length) {
    const isGap = isGrouped && code.length > 0 && code.length % 4 === 0 && run[to - 1] !== ' ';
    const one = run[to] ?? '';
    if (one === '-' || (one === ' ') !== isGap) return { code, length: to - at, isBroken: true };
    if (one !== ' ') code += one;
    to += 1;
  }
  return { code, length: to - at, isBroken: wanted === 0 };
}

function isMod97(code: string): boolean {
  const moved = code.slice(4) + code.slice(0, 4);
  let rest = 0;
  for (const one of moved) {
    const value = one >= 'A' ? one.charCodeAt(0) - 55 : Number(one);
    rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97;
  }
  return rest === 1;
}

/** What the end of the text may become. */
export function pendingNumbers(sight: Sight, kinds: NumberKinds, { pending }: Findings): void {
  const { text } = sight;
  const from = runStart(text, NUMBER_RUN, MAX_TAIL);
  // Each group may begin one: `2026-11-21 4111 11`.
  const tail = text.slice(from);
  for (const { index } of tail.matchAll(/[0-9A-Z]+/g)) {
    const start = from + index;
    const rest = tail.slice(index);
    if (isWordBefore(sight, start)) continue;
    const written = rest.trimEnd();
    if (kinds.card && mayBecomeCard(rest)) {
      const digits = written.replace(/\D/g, '').length;
      const isCut = digits > SHOWN;
      const shown = isCut ? places(written, SHOWN) : written.length;
      const sureFrom = isCut ? start + shown : text.length;
      pending.push({ start, sureFrom, detector: CARD });
    }
    if (kinds.ssn && /^\d{1,3}(?:-(?:\d{0,2}(?:-\d{0,4})?)?)?$/.test(rest) && isSsnStart(rest)) {
      if (text[start - 1] === '-') continue;
      const sureFrom = rest.length > SHOWN_SSN ? start + SHOWN_SSN : text.length;
      pending.push({ start, sureFrom, detector: SSN });
    }
    if (kinds.iban && mayBecomeIban(rest)) {
      const isSure = written.replace(/ /g, '').length > SHOWN;
      const sureFrom = isSure ? start + places(written, SHOWN) : text.length;
      pending.push({ start, sureFrom, detector: IBAN });
    }
  }
}

/** Longer than any of these numbers is written. */
const MAX_TAIL = 48;

function isSsnStart(written: string): boolean {
  const parts = written.split('-');
  if (parts.length > 1 && (parts[0]?.length ?? 0) !== 3) return false;
  return parts.length < 3 || parts[1]?.length === 2;
}

/** Where the digit or letter with this number stands, counted without separators. */
function places(written: string, count: number): number {
  let seen = 0;
  for (let at = 0; at < written.length; at += 1) {
    if (written[at] === ' ' || written[at] === '-') continue;
    if (seen === count) return at;
    seen += 1;
  }
  return written.length;
}

const GROWING_CARD =
  /^(?:\d{1,19}|\d{4}([ -])(?:\d{0,4}|\d{4}\1\d{0,4}|\d{4}\1\d{4}\1\d{0,4}|\d{4}\1\d{4}\1\d{4}\1\d{0,3})|\d{4}([ -])(?:\d{0,6}|\d{6}\2\d{0,5}))$/;

function mayBecomeCard(written: string): boolean {
  if (!GROWING_CARD.test(written)) return false;
  const digits = written.replace(/\D/g, '').slice(0, 4);
  const low = Number(digits.padEnd(4, '0'));
  const high = Number(digits.padEnd(4, '9'));
  const count = written.replace(/\D/g, '').length;
  return ISSUERS.some(
    ([from, to, lengths]) => from <= high && to >= low && lengths.some((one) => one >= count),
  );
}

function mayBecomeIban(written: string): boolean {
  if (!/^(?:[A-Z]|[A-Z]{2}|[A-Z]{2}\d|[A-Z]{2}\d{2}[0-9A-Z ]*)$/.test(written)) return false;
  if (written.length === 1) return true;
  const wanted = IBAN_LENGTHS.get(written.slice(0, 2));
  if (wanted === undefined) return false;
  if (written.length <= 4) return true;
  const { code, isBroken } = ibanAt(written.trimEnd(), 0);
  const isLast = written.replace(/ /g, '').length === code.length;
  return !isBroken && isLast && !/ {2}$/.test(written);
}
