/**
 * What a statement of PostgreSQL runs and reaches, by its tree: bodies of routines, dynamic text, files
 * and programs of COPY. Not caught here: bodies in languages other than SQL and PL/pgSQL, which are
 * reported as unknown.
 */
import type { Context } from './analysis.ts';
import type { SqlFile } from './findings.ts';
import { fold, type Lookup } from './fold.ts';
import { ROUTINE_COST } from './limits.ts';
import { parseRoutine } from './postgres-grammar.ts';
import { definitions, routineOf, textOf, type Node, type TreeFacts } from './postgres-tree.ts';
import { STRING_WORD, type Token } from './scanner.ts';
import { tokensOf } from './tokens.ts';

/** @param source the statement as the grammar was given it */
export function readPostgres(
  facts: TreeFacts,
  source: string,
  files: SqlFile[],
  context: Context,
): void {
  const { findings, connection } = context;
  for (const [kind, node] of facts.statements) {
    if (kind === 'CopyStmt') copy(node, files, context);
    else if (kind === 'DoStmt') body(definitions(node['args']), 'a DO block', source, context);
    else if (kind === 'CreateFunctionStmt') {
      body(definitions(node['options']), 'a routine', source, context);
    } else if (kind === 'LoadStmt') findings.doubt('the server loads a library');
    else if (kind === 'PrepareStmt') {
      const prepared = new Set(connection.state.prepared).add(textOf(node, 'name') ?? '');
      connection.state = { ...connection.state, prepared };
    } else if (kind === 'ExecuteStmt') {
      if (!connection.state.prepared.has(textOf(node, 'name') ?? '')) {
        findings.doubt('a prepared statement is run that this session did not prepare');
      }
    }
  }
}

function copy(node: Node, files: SqlFile[], { findings }: Context): void {
  const name = textOf(node, 'filename');
  if (name === null) return;
  if (node['is_program'] !== true) {
    files.push({ access: node['is_from'] === true ? 'read' : 'write', path: name });
  } else if (node['is_from'] === true) findings.runs(name);
  else findings.feeds(name);
}

function body(
  options: ReadonlyMap<string, readonly string[]>,
  what: string,
  source: string,
  context: Context,
): void {
  const [text] = options.get('as') ?? [];
  // A body of the standard's form is part of the tree.
  if (text === undefined) return;
  const language = (options.get('language')?.[0] ?? 'plpgsql').toLowerCase();
  if (language === 'sql') context.read(text, what);
  else if (language === 'plpgsql') routine(text, source, what, context);
  else context.findings.doubt(`${what} is written in ${language.slice(0, 40)}, which is not read`);
}

function routine(text: string, source: string, what: string, context: Context): void {
  const { findings } = context;
  const tokens = tokensOf(text, 'postgresql');
  const parsed = findings.mayParse(tokens.length + ROUTINE_COST)
    ? parseRoutine(source)
    : { kind: 'failed' as const };
  if (parsed.kind !== 'tree') {
    findings.doubt(`the code of ${what} can't be read`);
    looseBody(tokens, text, what, context);
    return;
  }
  const { texts, defaults, filled } = routineOf(parsed.tree);
  const values = new Map<string, string | null>();
  for (const [name, value] of defaults) values.set(name, fold(tokensOf(value, 'postgresql')));
  for (const { text: assignment, kind } of texts) {
    if (kind !== 'assignment') continue;
    const [name, value] = assigned(assignment);
    values.set(name, values.has(name) ? null : fold(value));
  }
  for (const name of filled) values.set(name, null);
  const lookup: Lookup = (name) => values.get(name);
  for (const piece of texts) {
    if (piece.kind === 'statement') context.read(piece.text, what, lookup);
    else if (piece.kind === 'dynamic') {
      const run = fold(tokensOf(piece.text, 'postgresql'), lookup);
      if (run === null) findings.doubt(`${what} runs text that can't be known`);
      else context.read(run, `EXECUTE in ${what}`);
    } else if (piece.text.includes('(')) {
      // Only a call or a query in brackets can do more than give a value.
      const value = piece.kind === 'value' ? piece.text : piece.text.replace(/^.*?:?=/s, '');
      context.read(`select ${value}`, what, lookup);
    }
  }
}

function assigned(text: string): readonly [string, Token[]] {
  const tokens = tokensOf(text, 'postgresql');
  const at = tokens.findIndex((token) => token.text === ':=' || token.text === '=');
  return [tokens[0]?.text ?? '', tokens.slice(at + 1)];
}

/** Statements between semicolons, as far as they can be told without a tree. */
function looseBody(tokens: readonly Token[], text: string, what: string, context: Context): void {
  let start = 0;
  for (let at = 0; at <= tokens.length; at++) {
    const token = tokens[at];
    const ends =
      token === undefined ||
      (token.kind === 'sign' && token.text === ';') ||
      (token.kind === 'word' && /^(?:begin|then|else|loop|declare)$/.test(token.text));
    if (!ends) continue;
    const first = tokens[start];
    if (first !== undefined && start < at) {
      const piece = text.slice(first.start, tokens[at - 1]?.end);
      const words = tokens.slice(start, at);
      if (first.text === 'execute' && words[1]?.text === STRING_WORD) {
        const value = fold(words.slice(1));
        if (value !== null) context.read(value, `EXECUTE in ${what}`);
      } else if (
        /^(?:drop|delete|truncate|alter|update|insert|create|grant|revoke|copy|select|perform)$/.test(
          first.text,
        )
      ) {
        context.read(piece.replace(/^perform/i, 'select'), what);
      }
    }
    start = at + 1;
  }
}
