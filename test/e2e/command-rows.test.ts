/**
 * Each line that is submitted in a shell has a row and a marker, and the row's range holds the output of
 * that line and of no other.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import { apiOf, type Api } from '../support/api.ts';
import { loginAt, type LoginShell, PROMPT, writeLogin } from '../support/login-shell.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import type { Terminal } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    holdTimeout: 60s
    rules:
      - {name: no-marker, action: deny, match: {command: ["touch *"]}}
      - {name: ask, action: hold, match: {command: ["seq 7 8"]}}
`;
/** A person looks at the prompt before the next line. */
const LOOK_MS = 250;
/** A bastion and its database start, on a busy machine. */
const START_MS = 180_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A line, what it prints, and what is shown then; null = it prints nothing that is its own. */
interface Line {
  readonly keys: string;
  readonly prints: string | null;
  readonly shows?: RegExp;
  readonly decision?: 'deny';
}
const line = (keys: string, prints: string | null, shows?: RegExp): Line =>
  shows === undefined ? { keys, prints } : { keys, prints, shows };
/** Line editors say more than the prompt. */
const MORE = /[a-z]*> (?:.\[[^a-zA-Z]*[a-zA-Z]|.=)*$/;

const PLAIN: readonly Line[] = [
  line('echo one', 'one'),
  line('seq 3', '1\n2\n3'),
  line('false', ''),
  line('sleep 0.5; echo slept', 'slept'),
  { ...line('touch x', null, /no-marker/), decision: 'deny' },
  line('echo after', 'after'),
];
const SEVERAL: readonly Line[] = [
  line('for i in 1 2', '', MORE),
  line('do echo item $i', '', MORE),
  line('done', 'item 1\nitem 2'),
  line('cat <<E', '', MORE),
  line('here text', '', MORE),
  line('E', 'here text'),
];
const NESTED: readonly Line[] = [
  line(`PS1='${PROMPT.slice(0, 3)}''${PROMPT.slice(3)}' dash`, ''),
  line('echo inner', 'inner'),
  line('exit', ''),
  line('python3 -q', '', />>> $/),
  line('print(6*7)', '42', />>> $/),
  line('exit()', ''),
  line('echo back', 'back'),
];

describe('e2e: rows of commands', () => {
  let folder: string;
  let real: RealTarget;
  let api: Api;

  before(async function () {
    this.timeout(START_MS);
    folder = await temporaryFolder();
    const sshd = await writeLogin(folder);
    real = await startRealTarget(folder, POLICIES, {}, { sshd });
    api = await apiOf(real.bastion);
  });
  after(async () => {
    await real[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function play(terminal: Terminal, lines: readonly Line[]): Promise<void> {
    for (const { keys, shows = PROMPT_AGAIN } of lines) {
      await pause(LOOK_MS);
      terminal.type(`${keys}\r`);
      await terminal.expect('\r\n');
      await terminal.expect(shows);
      if (shows !== PROMPT_AGAIN && shows !== MORE && !shows.source.includes('>>>')) {
        await terminal.expect(PROMPT_AGAIN);
      }
    }
    await pause(LOOK_MS);
  }

  interface Recorded {
    readonly session: SessionView;
    readonly rows: readonly CommandView[];
    readonly events: readonly RecordedEvent[];
    /** What was printed in the range of a row, as a person would copy it. */
    readonly printed: (row: CommandView) => string | null;
  }

  async function recorded(): Promise<Recorded> {
    const session = await api.lastSession();
    const rows = await api.commands(session.id);
    const file = await api.get(`sessions/${session.id}/recording?format=json`);
    const { events } = JSON.parse(file) as { events: RecordedEvent[] };
    const printed = ({ outputFromMs: from, outputToMs: to }: CommandView): string | null => {
      if (from === null || to === null) return null;
      const texts = events.map((event) => {
        const atMs = Math.round(event.atUs / 1000);
        return event.code === 'o' && 'text' in event && atMs >= from && atMs <= to
          ? event.text
          : '';
      });
      return withoutPrompt(texts.join(''));
    };
    return { session, rows, events, printed };
  }

  function assertRows({ rows, events, printed }: Recorded, lines: readonly Line[]): void {
    assert.deepEqual(
      rows.map((row) => [row.text, row.decision, row.certainty, printed(row)]),
      lines.map(({ keys, prints, decision = 'allow' }) => [keys, decision, 'observed', prints]),
    );
    const markers = events.filter(({ code }) => code === 'm');
    assert.deepEqual(
      markers.map(({ atUs }) => Math.round(atUs / 1000)),
      rows.map(({ atMs }) => atMs),
    );
    for (const { atMs, outputFromMs } of rows) assert.ok((outputFromMs ?? atMs) >= atMs);
  }

  for (const shell of ['bash', 'zsh', 'dash', 'ash'] as const)
    it(`hold what each line of ${shell} printed`, async () => {
      const lines = [...PLAIN, ...SEVERAL];
      const terminal = await loginAt(real.sshConfig, shell);
      await play(terminal, lines);
      await terminal.close();
      assertRows(await recorded(), lines);
    }).timeout(120_000);

  it('hold what each line of fish printed', async () => {
    const terminal = await loginAt(real.sshConfig, 'fish');
    await play(terminal, PLAIN);
    await terminal.close();
    assertRows(await recorded(), PLAIN);
  }).timeout(120_000);

  it('hold what was printed in an inner shell and in a console', async () => {
    const terminal = await loginAt(real.sshConfig, 'bash');
    await play(terminal, NESTED);
    await terminal.close();
    assertRows(await recorded(), NESTED);
  }).timeout(120_000);

  it('hold what was printed behind a further ssh', async () => {
    const lines = [
      line(`ssh -F ${real.sshConfig} -o SetEnv=LC_SHELL=dash -tt direct`, ''),
      line('echo inner', 'inner'),
      line('exit', ''),
      line('echo back', 'back'),
    ];
    const terminal = await loginAt(real.sshConfig, 'bash');
    await play(terminal, lines);
    await terminal.close();
    const found = await recorded();
    assert.deepEqual(
      found.rows.map((row) => [row.text, found.printed(row)?.split('\n').at(-1)]),
      lines.map(({ keys, prints }) => [keys, prints]),
    );
  }).timeout(120_000);

  it('begin, for a line that was held, when it was let through', async () => {
    const terminal = await loginAt(real.sshConfig, 'bash');
    await pause(LOOK_MS);
    terminal.type('seq 7 8\r');
    const said = await terminal.expect(/waiting for approval \w+ /);
    const [, id = ''] = /approval (\w+) $/.exec(said) ?? [];
    await real.bastion.cli('approvals', 'approve', id);
    await terminal.expect('approved by');
    await terminal.expect(PROMPT_AGAIN);
    await play(terminal, [line('echo next', 'next')]);
    await terminal.close();
    const found = await recorded();
    const [held, next] = found.rows;
    assert.ok(held?.decision === 'hold' && next !== undefined);
    assert.equal(found.printed(held), '7\n8');
    assert.equal(found.printed(next), 'next');
  }).timeout(60_000);

  it('hold at least their own output where lines are pasted, and not that of the others', async () => {
    for (const shell of ['bash', 'dash'] as const satisfies readonly LoginShell[]) {
      const terminal = await loginAt(real.sshConfig, shell);
      await pause(LOOK_MS);
      terminal.type('echo x$((1+1))x\recho x$((1+2))x\recho x$((1+3))x\r');
      await terminal.expect('x4x');
      await terminal.expect(PROMPT_AGAIN);
      await pause(LOOK_MS);
      await terminal.close();
      const found = await recorded();
      const own = found.rows.map((row) => found.printed(row)?.match(/x\dx/g));
      assert.deepEqual(own, [['x2x'], ['x3x'], ['x4x']], shell);
    }
  }).timeout(60_000);

  it('end with the session, when it is left and when the client is gone', async () => {
    const left = await loginAt(real.sshConfig, 'bash');
    await play(left, [line('echo one', 'one')]);
    left.type('exit 5\r');
    assert.equal((await left.ended()).status, 5);
    const first = await recorded();
    assert.equal(first.session.exitStatus, 5);
    assert.deepEqual(
      first.rows.map((row) => [row.text, row.exitStatus, row.outputToMs !== null]),
      [
        ['echo one', null, true],
        ['exit 5', null, true],
      ],
    );
    const gone = await loginAt(real.sshConfig, 'bash');
    await pause(LOOK_MS);
    gone.type('echo begun; sleep 30\r');
    await gone.expect(/[\r\n]begun/);
    await gone.close();
    for (let tries = 0; (await recorded()).session.endedAt === null && tries < 20; tries += 1)
      await pause(LOOK_MS);
    const second = await recorded();
    const [row] = second.rows;
    assert.ok(row !== undefined && second.rows.length === 1);
    assert.deepEqual(
      [row.text, row.exitStatus, second.printed(row)],
      ['echo begun; sleep 30', null, 'begun'],
    );
  }).timeout(60_000);

  it('are the same for the command line and the web', async () => {
    const { session, rows } = await recorded();
    const shown = await real.bastion.cli('sessions', 'commands', session.id, '--json');
    assert.deepEqual((JSON.parse(shown.stdout) as { items: CommandView[] }).items, rows);
    const table = await real.bastion.cli('sessions', 'commands', session.id);
    assert.ok(table.stdout.includes('echo begun; sleep 30'), table.stdout);
  });
});

const PROMPT_AGAIN = new RegExp(`${PROMPT.trimEnd()}(?: |.\\[[^m]*m| )*`);

/** What terminals take for commands. */
const CONTROLS =
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  /\u001b\][^\u0007]*\u0007|\u001b\[[0-9;?]*[a-zA-Z]|\u001b[()][A-Z0-9]|\u001b[=>]|[\r\b]/g;

/** Without what terminals take for commands, the end of the line that was submitted, and the prompt. */
function withoutPrompt(text: string): string {
  return (
    text
      .replace(CONTROLS, '')
      .replace(/(?:⏎ +⏎ +|% +)?READY> *$/, '')
      .replace(/^[^\n]*\n/, '')
      // Said in the same millisecond in which the line was let through.
      .replace(/^\n?sallyport: [^\n]*\n+/, '')
      .replace(/\n?(?:[a-z]*> |>>> )$/, '')
      .trimEnd()
  );
}
