import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { KeySplitter } from '../../server/terminal/keys.ts';
import {
  AHEAD_LIMIT_US,
  LineReader,
  SETTLE_LIMIT_US,
  type SubmittedLine,
} from '../../server/terminal/line.ts';
import { MAX_ROUND_TRIP_US } from '../../server/terminal/round-trip.ts';
import { MAX_SUFFIXES } from '../../server/terminal/suffixes.ts';

type Step = readonly ['out' | 'keys', string];
interface Expected {
  readonly text: string | null;
  readonly certainty?: 'observed' | 'uncertain';
  readonly secret?: boolean;
  readonly alternate?: boolean;
  readonly interim?: boolean;
  /** Exactly these are judged strictly. */
  readonly strict?: readonly string[];
  readonly strictHas?: readonly string[];
  readonly guesses?: readonly string[];
  readonly guessesHas?: readonly string[];
}
interface Case {
  readonly name: string;
  readonly cols?: number;
  readonly steps: readonly Step[];
  readonly lines: readonly Expected[];
}
const file = new URL('../cases/pty/lines.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

type Cut = (bytes: Buffer) => Buffer[];
const whole: Cut = (bytes) => [bytes];
const bytewise: Cut = (bytes) => Array.from(bytes, (byte) => Buffer.from([byte]));

/** A session on a clock of its own: 30 ms between steps, no time between the pieces of one. */
class Session {
  readonly reader: LineReader;
  readonly lines: SubmittedLine[] = [];
  longestHoldUs = 0;
  nowUs = 1_000_000;
  readonly #keys = new KeySplitter();

  constructor(cols = 80, rows = 24) {
    this.reader = new LineReader(cols, rows);
  }

  play(steps: readonly Step[], cut: Cut): void {
    for (const [kind, text] of steps) {
      this.nowUs += 30_000;
      for (const bytes of cut(Buffer.from(text))) {
        if (kind === 'out') this.reader.output(bytes, this.nowUs);
        else this.#type(bytes);
      }
    }
  }

  #type(bytes: Buffer): void {
    for (const key of this.#keys.push(bytes)) {
      if (!key.submits) {
        this.reader.key(key, this.nowUs);
        continue;
      }
      this.lines.push(this.read());
      this.reader.submitted(this.nowUs);
    }
  }

  read(): SubmittedLine {
    const startUs = this.nowUs;
    this.reader.beginSubmit(startUs);
    for (;;) {
      const step = this.reader.poll(this.nowUs);
      this.longestHoldUs = Math.max(this.longestHoldUs, this.nowUs - startUs);
      if (step.kind === 'line') return step.line;
      assert.ok(step.forUs > 0);
      this.nowUs += step.forUs;
    }
  }
}

function strictOf(line: SubmittedLine): string[] {
  return line.candidates.filter((one) => !line.guesses.has(one));
}

function check(line: SubmittedLine, expected: Expected): void {
  assert.equal(line.text, expected.text);
  assert.equal(line.certainty, expected.certainty ?? 'observed');
  assert.equal(line.certainty === 'uncertain', line.why !== null);
  assert.equal(line.secret, expected.secret ?? false);
  assert.equal(line.alternate, expected.alternate ?? false);
  assert.equal(line.interim, expected.interim ?? false);
  const strict = strictOf(line);
  if (expected.strict !== undefined)
    assert.deepEqual(strict.toSorted(), expected.strict.toSorted());
  for (const text of expected.strictHas ?? []) assert.ok(strict.includes(text), text);
  if (expected.guesses !== undefined) assert.deepEqual([...line.guesses], expected.guesses);
  for (const text of expected.guessesHas ?? []) assert.ok(line.guesses.has(text), text);
}

describe('LineReader', () => {
  for (const { name, cols, steps, lines } of cases) {
    for (const [how, cut] of [
      ['whole', whole],
      ['byte by byte', bytewise],
    ] as const) {
      it(`reads ${name}, ${how}`, () => {
        const session = new Session(cols);
        session.play(steps, cut);
        assert.equal(session.lines.length, lines.length);
        for (const [n, line] of session.lines.entries()) check(line, lines[n] ?? { text: null });
        session.reader.dispose();
      });
    }
  }

  it('reads the same however the packets are cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...cases),
        fc.infiniteStream(fc.nat({ max: 5 })),
        (one, sizes) => {
          const session = new Session(one.cols);
          session.play(one.steps, (bytes) => {
            const parts: Buffer[] = [];
            for (let at = 0; at < bytes.length;) {
              const size = 1 + (sizes.next().value ?? 0);
              parts.push(bytes.subarray(at, at + size));
              at += size;
            }
            return parts;
          });
          assert.equal(session.lines.length, one.lines.length);
          for (const [n, line] of session.lines.entries())
            check(line, one.lines[n] ?? { text: null });
          session.reader.dispose();
        },
      ),
      { numRuns: 150 },
    );
  });

  it('gives the same line when it is read again', () => {
    const session = new Session();
    session.play(
      [
        ['out', '$ '],
        ['keys', 'shutdown now'],
        ['out', 'shutdown now'],
      ],
      whole,
    );
    const first = session.read();
    session.nowUs += 60_000_000;
    assert.deepEqual(session.read(), first);
  });

  it('forgets a refused line, and what was pending', () => {
    const session = new Session();
    session.play(
      [
        ['out', '$ '],
        ['keys', "echo 'a"],
        ['out', "echo 'a"],
        ['keys', '\r'],
        ['out', '\r\n> '],
        ['keys', 'b'],
        ['out', 'b'],
      ],
      whole,
    );
    session.read();
    session.reader.afterDenied(session.nowUs);
    session.play(
      [
        ['out', '^C\r\n$ '],
        ['keys', 'id'],
        ['out', 'id'],
        ['keys', '\r'],
      ],
      whole,
    );
    check(session.lines.at(-1) ?? assert.fail(), { text: 'id', strict: ['id'] });
  });

  it('reads a refused line again that the target did not clear', () => {
    const session = new Session();
    session.play(
      [
        ['out', '$ '],
        ['keys', "echo '"],
        ['out', "echo '"],
        ['keys', '\r'],
        ['out', '\r\n> '],
        ['keys', "';reboot;: '"],
        ['out', "';reboot;: '"],
      ],
      whole,
    );
    session.read();
    session.reader.afterDenied(session.nowUs);
    session.play(
      [
        ['out', '^C'],
        ['keys', "'"],
        ['out', "'"],
        ['keys', '\r'],
      ],
      whole,
    );
    check(session.lines.at(-1) ?? assert.fail(), {
      text: "';reboot;: '^C'",
      strictHas: ["echo '\n';reboot;: '^C'"],
    });
  });

  it('judges the parts of a cut line of a paste together, also behind a known prompt', () => {
    const session = new Session();
    session.play(
      [
        ['out', '$ '],
        ['keys', 'id'],
        ['out', 'id'],
        ['keys', '\r'],
        ['out', '\r\n\u001b[?2004h$ '],
        ['keys', '\u001b[200~id\rrm \\\r/x\r'],
      ],
      whole,
    );
    check(session.lines.at(-1) ?? assert.fail(), {
      text: '/x',
      interim: true,
      guesses: ['/x', 'id\nrm \\\n/x'],
    });
  });

  it('ends a paste before it interrupts the line', () => {
    const session = new Session();
    assert.deepEqual(session.reader.abortKeys.map(String), ['\u0003']);
    session.play(
      [
        ['out', '\u001b[?2004h$ '],
        ['keys', '\u001b[200~reboot'],
      ],
      whole,
    );
    assert.deepEqual(session.reader.abortKeys.map(String), ['\u001b[201~', '\u0003']);
  });

  it('holds Enter for a bounded time while the target prints without a pause', () => {
    const session = new Session();
    session.play(
      [
        ['out', '$ '],
        ['keys', 'ls'],
      ],
      whole,
    );
    const startUs = session.nowUs;
    session.reader.beginSubmit(startUs);
    for (;;) {
      const step = session.reader.poll(session.nowUs);
      if (step.kind === 'line') {
        assert.equal(step.line.certainty, 'uncertain');
        break;
      }
      session.nowUs += 1000;
      session.reader.output(Buffer.from('noise\r\n'), session.nowUs);
      assert.ok(session.nowUs - startUs <= SETTLE_LIMIT_US + 2 * MAX_ROUND_TRIP_US);
    }
  });

  it('never holds longer than its limits, whatever is printed and typed', () => {
    const step = fc.tuple(
      fc.constantFrom('out' as const, 'keys' as const),
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom(
          '$ ',
          '\r',
          '\r\n',
          'ls',
          '\u001b[?1049h',
          '\u001b[?1049l',
          '\u001b[?2004h',
          '\u001b[200~',
          '\u001b[201~',
          '\u001b[A',
          '\u0004',
          '> ',
          'Password: ',
          "'",
        ),
      ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const session = new Session(20, 5);
        session.play(steps, whole);
        assert.ok(session.longestHoldUs <= AHEAD_LIMIT_US + 2 * MAX_ROUND_TRIP_US);
        for (const line of session.lines) {
          assert.equal(new Set(line.candidates).size, line.candidates.length);
          assert.ok(line.guesses.size <= 3 * MAX_SUFFIXES);
          for (const guess of line.guesses) assert.ok(line.candidates.includes(guess));
          if (line.text !== null && line.text.trim() !== '' && !line.interim) {
            assert.ok(line.candidates.some((one) => one.includes(line.text?.trim() ?? '')));
          }
        }
        session.reader.dispose();
      }),
      { numRuns: 300 },
    );
  });

  it('does not slow down with long lines', () => {
    const session = new Session();
    session.play([['out', '$ ']], whole);
    for (let n = 0; n < 3000; n += 1) {
      session.play(
        [
          ['keys', 'x'.repeat(20)],
          ['out', 'x'.repeat(20)],
        ],
        whole,
      );
    }
    for (let n = 0; n < 3000; n += 1) session.play([['keys', '\u007f']], whole);
    assert.equal(session.read().certainty, 'uncertain');
  });
});
