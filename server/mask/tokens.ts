/**
 * Tokens and keys that say by their form what they are: of AWS, GitHub, Google and Slack, JSON web tokens,
 * and what stands behind `Authorization: Bearer`. Shapes as gitleaks' rule set describes them. Not caught
 * here: tokens of others, keys that were cut in two by something else than colour or a line's end, secret
 * keys of AWS without a word that says so.
 */
import { detectorNumber, type Findings, isWordBefore, type Sight } from './detection.ts';
import { hasAnchor } from './anchors.ts';
import { webTokenStart, type WebTokens } from './web-tokens.ts';
import { runStart, TOKEN_RUN } from './character-runs.ts';

export interface TokenKinds {
  readonly aws: boolean;
  readonly github: boolean;
  readonly google: boolean;
  readonly slack: boolean;
  readonly jwt: boolean;
  readonly bearer: boolean;
}

type Kind = keyof TokenKinds;

const NUMBERS: Readonly<Record<Kind, number>> = {
  aws: detectorNumber('aws-key'),
  github: detectorNumber('github-token'),
  google: detectorNumber('google-key'),
  slack: detectorNumber('slack-token'),
  jwt: detectorNumber('jwt'),
  bearer: detectorNumber('bearer'),
};

/** A bearer token is at least so long. */
const SHORTEST = 16;
/** What names a secret stands at most so far before it. */
const NAME_BEFORE = 64;
/** Longest token that is waited for. */
const LONGEST = 8192;
/** What may be the beginning of an anchor is shorter. */
const LONGEST_ANCHOR = 16;

interface Form {
  readonly kind: Kind;
  readonly form: RegExp;
  /** What a piece of it must look like, from its beginning to the end of the text. */
  readonly growing: RegExp;
  /** Nothing longer is waited for. */
  readonly reach: number;
  /** So much of it is shown while it is typed. */
  readonly shown: number;
}

const FORMS: readonly Form[] = [
  {
    kind: 'aws',
    form: /(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9_])/y,
    growing:
      /^(?:A|AK|AKI|AS|ASI|AB|ABI|AC|ACC|A3|A3T|(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{0,16})$/,
    reach: 20,
    shown: 8,
  },
  {
    kind: 'github',
    form: /gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}/y,
    growing:
      /^(?:g|gh|gh[pousr]|gh[pousr]_[A-Za-z0-9]{0,255}|git|gith|githu|github|github_p?a?t?|github_pat_[A-Za-z0-9_]{0,255}|gi)$/,
    reach: 266,
    shown: 8,
  },
  {
    kind: 'google',
    form: /AIza[\w-]{35}(?![\w-])|GOCSPX-[\w-]{28}(?![\w-])|ya29\.[\w-]{20,2048}/y,
    growing:
      /^(?:A|AI|AIz|AIza[\w-]{0,35}|G|GO|GOC|GOCS|GOCSP|GOCSPX|GOCSPX-[\w-]{0,28}|y|ya|ya2|ya29|ya29\.[\w-]{0,2048})$/,
    reach: 2053,
    shown: 10,
  },
  {
    kind: 'slack',
    form: /xox[abeoprs]-[\w-]{10,250}|xoxe\.xox[bp]-[\w-]{10,250}|xapp-\d-[\w-]{10,250}/y,
    growing:
      /^(?:x|xo|xox|xox[abeoprs]|xox[abeoprs][.-][\w.-]{0,255}|xa|xap|xapp|xapp-[\w-]{0,250})$/,
    reach: 260,
    shown: 8,
  },
];

/** The beginning of one; then all that follows belongs to it. */
const GROWING_JWT = /^(?:e|ey|eyJ.*)$/;
const SHOWN_OF_JWT = 12;

interface Named {
  readonly anchor: RegExp;
  readonly kind: Kind;
  /** From the anchor on; the group is the secret. */
  readonly form: RegExp;
  readonly isSecret: (text: string) => boolean;
}

const NAMED: readonly Named[] = [
  {
    anchor: /^hooks/,
    kind: 'slack',
    form: /hooks\.slack\.com\/(?:services|workflows|triggers)\/([\w/]{20,120})/y,
    isSecret: () => true,
  },
  {
    anchor: /^(?:secret|aws)/i,
    kind: 'aws',
    form: /(?:secret|aws)[\w .-]{0,30}?\\?["']?[ \t]{0,4}(?:=>|:=|[:=,]|[ \t])[ \t]{0,4}\\?["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/iy,
    isSecret: isMixed,
  },
  {
    anchor: /^bearer/i,
    kind: 'bearer',
    form: /bearer[ \t]{1,4}\\?["']?([\w+/=.~-]{16,8192})/iy,
    isSecret: isOpaque,
  },
  {
    // Behind it also short ones are credentials.
    anchor: /^uthorization/i,
    kind: 'bearer',
    form: /uthorization\W{1,6}(?:bearer|token|basic)[ \t]{1,4}([\w+/=.~-]{6,8192})/iy,
    isSecret: () => true,
  },
];
const BEARER_BEFORE = /bearer[ \t]{1,4}\\?["']?$/i;
const AUTHORIZED =
  /authorization["']?[ \t]{0,2}[:=][ \t]{0,2}\\?["']?(?:bearer|token|basic)[ \t]{1,4}$/i;

/**
 * @param webTokens what was seen of them in this text
 * @returns where to go on; null = right behind the anchor's beginning
 */
export function findTokenAt(
  sight: Sight,
  anchor: string,
  index: number,
  kinds: TokenKinds,
  webTokens: WebTokens,
  { found }: Findings,
): number | null {
  if (anchor === 'eyJ') {
    if (!kinds.jwt || isLetterOrDigitBefore(sight, index)) return null;
    const end = webTokens.endAt(sight.text, index);
    if (end !== null) found.push({ start: index, end, detector: NUMBERS.jwt });
    return end;
  }
  const named = NAMED.find((one) => one.anchor.test(anchor));
  if (named === undefined) return findForm(sight, index, kinds, found);
  if (kinds[named.kind]) findNamed(sight.text, named, index, found);
  return null;
}

/** @returns where the token ends that begins here */
function findForm(
  sight: Sight,
  index: number,
  kinds: TokenKinds,
  found: Findings['found'],
): number | null {
  if (isLetterOrDigitBefore(sight, index)) return null;
  for (const { kind, form } of FORMS) {
    if (!kinds[kind]) continue;
    form.lastIndex = index;
    if (!form.test(sight.text)) continue;
    found.push({ start: index, end: form.lastIndex, detector: NUMBERS[kind] });
    return form.lastIndex;
  }
  return null;
}

/** Of what stands behind a name. */
function findNamed(text: string, named: Named, index: number, found: Findings['found']): void {
  const { form, kind, isSecret } = named;
  form.lastIndex = index;
  const secret = form.exec(text)?.[1];
  if (secret === undefined || !isSecret(secret)) return;
  const end = form.lastIndex;
  found.push({ start: end - secret.length, end, detector: NUMBERS[kind] });
}

/** An underscore may end a name: `TOKEN_ghp_…`. */
function isLetterOrDigitBefore(sight: Sight, at: number): boolean {
  return isWordBefore(sight, at) && sight.text[at - 1] !== '_';
}

/** A digest has no capitals, a path hardly a digit. */
function isMixed(secret: string): boolean {
  return /[a-z]/.test(secret) && /[A-Z]/.test(secret) && /[0-9/+]/.test(secret);
}

/** No word of a language, and no name of an example. */
function isOpaque(run: string): boolean {
  return /[0-9]/.test(run) || (/[a-z]/.test(run) && /[A-Z]/.test(run) && run.length >= 24);
}

/** What the end of the text may become. */
export function pendingTokens(sight: Sight, kinds: TokenKinds, { pending }: Findings): void {
  const { text } = sight;
  const { length } = text;
  const start = runStart(text, TOKEN_RUN, LONGEST);
  if (start === length) return;
  const run = text.slice(start);
  const searched = hasAnchor(run) ? 0 : Math.max(0, run.length - LONGEST_ANCHOR);
  const words = [...run.slice(searched).matchAll(/(?<![A-Za-z0-9])[A-Za-z]/g)];
  for (const { kind, growing, reach, shown } of FORMS) {
    if (!kinds[kind]) continue;
    // Each word in the run may begin one; the first that may still grow has the others in it.
    for (const word of words) {
      const index = searched + word.index;
      const from = start + index;
      if (length - from > reach) continue;
      const rest = run.slice(index);
      if (!growing.test(rest) || isLetterOrDigitBefore(sight, from)) continue;
      const sureFrom = rest.length > shown ? from + shown : length;
      pending.push({ start: from, sureFrom, detector: NUMBERS[kind] });
      break;
    }
  }
  if (kinds.jwt) {
    const low = webTokenStart(text, start);
    const word = words.find(
      ({ index }) =>
        start + searched + index >= low && GROWING_JWT.test(run.slice(searched + index)),
    );
    if (word !== undefined) {
      const from = start + searched + word.index;
      const sureFrom = Math.min(length, from + SHOWN_OF_JWT);
      pending.push({ start: from, sureFrom, detector: NUMBERS.jwt });
    }
  }
  const before = text.slice(Math.max(0, start - NAME_BEFORE), start);
  if (kinds.bearer && AUTHORIZED.test(before)) {
    pending.push({ start, sureFrom: start + 2, detector: NUMBERS.bearer });
  } else if (kinds.bearer && BEARER_BEFORE.test(before)) {
    pending.push({
      start,
      sureFrom: start + (isOpaque(run) ? 4 : SHORTEST),
      detector: NUMBERS.bearer,
    });
  }
  if (kinds.aws) pendAwsSecret(before, run, start, pending);
  const hook = /hooks\.slack\.com\/(?:services|workflows|triggers)\/(?=[\w/]*$)/.exec(run);
  if (kinds.slack && hook !== null) {
    const from = start + hook.index + hook[0].length;
    pending.push({ start: from, sureFrom: from + 4, detector: NUMBERS.slack });
  }
}

const AWS_NAME =
  /(?:secret|aws)[\w .-]{0,30}?\\?["']?[ \t]{0,4}(?:=>|:=|[:=,]|[ \t])[ \t]{0,4}\\?["']?([A-Za-z0-9/+]{1,40})$/i;

function pendAwsSecret(
  before: string,
  run: string,
  start: number,
  pending: Findings['pending'],
): void {
  const secret = AWS_NAME.exec(before + run.slice(0, NAME_BEFORE * 2))?.[1];
  if (secret === undefined || run.length > NAME_BEFORE * 2) return;
  const from = start + run.length - secret.length;
  if (from < start) return;
  // Twenty characters of both cases and digits behind `secret =` are hardly a word.
  const sure = secret.length >= 20 && isMixed(secret) ? 8 : secret.length;
  pending.push({ start: from, sureFrom: from + sure, detector: NUMBERS.aws });
}
