import assert from 'node:assert/strict';
import { presenceFault, USUAL_DEMANDS } from '../../server/access/token-demands.ts';

describe('what a security token must say', () => {
  for (const [isTouchRequired, isVerifyRequired, isTouched, isVerified, fault] of [
    [true, false, true, false, null],
    [true, false, true, true, null],
    [true, false, false, false, /not touched/],
    [true, false, false, true, /not touched/],
    [false, false, false, false, null],
    [false, true, false, false, /PIN/],
    [false, true, false, true, null],
    [true, true, true, false, /PIN/],
    [true, true, false, true, /not touched/],
    [true, true, true, true, null],
  ] as const) {
    const asked = `touch ${isTouchRequired}, PIN ${isVerifyRequired}`;
    it(`is ${fault ?? 'enough'} with ${asked} asked and ${isTouched}, ${isVerified} said`, () => {
      const demands = { isTouchRequired, isVerifyRequired };
      const found = presenceFault(demands, { isTouched, isVerified });
      if (fault === null) assert.equal(found, null);
      else assert.match(found ?? '', fault);
    });
  }

  it('is usually a touch', () => {
    assert.deepEqual(USUAL_DEMANDS, { isTouchRequired: true, isVerifyRequired: false });
  });
});
