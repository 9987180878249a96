/**
 * The structure of a regular expression in RE2's syntax, as far as a stream needs it: how long a match may
 * be, which text is in every match, and an expression for its beginnings. Not caught here: mistakes in the
 * expression, which RE2 names itself before.
 */

type Node =
  /** One character: a literal, a class, an escape. */
  | { readonly kind: 'one'; readonly source: string; readonly literal: string | null }
  /** A place between characters. */
  | { readonly kind: 'place'; readonly source: string }
  | { readonly kind: 'row'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly options: readonly Node[] }
  | { readonly kind: 'group'; readonly open: string; readonly inner: Node }
  | {
      readonly kind: 'repeat';
      readonly inner: Node;
      readonly least: number;
      /** null = without end. */
      readonly most: number | null;
    };

export interface PatternShape {
  /** In characters; null = as long as one likes. */
  readonly longest: number | null;
  readonly shortest: number;
  /** In every match; empty = nothing is known. */
  readonly literal: string;
  /** How many characters every match begins with that are always the same. */
  readonly fixed: number;
  /** Matches every beginning of a match, also the empty one. */
  readonly beginnings: string;
}

/** @param source that RE2 has accepted */
export function shapeOf(source: string): PatternShape {
  const tree = new Reader(source).either();
  const isFolded = /\(\?[a-zA-Z]*i/.test(source);
  const literals = isFolded ? [''] : literalsIn(tree);
  const literal = literals.reduce((best, one) => (one.length > best.length ? one : best), '');
  const { least, most } = lengthOf(tree);
  return {
    longest: most,
    shortest: least,
    literal,
    fixed: isFolded ? 0 : fixedStart(tree),
    beginnings: beginningsOf(tree),
  };
}

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  either(): Node {
    const options = [this.#row()];
    while (this.#takes('|')) options.push(this.#row());
    return options.length === 1 && options[0] !== undefined
      ? options[0]
      : { kind: 'either', options };
  }

  #takes(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(form: RegExp): string | null {
    form.lastIndex = this.#at;
    const found = form.exec(this.#source)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #row(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at] ?? '')) {
      parts.push(...this.#quantified(this.#atoms()));
    }
    return { kind: 'row', parts };
  }

  /** A quantifier belongs to the last of them. */
  #quantified(atoms: readonly Node[]): readonly Node[] {
    const last = atoms.at(-1);
    const text = this.#match(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/y);
    if (text === null || last === undefined) return atoms;
    const [, from = '', comma, to = ''] = /\{(\d+)(,?)(\d*)\}/.exec(text) ?? [];
    const bounds =
      comma === undefined
        ? { least: text.startsWith('+') ? 1 : 0, most: text.startsWith('?') ? 1 : null }
        : {
            least: Number(from),
            most: comma === '' ? Number(from) : to === '' ? null : Number(to),
          };
    return [...atoms.slice(0, -1), { kind: 'repeat', inner: last, ...bounds }];
  }

  #atoms(): readonly Node[] {
    const quoted = this.#match(/\\Q[^]*?(?:\\E|$)/y);
    if (quoted !== null) {
      return Array.from(quoted.slice(2).replace(/\\E$/, ''), (one) => ({
        kind: 'one',
        source: one.replace(/[^\w\s]/, '\\$&'),
        literal: one,
      }));
    }
    const open = this.#match(/\((?:\?(?:P?<\w+>|[a-zA-Z-]*:|[a-zA-Z-]+(?=\))))?/y);
    if (open !== null) {
      const inner = this.either();
      this.#takes(')');
      // `(?i)` alone changes what follows and takes no place.
      return /^\(\?[a-zA-Z-]+$/.test(open)
        ? [{ kind: 'place', source: `${open})` }]
        : [{ kind: 'group', open: /^\(\?[a-zA-Z-]*:$/.test(open) ? open : '(?:', inner }];
    }
    const place = this.#match(/[\^$]|\\[AbBz]/y);
    if (place !== null) return [{ kind: 'place', source: place }];
    const set =
      this.#match(/\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{[^}]*\}|\\[^]|[^\]\\])*\]/y) ??
      this.#match(
        /\\[pP](?:\{[^}]*\}|.)|\\x\{[0-9a-fA-F]+\}|\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\[a-zA-Z]|\./y,
      );
    if (set !== null) return [{ kind: 'one', source: set, literal: null }];
    const one = this.#match(/\\[^]|[^]/y) ?? '';
    return [{ kind: 'one', source: one, literal: one.at(-1) ?? '' }];
  }
}

function lengthOf(node: Node): { readonly least: number; readonly most: number | null } {
  switch (node.kind) {
    case 'one':
      return { least: 1, most: 1 };
    case 'place':
      return { least: 0, most: 0 };
    case 'group':
      return lengthOf(node.inner);
    case 'row':
    case 'either': {
      const parts = (node.kind === 'row' ? node.parts : node.options).map(lengthOf);
      const isRow = node.kind === 'row';
      const least = parts.map((one) => one.least);
      const most = parts.map((one) => one.most);
      const bounded = most.filter((one) => one !== null);
      const longest = isRow
        ? bounded.reduce((one, other) => one + other, 0)
        : Math.max(0, ...bounded);
      return {
        least: isRow ? least.reduce((one, other) => one + other, 0) : Math.min(...least),
        most: bounded.length < most.length ? null : longest,
      };
    }
    case 'repeat': {
      const { least, most } = lengthOf(node.inner);
      return {
        least: least * node.least,
        most: node.most === null || most === null ? null : most * node.most,
      };
    }
  }
}

/** Texts that are in every match, each in one piece. */
function literalsIn(node: Node): readonly string[] {
  if (node.kind === 'group') return literalsIn(node.inner);
  if (node.kind === 'repeat') return node.least > 0 ? literalsIn(node.inner) : [''];
  if (node.kind === 'one') return [node.literal ?? ''];
  if (node.kind !== 'row') return [''];
  const texts: string[] = [];
  let text = '';
  for (const part of node.parts) {
    if (part.kind === 'one' && part.literal !== null) {
      text += part.literal;
      continue;
    }
    if (part.kind === 'place') continue;
    texts.push(text, ...literalsIn(part));
    text = '';
  }
  return [...texts, text];
}

function fixedStart(node: Node): number {
  if (node.kind === 'group') return fixedStart(node.inner);
  if (node.kind !== 'row') return node.kind === 'one' && node.literal !== null ? 1 : 0;
  let count = 0;
  for (const part of node.parts) {
    if (part.kind === 'place') continue;
    if (part.kind !== 'one' || part.literal === null) break;
    count += 1;
  }
  return count;
}

function written(node: Node): string {
  switch (node.kind) {
    case 'one':
    case 'place':
      return node.source;
    case 'row':
      return node.parts.map(written).join('');
    case 'either':
      return node.options.map(written).join('|');
    case 'group':
      return `${node.open}${written(node.inner)})`;
    case 'repeat': {
      const most = node.most === null ? '' : String(node.most);
      return `(?:${written(node.inner)}){${node.least},${most}}`;
    }
  }
}

function beginningsOf(node: Node): string {
  switch (node.kind) {
    case 'one':
      return `(?:${node.source})?`;
    case 'place':
      return node.source.startsWith('(?') ? node.source : '';
    case 'group':
      return `${node.open}${beginningsOf(node.inner)})`;
    case 'either':
      return `(?:${node.options.map(beginningsOf).join('|')})`;
    case 'row':
      return node.parts.reduceRight(
        (rest, part) =>
          part.kind === 'place'
            ? `${part.source}${rest}`
            : `(?:${written(part)}${rest}|${beginningsOf(part)})`,
        '',
      );
    case 'repeat': {
      if (node.most === 0) return '';
      const more = node.most === null ? '*' : `{0,${node.most - 1}}`;
      return `(?:${written(node.inner)})${more}${beginningsOf(node.inner)}`;
    }
  }
}
