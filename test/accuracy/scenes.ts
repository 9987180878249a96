/** What people do in a shell, one generator each; all of it is harmless. */
import {
  BACKSPACE,
  ctrl,
  DELETE,
  DOWN,
  END,
  ENTER,
  HOME,
  type Human,
  key,
  LEFT,
  MAYBE_PROMPT,
  pause,
  PROMPT,
  QUIET,
  RIGHT,
  type Step,
  UP,
} from './human.ts';

export type Scene = (human: Human) => Generator<Step>;

export function* simple(human: Human): Generator<Step> {
  yield* human.line(human.command());
}

export function* edits(human: Human): Generator<Step> {
  const text = human.command();
  const { random } = human;
  if (!human.edits) {
    switch (random.below(4)) {
      case 0:
        yield* human.type('wrong stuff');
        yield key(ctrl('U'));
        yield* human.type(text);
        break;
      case 1:
        yield* human.type('echo keepX badword');
        yield key(ctrl('W'));
        yield* human.type(human.word());
        break;
      case 2:
        yield* human.type(`${text}xyz`);
        yield* human.press(BACKSPACE, 3);
        break;
      default:
        yield* human.type(text, 0.15);
    }
    yield* human.enter();
    return;
  }
  const kind = human.isPlain ? random.pick([0, 1, 2, 3, 6, 8]) : random.below(11);
  switch (kind) {
    case 0: {
      const at = 1 + random.below(text.length - 1);
      yield* human.type(text.slice(0, at) + text.slice(at + 1), 0);
      yield* human.press(LEFT, text.length - 1 - at);
      yield key(text.charAt(at));
      break;
    }
    case 1:
      yield* human.type(text.slice(5), 0);
      yield key(ctrl('A'));
      yield* human.type(text.slice(0, 5), 0);
      yield key(ctrl('E'));
      break;
    case 2:
      yield* human.type(`garbage to kill ${human.word()}`, 0);
      yield key(ctrl('U'));
      yield* human.type(text, 0);
      break;
    case 3:
      yield* human.type(`${text} zz yy`, 0);
      yield* human.press(ctrl('W'), 2);
      break;
    case 4:
      yield* human.type(text, 0);
      yield key(ctrl('A'));
      yield key(ctrl('K'));
      yield* human.type('true && ', 0);
      yield key(ctrl('Y'));
      break;
    case 5:
      yield* human.type(`${text} extra`, 0);
      yield* human.press(LEFT, 6);
      yield key(ctrl('K'));
      break;
    case 6:
      yield* human.type(`${text}ab`, 0);
      yield* human.press(LEFT, 2);
      yield* human.press(DELETE, 2);
      break;
    case 7:
      yield* human.type(text, 0);
      yield* human.press('\u001bb', 2);
      yield key('X');
      yield key(ctrl('E'));
      break;
    case 8:
      yield* human.type(text, 0);
      yield key(HOME);
      yield* human.type(': ', 0);
      yield key(END);
      break;
    case 9:
      yield* human.type(`${text.slice(0, -2)}${text.slice(-1)}${text.slice(-2, -1)}`, 0);
      yield key(ctrl('T'));
      break;
    default:
      yield* human.type(text, 0);
      yield key(ctrl('A'));
      yield* human.press(RIGHT, 4);
      yield key(ctrl('D'));
      yield key(text.charAt(4));
      yield key(ctrl('E'));
  }
  yield* human.enter();
}

export function* history(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.line(human.command());
  if (random.chance(0.5)) yield* human.line(human.command());
  const ups = 1 + random.below(2);
  for (let n = 0; n < ups; n += 1) yield* [key(UP), pause(8)];
  switch (random.below(4)) {
    case 0:
      break;
    case 1:
      yield* human.type(` ${human.word()}`);
      break;
    case 2:
      yield* human.type(' qq', 0);
      yield* human.press(BACKSPACE, 2);
      yield* human.type(String(random.below(99)), 0);
      break;
    default:
      yield* [key(UP), pause(8), key(DOWN), pause(8)];
  }
  yield* human.enter();
}

export function* search(human: Human): Generator<Step> {
  const { random } = human;
  const needle = `needle${human.number()}x${random.below(9999)}`;
  yield* human.line(`echo ${needle} ${human.word()}`);
  yield* human.line(human.command());
  yield* [key(ctrl('R')), pause(15)];
  yield* human.type(needle.slice(0, needle.length - random.below(3)), 0);
  yield pause(25);
  if (human.shell === 'fish') {
    yield* [key(ENTER), pause(60)];
  } else {
    switch (random.below(3)) {
      case 0:
        break;
      case 1:
        yield key(ctrl('E'));
        yield* human.type(' more', 0);
        break;
      default:
        yield* [key(RIGHT), pause(10), key(ctrl('A'))];
        yield* human.type(': ', 0);
    }
  }
  yield* human.enter();
}

export function* completion(human: Human): Generator<Step> {
  const tab = [key('\t'), pause(60)];
  switch (human.random.below(5)) {
    case 0:
      yield* human.type('cat uni', 0);
      yield* tab;
      break;
    case 1:
      yield* human.type('wc -l beta', 0);
      yield* tab;
      yield* human.type('| cat', 0);
      break;
    case 2:
      yield* human.type('cat alp', 0);
      yield* tab;
      if (human.shell === 'bash') yield* [...tab, ...tab];
      yield* human.type('r', 0);
      yield* tab;
      break;
    case 3:
      yield* human.type('ls gam', 0);
      yield* tab;
      yield* human.type('inn', 0);
      yield* tab;
      break;
    default:
      yield* human.type('cat file', 0);
      yield* tab;
  }
  yield* human.enter();
}

function loop(human: Human): string[] {
  const id = human.number();
  return human.shell === 'fish'
    ? ['for i in 1 2', `echo v$i-${id}`, 'end']
    : ['for i in 1 2; do', `echo v$i-${id}`, 'done'];
}

export function* pasting(human: Human): Generator<Step> {
  switch (human.random.below(4)) {
    case 0:
      yield* [{ do: 'paste', text: human.command() } as const, pause(15)];
      yield* human.enter();
      return;
    case 1:
      yield* human.type('true; ');
      yield* [{ do: 'paste', text: human.command() } as const, pause(15)];
      yield* human.enter();
      return;
    case 2:
      yield* [{ do: 'paste', text: loop(human).join('\n') } as const, QUIET];
      yield* human.enter();
      return;
    default:
      yield { do: 'burst', bytes: `${human.command()}\r${human.command()}\r` };
      yield* [PROMPT, pause(100), MAYBE_PROMPT];
  }
}

export function* blocks(human: Human): Generator<Step> {
  const id = human.number();
  const word = human.word();
  switch (human.random.below(human.shell === 'fish' ? 3 : 6)) {
    case 0:
      yield* human.block(loop(human));
      return;
    case 1:
      yield* human.block([`echo "first ${id}`, `second ${word}"`]);
      return;
    case 2:
      yield* human.block([`echo one ${id} \\`, `two ${word}`]);
      return;
    case 3:
      yield* human.block([
        `cat <<EOF${id}`,
        `body ${word} ${human.word()}`,
        'rm -rf /not/executed',
        `EOF${id}`,
      ]);
      return;
    case 4:
      yield* human.block(['if true; then', `echo in${id}`, 'else', 'echo out', 'fi']);
      return;
    default:
      yield* human.block([`true ${id} |`, 'cat']);
  }
}

export function* wrapping(human: Human): Generator<Step> {
  const text = human.longCommand();
  const { random } = human;
  switch (human.edits ? random.below(4) : 0) {
    case 0:
      yield* human.type(text, 0.01);
      break;
    case 1: {
      const at = 20 + random.below(40);
      yield* human.type(text.slice(0, at) + text.slice(at + 3), 0);
      yield key(ctrl('A'));
      yield* human.press(RIGHT, at);
      yield* human.type(text.slice(at, at + 3), 0);
      if (random.chance(0.5)) yield key(ctrl('E'));
      break;
    }
    case 2:
      yield* human.type(text, 0);
      yield* human.press(LEFT, 60);
      yield* human.press(BACKSPACE, 5);
      yield* human.type('MID ', 0);
      break;
    default:
      yield* human.type(text, 0);
      yield* human.press(ctrl('W'), 2);
      yield* human.type('end words', 0);
  }
  yield* human.enter();
}

export function* resizing(human: Human): Generator<Step> {
  const text = human.random.chance(0.5) ? human.longCommand() : human.command();
  const half = Math.floor(text.length / 2);
  yield* human.type(text.slice(0, half), 0);
  yield pause(20);
  yield { do: 'resize', cols: human.random.pick([60, 70, 100, 120]), rows: 24 };
  yield QUIET;
  yield* human.type(text.slice(half), 0);
  yield* human.enter();
  yield { do: 'resize', cols: 80, rows: 24 };
  yield QUIET;
}

export function* ahead(human: Human): Generator<Step> {
  const first = human.command();
  yield* human.type(`sleep ${human.random.pick(['0.15', '0.3', '0.4'])}`, 0);
  yield* [key(ENTER), pause(20)];
  switch (human.random.below(3)) {
    case 0:
      yield* human.type(first, 0);
      yield* [key(ENTER), PROMPT, MAYBE_PROMPT];
      return;
    case 1:
      yield* human.type(first, 0);
      yield key(ENTER);
      yield* human.type(human.command(), 0);
      yield* [key(ENTER), PROMPT, MAYBE_PROMPT, MAYBE_PROMPT];
      return;
    default:
      yield* human.type(first.slice(0, 4), 0);
      yield* [PROMPT, pause(30)];
      yield* human.type(first.slice(4), 0);
      yield* human.enter();
  }
}

export function* aborting(human: Human): Generator<Step> {
  yield* human.type(human.command());
  yield* [key(ctrl('C')), pause(30), MAYBE_PROMPT];
  if (human.shell !== 'fish' && human.random.chance(0.4)) {
    yield { do: 'unread', text: 'echo "unfinished' };
    yield* human.type('echo "unfinished');
    yield* [key(ENTER), QUIET, key(ctrl('C')), pause(30), QUIET];
  }
  yield* human.line(human.command());
}

export function* noise(human: Human): Generator<Step> {
  switch (human.random.below(5)) {
    case 0:
      yield* human.line(`printf no-newline-${human.number()}`, 0);
      yield* human.line(human.command());
      return;
    case 1:
      yield* human.type(human.command().slice(0, 6), 0);
      yield* [key(ctrl('U')), ...(human.edits ? [key(ctrl('L'))] : []), pause(40)];
      yield* human.line(human.command());
      return;
    case 2:
      yield* human.type('cat', 0);
      if (human.edits) yield* [key(ctrl('L')), pause(40)];
      yield* human.line(' uniquefile.log', 0);
      return;
    case 3:
      yield* human.line('cd gamma-dir', 0);
      yield* human.line(human.command());
      yield* human.line('cd ..', 0);
      return;
    default: {
      const text = human.command();
      yield* human.line(`sh -c 'sleep 0.3; echo background ${human.number()}' &`, 0);
      yield* human.type(text.slice(0, 5), 0);
      yield pause(400);
      yield* human.type(text.slice(5), 0);
      yield* human.enter();
    }
  }
}

export function* wide(human: Human): Generator<Step> {
  const word = (): string => human.wide();
  switch (human.random.below(human.isPlain ? 2 : 4)) {
    case 0:
      yield* human.line(`echo ${word()} ${human.number()} ${word()}`, 0);
      return;
    case 1: {
      const bytes = Buffer.from(`echo ${word()}${word()} ${human.number()}`);
      for (const byte of bytes) yield key(Buffer.from([byte]));
      yield* human.enter();
      return;
    }
    case 2:
      yield* human.type(`echo ${Array.from({ length: 30 }, word).join('')} ${human.number()}`, 0);
      yield* human.enter();
      return;
    default:
      yield* human.type(`echo ${word()}x${word()}y ${human.number()}`, 0);
      yield* human.press(LEFT, 3);
      yield* human.type('z', 0);
      yield* human.enter();
  }
}
