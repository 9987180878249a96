/** Whatever a target prints: the reader is never off, and its work and memory are bounded. */
import assert from 'node:assert/strict';
import { FloodGuard, MAX_CREDIT } from '../../server/terminal/flood-guard.ts';
import { KeySplitter } from '../../server/terminal/keys.ts';
import { LineReader, type SubmittedLine } from '../../server/terminal/line.ts';
import { SCROLLBACK_ROWS, Screen } from '../../server/terminal/screen.ts';
import { charSuffixes, wordSuffixes } from '../../server/terminal/suffixes.ts';
import { FLOODS, floodBytes } from '../support/floods.ts';

const LINE = 'touch MARKER';
const STEP_US = 20_000;
const PATIENCE_US = 3_000_000;
const FLOOD_BYTES = 32 * 1024;
const PACKET_BYTES = 2048;
/** Candidates of one line, and characters of all of them together. */
const MAX_CANDIDATES = 1200;
const MAX_CANDIDATE_CHARS = 4 * 1024 * 1024;

class Scene {
  readonly #reader: LineReader;
  readonly #keys = new KeySplitter();
  #nowUs = 1_000_000;

  constructor(cols: number, rows: number) {
    this.#reader = new LineReader(cols, rows);
  }

  out(bytes: Buffer | string): void {
    const all = Buffer.from(bytes);
    for (let at = 0; at < all.length; at += PACKET_BYTES) {
      this.#nowUs += 100;
      this.#reader.output(all.subarray(at, at + PACKET_BYTES), this.#nowUs);
    }
    this.#nowUs += STEP_US;
  }

  resize(cols: number, rows: number): void {
    this.#reader.resize(cols, rows);
  }

  /** Types, the target shows `echo`, and Enter is pressed. */
  submit(keys: string, echo: string): SubmittedLine {
    for (const key of this.#keys.push(Buffer.from(keys))) {
      this.#nowUs += STEP_US;
      this.#reader.key(key, this.#nowUs);
    }
    this.out(echo);
    this.#nowUs += STEP_US;
    this.#reader.beginSubmit(this.#nowUs);
    for (const endUs = this.#nowUs + PATIENCE_US; ;) {
      const step = this.#reader.poll(this.#nowUs);
      if (step.kind === 'line') {
        this.#reader.submitted(this.#nowUs);
        return step.line;
      }
      this.#nowUs += step.forUs;
      assert.ok(this.#nowUs < endUs, 'the wait is bounded');
    }
  }

  dispose(): void {
    this.#reader.dispose();
  }
}

/** The line is judged, or nothing is claimed of it. */
function assertNotOff(line: SubmittedLine, what: string): void {
  assert.ok(
    line.candidates.includes(LINE) || line.certainty === 'uncertain',
    `${what}: ${JSON.stringify({ ...line, candidates: line.candidates.slice(0, 5) })}`,
  );
  const chars = line.candidates.reduce((sum, { length }) => sum + length, 0);
  assert.ok(line.candidates.length <= MAX_CANDIDATES && chars <= MAX_CANDIDATE_CHARS, what);
}

const SIZES: readonly (readonly [number, number])[] = [
  [80, 24],
  [1, 1],
  [0, 0],
  [65_535, 65_535],
];

describe('hostile output', () => {
  for (const flood of FLOODS) {
    it(`${flood.name}: the line behind it is read, or nothing is claimed of it`, () => {
      const bytes = floodBytes(flood, FLOOD_BYTES);
      for (const [cols, rows] of SIZES) {
        const scene = new Scene(cols, rows);
        scene.out('$ ');
        scene.submit('true', 'true');
        scene.out(bytes);
        const size = `${cols}x${rows}`;
        const typedIn = scene.submit(LINE, LINE);
        assert.ok(typedIn.candidates.includes(LINE), `${size}, in the middle of it`);
        assertNotOff(typedIn, `${size}, in the middle of it`);
        scene.out(bytes);
        scene.out('\u001b[?2004h\r\n$ ');
        assert.ok(scene.submit(LINE, LINE).candidates.includes(LINE), `${size}, typed`);
        scene.out('\u001b[?2004h\r\n$ ');
        assertNotOff(scene.submit('\u001b[A', LINE), `${size}, from the history`);
        scene.out('\r\n$ ');
        scene.submit(`x${LINE}`, `x${LINE}`);
        scene.out('\r\n$ ');
        const edited = `x${LINE}\u0001\u001b[3~`;
        assertNotOff(scene.submit(edited, `x${LINE}\r$ ${LINE}\u001b[K`), `${size}, edited`);
        scene.dispose();
      }
    });
  }

  it('a storm of sizes in the middle of a line', () => {
    const scene = new Scene(80, 24);
    scene.out('$ ');
    scene.submit('true', 'true');
    scene.out('\r\n$ ');
    for (let n = 0; n < 5000; n += 1) {
      scene.resize((n * 7919) % 65_536, (n * 104_729) % 65_536);
      if (n % 500 === 0) scene.out('漢e\u0301\u001b[6n');
    }
    scene.resize(80, 24);
    scene.out('\r\n$ ');
    assert.ok(scene.submit(LINE, LINE).candidates.includes(LINE));
    scene.dispose();
  });

  it('a tiny other screen hides no line that was recalled and edited', () => {
    for (const [cols, rows] of [
      [1, 1],
      [30, 1],
      [20, 3],
    ] as const) {
      const scene = new Scene(cols, rows);
      scene.out('\u001b[?1049h\r\nuser@host:~/a/long/path$ ');
      const line = scene.submit('\u001b[A\u0001\u0004\u0004', `: ${LINE}\r\u001b[K${LINE}`);
      assertNotOff(line, `${cols}x${rows}`);
      scene.dispose();
    }
  });

  it('is emulated with so many changes of rows as were paid for', () => {
    const chars = 60_000;
    const [cols, rows] = [256, 100];
    const row = 1 + cols / 128;
    const costs: readonly [string, number][] = [
      ['\u001b[2J', rows * row],
      ['\u001b[?1049h', 2 * rows * row],
      ['\u001bc', rows * row],
      ['\u001b#8', rows * row],
      ['\u001b[50S', 50 * row],
      ['\u001b[50L', 50 * row],
      ['\u001b[9 @', rows * row],
      ["\u001b[9'}", rows * row],
      ['\u001bM', row],
      ['\u001b[999@', row],
      ['\u001b[800b', 100],
      ['\u001b[200Z', 25],
    ];
    for (const [sequence, cost] of costs) {
      const guard = new FloodGuard(cols, rows);
      const kept = guard.push(sequence.repeat(chars / sequence.length));
      const count = kept.split(sequence).length - 1;
      const name = JSON.stringify(sequence);
      assert.ok(count * cost <= MAX_CREDIT + chars, `${name}: ${count} of them`);
      assert.ok(count > 0 && guard.dropped > 0, `${name} is dropped at some time`);
    }
  });

  it('never starves an editor that clears below its line at every key, for time pays too', () => {
    const screen = new Screen(300, 120);
    const key = '\u001b[1;3Hx\u001b[J\u001b[K\u001b[J';
    for (let n = 0; n < 2000; n += 1) {
      screen.timePasses(n * 50_000);
      screen.write(key);
    }
    assert.equal(screen.isLacking, false);
    screen.dispose();
  });

  it('shows the right one of the two screens as soon as that is paid', () => {
    for (const [last, isAlternate] of [
      ['\u001b[?1049h', true],
      ['\u001b[?1049l', false],
      ['\u001bc', false],
    ] as const) {
      const screen = new Screen(500, 500);
      screen.timePasses(0);
      screen.write('\u001b[?1049h\u001b[?1049l'.repeat(2000) + last);
      screen.timePasses(1_000_000);
      screen.write('$ ');
      assert.equal(screen.isAlternate, isAlternate);
      screen.dispose();
    }
  });

  it('leaves doubt as long as what it could not pay for is missing', () => {
    const screen = new Screen(80, 24);
    screen.write('\u001b[500S'.repeat(10_000));
    assert.equal(screen.isLacking, true);
    screen.write('line\r\n'.repeat(SCROLLBACK_ROWS));
    assert.equal(screen.isLacking, false, 'the rows have gone');
    screen.write('\u001b[500S'.repeat(10_000));
    assert.equal(screen.isLacking, true);
    screen.timePasses(0);
    screen.timePasses(1_000_000);
    screen.write('\u001b[2J');
    assert.equal(screen.isLacking, false, 'the rows were cleared');
    screen.dispose();
  });

  it('gives no more ends of a row than are judged in bounded time', () => {
    for (const text of ['a '.repeat(60_000), '漢'.repeat(60_000), '👍'.repeat(30_000)]) {
      for (const ends of [wordSuffixes(text), charSuffixes(text)]) {
        assert.ok(ends.length <= 240);
        assert.ok(ends.reduce((sum, { length }) => sum + length, 0) <= 1_100_000);
        for (const end of ends) assert.ok(text.trimEnd().endsWith(end) && end.isWellFormed());
      }
    }
  });
});
