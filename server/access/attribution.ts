/**
 * Whose word it is that a session belongs to a run and a task. Not caught here: an issuer or an agent that
 * says so and is wrong.
 */

/** What a key was registered for. */
export interface Attribution {
  /** An issuer signed it, or the principal itself said it when it registered the key. */
  readonly trust: 'verified' | 'declared';
  readonly run: string | null;
  readonly task: string | null;
}

export interface AttributedRun {
  readonly run: string | null;
  readonly task: string | null;
  /** `claimed`: the client has merely typed it. null = there is neither run nor task. */
  readonly attribution: Attribution['trust'] | 'claimed' | null;
}

/** What the user name may add to a key. */
export interface ClaimedRun {
  readonly run: string | null;
  readonly task: string | null;
}

/** Run and task of a session, or why they can't be settled. */
export function attributedRun(
  known: Attribution | null,
  claimed: ClaimedRun,
):
  | { readonly kind: 'attributed'; readonly by: AttributedRun }
  | { readonly kind: 'contradiction'; readonly why: string } {
  if (known === null || (known.run === null && known.task === null)) {
    const { run, task } = claimed;
    const attribution = run === null && task === null ? null : 'claimed';
    return { kind: 'attributed', by: { run, task, attribution } };
  }
  for (const name of ['run', 'task'] as const) {
    if (claimed[name] === null || claimed[name] === known[name]) continue;
    const why = `your key is registered for ${name} ${known[name] ?? 'of none'}, so leave +${name}=${claimed[name]} out`;
    return { kind: 'contradiction', why };
  }
  const { run, task, trust } = known;
  return { kind: 'attributed', by: { run, task, attribution: trust } };
}
