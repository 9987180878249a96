import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SubmittedLine } from '../../server/terminal/line.ts';
import { Typist, type Shell, type Step } from './typist.ts';

const UP = '\u001b[A';
const LEFT = '\u001b[D';
const RIGHT = '\u001b[C';
/** A prompt after the alternate screen was left. */
// oxlint-disable-next-line no-control-regex -- the sequence that leaves the alternate screen
const BACK = /\u001b\[\?1049l[^]*\$ $/;
// oxlint-disable-next-line no-control-regex -- the sequence that enters it
const FULL = /\u001b\[\?1049h/;
const USUAL_SIZE: readonly [number, number] = [80, 24];
const LONG = 'echo this is a line that is much longer than forty columns and wraps twice at least';
const THIRTY = Array.from({ length: 30 }, (_, n) => `echo line ${n}`);

/** What the reader must say of each Enter: the text, or what is special about it. */
type Said = string | null | { readonly [Key in keyof SubmittedLine]?: SubmittedLine[Key] };

interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly said: readonly Said[];
  /** What bash must have put into its history; default: what was said. */
  readonly truth?: readonly string[];
  readonly size?: readonly [number, number];
  readonly shell?: Shell;
}

const SECRET = { text: null, secret: true, certainty: 'observed' } as const;
const PASTED = { interim: true } as const;

const cases: Case[] = [
  { name: 'plain lines', steps: ['echo one\r', 'echo two\n'], said: ['echo one', 'echo two'] },
  { name: 'backspace', steps: ['ecxx\u007f\u007fho hi\r'], said: ['echo hi'] },
  { name: 'Ctrl-U', steps: ['junk words\u0015echo ok\r'], said: ['echo ok'] },
  { name: 'arrows', steps: ['eho hi', LEFT.repeat(5), 'c', '\r'], said: ['echo hi'] },
  {
    name: 'history',
    steps: ['echo first\r', 'echo second\r', UP, UP, '\r'],
    said: ['echo first', 'echo second', 'echo first'],
  },
  {
    name: 'history search',
    steps: ['echo needle\r', 'echo other\r', '\u0012', 'need', '\r'],
    said: ['echo needle', 'echo other', 'echo needle'],
  },
  {
    name: 'completion',
    steps: ['touch longname.txt\r', 'ls long', '\t', '\r'],
    said: ['touch longname.txt', 'ls longname.txt'],
    truth: ['touch longname.txt', 'ls longname.txt '],
  },
  {
    name: 'completion with a list',
    steps: ['touch aab aac\r', 'ls a', '\t', '\t', '\t', 'b\r'],
    said: ['touch aab aac', 'ls aab'],
  },
  {
    name: 'three lines pasted at once',
    steps: ['echo a\recho b\recho c\r'],
    said: ['echo a', 'echo b', 'echo c'],
  },
  {
    name: 'three lines in a bracketed paste',
    steps: ['\u001b[200~echo a\recho b\recho c\u001b[201~', '\r'],
    said: [PASTED, PASTED, 'echo a\necho b\necho c'],
    truth: ['echo c'],
  },
  {
    name: 'a bracketed paste that is longer than the screen',
    steps: ['echo warm\r', `\u001b[200~${THIRTY.join('\r')}\u001b[201~`, '\r'],
    said: ['echo warm', ...THIRTY.slice(1).map(() => PASTED), THIRTY.join('\n')],
    truth: ['echo warm', 'echo line 29'],
  },
  { name: 'a line that wraps', steps: [`${LONG}\r`], said: [LONG], size: [40, 10] },
  {
    name: 'editing at the start of a line that wraps',
    steps: [`x${LONG.slice(1)}`, '\u0001', RIGHT, '\u007f', 'e', '\r'],
    said: [LONG],
    size: [40, 10],
  },
  {
    name: 'a line in dash that wraps',
    steps: [`: ${'w'.repeat(100)}\r`, 'echo x\r'],
    said: [`: ${'w'.repeat(100)}`, 'echo x'],
    size: [40, 10],
    shell: 'dash',
  },
  {
    name: 'a change of size within a line',
    steps: [LONG, { resize: [50, 20] }, ' after', '\r', 'echo next\r'],
    said: [`${LONG} after`, 'echo next'],
  },
  {
    name: 'wide characters that are split over packets',
    steps: [{ bytewise: 'echo 漢字 größe 👍' }, '\r'],
    said: ['echo 漢字 größe 👍'],
  },
  {
    name: 'wide characters at the right margin',
    steps: [{ bytewise: `echo ${'漢字'.repeat(12)}` }, '\r'],
    said: [`echo ${'漢字'.repeat(12)}`],
    size: [20, 10],
  },
  {
    name: 'a password prompt',
    steps: ['read -s -p "Password: " x\r', 'hunter2', '\r', 'echo ok\r'],
    said: ['read -s -p "Password: " x', SECRET, 'echo ok'],
    truth: ['read -s -p "Password: " x', 'echo ok'],
  },
  {
    name: 'a program that switches the echo off',
    steps: ['stty -echo; head -1 >x; stty echo\r', 'top secret', '\r', 'echo ok\r'],
    said: ['stty -echo; head -1 >x; stty echo', SECRET, 'echo ok'],
    truth: ['stty -echo; head -1 >x; stty echo', 'echo ok'],
  },
  {
    name: 'a shell that does not echo',
    steps: ['stty -echo\r', 'echo hidden', '\r'],
    said: [
      'stty -echo',
      { text: null, secret: true, certainty: 'uncertain', candidates: ['echo hidden'] },
    ],
    truth: ['stty -echo', 'echo hidden'],
  },
  {
    name: 'vim',
    steps: [
      'vim -N -u NONE -i NONE f\r',
      { wait: FULL },
      'ihello',
      '\r',
      'world\u001b',
      ':wq\r',
      { wait: BACK },
      'echo back\r',
    ],
    said: [
      'vim -N -u NONE -i NONE f',
      { alternate: true, certainty: 'observed' },
      { alternate: true, certainty: 'observed' },
      'echo back',
    ],
    truth: ['vim -N -u NONE -i NONE f', 'echo back'],
  },
  {
    name: 'less',
    steps: ['seq 100 >l\r', 'less l\r', { wait: FULL }, '\r', 'q', { wait: BACK }, 'echo back\r'],
    said: ['seq 100 >l', 'less l', { alternate: true, text: null }, 'echo back'],
    truth: ['seq 100 >l', 'less l', 'echo back'],
  },
  {
    name: 'a here-document',
    steps: ['echo warm\r', 'cat <<EOF\r', "it's\r", 'EOF\r', 'echo ok\r'],
    said: ['echo warm', 'cat <<EOF', "it's", 'EOF', 'echo ok'],
    truth: ['echo warm', "cat <<EOF\nit's\nEOF\n", 'echo ok'],
  },
  {
    name: 'a loop over several lines, and the same from the history',
    steps: ['for i in 1 2\r', 'do echo $i\r', 'done\r', UP, '\r'],
    said: ['for i in 1 2', 'do echo $i', 'done', 'for i in 1 2; do echo $i; done'],
    truth: ['for i in 1 2; do echo $i; done', 'for i in 1 2; do echo $i; done'],
  },
  {
    name: 'input of a program, ended by Ctrl-D',
    steps: ['cat\r', 'some text\r', '\u0004', 'echo ok\r'],
    said: ['cat', 'some text', '', 'echo ok'],
    truth: ['cat', 'echo ok'],
  },
  {
    name: 'typing ahead of a slow command',
    steps: ['sleep 0.4\recho ahead\r', 'echo ok\r'],
    said: ['sleep 0.4', 'echo ahead', 'echo ok'],
  },
  {
    name: 'typing ahead in dash',
    steps: ['sleep 0.3\recho b\recho c\r', 'echo d\r'],
    said: ['sleep 0.3', 'echo b', 'echo c', 'echo d'],
    shell: 'dash',
  },
  { name: 'Ctrl-O', steps: ['echo o\u000f', 'echo p\r'], said: ['echo o', 'echo p'] },
  {
    name: 'Enter alone',
    steps: ['\r', '\r', 'echo x\r', '\r'],
    said: ['', '', 'echo x', ''],
    truth: ['echo x', 'echo x'],
  },
  { name: 'a cleared screen', steps: ['echo x', '\u000c', 'y\r'], said: ['echo xy'] },
  {
    name: 'a prompt that changes with every command',
    steps: ["PS1='\\w\\$ '\r", 'cd /tmp\r', 'echo x\r', 'cd /usr\recho y\r'],
    said: ["PS1='\\w\\$ '", 'cd /tmp', 'echo x', 'cd /usr', 'echo y'],
  },
  {
    name: 'a shell that pretends to be a full-screen program',
    steps: ["printf '\\033[?1049h'\r", 'echo hidden\r', UP, '\r'],
    said: ["printf '\\033[?1049h'", { text: 'echo hidden', alternate: false }, 'echo hidden'],
    truth: ["printf '\\033[?1049h'", 'echo hidden', 'echo hidden'],
  },
  {
    name: 'text that a key binding puts into the line',
    steps: [`bind '"\\C-g": "echo FOR\\x42ID"'\r`, '\u0007', '\r', '\u0007', ' x\r'],
    said: [`bind '"\\C-g": "echo FOR\\x42ID"'`, 'echo FORBID', 'echo FORBID x'],
  },
  {
    name: 'vi mode',
    steps: ['set -o vi\r', 'cho x', '\u001b', '0', 'i', 'e', '\u001b', '\r'],
    said: ['set -o vi', 'echo x'],
  },
  {
    name: 'a shell in tmux',
    steps: [
      `tmux -L sallyport-${process.pid} -f /dev/null new-session 'PS1="$ " bash --norc'\r`,
      { wait: FULL },
      'echo inside\r',
      UP,
      '\r',
      'exit\r',
      { wait: BACK },
    ],
    said: [
      `tmux -L sallyport-${process.pid} -f /dev/null new-session 'PS1="$ " bash --norc'`,
      'echo inside',
      'echo inside',
      'exit',
    ],
    truth: [`tmux -L sallyport-${process.pid} -f /dev/null new-session 'PS1="$ " bash --norc'`],
  },
  {
    name: 'SQL over two lines in sqlite3',
    steps: ['sqlite3\r', { wait: /sqlite> $/ }, 'select\r', '1;\r', '.quit\r', 'echo z\r'],
    said: ['sqlite3', 'select', '1;', '.quit', 'echo z'],
    truth: ['sqlite3', 'echo z'],
  },
  {
    name: 'lines in dash',
    steps: [
      'echo one\r',
      'ecxx\u007f\u007fho hi\r',
      'for i in 1\r',
      'do echo $i\r',
      'done\r',
      'cat\r',
      'text\r',
      '\u0004',
      'echo z\r',
    ],
    said: ['echo one', 'echo hi', 'for i in 1', 'do echo $i', 'done', 'cat', 'text', '', 'echo z'],
    shell: 'dash',
  },
];

function checkSaid(line: SubmittedLine, said: Said): void {
  if (said === null || typeof said === 'string') {
    assert.deepEqual([line.text, line.certainty, line.why], [said, 'observed', null]);
    return;
  }
  for (const [key, value] of Object.entries(said)) {
    assert.deepEqual(line[key as keyof SubmittedLine], value, key);
  }
}

describe('LineReader in front of a real shell', () => {
  for (const { name, steps, said, truth, size = USUAL_SIZE, shell = 'bash' } of cases) {
    it(`reads ${name}`, async () => {
      const typist = new Typist(shell, size, () => false);
      try {
        await typist.play(steps);
        assert.equal(
          typist.lines.length,
          said.length,
          JSON.stringify(typist.lines.map((line) => line.text)),
        );
        for (const [n, line] of typist.lines.entries()) checkSaid(line, said[n] ?? null);
        const entered = truth ?? said.filter((one) => typeof one === 'string');
        if (shell === 'bash')
          await typist.until(() => same(typist.truth(), entered), 'the history');
      } finally {
        typist.close();
      }
    });
  }

  const attempts: [string, readonly Step[]][] = [
    ['typed', ['touch FORBID\r']],
    ['edited', ['touch FORXX', '\u007f\u007f', 'BID\r']],
    [
      'from the history, edited',
      [': touch FORBIX\r', UP, '\u007f', 'D', '\u0001', '\u0004', '\u0004', '\r'],
    ],
    ['in a paste of lines', ['true\rtouch FORBID\recho after\r']],
    ['in a bracketed paste', ['\u001b[200~true\rtouch FORBID\recho after\u001b[201~', '\r']],
    ['in a loop', ['for i in 1; do\r', 'touch FORBID\r', 'done\r']],
    ['cut by a backslash', ['touch FOR\\\r', 'BID\r']],
    ['ahead of a slow command', ['sleep 0.3\rtouch FORBID\r']],
    ['as input of a shell', ['cat | sh\r', 'touch FORBID\r\u0004']],
    ['as input without a line break', ['cat | sh\r', 'touch FORBID\u0004\u0004']],
    ['without echo', ['stty -echo\r', 'touch FORBID\r']],
    ['behind a fake alternate screen', ["printf '\\033[?1049h'\r", 'touch FORBID\r']],
    [
      'behind a fake alternate screen without a prompt',
      ["PS1=; printf '\\033[?1049h'\r", 'touch FORBID\r'],
    ],
    ['with a hidden prompt', ["printf '\\033[8m'\r", 'touch FORBID\r']],
    ['after a pager', ['seq 100 >l; less l\r', { wait: FULL }, 'qtouch FORBID\r']],
    ['with Ctrl-O', ['touch FORBID\u000f']],
    ['without echo, with an editing key', ['stty -echo\r', 'touch FORBID\u0001', '\r']],
    [
      'without echo, in what looks like an answer',
      ['stty -echo\r', '\u001b]touch FORBID\u001b\\', '\r'],
    ],
    ['in a character set of other signs', ["printf '\\033(0'\r", 'touch FORBID\u0001', '\r']],
    [
      'on a line that is painted over',
      [
        `(for i in $(seq 60); do printf '\\r$ echo hi\\033[K'; sleep 0.01; done) &\r`,
        'touch FORBID\u0001',
        '\r',
      ],
    ],
    [
      'in a line that scrolls sideways',
      [
        `bind 'set horizontal-scroll-mode on'\r`,
        `\u001b[200~true #${'a'.repeat(150)}\rtouch FORBID\u001b[201~`,
        '\u0001',
        '\r',
      ],
    ],
  ];
  for (const [name, steps] of attempts) {
    it(`sees a command that is refused, ${name}`, async () => {
      const typist = new Typist(
        'bash',
        USUAL_SIZE,
        (line) =>
          line.candidates.some((one) => one.replaceAll('\\\n', '').startsWith('touch FORBID')) ||
          line.candidates.some((one) => /^(?:for|true).*touch FORBID/s.test(one)),
      );
      try {
        await typist.play(steps);
        await typist.play(['\u0003', '\u0003', 'stty echo\r', '\u001b\u0015: alive\r']);
        assert.equal(existsSync(join(typist.folder, 'FORBID')), false);
        await typist.until(() => typist.truth().at(-1) === ': alive', 'a shell that goes on');
      } finally {
        typist.close();
      }
    });
  }
});

function same(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
