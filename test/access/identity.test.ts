import assert from 'node:assert/strict';
import {
  namesEverybody,
  principalOfClaims,
  vouchedRun,
  type Claims,
  type OidcIdentity,
} from '../../server/access/identity.ts';

const ISSUER = 'https://token.actions.githubusercontent.com';
const identity = (over: Partial<OidcIdentity>): OidcIdentity => ({
  issuer: ISSUER,
  subject: null,
  audience: 'sallyport',
  email: null,
  claims: {},
  run: null,
  task: null,
  ...over,
});
const claims = (over: Claims): Claims => ({
  iss: ISSUER,
  aud: 'sallyport',
  sub: 'repo:acme/app:ref:refs/heads/main',
  ...over,
});

const FITS: readonly [string, Partial<OidcIdentity>, Claims, boolean][] = [
  ['the same subject', { subject: 'repo:acme/app:ref:refs/heads/main' }, {}, true],
  ['a subject that begins so', { subject: 'repo:acme/app:*' }, {}, true],
  ['a subject of another repository that begins so', { subject: 'repo:acme/ap:*' }, {}, false],
  ['a subject with a part in the middle', { subject: 'repo:acme/*:ref:*/main' }, {}, true],
  ['a subject whose parts overlap', { subject: 'aba*bab' }, { sub: 'abab' }, false],
  ['a subject that only contains it', { subject: 'acme/app' }, {}, false],
  ['a subject in another case', { subject: 'repo:ACME/app:*' }, {}, false],
  ['another issuer', { subject: '*', issuer: 'https://other.example' }, {}, false],
  ['an issuer with a slash more', { subject: '*', issuer: `${ISSUER}/` }, {}, false],
  ['another audience', { subject: 'repo:*', audience: 'other' }, {}, false],
  ['one audience of several', { subject: 'repo:*' }, { aud: ['x', 'sallyport'] }, true],
  ['an audience that is no text', { subject: 'repo:*' }, { aud: { sallyport: 1 } }, false],
  ['no audience', { subject: 'repo:*' }, { aud: undefined }, false],
  ['a claim', { claims: { repository: 'acme/app' } }, { repository: 'acme/app' }, true],
  ['a claim that is missing', { claims: { repository: 'acme/app' } }, {}, false],
  ['a claim of the prototype', { claims: { toString: '*' } }, {}, false],
  ['a number', { claims: { project_id: '42' } }, { project_id: 42 }, true],
  ['a list', { claims: { groups: 'sre' } }, { groups: ['sre'] }, false],
  ['a verified address', { email: 'Al@x.io' }, { email: 'al@X.io', email_verified: true }, true],
  ['an unverified address', { email: 'al@x.io' }, { email: 'al@x.io' }, false],
  ['an address verified in words', { email: 'a@x' }, { email: 'a@x', email_verified: 'no' }, false],
];

describe('identities of issuers', () => {
  for (const [what, over, said, expected] of FITS) {
    it(`${expected ? 'accepts' : 'refuses'} ${what}`, () => {
      const named = [{ principal: 'bot', identity: identity(over) }];
      const { kind } = principalOfClaims(named, claims(said));
      assert.equal(kind, expected ? 'named' : 'unknown');
    });
  }

  it('names nobody when two principals fit', () => {
    const outcome = principalOfClaims(
      [
        { principal: 'bot', identity: identity({ subject: 'repo:acme/*' }) },
        { principal: 'other', identity: identity({ subject: 'repo:acme/app:*' }) },
      ],
      claims({}),
    );
    assert.deepEqual(outcome, { kind: 'ambiguous', principals: ['bot', 'other'] });
  });

  it('names a principal that fits in two ways', () => {
    const both = [identity({ subject: 'repo:acme/*' }), identity({ subject: 'repo:*' })];
    const named = both.map((one) => ({ principal: 'bot', identity: one }));
    assert.equal(principalOfClaims(named, claims({})).kind, 'named');
  });

  for (const [over, expected] of [
    [{ subject: '*' }, true],
    [{ subject: null }, true],
    [{ subject: '**', claims: { a: '*' } }, true],
    [{ subject: 'repo:*' }, false],
    [{ subject: '*', claims: { repository: 'acme/*' } }, false],
    [{ email: 'a@x' }, false],
  ] as const) {
    it(`${expected ? 'knows' : 'denies'} that ${JSON.stringify(over)} names everybody`, () => {
      assert.equal(namesEverybody(identity(over)), expected);
    });
  }
});

describe('what issuers vouch for', () => {
  const RUNS: readonly [string, Partial<OidcIdentity>, Claims, string | null, string | null][] = [
    [
      'GitHub Actions',
      {},
      {
        run_id: '99',
        run_attempt: '2',
        job_workflow_ref: 'acme/app/.github/w.yml@refs/heads/main',
      },
      '99.2',
      'acme/app/.github/w.yml-refs/heads/main',
    ],
    [
      'GitLab',
      {},
      { pipeline_id: '7', job_id: '8', ci_config_ref_uri: 'g.io/a//c@x' },
      '8',
      'g.io/a//c-x',
    ],
    [
      'Kubernetes',
      {},
      { 'kubernetes.io': { pod: { name: 'job-x', uid: '0a-1' } } },
      '0a-1',
      'job-x',
    ],
    [
      'an issuer that is told',
      { run: 'execution', task: 'plan' },
      { execution: 5, plan: 'p q' },
      '5',
      'p-q',
    ],
    ['an issuer that says neither', {}, {}, null, null],
    ['nonsense', {}, { run_id: { a: 1 }, task_id: '', 'kubernetes.io': 'x' }, null, null],
    ['a long run', {}, { run_id: 'x'.repeat(500) }, 'x'.repeat(128), null],
  ];
  for (const [who, over, said, run, task] of RUNS) {
    it(`knows run and task of ${who}`, () => {
      assert.deepEqual(vouchedRun(identity(over), claims(said)), { run, task });
    });
  }
});
