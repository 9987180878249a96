/**
 * What the reader says about a line. Not caught here: whether it is true; see the reader.
 */
import type { Key } from './keys.ts';

export interface SubmittedLine {
  /** The line; '' = nothing but Enter; null = unknown, secret, or keys for a full-screen program. */
  readonly text: string | null;
  /** With the lines before it that the shell has taken but not run; null = it stands alone. */
  readonly whole: string | null;
  /** Another program may have taken those lines. */
  readonly mayStandAlone: boolean;
  /** What it is by the keys where they contradict the screen, or the other way round; null = they don't. */
  readonly otherwise: string | null;
  readonly certainty: 'observed' | 'uncertain';
  /** Why it is uncertain, in words; null when it isn't. */
  readonly why: string | null;
  /** Every text that must be judged, the strictest verdict counts. No duplicates. */
  readonly candidates: readonly string[];
  /**
   * Those of the candidates that are hardly commands but must not slip through if they are (ends of the
   * row under the cursor, keys for a full-screen program): a rule's verdict counts, but that one of
   * them can't be parsed is no reason to hold the line. Who ignores this set is only stricter.
   */
  readonly guesses: ReadonlySet<string>;
  /** The terminal didn't echo: candidates must not be stored or shown anywhere. */
  readonly secret: boolean;
  /**
   * The end of it isn't on the screen: only this of it may be stored or shown, and no candidate. null =
   * all of it was shown.
   */
  readonly echoed: string | null;
  /** Keys for a full-screen program. */
  readonly alternate: boolean;
  /** It stands where the target has marked that a line begins, and both ways of reading it agree. */
  readonly isMarked: boolean;
  /** This Enter only adds a line to a paste that is still under way: nothing runs yet. */
  readonly interim: boolean;
}

/** What can be said of a line at the moment. */
export interface Reading {
  readonly line: SubmittedLine;
  /** Keys and screen say the same: nothing is to be waited for. */
  readonly isAgreed: boolean;
  /** Some of the keys are not on the screen yet. */
  readonly isLate?: boolean;
  /** The keys are for a program that doesn't read yet. */
  readonly isAhead?: boolean;
}

/** A line in the making: what is left out is as in a plain line that was read with certainty. */
export interface Draft {
  readonly text: string | null;
  /** The other reading, where keys and screen contradict each other. */
  readonly otherwise?: string | null;
  /** With the lines before it that the shell has taken but not run. */
  readonly whole?: string;
  readonly mayStandAlone?: boolean;
  /** To be judged strictly. */
  readonly strict?: readonly (string | null)[];
  /** To be judged as guesses, unless they are strict too. */
  readonly guesses?: readonly string[];
  /** Why it is uncertain. */
  readonly why?: string | null;
  readonly secret?: boolean;
  readonly echoed?: string | null;
  readonly alternate?: boolean;
  readonly interim?: boolean;
}

export function submittedLine(draft: Draft): SubmittedLine {
  const strict = new Set((draft.strict ?? []).filter((one) => one !== null && one !== ''));
  const guesses = new Set((draft.guesses ?? []).filter((one) => one !== '' && !strict.has(one)));
  const why = draft.why ?? null;
  return {
    text: draft.text,
    whole: draft.whole ?? null,
    mayStandAlone: draft.mayStandAlone ?? true,
    otherwise: draft.otherwise ?? null,
    certainty: why === null ? 'observed' : 'uncertain',
    why,
    candidates: [...strict, ...guesses].filter((one) => one !== null),
    guesses,
    secret: draft.secret ?? false,
    echoed: draft.echoed ?? null,
    alternate: draft.alternate ?? false,
    interim: draft.interim ?? false,
    isMarked: false,
  };
}

/** The same line, without the claim that it was read for certain. */
export function uncertainLine(line: SubmittedLine, why: string): SubmittedLine {
  return { ...line, certainty: 'uncertain', why: line.why ?? why };
}

/** The line, with these to be judged strictly as well. */
export function withStrict(line: SubmittedLine, texts: readonly string[]): SubmittedLine {
  const candidates = [...new Set([...line.candidates, ...texts])].filter((one) => one !== '');
  const guesses = new Set([...line.guesses].filter((one) => !texts.includes(one)));
  return { ...line, candidates, guesses };
}

/** The line, with every reading of the other one as a guess. */
export function withGuesses(line: SubmittedLine, other: SubmittedLine): SubmittedLine {
  const added = other.candidates.filter((one) => !line.candidates.includes(one));
  return {
    ...line,
    candidates: [...line.candidates, ...added],
    guesses: new Set([...line.guesses, ...added]),
  };
}

/** The line before the target has answered a key whose effect only the target knows. */
export function unansweredLine(line: SubmittedLine): SubmittedLine {
  if (line.text === null || line.alternate || line.secret) return line;
  return uncertainLine(line, 'the target has not answered a key that may change the line');
}

/**
 * The line as the key that is held would submit it.
 * @param isEditorOpen an editor was opened on the line
 */
export function heldLine(
  line: SubmittedLine,
  held: Key | null,
  isEditorOpen: boolean,
): SubmittedLine {
  if (isEditorOpen) {
    const open = { ...line, text: null, alternate: false, secret: false };
    return uncertainLine(open, 'an editor was opened on the line, and what it leaves would run');
  }
  if (line.alternate) return line;
  const kind = held?.kind;
  if (kind === 'end-of-input' || kind === 'push-line') {
    return line.text === '' ? line : { ...line, interim: true };
  }
  if (kind === 'run') {
    return uncertainLine(line, 'a recorded macro or an editor may make another line of it');
  }
  if (kind !== 'comment' && kind !== 'text') return line;
  const bare = line.candidates.map((one) => one.replace(/^\s*#/gm, ''));
  return { ...line, candidates: [...new Set([...line.candidates, ...bare])], interim: true };
}
