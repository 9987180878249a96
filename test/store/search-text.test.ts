import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RecordedEvent } from '../../server/asciicast/event.ts';
import {
  LINE_CHARACTERS,
  OVERLAP_CHARACTERS,
  PIECE_CHARACTERS,
  TextPieces,
} from '../../server/store/search-text.ts';

function output(atUs: number, text: string): RecordedEvent {
  return { atUs, code: 'o', text };
}

function piecesOf(events: readonly RecordedEvent[]): readonly { atUs: number; text: string }[] {
  const pieces = new TextPieces(80);
  for (const event of events) pieces.push(event);
  return pieces.take().map(({ atUs, text }) => ({ atUs, text }));
}

const exit: RecordedEvent = { atUs: 9_000_000, code: 'x', status: '0' };

describe('the text of a recording', () => {
  it('is what was on the screen, without escape sequences', () => {
    const pieces = piecesOf([
      output(1000, '\x1b[1;32mdeploy@web\x1b[0m:~$ lz\b\x1b[Ks\r\n'),
      output(2000, 'pass\x1b[31mword\x1b[0m-file\x1b]0;title\x07.txt\r\n'),
      output(3000, 'progress 10%\rprogress 99%\r\n'),
      exit,
    ]);
    assert.deepEqual(pieces, [
      { atUs: 1000, text: 'deploy@web:~$ ls\npassword-file.txt\nprogress 99%' },
    ]);
  });

  it('has no piece that holds output of two commands', () => {
    const marker = (atUs: number): RecordedEvent => ({ atUs, code: 'm', label: 'x' });
    const pieces = piecesOf([
      output(1, 'motd\r\n'),
      marker(2),
      output(3, 'first\r\n'),
      marker(4),
      output(5, 'second\r\nlast without an end'),
      exit,
    ]);
    assert.deepEqual(
      pieces.map(({ text }) => text),
      ['motd', 'first', 'second\nlast without an end'],
    );
  });

  it('leaves full-screen programs out', () => {
    const pieces = piecesOf([
      output(1, 'before\r\n\x1b[?1049h\x1b[Hsecret of vim\x1b[?1049lafter\r\n'),
      exit,
    ]);
    assert.deepEqual(pieces[0]?.text, 'before\nafter');
  });

  it('is cut into pieces of bounded length at line ends', () => {
    const lines = Array.from({ length: 200 }, (_, n) => `line number ${n}`);
    const pieces = piecesOf([output(1, lines.map((line) => `${line}\r\n`).join('')), exit]);
    assert.ok(pieces.length > 2);
    assert.equal(pieces.map(({ text }) => text).join('\n'), lines.join('\n'));
    for (const { text } of pieces) assert.ok(text.length < PIECE_CHARACTERS + 20);
  });

  it('loses nothing where a very long line is cut', () => {
    const line = Array.from({ length: 3000 }, (_, n) => `w${n}`).join(' ');
    const pieces = piecesOf([output(1, `${line}\r\n`), exit]);
    assert.ok(pieces.every(({ text }) => text.length <= LINE_CHARACTERS));
    for (let at = 0; at + OVERLAP_CHARACTERS <= line.length; at += 37) {
      const query = line.slice(at, at + OVERLAP_CHARACTERS).trim();
      assert.ok(
        pieces.some(({ text }) => text.includes(query)),
        `at ${at}`,
      );
    }
  });

  it('is the same however the output was split', () => {
    const text = 'a\x1b[1mb\x1b[0mc\r\nzwölf\r\n密码\r\n';
    const whole = piecesOf([output(1, text), exit]);
    const split = piecesOf(Array.from(text, (character) => output(1, character)).concat(exit));
    assert.deepEqual(split, whole);
  });
});
