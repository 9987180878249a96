/**
 * `policy test`: judges commands by a policy, one JSON line each. Not caught here: grants, and what a
 * session does with a decision.
 */
import { messageOf } from '../errors.ts';
import type { Decision, Facts, Verdict } from '../policy/decision.ts';
import { policyAt } from '../policy/hours.ts';
import { judge } from '../policy/judge.ts';
import type { Policy } from '../policy/policy.ts';
import { readShell } from '../shell/read.ts';
import { initialState } from '../shell/state.ts';
import { readPolicy, type PolicyTexts } from './policy-source.ts';

export interface PolicyTestInput {
  /** YAML with a `policies:` map; JSON is YAML as well. */
  readonly texts: PolicyTexts;
  /** null = `default`, else the only one. */
  readonly policyName: string | null;
  /** When it is judged, for rules with hours; left out = as if every rule were within its hours. */
  readonly atMs?: number;
  readonly commands:
    | { readonly kind: 'texts'; readonly texts: readonly string[] }
    /** JSON lines `{"id", "command", "language", "principal", "target", "mode"}`. */
    | { readonly kind: 'lines'; readonly lines: AsyncIterable<string> };
  /** Takes one line of output, without its line end; the next comes when it has. */
  readonly write: (line: string) => Promise<void> | void;
}

interface Question {
  readonly id: unknown;
  readonly command: string;
  readonly language: 'shell' | 'sql';
  readonly principal: string;
  readonly target: string;
  /** The lines of the command are typed one by one into one session. */
  readonly isInteractive: boolean;
}

/**
 * @returns exit status: 0, or 1 when a line was no question (its answer is an error; the run goes on)
 * @throws SallyportError `config.invalid` when the policy can't be used
 */
export async function runPolicyTest(input: PolicyTestInput): Promise<number> {
  const { policy: whole, factsOf } = readPolicy(input.texts, input.policyName);
  const policy = input.atMs === undefined ? whole : policyAt(whole, input.atMs);
  const answer = (question: Question) => {
    const facts = factsOf(question.principal, question.target);
    const decision = decide(policy, facts, question);
    return input.write(
      JSON.stringify({
        id: question.id,
        decision: decision.verdict,
        certainty: decision.certainty,
        rule: decision.rule,
        reason: decision.reason,
        commands: decision.commands.map(({ argv, text, via, language }) => ({
          argv,
          text,
          via,
          language,
        })),
      }),
    );
  };
  if (input.commands.kind === 'texts') {
    for (const [index, command] of input.commands.texts.entries()) {
      const written = answer({ ...PLAIN, id: index + 1, command });
      if (written !== undefined) await written;
    }
    return 0;
  }
  let status = 0;
  for await (const line of input.commands.lines) {
    if (line.trim() === '') continue;
    const read = readQuestion(line);
    if ('command' in read) {
      const written = answer(read);
      if (written !== undefined) await written;
      continue;
    }
    status = 1;
    const hint = 'write one object a line: {"id": 1, "command": "ls"}';
    const { id, why } = read;
    await input.write(JSON.stringify({ id, error: { code: 'usage.invalid', message: why, hint } }));
  }
  return status;
}

const PLAIN = { language: 'shell', principal: '', target: '', isInteractive: false } as const;
const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };
/** Lines that are fed to one session; more of them are judged as one text. */
const MAX_TYPED_LINES = 1_000;

function decide(policy: Policy, facts: Facts, question: Question): Decision {
  const { command, language } = question;
  const lines = question.isInteractive ? command.split('\n') : [];
  if (lines.length === 0 || lines.length > MAX_TYPED_LINES) {
    return judge(policy, facts, { text: command, language });
  }
  let state = initialState(true);
  let strictest: Decision | null = null;
  for (const text of lines) {
    const decision = judge(policy, facts, { text, language, state });
    if (language === 'shell') ({ after: state } = readShell(text, state));
    if (strictest === null || STRICTNESS[decision.verdict] > STRICTNESS[strictest.verdict]) {
      strictest = decision;
    }
  }
  return strictest ?? judge(policy, facts, { text: command, language });
}

interface BadQuestion {
  readonly id: unknown;
  readonly why: string;
}

function readQuestion(line: string): Question | BadQuestion {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { id: null, why: `the line is not JSON: ${messageOf(error)}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { id: null, why: 'the line is no JSON object' };
  }
  const {
    id = null,
    command,
    language,
    principal,
    target,
    mode,
  } = value as Readonly<Record<string, unknown>>;
  if (typeof command !== 'string') return { id, why: 'command: it must be text' };
  const named = language ?? 'shell';
  if (named !== 'shell' && named !== 'sql') {
    return { id, why: 'language: it must be shell or sql' };
  }
  const who = principal ?? '';
  const where = target ?? '';
  if (typeof who !== 'string') return { id, why: 'principal: it must be text' };
  if (typeof where !== 'string') return { id, why: 'target: it must be text' };
  const isInteractive = mode === 'interactive';
  return { id, command, language: named, principal: who, target: where, isInteractive };
}
