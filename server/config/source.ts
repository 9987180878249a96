/**
 * One YAML file as plain values that still know their place in the text.
 * Not caught here: what the values mean; see schema.ts and references.ts.
 *
 * Documents are kept plain: aliases, tags and YAML 1.1 are mistakes, because each of them makes a value
 * differ from what its line shows.
 */
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Document,
  type Node,
  type ParsedNode,
} from 'yaml';
import type { Path, Problem } from './problem.ts';

export interface Source {
  readonly file: string;
  /** The document as plain values; null when the file holds none. */
  readonly value: unknown;
  /** Syntax mistakes; `value` is null when there are any. */
  readonly problems: readonly Problem[];
  /** A problem at the value of `path`, or at the nearest enclosing value that exists. */
  at(path: Path, message: string, hint: string): Problem;
  /** The same at the key that `path` ends with. */
  atKey(path: Path, message: string, hint: string): Problem;
  /** How messages name the place of a value; left out = by file, line and column. */
  placeOf?(path: Path): string;
}

const SYNTAX_HINT = 'mend the YAML syntax';
const PLAIN_HINT = 'write the value out';

/** Reads one file's text; never throws. */
export function readSource(file: string, text: string): Source {
  const lines = new LineCounter();
  const problemAt = (offset: number, message: string, hint: string): Problem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), message, hint };
  };
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    version: '1.2',
  });
  const documents = 'empty' in parsed ? [] : parsed;
  const [first, second] = documents;
  const root = first?.contents ?? null;
  const problems = documents.flatMap((document) => [
    ...document.errors.map((error) =>
      problemAt(error.pos[0], firstLine(error.message), SYNTAX_HINT),
    ),
    ...fanciness(document).map(({ offset, what, hint }) => problemAt(offset, what, hint)),
  ]);
  if (second !== undefined) {
    problems.push(
      problemAt(second.range[0], 'a second document starts here', 'put it into a file of its own'),
    );
  }
  return {
    file,
    value: problems.length > 0 || first === undefined ? null : (first.toJS() as unknown),
    problems,
    at: (path, message, hint) => problemAt(offsetOf(root, path, 'value'), message, hint),
    atKey: (path, message, hint) => problemAt(offsetOf(root, path, 'key'), message, hint),
  };
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

interface Fanciness {
  readonly offset: number;
  readonly what: string;
  readonly hint: string;
}

// The library's own warnings are about tags and versions only, which are mistakes here.
function fanciness(document: Document.Parsed): Fanciness[] {
  const found: Fanciness[] = [];
  const note = (node: Node, what: string, hint: string): void => {
    found.push({ offset: node.range?.[0] ?? 0, what, hint });
  };
  if (document.directives.yaml.explicit === true && document.directives.yaml.version !== '1.2') {
    found.push({
      offset: 0,
      what: `YAML ${document.directives.yaml.version} is not read`,
      hint: 'remove the %YAML line',
    });
  }
  visit(document, {
    Alias: (_, node) =>
      note(node, `an alias (*${node.source}) stands for a value elsewhere`, PLAIN_HINT),
    Node: (_, node) => {
      if (node.tag !== undefined)
        note(node, `the tag ${node.tag} changes what the value is`, PLAIN_HINT);
    },
    Pair: (_, pair) => {
      if (isScalar(pair.key) && pair.key.value === '__proto__') {
        note(pair.key, 'the key "__proto__" is not read', 'remove it');
      }
    },
  });
  return found;
}

function offsetOf(root: ParsedNode | null, path: Path, aim: 'value' | 'key'): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const [index, step] of path.entries()) {
    let next: unknown;
    if (isSeq(node) && typeof step === 'number') {
      next = node.items[step];
    } else if (isMap(node)) {
      const pair = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      const isAim = aim === 'key' && index === path.length - 1;
      next = isAim ? pair?.key : (pair?.value ?? pair?.key);
    }
    if (!isNode(next)) break;
    node = next;
    offset = next.range?.[0] ?? offset;
  }
  return offset;
}
