import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runProgram } from './program.ts';
import { ssh, Terminal } from './ssh.ts';

describe('running programs', () => {
  it('gives status, both outputs and what was piped in, byte by byte', async () => {
    const input = Buffer.from([0, 255, 10, 13, 128]);
    const script = 'cat; echo problem >&2; exit 7';
    const result = await runProgram('sh', ['-c', script], { input });
    assert.deepEqual(result, { status: 7, signal: null, stdout: input, stderr: 'problem\n' });
  });

  it('gives the signal that ended it', async () => {
    const result = await runProgram('sh', ['-c', 'kill -TERM $$']);
    assert.deepEqual([result.status, result.signal], [null, 'SIGTERM']);
  });

  it('rejects what takes too long, says too much or is not there', async () => {
    await assert.rejects(runProgram('sleep', ['60'], { timeoutMs: 50 }), /more than 50 ms/);
    await assert.rejects(runProgram('yes', [], { maxOutputBytes: 1000 }), /more than 1000 bytes/);
    await assert.rejects(runProgram('sallyport-no-such-program', []), /ENOENT/);
  });

  it('survives a program that does not read its input', async () => {
    const result = await runProgram('true', [], { input: Buffer.alloc(1024 * 1024) });
    assert.equal(result.status, 0);
  });

  it('runs the OpenSSH client, without the configuration of this user', async () => {
    const result = await ssh({ host: 'user@bastion.invalid', args: ['-G'] });
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout.toString(), /^hostname bastion\.invalid$/m);
    assert.match(result.stdout.toString(), /^batchmode yes$/m);
  });
});

describe('a person at a terminal', () => {
  it('types, reads, resizes and sees the program end', async () => {
    await using terminal = new Terminal('sh', [], {
      env: { PS1: 'ready> ', PATH: '/bin:/usr/bin' },
    });
    await terminal.expect('ready> ');
    terminal.resize(101, 33);
    terminal.type('stty size\r');
    assert.match(await terminal.expect(/\d+ \d+\r\n/), /33 101/);
    terminal.type('exit 3\r');
    assert.deepEqual(await terminal.ended(), { status: 3, signal: 0 });
  });

  it('never matches the same output twice', async () => {
    await using terminal = new Terminal('sh', ['-c', 'echo once; read line']);
    await terminal.expect('once');
    await assert.rejects(terminal.expect('once', 100), /not within 100 ms/);
  });

  it('says so when the program ends before the expected output', async () => {
    await using terminal = new Terminal('sh', ['-c', 'echo bye']);
    await assert.rejects(terminal.expect('hello'), /the program has ended.*bye/s);
  });

  it('hangs up on close', async () => {
    const terminal = new Terminal('cat', []);
    await terminal.close();
    assert.equal((await terminal.ended()).signal, 1);
  });
});
