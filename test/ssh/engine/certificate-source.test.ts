import assert from 'node:assert/strict';
import { isAddressIn } from '../../../server/ssh/engine/certificate-source.ts';

describe('source addresses', () => {
  const cases: [list: string, address: string, expected: boolean][] = [
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['10.0.0.0/8,192.0.2.7/32', '192.0.2.7', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '203.0.113.9', false],
    ['::/0', '2001:db8::1', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1', true],
    ['::1', '::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['127.0.0.0/8', '::ffff:127.0.0.1', true],
    ['::ffff:127.0.0.1', '127.0.0.1', false],
    ['64:ff9b::192.0.2.0/120', '64:ff9b::c000:207', true],
    // A mistake anywhere in the list, and nobody is in it.
    ['192.0.2.7,', '192.0.2.7', false],
    ['192.0.2.7, 10.0.0.0/8', '192.0.2.7', false],
    ['192.0.2.7/24', '192.0.2.7', false],
    ['192.0.2.0/33', '192.0.2.0', false],
    ['192.0.2', '192.0.2.0', false],
    ['!192.0.2.7,0.0.0.0/0', '192.0.2.8', false],
    ['*', '192.0.2.7', false],
    ['', '192.0.2.7', false],
    ['192.0.2.7', '', false],
    ['0.0.0.0/0', 'localhost', false],
  ];
  for (const [list, address, expected] of cases) {
    it(`${address || 'nothing'} is ${expected ? '' : 'not '}in ${list || 'an empty list'}`, () => {
      assert.equal(isAddressIn(list, address), expected);
    });
  }
});
