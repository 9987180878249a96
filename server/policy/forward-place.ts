/**
 * A forward that a client asks for, judged by the same rules as commands. Pure. For patterns of `command:`
 * and `regex:` it reads as `forward PLACE`; rules about paths and SQL say nothing about it.
 * Not caught here: where a name leads, and what is sent through an allowed forward.
 */
import type { ReadCommand, ResolvedCommand } from '../shell/command.ts';
import { literal } from '../shell/word.ts';
import type { Decision, Facts, Verdict } from './decision.ts';
import { judgeRead } from './judge.ts';
import type { Policy } from './policy.ts';

/** What a client wants to be forwarded. */
export interface ForwardWish {
  /** The place in its one spelling: `db1:5432`, `listen:localhost:8080`, `agent`. */
  readonly place: string;
  /** Other spellings of it; of these only rules count. */
  readonly others: readonly string[];
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

/** As rules see it, and as it is shown. */
export function forwardText(place: string): string {
  return `forward ${place}`;
}

/** The strictest verdict over all spellings. */
export function judgeForward(policy: Policy, facts: Facts, wish: ForwardWish): Decision {
  const decision = judgePlace(policy, facts, wish.place, wish.place);
  return wish.others
    .map((other) => judgePlace(policy, facts, other, wish.place))
    .filter(({ rule }) => rule !== null)
    .reduce(
      (one, other) => (STRICTNESS[other.verdict] > STRICTNESS[one.verdict] ? other : one),
      decision,
    );
}

/** @param shown the place as it is reported, whichever spelling decides */
function judgePlace(policy: Policy, facts: Facts, place: string, shown: string): Decision {
  const command: ReadCommand = {
    argv: ['forward', shown],
    text: forwardText(shown),
    via: [],
    language: 'forward',
    redirections: [],
    directory: null,
    stdinLanguage: null,
    readsInput: false,
  };
  const resolved: ResolvedCommand = {
    ...command,
    words: ['forward', place].map(literal),
    directories: ['/'],
    redirected: [],
    isFunction: false,
    carries: false,
    sql: null,
  };
  const subject = { command, resolved, statement: null, invocation: null, effects: [] };
  return judgeRead(
    policy,
    facts,
    { subjects: [subject], uncertain: [] },
    { text: forwardText(place) },
  );
}
