import { equal, match, ok } from 'node:assert/strict';
import * as fc from 'fast-check';

import { judged } from './support.ts';

const RULES = [
  {
    name: 'no-wipe',
    match: { path: ['/data', '/data/**'], access: 'delete' as const },
    reason: 'production data',
  },
  { name: 'no-force', match: { command: 'git push --force *' } },
  { name: 'odd', match: { regex: 'TICKET' } },
];

const CASES: readonly (readonly [behaviour: string, line: string, reason: string])[] = [
  ['the rule’s own words', 'rm -rf /data', 'production data'],
  ['the command where a rule has no words', 'git push -f x', '`git push -f x`'],
  ['the second of three commands', 'ls; rm -rf /data; pwd', 'production data (`rm -rf /data`)'],
  ['a part of a pipe', 'find /data | tee x; git push -f', '`git push -f`'],
  [
    'the way to a command inside others',
    'sudo sh -c "rm -rf /data"',
    'production data (`rm -rf /data` inside `sh -c` inside `sudo`)',
  ],
  [
    'a long way without its middle',
    'sudo sudo sudo sudo nice nohup sh -c "rm /data/x"',
    'production data (`rm /data/x` inside `sh -c` inside `nohup` inside `nice` inside … inside `sudo`)',
  ],
  ['the whole text where a rule is about that', 'echo TICKET', 'the text matches the rule'],
  [
    'which part of a command leaves it open, and what would settle it',
    'rm "$X"',
    'rule "no-wipe" may be about `rm "$X"`: the value of $X isn\'t known; write its value out',
  ],
  [
    'what hides on a screen, written out',
    'ls; rm /data/\u001b[2J\u202ex',
    'production data (`rm /data/\\x1b[2J\\u202ex`)',
  ],
  [
    'no secrets',
    'ls; rm /data/x --password hunter2 -H "Authorization: Bearer abcdefgh" TOKEN=abc https://u:pw@host/',
    'production data (`rm /data/x --password … -H "Authorization: Bearer …" TOKEN=… https://u:…@host/`)',
  ],
  [
    'names that only look like secrets',
    'ls; rm /data/passwd x',
    'production data (`rm /data/passwd x`)',
  ],
];

describe('the explanation of a decision', () => {
  for (const [behaviour, line, reason] of CASES) {
    it(`shows ${behaviour}`, () => equal(judged(RULES, line).reason, reason));
  }

  it('keeps the beginning and the end of a long command', () => {
    const reason = judged(RULES, `ls; rm /data/${'x'.repeat(500)}END`).reason ?? '';
    match(reason, /^production data \(`rm \/data\/x{50,}…x+END`\)$/);
    ok(reason.length < 160);
  });

  it('says what a policy allows that denies by default', () => {
    equal(
      judged([], 'ls', { default: 'deny' }).reason,
      '`ls` is not among what policy test allows',
    );
  });

  it('is null for what is allowed', () => equal(judged(RULES, 'ls').reason, null));

  it('is one short line for any input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const line of [text, `ls; rm -rf /data/${text}`, `git push $X ${text}`]) {
          const reason = judged(RULES, line, { default: 'hold' }).reason ?? '';
          ok(reason.length < 1_000);
          ok(
            !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(reason),
            JSON.stringify(reason),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});
