import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { KeySplitter } from '../../server/terminal/keys.ts';
import { LineReader, type SubmittedLine } from '../../server/terminal/line.ts';

const PROMPT = 'me@host:~$ ';
const MS = 1000;

/** Types at a prompt; what the target answers comes 2 ms after the keys. */
class Desk {
  readonly #reader = new LineReader(80, 24);
  readonly #keys = new KeySplitter();
  #nowUs = MS;

  constructor() {
    this.prints(PROMPT);
  }

  prints(text: string, afterMs = 2): void {
    this.#nowUs += afterMs * MS;
    this.#reader.output(Buffer.from(text), this.#nowUs);
  }

  types(text: string, answer: string | null): void {
    this.#nowUs += 100 * MS;
    for (const key of this.#keys.push(Buffer.from(text))) this.#reader.key(key, this.#nowUs);
    if (answer !== null) this.prints(answer);
  }

  enter(): SubmittedLine {
    this.#nowUs += 100 * MS;
    this.#reader.beginSubmit(this.#nowUs);
    for (;;) {
      const step = this.#reader.poll(this.#nowUs);
      if (step.kind === 'line') return step.line;
      this.#nowUs += step.forUs;
    }
  }
}

const LEFT = '\u001b[D';

describe('a line that keys have edited', () => {
  it('is what keys and screen agree on', () => {
    const desk = new Desk();
    desk.types('tuch x', 'tuch x');
    desk.types(LEFT.repeat(5), '\b'.repeat(5));
    desk.types('o', 'ouch x\b\b\b\b\b');
    const line = desk.enter();
    assert.deepEqual([line.text, line.certainty], ['touch x', 'observed']);
  });

  it('is in doubt, and judged as the keys have it, when something is painted over it', () => {
    const desk = new Desk();
    desk.types('tuch x', 'tuch x');
    desk.types(LEFT.repeat(5), '\b'.repeat(5));
    desk.types('o', `ouch x\r\u001b[K${PROMPT}echo hi`);
    desk.types('\u0005', null);
    const line = desk.enter();
    assert.equal(line.certainty, 'uncertain');
    assert.ok(line.candidates.includes('touch x'));
  });

  it('is judged as it was before a key that nobody knows', () => {
    const desk = new Desk();
    desk.types('tuch x', 'tuch x');
    desk.types(LEFT.repeat(5), '\b'.repeat(5));
    desk.types('o', `ouch x\r\u001b[K${PROMPT}echo hi`);
    desk.types('\u001bl', '\u0007');
    assert.ok(desk.enter().candidates.includes('touch x'));
  });

  it('is judged as it was shown before it was painted over within the same output', () => {
    const desk = new Desk();
    desk.types('\u001b[A', `touch x\r\u001b[K${PROMPT}echo hi`);
    assert.ok(desk.enter().candidates.includes('touch x'));
  });

  it('is in doubt when it changes although no key was pressed', () => {
    const desk = new Desk();
    desk.types('\u001b[A', 'touch x');
    desk.prints(`\r\u001b[K${PROMPT}echo hi`, 1500);
    assert.equal(desk.enter().certainty, 'uncertain');
  });

  it('is in doubt when the target has not answered a key', () => {
    const desk = new Desk();
    desk.types('touch x', 'touch x');
    desk.types('\u0001', '\r');
    desk.types(': ', `\r${PROMPT}: touch x${'\b'.repeat(7)}`);
    desk.types('\u001f', null);
    assert.equal(desk.enter().certainty, 'uncertain');
  });

  it('is in doubt where rows are not wrapped', () => {
    const desk = new Desk();
    desk.types('\u001b[A', `\u001b[?7l${'a'.repeat(100)}; touch x`);
    assert.equal(desk.enter().certainty, 'uncertain');
  });
});

describe('keys that mean Enter', () => {
  const ENTERS = ['\u001bOM', '\u001b[13u', '\u001b[13;2u', '\u001b[109;5u', '\u001b[57414u'];
  for (const keys of [...ENTERS, '\u001b[27;5;13~', '\u001b[106;5:1u']) {
    it(`submit: ${JSON.stringify(keys)}`, () => {
      const split = new KeySplitter().push(Buffer.from(keys));
      assert.equal(split.at(-1)?.submits, true);
    });
  }

  for (const keys of ['\u001b[109u', '\u001b[27;5;65~', '\u001b[3~', '\u001b[130u']) {
    it(`are not ${JSON.stringify(keys)}`, () => {
      const split = new KeySplitter().push(Buffer.from(keys));
      assert.equal(split.at(-1)?.submits, false);
    });
  }
});
