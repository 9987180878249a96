import assert from 'node:assert/strict';
import {
  MAX_ANSWERS_IN_EXCHANGE_BYTES,
  MAX_LATE_BYTES,
  REKEY_BURST,
  REKEYS_PER_SECOND,
} from '../../../server/ssh/engine/limits.ts';
import { Rekeying } from '../../../server/ssh/engine/rekey.ts';

describe('the keys of a transport', () => {
  let nowMs = 0;
  let rekeying = new Rekeying({ afterBytes: 0, afterMs: 0 }, () => nowMs);

  beforeEach(() => {
    nowMs = 1000;
    rekeying = new Rekeying({ afterBytes: 100, afterMs: 5000 }, () => nowMs);
  });

  it('serve for so many bytes of both directions', () => {
    rekeying.moved(60);
    assert.equal(rekeying.isDue, false);
    rekeying.moved(40);
    assert.equal(rekeying.isDue, true);
    rekeying.exchanged();
    assert.equal(rekeying.isDue, false);
  });

  it('serve for so long', () => {
    nowMs += 4999;
    assert.equal(rekeying.isDue, false);
    nowMs += 1;
    assert.equal(rekeying.isDue, true);
    rekeying.exchanged();
    assert.equal(rekeying.isDue, false);
  });

  it('may be late only by what was under way', () => {
    assert.equal(rekeying.isInTime(MAX_LATE_BYTES), true);
    assert.equal(rekeying.isInTime(1), false);
    rekeying.exchanged();
    assert.equal(rekeying.isInTime(1), true);
  });

  it('keep only so many answers waiting', () => {
    assert.equal(rekeying.mayWait(MAX_ANSWERS_IN_EXCHANGE_BYTES), true);
    assert.equal(rekeying.mayWait(1), false);
    rekeying.exchanged();
    assert.equal(rekeying.mayWait(1), true);
  });

  it('are exchanged at once for a peer that asks seldom, and ever later for one that floods', () => {
    for (let asked = 0; asked < REKEY_BURST; asked += 1) {
      assert.equal(rekeying.pauseAfterRequestMs(), 0);
    }
    assert.equal(rekeying.pauseAfterRequestMs(), 1000 / REKEYS_PER_SECOND);
    assert.equal(rekeying.pauseAfterRequestMs(), 2000 / REKEYS_PER_SECOND);
    nowMs += 3000 / REKEYS_PER_SECOND;
    assert.equal(rekeying.pauseAfterRequestMs(), 0);
  });
});
