/** A session of scp between a client and a target in memory, either of which may be hostile. */
import { deepEqual, equal, match } from 'node:assert/strict';
import { decided, exitOf, start, text, until, type Running } from '../support/running-session.ts';
import type { OutputUnit } from '../../server/session/ports.ts';

function out(bytes: string): OutputUnit {
  return { kind: 'data', stream: 'stdout', bytes: Buffer.from(bytes, 'latin1') };
}

function sentUp({ world }: Running): string {
  return world.upstream.written
    .map((unit) => (unit.kind === 'data' ? unit.bytes.toString('latin1') : ''))
    .join('');
}

function client(running: Running, bytes: string): void {
  running.client.send({ kind: 'data', bytes: Buffer.from(bytes, 'latin1') });
}

const END: readonly OutputUnit[] = [
  { kind: 'eof' },
  { kind: 'exit', status: 0 },
  { kind: 'close' },
];

describe('session: scp', () => {
  it('commits each decision before its line goes up', async () => {
    const running = start('scp -t /srv/a');
    await until(() => running.world.steps.some(({ step }) => step === 'dial'));
    running.world.upstream.send(out('\0'));
    client(running, 'C0644 3 x\nabc\0');
    await until(() => sentUp(running) === 'C0644 3 x\n');
    deepEqual(
      decided(running.world).map((row) => row.text),
      ['scp -t /srv/a', 'write /srv/a/x (spelt /srv/a)'],
    );
    running.world.upstream.send(out('\0'));
    await until(() => sentUp(running).endsWith('abc\0'));
    running.world.upstream.send(out('\0'), ...END);
    running.client.send({ kind: 'eof' });
    await running.over;
    equal(exitOf(running.client.written), 0);
  });

  it('ends at a name that leads out, and nothing of it goes up', async () => {
    const running = start('scp -t /srv/a');
    running.world.upstream.send(out('\0'));
    client(running, 'C0644 3 ../../etc/passwd\nabc\0');
    await running.over;
    match(text(running.client.written, 'stderr'), /a name leads out of its directory/);
    equal(sentUp(running), '');
    equal(exitOf(running.client.written), 255);
  });

  it('gives the client no file that nobody asked for', async () => {
    const running = start('scp -f /srv/report.txt');
    client(running, '\0');
    running.world.upstream.send(out('C0644 4 .bashrc\nevil\0'), ...END);
    await until(() => decided(running.world).length === 2);
    equal(decided(running.world)[1]?.decision.verdict, 'deny');
    await running.over;
    equal(exitOf(running.client.written), 1);
    equal(text(running.client.written, 'stdout').includes('evil'), false);
    equal(text(running.client.written, 'stdout').includes('C0644'), false);
  });

  it('lets a target end that waits for a client which says no more', async () => {
    const running = start('scp -f /srv/a');
    await until(() => running.world.steps.some(({ step }) => step === 'dial'));
    running.client.send({ kind: 'eof' });
    await until(() => running.world.upstream.written.some(({ kind }) => kind === 'eof'));
    running.world.upstream.send(out('x'.repeat(1024 * 1024)), ...END);
    await running.over;
    equal(exitOf(running.client.written), 0);
  });

  it('delivers the words of a target that ends early', async () => {
    const running = start('scp -t /srv/none/x');
    await until(() => running.world.steps.some(({ step }) => step === 'dial'));
    running.world.upstream.send(
      out('\u0001scp: /srv/none/x: No such file or directory\n'),
      { kind: 'exit', status: 1 },
      { kind: 'close' },
    );
    await running.over;
    match(text(running.client.written, 'stdout'), /No such file or directory/);
    equal(exitOf(running.client.written), 1);
  });
});
