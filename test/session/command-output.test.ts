import assert from 'node:assert/strict';
import { CommandOutput } from '../../server/session/command-output.ts';

/** `seq from..to=status` of every range that was reported. */
function played(play: (output: CommandOutput) => void): string[] {
  const ranges: string[] = [];
  const output = new CommandOutput((seq, { outputFromUs, outputToUs, exitStatus }) => {
    ranges.push(`${seq} ${outputFromUs}..${outputToUs}=${exitStatus ?? 'unknown'}`);
  });
  play(output);
  return ranges;
}
const row = (
  seq: number,
  isMarked: boolean,
  text = 'true',
): { seq: number; isMarked: boolean; text: string } => ({ seq, text, isMarked });

const CASES: readonly (readonly [string, (output: CommandOutput) => void, readonly string[]])[] = [
  [
    'ends without marks at the next prompt',
    (output) => {
      output.released(row(1, false), 10);
      output.next(15);
      output.released(row(2, false), 30);
      output.sessionEnded(null, 40);
    },
    ['1 10..15=unknown', '2 30..40=unknown'],
  ],
  [
    'never ends before it begins',
    (output) => {
      output.released(row(1, false), 10);
      output.next(5);
    },
    ['1 10..10=unknown'],
  ],
  [
    'goes from mark to mark',
    (output) => {
      output.released(row(1, true), 10);
      output.started(12);
      output.ended(3, 20);
      output.prompted(21);
      output.next(22);
    },
    ['1 12..20=3'],
  ],
  [
    'takes an end without a start, and an end that says nothing',
    (output) => {
      output.released(row(1, true), 10);
      output.ended(0, 20);
      output.released(row(2, true), 30);
      output.ended(null, 40);
    },
    ['1 10..20=0', '2 30..40=unknown'],
  ],
  [
    'takes only the first of several ends',
    (output) => {
      output.released(row(1, true), 10);
      output.started(11);
      output.started(12);
      output.ended(1, 20);
      output.ended(0, 21);
      output.prompted(22);
      output.sessionEnded(null, 30);
    },
    ['1 11..20=1'],
  ],
  [
    'gives no status to what was typed ahead, or for a program',
    (output) => {
      output.released(row(1, true), 10);
      output.started(11);
      output.released(row(2, false), 12);
      output.ended(5, 20);
      output.prompted(21);
      output.started(22);
      output.ended(6, 23);
      output.next(24);
    },
    ['1 11..20=5', '2 12..24=unknown'],
  ],
  [
    'ignores marks before any line stands behind one',
    (output) => {
      output.released(row(1, false), 10);
      output.started(11);
      output.ended(7, 12);
      output.sessionEnded(null, 20);
    },
    ['1 10..20=unknown'],
  ],
  [
    'gives the status of an input of several lines to the last of them',
    (output) => {
      output.released(row(1, true, 'for i in 1'), 10);
      output.prompted(11);
      output.released(row(2, false, 'do false'), 20);
      output.released(row(3, false, 'done'), 30);
      output.started(31);
      output.ended(1, 40);
    },
    ['1 10..20=unknown', '2 20..30=unknown', '3 31..40=1'],
  ],
  [
    'ends at the next marked prompt where commands are not marked',
    (output) => {
      output.released(row(1, true), 10);
      output.prompted(15);
      output.released(row(2, true), 30);
      output.prompted(35);
    },
    ['1 10..15=unknown', '2 30..35=unknown'],
  ],
  [
    'is not ended by a prompt that is drawn again, where commands are marked',
    (output) => {
      output.released(row(1, true), 10);
      output.started(11);
      output.ended(0, 12);
      output.released(row(2, true), 20);
      output.prompted(21);
      output.started(22);
      output.ended(4, 30);
    },
    ['1 11..12=0', '2 22..30=4'],
  ],
  [
    'ends with the session',
    (output) => {
      output.released(row(1, true), 10);
      output.started(11);
      output.sessionEnded(9, 20);
    },
    ['1 11..20=unknown'],
  ],
  [
    'gives an exec request the status of the session',
    (output) => {
      output.released(row(1, false), 10);
      output.sessionEnded(9, 20);
    },
    ['1 10..20=9'],
  ],
  [
    'keeps the command of the request apart from those of its input',
    (output) => {
      output.released(row(1, false), 10);
      output.enterInput();
      output.released(row(2, false), 20);
      output.sessionEnded(9, 30);
    },
    ['2 20..30=unknown', '1 10..30=9'],
  ],
];

describe('the output of a command', () => {
  for (const [name, play, expected] of CASES)
    it(name, () => assert.deepEqual(played(play), expected));
});
