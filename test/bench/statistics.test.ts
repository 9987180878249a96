import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { renderTable, type Figure } from './report.ts';
import { median, percentile, shuffled } from './statistics.ts';

describe('the figures of the bench', () => {
  it('are nearest-rank percentiles, whatever the order of the samples', () => {
    const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.equal(median(samples), 50);
    assert.equal(percentile(samples, 0.99), 99);
    assert.equal(percentile(samples, 1), 100);
    assert.equal(percentile([7], 0.99), 7);
    assert.throws(() => median([]), RangeError);
  });

  it('come from lanes in changing order, each once', () => {
    const keys = [0.5, 0.1, 0.9];
    assert.deepEqual(
      shuffled(['a', 'b', 'c'], () => keys.shift() ?? 0),
      ['b', 'a', 'c'],
    );
  });

  it('are shown beside their ratio to the direct connection', () => {
    const figures: readonly Figure[] = [
      {
        name: 'connect',
        unit: 'ms',
        samples: 3,
        values: { direct: 100, jump: 180.4, sallyport: 110 },
      },
      {
        name: 'bulk',
        unit: 'MB/s',
        samples: 1,
        values: { direct: 800, jump: 300, sallyport: 560 },
      },
    ];
    assert.equal(
      renderTable(figures, ['direct', 'jump', 'sallyport']),
      [
        '                     direct                jump           sallyport',
        'connect            100.0 ms    180.4 ms    1.80    110.0 ms    1.10',
        'bulk             800.0 MB/s  300.0 MB/s    0.38  560.0 MB/s    0.70',
        '',
      ].join('\n'),
    );
  });
});
