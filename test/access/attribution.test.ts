import assert from 'node:assert/strict';
import { attributedRun } from '../../server/access/attribution.ts';

const NONE = { run: null, task: null };
const KNOWN = { trust: 'verified', run: '4711.1', task: null } as const;

describe('attribution', () => {
  it('takes nothing else of a destination', () => {
    const destination = { login: null, target: 'web1', ...NONE };
    assert.deepEqual(attributedRun(null, destination), {
      kind: 'attributed',
      by: { ...NONE, attribution: null },
    });
  });

  for (const [what, known, claimed, expected] of [
    ['nothing at all', null, NONE, { ...NONE, attribution: null }],
    [
      'what is typed',
      null,
      { run: '1', task: 't' },
      { run: '1', task: 't', attribution: 'claimed' },
    ],
    [
      'what the issuer vouches for',
      KNOWN,
      NONE,
      { run: '4711.1', task: null, attribution: 'verified' },
    ],
    [
      'both where they agree',
      KNOWN,
      { run: '4711.1', task: null },
      { run: '4711.1', task: null, attribution: 'verified' },
    ],
    [
      'what is typed where a key says nothing',
      { trust: 'declared', ...NONE },
      { run: '1', task: null },
      { run: '1', task: null, attribution: 'claimed' },
    ],
  ] as const) {
    it(`takes ${what}`, () => {
      assert.deepEqual(attributedRun(known, claimed), { kind: 'attributed', by: expected });
    });
  }

  for (const claimed of [
    { run: '9', task: null },
    { run: null, task: 'mine' },
  ]) {
    it(`refuses ${JSON.stringify(claimed)} beside what the issuer vouches for`, () => {
      assert.equal(attributedRun(KNOWN, claimed).kind, 'contradiction');
    });
  }
});
