/**
 * What a tree of PostgreSQL's parser says: kinds of statements at any depth, bodies, programs, files.
 * Not caught here: what functions, views, triggers and rules do that exist already.
 */

export type Node = Readonly<Record<string, unknown>>;

export interface TreeFacts {
  /** Every statement in the tree by its kind, the outermost first. */
  readonly statements: readonly (readonly [kind: string, node: Node])[];
  readonly kinds: ReadonlySet<string>;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

/** Finds the statements of a tree. */
export function treeFacts(tree: unknown): TreeFacts {
  const statements: [string, Node][] = [];
  const waiting: unknown[] = [tree];
  for (let at = 0; at < waiting.length; at++) {
    const node = waiting[at];
    if (!isNode(node)) continue;
    for (const [key, value] of Object.entries(node)) {
      if (!isNode(value)) continue;
      if (key.endsWith('Stmt') && !Array.isArray(value)) statements.push([key, value]);
      waiting.push(value);
    }
  }
  return { statements, kinds: new Set(statements.map(([kind]) => kind)) };
}

/** Options like `LANGUAGE x AS 'y'`, by name in lower case; several texts of one option are joined. */
export function definitions(value: unknown): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  if (!Array.isArray(value)) return found;
  for (const item of value as unknown[]) {
    const element = isNode(item) ? item['DefElem'] : undefined;
    if (!isNode(element) || typeof element['defname'] !== 'string') continue;
    found.set(element['defname'].toLowerCase(), strings(element['arg']));
  }
  return found;
}

/** Every string below a node. */
export function strings(value: unknown): string[] {
  const found: string[] = [];
  const waiting: unknown[] = [value];
  for (let at = 0; at < waiting.length; at++) {
    const node = waiting[at];
    if (!isNode(node)) continue;
    for (const [key, inner] of Object.entries(node)) {
      if (key === 'sval' && typeof inner === 'string') found.push(inner);
      else waiting.push(inner);
    }
  }
  return found;
}

export function textOf(node: Node, key: string): string | null {
  const value = node[key];
  return typeof value === 'string' ? value : null;
}

/** A piece of SQL inside a routine. */
export interface RoutineText {
  readonly text: string;
  /** `statement`: as written; `value`: an expression; `dynamic`: an expression whose text is run. */
  readonly kind: 'statement' | 'value' | 'dynamic' | 'assignment';
}

export interface Routine {
  readonly texts: readonly RoutineText[];
  /** What variables are declared with. */
  readonly defaults: ReadonlyMap<string, string>;
  /** Variables that statements fill. */
  readonly filled: ReadonlySet<string>;
}

const DYNAMIC_HOLDERS = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors']);

/** The SQL in the tree of a PL/pgSQL routine, in the order in which it stands there. */
export function routineOf(tree: unknown): Routine {
  const texts: RoutineText[] = [];
  const defaults = new Map<string, string>();
  const filled = new Set<string>();
  const waiting: { readonly node: unknown; readonly holder: string; readonly key: string }[] = [
    { node: tree, holder: '', key: '' },
  ];
  // Depth first, in order: what is assigned before it runs is known there.
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, holder, key } = next;
    if (!isNode(node)) continue;
    const query = node['query'];
    if (key === 'PLpgSQL_expr' && typeof query === 'string') {
      const mode = Number(node['parseMode'] ?? 0);
      const isDynamic = holder === 'dynamic';
      texts.push({
        text: query,
        kind: isDynamic
          ? 'dynamic'
          : mode === 0
            ? 'statement'
            : mode === 2
              ? 'value'
              : 'assignment',
      });
      continue;
    }
    if (key === 'PLpgSQL_var') {
      const name = textOf(node, 'refname');
      const value = isNode(node['default_val']) ? node['default_val']['PLpgSQL_expr'] : undefined;
      const text = isNode(value) ? textOf(value, 'query') : null;
      if (name !== null && text !== null) defaults.set(name.toLowerCase(), text);
    }
    if (key === 'PLpgSQL_row' && Array.isArray(node['fields'])) {
      for (const field of node['fields'] as unknown[]) {
        const name = isNode(field) ? textOf(field, 'name') : null;
        if (name !== null) filled.add(name.toLowerCase());
      }
    }
    const entries = Object.entries(node).toReversed();
    for (const [inner, value] of entries) {
      const dynamic =
        inner === 'dynquery' || (DYNAMIC_HOLDERS.has(key) && inner === 'query')
          ? 'dynamic'
          : inner === 'PLpgSQL_expr'
            ? holder
            : '';
      waiting.push({ node: value, holder: dynamic, key: inner });
    }
  }
  return { texts, defaults, filled };
}
