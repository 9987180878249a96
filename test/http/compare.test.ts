import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { compare, MAX_EDITS, type Compared, type ComparedRow } from '../../server/http/compare.ts';

function command(text: string, changes: Partial<Compared> = {}): Compared {
  return { text, decision: 'allow', exitStatus: 0, argv: text.split(' '), ...changes };
}

/** `same a`, `new b`, `gone c`, `changed d > e`; what differs follows in brackets. */
function read(row: ComparedRow<Compared>): string {
  switch (row.kind) {
    case 'same':
      return `same ${row.left.text}${row.differs.length > 0 ? ` [${row.differs.join(' ')}]` : ''}`;
    case 'changed':
      return `changed ${row.left.text} > ${row.right.text}`;
    case 'gone':
      return `gone ${row.left.text}`;
    case 'new':
      return `new ${row.right.text}`;
  }
}

function rows(left: readonly Compared[], right: readonly Compared[]): string[] {
  const compared = compare(left, right);
  assert.equal(compared.kind, 'aligned');
  return compared.kind === 'aligned' ? compared.rows.map(read) : [];
}

const texts = (...all: readonly string[]): Compared[] => all.map((text) => command(text));

const TABLE: readonly (readonly [
  string,
  readonly string[],
  readonly string[],
  readonly string[],
])[] = [
  ['nothing', [], [], []],
  ['the same', ['ls', 'df'], ['ls', 'df'], ['same ls', 'same df']],
  ['one more', ['ls', 'df'], ['ls', 'id', 'df'], ['same ls', 'new id', 'same df']],
  ['one fewer', ['ls', 'id', 'df'], ['ls', 'df'], ['same ls', 'gone id', 'same df']],
  [
    'other words of the same program',
    ['ls', 'curl a', 'df'],
    ['ls', 'curl b', 'df'],
    ['same ls', 'changed curl a > curl b', 'same df'],
  ],
  ['another program', ['ls', 'df'], ['ls', 'rm x'], ['same ls', 'gone df', 'new rm x']],
  [
    'a program by its path, after something new',
    ['git pull'],
    ['rm x', '/usr/bin/git push'],
    ['new rm x', 'changed git pull > /usr/bin/git push'],
  ],
  ['a moved command', ['a', 'b', 'c'], ['b', 'c', 'a'], ['gone a', 'same b', 'same c', 'new a']],
];

describe('comparing runs', () => {
  for (const [what, left, right, expected] of TABLE) {
    it(`aligns ${what}`, () => {
      assert.deepEqual(rows(texts(...left), texts(...right)), expected);
    });
  }

  it('names a decision and an exit status that differ', () => {
    const left = [command('make'), command('reboot', { decision: 'deny', exitStatus: null })];
    const right = [command('make', { exitStatus: 2 }), command('reboot')];
    assert.deepEqual(rows(left, right), [
      'same make [exitStatus]',
      'same reboot [decision exitStatus]',
    ]);
  });

  it('says so of lists that have nothing in common', () => {
    const left = Array.from({ length: MAX_EDITS }, (_, n) => command(`left ${n}`));
    const right = Array.from({ length: MAX_EDITS }, (_, n) => command(`right ${n}`));
    assert.deepEqual(compare(left, right), { kind: 'too-different' });
  });

  it('loses and invents nothing, and keeps both orders', () => {
    const word = fc.constantFrom('ls', 'ls -l', 'rm a', 'rm b', 'df', '  df', '');
    fc.assert(
      fc.property(fc.array(word), fc.array(word), (left, right) => {
        const compared = compare(texts(...left), texts(...right));
        assert.equal(compared.kind, 'aligned');
        if (compared.kind !== 'aligned') return;
        assert.deepEqual(
          compared.rows.flatMap((row) => row.left?.text ?? []),
          left,
        );
        assert.deepEqual(
          compared.rows.flatMap((row) => row.right?.text ?? []),
          right,
        );
      }),
    );
  });
});
