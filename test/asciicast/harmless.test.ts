import assert from 'node:assert/strict';
import { HarmlessOutput, MAX_SEQUENCE_CHARS } from '../../server/asciicast/harmless.ts';

const cases: [string, string, string][] = [
  ['text, line ends and tabs', 'a\tb\r\nc\b', 'a\tb\r\nc\b'],
  ['wide and combined characters', '漢字 é 😀', '漢字 é 😀'],
  [
    'colours and cursor moves',
    '\x1b[1;38;2;1;2;3mx\x1b[0m\x1b[2;5H\x1b[K',
    '\x1b[1;38;2;1;2;3mx\x1b[0m\x1b[2;5H\x1b[K',
  ],
  [
    'the other screen and the cursor',
    '\x1b[?1049h\x1b[?25l\x1b[?1049l',
    '\x1b[?1049h\x1b[?25l\x1b[?1049l',
  ],
  [
    'character sets and scroll regions',
    '\x1b(0q\x1b(B\x1b[2;9r\x1b7\x1b8\x1bM',
    '\x1b(0q\x1b(B\x1b[2;9r\x1b7\x1b8\x1bM',
  ],
  ['the shape of the cursor', '\x1b[5 q', '\x1b[5 q'],
  ['a colour that begins with C1', '\u009b31mred', '\x1b[31mred'],
];
const hostile: [string, string][] = [
  ['asks where the cursor is', '\x1b[6n'],
  ['asks what terminal it is', '\x1b[c\x1b[>c\x1b[=c\x1bZ\x1b[>0q'],
  ['asks for an answer back', '\x05'],
  ['asks for modes and settings', '\x1b[?2004$p\x1bP$qm\x1b\\\x1b[x'],
  ['asks for the title, resizes and moves the window', '\x1b[21t\x1b[8;1;1t\x1b[3;9999;9999t'],
  ['writes into the clipboard', '\x1b]52;c;cm0gLXJmIC8K\x07'],
  ['asks for colours', '\x1b]10;?\x1b\\\x1b]4;1;?\x07'],
  ['sets the title', '\x1b]0;sudo password\x07'],
  ['sends keys: mouse, focus, pastes', '\x1b[?1000h\x1b[?1003;1006h\x1b[?1004h\x1b[?2004h'],
  ['changes what keys send', '\x1b=\x1b[?1h\x1b[>4;1m\x1b[=1u\x1b[?u'],
  ['prints', '\x1b[5i\x1b[4i'],
  ['defines keys', '\x1bP0;1|17/726d\x1b\\'],
  ['asks through C1 introducers', '\u009b6n\u009d52;c;eA==\u009c\u0090$qm\u009c'],
  ['draws images', '\x1bPq#0;2;0;0;0~\x1b\\\x1b_Gf=32;AAAA\x1b\\\x1b]1337;File=:AA==\x07'],
  ['is longer than any sequence', `\x1b[${'1;'.repeat(MAX_SEQUENCE_CHARS)}n`],
];

describe('output for the terminal of whoever replays it', () => {
  for (const [name, text, expected] of cases) {
    it(`keeps ${name}, whole and character by character`, () => {
      assert.equal(new HarmlessOutput().push(text), expected);
      const single = new HarmlessOutput();
      assert.equal(Array.from(text, (char) => single.push(char)).join(''), expected);
    });
  }

  for (const [name, text] of hostile) {
    it(`drops what ${name}`, () => {
      assert.equal(new HarmlessOutput().push(`a${text}b`), 'ab');
      const single = new HarmlessOutput();
      assert.equal(Array.from(`a${text}b`, (char) => single.push(char)).join(''), 'ab');
    });
  }

  it('keeps the drawing part of modes that are set together', () => {
    assert.equal(new HarmlessOutput().push('\x1b[?1000;25;2004l'), '\x1b[?25l');
  });
});
