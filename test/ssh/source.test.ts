import assert from 'node:assert/strict';
import { GATEWAY_LIMITS, type GatewayLimits } from '../../server/ssh/limits.ts';
import { type Ending, SourceLimiter } from '../../server/ssh/source.ts';

const SECOND_US = 1_000_000;

interface Door {
  readonly limiter: SourceLimiter;
  /** What chance says next, 0 up to 1. */
  chance: number;
  pass(seconds: number): void;
  /** Connections that get in and stay open. */
  enter(source: string, count: number): number;
  /** Connections that come, end and cost; a second apart. */
  end(source: string, ending: Ending, count: number): void;
}

function door(limits: Partial<GatewayLimits> = {}): Door {
  let nowUs = 0;
  const limiter = new SourceLimiter(
    { ...GATEWAY_LIMITS, ...limits },
    () => nowUs,
    () => made.chance,
  );
  const made: Door = {
    limiter,
    chance: 0.999,
    pass: (seconds) => {
      nowUs += seconds * SECOND_US;
    },
    enter: (source, count) =>
      Array.from({ length: count }, () => limiter.enter(source)).filter((one) => one === null)
        .length,
    end: (source, ending, count) => {
      for (let at = 0; at < count; at += 1) {
        if (limiter.enter(source) === null) limiter.leave(source, ending);
      }
    },
  };
  return made;
}

/** One stranger of each of so many sources. */
function strangers(at: Door, count: number, from = 0): number {
  let entered = 0;
  for (let n = from; n < from + count; n += 1) entered += at.enter(`10.0.${n >> 8}.${n & 255}`, 1);
  return entered;
}

describe('the front door', () => {
  it('drops by chance before it is full, always when it is, and never when it is empty', () => {
    const at = door();
    at.chance = 0;
    assert.equal(strangers(at, 60), GATEWAY_LIMITS.earlyDropFrom);
    at.chance = 0.31;
    assert.equal(strangers(at, 1, 100), 1, 'three of ten are dropped at first');
    at.chance = 0.999_999;
    assert.equal(strangers(at, 500, 200), GATEWAY_LIMITS.maxUnauthenticated - 51);
    at.chance = 0.29;
    assert.equal(strangers(at, 1, 1000), 0);
  });

  it('keeps places for sources that somebody has signed in from, in a flood from everywhere', () => {
    const at = door();
    at.end('192.0.2.7', 'authenticated', 1);
    strangers(at, 500);
    assert.equal(strangers(at, 1, 600), 0);
    assert.equal(at.enter('192.0.2.7', 10), 10);
    at.pass(25 * 3600);
    assert.equal(at.enter('192.0.2.7', 1), 0, 'a day later it has to stand in line again');
  });

  it('slows a source down that shows keys that count for nothing, more and more', () => {
    const at = door();
    const { firstDelayMs, maxDelayMs } = GATEWAY_LIMITS.penalties;
    at.end('192.0.2.7', 'refused', 11);
    assert.equal(at.limiter.delayMs('192.0.2.7'), 0);
    at.end('192.0.2.7', 'refused', 1);
    assert.equal(at.limiter.delayMs('192.0.2.7'), firstDelayMs);
    at.end('192.0.2.7', 'refused', 12);
    assert.equal(at.limiter.delayMs('192.0.2.7'), firstDelayMs * 2);
    for (let round = 0; round < 100; round += 1) {
      at.pass(1);
      at.end('192.0.2.7', 'refused', 3);
    }
    assert.equal(at.limiter.delayMs('192.0.2.7'), maxDelayMs);
    assert.equal(at.limiter.delayMs('192.0.2.8'), 0, 'nobody else');
  });

  it('shuts nobody out for good: a slow source has a few places, and its debt passes', () => {
    const at = door();
    for (let round = 0; round < 100; round += 1) {
      at.pass(1);
      at.end('192.0.2.7', 'late', 5);
    }
    assert.equal(at.enter('192.0.2.7', 10), GATEWAY_LIMITS.penalties.maxOpen);
    at.pass(GATEWAY_LIMITS.penalties.maxMs / 1000);
    assert.equal(at.limiter.delayMs('192.0.2.7'), 0);
    assert.equal(at.enter('192.0.2.7', 10), 10);
  });

  it('forgives all when somebody signs in, and asks nothing of that source for a day', () => {
    const at = door();
    at.end('192.0.2.7', 'refused', 40);
    assert.notEqual(at.limiter.delayMs('192.0.2.7'), 0);
    at.end('192.0.2.7', 'authenticated', 1);
    assert.equal(at.limiter.delayMs('192.0.2.7'), 0);
    at.pass(10);
    at.end('192.0.2.7', 'refused', 40);
    assert.equal(at.limiter.delayMs('192.0.2.7'), 0);
  });

  it('lets a machine look every few seconds whether somebody listens', () => {
    const at = door();
    for (let look = 0; look < 1000; look += 1) {
      at.pass(2);
      at.end('192.0.2.7', 'silent', 1);
    }
    assert.equal(at.limiter.delayMs('192.0.2.7'), 0);
  });

  it('remembers a bounded number of sources', () => {
    const at = door({ maxSources: 10, maxUnauthenticated: 1e6, earlyDropFrom: 1e6 - 1 });
    for (let n = 0; n < 1000; n += 1) at.end(`10.0.${n >> 8}.${n & 255}`, 'authenticated', 1);
    assert.equal(at.limiter.delayMs('10.0.0.0'), 0);
  });
});
