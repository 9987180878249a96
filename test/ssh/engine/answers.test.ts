import assert from 'node:assert/strict';
import { OwedAnswers } from '../../../server/ssh/engine/answers.ts';
import { MAX_UNANSWERED_CHANNEL_REQUESTS } from '../../../server/ssh/engine/limits.ts';

describe('owed answers', () => {
  it('leave in the order of the requests, whenever they become known', () => {
    const sent: boolean[] = [];
    const owed = new OwedAnswers((isGranted) => sent.push(isGranted));
    const [first, second, third] = [owed.owe(), owed.owe(), owed.owe()];
    second(false);
    assert.deepEqual(sent, []);
    first(true);
    assert.deepEqual(sent, [true, false]);
    owed.owe()(true);
    assert.deepEqual(sent, [true, false]);
    third(false);
    assert.deepEqual(sent, [true, false, false, true]);
  });

  it('are given once', () => {
    const sent: boolean[] = [];
    const owed = new OwedAnswers((isGranted) => sent.push(isGranted));
    const [first, second] = [owed.owe(), owed.owe()];
    second(true);
    second(false);
    first(true);
    first(false);
    assert.deepEqual(sent, [true, true]);
  });

  it('are bounded', () => {
    const owed = new OwedAnswers(() => {});
    const first = owed.owe();
    for (let count = 0; count < MAX_UNANSWERED_CHANNEL_REQUESTS; count += 1) owed.owe();
    assert.equal(owed.isFull, true);
    first(true);
    assert.equal(owed.isFull, false);
  });
});
