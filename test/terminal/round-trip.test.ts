import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { RoundTrip } from '../../server/terminal/round-trip.ts';

describe('the answer to a key whose effect only the target knows', () => {
  /** One key was echoed after 20 ms; then all is settled. */
  function measured(): RoundTrip {
    const roundTrip = new RoundTrip();
    roundTrip.received(0);
    roundTrip.sent(100_000, 'text');
    roundTrip.received(120_000);
    return roundTrip;
  }

  it('is open until something comes', () => {
    const roundTrip = measured();
    assert.equal(roundTrip.isUnanswered, false);
    roundTrip.sent(200_000, 'tab');
    assert.equal(roundTrip.isUnanswered, true);
    roundTrip.received(203_000);
    assert.equal(roundTrip.isUnanswered, false);
  });

  it('is not the echo of the keys before it', () => {
    const roundTrip = measured();
    roundTrip.sent(200_000, 'text');
    roundTrip.sent(205_000, 'tab');
    roundTrip.received(210_000);
    assert.equal(roundTrip.isUnanswered, true);
    roundTrip.received(230_000);
    assert.equal(roundTrip.isUnanswered, false);
  });
});
