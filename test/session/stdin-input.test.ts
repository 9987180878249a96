import assert from 'node:assert/strict';
import {
  dialled,
  decided,
  exitOf,
  input,
  start,
  steps,
  text,
  until,
} from '../support/running-session.ts';

describe('session: shell input without a terminal', () => {
  for (const command of ['bash -s', null] as const) {
    it(`reads whole commands sent to ${command ?? 'the login shell'}`, async () => {
      const { world, client, over } = start(command);
      await until(() => dialled(world));
      client.send(input('echo a\nif true\nthen echo b\n'));
      await until(() => world.upstream.written.length > 0);
      assert.deepEqual(world.upstream.written, [input('echo a\n')], 'the rest is incomplete');
      client.send(input('fi\nrm -r'), input('f /data/x\necho never\n'));
      await over;
      const sent = world.upstream.written.map((unit) =>
        unit.kind === 'data' ? unit.bytes.toString() : unit.kind,
      );
      assert.deepEqual(sent, ['echo a\n', 'if true\nthen echo b\nfi\n', 'eof', 'close']);
      assert.match(text(client.written, 'stderr'), /denied by rule "no-wipe"/);
      assert.equal(exitOf(client.written), 126);
    });
  }

  it('decides a last command without a line end at the end of input', async () => {
    const { world, client, over } = start('sh');
    await until(() => dialled(world));
    client.send(input('rm -rf /data/x'), { kind: 'eof' });
    await over;
    assert.deepEqual(world.upstream.written, [{ kind: 'eof' }, { kind: 'close' }]);
  });

  const cutters: [string, string | null, string, string][] = [
    ['a command before the shell', 'read x; sh', '', ': <<E\nrm -rf /data/x\nE\n'],
    ['a command of the script', null, 'read x\n', ': <<E\nrm -rf /data/x\nE\n'],
    ['a command that takes one byte', 'bash', 'head -c 1\n', '#rm -rf /data/x\n'],
  ];
  for (const [what, command, before, hidden] of cutters) {
    it(`holds what follows ${what} that may have taken a part of the input`, async () => {
      const { world, client, over } = start(command);
      client.send(input(before + hidden));
      await until(() => steps(world).includes('approval'));
      world.decide({ kind: 'refused', by: 'alice', reason: null });
      await over;
      assert.ok(!JSON.stringify(world.upstream.written).includes(JSON.stringify(input(hidden))));
      const last = decided(world).at(-1);
      assert.deepEqual([last?.text, last?.certainty], [hidden, 'uncertain']);
    });
  }

  it('keeps the byte of Ctrl-C in a script, also while a line is decided', async () => {
    const { world, client, over } = start('bash');
    await until(() => dialled(world));
    const hold = world.holdDurability();
    client.send(input('echo 1\n'));
    await new Promise((resolve) => setTimeout(resolve, 10));
    client.send(input("echo 2 '\u0003'\n"));
    await new Promise((resolve) => setTimeout(resolve, 10));
    hold.release();
    await until(() => world.upstream.written.length === 2);
    assert.deepEqual(world.upstream.written, [input('echo 1\n'), input("echo 2 '\u0003'\n")]);
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
  });

  it('lets others work while a command of many lines is not whole', async () => {
    const { world, client, over } = start('bash');
    await until(() => dialled(world));
    const text = `cat <<E\n${'\n'.repeat(20_000)}E\n`;
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    client.send(input(text));
    await until(() => world.upstream.written.length > 0);
    clearInterval(timer);
    assert.deepEqual(world.upstream.written, [input(text)]);
    assert.ok(turns > 10, `${turns} turns`);
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
  });

  it('leaves the input of other programs alone', async () => {
    const { world, client, over } = start('cat > f');
    await until(() => dialled(world));
    client.send(input('rm -rf /data/x\n'), { kind: 'eof' });
    await until(() => world.upstream.written.length === 2);
    world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    assert.equal(exitOf(client.written), 0);
  });
});
