import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoGuide } from '../../server/cli/demo.ts';
import { parseCommandLine } from '../../server/cli/verb.ts';
import { VERBS } from '../../server/cli/verbs.ts';
import { programEnvironment, runProgram } from '../support/program.ts';

const ENTRY = join(import.meta.dirname, '../../server/sallyport.mjs');

/** Runs the real program; nothing here may need a home or a database. */
function sallyport(...args: readonly string[]) {
  const env = programEnvironment({ SALLYPORT_HOME: '/dev/null/none' });
  return runProgram(process.execPath, [ENTRY, ...args], { env, workingDirectory: tmpdir() });
}

describe('the command line', () => {
  const wrong = [
    { argv: ['nonsense'], message: 'there is no verb "nonsense"', hint: /help/ },
    { argv: ['sessions', '--limit'], message: 'there is no verb "sessions"', hint: /list, .*show/ },
    { argv: ['--json'], message: 'there is no verb "--json"', hint: /help/ },
    { argv: ['check'], message: 'the number of arguments is wrong', hint: /check FILE$/ },
    { argv: ['doctor', '--fast'], message: "Unknown option '--fast'", hint: /sallyport doctor$/ },
  ] as const;
  for (const { argv, message, hint } of wrong) {
    it(`explains what is wrong with: ${argv.join(' ')}`, () => {
      const parsed = parseCommandLine(argv, VERBS);
      assert.ok(parsed.kind === 'usage');
      assert.equal(parsed.message, message);
      assert.match(parsed.hint, hint);
    });
  }

  for (const argv of [[], ['help'], ['-h'], ['--help'], ['token', 'create', '--help']]) {
    it(`shows every verb after: ${argv.join(' ') || 'nothing'}`, () => {
      assert.equal(parseCommandLine(argv, VERBS).kind, 'help');
    });
  }

  it('leaves words behind -- to the verb', () => {
    const parsed = parseCommandLine(['policy', 'test', '--', 'ls', '--help'], VERBS);
    assert.ok(parsed.kind === 'verb');
    assert.deepEqual(parsed.positionals, ['ls', '--help']);
  });

  it('lists every verb, from any working directory', async () => {
    const { status, stdout } = await sallyport('help');
    assert.equal(status, 0);
    for (const { name } of VERBS.filter((one) => one.name !== 'demo-target')) {
      assert.match(stdout.toString(), new RegExp(`^  ${name}`, 'm'));
    }
  });

  it('ends well when its reader has seen enough', async () => {
    const script = `"$0" "$1" help | true; exit "\${PIPESTATUS[0]}"`;
    const args = ['-c', script, process.execPath, ENTRY];
    const { status, stderr } = await runProgram('bash', args);
    assert.equal(status, 0, stderr);
  });

  it('answers a mistake in one line, and with --json as an object too', async () => {
    const plain = await sallyport('check');
    assert.equal(plain.status, 2);
    assert.equal(plain.stdout.length, 0);
    assert.match(plain.stderr, /^sallyport: the number .*check FILE\n$/);
    const json = await sallyport('sessions', 'list', '--json');
    assert.equal(json.status, 2);
    const { error } = JSON.parse(json.stdout.toString()) as { error: Record<string, string> };
    assert.equal(error['code'], 'home.unwritable');
    assert.match(error['hint'] ?? '', /SALLYPORT_HOME/);
  });
});

describe('the guide of a first start', () => {
  const facts = {
    version: '1.2.3',
    database: 'PostgreSQL',
    ssh: '127.0.0.1:2222',
    url: 'http://localhost:8022',
    setupToken: 'token',
  };

  for (const { home, config } of [
    { home: '/home/a', config: '/home/a/demo/ssh_config' },
    { home: "/home/it's here", config: `'/home/it'\\''s here/demo/ssh_config'` },
  ]) {
    it(`has each command alone on its line below ${home}`, () => {
      const lines = demoGuide({ ...facts, home }).split('\n');
      const commands = lines.filter((line) => line.includes('ssh -F')).map((line) => line.trim());
      assert.deepEqual(commands, [
        `ssh -F ${config} demo`,
        `ssh -F ${config} demo-agent 'uname -a'`,
        `ssh -F ${config} demo-agent 'rm -rf /'`,
        `ssh -F ${config} demo-agent 'shutdown -k now'`,
        `ssh -F ${config} demo-bastion approve ID`,
      ]);
    });
  }
});
