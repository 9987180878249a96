/**
 * The policy that `policy test` judges by, out of a whole configuration or a file with policies only. Not
 * caught here: mistakes in other sections; `check` finds them.
 */
import { z } from 'zod';
import { formatProblem, inReadingOrder, type Problem } from '../config/problem.ts';
import { shape } from '../config/schema.ts';
import { readSource, type Source } from '../config/source.ts';
import { SallyportError } from '../errors.ts';
import type { Facts } from '../policy/decision.ts';
import { compilePolicy } from '../policy/document.ts';
import type { Policy } from '../policy/policy.ts';

/** Texts of a configuration in their order, named for messages. */
export type PolicyTexts = readonly { readonly file: string; readonly text: string }[];

export interface TestedPolicy {
  readonly policy: Policy;
  /** Groups and labels are those that the same texts give; names that they don't have are without. */
  readonly factsOf: (principal: string, target: string) => Facts;
}

const MAX_SHOWN_PROBLEMS = 10;

/** Of a principal and of a target only what rules ask for. */
const principalShape = z.object({ name: z.string(), groups: z.array(z.string()).default([]) });
const targetShape = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
});

/**
 * @param policyName null = `default`, else the only one
 * @throws SallyportError `config.invalid` with every mistake's place
 */
export function readPolicy(texts: PolicyTexts, policyName: string | null): TestedPolicy {
  const problems: Problem[] = [];
  const sources = texts.map(({ file, text }) => readSource(file, text));
  for (const source of sources) problems.push(...source.problems);
  refuse(problems);
  const { name, document, source } = namedPolicy(sources, policyName);
  const compiled = compilePolicy(name, document);
  const groups = new Map(
    entries(sources, 'principals', principalShape, problems).map((one) => [one.name, one.groups]),
  );
  const labels = new Map(
    entries(sources, 'targets', targetShape, problems).map((one) => [one.name, one.labels]),
  );
  if (compiled.kind === 'invalid') {
    for (const { path, message, hint } of compiled.problems) {
      problems.push(source.atKey(['policies', name, ...path], message, hint));
    }
    refuse(problems);
    throw new Error('a policy that is invalid has problems');
  }
  refuse(problems);
  return {
    policy: compiled.policy,
    factsOf: (principal, target) => ({
      principal: { name: principal, groups: groups.get(principal) ?? [] },
      target: { name: target, labels: labels.get(target) ?? {} },
    }),
  };
}

function refuse(problems: readonly Problem[]): void {
  const [first] = inReadingOrder(problems);
  if (first === undefined) return;
  const shown = inReadingOrder(problems).slice(0, MAX_SHOWN_PROBLEMS).map(formatProblem).join('; ');
  const more = problems.length - MAX_SHOWN_PROBLEMS;
  const text = more > 0 ? `${shown} and ${more} more` : shown;
  throw new SallyportError('config.invalid', text, 'correct the policy; `check` says more');
}

interface NamedPolicy {
  readonly name: string;
  readonly document: unknown;
  readonly source: Source;
}

function namedPolicy(sources: readonly Source[], wanted: string | null): NamedPolicy {
  const all = sources.flatMap((source) => {
    const policies = isRecord(source.value) ? source.value['policies'] : null;
    return isRecord(policies)
      ? Object.entries(policies).map(([name, document]) => ({ name, document, source }))
      : [];
  });
  const [only] = all;
  if (only === undefined) {
    throw new SallyportError(
      'config.invalid',
      `${sources[0]?.file ?? 'the folder'}:1:1: there is no policies: map`,
      'put the policy below policies: NAME:',
    );
  }
  const hasDefault = all.some(({ name }) => name === 'default');
  const name = wanted ?? (hasDefault || all.length > 1 ? 'default' : only.name);
  const [found, again] = all.filter((one) => one.name === name);
  if (found === undefined) {
    const listed = all.map((one) => one.name).join(', ');
    throw new SallyportError(
      'config.invalid',
      `${only.source.file}: there is no policy named ${name} (there are: ${listed})`,
      'name one with --policy-name',
    );
  }
  if (again !== undefined) {
    refuse([
      again.source.atKey(['policies', name], `the policy ${name} is there twice`, 'remove one'),
    ]);
  }
  return found;
}

function entries<T>(
  sources: readonly Source[],
  section: string,
  schema: z.ZodType<T>,
  problems: Problem[],
): T[] {
  return sources.flatMap((source) => {
    const list = isRecord(source.value) ? source.value[section] : null;
    if (list === null || list === undefined) return [];
    return shape(z.array(schema), source, [section], list, problems) ?? [];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
