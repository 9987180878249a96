/**
 * What differs in a session that goes on while it can't be recorded. Not caught here: what is lost, and
 * what the journal says of it; see the store.
 */
import { type ErrorCode, SallyportError } from '../errors.ts';
import { notice } from './notice.ts';
import type { Policies, RecordingGap } from './ports.ts';

/** How long the policy is asked for before the one that judged last is used again, milliseconds. */
export const POLICY_WAIT_MS = 2000;
const ANSWERS: ReadonlySet<ErrorCode> = new Set(['object.unknown', 'config.invalid']);

/** What the client is told. */
export function gapNotice(gap: RecordingGap): string {
  return gap.kind === 'lost'
    ? notice(`recording failed: ${gap.why}; this session goes on unrecorded`)
    : notice(`recording works again; ${gap.lostBytes} bytes before this were not recorded`);
}

/** Judges by the policy that judged last while the database doesn't answer. */
export function withLastPolicy<T extends { readonly policies: Policies }>(dependencies: T): T {
  const { policies } = dependencies;
  const last = new Map<string, Awaited<ReturnType<Policies['byName']>>>();
  const byName: Policies['byName'] = async (name) => {
    const asked = policies.byName(name).then((found) => {
      last.set(name, found);
      return found;
    });
    const known = last.get(name);
    if (known === undefined) return asked;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<typeof known>((resolve) => {
      timer = setTimeout(() => resolve(known), POLICY_WAIT_MS);
    });
    const answered = asked.catch((error: unknown) => {
      // That the policy is gone is an answer; silence and failures of the database are none.
      if (error instanceof SallyportError && ANSWERS.has(error.code)) throw error;
      return known;
    });
    return Promise.race([answered, late]).finally(() => clearTimeout(timer));
  };
  return { ...dependencies, policies: { byName } };
}
