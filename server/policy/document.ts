/**
 * One policy document: its schema, and its compilation into what `judge` needs. A bad rule rejects the
 * whole document; nothing is skipped. Not caught here: positions in a file (the caller maps paths), and
 * whether the names in `for` and `approvers` exist.
 */
import { RE2JS } from 're2js';
import { z } from 'zod';

import { compileCommand } from './command-pattern.ts';
import { PACKS } from './packs.ts';
import { compilePath } from './path-pattern.ts';
import {
  ACCESSES,
  type Access,
  type Match,
  type Policy,
  type Rule,
  type Subject,
} from './policy.ts';
import { compileSql } from './sql-pattern.ts';

/** Longest pattern of a rule, in UTF-16 units. */
export const MAX_PATTERN_CHARACTERS = 1_000;
/** Patterns of one rule, and rules of one document. */
export const MAX_PATTERNS = 500;
export const MAX_RULES = 1_000;

const name = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'a name of letters, digits, `-`, `_` and `.`, at most 64');
const pattern = z.string().min(1).max(MAX_PATTERN_CHARACTERS);
const patterns = z.union([pattern, z.array(pattern).min(1).max(MAX_PATTERNS)]);
const subjects = z.array(z.string().min(1).max(200)).min(1).max(MAX_PATTERNS);
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
    })
    .refine(
      ({ command, path, sql, regex }) =>
        [command, path, sql, regex].some((part) => part !== undefined),
      {
        message: 'a match needs at least one of command, path, sql, regex',
      },
    )
    .refine((match) => match.access === undefined || match.path !== undefined, {
      message: 'access says what is done to a path, so it needs path beside it',
    }),
  reason: z.string().max(500).optional(),
  for: z.strictObject({ principals: subjects.optional(), targets: subjects.optional() }).optional(),
  approvers: subjects.optional(),
});

const duration = z.string().regex(/^\d{1,6}(ms|s|m|h|d)$/, 'a time like 30s, 10m or 2h');

const schema = z.strictObject({
  default: verdict.default('allow'),
  uncertain: verdict.default('hold'),
  holdTimeout: duration.default('10m'),
  use: z.array(z.string()).optional(),
  rules: z.array(rule).max(MAX_RULES).default([]),
  masks: z.unknown().optional(),
});

export type RuleDocument = z.input<typeof rule>;
export type PolicyDocument = z.input<typeof schema>;
type ParsedRule = z.output<typeof rule>;

export interface PolicyProblem {
  /** Keys and positions from the document's root. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

export type CompiledPolicy =
  | { readonly kind: 'ok'; readonly policy: Policy; readonly warnings: readonly string[] }
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] };

/** @param document as parsed from YAML or JSON; anything at all */
export function compilePolicy(name: string, document: unknown): CompiledPolicy {
  const parsed = schema.safeParse(document ?? {});
  if (!parsed.success)
    return { kind: 'invalid', problems: parsed.error.issues.flatMap(toProblems) };
  const problems: PolicyProblem[] = [];
  const warnings: string[] = [];
  const { data } = parsed;
  if (data.masks !== undefined) {
    problems.push({
      path: ['masks'],
      message: 'masking is not part of this version, so nothing would be masked',
      hint: 'remove masks',
    });
  }
  const rules: Rule[] = [];
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
    const compiled = compileRule(one, ['rules', index], problems);
    rules.push(compiled);
    warnings.push(...warningsOf(compiled));
  });
  data.use?.forEach((pack, index) => {
    const document = PACKS.get(pack);
    if (document === undefined) {
      problems.push({
        path: ['use', index],
        message: `there is no rule pack named ${pack}`,
        hint: `use one of ${[...PACKS.keys()].join(', ')}`,
      });
      return;
    }
    for (const one of document) {
      // A rule of the document's own replaces the pack's rule of that name.
      if (!seen.has(one.name)) rules.push(compileRule(rule.parse(one), ['use', index], problems));
    }
  });
  if (problems.length > 0) return { kind: 'invalid', problems };
  const policy: Policy = {
    name,
    default: data.default,
    uncertain: data.uncertain,
    holdTimeoutMs: milliseconds(data.holdTimeout),
    rules,
  };
  return { kind: 'ok', policy, warnings };
}

function toProblems(issue: z.core.$ZodIssue): PolicyProblem[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `${key} is not known here`,
      hint: 'check the spelling; unknown keys are refused because they would have no effect',
    }));
  }
  return [{ path, message: issue.message, hint: 'see the section on policies in the README' }];
}

function list<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

type Path = readonly (string | number)[];

function compileRule(one: ParsedRule, path: Path, problems: PolicyProblem[]): Rule {
  const { match } = one;
  const part = <T>(
    key: 'command' | 'path' | 'sql' | 'regex',
    compile: (source: string) => T | string,
  ): T[] | null => {
    const sources = match[key];
    if (sources === undefined) return null;
    return list(sources).flatMap((source, index) => {
      const compiled = compile(source);
      if (typeof compiled !== 'string') return [compiled];
      const at = Array.isArray(sources) ? [index] : [];
      problems.push({ path: [...path, 'match', key, ...at], message: compiled, hint: HINTS[key] });
      return [];
    });
  };
  const compiled: Match = {
    commands: part('command', compileCommand),
    paths: part('path', (source) =>
      /^(\/|~(\/|$)|\*\*)/.test(source) ? compilePath(source) : 'the path is not absolute',
    ),
    access: new Set<Access>(match.access === undefined ? ACCESSES : list(match.access)),
    sql: part('sql', (source) => compileSql(source) ?? 'the pattern is empty'),
    regexes: part('regex', compileRegex),
  };
  return {
    name: one.name,
    action: one.action,
    reason: one.reason ?? null,
    approvers: one.approvers ?? [],
    match: compiled,
    principals: one.for?.principals?.map(subject) ?? null,
    targets: one.for?.targets?.map(subject) ?? null,
  };
}

const HINTS = {
  command: 'begin with the name of a program: `git push --force *`',
  path: 'begin with `/` or `~/`, or with `**/` for any directory',
  sql: 'write the first words of the statement: `drop database *`',
  regex: 'use the syntax of RE2: no look-around, no back-references',
} as const;

function compileRegex(source: string): { test(text: string): boolean } | string {
  try {
    const compiled = RE2JS.compile(source);
    return { test: (text) => compiled.matcher(text).find() };
  } catch (error) {
    return `the regular expression can't be read: ${error instanceof Error ? error.message : 'unknown'}`;
  }
}

function subject(text: string): Subject {
  const group = /^group:(.+)$/.exec(text)?.[1];
  if (group !== undefined) return { kind: 'group', group };
  const label = /^label:([^=]+)=(.*)$/.exec(text);
  if (label !== null) return { kind: 'label', key: label[1] ?? '', value: label[2] ?? '' };
  return { kind: 'name', name: text };
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

function milliseconds(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  const unit = match?.[2] as keyof typeof UNITS | undefined;
  return unit === undefined ? 0 : Number(match?.[1]) * UNITS[unit];
}

/** Rules that are allowed but can't mean what they say. */
function warningsOf(rule: Rule): string[] {
  const warnings: string[] = [];
  for (const { source } of rule.match.paths ?? []) {
    if (source.endsWith('/') && source.length > 1) {
      warnings.push(
        `rule ${rule.name}: ${source} names the directory itself; add ** for what is below`,
      );
    }
  }
  if (rule.action !== 'hold' && rule.approvers.length > 0) {
    warnings.push(
      `rule ${rule.name}: approvers have no effect, since the action is ${rule.action}`,
    );
  }
  return warnings;
}
