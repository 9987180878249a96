/**
 * What is valid in a policy and yet has no effect, or another one than it seems. Not caught here: rules
 * that only together leave another one nothing to decide.
 */
import type { CommandPattern } from './command-pattern.ts';
import type { Verdict } from './decision.ts';
import { onlyInformsWords } from './option-names.ts';
import type { Rule } from './policy.ts';
import { coversCommand, coversPath, coversRule, coversSql } from './rule-cover.ts';

export interface PolicyNote {
  /** Keys and positions from the document's root. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string;
}

/** A rule with its place. */
export interface PlacedRule {
  readonly rule: Rule;
  readonly path: readonly (string | number)[];
  /** The pack that it comes from; null = the policy's own. */
  readonly pack: string | null;
  /** Whether the part is written as a list. */
  readonly isList: Readonly<Record<'command' | 'path' | 'sql' | 'regex', boolean>>;
  /** For each compiled pattern of a part, the position of its source. */
  readonly positions: Readonly<Record<'command' | 'path' | 'sql' | 'regex', readonly number[]>>;
}

/** Comparisons of patterns for one policy; more rules than that are not searched for shadows. */
const MAX_COMPARISONS = 2_000_000;

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, hold: 1, deny: 2 };

export function warningsOf(
  rules: readonly PlacedRule[],
  byDefault: Verdict,
  replaced: ReadonlyMap<string, string>,
): PolicyNote[] {
  const own = rules.filter(({ pack }) => pack === null);
  const notes = own.flatMap((placed) => [
    ...partNotes(placed),
    ...actionNotes(placed, byDefault, replaced),
    ...repeated(placed),
  ]);
  return [...notes, ...shadowed(rules, own)];
}

type Part = 'command' | 'path' | 'sql' | 'regex';

function at(placed: PlacedRule, part: Part, index: number): readonly (string | number)[] {
  const path = [...placed.path, 'match', part];
  return placed.isList[part] ? [...path, placed.positions[part][index] ?? 0] : path;
}

/** Words of the shell that are no commands of their own. */
const KEYWORDS: ReadonlySet<string> = new Set(
  'if then else elif fi for while until do done case esac select function in time coproc ! { } [[ ]] (('.split(
    ' ',
  ),
);
/** Programs that are looked through, so that rules needn't name them. */
const WRAPPERS: ReadonlySet<string> = new Set(
  'sudo doas env nohup nice ionice timeout time setsid stdbuf xargs command builtin exec eval busybox watch strace'.split(
    ' ',
  ),
);
/** First words of statements of PostgreSQL, MySQL and SQLite. */
const STATEMENTS: ReadonlySet<string> = new Set(
  (
    'abort alter analyse analyze attach backup begin binlog cache call change check checkpoint checksum close cluster ' +
    'comment commit copy create deallocate declare delete desc describe detach discard do drop end exec execute explain ' +
    'fetch flush get grant handler help import insert install kill listen load lock merge move notify optimize pragma ' +
    'prepare purge reassign refresh reindex release rename repair replace reset resignal restart restore revoke rollback ' +
    'savepoint security select set show shutdown signal start stop table truncate uninstall unlisten unlock update use ' +
    'vacuum values with xa'
  ).split(' '),
);

function partNotes(placed: PlacedRule): PolicyNote[] {
  const { rule } = placed;
  const { commands, paths, sql, regexes } = rule.match;
  const notes: PolicyNote[] = [];
  const say = (path: PolicyNote['path'], message: string, hint: string) => {
    notes.push({ path, message: `rule ${rule.name}: ${message}`, hint });
  };
  commands?.forEach((pattern, index) => {
    commandNote(pattern, (message, hint) => say(at(placed, 'command', index), message, hint));
  });
  paths?.forEach(({ source }, index) => {
    if (source.endsWith('/') && source.length > 1) {
      const message = `${source} names the directory itself, not what is in it`;
      say(at(placed, 'path', index), message, `write ${source}** for what is below it`);
    }
  });
  sql?.forEach(({ source }, index) => {
    const first =
      source
        .trim()
        .toLowerCase()
        .split(/[\s(;]/, 1)[0] ?? '';
    if (!/[*?[\\]/.test(first) && !STATEMENTS.has(first)) {
      const message = `no SQL statement begins with ${first}`;
      say(at(placed, 'sql', index), message, 'write the first words of the statement');
    }
  });
  regexes?.forEach((regex, index) => {
    if (regex.test('') && regex.test('x')) {
      const message = `${regex.source} matches every text`;
      say(at(placed, 'regex', index), message, 'write what the text must hold');
    }
  });
  if (sql !== null && (commands !== null || paths !== null)) {
    const message = 'no SQL statement is a command or a path, so this rule never matches';
    say([...placed.path, 'match'], message, 'make two rules of it');
  }
  return notes;
}

function commandNote(pattern: CommandPattern, say: (message: string, hint: string) => void): void {
  const { source, programText, forms } = pattern;
  if (KEYWORDS.has(programText)) {
    const message = `${programText} is a word of the shell and never a command of its own`;
    say(message, 'name the commands inside, which are judged one by one');
    return;
  }
  const [form] = forms;
  const operand = form?.operands[0];
  if (WRAPPERS.has(programText) && operand !== undefined && !operand.any && operand.prefix === '') {
    const shorter = source.slice(source.indexOf(operand.source));
    const message = `${source} fits only where ${programText} is written`;
    say(message, `write ${shorter}, which fits behind ${programText} as well`);
  }
  const flags = forms.flatMap((one) => one.flags.flatMap(({ names }) => names));
  if (onlyInformsWords(programText, flags)) {
    say(`${source} never matches, since it only prints something`, 'remove it');
  }
  for (const { source: word } of form?.operands ?? []) {
    if (!/^\.{1,2}\//.test(word)) continue;
    const message = `${word} is compared as it is written, not as a path`;
    say(message, 'begin with / or ~/, or with **/ for any directory');
  }
}

function actionNotes(
  { rule, path }: PlacedRule,
  byDefault: Verdict,
  replaced: ReadonlyMap<string, string>,
): PolicyNote[] {
  const notes: PolicyNote[] = [];
  const pack = replaced.get(rule.name);
  if (pack !== undefined) {
    const message = `rule ${rule.name} replaces the rule of that name in the pack ${pack}`;
    notes.push({ path: [...path, 'name'], message, hint: 'rename it if both are to apply' });
  } else if (rule.action === 'allow' && byDefault === 'allow' && rule.hours === null) {
    const message = `rule ${rule.name}: allow has no effect, since the policy's default allows`;
    const hint = 'a stricter rule wins over it all the same; narrow that one instead';
    notes.push({ path: [...path, 'action'], message, hint });
  }
  if (rule.hours?.outside === rule.action) {
    const message = `rule ${rule.name}: hours have no effect, since it is ${rule.action} outside as well`;
    const hint = 'remove them, or write another verdict for outside';
    notes.push({ path: [...path, 'hours', 'outside'], message, hint });
  }
  const holds = [rule.action, rule.hours?.outside].includes('hold');
  if (!holds && rule.approvers.length > 0) {
    const message = `rule ${rule.name}: approvers have no effect, since the action is ${rule.action}`;
    notes.push({
      path: [...path, 'approvers'],
      message,
      hint: 'remove them, or write action: hold',
    });
  }
  return notes;
}

/** Patterns of one rule that add nothing to another one of it. */
function repeated(placed: PlacedRule): PolicyNote[] {
  const { rule } = placed;
  const { commands, paths, sql, regexes } = rule.match;
  const notes: PolicyNote[] = [];
  const look = <T>(
    part: Part,
    list: readonly T[],
    show: (one: T) => string,
    covers: (wide: T, narrow: T) => boolean,
  ) => {
    list.forEach((narrow, index) => {
      const position = placed.positions[part][index];
      const wide = list.find(
        (one, other) =>
          placed.positions[part][other] !== position &&
          covers(one, narrow) &&
          (other < index || !covers(narrow, one)),
      );
      if (wide === undefined) return;
      const message =
        show(wide) === show(narrow)
          ? `${show(narrow)} is there twice`
          : `${show(narrow)} adds nothing to ${show(wide)}`;
      notes.push({
        path: at(placed, part, index),
        message: `rule ${rule.name}: ${message}`,
        hint: 'remove it',
      });
    });
  };
  const source = (one: { readonly source: string }) => one.source;
  look('command', commands ?? [], source, coversCommand);
  look('path', paths ?? [], source, coversPath);
  look('sql', sql ?? [], source, (wide, narrow) => coversSql(wide.source, narrow.source));
  look('regex', regexes ?? [], source, (wide, narrow) => wide.source === narrow.source);
  return notes;
}

/** A rule decides nothing when a stricter one, or an equally strict one before it, matches all of it. */
function shadowed(rules: readonly PlacedRule[], own: readonly PlacedRule[]): PolicyNote[] {
  const patterns = rules.reduce((sum, { rule }) => sum + patternCount(rule), 0);
  if (patterns * patterns > MAX_COMPARISONS) {
    const message = `${patterns} patterns are too many to look for rules that never decide`;
    return [{ path: ['rules'], message, hint: 'split the policy' }];
  }
  return own.flatMap((narrow): PolicyNote[] => {
    const index = rules.indexOf(narrow);
    const wide = rules.find((one, other) => {
      const difference = STRICTNESS[one.rule.action] - STRICTNESS[narrow.rule.action];
      return (
        one !== narrow &&
        one.rule.hours === null &&
        narrow.rule.hours === null &&
        (difference > 0 || (difference === 0 && other < index)) &&
        coversRule(one.rule, narrow.rule)
      );
    });
    if (wide === undefined) return [];
    const whose = wide.pack === null ? '' : ` of the pack ${wide.pack}`;
    const message =
      `rule ${narrow.rule.name} never decides: rule ${wide.rule.name}${whose} (${wide.rule.action}) ` +
      'matches all that it matches';
    const hint = 'remove it, or narrow the other one';
    return [{ path: [...narrow.path, 'name'], message, hint }];
  });
}

function patternCount({ match }: Rule): number {
  const { commands, paths, sql, regexes } = match;
  return [commands, paths, sql, regexes].reduce((sum, part) => sum + (part?.length ?? 0), 0);
}
