import { deepEqual, equal, ok } from 'node:assert/strict';
import {
  MAX_LINE_BYTES,
  problemLine,
  readAnswer,
  readControl,
  type Control,
} from '../../server/scp/control.ts';

const LINES: readonly (readonly [line: string, expected: Control])[] = [
  ['C0644 12 name', { kind: 'file', sizeBytes: 12, name: 'name' }],
  ['C4755 0 a b\tc', { kind: 'file', sizeBytes: 0, name: 'a b\tc' }],
  ['C0644 5  two', { kind: 'file', sizeBytes: 5, name: ' two' }],
  ['C0644 5 -r', { kind: 'file', sizeBytes: 5, name: '-r' }],
  ['C0600 9007199254740991 x', { kind: 'file', sizeBytes: Number.MAX_SAFE_INTEGER, name: 'x' }],
  ['D0755 0 dir', { kind: 'directory', name: 'dir' }],
  ['D0755 0 ...', { kind: 'directory', name: '...' }],
  ['E', { kind: 'leave' }],
  ['T1700000000 0 1700000001 999999', { kind: 'times' }],
  ['\u0001scp: x: No such file', { kind: 'problem', isFatal: false, text: 'scp: x: No such file' }],
  ['\u0002fatal', { kind: 'problem', isFatal: true, text: 'fatal' }],
];

const MALFORMED: readonly string[] = [
  '',
  'X',
  'E ',
  'EE',
  'C0644 12',
  'C0644 12 ',
  'C644 12 name',
  'C0888 12 name',
  'C00644 12 name',
  'C0644 -1 name',
  'C0644 +1 name',
  'C0644 0x10 name',
  'C0644 1.5 name',
  'C0644  12 name',
  'C0644 99999999999999999999 name',
  'C0644 9007199254740992 name',
  'C0644 12 ../name',
  'C0644 12 /etc/shadow',
  'C0644 12 a/b',
  'C0644 12 ..',
  'C0644 12 .',
  'D0755 0 ..',
  'D0755 0 .',
  'D0755 0 a/',
  'C0644 12 name\0/etc/shadow',
  'T1 0 2',
  'T1 0 -2 0',
  'T99999999999999999999 0 1 0',
  'Ta 0 2 0',
  'c0644 12 name',
  'hello from .bashrc',
];

describe('a line of scp', () => {
  for (const [line, expected] of LINES) {
    it(`reads ${JSON.stringify(line)}`, () => deepEqual(readControl(Buffer.from(line)), expected));
  }
  for (const line of MALFORMED) {
    it(`takes no ${JSON.stringify(line)}`, () => {
      equal(readControl(Buffer.from(line)).kind, 'malformed');
    });
  }

  it('keeps a name that is no UTF-8 apart from every other', () => {
    const control = readControl(Buffer.from('C0644 1 a\xffb', 'latin1'));
    deepEqual(control, { kind: 'file', sizeBytes: 1, name: 'a\ufffdb' });
  });

  it('reads answers as OpenSSH does', () => {
    deepEqual(readAnswer(0, Buffer.alloc(0)), { kind: 'go' });
    deepEqual(readAnswer(1, Buffer.from('no')), { kind: 'problem', isFatal: false, text: 'no' });
    deepEqual(readAnswer(2, Buffer.from('no')), { kind: 'problem', isFatal: true, text: 'no' });
    deepEqual(readAnswer(0x68, Buffer.from('ello')), {
      kind: 'problem',
      isFatal: false,
      text: 'hello',
    });
  });

  it('says a problem in one bounded line', () => {
    const line = problemLine('a\nb\r\nC0644 0 c');
    equal(line.toString(), '\u0001a b C0644 0 c\n');
    const long = problemLine('x'.repeat(100_000));
    ok(long.length <= MAX_LINE_BYTES);
    equal(long.at(-1), 0x0a);
  });
});
