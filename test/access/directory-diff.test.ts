import assert from 'node:assert/strict';
import { entryDiff, MAX_DIFF_LINES } from '../../server/access/directory-diff.ts';

const CASES: readonly (readonly [string, unknown, unknown, readonly string[]])[] = [
  ['nothing that differs', { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, []],
  ['a value', { kind: 'human' }, { kind: 'agent' }, ['kind: human → agent']],
  ['a value that is new', {}, { owner: 'ann' }, ['owner: ann']],
  ['a value that is gone', { owner: 'ann' }, {}, ['owner: ann → left out']],
  ['another type', { keepDays: 3 }, { keepDays: [3] }, ['keepDays: 3 → 3']],
  ['members', { roles: ['a', 'b'] }, { roles: ['b', 'c'] }, ['roles: - a', 'roles: + c']],
  ['a member twice', { roles: ['a'] }, { roles: ['a', 'a'] }, ['roles: + a']],
  ['an order', { roles: ['a', 'b'] }, { roles: ['b', 'a'] }, ['roles: in the order b, a']],
  [
    'what is deep inside',
    { labels: { env: 'prod', site: 'x' } },
    { labels: { env: 'test', site: 'x' } },
    ['labels.env: prod → test'],
  ],
  [
    'named members by their names',
    { rules: [{ name: 'a', action: 'deny' }, { name: 'b' }, { name: 'c' }] },
    { rules: [{ name: 'c' }, { name: 'a', action: 'hold' }, { name: 'd', action: 'deny' }] },
    [
      'rules[a].action: deny → hold',
      'rules: - {"name":"b"}',
      'rules: + {"name":"d","action":"deny"}',
      'rules: in the order c, a, d',
    ],
  ],
  [
    'members of one name twice as they are',
    { rules: [{ name: 'a' }, { name: 'a' }] },
    { rules: [{ name: 'a' }] },
    ['rules: - {"name":"a"}'],
  ],
  ['nothing of the name of the entry', { name: 'a', x: 1 }, { name: 'b', x: 1 }, []],
  ['texts that look like more', { a: 'x' }, { a: 'y, [z]' }, ['a: x → "y, [z]"']],
  ['an entry that is new', undefined, { name: 'a', x: ['b', 'c'] }, ['x: b, c']],
  ['control characters', { a: 'x' }, { a: 'y\u001b[31m' }, ['a: x → "y\\u001b[31m"']],
  ['a policy that is a list', ['a'], ['b'], [': - a', ': + b']],
];

describe('differences of entries', () => {
  for (const [what, before, after, lines] of CASES) {
    it(`say ${what}`, () => assert.deepEqual(entryDiff(before, after), lines));
  }

  it('are cut where there are many, and count the rest', () => {
    const many = Array.from({ length: MAX_DIFF_LINES + 20 }, (_one, at) => `m${at}`);
    const lines = entryDiff({ a: [] }, { a: many });
    assert.equal(lines.length, MAX_DIFF_LINES + 1);
    assert.equal(lines.at(-1), '… 20 more lines');
  });

  it('cut long values', () => {
    const [line] = entryDiff({ a: '' }, { a: 'x'.repeat(5000) });
    assert.ok((line?.length ?? 0) < 400);
  });
});
