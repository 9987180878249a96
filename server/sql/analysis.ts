/**
 * One statement: its kind and what is inside it by the grammar of its server, and what it reaches by its
 * words. Not caught here: what existing functions, views, triggers and rules do once it touches them.
 */
import type { Dialect } from './dialect.ts';
import { reachesOf } from './reach.ts';
import type { Findings, SqlFile } from './findings.ts';
import type { Lookup } from './fold.ts';
import {
  MYSQL_COST,
  MAX_MYSQL_NESTING,
  MAX_MYSQL_TOKENS,
  MAX_NESTING,
  MAX_STATEMENT_TOKENS,
} from './limits.ts';
import { acceptsMysql } from './mysql-grammar.ts';
import { parsePostgres } from './postgres-grammar.ts';
import { readPostgres } from './postgres-statement.ts';
import { treeFacts, type TreeFacts } from './postgres-tree.ts';
import type { Token } from './scanner.ts';
import { sourceOf } from './source.ts';
import { readByWords } from './word-statement.ts';
import { startsByTree, startsByWords, VERBS } from './starts.ts';
import type { SqlState } from './state.ts';

/** Where a statement stands, and what it may change for those behind it. */
export interface Context {
  readonly dialect: Dialect;
  readonly findings: Findings;
  readonly via: readonly string[];
  /** Texts inside texts. */
  readonly depth: number;
  /** Variables whose text is known. */
  readonly lookup: Lookup;
  /** Shared by all texts of a connection. */
  readonly connection: { state: SqlState };
  /** Reads a text that the statement runs. */
  readonly read: (text: string, what: string, lookup?: Lookup) => void;
}

export interface Statement {
  readonly tokens: readonly Token[];
  /** As written. */
  readonly text: string;
  /** The text that the tokens are positions in. */
  readonly source: string;
  /** A part of it isn't known, so no grammar can tell. */
  readonly hasUnknown: boolean;
}

/** Reports a statement and everything that it reaches. */
export function analyse(statement: Statement, context: Context): void {
  const { tokens } = statement;
  const { dialect, findings } = context;
  const words = wordsOf(tokens, dialect);
  const facts = dialect === 'postgresql' ? postgresFacts(statement, context) : null;
  if (dialect === 'mysql') mysqlGrammar(statement, context);
  if (dialect !== 'postgresql' && dialect !== 'mysql') plainHead(words, context);
  if (facts === null && findings.onlyAccepted) return;
  const starts =
    facts === null ? startsByWords(tokens, dialect === 'mssql') : startsByTree(tokens, facts.kinds);
  const files: SqlFile[] = [];
  reachesOf(tokens, files, context);
  if (facts === null) readByWords(tokens, context);
  else readPostgres(facts, sourceOf(statement.source, tokens).text, files, context);
  findings.add({
    text: statement.text,
    words,
    strings: tokens.map(({ kind, value }) => (kind === 'string' ? value : null)),
    starts,
    via: context.via,
    files,
  });
}

function wordsOf(tokens: readonly Token[], dialect: Dialect): string[] {
  const words = tokens.map(({ text }) => text);
  // MySQL has no schemas beside databases.
  if (dialect === 'mysql') {
    for (let at = 1; at < words.length; at++) {
      if (words[at] === 'schema' && /^(?:drop|create|alter)$/.test(words[at - 1] ?? '')) {
        words[at] = 'database';
      }
    }
  }
  return words;
}

function nestingOf(tokens: readonly Token[]): number {
  let depth = 0;
  let deepest = 0;
  for (const { kind, text } of tokens) {
    if (kind === 'sign' && (text === '(' || text === '[')) deepest = Math.max(deepest, ++depth);
    else if (kind === 'sign' && (text === ')' || text === ']')) depth--;
  }
  return deepest;
}

const TOO_LARGE = 'a statement is too large or too deeply nested to be read';

/** What the tree says; null = there is no tree, and the reason is reported. */
function postgresFacts(statement: Statement, context: Context): TreeFacts | null {
  const { tokens } = statement;
  const { findings } = context;
  if (statement.hasUnknown) return null;
  const { text, count } = sourceOf(statement.source, tokens);
  if (
    count > MAX_STATEMENT_TOKENS ||
    nestingOf(tokens) > MAX_NESTING ||
    !findings.mayParse(count)
  ) {
    findings.doubt(TOO_LARGE);
    return null;
  }
  const parsed = parsePostgres(text);
  if (parsed.kind === 'tree') return treeFacts(parsed.tree);
  findings.doubt(
    parsed.kind === 'refused'
      ? `it is no statement of PostgreSQL as far as its grammar says: ${brief(parsed.why)}`
      : TOO_LARGE,
  );
  return null;
}

function brief(why: string): string {
  const plain = why.replace(/\p{Cc}+/gu, ' ');
  return plain.length > 100 ? `${plain.slice(0, 99)}…` : plain;
}

/** First words of statements that the grammar doesn't know, and which hold no other statements. */
const MYSQL_PLAIN = new RegExp(
  `^(?:${[
    'flush',
    'lock (?:table|tables|instance)',
    'unlock',
    'show',
    'use',
    'desc|describe',
    'explain',
    'analyze',
    'optimize',
    'check',
    'checksum',
    'repair',
    'start (?:slave|replica|transaction|group_replication|all)',
    'stop',
    'change (?:master|replication)',
    'reset',
    'purge',
    'handler',
    'xa',
    'kill',
    'signal',
    'resignal',
    'help',
    '(?:create|drop|alter|rename) user',
    '(?:create|drop|alter) (?:database|schema|server|tablespace|role|event|undo|logfile|resource|instance)',
    'drop (?:procedure|function|trigger|prepare|table|tables|temporary|view|index|package)',
    'alter (?:table|view|ignore|online|user|definer|algorithm)',
    'create (?:table|temporary|unique|fulltext|spatial|index|sequence|or replace table)',
    'rename',
    'grant',
    'revoke',
    'set',
    'load (?:data|xml|index)',
    'cache',
    'call',
    'do',
    'begin',
    'commit',
    'rollback',
    'savepoint',
    'release',
    'deallocate',
    'prepare',
    'execute',
    'truncate',
    'uninstall',
    'restart',
    'shutdown',
    'import',
    'clone',
    'binlog',
    'backup',
    'get (?:diagnostics|current|stacked)',
    'end',
  ].join('|')})\\b`,
);
/** Statements with a body of statements, which are read as such. */
const MYSQL_BODY =
  /^create (?:or replace )?(?:definer |aggregate )?.{0,80}?\b(?:procedure|function|trigger|event|view|package)\b/;

function mysqlGrammar(statement: Statement, context: Context): void {
  const { tokens } = statement;
  const { findings } = context;
  if (statement.hasUnknown) return;
  const head = tokens
    .slice(0, 24)
    .map(({ text }) => text)
    .join(' ');
  if (MYSQL_PLAIN.test(head) || MYSQL_BODY.test(head)) return;
  const { text, count } = sourceOf(statement.source, tokens, true);
  const nesting = nestingOf(tokens);
  const isTooMuch =
    count > MAX_MYSQL_TOKENS ||
    nesting > MAX_MYSQL_NESTING ||
    !findings.mayParse(count + MYSQL_COST) ||
    (nesting > 4 && !findings.mayParseNested(count));
  const accepted = isTooMuch ? { kind: 'failed' as const } : acceptsMysql(text);
  if (accepted.kind === 'accepted') return;
  findings.doubt(
    accepted.kind === 'refused'
      ? `it is no statement of MySQL as far as its grammar is known here: ${brief(accepted.why)}`
      : TOO_LARGE,
  );
}

const OTHER_HEADS = new Set(
  (
    'show describe desc explain begin commit rollback savepoint release start abort end pragma analyze exists check watch ' +
    'optimize go print declare if while waitfor raiserror throw open fetch close checkpoint install force summarize pivot ' +
    'unpivot from put get list remove ls undrop copy unset export dbcc refresh invalidate compute msck cache uncache ' +
    'describe help use using system kill abort else and return deny enable disable bulk tran transaction ( .'
  ).split(' '),
);

/** Without a grammar of its own, a statement must at least begin like one. */
function plainHead(words: readonly string[], { findings }: Context): void {
  const [head = ''] = words;
  if (VERBS.has(head) || OTHER_HEADS.has(head)) return;
  findings.doubt(`it can't be told what kind of statement begins with "${brief(head)}"`);
}
