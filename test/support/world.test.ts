import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, it } from 'mocha';
import { processesOf } from './processes.ts';
import { ssh } from './ssh.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { sallyport, startBastion } from './world.ts';

describe('a bastion in a world of its own', () => {
  it('is ready, serves the demo, stops with status 0 and leaves nothing', async () => {
    const bastion = await startBastion();
    try {
      assert.equal(bastion.run.database, 'embedded');
      assert.match(
        await bastion.setupLink(),
        /^http:\/\/(127\.0\.0\.1|localhost):\d+\/setup\/\S+$/,
      );
      const result = await ssh({ config: bastion.sshConfig, host: 'demo-agent' }, 'echo hello');
      assert.equal(result.stdout.toString(), 'hello\n', result.stderr + bastion.logs());
      const { status, stdout, stderr } = await bastion.cli('sessions', 'list', '--json');
      assert.equal(status, 0, stderr);
      assert.equal((JSON.parse(stdout) as { items: unknown[] }).items.length, 1);
      assert.equal(await bastion.stop(), 0, bastion.logs());
    } finally {
      await bastion[Symbol.asyncDispose]();
    }
    assert.equal(existsSync(bastion.home), false);
    assert.deepEqual(await processesOf(null, bastion.home), []);
  });

  it('starts again on the home of one that was killed', async () => {
    const home = await temporaryFolder();
    try {
      const first = await startBastion({ home });
      await first.kill9();
      await using second = await startBastion({ home });
      assert.notEqual(second.run.pid, first.run.pid);
      assert.equal(await second.stop(), 0);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  it('tells what the process said when it does not start', async () => {
    await assert.rejects(
      startBastion({ env: { SALLYPORT_LOG: 'xml' } }),
      /ended before run\.json\n.*SALLYPORT_LOG is "xml" \(use json or pretty\)/,
    );
  });

  it('runs the command line with the same environment', async () => {
    const home = await temporaryFolder();
    try {
      const result = await sallyport(home, ['no-such-verb']);
      assert.equal(result.status, 2);
      assert.notEqual(result.stderr, '');
    } finally {
      await rm(home, { recursive: true });
    }
  });
});
