import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import {
  answerWithin,
  askThrough,
  isOutage,
  OUTAGE_RETRY_MS,
  retryDelayMs,
} from '../../server/store/outage.ts';

const coded = (code: string): Error => Object.assign(new Error('x'), { code });

const CASES: readonly (readonly [string, unknown, boolean])[] = [
  ['a server that shuts down', coded('57P01'), true],
  ['a server that starts up', coded('57P03'), true],
  ['a full disk of the server', coded('53100'), true],
  ['a deadlock', coded('40P01'), true],
  ['a lost connection', coded('08006'), true],
  ['a refused connection', coded('ECONNREFUSED'), true],
  ['a missing socket', coded('ENOENT'), true],
  ['a connection cut under pg', new Error('Connection terminated unexpectedly'), true],
  ['the same through knex', new Error('insert into x - Connection terminated unexpectedly'), true],
  ['an exhausted pool', new Error('Knex: Timeout acquiring a connection. The pool is full'), true],
  ['a violated constraint', coded('23505'), false],
  ['malformed data', coded('22P02'), false],
  ['a missing table', coded('42P01'), false],
  ['a refused change', coded('42501'), false],
  ['an error of our own', new SallyportError('internal', 'x', 'y'), false],
  ['a mistake in the program', new TypeError('x is undefined'), false],
  ['something else', 'Connection terminated', false],
];

describe('outage', () => {
  for (const [name, error, expected] of CASES) {
    it(`${expected ? 'waits for' : 'gives up on'} ${name}`, () => {
      assert.equal(isOutage(error), expected);
    });
  }

  it('asks again until the database is back', async () => {
    let asked = 0;
    const answer = await askThrough(() => {
      asked += 1;
      return asked < 3 ? Promise.reject(coded('57P01')) : Promise.resolve('answer');
    });
    assert.deepEqual([answer, asked], ['answer', 3]);
  });

  it('says that the database is away when that takes too long, whether it refuses or stands still', async () => {
    const expected = { code: 'database.unreachable', message: /doesn't answer/ };
    await assert.rejects(
      askThrough(() => Promise.reject(coded('57P01')), 1),
      expected,
    );
    await assert.rejects(
      askThrough(() => new Promise(() => {}), 1),
      expected,
    );
    await assert.rejects(answerWithin(1, new Promise(() => {})), expected);
  });

  it('does not ask again what is refused for good', async () => {
    await assert.rejects(
      askThrough(() => Promise.reject(coded('42P01'))),
      { code: '42P01' },
    );
  });

  it('waits longer from attempt to attempt, up to a bound', () => {
    assert.equal(retryDelayMs(1), OUTAGE_RETRY_MS.first);
    assert.equal(retryDelayMs(2), OUTAGE_RETRY_MS.first * 2);
    assert.equal(retryDelayMs(1000), OUTAGE_RETRY_MS.most);
  });
});
