/**
 * What is said and stored of a line beside the line itself. Pure. Not caught here: secrets that stand in
 * a line which the terminal echoed.
 */
import type { Decision, Verdict } from '../policy/decision.ts';
import { groundsOf } from '../policy/hold-terms.ts';
import type { GateLine } from './gate.ts';
import type { JudgedBy, PolicyInForce } from './ports.ts';

const MAX_LABEL_CHARACTERS = 200;

/** The decision without anything that quotes the line. */
export function withoutText(decision: Decision): Decision {
  const reason = decision.verdict === 'allow' ? null : 'it was typed without echo';
  const grounds = groundsOf(decision).map((one) => ({ ...one, why: reason ?? '' }));
  return { ...decision, reason, deciding: null, commands: [], grounds };
}

/** What the record says of the policy that judged. */
export function judgedBy(policy: string, inForce: PolicyInForce): JudgedBy {
  return { policy, version: inForce.version, directoryVersion: inForce.directoryVersion ?? 0 };
}

/** Why a text can't be handed to a reader at all; null when it can. */
export function unreadable(text: string, maxLineBytes: number): string | null {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxLineBytes) {
    return `the command is ${bytes} bytes long and at most ${maxLineBytes} are read; send it as a file`;
  }
  return text.includes('\0')
    ? 'the command contains a NUL byte, which no program takes as a part of it'
    : null;
}

export function plainDecision(
  verdict: Verdict,
  reason: string | null,
  certainty: Decision['certainty'] = 'uncertain',
): Decision {
  return {
    verdict,
    certainty,
    rule: null,
    reason,
    deciding: null,
    commands: [],
    approvers: [],
  };
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

/** The first of the strictest; of none, a plain allow. A hold has the grounds of all that hold. */
export function strictestOf(decisions: readonly Decision[]): Decision {
  const strictest = decisions.reduce(
    (one, other) => (STRICTNESS[other.verdict] > STRICTNESS[one.verdict] ? other : one),
    decisions[0] ?? plainDecision('allow', null, 'exact'),
  );
  return strictest.verdict === 'hold' ? withGrounds(strictest, decisions) : strictest;
}

function withGrounds(strictest: Decision, decisions: readonly Decision[]): Decision {
  const all = decisions.filter(({ verdict }) => verdict === 'hold').flatMap(groundsOf);
  const grounds = new Map(all.map((one) => [JSON.stringify(one), one]));
  return { ...strictest, grounds: [...grounds.values()] };
}

/** What is said and stored of an operation on files. */
export function fileLine(text: string, quiet: boolean): GateLine {
  return {
    text,
    candidates: [],
    guesses: new Set(),
    language: 'shell',
    certainty: 'exact',
    why: null,
    quiet,
    secret: false,
    isFile: true,
  };
}

/** The line, and what else it may be. */
export function bothReadings({ text, otherwise = null }: GateLine): string {
  return otherwise === null ? text : `${text}\n(or: ${otherwise})`;
}

/** What is stored of a line that was too long to read. */
export function clipped(text: string, maxLineBytes: number): string {
  return text.length <= maxLineBytes ? text : `${text.slice(0, maxLineBytes).toWellFormed()}…`;
}

/** One line, at most 200 characters, never half of a surrogate pair. */
export function markerLabel(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, MAX_LABEL_CHARACTERS).toWellFormed();
}
