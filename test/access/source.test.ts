import assert from 'node:assert/strict';
import { sourceOf, sourceOfJournal } from '../../server/access/source.ts';

describe('a source', () => {
  for (const [address, source] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['http:192.0.2.7', 'http:192.0.2.7'],
    ['http:::ffff:192.0.2.7', 'http:192.0.2.7'],
    ['http:2001:db8:1:2::9', 'http:2001:db8:1:2::/64'],
  ] as const) {
    it(`of ${address} is ${source}`, () => assert.equal(sourceOf(address), source));
  }

  for (const [written, source] of [
    ['192.0.2.7:51514', '192.0.2.7'],
    ['::ffff:192.0.2.7:51514', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6:51514', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:51514', '2001:db8:1:2::/64'],
    ['http:192.0.2.7', 'http:192.0.2.7'],
    ['cli:root', 'cli:root'],
  ] as const) {
    it(`that the journal writes as ${written} is ${source}`, () => {
      assert.equal(sourceOfJournal(written), source);
    });
  }
});
