/**
 * One policy document: its schema, and its compilation into what `judge` needs. A bad rule rejects the
 * whole document; nothing is skipped. Not caught here: positions in a file (the caller maps paths), and
 * whether the names in `for` and `approvers` exist.
 */
import { z } from 'zod';

import { compileCommand } from './command-pattern.ts';
import { durationSchema, milliseconds } from './duration.ts';
import { compileTerms, holdKeys, principalSelectors, USUAL_TERMS } from './hold-terms.ts';
import { compileHours, hoursSchema } from './hours.ts';
import { compileMasks, compileOutput, masksSchema, outputMatch } from './masks.ts';
import { PACKS } from './packs.ts';
import { compilePath } from './path-pattern.ts';
import {
  ACCESSES,
  type Access,
  type HoldTerms,
  type Mask,
  type Match,
  type OutputRule,
  type Policy,
  type Subject,
} from './policy.ts';
import { compileRegex, MAX_ALL_REGEX_STEPS, type CompiledRegex } from './regex.ts';
import { warningsOf, type PlacedRule, type PolicyNote } from './rule-warnings.ts';
import { shapeProblems } from './schema-problems.ts';
import { compileSql } from './sql-pattern.ts';

/** Longest pattern of a rule, in UTF-16 units. */
const MAX_PATTERN_CHARACTERS = 1_000;
/** Patterns of one rule, and rules of one document. */
const MAX_PATTERNS = 500;
const MAX_RULES = 1_000;

const name = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'a name of letters, digits, `-`, `_` and `.`, at most 64');
const pattern = z.string().min(1).max(MAX_PATTERN_CHARACTERS);
const patterns = z.union([pattern, z.array(pattern).min(1).max(MAX_PATTERNS)]);
const NAME = '[A-Za-z0-9_][A-Za-z0-9._-]{0,127}';
const targets = z
  .array(
    z
      .string()
      .regex(
        new RegExp(
          `^(${NAME}|label:[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}(=[A-Za-z0-9._:/-]{0,128})?)$`,
        ),
        'is neither a target nor label:KEY=VALUE',
      ),
  )
  .min(1)
  .max(MAX_PATTERNS);
const verdict = z.enum(['allow', 'deny', 'hold']);
const access = z.enum(['read', 'write', 'delete', 'execute']);

const rule = z.strictObject({
  name,
  action: verdict,
  match: z
    .strictObject({
      command: patterns.optional(),
      path: patterns.optional(),
      access: z.union([access, z.array(access).min(1)]).optional(),
      sql: patterns.optional(),
      regex: patterns.optional(),
      ...outputMatch,
    })
    .refine(
      ({ command, path, sql, regex, output }) =>
        [command, path, sql, regex, output].some((part) => part !== undefined),
      {
        message: 'a match needs at least one of command, path, sql, regex, output',
      },
    )
    .refine((match) => (match.count === undefined) === (match.output === undefined), {
      message: 'output and count belong together: what appears, and how often',
    })
    .refine(
      ({ command, path, sql, regex, output }) =>
        output === undefined || [command, path, sql, regex].every((part) => part === undefined),
      { message: 'output is about what comes out, so it stands without command, path, sql, regex' },
    )
    .refine((match) => match.access === undefined || match.path !== undefined, {
      message: 'access says what is done to a path, so it needs path beside it',
    }),
  reason: z.string().max(500).optional(),
  for: z
    .strictObject({ principals: principalSelectors.optional(), targets: targets.optional() })
    .refine((clause) => clause.principals !== undefined || clause.targets !== undefined, {
      message: 'for names nobody: it needs principals or targets',
    })
    .optional(),
  ...holdKeys,
  hours: hoursSchema.optional(),
});

/** Shortest and longest time that a held command waits. */
const MIN_HOLD_MS = 100;
const MAX_HOLD_MS = 30 * 86_400_000;
const duration = durationSchema({
  leastMs: MIN_HOLD_MS,
  mostMs: MAX_HOLD_MS,
  message: 'a held command waits for at least 100ms and at most 30d',
});

const schema = z.strictObject({
  default: verdict.default('allow'),
  uncertain: verdict.default('hold'),
  holdTimeout: duration.default('10m'),
  ...holdKeys,
  use: z.array(z.string()).optional(),
  rules: z.array(rule).max(MAX_RULES).default([]),
  masks: masksSchema.default([]),
});

export type RuleDocument = z.input<typeof rule>;
export type PolicyDocument = z.input<typeof schema>;
type ParsedRule = z.output<typeof rule>;

export type PolicyProblem = PolicyNote;

export type CompiledPolicy =
  | {
      readonly kind: 'ok';
      readonly policy: Policy;
      /** What is valid and yet has no effect; looked for when asked, since that takes time. */
      readonly warnings: () => readonly PolicyNote[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] };

/** @param document as parsed from YAML or JSON; anything at all */
export function compilePolicy(name: string, document: unknown): CompiledPolicy {
  const parsed = schema.safeParse(document ?? {}, { reportInput: true });
  if (!parsed.success) {
    const shape = parsed.error.issues.flatMap(shapeProblems);
    return { kind: 'invalid', problems: [...shape, ...patternProblems(document)] };
  }
  const problems: PolicyProblem[] = [];
  const { data } = parsed;
  const masks = compileMasks(data.masks, problems);
  const holdTimeoutMs = milliseconds(data.holdTimeout);
  const terms = compileTerms(data, USUAL_TERMS, [], holdTimeoutMs, problems);
  const usual: Usual = { terms, holdTimeoutMs };
  const outputRules: OutputRule[] = [];
  const rules: PlacedRule[] = [];
  const seen = new Set<string>();
  data.rules.forEach((one, index) => {
    if (seen.has(one.name)) {
      problems.push({
        path: ['rules', index, 'name'],
        message: `another rule is named ${one.name} as well`,
        hint: 'give every rule a name of its own',
      });
    }
    seen.add(one.name);
    const path = ['rules', index];
    if (one.match.output === undefined) rules.push(compileRule(one, path, null, usual, problems));
    else outputRules.push(...compileOutputRule(one, path, masks, usual, problems));
  });
  const replaced = addPacks(data.use ?? [], seen, rules, usual, problems);
  checkRegexes(rules, problems);
  if (problems.length > 0) return { kind: 'invalid', problems };
  const policy: Policy = {
    name,
    default: data.default,
    uncertain: data.uncertain,
    holdTimeoutMs,
    terms,
    rules: rules.map((placed) => placed.rule),
    masks,
    outputRules,
  };
  return { kind: 'ok', policy, warnings: () => warningsOf(rules, policy.default, replaced) };
}

/** Mistakes in the patterns of those rules that have the right shape, so that all show at once. */
function patternProblems(document: unknown): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  const whole = z.object({ rules: z.array(z.unknown()).max(MAX_RULES) }).safeParse(document);
  whole.data?.rules.forEach((one, index) => {
    const parsed = rule.safeParse(one);
    if (!parsed.success || parsed.data.match.output !== undefined) return;
    compileRule(parsed.data, ['rules', index], null, ANY_TERMS, problems);
  });
  return problems;
}

/** @returns the packs of those rules that the document's own replace, by name */
function addPacks(
  use: readonly string[],
  own: ReadonlySet<string>,
  rules: PlacedRule[],
  usual: Usual,
  problems: PolicyProblem[],
): ReadonlyMap<string, string> {
  const replaced = new Map<string, string>();
  use.forEach((pack, index) => {
    const path = ['use', index];
    const document = PACKS.get(pack);
    if (document === undefined) {
      const hint = `use one of ${[...PACKS.keys()].join(', ')}`;
      problems.push({ path, message: `there is no rule pack named ${pack}`, hint });
    } else if (use.indexOf(pack) < index) {
      problems.push({ path, message: `the rule pack ${pack} is there twice`, hint: 'remove one' });
    }
    for (const one of document ?? []) {
      if (own.has(one.name)) replaced.set(one.name, pack);
      else rules.push(compileRule(rule.parse(one), path, pack, usual, problems));
    }
  });
  return replaced;
}

/** One expression is bounded where it is compiled; all of them together are here. */
function checkRegexes(rules: readonly PlacedRule[], problems: PolicyProblem[]): void {
  let steps = 0;
  for (const { rule, path } of rules) {
    for (const regex of rule.match.regexes ?? []) steps += regex.steps;
    if (steps <= MAX_ALL_REGEX_STEPS) continue;
    problems.push({
      path: [...path, 'match', 'regex'],
      message: `the regular expressions up to here take ${steps} steps, and ${MAX_ALL_REGEX_STEPS} are allowed`,
      hint: 'write rules with command or path instead, which are faster and see through spellings',
    });
    return;
  }
}

/** What the policy says for all of its rules. */
interface Usual {
  readonly terms: HoldTerms;
  readonly holdTimeoutMs: number;
}

/** Where only patterns are looked at. */
const ANY_TERMS: Usual = {
  terms: { ...USUAL_TERMS, approvers: ['anybody'] },
  holdTimeoutMs: Infinity,
};

type Path = readonly (string | number)[];
type Part = 'command' | 'path' | 'sql' | 'regex';

function compileRule(
  one: ParsedRule,
  path: Path,
  pack: string | null,
  usual: Usual,
  problems: PolicyProblem[],
): PlacedRule {
  const { match } = one;
  const positions: Record<Part, number[]> = { command: [], path: [], sql: [], regex: [] };
  const part = <T>(
    key: Part,
    compile: (source: string) => T | string,
    expand: (source: string) => readonly string[],
  ): T[] | null => {
    const sources = match[key];
    if (sources === undefined) return null;
    return list(sources).flatMap((source, index) => {
      const refuse = (message: string) => {
        const at = Array.isArray(sources) ? [index] : [];
        problems.push({ path: [...path, 'match', key, ...at], message, hint: HINTS[key] });
        return [];
      };
      const expanded = expand(source);
      if (expanded.length > MAX_ALTERNATIVES) {
        return refuse(`the braces stand for more than ${MAX_ALTERNATIVES} patterns`);
      }
      const all = expanded.map(compile);
      const wrong = all.find((compiled) => typeof compiled === 'string');
      if (typeof wrong === 'string') return refuse(wrong);
      positions[key].push(...all.map(() => index));
      return all as T[];
    });
  };
  const asItIs = (source: string) => [source];
  const regexes = part<CompiledRegex>('regex', compileRegex, asItIs);
  const compiled: Match = {
    commands: part('command', compileCommand, alternatives),
    paths: part('path', (source) => pathProblem(source) ?? compilePath(source), alternatives),
    access: new Set<Access>(match.access === undefined ? ACCESSES : list(match.access)),
    sql: part('sql', (source) => compileSql(source) ?? 'the pattern is empty', asItIs),
    regexes,
  };
  const isList = (key: Part) => Array.isArray(match[key]);
  return {
    rule: {
      name: one.name,
      action: one.action,
      reason: one.reason ?? null,
      approvers: one.approvers ?? [],
      terms: compileTerms(one, usual.terms, path, usual.holdTimeoutMs, problems),
      hours: one.hours === undefined ? null : compileHours(one.hours, [...path, 'hours'], problems),
      match: compiled,
      principals: one.for?.principals?.map(subject) ?? null,
      targets: one.for?.targets?.map(subject) ?? null,
    },
    path,
    pack,
    isList: {
      command: isList('command'),
      path: isList('path'),
      sql: isList('sql'),
      regex: isList('regex'),
    },
    positions,
  };
}

/** @returns nothing if it is wrong */
function compileOutputRule(
  parsed: ParsedRule,
  path: Path,
  masks: readonly Mask[],
  usual: Usual,
  problems: PolicyProblem[],
): OutputRule[] {
  const { action, approvers = [], for: whom, hours, match, name, reason } = parsed;
  const terms = compileTerms(parsed, usual.terms, path, usual.holdTimeoutMs, problems);
  const { count = 1, output = [] } = match;
  const wanted = compileOutput(output, masks, [...path, 'match', 'output'], problems);
  if (action === 'allow') {
    problems.push({
      path: [...path, 'action'],
      message: 'a rule about output holds or denies; it has nothing to allow',
      hint: 'write action: hold or deny',
    });
    return [];
  }
  if (hours !== undefined) {
    const hint = 'leave hours out';
    problems.push({ path: [...path, 'hours'], message: 'a rule about output has no hours', hint });
  }
  const what = list(output).join(', ');
  const principals = whom?.principals?.map(subject) ?? null;
  const targets = whom?.targets?.map(subject) ?? null;
  return [
    {
      name,
      action,
      reason: reason ?? null,
      approvers,
      terms,
      wanted,
      what,
      count,
      principals,
      targets,
    },
  ];
}

const HINTS: Readonly<Record<Part, string>> = {
  command: 'write one program and its words: `git push --force *`',
  path: 'begin with `/` or `~/`, or with `**/` for any directory',
  sql: 'write the first words of the statement: `drop database *`',
  regex: 'use the syntax of RE2, without look-around and back-references, and small repeat counts',
};

function pathProblem(source: string): string | null {
  if (source.trim() !== source) return 'the path begins or ends with a space';
  return /^(\/|~(\/|$)|\*\*(\/|$))/.test(source) ? null : 'the path is not absolute';
}

/** Patterns that braces of one pattern may stand for. */
const MAX_ALTERNATIVES = 100;

/** `{a,b}` in a pattern, each way to read it; without a comma it stands for itself. */
export function alternatives(source: string): readonly string[] {
  let all = [source];
  for (;;) {
    const next = all.flatMap((one) => {
      const match = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/s.exec(one);
      if (match === null) return [one];
      const [, before = '', inner = '', after = ''] = match;
      return inner.split(',').map((option) => `${before}${option}${after}`);
    });
    if (next.length === all.length || next.length > MAX_ALTERNATIVES) return next;
    all = next;
  }
}

function list<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function subject(text: string): Subject {
  const group = /^group:(.+)$/.exec(text)?.[1];
  if (group !== undefined) return { kind: 'group', group };
  const label = /^label:([^=]+)(?:=(.*))?$/.exec(text);
  if (label !== null) return { kind: 'label', key: label[1] ?? '', value: label[2] ?? null };
  return { kind: 'name', name: text };
}
