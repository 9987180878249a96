/**
 * Decides an input against a policy: total, synchronous, no clock. Not caught here: what allowed
 * programs do once they run.
 */
import type {
  Language,
  ReadCommand,
  ResolvedCommand,
  ShellState,
  Uncertainty,
} from '../shell/command.ts';
import { readShell } from '../shell/read.ts';
import { readSql, type Dialect, type SqlStatement } from '../sql/statement.ts';
import { fitCommand, invocationOf, type Invocation } from './command-pattern.ts';
import type { Decision, Facts, Verdict } from './decision.ts';
import { effectsOf, type Effect } from './effects.ts';
import { explain } from './explain.ts';
import { absolutePath } from '../shell/path.ts';
import { exactText, showWord, type Word } from '../shell/word.ts';
import { fitPath, namePath, type NamedPath } from './path-pattern.ts';
import {
  ACCESSES,
  strongest,
  weakest,
  type Access,
  type Fit,
  type Policy,
  type Rule,
  type Subject,
} from './policy.ts';
import { fitsSql } from './sql-pattern.ts';

export interface JudgeInput {
  readonly text: string;
  readonly language: Language;
  /** What earlier lines of the session left; a Reading's `after`. */
  readonly state?: ShellState;
  /**
   * The text is hardly a command: then a program that nobody knows is not taken to do anything to every
   * path behind it, for the "program" may be a prompt.
   */
  readonly isGuess?: boolean;
}

/** One command, or one SQL statement of a command, with what is needed to compare it. */
interface Judged {
  readonly command: ReadCommand;
  readonly resolved: ResolvedCommand | null;
  readonly statement: SqlStatement | null;
  invocation: Invocation | null;
  effects: readonly Reached[] | null;
}

/** An effect and the paths that it reaches, worked out when a rule asks for them. */
interface Reached {
  readonly effect: Effect;
  readonly directories: readonly string[] | null;
  paths: readonly NamedPath[] | null;
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

interface Finding {
  readonly verdict: Verdict;
  readonly rule: Rule | null;
  readonly fit: Fit;
  /** Position of the command; null = the input as a whole. */
  readonly index: number | null;
  /** Why it isn't certain; null for rules that fit. */
  readonly why: string | null;
}

/**
 * The strictest verdict over all commands of the input: deny > hold > allow.
 * @returns `rule` null when the policy's default or its verdict for the uncertain decided
 */
export function judge(policy: Policy, facts: Facts, input: JudgeInput): Decision {
  const { subjects, uncertain } = readInput(input);
  const rules = policy.rules.filter((rule) => concerns(rule, facts));
  const findings: Finding[] = [];
  const regexRules = rules.filter(({ match }) => match.regexes !== null && isOnlyRegex(match));
  for (const rule of regexRules) {
    if (rule.match.regexes?.some((regex) => regex.test(input.text)) === true) {
      findings.push({ verdict: rule.action, rule, fit: 'yes', index: null, why: null });
    }
  }
  const wholeAllowed = findings.some(({ verdict }) => verdict === 'allow');
  subjects.forEach((subject, index) => {
    let matched = wholeAllowed;
    for (const rule of rules) {
      if (regexRules.includes(rule)) continue;
      const fit = fitRule(rule, subject, input);
      if (fit === 'no') continue;
      if (fit === 'maybe') {
        // An exception that may not apply leaves the default in force.
        if (STRICTNESS[rule.action] > STRICTNESS.allow) {
          const why = `it can't be known whether it is what rule "${rule.name}" is about`;
          findings.push({ verdict: policy.uncertain, rule, fit, index, why });
        }
        continue;
      }
      matched = true;
      findings.push({ verdict: rule.action, rule, fit, index, why: null });
    }
    const carries = subject.resolved?.carries === true;
    if (!matched && !carries) {
      findings.push({ verdict: policy.default, rule: null, fit: 'yes', index, why: null });
    }
  });
  for (const { why } of uncertain) {
    findings.push({ verdict: policy.uncertain, rule: null, fit: 'maybe', index: null, why });
  }
  return decide(findings, subjects, policy);
}

function decide(
  findings: readonly Finding[],
  subjects: readonly Judged[],
  policy: Policy,
): Decision {
  const commands = subjects.map(({ command }) => command);
  const certainty = findings.some(({ fit }) => fit === 'maybe') ? 'uncertain' : 'exact';
  let chosen: Finding | null = null;
  for (const finding of findings) {
    if (chosen === null || weight(finding) > weight(chosen)) chosen = finding;
  }
  if (chosen === null || chosen.verdict === 'allow') {
    const rule = chosen?.rule ?? null;
    return {
      verdict: 'allow',
      certainty,
      rule: chosen?.fit === 'yes' ? (rule?.name ?? null) : null,
      reason: null,
      deciding: null,
      commands,
      approvers: [],
    };
  }
  const command = chosen.index === null ? null : (commands[chosen.index] ?? null);
  return {
    verdict: chosen.verdict,
    certainty,
    rule: chosen.fit === 'yes' ? (chosen.rule?.name ?? null) : null,
    reason: explain(
      chosen.why ?? chosen.rule?.reason ?? null,
      command,
      chosen.rule === null ? policy : null,
    ),
    deciding: chosen.index,
    commands,
    approvers: chosen.fit === 'yes' ? (chosen.rule?.approvers ?? []) : [],
  };
}

/** Stricter first; at equal strictness a rule that fits says more than what is uncertain or default. */
function weight({ verdict, rule, fit }: Finding): number {
  return (
    STRICTNESS[verdict] * 10 + (rule !== null && fit === 'yes' ? 2 : 0) + (fit === 'maybe' ? 1 : 0)
  );
}

function concerns(rule: Rule, facts: Facts): boolean {
  const { principal, target } = facts;
  const who = (one: Subject) =>
    one.kind === 'group'
      ? principal.groups.includes(one.group)
      : one.kind === 'name' && one.name === principal.name;
  const where = (one: Subject) =>
    one.kind === 'label'
      ? target.labels[one.key] === one.value
      : one.kind === 'name' && one.name === target.name;
  return (rule.principals?.some(who) ?? true) && (rule.targets?.some(where) ?? true);
}

interface Read {
  readonly subjects: readonly Judged[];
  readonly uncertain: readonly Pick<Uncertainty, 'why'>[];
}

/** Shell commands inside SQL and SQL inside shell commands, at most this deep. */
const MAX_LANGUAGE_CHANGES = 4;

function readInput(input: JudgeInput): Read {
  return input.language === 'sql'
    ? readSqlText(input.text, 'other', [], 0)
    : readShellText(input.text, input.state, [], 0);
}

function readShellText(
  text: string,
  state: ShellState | undefined,
  via: readonly string[],
  changes: number,
): Read {
  const reading = readShell(text, state);
  const subjects: Judged[] = [];
  const uncertain: Pick<Uncertainty, 'why'>[] = [...reading.uncertain];
  for (const found of reading.commands) {
    const command = via.length === 0 ? found : { ...found, via: [...via, ...found.via] };
    subjects.push({ command, resolved: command, statement: null, invocation: null, effects: null });
    if (found.sql === null) continue;
    const program = exactText(found.words[0] ?? [])?.replace(/^.*\//, '') ?? 'sql';
    const inner = readSqlText(
      found.sql,
      dialectOf(program),
      [...command.via, program],
      changes + 1,
    );
    subjects.push(...inner.subjects);
    uncertain.push(...inner.uncertain);
  }
  return { subjects, uncertain };
}

function dialectOf(program: string): Dialect {
  if (/^(psql|pgcli|usql)/.test(program)) return 'postgresql';
  if (/^(mysql|mariadb|mycli)/.test(program)) return 'mysql';
  return program.startsWith('sqlite') ? 'sqlite' : 'other';
}

function readSqlText(
  text: string,
  dialect: Dialect,
  via: readonly string[],
  changes: number,
): Read {
  if (changes > MAX_LANGUAGE_CHANGES) {
    return { subjects: [], uncertain: [{ why: 'SQL and shell are nested too deeply' }] };
  }
  const reading = readSql(text, dialect);
  const subjects = reading.statements.map((statement): Judged => ({
    command: {
      argv: null,
      text: statement.text,
      via,
      language: 'sql',
      redirections: [],
      directory: null,
      stdinLanguage: null,
      readsInput: false,
    },
    resolved: null,
    statement,
    invocation: null,
    effects: null,
  }));
  const uncertain: Pick<Uncertainty, 'why'>[] = reading.uncertain.map((why) => ({ why }));
  for (const line of reading.shell) {
    const inner = readShellText(line, undefined, via, changes + 1);
    subjects.push(...inner.subjects);
    uncertain.push(...inner.uncertain);
  }
  return { subjects, uncertain };
}

function isOnlyRegex(match: Rule['match']): boolean {
  return match.commands === null && match.paths === null && match.sql === null;
}

function fitRule(rule: Rule, subject: Judged, input: JudgeInput): Fit {
  const { commands, paths, sql, regexes, access } = rule.match;
  let fit: Fit = 'yes';
  if (regexes !== null && !regexes.some((regex) => regex.test(input.text))) return 'no';
  if (sql !== null) {
    const { statement } = subject;
    if (statement === null || !sql.some((pattern) => fitsSql(pattern, statement))) return 'no';
  }
  if (commands !== null) {
    if (subject.resolved === null) return 'no';
    const invocation = (subject.invocation ??= invocationOf(subject.resolved));
    fit = weakest(
      fit,
      bestOf(commands, (pattern) => fitCommand(pattern, invocation)),
    );
    if (fit === 'no') return fit;
  }
  if (paths !== null) {
    if (subject.resolved === null) return 'no';
    const effects = (subject.effects ??= reached(
      subject,
      subject.resolved,
      input.isGuess ?? false,
    ));
    const here = bestOf(effects, (one) => {
      if (!overlap(one.effect.access, access)) return 'no';
      one.paths ??= placesOf(one.effect, one.directories);
      return bestOf(one.paths, (path) => bestOf(paths, (pattern) => fitPath(pattern, path)));
    });
    fit = weakest(fit, here);
  }
  return fit;
}

function bestOf<T>(items: readonly T[], fit: (item: T) => Fit): Fit {
  let best: Fit = 'no';
  for (const item of items) {
    best = strongest(best, fit(item));
    if (best === 'yes') break;
  }
  return best;
}

function overlap(one: ReadonlySet<Access>, other: ReadonlySet<Access>): boolean {
  for (const access of one) if (other.has(access)) return true;
  return false;
}

function reached(subject: Judged, command: ResolvedCommand, isGuess: boolean): readonly Reached[] {
  const { program, informs } = (subject.invocation ??= invocationOf(command));
  if (informs) return [];
  const { directories } = command;
  return effectsOf(command, program)
    .filter((effect) => !isGuess || !isVague(effect))
    .map((effect) => ({ effect, directories, paths: null }));
}

/** The paths of an effect: for sure where the command most likely runs, perhaps where else it may. */
function placesOf(effect: Effect, directories: readonly string[] | null): NamedPath[] {
  const { word, tree, directory } = effect;
  if (directory !== null) {
    const base = exactText(directory);
    return [namePath(word, base?.startsWith('/') === true ? [base] : null, tree)];
  }
  if (directories === null) return [namePath(word, null, tree)];
  const [likeliest = '~', ...others] = directories;
  const paths: NamedPath[] = [];
  const add = (from: readonly string[], sure: boolean) => {
    for (const one of from) {
      const path = namePath(word, [one], tree);
      const wholeHome = tree && isVague(effect) && isHome(word, one);
      // Whether a home directory holds what a rule guards isn't known, nor what an unknown program
      // does with it: that is a doubt, and one doubt on top of another says nothing any more.
      if (sure) paths.push({ ...path, unsure: path.unsure || wholeHome });
      else if (!wholeHome) paths.push({ ...path, unsure: true });
    }
  };
  add([likeliest], true);
  if (others.length > 0 && isRelative(word)) add(others, false);
  return paths;
}

/** It only reads, or what it does isn't known at all. */
function isVague({ access }: Effect): boolean {
  return access.size === ACCESSES.length || (access.size === 1 && access.has('read'));
}

function isRelative(word: Word): boolean {
  const first = word[0];
  return !(first?.kind === 'home' || (first?.kind === 'text' && first.text.startsWith('/')));
}

/** The home directory itself, or `*` in it. */
function isHome(word: Word, directory: string): boolean {
  return /^~(\/\*)?$/.test(absolutePath(showWord(word), directory) ?? '');
}
