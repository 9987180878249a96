/**
 * Decides an input against a policy: total, synchronous, no clock. Not caught here: what allowed
 * programs do once they run.
 */
import type { Language, ShellState, Uncertainty } from '../shell/command.ts';
import { readShell } from '../shell/read.ts';
import { initialState } from '../shell/state.ts';
import {
  initialSqlState,
  readSql,
  type Dialect,
  type SqlFile,
  type SqlReading,
} from '../sql/statement.ts';
import type { Decision, Facts, SqlPlace, Verdict } from './decision.ts';
import { explained, groundsFor, weight, type Finding, type Judged } from './finding.ts';
import { served, unserved } from './file-servers.ts';
import { exactText, literal } from '../shell/word.ts';
import type { Fit, Policy, Rule, Subject as Named } from './policy.ts';
import { MAX_REGEX_WORK } from './regex.ts';
import { fitRule, indexOf, judgementOf, type Reached } from './rule-index.ts';

export interface JudgeInput {
  readonly text: string;
  readonly language: Language;
  /** What earlier lines of the session left; a Reading's `after`. */
  readonly state?: ShellState;
  /** Where the client stands whose input the SQL is; without it, the text may be of any dialect. */
  readonly sql?: SqlPlace;
  /**
   * The text is hardly a command: then a program that nobody knows is not taken to do anything to every
   * path behind it, for the "program" may be a prompt.
   */
  readonly isGuess?: boolean;
  /** What a client then asks of the file server that the text starts is judged by itself, file by file. */
  readonly isServed?: boolean;
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

/**
 * The strictest verdict over all commands of the input: deny > hold > allow.
 * @returns `rule` null when the policy's default or its verdict for the uncertain decided
 */
export function judge(policy: Policy, facts: Facts, input: JudgeInput): Decision {
  const read = readInput(input);
  return judgeRead(policy, facts, input.isServed === true ? served(read) : unserved(read), input);
}

/** As `judge`, for an input that somebody has read. */
export function judgeRead(
  policy: Policy,
  facts: Facts,
  { subjects, uncertain }: Read,
  input: Pick<JudgeInput, 'text' | 'isGuess'>,
): Decision {
  const index = indexOf(policy);
  const rules = index.rules.filter(({ rule }) => concerns(rule, facts));
  const fitText = textFits(input.text);
  const judgement = judgementOf(index, input.isGuess ?? false, fitText);
  const findings: Finding[] = [];
  let wholeAllowed = false;
  for (const { rule } of rules) {
    if (!isOnlyRegex(rule.match)) continue;
    const fit = fitText(rule);
    if (fit === 'maybe' && rule.action !== 'allow') {
      findings.push({ verdict: policy.uncertain, rule, fit, index: null, why: null });
    }
    if (fit !== 'yes') continue;
    findings.push({ verdict: rule.action, rule, fit, index: null, why: null });
    if (rule.action === 'allow') wholeAllowed = true;
  }
  for (const [position, subject] of subjects.entries()) {
    let matched = wholeAllowed;
    for (const indexed of rules) {
      const { rule } = indexed;
      if (isOnlyRegex(rule.match)) continue;
      const fit = fitRule(judgement, indexed, subject);
      if (fit === 'no') continue;
      if (fit === 'maybe') {
        // An exception that may not apply leaves the default in force.
        if (STRICTNESS[rule.action] > STRICTNESS.allow) {
          findings.push({ verdict: policy.uncertain, rule, fit, index: position, why: null });
        }
        continue;
      }
      matched = true;
      findings.push({ verdict: rule.action, rule, fit, index: position, why: null });
    }
    if (!matched && subject.resolved?.carries !== true) {
      const verdict = policy.default;
      findings.push({ verdict, rule: null, fit: 'yes', index: position, why: null });
    }
  }
  if (judgement.comparisonsLeft < 0) {
    // First, for it is why any rule may be about the line then.
    const why = 'there is more in it than can be compared with every rule';
    findings.unshift({ verdict: policy.uncertain, rule: null, fit: 'maybe', index: null, why });
  }
  for (const { why } of uncertain) {
    findings.push({ verdict: policy.uncertain, rule: null, fit: 'maybe', index: null, why });
  }
  const decision = decide(findings, subjects, policy);
  const sqlInput = sqlInputOf(subjects);
  return sqlInput === null ? decision : { ...decision, sqlInput };
}

/** How the regular expressions of each rule fit the whole input; each is tried once. */
function textFits(text: string): (rule: Rule) => Fit {
  const known = new Map<Rule, Fit>();
  let workLeft = MAX_REGEX_WORK;
  return (rule) => {
    let fit = known.get(rule) ?? null;
    if (fit !== null) return fit;
    fit = 'no';
    for (const regex of rule.match.regexes ?? []) {
      workLeft -= regex.steps * text.length;
      if (workLeft < 0) fit = 'maybe';
      else if (regex.test(text)) fit = 'yes';
      if (fit === 'yes') break;
    }
    known.set(rule, fit);
    return fit;
  };
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
  return {
    verdict: chosen.verdict,
    certainty,
    rule: chosen.fit === 'yes' ? (chosen.rule?.name ?? null) : null,
    reason: explained(chosen, subjects, policy),
    deciding: chosen.index,
    commands,
    approvers: chosen.fit === 'yes' ? (chosen.rule?.approvers ?? []) : [],
    ...(chosen.verdict === 'hold' && { grounds: groundsFor(findings, subjects, policy) }),
  };
}

/** Whether a rule is for this principal and this target. */
export function concerns(
  { principals, targets }: Pick<Rule, 'principals' | 'targets'>,
  facts: Facts,
): boolean {
  return (
    (principals === null || principals.some((one) => isPrincipal(one, facts.principal))) &&
    (targets === null || targets.some((one) => isTarget(one, facts.target)))
  );
}

function isPrincipal(one: Named, principal: Facts['principal']): boolean {
  return one.kind === 'group'
    ? principal.groups.includes(one.group)
    : one.kind === 'name' && one.name === principal.name;
}

function isTarget(one: Named, target: Facts['target']): boolean {
  return one.kind === 'label'
    ? Object.hasOwn(target.labels, one.key) &&
        (one.value === null || target.labels[one.key] === one.value)
    : one.kind === 'name' && one.name === target.name;
}

export interface Read {
  readonly subjects: readonly Judged[];
  readonly uncertain: readonly Pick<Uncertainty, 'why'>[];
}

/** Shell commands inside SQL and SQL inside shell commands, at most this deep. */
const MAX_LANGUAGE_CHANGES = 4;

function readInput(input: JudgeInput): Read {
  return input.language === 'sql'
    ? readSqlTexts([input.text], input.sql ?? startOf('other'), [], 0)
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
    // The client opens files where it runs, unless it is told to go elsewhere.
    const directories = /[\\.]cd\b/.test(found.sql) ? null : found.directories;
    const inner = readSqlTexts(
      found.sql.split('\0'),
      startOf(dialectOf(program)),
      [...command.via, program],
      changes + 1,
      directories,
    );
    subjects.push(...inner.subjects.map((one) => startedIn(one, directories)));
    uncertain.push(...inner.uncertain);
  }
  return { subjects, uncertain };
}

/** A statement of a client that runs there. */
function startedIn(subject: Judged, directories: readonly string[] | null): Judged {
  if (subject.statement === null || subject.effects === null) return subject;
  return { ...subject, effects: subject.effects.map((one) => ({ ...one, directories })) };
}

/** The language of each client of a database; what isn't here is read as any of them. */
const DIALECTS: Readonly<Record<string, Dialect>> = {
  psql: 'postgresql',
  pgcli: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mysql',
  mycli: 'mysql',
  litecli: 'sqlite',
  duckdb: 'sqlite',
  clickhouse: 'clickhouse',
  sqlcmd: 'mssql',
  'mssql-cli': 'mssql',
  tsql: 'mssql',
  bsqldb: 'mssql',
};

/** The language that a program of this name reads, versions and suffixes aside: `psql-15`, `sqlite3`. */
function dialectOf(program: string): Dialect {
  const name = program.replace(/\.exe$/, '');
  const known = Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined;
  if (known !== undefined) return known;
  if (name.startsWith('psql')) return 'postgresql';
  if (/^(?:mysql|mariadb)/.test(name)) return 'mysql';
  if (name.startsWith('sqlite')) return 'sqlite';
  return name.startsWith('clickhouse') ? 'clickhouse' : 'other';
}

function startOf(dialect: Dialect): SqlPlace {
  return { dialect, state: initialSqlState() };
}

/** The first client that reads statements from the session's input, behind what it was told before. */
function sqlInputOf(subjects: readonly Judged[]): SqlPlace | null {
  const client = subjects.find(({ resolved }) => resolved?.stdinLanguage === 'sql')?.resolved;
  if (client === undefined || client === null) return null;
  const program = exactText(client.words[0] ?? [])?.replace(/^.*\//, '') ?? '';
  const dialect = dialectOf(program);
  const told = client.sql?.split('\0') ?? [];
  const state = told.reduce(
    (before, text) => readSql(text, dialect, before).after,
    initialSqlState(),
  );
  return { dialect, state };
}

/** Texts that a client gives to its connection one after another. */
function readSqlTexts(
  texts: readonly string[],
  { dialect, state: start }: SqlPlace,
  via: readonly string[],
  changes: number,
  directories: readonly string[] | null = ['~'],
): Read {
  const subjects: Judged[] = [];
  const uncertain: Pick<Uncertainty, 'why'>[] = [];
  let state = start;
  for (const text of texts) {
    const reading = readSql(text, dialect, state);
    const inner = sqlSubjects(reading, via, changes, directories);
    subjects.push(...inner.subjects);
    uncertain.push(...inner.uncertain);
    state = reading.after;
  }
  return { subjects, uncertain };
}

/** Where a client finds what is also its own input. */
const STANDARD_INPUT = /^(?:stdin|pstdin|-|\/dev\/(?:stdin|fd\/0)|\/proc\/[^/]+\/fd\/0)$/;

function sqlSubjects(
  reading: SqlReading,
  via: readonly string[],
  changes: number,
  directories: readonly string[] | null,
): Read {
  if (changes > MAX_LANGUAGE_CHANGES) {
    return { subjects: [], uncertain: [{ why: 'SQL and shell are nested too deeply' }] };
  }
  const subjects = reading.statements.map((statement): Judged => ({
    command: {
      argv: null,
      text: statement.text,
      via: [...via, ...statement.via],
      language: 'sql',
      redirections: [],
      directory: null,
      stdinLanguage: null,
      readsInput: statement.files.some(({ path }) => STANDARD_INPUT.test(path)),
    },
    resolved: null,
    statement,
    invocation: null,
    effects: statement.files.map(reachedBy),
  }));
  const uncertain: Pick<Uncertainty, 'why'>[] = reading.uncertain.map((why) => ({ why }));
  const shell = initialState();
  shell.moveTo(directories, true);
  for (const line of reading.shell) {
    const inner = readShellText(line, shell, via, changes + 1);
    subjects.push(...inner.subjects);
    uncertain.push(...inner.uncertain);
  }
  return { subjects, uncertain };
}

/** A file that a client or the server opens. A relative path starts where only they know. */
function reachedBy({ access, path }: SqlFile): Reached {
  const effect = { access: new Set([access]), word: literal(path), tree: false, directory: null };
  return { effect, directories: null, paths: null };
}

function isOnlyRegex({ commands, paths, sql, regexes }: Rule['match']): boolean {
  return regexes !== null && commands === null && paths === null && sql === null;
}
