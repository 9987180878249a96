import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type IPty } from '@lydell/node-pty';
import type { ShellIntegration } from '../../server/access/target.ts';
import { compilePolicy } from '../../server/policy/document.ts';
import type { DecidedCommand, InputUnit, OutputUnit } from '../../server/session/ports.ts';
import { Session } from '../../server/session/session.ts';
import {
  CONNECTION,
  FakeEnd,
  fakeWorld,
  grantFor,
  NONCE,
  request,
} from '../support/session-fakes.ts';

const PATIENCE_MS = 10_000;
const QUIET_MS = 300;
const TIMEOUT_MS = 30_000;

const POLICY = {
  default: 'allow',
  uncertain: 'hold',
  holdTimeout: '10m',
  rules: [{ name: 'never', action: 'deny', match: { command: ['forbidden *'] } }],
};

interface Ending {
  readonly outputFromUs: number;
  readonly outputToUs: number;
  readonly exitStatus: number | null;
}

/** Somebody at a terminal, the bastion, and a real shell that is started as the bastion asks. */
class Scene {
  readonly home = mkdtempSync(join(tmpdir(), 'sallyport-marks-'));
  readonly rows: DecidedCommand[] = [];
  readonly endings = new Map<number, Ending>();
  output = '';
  readonly #shell: string;
  readonly #client = new FakeEnd<InputUnit, OutputUnit>();
  readonly #upstream = new FakeEnd<OutputUnit, InputUnit>();
  #pty: IPty | null = null;
  #lastMs = 0;
  over: Promise<void> = Promise.resolve();

  constructor(shell: string, files: Readonly<Record<string, string>>) {
    this.#shell = shell;
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.home, name), text);
    this.#upstream.write = (unit) => {
      if (unit.kind === 'data') this.#pty?.write(unit.bytes as unknown as string);
      return Promise.resolve();
    };
    this.#client.write = (unit) => {
      if (unit.kind === 'data') this.output += unit.bytes.toString();
      this.#lastMs = performance.now();
      return Promise.resolve();
    };
  }

  /** @param own how the shell is started that isn't told to mark anything */
  async start(mode: ShellIntegration, own = `exec ${this.#shell} -i`): Promise<void> {
    const world = fakeWorld();
    const grant = grantFor('shell', mode);
    const compiled = compilePolicy('marks', POLICY);
    if (compiled.kind !== 'ok') throw new Error(JSON.stringify(compiled.problems));
    const { policy } = compiled;
    const session = new Session(
      {
        ...world.dependencies,
        policies: { byName: () => Promise.resolve({ version: 1, policy }) },
        recordings: {
          begin: () =>
            Promise.resolve({
              append: () => Promise.resolve(),
              decided: (row) => {
                this.rows.push(row);
                return Promise.resolve();
              },
              commandEnded: (seq, end) => void this.endings.set(seq, end),
              end: () => Promise.resolve(),
            }),
        },
      },
      {
        grant,
        source: '192.0.2.9:1',
        via: 'direct',
        attributed: { run: null, task: null, attribution: null },
        request: request('shell', null, true),
        end: this.#client,
        dialer: {
          dial: (_, { command }) => {
            this.#start(command?.toString() ?? own);
            return Promise.resolve({ kind: 'open', end: this.#upstream, connection: CONNECTION });
          },
          release: () => {},
          close: () => {},
        },
        onOver: () => {},
      },
    );
    this.over = session.run();
    await this.quiet();
  }

  #start(command: string): void {
    this.#pty = spawn(this.#shell, ['-c', command], {
      cols: 80,
      rows: 24,
      cwd: this.home,
      encoding: null,
      env: {
        PATH: process.env['PATH'],
        SHELL: this.#shell,
        HOME: this.home,
        TERM: 'xterm-256color',
        LANG: 'C.UTF-8',
      },
    });
    this.#pty.onData((data: unknown) => {
      this.#upstream.send({ kind: 'data', stream: 'stdout', bytes: data as Buffer });
    });
    this.#pty.onExit(() => this.#upstream.send({ kind: 'exit', status: 0 }, { kind: 'close' }));
  }

  /** Types each in one packet, and waits until nothing moves any more. */
  async type(...texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      this.#lastMs = performance.now();
      this.#client.send({ kind: 'data', bytes: Buffer.from(text) });
      await this.quiet();
    }
  }

  async quiet(): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (this.output === '' || performance.now() - this.#lastMs < QUIET_MS) {
      if (performance.now() > end) throw new Error(`no quiet: ${JSON.stringify(this.output)}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Text, certainty and exit status of each row. */
  said(): (readonly [string, string, number | null | undefined])[] {
    return this.rows.map(({ seq, text, certainty }) => [
      text,
      certainty,
      this.endings.get(seq)?.exitStatus,
    ]);
  }

  /** How long each row's output took, milliseconds. */
  durationsMs(): (number | null)[] {
    return this.rows.map(({ seq }) => {
      const end = this.endings.get(seq);
      return end === undefined ? null : Math.round((end.outputToUs - end.outputFromUs) / 1000);
    });
  }

  read(name: string): string {
    return readFileSync(join(this.home, name), 'utf8');
  }

  async close(): Promise<void> {
    this.#pty?.kill('SIGKILL');
    this.#client.send({ kind: 'close' });
    await this.over;
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** What people put into their start-up files to have prompts marked as FinalTerm does. */
const FINAL_TERM_RC = `
PS1='\\[\\e]133;A\\a\\]dev:\\w\\$ \\[\\e]133;B\\a\\]'
PS0='\\e]133;C\\a'
PROMPT_COMMAND='printf "\\e]133;D;%s\\a" $?'
`;

describe('a shell that marks its prompts and commands', () => {
  const scenes: Scene[] = [];
  const open = (shell: string, files: Readonly<Record<string, string>> = {}): Scene => {
    const scene = new Scene(shell, files);
    scenes.push(scene);
    return scene;
  };
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close();
  });

  const LINES = ['echo one\r', 'false\r', '\r', 'cd /tmp; (exit 7)\r', 'for i in 1 2\r'];

  it('gives rows their exit statuses, where marks are observed', async () => {
    const scene = open('/bin/bash', { '.bashrc': FINAL_TERM_RC });
    await scene.start('observe');
    await scene.type(...LINES, 'do false; done\r', 'sleep 0.3\r', 'true\r');
    assert.deepEqual(scene.said(), [
      ['echo one', 'observed', 0],
      ['false', 'observed', 1],
      ['cd /tmp; (exit 7)', 'observed', 7],
      ['for i in 1 2', 'observed', null],
      ['do false; done', 'observed', 1],
      ['sleep 0.3', 'observed', 0],
      ['true', 'observed', 0],
    ]);
    const [, , , , , slept] = scene.durationsMs();
    assert.ok(slept !== undefined && slept !== null && slept >= 290, String(slept));
  }).timeout(TIMEOUT_MS);

  it('leaves exit statuses open, where marks are off or none come', async () => {
    for (const [mode, rc] of [
      ['off', FINAL_TERM_RC],
      ['observe', "PS1='$ '\n"],
    ] as const) {
      const scene = open('/bin/bash', { '.bashrc': rc });
      await scene.start(mode);
      await scene.type('false\r', 'sleep 0.3\r', 'true\r');
      assert.deepEqual(scene.said().slice(0, 2), [
        ['false', 'observed', null],
        ['sleep 0.3', 'observed', null],
      ]);
      const [failed, slept] = scene.durationsMs();
      // Until the next prompt, however long nobody typed after that.
      assert.ok((failed ?? QUIET_MS) < QUIET_MS, String(failed));
      assert.ok((slept ?? 0) >= 290, String(slept));
    }
  }).timeout(TIMEOUT_MS);

  it('is told to in bash, and neither screen nor history show it', async () => {
    const scene = open('/bin/bash', {
      '.bash_profile': "PS1='dev$ '; HISTFILE=~/history; profile=read\n",
    });
    await scene.start('inject');
    await scene.type(
      'false\r',
      'echo $profile $0 ${PROMPT_COMMAND}. ${SALLYPORT_MARKS-unset}\r',
      `printf '%s;\\x41' "a"\r`,
      'for i in 1\r',
      'do (exit 3); done\r',
      'history -w; env > env\r',
    );
    assert.deepEqual(scene.said(), [
      ['false', 'observed', 1],
      ['echo $profile $0 ${PROMPT_COMMAND}. ${SALLYPORT_MARKS-unset}', 'observed', 0],
      [`printf '%s;\\x41' "a"`, 'observed', 0],
      ['for i in 1', 'observed', null],
      ['do (exit 3); done', 'observed', 3],
      ['history -w; env > env', 'observed', 0],
    ]);
    assert.match(scene.output, /read .*bash __sallyport_prompt\. unset/);
    assert.match(scene.output, new RegExp(`633;E;false;${NONCE}`));
    // oxlint-disable-next-line no-control-regex -- what terminals take for marks
    const shown = scene.output.replace(/\u001b\](?:633|133);[^\u0007]*\u0007/g, '');
    assert.doesNotMatch(shown, new RegExp(`633|${NONCE}`));
    assert.doesNotMatch(scene.read('history'), /__sallyport|633/);
    assert.doesNotMatch(scene.read('env'), new RegExp(`PROMPT_COMMAND|SALLYPORT|${NONCE}`));
  }).timeout(TIMEOUT_MS);

  it('is told to in fish', async function () {
    const scene = open('/usr/bin/fish', {});
    await scene.start('inject');
    await scene.type('false\r', 'echo "a;b" \\\\c\r', "true 'x\ry'\r");
    assert.deepEqual(scene.said(), [
      ['false', 'observed', 1],
      ['echo "a;b" \\\\c', 'observed', 0],
      ["true 'x", 'observed', null],
      ["y'", 'observed', 0],
    ]);
  }).timeout(TIMEOUT_MS);

  for (const shell of ['/bin/zsh', '/bin/dash'])
    it(`starts as it is where it knows no way to be told: ${shell}`, async () => {
      const scene = open(shell, { '.zshrc': "PROMPT='dev$ '\n" });
      await scene.start('inject');
      await scene.type('false\r', 'echo two\r');
      assert.deepEqual(
        scene.said().map(([text, certainty]) => [text, certainty]),
        [
          ['false', 'observed'],
          ['echo two', 'observed'],
        ],
      );
      assert.equal(scene.said()[0]?.[2], null);
    }).timeout(TIMEOUT_MS);

  it('tells of a line that another one became, which is judged and in doubt', async () => {
    const scene = open('/bin/bash', {
      '.bash_profile': `PS1='dev$ '; bind '"\\C-m": "\\C-a\\C-kecho other\\C-j"'\n`,
    });
    await scene.start('inject');
    await scene.type('echo one\r', 'echo two\r');
    assert.deepEqual(
      scene.said().map(([text, certainty]) => [text, certainty]),
      [
        ['echo one', 'observed'],
        ['echo other', 'uncertain'],
        ['echo two', 'observed'],
        ['echo other', 'uncertain'],
      ],
    );
  }).timeout(TIMEOUT_MS);

  it('ends the session when a rule forbids what the line became', async () => {
    const scene = open('/bin/bash', {
      '.bash_profile': `PS1='dev$ '; bind '"\\C-m": "\\C-a\\C-kforbidden thing\\C-j"'\n`,
    });
    await scene.start('inject');
    await scene.type('echo one\r');
    assert.deepEqual(
      scene.rows.map(({ text, decision }) => [text, decision.verdict]),
      [
        ['echo one', 'allow'],
        ['forbidden thing', 'deny'],
      ],
    );
    assert.match(
      scene.output,
      /the shell says that it runs another line than the one that was read, and rule "never" denies that one/,
    );
    await scene.over;
  }).timeout(TIMEOUT_MS);
});
