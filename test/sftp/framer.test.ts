import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Framer, MAX_PACKET_BYTES } from '../../server/sftp/framer.ts';
import { packetOf } from '../../server/sftp/wire.ts';

/** What a framer cuts the bytes into, fed in these pieces; throws where it breaks off. */
function framed(pieces: readonly Buffer[]): string[] {
  const framer = new Framer();
  const found: string[] = [];
  for (const piece of pieces) {
    const result = framer.push(piece);
    if (result.kind === 'broken') throw new Error(result.why);
    found.push(...result.packets.map((packet) => packet.toString('hex')));
  }
  return found;
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort(
    (one, other) => one - other,
  );
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length));
}

describe('Framer', () => {
  const packets = [
    packetOf(1, { u32: 3 }),
    packetOf(3, { u32: 7 }, '/etc/hosts', { u32: 1 }, { u32: 0 }),
    Buffer.from([0, 0, 0, 1, 9]),
    packetOf(6, { u32: 8 }, 'h', { u64: 0 }, Buffer.alloc(40_000, 'x')),
    packetOf(4, { u32: 9 }, 'h'),
  ];
  const whole = packets.map((packet) => packet.toString('hex'));
  const bytes = Buffer.concat(packets);

  it('gives the packets of bytes that come at once', () => {
    assert.deepEqual(framed([bytes]), whole);
  });

  it('gives the same byte by byte', () => {
    assert.deepEqual(framed([...bytes].map((byte) => Buffer.from([byte]))), whole);
  });

  it('gives the same at any splits', () => {
    const places = fc.array(fc.nat({ max: bytes.length }), { maxLength: 12 });
    fc.assert(fc.property(places, (at) => assert.deepEqual(framed(cut(bytes, at)), whole)));
  });

  it('takes the longest packet, and none that is longer or empty', () => {
    const longest = Buffer.alloc(4 + MAX_PACKET_BYTES);
    longest.writeUInt32BE(MAX_PACKET_BYTES);
    assert.equal(framed([longest])[0]?.length, 2 * longest.length);
    for (const length of [0, MAX_PACKET_BYTES + 1, 0xffff_ffff]) {
      const head = Buffer.alloc(5);
      head.writeUInt32BE(length);
      assert.equal(new Framer().push(head).kind, 'broken', String(length));
    }
  });

  it('says whether it is inside a packet', () => {
    const framer = new Framer();
    assert.equal(framer.isInside, false);
    framer.push(bytes.subarray(0, 3));
    assert.equal(framer.isInside, true);
    framer.push(bytes.subarray(3));
    assert.equal(framer.isInside, false);
  });
});
