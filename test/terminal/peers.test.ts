/**
 * What other bastions get wrong when they read commands out of a terminal, one case for each class; what
 * needs a real shell is in the tables of attacks and refusals, and named here.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { KeySplitter } from '../../server/terminal/keys.ts';
import { LineReader, type SubmittedLine } from '../../server/terminal/line.ts';

const STEP_US = 20_000;
const PATIENCE_US = 3_000_000;

/** Types and prints in turn; every Enter gives a line. */
class Scene {
  readonly lines: SubmittedLine[] = [];
  readonly #reader: LineReader;
  readonly #keys = new KeySplitter();
  #nowUs = 1_000_000;

  constructor(cols = 80, rows = 24) {
    this.#reader = new LineReader(cols, rows);
  }

  out(text: string): this {
    this.#nowUs += STEP_US;
    this.#reader.output(Buffer.from(text), this.#nowUs);
    return this;
  }

  type(text: string): this {
    for (const key of this.#keys.push(Buffer.from(text))) {
      this.#nowUs += STEP_US;
      if (this.#reader.submits(key)) {
        this.#reader.beginSubmit(this.#nowUs, key);
        this.lines.push(this.#poll());
        this.#reader.submitted(this.#nowUs);
      } else this.#reader.key(key, this.#nowUs);
    }
    return this;
  }

  resize(cols: number, rows: number): this {
    this.#reader.resize(cols, rows);
    return this;
  }

  get last(): SubmittedLine {
    const line = this.lines.at(-1);
    assert.ok(line !== undefined);
    return line;
  }

  #poll(): SubmittedLine {
    const end = this.#nowUs + PATIENCE_US;
    for (;;) {
      const step = this.#reader.poll(this.#nowUs);
      if (step.kind === 'line') return step.line;
      assert.ok(this.#nowUs < end, 'the wait is bounded');
      this.#nowUs += step.forUs;
    }
  }
}

const LINE = 'touch MARKER';
/** The line is read, or it is at least judged. */
function reads(scene: Scene, text: string): void {
  assert.ok(scene.last.candidates.includes(text), JSON.stringify(scene.last));
}

describe('what other bastions get wrong', () => {
  it('fast typing: Enter in the packet of the text, before the echo', () => {
    reads(new Scene().out('$ ').type(`${LINE}\r`), LINE);
  });

  it('a paste of several lines: each is a line of its own', () => {
    const scene = new Scene().out('$ ').type(`true\r${LINE}\r`);
    assert.equal(scene.lines.length, 2);
    reads(scene, LINE);
  });

  it('a line that is longer than the row, and a change of the size in the middle of it', () => {
    const long = `true ${'a '.repeat(30)}; ${LINE}`;
    reads(new Scene(40).out('$ ').type(long).out(long).type('\r'), long);
    const resized = new Scene(80).out('$ ').type(long).out(long).resize(30, 10).type('\r');
    reads(resized, long);
  });

  it('a suggestion behind the cursor and a prompt at the right margin are no part of it', () => {
    const ghost = new Scene()
      .out('> ')
      .type('git')
      .out('git\u001b[90m push --force\u001b[0m\r\u001b[5C');
    assert.equal(ghost.type('\r').last.text, 'git');
    const right = new Scene().out('% \u001b[70G12:00\u001b[3G').type('ls').out('ls');
    assert.equal(right.type('\r').last.text, 'ls');
  });

  it('inside a full-screen program keys are judged too', () => {
    const scene = new Scene().out('\u001b[?1049h\u001b[H~\r\n~\u001b[24;1H').type(`:!${LINE}`);
    reads(scene.out(`:!${LINE}`).type('\r'), LINE);
  });

  for (const [name, key] of [
    ['Ctrl-J', '\n'],
    ['Ctrl-O', '\u000f'],
    ['an escape before Enter', '\u001b\r'],
  ] as const) {
    it(`${name} submits as Enter does`, () => {
      const scene = new Scene().out('$ ').type(LINE).out(LINE).type(key);
      assert.equal(scene.lines.length, 1);
      reads(scene, LINE);
    });
  }

  it('a line from the history is read from the screen, not from its keys', () => {
    const scene = new Scene().out('$ ').type('\u001b[A').out(LINE).type('\r');
    assert.equal(scene.last.text, LINE);
  });

  for (const [name, output] of [
    ['what looks like vim', '\u001b[?1049h\u001b[2;1H'],
    ['the start of a file transfer', '**\u0018B00000000000000\r\n'],
    ['a string that never ends', '\u001bP'],
    ['a title that never ends', '\u001b]0;'],
  ] as const) {
    it(`${name}, printed by anybody, does not switch the reader off`, () => {
      reads(new Scene().out(output).out('\r\n$ ').type(LINE).out(LINE).type('\r'), LINE);
    });
  }

  it('a prompt that asks for a password does not hide what is typed', () => {
    const scene = new Scene().out('\u001b[?2004hPassword: ').type(LINE).type('\r');
    reads(scene, LINE);
    assert.deepEqual([scene.last.secret, scene.last.certainty], [true, 'uncertain']);
  });

  it('a second reading after an approval sees what stands there then', () => {
    const reader = new LineReader(80, 24);
    reader.output(Buffer.from('$ '), 0);
    for (const key of new KeySplitter().push(Buffer.from(LINE))) reader.key(key, 40_000);
    reader.output(Buffer.from(LINE), 60_000);
    const read = (fromUs: number): SubmittedLine => {
      reader.beginSubmit(fromUs);
      for (let at = fromUs; ; at += 3000) {
        const step = reader.poll(at);
        if (step.kind === 'line') return step.line;
      }
    };
    assert.equal(read(100_000).text, LINE);
    reader.output(Buffer.from('\r\u001b[K$ rmdir x'), 400_000);
    const again = read(500_000);
    assert.ok(again.text !== LINE || again.certainty === 'uncertain');
    assert.ok(again.otherwise === LINE || again.text === LINE);
  });

  it('the classes that need a real shell are in the tables of attacks and refusals', () => {
    const names = ['attacks.tsv', 'refused.tsv'].flatMap((file) =>
      readFileSync(new URL(`../cases/pty/${file}`, import.meta.url), 'utf8')
        .split('\n')
        .map((line) => line.split('\t')[0]),
    );
    for (const name of [
      'an alias',
      'in Python',
      'in tmux',
      'in a plain paste',
      'in a bracketed paste',
      'zmodem start',
      'vim state',
      'without echo behind a question',
    ])
      assert.ok(names.includes(name), name);
  });
});
