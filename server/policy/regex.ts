/**
 * Regular expressions of rules, in time that grows with the text and no faster. Not caught here: what an
 * expression is meant to say.
 *
 * RE2JS is RE2 in plain JavaScript. Rejected: the native `re2`, which has to be compiled at installation
 * and whose answers take as long when text and pattern are short; JavaScript's own expressions, which a
 * hostile text can make run for hours.
 */
import { RE2JS } from 're2js';

/** Steps that one expression compiles to, and all those of a policy. */
const MAX_REGEX_STEPS = 500;
export const MAX_ALL_REGEX_STEPS = 2_000;
/**
 * Steps times characters that one judgement goes through; what is beyond may fit. A step costs up to
 * 50 ns for each character of a text that keeps them all alive, and a hundredth of that as a rule.
 */
export const MAX_REGEX_WORK = 2_000_000;

export interface CompiledRegex {
  readonly source: string;
  readonly steps: number;
  test(text: string): boolean;
}

/** @returns why it can't be used, in words */
export function compileRegex(source: string): CompiledRegex | string {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source);
  } catch (error) {
    const why =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : 'unknown';
    return `the regular expression can't be read: ${why}`;
  }
  const steps = compiled.programSize();
  if (steps > MAX_REGEX_STEPS) {
    return `the regular expression is too large: it takes ${steps} steps, and ${MAX_REGEX_STEPS} are allowed`;
  }
  return { source, steps, test: (text) => compiled.matcher(text).find() };
}
