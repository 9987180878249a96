/** Scripts and dumps on the input of real programs give what a direct connection gives, up to a refusal. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { sharedServer } from '../support/database.ts';
import { programEnvironment, type ProgramResult } from '../support/program.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import { ssh } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: deny
    holdTimeout: 1m
    rules:
      - {name: no-wipe, action: deny, match: {path: ["/data/**"], access: [delete]}, reason: "production data"}
      - {name: no-drop, action: deny, match: {sql: "drop database *"}, reason: "whole databases"}
      - {name: power, action: hold, match: {command: [shutdown]}}
`;
const DUMP = join(import.meta.dirname, '../cases/input/dump.sql');

const SCRIPTS: readonly (readonly [name: string, script: string])[] = [
  [
    'here-documents, functions, loops',
    `cd "$(mktemp -d)"
cat > f <<EOF
a "b
$((1 + 2)) last
EOF
cat >> f <<'EOF'
$HOME \`id\`
EOF
while read -r line; do
  echo "got $line"
done < f
f() {
  if [ "$1" = a ]; then
    echo is a
  else
    echo is not a >&2
  fi
}
f a
f b
for i in 1 2 3; do echo $i; done | sort -r
x=$(cat <<EOF
inner
EOF
)
echo "$x" \\
  continued; echo one &&\\
echo two
exit 3
echo never
`,
  ],
  ['no line end at the end', 'echo a\nfalse'],
  ['CR and LF', 'echo a\r\necho b\r\n'],
  ['a here-document without an end', 'cat <<EOF\nnever closed\n'],
  ['an end in the middle', 'echo a\nexit 5\necho b\n'],
  ['output and errors', 'echo out; echo err >&2\n(echo sub)\nkill -TERM $$\n'],
  ['a job in the background', 'sleep 0.2 &\necho started\nwait\necho done\n'],
  ['shells in shells', 'bash <<E\necho nested\nE\nsh -c "echo c"\npython3 /dev/null\necho last\n'],
  ['1,000 lines', `${': line\n'.repeat(1000)}echo last\n`],
  ['a million bytes', `${`: ${'x'.repeat(998)}\n`.repeat(1000)}echo last\n`],
];

describe('e2e: commands on the input', () => {
  let folder: string;
  let real: RealTarget;
  let psql: string;

  const direct = (command: string | undefined, input?: string | Buffer): Promise<ProgramResult> =>
    ssh(
      {
        config: real.sshConfig,
        host: 'direct',
        args: ['-T'],
        ...(input !== undefined && { input }),
      },
      command,
    );
  const through = (command: string | undefined, input: string | Buffer): Promise<ProgramResult> =>
    ssh({ config: real.sshConfig, host: 'agent', args: ['-T'], input }, command);

  before(async () => {
    folder = await temporaryFolder();
    real = await startRealTarget(folder, POLICIES);
    const { postgres } = await sharedServer();
    psql = `psql -X -q -v ON_ERROR_STOP=1 -h ${postgres.socketDirectory} -p ${postgres.port} -U ${postgres.user}`;
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  for (const [name, script] of SCRIPTS) {
    for (const command of ['bash -s', undefined, 'sh']) {
      it(`${name}: ${command ?? 'the login shell'}`, async () => {
        const expected = await direct(command, script);
        const result = await through(command, script);
        assert.deepEqual(result, expected);
      });
    }
  }

  it('runs a script that comes a byte at a time', async () => {
    const args = ['-F', real.sshConfig, '-T', 'agent', 'bash -s'];
    const child = spawn('ssh', args, {
      env: programEnvironment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    for (const byte of 'f() {\n echo f\n}\nf\n') {
      child.stdin.write(byte);
      await sleep(5);
    }
    child.stdin.end();
    assert.equal(await ended, 0);
    assert.equal(output, 'f\n');
  });

  it('runs what comes before a refused command to its end, and nothing after it', async () => {
    const marker = join(folder, 'never');
    const script = `sleep 0.5; echo before\nrm -rf /data/db\ntouch ${marker}\n`;
    for (const command of ['bash -s', 'env sh', undefined]) {
      const result = await through(command, script);
      assert.equal(result.stdout.toString(), 'before\n');
      assert.match(
        result.stderr,
        /^sallyport: denied by rule "no-wipe": .*\(command \d of session \S+\)\nsallyport: the session ends here: nothing after that command was sent to web1\n$/,
      );
      assert.equal(result.status, 126);
    }
    assert.notEqual((await direct(`ls ${marker}`)).status, 0, 'the rest of the script ran');
  });

  it('gives every command of the input a row, with the marker before its output', async () => {
    await through('bash -s', 'echo first\necho second\nexit 4\n');
    const { stdout } = await real.bastion.cli('sessions', 'list', '--json', '--limit', '1');
    const { items } = JSON.parse(stdout) as { items: { id: string }[] };
    const id = items[0]?.id ?? '';
    const commands = JSON.parse(
      (await real.bastion.cli('sessions', 'commands', id, '--json')).stdout,
    ) as { items: { text: string; decision: string; exitStatus: number | null }[] };
    assert.deepEqual(
      commands.items.map((one) => [one.text.trim(), one.decision, one.exitStatus]),
      [
        ['bash -s', 'allow', 4],
        ['echo first', 'allow', null],
        ['echo second', 'allow', null],
        ['exit 4', 'allow', null],
      ],
    );
  });

  it('holds a command of a script and goes on when it is approved', async () => {
    const running = through(
      'bash -s',
      'shutdown() { echo not really; }\nshutdown now\necho after\n',
    );
    let id: string | undefined;
    while (id === undefined) {
      const { stdout } = await real.bastion.cli('approvals', 'list', '--json');
      id = (JSON.parse(stdout) as { items: { id: string }[] }).items[0]?.id;
    }
    await real.bastion.cli('approvals', 'approve', id);
    const result = await running;
    assert.equal(result.stdout.toString(), 'not really\nafter\n', result.stderr);
    assert.equal(result.status, 0);
  });

  it('restores a dump of PostgreSQL unchanged', async () => {
    const dump = await readFile(DUMP);
    const ask = (database: string): Promise<ProgramResult> =>
      direct(
        `${psql} -d ${database} -At`,
        `select md5(string_agg(p::text, ',' order by id)), count(*) from app.person p;
         select md5(string_agg(c::text, ',' order by id)) from app.child c;
         select md5(string_agg(pg_get_functiondef(oid), ',' order by proname)) from pg_proc where pronamespace = 'app'::regnamespace;
         select pg_get_viewdef('app.v'), nextval('app.s');\n`,
      );
    await direct(`${psql} -d postgres`, 'create database plain; create database restored;');
    await direct(`${psql} -d plain`, dump);
    const result = await through(`${psql} -d restored`, dump);
    assert.equal(result.stderr, '');
    assert.equal(result.status, 0);
    const restored = await ask('restored');
    assert.equal(restored.status, 0, restored.stderr);
    assert.deepEqual(restored, await ask('plain'));
  });

  it('stops a dump at what is forbidden: what comes before has run, nothing after it', async () => {
    await direct(`${psql} -d postgres`, 'create database cut; create database kept;');
    const dump = `create table before (a int);
copy before from stdin;
1
2
\\.
select pg_sleep(0.5); insert into before values (3);
drop database kept;
create table after (a int);
`;
    const result = await through(`${psql} -d cut`, dump);
    assert.equal(result.status, 126);
    assert.match(result.stderr, /^sallyport: denied by rule "no-drop": /);
    const left = await direct(
      `${psql} -d cut -At`,
      "select count(*) from before; select to_regclass('after') is null; select count(*) from pg_database where datname = 'kept';\n",
    );
    assert.equal(left.stdout.toString(), '3\nt\n1\n');
  });

  it('reads rows as statements, should the server refuse them', async () => {
    await direct(`${psql} -d postgres`, 'create database kept2;');
    const attack = 'copy nothing from stdin;\ndrop database kept2;\n\\.\n';
    const command = `${psql} -v ON_ERROR_STOP=0 -d postgres`;
    assert.match((await through(command, attack)).stderr, /denied by rule "no-drop"/);
    const left = await direct(
      `${psql} -d postgres -At`,
      "select count(*) from pg_database where datname = 'kept2';\n",
    );
    assert.equal(left.stdout.toString(), '1\n');
  });

  it('judges what sqlite3 reads', async () => {
    const file = join(folder, 'a.db');
    const good = "create table t(a);\ninsert into t values ('x;y');\nselect a from t;\n";
    assert.equal((await through(`sqlite3 ${file}`, good)).stdout.toString(), 'x;y\n');
    const result = await through(
      `sqlite3 ${file}`,
      'select 1;\n.shell rm -rf /data/x\nselect 2;\n',
    );
    assert.equal(result.stdout.toString(), '1\n');
    assert.equal(result.status, 126);
  });

  for (const command of ['python3 -', 'perl', 'cat | sh', 'base64 -d | bash', 'psql; bash']) {
    it(`asks before it runs ${command}, whose input can't be read`, async () => {
      // What is short enough is judged with its command.
      const result = await through(command, `x\n${'#'.repeat(10_000)}\n`);
      assert.equal(result.status, 126);
      assert.match(result.stderr, /^sallyport: denied by rule "uncertain": /);
    });
  }

  it('leaves data alone', async () => {
    const block = createHash('sha512').update('x').digest();
    const bytes = Buffer.concat(Array.from({ length: 65_536 }, () => block));
    for (const command of [
      'cat > /dev/null; echo done',
      'gzip | gzip -d | sha256sum',
      'dd status=none | wc -c',
    ]) {
      const expected = await direct(command, bytes);
      assert.deepEqual(await through(command, bytes), expected);
    }
  });
});
