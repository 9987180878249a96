/** What a person sees who is told something in the middle of their work. */
import assert from 'node:assert/strict';
import { noticeOn } from '../../server/terminal/notice-place.ts';
import { Screen } from '../../server/terminal/screen.ts';

const TEXT = 'sallyport: notice from ann: hello';

/** The rows of a client of 40 columns and 8 rows, and its cursor, after output, the notice, and more output. */
function shown(before: string, after = '', text = TEXT): readonly string[] {
  const target = new Screen(40, 8);
  const client = new Screen(40, 8);
  target.write(before);
  client.write(before);
  client.write(noticeOn(target, text));
  client.write(after);
  const rows = Array.from({ length: client.lastTextRow() + 1 }, (_, row) =>
    client.rowText(row).trimEnd(),
  );
  return [...rows, `${client.cursor.x},${client.cursor.y}`];
}

describe('a notice on a terminal', () => {
  it('stands above an empty prompt, which stays', () => {
    assert.deepEqual(shown('$ ls\r\nfile\r\n$ '), ['$ ls', 'file', TEXT, '$', '2,3']);
  });

  it('stands above the line that is edited, whose cursor stays where it was', () => {
    const edited = '$ echo one two\u001b[7D';
    assert.deepEqual(shown(edited, 'X'), [TEXT, '$ echo Xne two', '8,1']);
  });

  it('stands above a line that goes over several rows', () => {
    const long = `$ ${'a'.repeat(50)}`;
    const rows = [TEXT, `$ ${'a'.repeat(38)}`, 'a'.repeat(12)];
    assert.deepEqual(shown(long), [...rows, '12,2']);
    assert.deepEqual(shown(`${long}\u001b[A\r`, 'X'), [
      TEXT,
      `X ${'a'.repeat(38)}`,
      'a'.repeat(12),
      '1,1',
    ]);
  });

  it('keeps a line that ends at the margin', () => {
    const full = `$ ${'a'.repeat(38)}`;
    assert.deepEqual(shown(full, 'b'), [TEXT, full, 'b', '1,2']);
  });

  it('keeps blanks that were typed', () => {
    assert.deepEqual(shown('$ ls   ', 'x'), [TEXT, '$ ls   x', '8,1']);
  });

  it('scrolls at the bottom of the screen', () => {
    const rows = Array.from({ length: 7 }, (_, row) => `row ${row}`);
    const [...all] = shown(`${rows.join('\r\n')}\r\n$ ls`, '!');
    assert.deepEqual(all.slice(-4), ['row 6', TEXT, '$ ls!', '5,8']);
  });

  it('goes over two rows where it is longer than one', () => {
    const text = `sallyport: ${'x'.repeat(40)}`;
    assert.deepEqual(shown('$ ls', '!', text), [text.slice(0, 40), text.slice(40), '$ ls!', '5,2']);
  });

  it('covers the last row of a full-screen program, and nothing else', () => {
    const program = '\u001b[?1049h\u001b[2J\u001b[2;5r\u001b[?6h\u001b[31mtitle';
    const rows = shown(program, '!');
    assert.deepEqual(rows, ['', 'title!', '', '', '', '', '', TEXT, '6,1']);
    assert.equal(shown('\u001b[?1049h', '', 'y'.repeat(90))[7], 'y'.repeat(39));
  });

  it('stands on rows of its own where the screen is not what it seems', () => {
    assert.deepEqual(shown('\u001b[4hab\u001b[2D', 'x'), ['ab', TEXT, 'x', '1,2']);
  });
});
