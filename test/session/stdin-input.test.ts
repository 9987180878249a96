import assert from 'node:assert/strict';
import {
  dialled,
  decided,
  exitOf,
  input,
  runInput,
  start,
  stdout,
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

  const refused: readonly [what: string, input: string][] = [
    [
      'behind a longer one',
      `cat > f <<E\n${'x\n'.repeat(100)}E\nread x\n: <<E\nrm -rf /data/x\nE\n`,
    ],
    ['behind a shell that is over', 'D=/data\nbash\nD=/tmp\nexit\nrm -rf $D/x\n'],
    ['in a shell without its variables', 'D=/tmp\nbash\nrm -rf $D/data/x\n'],
    ['behind a shell that reads ahead', 'sh\nexit\n#\necho rm -rf /data/x\n'],
    ['behind another file of commands', 'exec 0</tmp/f\nrm -rf /data/x\n'],
    ['behind a copied input', 'exec 3<&0; exec 0</tmp/f\nrm -rf /data/x\n'],
    ['of a sourced input', '. /dev/stdin\n: <<E\nrm -rf /data/x\nE\n'],
    ['of a piped document', 'cat <<EOF | bash\nrm -rf /data/x\nEOF\n'],
    ['of an alias', 'alias q="echo \'"\nshopt -s expand_aliases\nq\nrm -rf /data/x\n\'\n'],
    ['in an extended pattern', 'shopt -s extglob\nrm -rf /dat@(a)/x\n'],
    ['behind a question', 'rm -i /tmp/x\n: <<E\nrm -rf /data/x\nE\n'],
    ['behind a password', 'sudo -S true\nf() {\nrm -rf /data/x\n}\n'],
    ['behind an unknown program', "./prog\n: '\nrm -rf /data/x\n'\n"],
    ['that is continued', 'rm \\\n-rf \\\n/data/x\n'],
    ['behind a comment', '# c \\\nrm -rf /data/x\n'],
    ['with CR and LF', 'if true\r\nthen\r\nrm -rf /data/x\r\nfi\r\n'],
    ['without a line end', 'rm -rf /data/x'],
    ['in a document without an end', 'cat <<E\n$(rm -rf /data/x)'],
    ['in SQL of a client', 'psql\nrm -rf /data/x\n'],
  ];
  for (const [what, script] of refused) {
    it(`refuses a command ${what}`, async () => {
      const { verdicts, exitStatus } = await runInput('bash', Buffer.from(script));
      assert.notEqual(verdicts.at(-1), 'allow');
      assert.equal(exitStatus, 126);
    });
  }

  const passed: readonly string[] = [
    'cat > /tmp/f <<EOF\na "b\nEOF\nwhile read -r l; do echo $l; done < /tmp/f\nread x < /tmp/f\necho $x\n',
    'apt-get install -y x < /dev/null\ncat > /tmp/f <<E\nrm -rf /var/tmp/x\nE\n',
    'python3 manage.py migrate\nf() {\n  echo $1\n}\nf a\nexit 3',
    'echo one; echo two &&\\\necho three\n',
    'echo ü\r\n\n# comment\n\n:\n',
    'f() { read x; }\necho no call\ncat <<-E\n\tx\n\tE\n',
    'sudo bash\nD=/tmp\necho hi\n',
    ': line\n'.repeat(2000),
  ];
  for (const script of passed) {
    it(`passes unchanged: ${JSON.stringify(script).slice(0, 60)}`, async () => {
      const { sent, verdicts, exitStatus } = await runInput('bash -s', Buffer.from(script));
      assert.deepEqual(new Set(verdicts), new Set(['allow']));
      assert.equal(sent.toString(), script);
      assert.equal(exitStatus, 0);
    });
  }

  it('decides the same wherever the input is cut', async () => {
    const script = Buffer.from(
      'echo ü\ncat <<E; f() {\nx\nE\n  :\n}\necho a \\\n b\nrm -rf /data/x\nls\n',
    );
    const whole = await runInput('bash', script);
    assert.equal(whole.verdicts.at(-1), 'deny:no-wipe');
    const everywhere = Array.from(script, (_, at) => at);
    for (const splits of [...everywhere.map((at) => [at]), everywhere]) {
      const { sent, verdicts } = await runInput('bash', script, splits);
      assert.deepEqual([sent.toString(), verdicts], [whole.sent.toString(), whole.verdicts]);
    }
  });

  it('lets what came before a refused command end, and says so at the end', async () => {
    const { world, client, over } = start('bash');
    await until(() => dialled(world));
    client.send(input('sleep 1; echo a\nrm -rf /data/x\necho never\n'), { kind: 'eof' });
    await until(() => world.upstream.written.some(({ kind }) => kind === 'eof'));
    world.upstream.send(stdout('a\n'), { kind: 'exit', status: 0 }, { kind: 'close' });
    await over;
    assert.equal(text(client.written, 'stdout'), 'a\n');
    assert.match(
      text(client.written, 'stderr'),
      /^sallyport: denied by rule "no-wipe": .*\nsallyport: the session ends here: .*\n$/,
    );
    assert.equal(exitOf(client.written), 126);
  });

  for (const end of ['approved', 'refused', 'expired', 'gone'] as const) {
    it(`holds a command of the script until it is ${end}`, async () => {
      const { world, client, over, session } = start('bash');
      await until(() => dialled(world));
      client.send(input('echo a\nshutdown now\necho b\n'));
      await until(() => steps(world).includes('approval'));
      const sent = () =>
        world.upstream.written.flatMap((unit) =>
          unit.kind === 'data' ? [unit.bytes.toString()] : [],
        );
      assert.deepEqual(sent(), ['echo a\n'], 'what came before does not wait');
      if (end === 'approved') {
        world.decide({ kind: 'approved', by: 'alice', reason: null });
        await until(() => sent().length === 2);
        assert.deepEqual(sent(), ['echo a\n', 'shutdown now\necho b\n']);
        world.upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' });
        await over;
        assert.equal(exitOf(client.written), 0);
        return;
      }
      if (end === 'gone') {
        client.send({ kind: 'close' });
        session.clientGone();
        world.decide({ kind: 'approved', by: 'alice', reason: null });
      } else {
        world.decide(end === 'refused' ? { kind: end, by: 'alice', reason: null } : { kind: end });
      }
      await over;
      assert.deepEqual(sent(), ['echo a\n']);
      if (end !== 'gone') assert.equal(exitOf(client.written), 126);
    });
  }

  it('never sends a command that the client broke off in the middle', async () => {
    const { world, client, over, session } = start('bash');
    await until(() => dialled(world));
    client.send(input('echo a\nrm -rf /tmp/x'), { kind: 'close' });
    session.clientGone();
    await over;
    assert.doesNotMatch(JSON.stringify(world.upstream.written), /rm/);
  });

  it('gives the status to the request’s own row', async () => {
    const { world, client, over } = start('bash');
    await until(() => dialled(world));
    client.send(input('echo a\nexit 3\n'), { kind: 'eof' });
    await until(() => world.upstream.written.some(({ kind }) => kind === 'eof'));
    world.upstream.send({ kind: 'exit', status: 3 }, { kind: 'close' });
    await over;
    assert.deepEqual(
      world.steps.flatMap((one) => (one.step === 'ended' ? [[one.seq, one.exitStatus]] : [])),
      [
        [2, null],
        [3, null],
        [1, 3],
      ],
    );
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
