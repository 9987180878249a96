import { equal } from 'node:assert/strict';

import { globPatterns, meet } from '../../server/shell/pattern.ts';

/** Whether a text could be named by the pattern. */
function names(glob: string, text: string): boolean {
  return globPatterns(glob).some((pattern) => meet(pattern, text));
}

describe('patterns', () => {
  const NAMES: readonly (readonly [glob: string, text: string, named: boolean])[] = [
    ['d[a]ta', 'data', true],
    ['d[b]ta', 'data', false],
    ['d[!b]ta', 'data', true],
    ['[]d]ata', 'data', true],
    ['[[:alpha:]]ata', 'data', true],
    ['[[:alpha:][:digit:]]ata', 'data', true],
    ['[x[:alpha:]]ata', 'data', true],
    ['d[[:alpha:]', 'd[a', true],
    // A class without an end is no class, wherever another bracket stands.
    ['x]y[[:a]', 'x]y:', true],
    ['x]y[[:a]z', 'x]yz', false],
    ['[[:a][[:b]', '::', true],
  ];
  for (const [glob, text, named] of NAMES) {
    it(`${glob} ${named ? 'names' : 'does not name'} ${text}`, () => {
      equal(names(glob, text), named);
    });
  }
});
