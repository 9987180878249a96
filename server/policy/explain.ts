/**
 * Why a line was held or denied, in one line for people: notices, the record, the journal and the pages
 * all show this text. Not caught here: secrets whose names say nothing.
 */
import type { ReadCommand, ResolvedCommand } from '../shell/command.ts';
import { whyUnknown } from '../shell/word.ts';
import type { Policy, Rule } from './policy.ts';

/** Longest command that is quoted, and longest wrapper, in UTF-16 units. */
const MAX_QUOTED_CHARACTERS = 120;
const MAX_WRAPPER_CHARACTERS = 30;
/** Wrappers that are named: the innermost ones and the outermost one. */
const MAX_WRAPPERS = 4;
/** Characters of a reason from elsewhere. */
const MAX_REASON_CHARACTERS = 500;

/** What decided. */
export interface Cause {
  /** null when it was the policy's default, or its verdict for what can't be read. */
  readonly rule: Rule | null;
  /** Why it isn't certain, where that is not about a rule. */
  readonly why: string | null;
  /** The rule may or may not be about the command. */
  readonly isDoubt: boolean;
}

/**
 * @param command the one that decided; null = the line as a whole
 * @param isOneOfSeveral the line has others beside it
 */
export function explain(
  { rule, why, isDoubt }: Cause,
  command: ReadCommand | null,
  isOneOfSeveral: boolean,
  policy: Policy,
): string {
  const where = command === null ? '' : place(command);
  if (rule !== null && isDoubt) {
    return `rule "${rule.name}" may be about ${where || 'this line'}${doubtOf(command)}`;
  }
  const reason = rule === null ? why : rule.reason;
  if (reason === null) {
    if (rule !== null) return where || 'the text matches the rule';
    return where === ''
      ? `policy ${policy.name} allows only what it names`
      : `${where} is not among what policy ${policy.name} allows`;
  }
  const text =
    visible(cut(reason, MAX_REASON_CHARACTERS)) + adviceOn(rule === null ? reason : null);
  const isReached = command !== null && (isOneOfSeveral || command.via.length > 0);
  return isReached ? `${text} (${where})` : text;
}

/** `` `rm -rf /data` inside `sh -c` inside `sudo` ``. */
function place(command: ReadCommand): string {
  const text = quote(command.text, MAX_QUOTED_CHARACTERS);
  const via = command.via
    .toReversed()
    .map((one) => ` inside ${quote(one, MAX_WRAPPER_CHARACTERS)}`);
  const named =
    via.length <= MAX_WRAPPERS
      ? via
      : [...via.slice(0, MAX_WRAPPERS - 1), ' inside …', ...via.slice(-1)];
  return text + named.join('');
}

function quote(text: string, maxCharacters: number): string {
  const line = withoutSecrets(text.slice(0, MAX_SEARCHED_CHARACTERS).replace(/\s+/g, ' ').trim());
  return `\`${visible(cut(line, maxCharacters))}\``;
}

/** Characters of a command in which secrets are looked for; no more than these are ever quoted. */
const MAX_SEARCHED_CHARACTERS = 4_096;

/** The beginning and the end: what is done, and to what. */
function cut(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const head = Math.ceil(maxCharacters * 0.6);
  const tail = maxCharacters - head;
  return `${text.slice(0, head).toWellFormed()}…${text.slice(-tail).toWellFormed()}`;
}

const SECRETS: readonly RegExp[] = [
  /(--[\w-]{0,30}(?:pass|secret|token|key|credential)[\w-]{0,20}[= ])("[^"]*"?|'[^']*'?|[^\s"']+)/gi,
  /(\w{0,30}(?:pass|secret|token|api_?key|credential)\w{0,20}(?:=|["']?:\s?))("[^"]*"?|'[^']*'?|[^\s"'&,;]+)/gi,
  /((?:bearer|basic)\s)([\w.~+/=-]{6,})/gi,
  /(:\/\/[^\s/:@]{0,100}:)([^\s/@]{1,300})(?=@)/g,
];

/** The decision is kept longer and seen by more people than the command itself. */
function withoutSecrets(text: string): string {
  return SECRETS.reduce((shown, secret) => shown.replace(secret, '$1…'), text);
}

/** What moves, hides or reorders text on a screen, written out. */
function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is written out here
  return text.replace(/[\u0000-\u001f\u007f-\u009f]|\p{Cf}|\p{Zl}|\p{Zp}/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`;
  });
}

/** Which part of a command leaves open what it does. */
function doubtOf(command: ReadCommand | null): string {
  const resolved = command !== null && 'words' in command ? (command as ResolvedCommand) : null;
  if (resolved === null) return '';
  const words = [...resolved.words, ...resolved.redirected.map(({ word }) => word)];
  for (const word of words) {
    const why = whyUnknown(word);
    if (why !== null) return `: ${visible(why)}${adviceOn(why)}`;
  }
  if (resolved.directories === null || resolved.directories.length > 1) {
    return ': the directory in which it runs is not known; write whole paths';
  }
  return '';
}

/** What would make it certain, by what is uncertain. */
const ADVICE: readonly (readonly [why: RegExp, advice: string])[] = [
  [/to files from its input/, 'use scp, sftp or rsync'],
  [/history expansion|earlier command again/, 'write the command out'],
  [/names? isn't known/, 'write the name of the program out'],
  [/\$\S+ (?:isn't|is not) known|comes from a variable/, 'write its value out'],
  [/output of a command/, 'run that command first and write its result out'],
  [/paths from its input/, 'leave --secluded-args (-s) out'],
  [/from (?:the|its) input|standard input/, 'write the words out'],
  [/SQL/, 'write the statement out'],
  [/script|written in this session|from a file/, 'write its commands out'],
  [/too (?:many|much|long|deep)|more .* than can be (?:followed|compared)/, 'split it'],
];

function adviceOn(why: string | null): string {
  if (why === null) return '';
  const found = ADVICE.find(([pattern]) => pattern.test(why));
  return found === undefined ? '' : `; ${found[1]}`;
}
