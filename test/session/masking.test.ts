import { deepEqual, equal, ok } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import { Detectors } from '../../server/mask/detectors.ts';
import { HOLD_MS, OutputMasking } from '../../server/session/masking.ts';
import type { OutputUnit } from '../../server/session/ports.ts';

const CARD = '4111 1111 1111 1111';
const STARS = '**** **** **** ****';

function masking() {
  const started = performance.now();
  const released: OutputUnit[] = [];
  const totals: number[] = [];
  const one = new OutputMasking({
    detectors: new Detectors(['credit-card']),
    width: 80,
    nowUs: () => Math.round((performance.now() - started) * 1000),
    release: (unit) => released.push(unit),
    onMasked: (total) => totals.push(total),
  });
  return { one, released, totals };
}

const data = (text: string, stream: 'stdout' | 'stderr' = 'stdout') =>
  ({ kind: 'data', stream, bytes: Buffer.from(text) }) as const;

function texts(units: readonly OutputUnit[]): string[] {
  return units.map((unit) =>
    unit.kind === 'data'
      ? `${unit.stream === 'stdout' ? '' : '2'}${unit.bytes.toString()}`
      : unit.kind,
  );
}

describe('OutputMasking', () => {
  it('holds back what may become a secret, and gives it out masked with the rest', () => {
    const { one, totals } = masking();
    deepEqual(texts(one.take(data(`no: ${CARD.slice(0, 12)}`))), ['no: ']);
    deepEqual(texts(one.take(data(`${CARD.slice(12)}\n`))), [`${STARS}\n`]);
    deepEqual(totals, [1]);
  });

  it('gives out what it holds when nothing follows for long enough', async () => {
    const { one, released } = masking();
    one.take(data('no: 4111'));
    await sleep(HOLD_MS / 4);
    deepEqual(texts(released), []);
    await sleep(HOLD_MS * 2);
    deepEqual(texts(released), ['4111']);
  });

  it('keeps the streams apart', () => {
    const { one } = masking();
    one.take(data('4111 1111 '));
    deepEqual(texts(one.take(data('1111 1111\n', 'stderr'))), ['21111 1111\n']);
    deepEqual(texts(one.take(data('1111 1111\n'))), [`${STARS}\n`]);
  });

  it('gives everything out before the end of the output', () => {
    const { one } = masking();
    one.take(data('a 41'));
    one.take(data('b 55', 'stderr'));
    deepEqual(texts(one.take({ kind: 'eof' })), ['41', '255', 'eof']);
    deepEqual(texts(one.rest()), []);
  });

  it('says notices at once, and what they say without secrets', () => {
    const { one } = masking();
    one.take(data('x 41'));
    deepEqual(texts(one.notice(data(`denied: ${CARD}\n`))), ['41', `denied: ${STARS}\n`]);
  });

  it('lets the echo of a key pass, and holds what follows Enter or a paste', () => {
    const { one } = masking();
    one.typed(Buffer.from('4'));
    deepEqual(texts(one.take(data('4'))), ['4']);
    one.typed(Buffer.from('\r'));
    deepEqual(texts(one.take(data('\r\n4'))), ['\r\n']);
    one.typed(Buffer.from(CARD));
    deepEqual(texts(one.take(data('1'))), []);
  });

  it('gives nothing out while it is paused', async () => {
    const { one, released } = masking();
    one.take(data('4111'));
    one.pause();
    await sleep(HOLD_MS * 2);
    deepEqual(texts(one.notice(data('wait\n'))), ['wait\n']);
    deepEqual([texts(released), texts(one.rest())], [[], []]);
    one.resume();
    await sleep(HOLD_MS * 2);
    deepEqual(texts(released), ['4111']);
  });

  it('counts per detector, over both streams', () => {
    const { one } = masking();
    one.take(data(`${CARD}\n`));
    one.take(data(`${CARD}\n`, 'stderr'));
    equal(one.count('credit-card'), 2);
    ok(one.count('jwt') === 0);
  });
});
