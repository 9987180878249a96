/**
 * What the reader says about a line. Not caught here: whether it is true; see the reader.
 */

export interface SubmittedLine {
  /** The line; '' = nothing but Enter; null = unknown, secret, or keys for a full-screen program. */
  readonly text: string | null;
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
  /** Keys for a full-screen program. */
  readonly alternate: boolean;
  /** This Enter only adds a line to a paste that is still under way: nothing runs yet. */
  readonly interim: boolean;
}

/** A line in the making: what is left out is as in a plain line that was read with certainty. */
export interface Draft {
  readonly text: string | null;
  /** To be judged strictly. */
  readonly strict?: readonly (string | null)[];
  /** To be judged as guesses, unless they are strict too. */
  readonly guesses?: readonly string[];
  /** Why it is uncertain. */
  readonly why?: string | null;
  readonly secret?: boolean;
  readonly alternate?: boolean;
  readonly interim?: boolean;
}

export function submittedLine(draft: Draft): SubmittedLine {
  const strict = new Set((draft.strict ?? []).filter((one) => one !== null && one !== ''));
  const guesses = new Set((draft.guesses ?? []).filter((one) => one !== '' && !strict.has(one)));
  const why = draft.why ?? null;
  return {
    text: draft.text,
    certainty: why === null ? 'observed' : 'uncertain',
    why,
    candidates: [...strict, ...guesses].filter((one) => one !== null),
    guesses,
    secret: draft.secret ?? false,
    alternate: draft.alternate ?? false,
    interim: draft.interim ?? false,
  };
}
