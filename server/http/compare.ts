/**
 * Two lists of commands side by side. They are aligned by their text, as a person sees it; what stands
 * in the same gap of both and starts with the same program is one changed command. Not caught here: the
 * same work by other commands.
 */
import { diffArrays } from 'diff';

/** Lists that differ in more places are not aligned: it would take too long, and nobody reads it. */
export const MAX_EDITS = 1000;

/** What of a command counts. */
export interface Compared {
  readonly text: string;
  readonly decision: 'allow' | 'deny' | 'hold';
  readonly exitStatus: number | null;
  readonly argv: readonly string[] | null;
}

export type ComparedRow<T extends Compared> =
  /** The same text; `differs` names what came of it otherwise. */
  | {
      readonly kind: 'same';
      readonly left: T;
      readonly right: T;
      readonly differs: readonly ('decision' | 'exitStatus')[];
    }
  | { readonly kind: 'changed'; readonly left: T; readonly right: T }
  | { readonly kind: 'gone'; readonly left: T; readonly right: null }
  | { readonly kind: 'new'; readonly left: null; readonly right: T };

export type Comparison<T extends Compared> =
  | { readonly kind: 'aligned'; readonly rows: readonly ComparedRow<T>[] }
  | { readonly kind: 'too-different' };

export function compare<T extends Compared>(
  left: readonly T[],
  right: readonly T[],
): Comparison<T> {
  const parts = diffArrays(left.map(textOf), right.map(textOf), { maxEditLength: MAX_EDITS });
  if (parts === undefined) return { kind: 'too-different' };
  const rows: ComparedRow<T>[] = [];
  let atLeft = 0;
  let atRight = 0;
  let gap = { left: [] as T[], right: [] as T[] };
  const closeGap = (): void => {
    rows.push(...paired(gap.left, gap.right));
    gap = { left: [], right: [] };
  };
  for (const part of parts) {
    const { length } = part.value;
    if (part.removed) {
      gap.left.push(...left.slice(atLeft, (atLeft += length)));
    } else if (part.added) {
      gap.right.push(...right.slice(atRight, (atRight += length)));
    } else {
      closeGap();
      for (let n = 0; n < length; n += 1) {
        rows.push(same(left[atLeft + n] as T, right[atRight + n] as T));
      }
      atLeft += length;
      atRight += length;
    }
  }
  closeGap();
  return { kind: 'aligned', rows };
}

function textOf({ text }: Compared): string {
  return text.trim();
}

function same<T extends Compared>(left: T, right: T): ComparedRow<T> {
  const differs = (['decision', 'exitStatus'] as const).filter(
    (name) => left[name] !== right[name],
  );
  return { kind: 'same', left, right, differs };
}

/** Each of the left with the first of the right, in order, that runs the same program. */
function paired<T extends Compared>(left: readonly T[], right: readonly T[]): ComparedRow<T>[] {
  const rows: ComparedRow<T>[] = [];
  let from = 0;
  for (const one of left) {
    const at = right.findIndex((other, index) => index >= from && program(other) === program(one));
    if (at === -1) {
      rows.push({ kind: 'gone', left: one, right: null });
      continue;
    }
    rows.push(...right.slice(from, at).map(fresh));
    rows.push({ kind: 'changed', left: one, right: right[at] as T });
    from = at + 1;
  }
  return [...rows, ...right.slice(from).map(fresh)];
}

function fresh<T extends Compared>(right: T): ComparedRow<T> {
  return { kind: 'new', left: null, right };
}

function program({ argv, text }: Compared): string {
  return (argv?.[0] ?? text.trim().split(/\s/, 1)[0] ?? '').replace(/^.*\//, '');
}
