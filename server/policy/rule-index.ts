/**
 * Which rules of a policy fit a command. Rules are looked up by what they name first (the program, the
 * first name of a path), so that a command meets only those that could fit. Not caught here: the order
 * and strictness of rules, which `judge` weighs.
 */
import { exactText, showWord, type Word } from '../shell/word.ts';
import { absolutePath } from '../shell/path.ts';
import type { ResolvedCommand } from '../shell/command.ts';
import type { SqlStatement } from '../sql/statement.ts';
import { fitCommand } from './command-fit.ts';
import type { CommandPattern } from './command-pattern.ts';
import { effectsOf, type Effect } from './effects.ts';
import { invocationOf, type Invocation } from './invocation.ts';
import { fitPath, namePath, type NamedPath, type PathPattern } from './path-pattern.ts';
import { guardedRoots, mayBeGuarded, type GuardedRoots } from './path-roots.ts';
import {
  ACCESSES,
  strongest,
  weakest,
  type Access,
  type Fit,
  type Policy,
  type Rule,
} from './policy.ts';
import { costOfSql, fitsSql, type SqlPattern } from './sql-pattern.ts';

/** One command, or one SQL statement of a command, with what is needed to compare it. */
export interface Subject {
  readonly resolved: ResolvedCommand | null;
  readonly statement: SqlStatement | null;
  invocation: Invocation | null;
  effects: readonly Reached[] | null;
}

/** An effect and the paths that it reaches, worked out when a rule asks for them. */
export interface Reached {
  readonly effect: Effect;
  readonly directories: readonly string[] | null;
  paths: readonly NamedPath[] | null;
}

/** A rule with its command patterns by the name of the program. */
interface IndexedRule {
  readonly rule: Rule;
  readonly named: ReadonlyMap<string, readonly CommandPattern[]>;
  /** Patterns whose program is a glob; a part of every list of `named` too. */
  readonly open: readonly CommandPattern[];
}

export interface RuleIndex {
  /** In the order of the policy. */
  readonly rules: readonly IndexedRule[];
  readonly roots: GuardedRoots;
}

const INDEXES = new WeakMap<Policy, RuleIndex>();

/** Made once for each policy. */
export function indexOf(policy: Policy): RuleIndex {
  const known = INDEXES.get(policy);
  if (known !== undefined) return known;
  const index = { rules: policy.rules.map(indexRule), roots: guardedRoots(policy.rules) };
  INDEXES.set(policy, index);
  return index;
}

const OPEN = /[\ue000-\ue002]/;

function indexRule(rule: Rule): IndexedRule {
  const patterns = rule.match.commands ?? [];
  const isOpen = (pattern: CommandPattern) => pattern.program.some((name) => OPEN.test(name));
  const names = new Set(patterns.flatMap(({ program }) => program));
  const named = new Map<string, readonly CommandPattern[]>();
  for (const name of names) {
    named.set(
      name,
      patterns.filter((pattern) => pattern.program.includes(name) || isOpen(pattern)),
    );
  }
  return { rule, named, open: patterns.filter(isOpen) };
}

/** Patterns of a rule that could fit a command of this name; all when the name isn't plain. */
function patternsFor(
  indexed: IndexedRule,
  { program, names }: Invocation,
): readonly CommandPattern[] {
  if (program === null || OPEN.test(program)) return indexed.rule.match.commands ?? [];
  if (names.length === 1) return indexed.named.get(program) ?? indexed.open;
  const found = names.flatMap((name) => indexed.named.get(name) ?? []);
  return found.length === 0 ? indexed.open : found;
}

/** Comparisons of one pattern with one word that one judgement makes, longer words counting for more. */
const MAX_COMPARISONS = 100_000;

/** What is the same for all commands of one judgement. */
export interface Judgement {
  readonly index: RuleIndex;
  /**
   * The text is hardly a command: a program that nobody knows is not taken to do anything to every path
   * behind it.
   */
  readonly isGuess: boolean;
  /** How the rule's regular expressions fit the whole input. */
  readonly fitText: (rule: Rule) => Fit;
  /** Below 0 there was more to compare than is done; every rule that is left may fit then. */
  comparisonsLeft: number;
}

export function judgementOf(
  index: RuleIndex,
  isGuess: boolean,
  fitText: (rule: Rule) => Fit,
): Judgement {
  return { index, isGuess, fitText, comparisonsLeft: MAX_COMPARISONS };
}

export function fitRule(judgement: Judgement, indexed: IndexedRule, subject: Subject): Fit {
  const { index, isGuess, fitText } = judgement;
  const { rule } = indexed;
  const { commands, paths, sql, regexes, access } = rule.match;
  const { resolved, statement } = subject;
  let fit: Fit = 'yes';
  if (sql !== null) {
    if (statement === null) return 'no';
    fit = fitStatement(sql, statement, judgement);
    if (fit === 'no') return fit;
  }
  if (commands !== null) {
    if (resolved === null) return 'no';
    const invocation = (subject.invocation ??= invocationOf(resolved));
    fit = weakest(fit, fitCommands(patternsFor(indexed, invocation), invocation, judgement));
    if (fit === 'no') return fit;
  }
  if (paths !== null) {
    // A statement of SQL comes with the files that it opens.
    const effects = (subject.effects ??=
      resolved === null ? [] : reached(index.roots, subject, resolved, isGuess));
    fit = weakest(fit, fitEffects(paths, access, effects, judgement));
    if (fit === 'no') return fit;
  }
  return regexes === null ? fit : weakest(fit, fitText(rule));
}

function fitStatement(
  patterns: readonly SqlPattern[],
  statement: SqlStatement,
  judgement: Judgement,
): Fit {
  for (const pattern of patterns) {
    judgement.comparisonsLeft -= costOfSql(pattern, statement);
    if (judgement.comparisonsLeft < 0) return 'maybe';
    if (fitsSql(pattern, statement)) return 'yes';
  }
  return 'no';
}

/** What one operand costs to compare: it is made a path, or read as a pattern. */
const OPERAND_COMPARISONS = 10;

/** What it costs to compare a name that is itself a pattern, in every place where it could lie. */
const OPEN_NAME_COMPARISONS = 20;

function costOfPattern({ forms }: CommandPattern, words: number): number {
  let cost = 2;
  for (const { flags, operands } of forms) {
    cost += words * (flags.length + operands.length * OPERAND_COMPARISONS);
  }
  return cost;
}

function fitCommands(
  patterns: readonly CommandPattern[],
  invocation: Invocation,
  judgement: Judgement,
): Fit {
  let best: Fit = 'no';
  const words = invocation.command.words.length;
  for (const pattern of patterns) {
    judgement.comparisonsLeft -= costOfPattern(pattern, words);
    if (invocation.program === null) judgement.comparisonsLeft -= OPEN_NAME_COMPARISONS;
    if (judgement.comparisonsLeft < 0) return strongest(best, 'maybe');
    best = strongest(best, fitCommand(pattern, invocation));
    if (best === 'yes') break;
  }
  return best;
}

function fitEffects(
  patterns: readonly PathPattern[],
  access: ReadonlySet<Access>,
  effects: readonly Reached[],
  judgement: Judgement,
): Fit {
  let best: Fit = 'no';
  for (const one of effects) {
    if (!overlap(one.effect.access, access)) continue;
    if (one.paths === null) {
      one.paths = placesOf(one.effect, one.directories);
      for (const { patterns: made } of one.paths) {
        judgement.comparisonsLeft -= (1 + made.length) * MADE_COMPARISONS;
      }
    }
    for (const path of one.paths) {
      const spent = { comparisons: 0 };
      for (const pattern of patterns) {
        best = strongest(best, fitPath(pattern, path, spent));
        if (best === 'yes') return best;
        if (spent.comparisons > judgement.comparisonsLeft) break;
      }
      judgement.comparisonsLeft -= spent.comparisons;
      if (judgement.comparisonsLeft < 0) return strongest(best, 'maybe');
    }
  }
  return best;
}

/** What it costs to make one way to read a path. */
const MADE_COMPARISONS = 4;
function overlap(one: ReadonlySet<Access>, other: ReadonlySet<Access>): boolean {
  for (const access of one) if (other.has(access)) return true;
  return false;
}

/** What the command does to paths, without what no rule can be about. */
function reached(
  roots: GuardedRoots,
  subject: Subject,
  command: ResolvedCommand,
  isGuess: boolean,
): readonly Reached[] {
  const { program, informs } = (subject.invocation ??= invocationOf(command));
  if (informs) return [];
  const { directories } = command;
  const found: Reached[] = [];
  for (const effect of effectsOf(command, program)) {
    if (isGuess && isVague(effect)) continue;
    if (mayBeGuarded(roots, effect, directories)) found.push({ effect, directories, paths: null });
  }
  return found;
}

/** The paths of an effect: for sure where the command most likely runs, perhaps where else it may. */
export function placesOf(effect: Effect, directories: readonly string[] | null): NamedPath[] {
  const { word, tree, directory } = effect;
  if (directory !== null) {
    const base = exactText(directory);
    return [namePath(word, base?.startsWith('/') === true ? [base] : null, tree)];
  }
  // What a date is names no file but where one is looked for, and what `ls` lists no hidden one.
  if (mayRead(effect) && word.length > 0 && word.every(({ kind }) => kind === 'number')) {
    if (directories?.every((one) => one.startsWith('~')) === true) return [];
    if (directories === null && !word.some((piece) => 'splits' in piece)) return [];
  }
  if (directories === null) {
    const isFloating = mayRead(effect) && isRelative(word);
    return [{ ...namePath(word, null, tree), unsureBelow: isFloating }];
  }
  const [likeliest = '~', ...others] = directories;
  const path = namePath(word, [likeliest], tree);
  // Whether a home directory holds what a rule guards isn't known, nor what an unknown program
  // does with it: that is a doubt, and one doubt on top of another says nothing any more.
  const isDoubtful = (directory: string) =>
    mayRead(effect) && ((tree && isHome(word, directory)) || searchesHome(word, directory));
  // `.` means the home only because a session starts there.
  const isHere = effect.access.size === ACCESSES.length && isRelative(word);
  const paths =
    isHere && isDoubtful(likeliest)
      ? []
      : [{ ...path, unsure: path.unsure || isDoubtful(likeliest) }];
  if (!isRelative(word)) return paths;
  for (const other of others) {
    if (isDoubtful(other)) continue;
    paths.push({ ...namePath(word, [other], tree), unsure: true });
  }
  return paths;
}

/** It only reads or runs files, or what it does isn't known at all. */
function mayRead(effect: Effect): boolean {
  const { access } = effect;
  return isVague(effect) || !(access.has('write') || access.has('delete'));
}

/** The word is what a search of the home directory finds. */
function searchesHome(word: Word, directory: string): boolean {
  const at = word.findIndex(({ kind }) => kind === 'tree' || kind === 'number');
  if (at < 0) return false;
  const start = showWord(word.slice(0, at));
  return /^~[^/]*$/.test(absolutePath(start === '' ? '.' : start, directory) ?? '');
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
