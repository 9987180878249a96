/** What people do in programs that they start from a shell; all of it is harmless. */
import {
  BACKSPACE,
  ctrl,
  ENTER,
  ESCAPE,
  ESCAPE_MS,
  type Human,
  key,
  LEFT,
  pause,
  PROMPT,
  QUIET,
  type Step,
  until,
  UP,
} from './human.ts';
import { edits, history, simple } from './scenes.ts';

// oxlint-disable-next-line no-control-regex -- the sequence that enters the alternate screen
export const FULL_SCREEN = /\u001b\[\?1049h/;
// oxlint-disable-next-line no-control-regex -- node places the cursor behind its prompt
const NODE_PROMPT = /\n(?:\u001b\[\d*[A-Z])*> (?:\u001b\[\d+G)?$/;

// oxlint-disable-next-line no-control-regex -- its line editor places the cursor behind the prompt
const IRB_PROMPT = /irb\(main\):\d+(?::\d+)?[>*] ?(?:\u001b\[[0-9;?]*[A-Za-z])*$/;

// oxlint-disable-next-line no-control-regex -- redis-cli places the cursor behind its prompt
const REDIS_PROMPT = /> (?:\u001b\[[0-9;]*[A-Za-z])*$/;

export function* fullScreen(human: Human): Generator<Step> {
  const { random } = human;
  switch (random.below(5)) {
    case 3:
      yield* human.type('less long.txt', 0);
      yield* [key(ENTER), until(FULL_SCREEN), QUIET];
      yield* human.type(`!echo from less ${human.number()}`, 0);
      yield* [key(ENTER), QUIET, key(ENTER), QUIET, key('q'), PROMPT];
      yield* human.line(human.command());
      return;
    case 4:
      yield* human.type(`vim -N -u NONE -i NONE scratch${random.below(99)}.txt`, 0);
      yield* [key(ENTER), until(FULL_SCREEN), QUIET];
      yield* human.type(`:!echo from vim ${human.number()}`, 0);
      yield* [key(ENTER), QUIET, key(ENTER), QUIET];
      yield* human.type(':q!', 0);
      break;
    case 0:
      yield* human.type(`vim -N -u NONE -i NONE scratch${random.below(99)}.txt`, 0);
      yield* [key(ENTER), until(FULL_SCREEN), QUIET, key('i')];
      yield* human.type('rm -rf /data in vim', 0);
      yield key(ENTER);
      yield* human.type('more text', 0);
      yield* [key(ESCAPE), pause(ESCAPE_MS)];
      yield* human.type(':wq', 0);
      break;
    case 1:
      yield* human.type('less long.txt', 0);
      yield* [key(ENTER), until(FULL_SCREEN), QUIET, key(' '), key('/')];
      yield* human.type('line 5', 0);
      yield* [key(ENTER), QUIET, key('q'), PROMPT];
      yield* human.line(human.command());
      return;
    default:
      yield* human.type('top -d 1', 0);
      yield* [key(ENTER), until(/load average/), QUIET, key('q'), PROMPT];
      yield* human.line(human.command());
      return;
  }
  yield* human.enter();
  yield* human.line(human.command());
}

export function* secret(human: Human): Generator<Step> {
  const word = `S3cr3t-${human.number()}-${human.random.below(99_999)}`;
  const bash = `bash -c 'read -s -p "Vault token: " v' 2>/dev/tty`;
  const asking: Record<string, readonly string[]> = {
    bash: [`read -s -p 'pw: ' v`, bash],
    zsh: [`read -s 'v?pw: '`, bash],
    fish: [`read -s -P 'pw: ' v`, bash],
  };
  const command = human.random.pick([
    `stty -echo; printf 'Password: '; head -1 >/dev/null; stty echo`,
    `python3 -c "import getpass;getpass.getpass('Password: ')" 2>/dev/null`,
    ...(asking[human.shell] ?? []),
  ]);
  yield* human.type(command, 0);
  yield* [key(ENTER), until(/\n[^\n]*(?:pw|assword|token): /), QUIET];
  yield { do: 'secret', text: word };
  yield* human.type(word, 0);
  yield pause(30);
  yield* human.enter();
  yield* human.line(human.command());
}

export function* programInput(human: Human): Generator<Step> {
  yield* human.type('cat > /dev/null', 0);
  yield* [key(ENTER), QUIET];
  for (const text of [`some text ${human.number()}`, `second text ${human.number()}`]) {
    yield { do: 'unread', text };
    yield* human.type(text, 0);
    yield* [key(ENTER), QUIET];
  }
  yield* [key(ctrl('D')), PROMPT];
  yield* human.line(human.command());
}

/** Needs the shell's vi mode. */
export function* viEditing(human: Human): Generator<Step> {
  const text = human.command();
  const command = [key(ESCAPE), pause(ESCAPE_MS)];
  switch (human.random.below(5)) {
    case 0:
      yield* human.type(text, 0.03);
      break;
    case 1:
      yield* human.type(`cho ${human.word()}`, 0);
      yield* [...command, key('0'), key('i'), key('e')];
      break;
    case 2:
      yield* human.type('echo one wrong three', 0);
      yield* [...command, key('b'), key('b'), key('c'), key('w')];
      yield* human.type('right', 0);
      yield* command;
      break;
    case 3:
      yield* human.type('junk line', 0);
      yield* [...command, key('d'), key('d'), key('i')];
      yield* human.type(text, 0);
      break;
    default:
      yield* human.type('echo abcx', 0);
      yield* [...command, key('x'), key('A')];
      yield* human.type(' tail', 0);
  }
  yield* human.enter();
}

/** Text that a program puts into the line before the first key. */
export function* prefilled(human: Human): Generator<Step> {
  const id = human.number();
  switch (human.shell) {
    case 'zsh':
      yield* human.line(`print -z 'echo prefilled ${id}'`, 0);
      if (human.random.chance(0.5)) yield* human.type(' more', 0);
      yield* human.enter();
      return;
    case 'fish':
      yield* human.line(`echo seed ${id}`, 0);
      yield* [key(UP), pause(15)];
      yield* human.enter();
      return;
    case 'bash':
    case 'dash':
    case 'ash':
      yield* human.line(`bind '"\\C-t": "echo macro ${id}"'`, 0);
      yield* [key(ctrl('T')), pause(20)];
      yield* human.enter();
  }
}

export function* inTmux(human: Human): Generator<Step> {
  yield* human.random.pick(human.edits ? [simple, edits, history] : [simple, edits])(human);
}

/** Lines for a program that edits its lines as shells do. */
function* conversation(
  human: Human,
  lines: readonly string[],
  prompt: RegExp,
  recalls: boolean,
): Generator<Step> {
  for (const line of lines) {
    const kind = human.random.below(recalls ? 6 : 1);
    if (kind === 4) {
      yield* human.type(`${line}zz`, 0);
      yield* human.press(LEFT, 2);
      yield* human.press(ctrl('D'), 2);
    } else if (kind === 5) {
      yield* human.type(`${line}zz`, 0);
      yield* human.press(BACKSPACE, 2);
    } else yield* human.type(line, 0.02);
    yield* [key(ENTER), until(prompt), QUIET];
    if (recalls && human.random.chance(0.2)) {
      yield* [key(UP), pause(15)];
      // The same line again would not be written down again by the program's own history.
      yield key(' ');
      yield* [key(ENTER), until(prompt), QUIET];
    }
  }
}

function three<T>(make: () => T): T[] {
  return [make(), make(), make()];
}

export function* python(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.type('python3 -q', 0);
  yield* [key(ENTER), until(/>>> $/), QUIET];
  const lines = three(() =>
    random.pick([
      `print("${human.word()}", ${human.number()})`,
      `x${human.number()} = ${random.below(999)}`,
      `len("${human.word()} ${human.word()}") + ${human.number()}`,
      `for i in range(2): print(i, ${human.number()})\n`,
      `def f${human.number()}(a):\n  return a\n`,
    ]),
  ).flatMap((text) => text.split('\n'));
  yield* conversation(human, lines, /(?:>>>|\.\.\.) $/, true);
  yield* [key(ctrl('D')), PROMPT];
  yield* human.line(human.command());
}

export function* node(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.type('node --require "$HOME/start.cjs"', 0);
  yield* [key(ENTER), until(NODE_PROMPT), QUIET];
  const lines = three(() =>
    random.pick([
      `console.log("${human.word()}", ${human.number()})`,
      `x${human.number()} = ${random.below(999)}`,
      `"${human.word()}".length + ${human.number()}`,
      `[1, 2].map((n) => n + ${human.number()})`,
    ]),
  );
  yield* conversation(human, lines, NODE_PROMPT, false);
  yield { do: 'unread', text: '.exit' };
  yield* human.type('.exit', 0);
  yield* human.enter();
  yield* human.line(human.command());
}

export function* irb(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.type('irb --noautocomplete --nocolorize', 0);
  yield* [key(ENTER), until(IRB_PROMPT), QUIET];
  const lines = three(() =>
    random.pick([
      `puts "${human.word()} ${human.number()}"`,
      `x${human.number()} = ${random.below(999)}`,
      `"${human.word()}".length + ${human.number()}`,
      `[1, 2].map { |n| n + ${human.number()} }`,
    ]),
  );
  yield* conversation(human, lines, IRB_PROMPT, false);
  yield* human.type('exit', 0);
  yield* human.enter();
  yield* human.line(human.command());
}

export function* sqlite(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.type('sqlite3', 0);
  yield* [key(ENTER), until(/sqlite> $/), QUIET];
  const lines = three(() =>
    random.pick([
      `select ${human.number()};`,
      `.tables`,
      `select '${human.word()} ${human.number()}';`,
      `select\n  ${human.number()};`,
    ]),
  ).flatMap((text) => text.split('\n'));
  yield* conversation(human, lines, /(?:sqlite|\.\.\.)> $/, true);
  yield { do: 'unread', text: '.quit' };
  yield* human.type('.quit', 0);
  yield* human.enter();
  yield* human.line(human.command());
}

export function* psql(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.type('psql -X', 0);
  yield* [key(ENTER), until(/[=-][#>] $/), QUIET];
  const lines = three(() =>
    random.pick([
      `select ${human.number()} as ${human.word()};`,
      `select '${human.word()}' || '${human.number()}';`,
      `\\echo ${human.word()} ${human.number()}`,
      `select\n  ${human.number()};`,
    ]),
  ).flatMap((text) => text.split('\n'));
  yield* conversation(human, lines, /[=-][#>] $/, true);
  yield* human.type('\\q', 0);
  yield* human.enter();
  yield* human.line(human.command());
}

export function* mysql(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.type('mariadb -S "$MYSQL_SOCKET" app', 0);
  yield* [key(ENTER), until(/> $/), QUIET];
  const lines = three(() =>
    random.pick([
      `select ${human.number()} as ${human.word()}x;`,
      `select concat('${human.word()}', '${human.number()}');`,
      `show tables like 'x${human.number()}';`,
      `select ${human.number()}\\G`,
    ]),
  );
  yield* conversation(human, lines, /> $/, true);
  yield { do: 'unread', text: 'quit' };
  yield* human.type('quit', 0);
  yield* human.enter();
  yield* human.line(human.command());
}

export function* redis(human: Human): Generator<Step> {
  const { random } = human;
  yield* human.type('redis-cli -s "$REDIS_SOCKET"', 0);
  yield* [key(ENTER), until(/> $/), QUIET];
  const lines = three(() =>
    random.pick([
      `set ${human.word()} ${human.number()}`,
      `get ${human.word()}${human.number()}`,
      `rpush list${human.number()} "${human.word()} ${human.word()}"`,
      `echo '${human.word()} ${human.number()}'`,
    ]),
  );
  yield* conversation(human, lines, REDIS_PROMPT, true);
  yield* human.type('quit', 0);
  yield* human.enter();
  yield* human.line(human.command());
}
