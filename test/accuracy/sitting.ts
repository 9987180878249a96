/** One person at one shell for a number of lines, and what the bastion made of it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { ShellIntegration } from '../../server/access/target.ts';
import { type Human as Person, Human, key, pause, QUIET, type Step, until } from './human.ts';
import * as nested from './nested.ts';
import * as programs from './programs.ts';
import { Random } from './random.ts';
import * as scenes from './scenes.ts';
import type { Scene } from './scenes.ts';
import { score, type Score } from './score.ts';
import { Place, type Shell, type Variant } from './shells.ts';
import { Terminal } from './terminal.ts';

export interface SceneEntry {
  readonly play: Scene;
  /** Shells that it makes sense in; default all. */
  readonly shells?: readonly Shell[];
  readonly isProgram?: true;
  /** A program that must be there; without it the scene is left out. */
  readonly needs?: string;
  readonly variant?: Partial<Variant>;
}

const EDITORS: readonly Shell[] = ['bash', 'zsh', 'fish'];

export const SCENES: Readonly<Record<string, SceneEntry>> = {
  simple: { play: scenes.simple },
  edits: { play: scenes.edits },
  history: { play: scenes.history, shells: [...EDITORS, 'ash'] },
  search: { play: scenes.search, shells: EDITORS },
  completion: { play: scenes.completion, shells: EDITORS },
  pasting: { play: scenes.pasting },
  blocks: { play: scenes.blocks },
  wrapping: { play: scenes.wrapping },
  resizing: { play: scenes.resizing },
  ahead: { play: scenes.ahead },
  aborting: { play: scenes.aborting },
  noise: { play: scenes.noise },
  wide: { play: scenes.wide },
  fullscreen: { play: programs.fullScreen },
  secret: { play: programs.secret },
  input: { play: programs.programInput },
  tmux: { play: programs.inTmux, shells: ['bash', 'zsh', 'fish', 'dash'] },
  screen: { play: programs.inTmux, shells: ['bash', 'zsh', 'fish', 'dash'], needs: 'screen' },
  inner: { play: nested.innerShell },
  sudo: { play: nested.sudo, needs: 'sudo' },
  ssh: { play: nested.ssh, needs: 'sshd' },
  su: { play: nested.su, needs: 'su' },
  container: { play: nested.container },
  manylines: { play: nested.manyLines },
  enters: { play: nested.otherEnters },
  vi: { play: programs.viEditing, shells: EDITORS },
  prefilled: { play: programs.prefilled, shells: EDITORS },
  rightprompt: { play: scenes.edits, shells: ['zsh', 'fish'], variant: { rightPrompt: true } },
  tallprompt: { play: scenes.edits, shells: EDITORS, variant: { tallPrompt: true } },
  menu: { play: nested.menu, shells: ['zsh', 'fish'] },
  failing: { play: nested.failingSearch, shells: EDITORS },
  suggestions: { play: scenes.history, shells: ['zsh'], variant: { suggests: true } },
  python: { play: programs.python, isProgram: true },
  node: { play: programs.node, isProgram: true },
  sqlite: { play: programs.sqlite, isProgram: true },
  psql: { play: programs.psql, isProgram: true },
  mysql: { play: programs.mysql, isProgram: true, needs: 'mariadbd' },
  irb: { play: programs.irb, isProgram: true, needs: 'irb' },
  redis: { play: programs.redis, isProgram: true, needs: 'redis-server' },
};

export interface Sitting {
  readonly shell: Shell;
  readonly scene: string;
  /** At least so many lines of truth. */
  readonly lines: number;
  readonly seed: number;
  readonly latencyMs: number;
  readonly marks?: ShellIntegration;
  /** For clients of databases. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly score: Score;
  readonly delaysMs: readonly number[];
  /** Secrets that stand in a row. */
  readonly leaks: number;
}

const PATIENCE_MS = 8000;
const OPTIONAL_MS = 900;
const QUIET_MS = 60;
/** A sitting that gets stuck ends here. */
const MAX_SITTING_MS = 600_000;

/** Nothing is refused, so that what is measured is the reading alone. */
const POLICY = { default: 'allow', uncertain: 'allow', holdTimeout: '10m', rules: [] };

export async function sit(sitting: Sitting): Promise<Outcome> {
  const entry = SCENES[sitting.scene];
  if (entry === undefined) throw new Error(`no scene ${sitting.scene}`);
  const { marks = 'off' } = sitting;
  const variant = { rightPrompt: false, suggests: false, marks, ...entry.variant };
  const place = new Place(sitting.shell, variant);
  const launch = place.launch();
  const terminal = new Terminal({
    launch: { ...launch, env: { ...launch.env, ...sitting.env } },
    folder: place.work,
    cols: 80,
    rows: 24,
    latencyMs: sitting.latencyMs,
    policy: POLICY,
    marks,
  });
  const human = new Human(new Random(sitting.seed), sitting.shell);
  const player = new Player(terminal, place, human.random);
  try {
    await player.play([{ do: 'prompt', optional: false }, pause(100)]);
    await player.play(human.line(`echo warm ${sitting.seed}`));
    await player.play(preparation(sitting, human));
    const endMs = performance.now() + MAX_SITTING_MS;
    let count = 0;
    while (count < sitting.lines && !terminal.hasEnded && performance.now() < endMs) {
      await player.play(entry.play(human));
      const lines = place.shellLines().length + place.programLines().length;
      // A scene may get stuck for good; it is counted once more and ends the sitting.
      if (player.isStuck) break;
      count = lines;
    }
    if (isMultiplexer(sitting)) await player.play([...human.type('exit', 0), key('\r'), QUIET]);
    await player.play([QUIET, pause(4 * sitting.latencyMs)]);
    const readings = terminal.rows.map(({ text, certainty }) => ({
      // What else it may be stands behind it, for those who decide about it.
      text: text.replace(/\n\(or: [^]*\)$/, ''),
      isUncertain: certainty === 'uncertain',
    }));
    return {
      score: score(readings, place.shellLines(), place.programLines(), player.unread),
      delaysMs: terminal.delaysMs,
      leaks: player.secrets.filter((one) => readings.some(({ text }) => text.includes(one))).length,
    };
  } finally {
    if (isMultiplexer(sitting)) endMultiplexers(place);
    await terminal.close();
    place.remove();
  }
}

function* preparation({ scene, shell }: Sitting, human: Person): Generator<Step> {
  if (scene === 'vi') {
    const command =
      shell === 'bash'
        ? 'set -o vi'
        : shell === 'zsh'
          ? 'bindkey -v; KEYTIMEOUT=1'
          : 'fish_vi_key_bindings';
    yield* human.line(command, 0);
  }
  if (scene === 'menu' && shell === 'zsh') {
    yield* human.line("zstyle ':completion:*' menu select", 0);
  }
  if (scene === 'tmux' || scene === 'screen') {
    const start =
      scene === 'tmux'
        ? 'tmux -L t -f /dev/null new-session'
        : 'screen -c /dev/null -e ^Bb -U sh -c';
    yield* human.type(`${start} 'sh $HOME/inner'`, 0);
    yield* [key('\r'), until(programs.FULL_SCREEN), { do: 'prompt', optional: false }, pause(300)];
  }
}

function isMultiplexer({ scene }: Sitting): boolean {
  return scene === 'tmux' || scene === 'screen';
}

/** Ends what `tmux -L t` and `screen` have left in this place, if anything. */
export function endMultiplexers(place: Place): void {
  const ends = [
    ['tmux', '-L', 't', 'kill-server'],
    ['screen', '-X', 'quit'],
  ] as const;
  for (const [program, ...words] of ends) {
    try {
      execFileSync(program, words, {
        env: { ...process.env, TMUX_TMPDIR: place.home, SCREENDIR: join(place.home, 'screen') },
        stdio: 'ignore',
      });
    } catch {
      // It isn't there, or has ended with its last shell.
    }
  }
}

/** Does what the steps say, with the pauses of somebody who looks at the screen. */
export class Player {
  readonly unread: string[] = [];
  readonly secrets: string[] = [];
  /** What was waited for did not come. */
  isStuck = false;
  readonly #terminal: Terminal;
  readonly #place: Place;
  readonly #random: Random;
  #prompts = 0;
  #enteredAt = 0;

  constructor(terminal: Terminal, place: Place, random: Random) {
    this.#terminal = terminal;
    this.#place = place;
    this.#random = random;
  }

  async play(steps: Iterable<Step>): Promise<void> {
    for (const step of steps) {
      if (this.#terminal.hasEnded) return;
      await this.#do(step);
    }
  }

  async #do(step: Step): Promise<void> {
    const terminal = this.#terminal;
    switch (step.do) {
      case 'key':
        if (step.bytes === '\r') this.#enteredAt = terminal.seen;
        terminal.send(step.bytes);
        await sleep(step.bytes === '\r' ? 1 : 2 + this.#random.below(7));
        return;
      case 'burst':
        terminal.send(step.bytes);
        return;
      case 'paste':
        terminal.paste(step.text);
        await sleep(5);
        return;
      case 'pause':
        await sleep(step.ms + 2 * terminal.latencyMs);
        return;
      case 'prompt': {
        const came = await this.#when(
          () => this.#place.prompts() > this.#prompts && this.#isQuiet(35),
          step.optional ? OPTIONAL_MS : PATIENCE_MS,
        );
        this.#prompts = came ? this.#prompts + 1 : this.#place.prompts();
        if (!came && !step.optional) this.isStuck = true;
        await sleep(8 + this.#random.below(30));
        return;
      }
      case 'quiet':
        await this.#when(() => this.#isQuiet(QUIET_MS), PATIENCE_MS);
        this.#prompts = this.#place.prompts();
        return;
      case 'until':
        if (
          !(await this.#when(() => step.pattern.test(terminal.since(this.#enteredAt)), PATIENCE_MS))
        )
          this.isStuck = true;
        return;
      case 'resize':
        terminal.resize(step.cols, step.rows);
        return;
      case 'unread':
        this.unread.push(step.text);
        return;
      case 'secret':
        this.secrets.push(step.text);
        return;
    }
  }

  #isQuiet(ms: number): boolean {
    const { lastActivityMs, latencyMs } = this.#terminal;
    return performance.now() - lastActivityMs >= ms + latencyMs;
  }

  async #when(condition: () => boolean, patienceMs: number): Promise<boolean> {
    const end = performance.now() + patienceMs;
    while (!condition()) {
      if (performance.now() > end || this.#terminal.hasEnded) return false;
      await sleep(5);
    }
    return true;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
