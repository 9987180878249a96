import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'mocha';
import * as fc from 'fast-check';
import { DETECTOR_NAMES } from '../../server/mask/detection.ts';
import { Detectors, type Wanted } from '../../server/mask/detectors.ts';
import { Masker } from '../../server/mask/masker.ts';
import { compileMaskPattern, type MaskPattern } from '../../server/mask/pattern.ts';
import { PLANTED, type PlantedSecret } from '../support/planted-secrets.ts';

const ESC = '\u001b';
const COLS = 40;

function pattern(source: string): MaskPattern {
  const compiled = compileMaskPattern(source);
  if (typeof compiled === 'string') throw new Error(compiled);
  return compiled;
}

const TICKET = pattern('TICKET-[0-9]{6}');
const ALL = new Detectors([...DETECTOR_NAMES, TICKET]);
const only = (...wanted: readonly Wanted[]): Detectors => new Detectors(wanted);

/** As it comes out if the input comes in these pieces. */
function masked(
  input: string | Buffer,
  cuts: readonly number[] = [],
  { detectors = ALL, width = null }: { detectors?: Detectors; width?: number | null } = {},
): { text: string; count: number } {
  const bytes = Buffer.from(input);
  const masker = new Masker(detectors, width);
  const out: Buffer[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const to = Math.min(bytes.length, Math.max(from, cut));
    out.push(masker.push(bytes.subarray(from, to)));
    from = to;
  }
  out.push(masker.end());
  return { text: Buffer.concat(out).toString('latin1'), count: masker.masked };
}

// oxlint-disable-next-line no-control-regex -- colours
const shown = (text: string): string => text.replace(/\u001b\[[0-9;]*m|\r\n/g, '');
const asPrinted = ({ text }: PlantedSecret): string => text.replaceAll('\n', '\r\n');

function assertGone({ name, pieces }: PlantedSecret, text: string): void {
  for (const piece of pieces) ok(!shown(text).includes(piece), `${name}: ${text}`);
}

describe('Masker', () => {
  for (const secret of PLANTED) {
    it(`masks ${secret.name}, as wide as it was, and nothing around it`, () => {
      const input = `before: ${asPrinted(secret)} after\r\nnext line 12\r\n`;
      const { text, count } = masked(input, [], { detectors: only(secret.detector) });
      assertGone(secret, text);
      equal(text.length, input.length);
      ok(text.startsWith('before: ') && text.endsWith(' after\r\nnext line 12\r\n'), text);
      ok(count >= 1);
    });

    it(`masks ${secret.name} however it is split`, () => {
      const input = `x: ${asPrinted(secret)} y\r\n`;
      const whole = masked(input);
      for (let cut = 1; cut < input.length; cut += 1) {
        deepEqual(masked(input, [cut]), whole, `cut at ${cut}`);
      }
      const everyByte = Array.from({ length: input.length }, (_, at) => at);
      deepEqual(masked(input, everyByte), whole);
      assertGone(secret, whole.text);
    });
  }

  it('gives the same out for any split of any mixture', () => {
    const filler = fc.constantFrom(
      'ls -l /usr ',
      '12 ',
      'x\r\n',
      `${ESC}[31m`,
      'total 4096 ',
      '漢字 ',
    );
    const piece = fc.oneof(filler, fc.constantFrom(...PLANTED.map(asPrinted)));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat(900), { maxLength: 12 }),
        (pieces, cuts) => {
          const input = pieces.join(' ');
          const sorted = cuts.toSorted((left, right) => left - right);
          deepEqual(masked(input, sorted), masked(input));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('leaves bytes that are no text, and text without secrets, exactly as they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        const input = Buffer.from(bytes);
        const { text, count } = masked(input, [cut], { detectors: only(TICKET), width: 80 });
        equal(count, 0);
        equal(text, input.toString('latin1'));
      }),
      { numRuns: 500 },
    );
  });

  const oneLine = PLANTED.filter(({ text }) => !text.includes('\n') && text.length < COLS);
  for (const secret of oneLine) {
    it(`masks ${secret.name} through colours, which stay`, () => {
      for (let at = 1; at < secret.text.length; at += 1) {
        const input = `x: ${secret.text.slice(0, at)}${ESC}[1;31m${secret.text.slice(at)}${ESC}[0m y\r\n`;
        const { text } = masked(input, [input.length / 2]);
        assertGone(secret, text);
        ok(text.includes(`${ESC}[1;31m`) && text.includes(`${ESC}[0m y`), text);
      }
    });

    it(`masks ${secret.name} over the end of a full line`, () => {
      for (let at = 1; at < secret.text.length; at += 1) {
        const start = '.'.repeat(COLS - at - 1);
        const [left, right] = [secret.text.slice(0, at), secret.text.slice(at)];
        for (const wrap of ['\r\n', ' \r', `${ESC}[5;1H`, `${right[0]}\r`]) {
          const input = `${start} ${left}${wrap}${right} y\r\n`;
          const { text, count } = masked(input, [COLS - 2], { width: COLS });
          assertGone(secret, shown(text).replace(/ ?\r/, '').replace(`${ESC}[5;1H`, ''));
          ok(count >= 1, input);
        }
      }
    });
  }

  it('sees what was typed over, and masks it too', () => {
    const { text } = masked('4111 1111 12\b111 1111\r\n');
    equal(text, '**** **** **\b*** ****\r\n');
  });

  it('masks inside titles of windows and other texts of sequences', () => {
    const input = `${ESC}]0;run ghp_${'a1B2c3D4e5F6'.repeat(3)}\u0007done`;
    for (let cut = 0; cut < input.length; cut += 1) {
      ok(!masked(input, [cut]).text.includes('D4e5F6a1'), String(cut));
    }
    equal(masked(input).text, `${ESC}]0;run ${'*'.repeat(40)}\u0007done`);
  });

  it('is as wide as characters of two columns', () => {
    const input = 'mysql://a:pä漢z@h';
    equal(
      masked(input).text,
      'mysql://a:*****@h'.replace('*****', '*'.repeat('p'.length + 'ä'.length + 2 + 'z'.length)),
    );
  });

  it('masks keys in rows that are narrower than their lines', () => {
    for (const secret of PLANTED.filter(({ text }) => text.includes('-----BEGIN'))) {
      for (const width of [20, 30, 33, 47]) {
        const rows = `value: ${secret.text}`
          .split('\n')
          .map((line) => line.replace(new RegExp(`(.{${width}})(?=.)`, 'g'), '$1\r\n'));
        const { text } = masked(`${rows.join('\r\n')}\r\n`, [], { width });
        for (const piece of secret.pieces.slice(1)) {
          ok(!text.includes(piece.slice(0, 19)), `${secret.name}, ${width}: ${text}`);
        }
      }
    }
  });

  it('does not take two numbers on two lines for one', () => {
    const input = '4111 1111\r\n1111 1111\r\n';
    equal(masked(input, [], { width: 80 }).text, input);
  });

  it('passes the echo of keys at once, and masks what can only be a secret', () => {
    const masker = new Masker(ALL, 80);
    let seen = '';
    for (const key of '4111 1111 1111 1111 ') {
      const out = masker.push(Buffer.from(key), true).toString();
      equal(out.length, 1);
      seen += out;
    }
    equal(seen, '4111 1111 **** **** ');
    equal(masker.masked, 1);
  });

  const TYPED: readonly [string, string][] = [
    [`ghp_${'a1B2c3D4e5F6'.repeat(3)}`, `ghp_a1B2${'*'.repeat(32)}`],
    ['curl http://localhost:8080/', 'curl http://localhost:8080/'],
    ['psql postgres://u:S3cret@h/d', 'psql postgres://u:*******h/d'],
    ['kill 12345678901', 'kill 12345678901'],
    ['git push origin main', 'git push origin main'],
    ['ssh root@web1', 'ssh root@web1'],
    ['DE89370400440532013000 ', 'DE893704************** '],
  ];
  for (const [keys, expected] of TYPED) {
    it(`shows ${expected} of typed keys`, () => {
      const masker = new Masker(ALL, 80);
      const out = Array.from(keys, (key) => masker.push(Buffer.from(key), true).toString());
      equal(out.join(''), expected);
    });
  }

  it('gives out what it held when nobody waits any longer, and still masks what follows', () => {
    const masker = new Masker(ALL, 80);
    equal(masker.push(Buffer.from('n: 4111 1')).toString(), 'n: ');
    ok(masker.isHolding);
    equal(masker.flush().toString(), '4111 1');
    ok(!masker.isHolding);
    equal(masker.push(Buffer.from('111 1111 1111\r\n')).toString(), '*** **** ****\r\n');
    equal(masker.masked, 1);
  });

  it('holds back nothing of a line that has ended', () => {
    const masker = new Masker(ALL, 80);
    for (const line of ['4111 1111\r\n', 'a@b\r\n', 'AKIA\r\n', 'http://u:p\r\n']) {
      equal(masker.push(Buffer.from(line)).toString(), line);
    }
  });

  it('counts without masking where a rule only counts', () => {
    const masker = new Masker(new Detectors(['jwt'], ['us-ssn']));
    const input = '123-45-6789 and 123-45-6780\r\n';
    equal(masker.push(Buffer.from(input)).toString(), input);
    deepEqual([masker.masked, masker.count(DETECTOR_NAMES.indexOf('us-ssn'))], [0, 2]);
  });

  it('counts a secret once, in however many pieces it comes', () => {
    const input = `a ${PLANTED[0]?.text} b ${PLANTED[12]?.text} c 4111 1111 1111 1112 d`;
    for (let size = 1; size < 20; size += 1) {
      const cuts = Array.from({ length: Math.ceil(input.length / size) }, (_, at) => at * size);
      equal(masked(input, cuts).count, 2, `pieces of ${size}`);
    }
  });

  it('bounds what it keeps of output that never ends a word', () => {
    const masker = new Masker(ALL, 80);
    for (const block of [
      'A',
      '4',
      'eyJ',
      'a.',
      '@',
      `${ESC}]0;`,
      '-----BEGIN RSA PRIVATE KEY-----AAAA',
      'host=password=',
      '-eyJ',
      'eyJ.eyJ',
    ]) {
      for (let at = 0; at < 200; at += 1) masker.push(Buffer.from(block.repeat(1000)));
      ok(masker.heldBytes < 128 * 1024, `${block}: ${masker.heldBytes}`);
    }
  });
});
