import assert from 'node:assert/strict';
import { SallyportError } from '../../server/errors.ts';
import { silentLogger } from '../../server/log.ts';
import { openDatabase } from '../../server/store/database.ts';
import { freshUrl, sharedServer, urlOf } from '../support/database.ts';
import { fakePostgres, mute } from '../support/fake-postgres.ts';

const SECRET = 's3cret-word';

describe('a database that cannot be used', () => {
  const refused = async (url: string): Promise<SallyportError> => {
    const opening = openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    const error: unknown = await opening.then(
      () => assert.fail('it was opened'),
      (error: unknown) => error,
    );
    assert.ok(error instanceof SallyportError, String(error));
    const said = `${error.message} ${error.hint} ${error.stack} ${String(error.cause)}`;
    assert.ok(!said.includes(SECRET), said);
    assert.match(`${error.message} ${error.hint}`, /DATABASE_URL|server\.log/);
    assert.equal(error.exitStatus, 2);
    return error;
  };

  for (const url of [
    '',
    'sallyport',
    'mysql://h/d',
    `postgres://alice:${SECRET}@[::1/d`,
    `postgres://alice:${SECRET}@host:99999/d`,
    `host=h password=${SECRET}`,
  ]) {
    it(`has no such address as ${JSON.stringify(url)}`, async () => {
      assert.equal((await refused(url)).code, 'config.invalid');
    });
  }

  it('does not listen: says host and port', async () => {
    const closed = await mute(null);
    await closed.close();
    const error = await refused(closed.url);
    assert.equal(error.code, 'database.unreachable');
    assert.ok(error.message.includes(new URL(closed.url).host), error.message);
    assert.match(error.message, /ECONNREFUSED/);
  });

  it('has a host that does not exist', async () => {
    const error = await refused(`postgres://alice:${SECRET}@no-such-host.invalid:5/d`);
    assert.equal(error.code, 'database.unreachable');
    assert.ok(error.message.includes('no-such-host.invalid:5'));
  });

  it('accepts connections and never answers', async () => {
    const server = await mute(null);
    const error = await refused(server.url);
    assert.equal(error.code, 'database.unreachable');
    assert.match(error.message, /timeout/);
    await server.close();
  });

  it('is no PostgreSQL', async () => {
    const server = await mute('HTTP/1.1 400 Bad Request\r\n\r\n');
    assert.equal((await refused(server.url)).code, 'database.unreachable');
    await server.close();
  });

  it('has a directory without a socket', async () => {
    const error = await refused('postgres:///d?host=/nowhere&user=u');
    assert.equal(error.code, 'database.unreachable');
    assert.ok(error.message.includes('/nowhere'));
  });

  it('has no such database', async () => {
    const { postgres } = await sharedServer();
    const error = await refused(urlOf(postgres, 'none_such'));
    assert.equal(error.code, 'database.unreachable');
    assert.match(error.message, /"none_such" does not exist/);
    assert.match(error.hint, /create the database/);
  });

  it('has no such user', async () => {
    const { postgres } = await sharedServer();
    const error = await refused(urlOf({ ...postgres, user: 'eve' }, 'postgres'));
    assert.equal(error.code, 'database.unreachable');
    assert.match(error.hint, /check user and password/);
  });

  it('refuses the password', async () => {
    const server = await mute(
      errorMessage('28P01', 'password authentication failed for user "alice"'),
    );
    const error = await refused(server.url);
    assert.equal(error.code, 'database.unreachable');
    assert.match(error.message, /password authentication failed/);
    assert.match(error.hint, /check user and password/);
    await server.close();
  });

  it('is too old', async () => {
    const server = await fakePostgres({ number: '120022', version: '12.22' });
    const error = await refused(server.url);
    assert.equal(error.code, 'database.too-old');
    assert.match(error.message, /PostgreSQL 12\.22; 13 is the oldest/);
    await server.close();
  });

  it('does not let us create tables', async () => {
    const { postgres } = await sharedServer();
    const url = await freshUrl();
    const owner = await openDatabase({ url, homeDirectory: '/nowhere', logger: silentLogger });
    await owner.knex.raw(`drop schema public cascade; create role reader login`);
    await owner.close();
    const name = new URL(url).pathname.slice(1);
    const error = await refused(urlOf({ ...postgres, user: 'reader' }, name));
    assert.equal(error.code, 'database.schema');
    assert.match(error.hint, /right to create tables/);
  });
});

function errorMessage(code: string, text: string): string {
  const body = `SFATAL\0C${code}\0M${text}\0\0`;
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return `E${length.toString('latin1')}${body}`;
}
