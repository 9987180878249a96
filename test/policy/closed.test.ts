/**
 * Holes that were found and closed, one line each: mounts of containers, what other hosts print, commands
 * for later, programs that open or run what their words only hint at, and everyday lines that look alike.
 */
import { deepEqual, ok } from 'node:assert/strict';

import {
  caseLines,
  decide,
  isRight,
  show,
  type DecidedLine,
  type RulesByIntent,
} from './case-lines.ts';

/** The rules that name each intent. */
const RULES: RulesByIntent = {
  'rm -rf /data': ['no-wipe'],
  'cat /etc/shadow': ['shadow'],
};

const lines = caseLines('policy/closed.jsonl');

describe('holes that were closed', () => {
  it('has each line once', () => {
    ok(lines.length >= 100);
    deepEqual(new Set(lines.map(({ id }) => id)).size, lines.length);
    deepEqual(new Set(lines.map(({ command }) => command)).size, lines.length);
  });

  for (const name of new Set(lines.map((line) => line.class))) {
    it(`decides every line of class ${name} as expected`, () => {
      const wrong = lines
        .filter((line) => line.class === name)
        .map((line): DecidedLine => [line, decide(line)])
        .filter(([line, decision]) => !isRight(line, decision, RULES));
      deepEqual(show(wrong), []);
    });
  }
});
