/**
 * `policy test`: judges commands against a policy file, one JSON line each. Not caught here: grants;
 * groups and labels are known only as far as the same file lists principals and targets.
 */
import { isMap, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';

import { messageOf, SallyportError } from '../errors.ts';
import type { Facts } from '../policy/decision.ts';
import { compilePolicy, type PolicyProblem } from '../policy/document.ts';
import { judge } from '../policy/judge.ts';
import type { Policy } from '../policy/policy.ts';

export interface PolicyTestInput {
  /** YAML with a `policies:` map; JSON is YAML as well. */
  readonly policyText: string;
  /** For messages. */
  readonly fileName: string;
  /** null = `default`, else the only one. */
  readonly policyName: string | null;
  readonly commands:
    | { readonly kind: 'texts'; readonly texts: readonly string[] }
    /** JSON lines `{"id", "command", "language", "principal", "target"}`. */
    | { readonly kind: 'lines'; readonly lines: AsyncIterable<string> };
  /** Takes one line of output, without its line end; the next comes when it has. */
  readonly write: (line: string) => Promise<void> | void;
}

const question = z.object({
  id: z.unknown().optional(),
  command: z.string(),
  language: z.enum(['shell', 'sql']).default('shell'),
  principal: z.string().default(''),
  target: z.string().default(''),
});

const named = z.object({ name: z.string() });
const surroundings = z.object({
  principals: z.array(named.extend({ groups: z.array(z.string()).default([]) })).catch([]),
  targets: z
    .array(named.extend({ labels: z.record(z.string(), z.string()).default({}) }))
    .catch([]),
});

/**
 * @returns exit status: 0, or 1 when a line was no question (its answer is an error; the run goes on)
 * @throws SallyportError `config.invalid` when the policy can't be used
 */
export async function runPolicyTest(input: PolicyTestInput): Promise<number> {
  const { policy, factsOf } = readPolicy(input);
  const answer = (id: unknown, text: string, language: 'shell' | 'sql', facts: Facts) => {
    const decision = judge(policy, facts, { text, language });
    return input.write(
      JSON.stringify({
        id,
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
    for (const [index, text] of input.commands.texts.entries()) {
      await answer(index + 1, text, 'shell', factsOf('', ''));
    }
    return 0;
  }
  let status = 0;
  for await (const line of input.commands.lines) {
    if (line.trim() === '') continue;
    const read = readQuestion(line);
    if (read.kind === 'ok') {
      const { id, command, language, principal, target } = read.question;
      await answer(id ?? null, command, language, factsOf(principal, target));
      continue;
    }
    status = 1;
    const hint = 'write one object a line: {"id": 1, "command": "ls"}';
    await input.write(
      JSON.stringify({ id: read.id, error: { code: 'usage.invalid', message: read.why, hint } }),
    );
  }
  return status;
}

type ReadQuestion =
  | { readonly kind: 'ok'; readonly question: z.output<typeof question> }
  | { readonly kind: 'bad'; readonly id: unknown; readonly why: string };

function readQuestion(line: string): ReadQuestion {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { kind: 'bad', id: null, why: `the line is not JSON: ${messageOf(error)}` };
  }
  const parsed = question.safeParse(value);
  if (parsed.success) return { kind: 'ok', question: parsed.data };
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
  const [issue] = parsed.error.issues;
  return {
    kind: 'bad',
    id,
    why: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it has another form'}`,
  };
}

interface ReadPolicy {
  readonly policy: Policy;
  readonly factsOf: (principal: string, target: string) => Facts;
}

function readPolicy({ policyText, fileName, policyName }: PolicyTestInput): ReadPolicy {
  const counter = new LineCounter();
  const document = parseDocument(policyText, { lineCounter: counter, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = counter.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    throw invalid(`${at(syntax.pos[0])}: ${syntax.message}`, 'correct the YAML');
  }
  const content: unknown = document.toJS();
  const policies = isRecord(content) && isRecord(content['policies']) ? content['policies'] : null;
  if (policies === null)
    throw invalid(
      `${fileName}:1:1: there is no policies: map`,
      'put the policy below policies: NAME:',
    );
  const names = Object.keys(policies);
  const name =
    policyName ?? (names.includes('default') || names.length !== 1 ? 'default' : names[0]);
  if (name === undefined || !names.includes(name)) {
    const listed = names.length === 0 ? 'none' : names.join(', ');
    throw invalid(
      `${fileName}: there is no policy named ${name ?? 'default'} (there are: ${listed})`,
      'name one with --policy-name',
    );
  }
  const compiled = compilePolicy(name, policies[name]);
  if (compiled.kind === 'invalid') {
    const where = (problem: PolicyProblem) =>
      at(offsetOf(document, ['policies', name, ...problem.path]));
    const all = compiled.problems.slice(0, MAX_SHOWN_PROBLEMS);
    const text = all.map((problem) => `${where(problem)}: ${problem.message}`).join('; ');
    throw invalid(text, all[0]?.hint ?? 'correct the policy');
  }
  const known = surroundings.safeParse({
    principals: [],
    targets: [],
    ...(isRecord(content) ? content : {}),
  });
  const factsOf = (principal: string, target: string): Facts => ({
    principal: {
      name: principal,
      groups: known.data?.principals.find((one) => one.name === principal)?.groups ?? [],
    },
    target: {
      name: target,
      labels: known.data?.targets.find((one) => one.name === target)?.labels ?? {},
    },
  });
  return { policy: compiled.policy, factsOf };
}

const MAX_SHOWN_PROBLEMS = 10;

function invalid(message: string, hint: string): SallyportError {
  return new SallyportError('config.invalid', message, hint);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where the deepest existing part of a path begins; a key's own place when the path ends in it. */
function offsetOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly (string | number)[],
): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const key = isMap(parent)
      ? parent.items.find((pair) => isNode(pair.key) && pair.key.toJS(document) === last)?.key
      : undefined;
    const node: unknown = isNode(key) ? key : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range !== undefined && node.range !== null) return node.range[0];
  }
  return 0;
}
