/** `sessions pause|resume|notice|terminate`: act on a running session, whichever process runs it. */
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import { type ControlKind, MAX_WORDS_CHARACTERS } from '../store/controls.ts';
import type { Verb } from './verb.ts';

const VERBS = {
  pause: {
    summary: 'nothing goes to its target or to its client until it is resumed, at most 15 minutes',
    said: 'is paused',
  },
  resume: { summary: 'let a paused session go on', said: 'goes on' },
  terminate: { summary: 'end a running session', said: 'is told to end' },
} as const;

export const controlVerbs: readonly Verb[] = [
  reasonVerb('pause'),
  reasonVerb('resume'),
  {
    name: 'sessions notice',
    usage: 'ID TEXT',
    summary: 'show a line to whoever is in a running session',
    options: {},
    positionals: [2, 2],
    run: (input) => {
      const text = words(input.positionals[1] ?? '', 'notice');
      if (text === null) throw new SallyportError('usage.invalid', 'the notice is empty', 'say it');
      return ask(input, 'notice', text, 'was told');
    },
  },
  reasonVerb('terminate'),
];

function reasonVerb(kind: keyof typeof VERBS): Verb {
  const { said, summary } = VERBS[kind];
  return {
    name: `sessions ${kind}`,
    usage: 'ID [--reason TEXT]',
    summary,
    options: { reason: { type: 'string' } },
    positionals: [1, 1],
    run: (input) => ask(input, kind, words(input.options.text('reason') ?? '', 'reason'), said),
  };
}

function ask(
  input: Parameters<Verb['run']>[0],
  kind: ControlKind,
  text: string | null,
  said: string,
): Promise<number> {
  return withStores(input, async ({ controls }) => {
    const session = input.positionals[0] ?? '';
    const { source } = input;
    const asked = { session, kind, by: source, principal: null, source, words: text };
    const outcome = await controls.ask(asked);
    if (outcome.kind === 'asked') {
      const answer = { session, isNew: outcome.isNew, ...outcome.state };
      await input.terminal.out(
        input.options.flag('json') ? `${JSON.stringify(answer)}\n` : `${session} ${said}\n`,
      );
      return 0;
    }
    input.terminal.err(`sallyport: ${REFUSALS[outcome.kind](printable(session, 40))}\n`);
    return 1;
  });
}

const REFUSALS = {
  over: (id: string) => `session ${id} has ended already; nothing is left to do`,
  unknown: (id: string) => `there is no session ${id}; see: npx sallyport sessions list`,
  'too-many': (id: string) => `too much was done to session ${id} already; it can still be ended`,
} as const;

function words(text: string, what: string): string | null {
  if (text.length <= MAX_WORDS_CHARACTERS) {
    return printable(text, MAX_WORDS_CHARACTERS, ' ').trim() || null;
  }
  throw new SallyportError(
    'usage.invalid',
    `the ${what} is too long`,
    `give at most ${MAX_WORDS_CHARACTERS} characters`,
  );
}
