import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import type { Database } from '../../server/store/database.ts';
import { applyDirectory } from '../../server/store/directory-apply.ts';
import { createTokens, MAX_TOKEN_LIFE_MS, type Tokens } from '../../server/store/tokens.ts';
import { freshDatabase } from '../support/database.ts';

describe('tokens', () => {
  let database: Database;
  let tokens: Tokens;
  const nameOf = async (token: string): Promise<string | null> =>
    (await tokens.principalByToken(token))?.name ?? null;

  beforeEach(async () => {
    database = await freshDatabase();
    tokens = createTokens(database);
    const alice = {
      name: 'alice',
      kind: 'human',
      roles: ['admin'],
      groups: ['sre'],
      owner: null,
      oidc: [],
    } as const;
    await applyDirectory(
      database,
      {
        principals: [{ ...alice, keys: [] }],
        credentials: [],
        targets: [],
        grants: [],
        policies: {},
      },
      { prune: false, dryRun: false },
    );
  });
  afterEach(() => database.close());

  for (const kind of ['web', 'api'] as const) {
    it(`tell who somebody is: ${kind}`, async () => {
      const token = await tokens.createToken({ kind, principalName: 'alice' });
      assert.match(token, /^[A-Za-z0-9_-]{43}$/);
      assert.deepEqual((await tokens.principalByToken(token))?.roles, ['admin']);
      assert.equal(await nameOf(token), 'alice');
      assert.equal(await tokens.redeemSetup(token), null);
    });
  }

  it('of a set-up are exchanged once for a web session and are no session themselves', async () => {
    const setup = await tokens.createToken({ kind: 'setup', principalName: 'alice' });
    assert.equal(await nameOf(setup), null);
    const web = await tokens.redeemSetup(setup);
    assert.equal(web?.principal.name, 'alice');
    assert.equal(await nameOf(web?.token ?? ''), 'alice');
    assert.equal(await tokens.redeemSetup(setup), null);
  });

  it('of a set-up give one session when many ask at once', async () => {
    const setup = await tokens.createToken({ kind: 'setup', principalName: 'alice' });
    const answers = await Promise.all(Array.from({ length: 8 }, () => tokens.redeemSetup(setup)));
    assert.equal(answers.filter((answer) => answer !== null).length, 1);
  });

  it('end: by time, by revocation, with their principal', async () => {
    const [first, second, setup] = [
      await tokens.createToken({ kind: 'web', principalName: 'alice' }),
      await tokens.createToken({ kind: 'api', principalName: 'alice' }),
      await tokens.createToken({ kind: 'setup', principalName: 'alice' }),
    ];
    await tokens.revoke(first);
    await tokens.revoke(first);
    assert.equal(await nameOf(first), null);
    assert.equal(await nameOf(second), 'alice');
    await database.knex('principals').update({ disabled_at: database.knex.fn.now() });
    assert.equal(await nameOf(second), null);
    assert.equal(await tokens.redeemSetup(setup), null);
    await database.knex('principals').update({ disabled_at: null });
    await database.knex.raw(`update tokens set expires_at = now() - interval '1 ms'`);
    assert.equal(await nameOf(second), null);
    assert.equal(await tokens.redeemSetup(setup), null);
  });

  it('live as long as was said', async () => {
    const life = async (kind: 'setup' | 'web', ttlMs?: number): Promise<number> => {
      await database.knex('tokens').delete();
      const wish = { kind, principalName: 'alice', ...(ttlMs === undefined ? {} : { ttlMs }) };
      await tokens.createToken(wish);
      const row = await database
        .knex('tokens')
        .first<{ s: number }>(
          database.knex.raw('extract(epoch from expires_at - created_at)::int as s'),
        );
      return row.s;
    };
    assert.equal(await life('setup'), 15 * 60);
    assert.equal(await life('web'), 12 * 3600);
    assert.equal(await life('web', 90_000), 90);
    assert.equal(await life('web', MAX_TOKEN_LIFE_MS), 366 * 24 * 3600);
  });

  it('are not made for a life that makes no sense, or for nobody', async () => {
    for (const ttlMs of [0, -1, Number.NaN, Infinity, MAX_TOKEN_LIFE_MS + 1]) {
      await assert.rejects(
        tokens.createToken({ kind: 'api', principalName: 'alice', ttlMs }),
        (error) => error instanceof SallyportError && error.code === 'usage.invalid',
      );
    }
    await assert.rejects(
      tokens.createToken({ kind: 'api', principalName: 'nobody' }),
      (error) => error instanceof SallyportError && error.code === 'object.unknown',
    );
  });

  it('are not in the database: a dump signs nobody in', async () => {
    const token = await tokens.createToken({ kind: 'api', principalName: 'alice' });
    const { rows } = await database.knex.raw<{ rows: readonly { row: string; hash: Buffer }[] }>(
      'select tokens::text as row, hash from tokens',
    );
    const dump = JSON.stringify(rows);
    const bytes = Buffer.from(token, 'base64url');
    for (const form of [token, bytes.toString('hex'), bytes.toString('base64')]) {
      assert.ok(!dump.includes(form));
    }
    assert.equal(await nameOf(rows[0]?.hash.toString('base64url') ?? ''), null);
  });

  for (const junk of [
    '',
    'x',
    '\0'.repeat(43),
    'A'.repeat(43),
    'é'.repeat(43),
    'A'.repeat(1 << 20),
  ]) {
    it(`give nothing for ${JSON.stringify(junk.slice(0, 5))} of ${junk.length} characters`, async () => {
      assert.equal(await nameOf(junk), null);
      assert.equal(await tokens.redeemSetup(junk), null);
      await tokens.revoke(junk);
    });
  }
});
