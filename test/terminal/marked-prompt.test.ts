import assert from 'node:assert/strict';
import { KeySplitter } from '../../server/terminal/keys.ts';
import { LineReader, type SubmittedLine } from '../../server/terminal/line.ts';
import { MarkScanner } from '../../server/terminal/marks.ts';

const B = '\u001b]133;B\u0007';
const STEP_US = 30_000;
type Step = readonly ['out' | 'keys', string];

/** The lines that a reader makes of it, with and without the marks. */
function lines(steps: readonly Step[], usesMarks: boolean): SubmittedLine[] {
  const reader = new LineReader(80, 24);
  const keys = new KeySplitter();
  const marks = new MarkScanner();
  const found: SubmittedLine[] = [];
  let nowUs = 1_000_000;
  for (const [kind, text] of steps) {
    nowUs += STEP_US;
    if (kind === 'out') {
      for (const { bytes, mark } of marks.push(Buffer.from(text))) {
        reader.output(bytes, nowUs);
        if (usesMarks && mark?.kind === 'input') reader.promptEnded();
      }
      continue;
    }
    for (const key of keys.push(Buffer.from(text))) {
      if (!key.submits) {
        reader.key(key, nowUs);
        continue;
      }
      reader.beginSubmit(nowUs);
      for (;;) {
        const step = reader.poll(nowUs);
        if (step.kind === 'line') {
          found.push(step.line);
          break;
        }
        nowUs += step.forUs;
      }
      reader.submitted(nowUs);
    }
  }
  reader.dispose();
  return found;
}

interface Expected {
  readonly text: string | null;
  readonly certainty?: 'uncertain';
  readonly isMarked?: boolean;
  readonly judged?: readonly string[];
}
const CASES: readonly (readonly [string, readonly Step[], readonly Expected[]])[] = [
  [
    'a line behind its mark',
    [
      ['out', `$ ${B}`],
      ['keys', 'ls'],
      ['out', 'ls'],
      ['keys', '\r'],
    ],
    [{ text: 'ls', isMarked: true }],
  ],
  [
    'a line before which no mark came',
    [
      ['out', `$ ${B}`],
      ['keys', '\r'],
      ['out', '\r\n$ '],
      ['keys', 'ls'],
      ['out', 'ls'],
      ['keys', '\r'],
    ],
    [{ text: '', isMarked: true }, { text: 'ls' }],
  ],
  [
    'a line with a prompt at the right margin',
    [
      ['out', `$ ${B}\u001b[70C[right]\u001b[3G`],
      ['keys', 'ls'],
      ['out', 'ls'],
      ['keys', '\r'],
    ],
    [{ text: 'ls', isMarked: true }],
  ],
  [
    'a line whose prompt is drawn once more',
    [
      ['out', `$ ${B}`],
      ['keys', 'ls'],
      ['out', `ls\r\u001b[K$ ${B}ls`],
      ['keys', '\r'],
    ],
    [{ text: 'ls', isMarked: true }],
  ],
  [
    'a mark that comes twice',
    [
      ['out', `$ ${B}${B}`],
      ['keys', 'ls'],
      ['out', 'ls'],
      ['keys', '\r'],
    ],
    [{ text: 'ls', isMarked: true }],
  ],
  [
    'text that stood there before the first key, behind an unknown prompt',
    [
      ['out', `$ ${B}rm -rf /data`],
      ['keys', '\r'],
    ],
    [{ text: '', certainty: 'uncertain', judged: ['rm -rf /data'] }],
  ],
  [
    'a mark in the middle of what is taken for the prompt',
    [
      ['out', `$ ${B}rm -rf / #$ `],
      ['keys', 'ls'],
      ['out', 'ls'],
      ['keys', '\r'],
    ],
    [{ text: 'ls', certainty: 'uncertain', judged: ['ls', 'rm -rf / #$ ls'] }],
  ],
  [
    'a mark that comes behind the line',
    [
      ['out', '$ '],
      ['keys', 'reboot'],
      ['out', `reboot${B}`],
      ['keys', '\r'],
    ],
    [{ text: 'reboot', judged: ['reboot'] }],
  ],
  [
    'keys that are not shown behind a marked prompt',
    [
      ['out', `password: ${B}`],
      ['keys', 'reboot\r'],
    ],
    [{ text: null, certainty: 'uncertain', judged: ['reboot'] }],
  ],
];

function strictOf({ candidates, guesses }: SubmittedLine): string[] {
  return candidates.filter((one) => !guesses.has(one));
}

describe('a mark at the end of a prompt', () => {
  for (const [name, steps, expected] of CASES)
    it(`is compared with the line: ${name}`, () => {
      const found = lines(steps, true);
      assert.deepEqual(
        found.map(({ text, certainty, isMarked }) => [text, certainty, isMarked]),
        expected.map(({ text, certainty = 'observed', isMarked = false }) => [
          text,
          certainty,
          isMarked,
        ]),
      );
      for (const [n, { judged = [] }] of expected.entries()) {
        const line = found[n];
        for (const text of judged) assert.ok(line && strictOf(line).includes(text), text);
      }
    });

  it('never takes a reading or a doubt away, wherever it stands', () => {
    for (const [, steps] of CASES) {
      const bare = steps.map(([kind, text]) => [kind, text.replaceAll(B, '')] as const);
      const plain = lines(bare, false);
      for (let step = 0; step < bare.length; step += 1) {
        const [kind, text] = bare[step] ?? ['keys', ''];
        if (kind !== 'out') continue;
        for (let at = 0; at <= text.length; at += 1) {
          const forged = [...bare];
          forged[step] = ['out', text.slice(0, at) + B + text.slice(at)];
          // A mark inside an escape sequence breaks it, and what is shown is another thing.
          if (text.slice(0, at).includes('\u001b')) continue;
          for (const [n, line] of lines(forged, true).entries()) {
            const before = plain[n];
            assert.ok(before !== undefined);
            for (const one of before.candidates) assert.ok(line.candidates.includes(one), one);
            for (const one of line.guesses) assert.ok(before.guesses.has(one), one);
            if (before.certainty === 'uncertain') assert.equal(line.certainty, 'uncertain');
            assert.equal(line.text, before.text);
          }
        }
      }
    }
  });
});
