/** Marks of shells through a real sshd: what is told to shells, what they leave, and what forgers get. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShellIntegration } from '../../server/access/target.ts';
import type { CommandView, SessionView } from '../../server/http/ports.ts';
import { apiOf, type Api } from '../support/api.ts';
import {
  loginAt,
  type LoginShell,
  PROMPT,
  type StartUp,
  writeLogin,
} from '../support/login-shell.ts';
import { startRealTarget, type RealTarget } from '../support/real-target.ts';
import type { Terminal } from '../support/ssh.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const POLICIES = `policies:
  default:
    default: allow
    uncertain: allow
    rules:
      - {name: no-marker, action: deny, match: {command: ["touch *"]}, reason: "no markers"}
`;
const LOOK_MS = 300;
/** A bastion and its database start, on a busy machine. */
const START_MS = 180_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class World {
  readonly folder: string;
  readonly real: RealTarget;

  readonly #api: Api;

  private constructor(folder: string, real: RealTarget, api: Api) {
    this.folder = folder;
    this.real = real;
    this.#api = api;
  }

  static async start(mode: ShellIntegration, files: StartUp = {}): Promise<World> {
    const folder = await temporaryFolder();
    const sshd = await writeLogin(folder, files);
    const options = { sshd, shellIntegration: mode };
    const real = await startRealTarget(folder, POLICIES, {}, options);
    return new World(folder, real, await apiOf(real.bastion));
  }

  async stop(): Promise<void> {
    await this.real[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Types the lines, each at its own prompt; then leaves, and gives all that was shown. */
  async play(shell: LoginShell, lines: readonly string[]): Promise<string> {
    const terminal = await loginAt(this.real.sshConfig, shell);
    await this.type(terminal, lines);
    await pause(LOOK_MS);
    await terminal.close();
    return terminal.transcript;
  }

  async type(terminal: Terminal, lines: readonly string[]): Promise<void> {
    for (const one of lines) {
      await pause(LOOK_MS);
      terminal.type(`${one}\r`);
      await terminal.expect('\r\n');
      await terminal.expect(PROMPT.trimEnd());
    }
  }

  session(): Promise<SessionView> {
    return this.#api.lastSession();
  }

  async rows(): Promise<readonly CommandView[]> {
    return this.#api.commands((await this.session()).id);
  }

  /** Text, certainty and exit status of each. */
  async said(): Promise<(readonly [string, string, number | null])[]> {
    const rows = await this.rows();
    return rows.map(({ text, certainty, exitStatus }) => [text, certainty, exitStatus]);
  }

  home(shell: LoginShell): string {
    return join(this.folder, `home-${shell}`);
  }
}

const LINES = ['true', 'false', 'sh -c "exit 7"'];
const SAID = [
  ['true', 'observed', 0],
  ['false', 'observed', 1],
  ['sh -c "exit 7"', 'observed', 7],
];

describe('e2e: marks of shells that are told to mark', () => {
  let world: World;
  before(async function () {
    this.timeout(START_MS);
    world = await World.start('inject');
  });
  after(() => world.stop());

  for (const shell of ['bash', 'fish'] as const)
    it(`give the exit statuses of ${shell}, and leave nothing behind`, async () => {
      const home = world.home(shell);
      await mkdir(home, { recursive: true });
      await world.play(shell, [...LINES, 'env >env', 'echo last']);
      assert.deepEqual(await world.said(), [
        ...SAID,
        ['env >env', 'observed', 0],
        ['echo last', 'observed', 0],
      ]);
      const env = await readFile(join(home, 'env'), 'utf8');
      assert.doesNotMatch(env, /SALLYPORT_|__sallyport|PROMPT_COMMAND|633;/);
      const entries = await readdir(home, { recursive: true, withFileTypes: true });
      const files = entries.filter((one) => one.isFile());
      const histories = files.filter(({ name }) => /history/.test(name));
      assert.equal(histories.length, 1, files.map(({ name }) => name).join(' '));
      for (const file of files) {
        const text = await readFile(join(file.parentPath, file.name), 'utf8');
        assert.doesNotMatch(text, /SALLYPORT_|__sallyport|633;/, file.name);
      }
    }).timeout(90_000);

  for (const shell of ['zsh', 'dash', 'ash'] as const)
    it(`are not asked of ${shell}, which starts as it is`, async () => {
      const shown = await world.play(shell, ['false', 'echo two']);
      assert.deepEqual(await world.said(), [
        ['false', 'observed', null],
        ['echo two', 'observed', null],
      ]);
      assert.doesNotMatch(shown, /\](?:633|133);|sallyport/);
    }).timeout(60_000);

  it('count for the shell that was told, and not for those that it starts', async () => {
    const inner = `PS1='REA''DY> ' dash`;
    const again = `PS1='REA''DY> ' bash --norc --noprofile`;
    const ssh = `ssh -F ${world.real.sshConfig} -o SetEnv=LC_SHELL=bash -tt direct`;
    const lines = [
      inner,
      'false',
      'exit 3',
      again,
      'false',
      'exit 4',
      ssh,
      'false',
      'exit 5',
      'true',
    ];
    await world.play('bash', lines);
    const expected = [3, null, null, 4, null, null, 5, null, null, 0];
    assert.deepEqual(
      await world.said(),
      lines.map((one, n) => [one, 'observed', expected[n]]),
    );
  }).timeout(120_000);

  it('do not count when they carry another nonce or none', async () => {
    const forged = ['133;D;9', '633;D;9;0a1b', '633;E;mkdir x;0a1b', '633;E;mkdir x', '133;C'];
    const lines = forged.map((one) => `printf '\\033]${one}\\007'; false`);
    await world.play('bash', lines);
    assert.deepEqual(
      await world.said(),
      lines.map((one) => [one, 'observed', 1]),
    );
  }).timeout(90_000);

  it('bring doubt and never less of it when the nonce itself is used', async () => {
    const forge = (what: string): string => `printf "\\033]633;${what}\\007"`;
    await world.play('bash', [
      forge('E;mkdir x;$__sallyport_nonce'),
      String.raw`PS1="READY> \\[\\e]633;B;$__sallyport_nonce\\a\\]rm -r y #> "`,
      'echo three',
    ]);
    const rows = await world.rows();
    const reported = rows.find(({ text }) => text === 'mkdir x');
    assert.equal(reported?.certainty, 'uncertain');
    // What stands behind the forged mark is a part of the line, and is judged with it.
    const last = rows.at(-1);
    assert.ok(last?.certainty === 'uncertain' || last?.text.startsWith('rm -r y'), last?.text);
  }).timeout(60_000);

  it('end the session when the shell reports a line that a rule denies, and say all of it', async () => {
    const terminal = await loginAt(world.real.sshConfig, 'bash');
    // Behind a prompt that isn't known yet, what stands in the middle of a line is judged as well.
    await world.type(terminal, ['true']);
    await pause(LOOK_MS);
    terminal.type(`printf "\\033]633;E;to""uch z;$__sallyport_nonce\\007"\r`);
    const said = await terminal.expect(/sallyport: the shell says[^\r\n]*/);
    assert.match(
      said,
      /another line than the one that was read, and rule "no-marker" denies that one/,
    );
    assert.match(
      said,
      /no markers.*touch z; it may have run already \(command 3\)\. The session ends/,
    );
    assert.equal((await terminal.ended()).status, 255);
    const rows = await world.rows();
    assert.deepEqual(
      rows.map(({ text, certainty, decision }) => [text, certainty, decision]).slice(2),
      [['touch z', 'uncertain', 'deny']],
    );
    assert.equal((await world.session()).status, 'closed');
  }).timeout(60_000);
});

const FILES: StartUp = {
  '.bash_profile': `
PS1='\\[\\e]133;A\\a\\]${PROMPT}\\[\\e]133;B\\a\\]'
PS0='\\e]133;C\\a'
PROMPT_COMMAND='printf "\\e]133;D;%s\\a" $?'
`,
  '.zshrc': `
PROMPT=$'%{\\e]133;A\\a%}${PROMPT}%{\\e]133;B\\a%}'
preexec() { print -n '\\e]133;C\\a' }
precmd() { print -n "\\e]133;D;$?\\a" }
`,
  '.config/fish/config.fish': `
function fish_greeting; end
function fish_prompt; printf '\\e]133;A\\a${PROMPT}\\e]133;B\\a'; end
function mark_start --on-event fish_preexec; printf '\\e]133;C\\a'; end
function mark_end --on-event fish_postexec; printf '\\e]133;D;%s\\a' $status; end
`,
};

describe('e2e: marks of shells that mark by themselves', () => {
  let world: World;
  before(async function () {
    this.timeout(START_MS);
    world = await World.start('observe', FILES);
  });
  after(() => world.stop());

  for (const shell of ['bash', 'zsh', 'fish'] as const)
    it(`give the exit statuses of ${shell}`, async () => {
      await world.play(shell, LINES);
      assert.deepEqual(await world.said(), SAID);
    }).timeout(90_000);

  it('have what stands behind them judged as well', async () => {
    const terminal = await loginAt(world.real.sshConfig, 'bash');
    // A prompt with a mark before something that would be a command.
    await world.type(terminal, ['true', `PS1='READY> \\[\\e]133;B\\a\\]touch q #> '`]);
    await pause(LOOK_MS);
    terminal.type('echo one\r');
    await terminal.expect('sallyport: denied by rule "no-marker"');
    await pause(LOOK_MS);
    await terminal.close();
    const last = (await world.rows()).at(-1);
    assert.equal(last?.decision, 'deny');
  }).timeout(60_000);
});
