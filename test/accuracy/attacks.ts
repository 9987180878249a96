/**
 * Ways to end up with a command that the policy denies: `touch MARKER`, in a hundred disguises of keys
 * and output (`test/cases/pty/attacks.tsv`: name, shells, then packets and rests), and two that are made
 * anew every time. None of them may leave the file behind.
 */
import { readFileSync } from 'node:fs';
import { ctrl, DOWN, LEFT, RIGHT, UP } from './human.ts';
import type { Random } from './random.ts';
import { SHELLS, type Shell } from './shells.ts';

/** Packets to send; a number is a rest in milliseconds. */
export type Attack = readonly (string | number)[];

export interface Recipe {
  readonly name: string;
  readonly shells: readonly Shell[];
  /** It is another one every time. */
  readonly varies: boolean;
  readonly make: (random: Random) => Attack;
}

const EDITORS: readonly Shell[] = ['bash', 'zsh', 'fish'];
const ENTER = '\r';
const LINE = 'touch MARKER';
/** A line that is harmless because the denied command is only an argument. */
const HARMLESS = `: ${LINE}`;
const PASTE = '\u001b[200~';
const PASTED = '\u001b[201~';
const BACK = '\u007f';
const [A, E, K, U, W, Y] = [ctrl('A'), ctrl('E'), ctrl('K'), ctrl('U'), ctrl('W'), ctrl('Y')];
const DELETE = ctrl('D');

/** How the file writes keys; `<ctrl-x>` too. */
const KEYS: Readonly<Record<string, string>> = {
  enter: ENTER,
  'line-feed': '\n',
  tab: '\t',
  escape: '\u001b',
  backspace: BACK,
  up: UP,
  down: DOWN,
  left: LEFT,
  right: RIGHT,
  paste: PASTE,
  pasted: PASTED,
};

export const RECIPES: readonly Recipe[] = [
  ...recipesOf('attacks.tsv'),
  { name: 'pieces in any order', shells: EDITORS, varies: true, make: pieces },
  { name: 'random keys', shells: SHELLS, varies: true, make: randomKeys },
];

/** @param name of a file in `test/cases/pty`, in the form above */
export function recipesOf(name: string): Recipe[] {
  return linesOf(name).map(recipe);
}

function recipe(line: string): Recipe {
  const [name = '', shells = '', ...packets] = line.split('\t');
  const attack = attackOf(packets);
  return { name, shells: shellsOf(shells), varies: false, make: () => attack };
}

/** What somebody does, and the line that must run after it with what that makes appear. */
export interface Case {
  readonly name: string;
  readonly shells: readonly Shell[];
  readonly alive: { readonly line: string; readonly answer: string };
  readonly attack: Attack;
}

/** The same with a harmless line and its answer before the packets. */
export function casesOf(name: string): Case[] {
  return linesOf(name).map((one) => {
    const [what = '', shells = '', line = '', answer = '', ...packets] = one.split('\t');
    return {
      name: what,
      shells: shellsOf(shells),
      alive: { line, answer },
      attack: attackOf(packets),
    };
  });
}

function linesOf(name: string): string[] {
  const file = new URL(`../cases/pty/${name}`, import.meta.url);
  return readFileSync(file, 'utf8').trimEnd().split('\n');
}

function attackOf(packets: readonly string[]): Attack {
  return packets.map((packet) =>
    /^~\d+$/.test(packet)
      ? Number(packet.slice(1))
      : packet.replaceAll(/<(ctrl-.|[a-z_-]+)>/g, keyOf),
  );
}

function shellsOf(names: string): readonly Shell[] {
  return SHELLS.filter((shell) => names === 'all' || names.split(',').includes(shell));
}

function keyOf(written: string, name: string): string {
  const letter = /^ctrl-(.)$/.exec(name)?.[1];
  return letter === undefined ? (KEYS[name] ?? written) : ctrl(letter);
}

/** The line is put together from pieces with the cursor going back and forth. */
function pieces(random: Random): Attack {
  const prefix = random.pick(['', 'true; ', 'true && ', '! ']);
  const text = prefix + LINE;
  const cut = 1 + random.below(text.length - 2);
  const [head, tail] = [text.slice(0, cut), text.slice(cut)];
  const home = random.pick([
    A,
    '\u001b[H',
    LEFT.repeat(tail.length),
    ctrl('B').repeat(tail.length),
  ]);
  const noise = random.pick(['', 'x', 'xy zz']);
  const away = BACK.repeat(noise.length);
  const parts = [tail, home, `${head}${noise}`, away, random.pick(['', E]), ENTER];
  return spread(random, parts);
}

/** Keys that mean something, and the pieces of the line, in no order that makes sense to a person. */
function randomKeys(random: Random): Attack {
  const keys = [
    A,
    E,
    K,
    U,
    W,
    Y,
    UP,
    DOWN,
    LEFT,
    RIGHT,
    BACK,
    DELETE,
    ctrl('T'),
    ctrl('P'),
    ctrl('N'),
    '\u001bb',
    '\u001bf',
    '\u001bd',
    '\u001b.',
    '\u001bt',
    '\u001b\u007f',
    '\u001by',
    '\t',
    PASTE,
    PASTED,
    ctrl('R'),
    ctrl('G'),
    ctrl('_'),
    ctrl('V'),
    ' ',
    ';',
    '\n',
  ];
  const words = ['touch', 'MARKER', LINE, 'true;', HARMLESS, 'tou', 'ch MARK', 'ER', '&&'];
  const attack: string[] = [`${HARMLESS}\r`];
  const length = 4 + random.below(14);
  for (let n = 0; n < length; n += 1) {
    attack.push(random.chance(0.45) ? random.pick(words) : random.pick(keys));
    if (random.chance(0.12)) attack.push(ENTER);
  }
  attack.push(ENTER, ENTER);
  return spread(random, attack);
}

/** Puts rests between the packets, or joins them. */
function spread(random: Random, packets: readonly string[]): Attack {
  const attack: (string | number)[] = [];
  let packet = '';
  for (const one of packets) {
    packet += one;
    if (random.chance(0.4)) continue;
    attack.push(packet);
    if (random.chance(0.3)) attack.push(random.pick([5, 20, 60, 150]));
    packet = '';
  }
  if (packet !== '') attack.push(packet);
  return attack;
}
