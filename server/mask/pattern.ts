/**
 * Patterns of one's own, in time that grows with the text and no faster (RE2). Not caught here: matches
 * longer than the bound, and characters outside ASCII in a class: a text is looked at byte by byte.
 */
import { RE2JS } from 're2js';
import type { Findings, Sight } from './detection.ts';
import { shapeOf } from './pattern-syntax.ts';

/** Longest match, in bytes; of a longer one this much is found. */
export const MAX_MATCH_BYTES = 1024;
/** Steps that a pattern, and the pattern of its beginnings, compile to. */
const MAX_STEPS = 1000;
const MAX_BEGINNING_STEPS = 4000;
/** So much of a match is shown while it is typed, unless more of it is always the same. */
const SHOWN = 8;

export interface MaskPattern {
  readonly source: string;
  find(sight: Sight, detector: number, findings: Findings): void;
  pend(sight: Sight, detector: number, findings: Findings): void;
}

/** @returns why it can't be used, in words */
export function compileMaskPattern(source: string): MaskPattern | string {
  // Byte by byte: what isn't ASCII is several characters.
  const bytes = Buffer.from(source).toString('latin1');
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(bytes, RE2JS.MULTILINE);
  } catch (error) {
    const why =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'unknown';
    return `the pattern can't be read: ${why}`;
  }
  const shape = shapeOf(bytes);
  if (shape.shortest === 0) return 'the pattern matches an empty text, so it would be everywhere';
  if (compiled.programSize() > MAX_STEPS) return tooLarge(compiled.programSize(), MAX_STEPS);
  const beginnings = RE2JS.compile(`(?:${shape.beginnings})\\z`, RE2JS.MULTILINE);
  if (beginnings.programSize() > MAX_BEGINNING_STEPS) {
    return tooLarge(beginnings.programSize(), MAX_BEGINNING_STEPS);
  }
  const reach = Math.min(shape.longest ?? MAX_MATCH_BYTES, MAX_MATCH_BYTES);
  return {
    source,
    find: ({ text, isCut }, detector, { found }) => {
      for (const [from, to] of windows(text, shape.literal, reach)) {
        const matcher = compiled.matcher(text.slice(from, to));
        while (matcher.find()) {
          const start = from + matcher.start();
          const end = Math.min(from + matcher.end(), start + MAX_MATCH_BYTES);
          if (end === start || (start === 0 && isCut)) continue;
          found.push({ start, end, detector });
        }
      }
    },
    pend: ({ text, isCut }, detector, { pending }) => {
      const from = Math.max(0, text.length - reach);
      const matcher = beginnings.matcher(text.slice(from));
      if (!matcher.find()) return;
      const start = from + matcher.start();
      if (start === text.length || (start === 0 && isCut)) return;
      // What is a match already is one whatever follows.
      const whole = compiled.matcher(text.slice(start));
      const isMatch = whole.find() && whole.start() === 0;
      const sure = isMatch ? start : start + Math.max(SHOWN, shape.fixed);
      pending.push({ start, sureFrom: Math.min(sure, text.length), detector });
    },
  };
}

function tooLarge(steps: number, most: number): string {
  return `the pattern is too large: it takes ${steps} steps, and ${most} are allowed`;
}

/** The parts of the text that may have a match in them. */
function* windows(
  text: string,
  literal: string,
  reach: number,
): Generator<readonly [from: number, to: number]> {
  if (literal.length < 2) {
    yield [0, text.length];
    return;
  }
  let done = 0;
  for (let at = text.indexOf(literal); at !== -1; at = text.indexOf(literal, at + 1)) {
    if (at < done) continue;
    const from = Math.max(done, at - reach);
    let to = at + literal.length + reach;
    // What overlaps is one window.
    for (
      let next = text.indexOf(literal, at + 1);
      next !== -1 && next - reach <= to && to - from < MAX_WINDOW;
      next = text.indexOf(literal, next + 1)
    ) {
      to = next + literal.length + reach;
    }
    to = Math.min(to, text.length);
    yield [from, to];
    done = to;
  }
}

/** Windows grow to about this. */
const MAX_WINDOW = 64 * 1024;
