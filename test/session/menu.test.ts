import assert from 'node:assert/strict';
import { chooseFrom, MAX_MENU_ITEMS, type MenuOutcome } from '../../server/session/menu.ts';
import type { DownstreamEnd, InputUnit, OutputUnit } from '../../server/session/ports.ts';

const SIZE = { cols: 80, rows: 24, widthPx: 0, heightPx: 0 };
const ITEMS = [
  { login: 'deploy', target: 'web1' },
  { login: 'root', target: 'db1' },
];

interface Shown {
  readonly outcome: MenuOutcome;
  readonly text: string;
}

async function choose(
  units: readonly (InputUnit | string)[],
  items: readonly { login: string; target: string }[] = ITEMS,
): Promise<Shown> {
  const left = units.map((one): InputUnit =>
    typeof one === 'string' ? { kind: 'data', bytes: Buffer.from(one) } : one,
  );
  let text = '';
  const end: DownstreamEnd = {
    read: () => Promise.resolve(left.shift() ?? { kind: 'close' }),
    write: (unit: OutputUnit) => {
      if (unit.kind === 'data') text += unit.bytes.toString();
      return Promise.resolve();
    },
  };
  const outcome = await chooseFrom(end, items, SIZE);
  return { outcome, text };
}

describe('the menu of targets', () => {
  it('lists them with numbers and takes one', async () => {
    const { outcome, text } = await choose(['2', '\r']);
    assert.ok(outcome.kind === 'chosen');
    assert.deepEqual(outcome.item, ITEMS[1]);
    assert.match(text, /^ {2}1 {2}deploy@web1\r\n {2}2 {2}root@db1\r\n/);
  });

  for (const [what, units, login] of [
    ['keys one by one', ['1', '\n'], 'deploy'],
    ['all at once', ['2\r'], 'root'],
    ['a correction', ['1', '\u007f', '2', '\r'], 'root'],
    ['a wrong number first', ['7\r', '1\r'], 'deploy'],
    ['other keys between', ['x1\u001b[A\r'], 'deploy'],
  ] as const) {
    it(`takes ${what}`, async () => {
      const { outcome } = await choose(units);
      assert.equal(outcome.kind === 'chosen' && outcome.item.login, login);
    });
  }

  for (const [what, units] of [
    ['Enter', ['\r']],
    ['Ctrl-C', ['1\u0003']],
    ['Ctrl-D', ['\u0004']],
    ['q', ['q']],
    ['the end of the client', []],
    ['too many wrong numbers', ['9\r9\r9\r0\r9\r', '1\r']],
  ] as const) {
    it(`is left by ${what}`, async () => {
      assert.equal((await choose(units)).outcome.kind, 'left');
    });
  }

  it('keeps what was typed ahead, and the size of the terminal', async () => {
    const size = { ...SIZE, cols: 120 };
    const { outcome } = await choose([{ kind: 'resize', size }, '1\rls -l\r', 'more']);
    assert.ok(outcome.kind === 'chosen');
    assert.equal(outcome.size.cols, 120);
    const units = [await outcome.end.read(), await outcome.end.read()];
    assert.deepEqual(
      units.map((unit) => (unit.kind === 'data' ? unit.bytes.toString() : unit.kind)),
      ['ls -l\r', 'more'],
    );
  });

  it('is no longer than a person reads', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ login: 'a', target: `t${index}` }));
    const { text } = await choose([], many);
    assert.equal(text.split('\r\n').filter((line) => line.includes('@t')).length, MAX_MENU_ITEMS);
    assert.match(text, /and 4800 more, by name/);
  });
});
