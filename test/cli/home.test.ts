import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Home } from '../../server/cli/home.ts';
import { SallyportError } from '../../server/errors.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const LOCK_TAKER = join(import.meta.dirname, '../support/lock-taker.ts');
const RACES = 100;

const failsWith =
  (code: string, words: RegExp) =>
  (error: unknown): boolean =>
    error instanceof SallyportError && error.code === code && words.test(error.message);

describe('the home folder', () => {
  let folder = '';
  let home: Home;
  const takers: ChildProcess[] = [];

  beforeEach(async () => {
    folder = '';
    folder = await temporaryFolder();
    home = Home.open(join(folder, 'home'));
  });
  afterEach(async () => {
    for (const taker of takers.splice(0)) {
      if (taker.exitCode !== null || taker.signalCode !== null) continue;
      taker.disconnect();
      await once(taker, 'exit');
    }
    if (folder !== '') await rm(folder, { recursive: true });
  });

  async function startTaker(): Promise<ChildProcess> {
    const taker = fork(LOCK_TAKER, [home.directory], { execArgv: ['--import', 'tsx'] });
    takers.push(taker);
    await once(taker, 'message');
    return taker;
  }

  async function order(taker: ChildProcess, what: 'take' | 'release'): Promise<string> {
    const answer = once(taker, 'message');
    taker.send(what);
    return String((await answer)[0]);
  }

  it('is made for its owner alone', async () => {
    for (const path of [home.directory, home.path('keys'), home.path('demo')]) {
      assert.equal((await stat(path)).mode & 0o777, 0o700, path);
    }
  });

  it('is refused where it can not be written', async () => {
    await writeFile(join(folder, 'file'), '');
    assert.throws(
      () => Home.open(join(folder, 'file', 'home')),
      failsWith('home.unwritable', /file\/home can't be written/),
    );
  });

  it('keeps its instance id, and makes a new one when that is broken', async () => {
    const id = home.instanceId();
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(home.instanceId(), id);
    await writeFile(home.path('instance-id'), 'half');
    assert.notEqual(home.instanceId(), id);
  });

  describe('its lock', () => {
    const lockFiles = async (): Promise<string[]> =>
      (await readdir(home.directory)).filter((name) => name.startsWith('serve.lock'));
    /** Of the only lock that there is; null = it was given back. */
    const owner = async (): Promise<number | null> => {
      const files = await lockFiles();
      assert.equal(files.length, 1, files.join(' '));
      const text = await readFile(home.path(files[0] ?? ''), 'utf8');
      return text === '' ? null : (JSON.parse(text) as { pid: number }).pid;
    };

    /** What a process that is no more has left in the last lock. */
    const leave = async (content: string): Promise<void> => {
      const [file = 'serve.lock.7'] = await lockFiles();
      await writeFile(home.path(file), content);
    };

    it('is refused with the pid of the live process that holds it', async () => {
      const taker = await startTaker();
      assert.equal(await order(taker, 'take'), 'taken');
      assert.throws(() => home.lock(), failsWith('home.in-use', new RegExp(`pid ${taker.pid} `)));
      assert.equal(await owner(), taker.pid, 'the refused one leaves it alone');
      assert.equal(await order(taker, 'release'), 'released');
      assert.equal(await owner(), null);
      home.lock();
      assert.equal(await owner(), process.pid);
    });

    it('is refused to the process that holds it already', async () => {
      const release = home.lock();
      assert.throws(() => home.lock(), failsWith('home.in-use', new RegExp(`pid ${process.pid} `)));
      release();
      home.lock()();
    });

    it('is taken over from a process that was killed', async () => {
      const taker = await startTaker();
      assert.equal(await order(taker, 'take'), 'taken');
      taker.kill('SIGKILL');
      await once(taker, 'exit');
      assert.equal(await owner(), taker.pid);
      home.lock();
      assert.equal(await owner(), process.pid);
    });

    it('is taken over when its pid belongs to another process meanwhile', async () => {
      const taker = await startTaker();
      await leave(JSON.stringify({ pid: taker.pid, startedAt: '1' }));
      home.lock();
      assert.equal(await owner(), process.pid);
    });

    for (const [what, content] of [
      ['is empty', ''],
      ['is cut off', '{"pid": 1'],
      ['names no process', '{"startedAt": "1"}'],
    ] as const) {
      it(`is taken over when its file ${what}`, async () => {
        await leave(content);
        home.lock();
        assert.equal(await owner(), process.pid);
      });
    }

    for (const state of ['free', 'stale']) {
      it(`goes to exactly one of two processes that race for it when it is ${state}`, async () => {
        const both = [await startTaker(), await startTaker()];
        const stale = JSON.stringify({ pid: process.pid, startedAt: '1' });
        for (let race = 0; race < RACES; race += 1) {
          if (state === 'stale') await leave(stale);
          const answers = await Promise.all(both.map((taker) => order(taker, 'take')));
          assert.deepEqual(answers.toSorted(), ['home.in-use', 'taken'], `race ${race}`);
          assert.equal(await owner(), both[answers.indexOf('taken')]?.pid);
          await Promise.all(both.map((taker) => order(taker, 'release')));
        }
      });
    }
  });

  describe('a key in it', () => {
    const file = 'keys/some.key';
    const isKey = (content: Buffer): string | null =>
      content.length === 32 ? null : `${content.length} bytes, not 32`;
    const noKey = (): Buffer => assert.fail('a key was made');

    it('is made once, readable by its owner alone', async () => {
      const made = Buffer.alloc(32, 7);
      assert.deepEqual(await home.key(file, () => made, isKey), made);
      assert.equal((await stat(home.path(file))).mode & 0o777, 0o600);
      assert.deepEqual(await home.key(file, noKey, isKey), made);
      assert.deepEqual(await readdir(home.path('keys')), ['some.key']);
    });

    it('is refused when it is corrupt, and left as it is', async () => {
      await writeFile(home.path(file), 'half a key');
      await chmod(home.path(file), 0o600);
      await assert.rejects(
        home.key(file, noKey, isKey),
        failsWith('key.corrupt', /keys\/some\.key can't be used \(10 bytes, not 32\)/),
      );
      assert.equal(await readFile(home.path(file), 'utf8'), 'half a key');
      assert.deepEqual(await readdir(home.path('keys')), ['some.key']);
    });

    it('is refused when it can not be read, and not replaced', async () => {
      await mkdir(home.path(file));
      await assert.rejects(home.key(file, noKey, isKey), failsWith('key.corrupt', /EISDIR/));
      assert.ok((await stat(home.path(file))).isDirectory());
    });
  });
});
