/**
 * What is wrong with the shape of a policy document, in words. Not caught here: patterns that can't be
 * read; see document.ts.
 */
import type { z } from 'zod';
import type { PolicyNote } from './rule-warnings.ts';

const KEYS: Readonly<Record<string, string>> = {
  policy:
    'default, uncertain, holdTimeout, approvers, approvals, fourEyes, escalate, use, rules, masks',
  rules: 'name, action, match, reason, for, approvers, approvals, fourEyes, escalate, hours',
  escalate: 'after, to',
  hours: 'days, from, to, zone, outside',
  masks: 'name, detector, pattern',
  match: 'command, path, access, sql, regex, output, count',
  for: 'principals, targets',
};
const VERDICTS = 'allow, hold or deny';
/** What belongs at a key, and how to write it. */
const WANTED: Readonly<Record<string, readonly [wanted: string, hint: string]>> = {
  default: [VERDICTS, 'write default: allow, hold or deny'],
  uncertain: [VERDICTS, 'write uncertain: allow, hold or deny'],
  action: [VERDICTS, 'write action: allow, hold or deny'],
  holdTimeout: ['a time like 30s, 10m or 2h', 'write a number and ms, s, m, h or d'],
  use: ['a list of rule packs', 'write use: [power, wipe]'],
  rules: ['a list of rules', 'write rules: and one "- {name: …, action: …, match: …}" a line'],
  name: [
    'a name of letters, digits, dash, underscore and dot',
    'start with a letter or digit, at most 64',
  ],
  match: ['a mapping', 'write match: {command: "git push --force *"}'],
  command: ['text or a list of texts', 'write command: "git push --force *"'],
  path: ['text or a list of texts', 'write path: ["/etc/**"]'],
  sql: ['text or a list of texts', 'write sql: "drop database *"'],
  regex: ['text or a list of texts', "write regex: 'TICKET-[0-9]+'"],
  masks: [
    'a list of masks',
    'write masks: and one "- {name: cards, detector: credit-card}" a line',
  ],
  detector: ['a detector or a list of detectors', 'write detector: [credit-card, aws-key]'],
  pattern: ['text of at most 500 characters', 'write pattern: "TICKET-[0-9]{6}"'],
  output: ['a detector or a mask, or a list of these', 'write output: credit-card'],
  count: ['a whole number from 1 on', 'write count: 1000'],
  access: ['read, write, delete or execute, or a list of these', 'write access: [write, delete]'],
  reason: ['text of at most 500 characters', 'write reason: "production data"'],
  for: ['a mapping', 'write for: {principals: ["group:agents"]}'],
  principals: ['a list of principals and groups', 'write principals: [alice, "group:sre"]'],
  targets: ['a list of targets and labels', 'write targets: [web1, "label:env=prod"]'],
  approvers: ['a list of principals and groups', 'write approvers: [alice, "group:sre"]'],
  approvals: ['a whole number from 1 to 10', 'write approvals: 2'],
  fourEyes: ['true or false', 'write fourEyes: true'],
  escalate: ['a mapping', 'write escalate: {after: 5m, to: ["group:lead"]}'],
  after: ['a time like 30s, 10m or 2h', 'write a number and ms, s, m, h or d'],
  to: ['a list of principals and groups', 'write to: ["group:lead"]; in hours, to: "18:00"'],
  hours: [
    'a mapping',
    'write hours: {days: mon-fri, from: "08:00", to: "18:00", zone: Europe/Berlin, outside: deny}',
  ],
  days: ['a day, a range of days or a list of these', 'write days: mon-fri'],
  from: ['a time of day', 'write from: "08:00"'],
  zone: ['a time zone', 'write zone: Europe/Berlin'],
  outside: [VERDICTS, 'write outside: allow, hold or deny'],
};
const LIST_ENTRIES: Readonly<Record<string, string>> = {
  access: 'read, write, delete or execute',
};
const POLICY_HINT = 'write the keys of a policy below its name: default, uncertain, rules';
/** Longest value that a message repeats. */
const MAX_SHOWN_CHARACTERS = 60;

export function shapeProblems(issue: z.core.$ZodIssue): PolicyNote[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const key = path.findLast((part) => typeof part === 'string') ?? 'policy';
  if (issue.code === 'unrecognized_keys') {
    const known = KEYS[key] ?? KEYS['policy'] ?? '';
    return issue.keys.map((one) => ({
      path: [...path, one],
      message: `${one} is not known here`,
      hint: `known: ${known}`,
    }));
  }
  const [wanted, hint] = WANTED[key] ?? ['a mapping', POLICY_HINT];
  if (issue.code === 'custom') return [{ path, message: issue.message, hint }];
  const inner = deepest(issue);
  const place = [...path, ...inner.path];
  const { input } = inner;
  if (input === undefined) {
    return [{ path, message: `${key} is missing`, hint }];
  }
  if (inner.kind === 'empty') {
    const message = Array.isArray(input)
      ? `the list ${key} is empty`
      : `${key} holds an empty text`;
    return [
      { path: place, message, hint: Array.isArray(input) ? `${hint}, or leave it away` : hint },
    ];
  }
  if (inner.kind === 'big') {
    const what = typeof input === 'string' ? 'characters' : 'entries';
    const message = `${key} has more than ${inner.limit} ${what}`;
    return [{ path: place, message, hint: 'split it' }];
  }
  if (issue.code === 'invalid_format' && issue.message.startsWith('is ')) {
    return [{ path: place, message: `${shown(input)} ${issue.message}`, hint }];
  }
  if (typeof place.at(-1) === 'number') {
    const message =
      key === 'rules' || key === 'masks'
        ? `a ${key.slice(0, -1)} must be a mapping, not ${shown(input)}`
        : `an entry of ${key} must be ${LIST_ENTRIES[key] ?? 'text'}, not ${shown(input)}`;
    return [{ path: place, message, hint }];
  }
  return [{ path: place, message: `${key} must be ${wanted}, not ${shown(input)}`, hint }];
}

interface Deepest {
  readonly kind: 'empty' | 'big' | 'other';
  readonly path: readonly (string | number)[];
  readonly input: unknown;
  readonly limit: number;
}

/** Of the alternatives of a union the one that comes nearest: a list's own entries say more. */
function deepest(issue: z.core.$ZodIssue): Deepest {
  if (issue.code === 'invalid_union') {
    const { input } = issue;
    const found = issue.errors
      .flat()
      .find(
        (one) =>
          one.path.length > 0 || (one.code !== 'invalid_type' && one.code !== 'invalid_value'),
      );
    if (found === undefined) return { kind: 'other', path: [], input, limit: 0 };
    const inner = deepest(found);
    const path = found.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
    return { ...inner, path: [...path, ...inner.path] };
  }
  // A number that is out of bounds is no text and no list.
  const isNumber = typeof issue.input === 'number';
  const isSmall = issue.code === 'too_small' && !isNumber;
  const kind = isSmall ? 'empty' : issue.code === 'too_big' && !isNumber ? 'big' : 'other';
  const limit = issue.code === 'too_big' ? Number(issue.maximum) : 0;
  return { kind, path: [], input: issue.input, limit };
}

function shown(input: unknown): string {
  if (input === null) return 'empty';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'a mapping';
  if (typeof input === 'string') {
    return JSON.stringify(
      input.length > MAX_SHOWN_CHARACTERS ? `${input.slice(0, MAX_SHOWN_CHARACTERS)}…` : input,
    );
  }
  return typeof input === 'number' || typeof input === 'boolean' ? String(input) : 'something else';
}
