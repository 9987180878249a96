/**
 * The masks of a policy, and its rules on what the output says: their schemas and their compilation. Not
 * caught here: whether a pattern describes what its author means.
 */
import { z } from 'zod';
import { DETECTOR_NAMES, type DetectorName } from '../mask/detection.ts';
import type { Wanted } from '../mask/detectors.ts';
import { compileMaskPattern } from '../mask/pattern.ts';
import type { Mask } from './policy.ts';
import type { PolicyNote } from './rule-warnings.ts';

const MAX_MASKS = 100;
const MAX_PATTERN_CHARACTERS = 500;
/** Occurrences that a rule may wait for. */
const MAX_COUNT = 1_000_000_000;

const name = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/);
const names = z.union([
  z.string().min(1),
  z.array(z.string().min(1)).min(1).max(DETECTOR_NAMES.length),
]);

export const maskSchema = z
  .strictObject({
    name,
    detector: names.optional(),
    pattern: z.string().min(1).max(MAX_PATTERN_CHARACTERS).optional(),
  })
  .refine(({ detector, pattern }) => (detector === undefined) !== (pattern === undefined), {
    message: 'a mask has either a detector or a pattern',
  });
export const masksSchema = z.array(maskSchema).max(MAX_MASKS);

/** The parts of a `match` that are about output. */
export const outputMatch = {
  output: names.optional(),
  count: z.int().min(1).max(MAX_COUNT).optional(),
};

type MaskEntry = z.output<typeof maskSchema>;

const HINT = `use one of ${DETECTOR_NAMES.join(', ')}`;

/** Every mistake is added to the problems. */
export function compileMasks(entries: readonly MaskEntry[], problems: PolicyNote[]): Mask[] {
  const seen = new Set<string>();
  return entries.map((entry, index) => {
    const path = ['masks', index];
    if (seen.has(entry.name)) {
      problems.push({
        path: [...path, 'name'],
        message: `another mask is named ${entry.name} as well`,
        hint: 'give every mask a name of its own',
      });
    }
    seen.add(entry.name);
    return { name: entry.name, wanted: wantedBy(entry, path, problems) };
  });
}

function wantedBy(
  { detector, pattern }: MaskEntry,
  path: readonly (string | number)[],
  problems: PolicyNote[],
): readonly Wanted[] {
  if (pattern !== undefined) {
    const compiled = compileMaskPattern(pattern);
    if (typeof compiled !== 'string') return [compiled];
    const hint =
      'use the syntax of RE2, without look-around and back-references, and small repeat counts';
    problems.push({ path: [...path, 'pattern'], message: compiled, hint });
    return [];
  }
  return listed(detector ?? []).flatMap((one, index) => {
    if (isDetector(one)) return [one];
    const at = Array.isArray(detector) ? [index] : [];
    problems.push(unknownDetector(one, [...path, 'detector', ...at], []));
    return [];
  });
}

/**
 * What `output` names: detectors, or masks of the same policy.
 * @param path of `output`
 */
export function compileOutput(
  output: string | readonly string[],
  masks: readonly Mask[],
  path: readonly (string | number)[],
  problems: PolicyNote[],
): readonly Wanted[] {
  return listed(output).flatMap((one, index) => {
    const mask = masks.find((candidate) => candidate.name === one);
    if (mask !== undefined) return mask.wanted;
    if (isDetector(one)) return [one];
    const at = Array.isArray(output) ? [index] : [];
    problems.push(unknownDetector(one, [...path, ...at], masks));
    return [];
  });
}

function unknownDetector(
  wrong: string,
  path: readonly (string | number)[],
  masks: readonly Mask[],
): PolicyNote {
  const known = [...DETECTOR_NAMES, ...masks.map((mask) => mask.name)];
  const near = nearest(wrong, known);
  return {
    path,
    message: `there is no detector named ${wrong}`,
    hint: near === null ? HINT : `did you mean ${near}? or ${HINT}`,
  };
}

function isDetector(text: string): text is DetectorName {
  return (DETECTOR_NAMES as readonly string[]).includes(text);
}

function listed(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/** The name that shares most pairs of letters, if that is at least half of them. */
function nearest(wrong: string, known: readonly string[]): string | null {
  const pairs = pairsOf(wrong);
  let best: string | null = null;
  let bestShare = 0.5;
  for (const one of known) {
    const others = pairsOf(one);
    const same = [...pairs].filter((pair) => others.has(pair)).length;
    const share = (2 * same) / Math.max(1, pairs.size + others.size);
    if (share >= bestShare) [best, bestShare] = [one, share];
  }
  return best;
}

function pairsOf(text: string): ReadonlySet<string> {
  const folded = text.toLowerCase().slice(0, 64).replace(/[_-]/g, '');
  return new Set(Array.from({ length: folded.length - 1 }, (_, at) => folded.slice(at, at + 2)));
}
