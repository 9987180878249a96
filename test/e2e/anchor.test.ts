import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createClient } from '../../server/store/connect.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { startBastion, type Bastion } from '../support/world.ts';

describe('a bastion with an anchor', () => {
  let folder: string;
  let bastion: Bastion;
  let anchors: string;

  before(async () => {
    folder = await temporaryFolder();
    anchors = join(folder, 'anchors.jsonl');
    const home = join(folder, 'home');
    const env = { SALLYPORT_ANCHOR: `file://${anchors}` };
    bastion = await startBastion({ env, home });
    for (const word of ['one', 'two']) {
      const done = await ssh({ config: bastion.sshConfig, host: 'demo-agent' }, `echo ${word}`);
      assert.equal(done.status, 0, done.stderr);
    }
    // What happened since the last minute is anchored when it stops.
    await bastion.stop();
    bastion = await startBastion({ home });
  });
  after(async () => {
    await bastion[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it('says what the database still says', async () => {
    const { stderr, stdout, status } = await bastion.cli('verify', '--anchor', anchors);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^ok {3}anchors \d+ as they were, up to entry \d+ of the journal$/m);
    const kept = (await readFile(anchors, 'utf8')).trim().split('\n');
    const heads = kept.flatMap((line) => (JSON.parse(line) as { heads: unknown[] }).heads);
    assert.equal(heads.length, 2);
    const address = await bastion.cli('verify', '--anchor', pathToFileURL(anchors).href);
    assert.deepEqual([address.status, address.stdout], [0, stdout]);
  });

  it('refuses what is no anchor, and a file that is not there', async () => {
    const other = join(folder, 'other');
    await writeFile(other, '{}\n');
    const none = await bastion.cli('verify', '--anchor', other);
    assert.deepEqual([none.status, /line 1: it is no anchor/.test(none.stdout)], [1, true]);
    const missing = await bastion.cli('verify', '--anchor', join(folder, 'missing'));
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /anchors can't be read/);
  });

  it('shows that the end of the journal was cut off together with its head', async () => {
    const socketDirectory = join(bastion.home, 'postgres', 'socket');
    const place = { kind: 'socket', socketDirectory, port: 5432, database: 'sallyport' } as const;
    const administrator = createClient({ ...place, user: 'sallyport' }, () => {});
    await administrator.connect();
    try {
      await administrator.query('set session_replication_role = replica');
      await administrator.query('delete from journal where seq > 2');
      await administrator.query(
        'update journal_head set (seq, hash) = (select seq, hash from journal where seq = 2)',
      );
    } finally {
      await administrator.end();
    }
    const whole = await bastion.cli('verify', '--all');
    assert.match(whole.stdout, /^ok {3}journal 2 entries, chain intact$/m);
    const checked = await bastion.cli('verify', '--anchor', anchors);
    assert.equal(checked.status, 1);
    assert.match(checked.stdout, /^FAIL anchors line \d+: entry \d+ of the journal.* is gone$/m);
  });
});
