/** Shells inside others, more than one line at once, and other keys than Enter; all of it is harmless. */
import {
  ctrl,
  ENTER,
  type Human,
  key,
  MAYBE_PROMPT,
  pause,
  PROMPT,
  QUIET,
  type Step,
  UP,
} from './human.ts';
import { completion, edits, history, simple, wide, wrapping } from './scenes.ts';

/** Ways into a shell of the same kind; `inner` is a script of the place that starts one. */
const WAYS = {
  shell: 'sh "$HOME/inner"',
  sudo: 'sudo -n sh "$HOME/inner"',
  ssh: 'ssh -F "$SSH_CONFIG" inner "sh $HOME/inner"',
  su: 'su - --session-command "sh $HOME/inner"',
  container: '"$HOME/docker" exec -it box sh "$HOME/inner"',
} as const;

function* inside(human: Human, way: keyof typeof WAYS): Generator<Step> {
  yield* human.line(WAYS[way], 0);
  yield pause(150);
  for (let n = 0; n < 4; n += 1) {
    const scenes = human.edits ? [simple, edits, history, wrapping, wide] : [simple, edits, wide];
    yield* human.random.pick(scenes)(human);
  }
  if (human.edits && !human.isPlain) yield* completion(human);
  yield* human.line('exit', 0);
  yield* human.line(human.command());
}

export function* innerShell(human: Human): Generator<Step> {
  yield* inside(human, 'shell');
}

export function* sudo(human: Human): Generator<Step> {
  yield* inside(human, 'sudo');
}

export function* ssh(human: Human): Generator<Step> {
  yield* inside(human, 'ssh');
}

export function* su(human: Human): Generator<Step> {
  yield* inside(human, 'su');
}

export function* container(human: Human): Generator<Step> {
  yield* inside(human, 'container');
}

/** A paste of many lines, each a command of its own. */
export function* manyLines(human: Human): Generator<Step> {
  const count = 4 + human.random.below(8);
  const lines = Array.from({ length: count }, () => human.command());
  yield { do: 'paste', text: lines.join('\n') };
  yield QUIET;
  yield* human.enter();
  // Without marks around the paste each line runs as it comes.
  for (let n = 1; human.isPlain && n < count; n += 1) yield MAYBE_PROMPT;
  yield* human.line(human.command());
}

/** Keys that submit, or only seem to. */
export function* otherEnters(human: Human): Generator<Step> {
  const { random, shell } = human;
  const kinds = shell === 'zsh' ? 4 : shell === 'bash' ? 3 : shell === 'fish' ? 2 : 1;
  switch (random.below(kinds)) {
    case 3:
      yield* human.type(human.command(), 0);
      yield* [key(`\u001b${ENTER}`), pause(30)];
      yield* human.type(human.command(), 0);
      yield* human.enter();
      return;
    case 0:
      yield* human.type(human.command());
      yield* [key('\n'), PROMPT];
      return;
    case 1:
      if (shell === 'fish') {
        yield* human.type(human.command(), 0);
        yield* [key(`\u001b${ENTER}`), pause(30)];
        yield* human.type(human.command(), 0);
        yield* human.enter();
        return;
      }
      yield* human.type(human.command());
      yield* [key(ctrl('O')), PROMPT, pause(30), key(ctrl('C')), MAYBE_PROMPT];
      yield* human.line(human.command());
      return;
    default:
      yield* human.line(human.command());
      yield* human.line(human.command());
      yield* [key(UP), pause(10), key(UP), pause(10), key(ctrl('O')), PROMPT, pause(30)];
      yield* human.enter();
  }
}

/** Needs a menu that is walked through; an Enter takes what is chosen, and another one runs the line. */
export function* menu(human: Human): Generator<Step> {
  yield* human.type('cat alpha_', 0);
  yield* [key('\t'), pause(80), key('\t'), pause(80)];
  for (let n = human.random.below(3); n > 0; n -= 1) yield* [key('\t'), pause(40)];
  yield* [key(ENTER), pause(80)];
  yield* human.type(` # ${human.number()}`, 0);
  yield* human.enter();
}

/** A search that finds nothing, and an Enter all the same. */
export function* failingSearch(human: Human): Generator<Step> {
  yield* [key(ctrl('R')), pause(20)];
  yield* human.type(`nothing${human.number()}`, 0);
  yield* [pause(60), key(ENTER), pause(100), MAYBE_PROMPT];
  yield* human.line(human.command());
}
