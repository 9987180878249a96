/**
 * Where statements begin inside a statement. Not caught here: statements inside strings, which are texts
 * of their own.
 */
import type { Token } from './scanner.ts';

/** After these a statement may begin inside another one. */
const OPENERS = new Set(
  '( ) ; as explain analyze verbose extended begin atomic then else do loop also instead for row return returns materialized repeat concurrently query immediate'.split(
    ' ',
  ),
);

export const VERBS: ReadonlySet<string> = new Set(
  (
    'select values table with insert update delete merge replace truncate drop create alter rename grant revoke ' +
    'call do execute exec prepare copy load set lock comment vacuum analyze reindex cluster attach detach backup restore ' +
    'shutdown kill flush purge reset use handler import install uninstall system optimize exchange'
  ).split(' '),
);

/** The words with which each kind of statement of PostgreSQL's tree begins, where it can be inside another. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  SelectStmt: ['select', 'values', 'table', 'with'],
  InsertStmt: ['insert'],
  UpdateStmt: ['update'],
  DeleteStmt: ['delete'],
  MergeStmt: ['merge'],
  NotifyStmt: ['notify'],
  ExecuteStmt: ['execute'],
  CreateTableAsStmt: ['create', 'select'],
  RefreshMatViewStmt: ['refresh'],
  DeclareCursorStmt: ['declare'],
};

/** By the tree: a word that begins a statement of a kind that the tree holds. */
export function startsByTree(tokens: readonly Token[], kinds: ReadonlySet<string>): number[] {
  const verbs = new Set<string>();
  for (const kind of kinds) for (const verb of KINDS[kind] ?? []) verbs.add(verb);
  if (kinds.has('CreateSchemaStmt')) verbs.add('create').add('grant');
  const hasElements = kinds.has('CreateSchemaStmt');
  const starts = [0];
  for (let at = 1; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token;
    if (kind !== 'word' || !verbs.has(text)) continue;
    if (hasElements || OPENERS.has(tokens[at - 1]?.text ?? '')) starts.push(at);
  }
  return starts;
}

/**
 * Without a tree: every word behind one that can open a statement.
 * @param anywhere the language needs no sign between two statements
 */
export function startsByWords(tokens: readonly Token[], anywhere: boolean): number[] {
  const starts = [0];
  for (let at = 1; at < tokens.length; at++) {
    const { kind, text } = tokens[at] as Token;
    if (kind !== 'word') continue;
    if (OPENERS.has(tokens[at - 1]?.text ?? '') || (anywhere && VERBS.has(text))) starts.push(at);
  }
  return starts;
}
