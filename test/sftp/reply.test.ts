import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { fits, readReply, statusReply, versionReply } from '../../server/sftp/reply.ts';
import { packetOf } from '../../server/sftp/wire.ts';

const ID = { u32: 5 };
const ATTRS = [{ u32: 4 }, { u32: 0o755 }] as const;

describe('readReply', () => {
  it('reads a version with its extensions, as it is written', () => {
    const extensions = new Map([['posix-rename@openssh.com', '1']]);
    const packet = versionReply(3, extensions);
    assert.deepEqual(readReply(packet), { kind: 'version', version: 3, extensions });
  });

  it('reads a status, as it is written and without words', () => {
    assert.deepEqual(readReply(statusReply(5, 3, 'no')), { kind: 'status', id: 5, code: 3 });
    assert.deepEqual(readReply(packetOf(101, ID, { u32: 4 })), { kind: 'status', id: 5, code: 4 });
  });

  it('reads handles, data, attributes and answers to extensions', () => {
    assert.deepEqual(readReply(packetOf(102, ID, 'h')), { kind: 'handle', id: 5, handle: 'h' });
    const data = Buffer.from('xyz');
    assert.deepEqual(readReply(packetOf(103, ID, data)), { kind: 'data', id: 5, data });
    assert.equal(readReply(packetOf(105, ID, ...ATTRS)).kind, 'attrs');
    assert.deepEqual(readReply(packetOf(201, ID, 'any')), { kind: 'extended', id: 5 });
  });

  it('reads names', () => {
    const packet = packetOf(104, ID, { u32: 2 }, 'a', 'long a', ...ATTRS, 'b', '', ...ATTRS);
    const reply = readReply(packet);
    assert.deepEqual(reply.kind === 'name' && reply.names.map(String), ['a', 'b']);
  });

  const broken: readonly (readonly [what: string, packet: Buffer])[] = [
    ['four thousand million names', packetOf(104, ID, { u32: 0xffff_ffff })],
    ['more names than it has', packetOf(104, ID, { u32: 2 }, 'a', '', ...ATTRS)],
    ['bytes behind its names', packetOf(104, ID, { u32: 0 }, 'x')],
    ['a handle of a megabyte', packetOf(102, ID, Buffer.alloc(1024 * 1024))],
    ['an unknown type', packetOf(99, ID)],
    ['no id', packetOf(101)],
    ['half a pair of an extension', packetOf(2, { u32: 3 }, 'x')],
    [
      'thousands of extensions',
      packetOf(2, { u32: 3 }, ...Array.from({ length: 500 }, (_, index) => `x${index}`)),
    ],
  ];
  for (const [what, packet] of broken) {
    it(`breaks off at ${what}`, () => assert.equal(readReply(packet).kind, 'broken'));
  }

  it('never throws, whatever comes', () => {
    const body = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom(2, 101, 102, 103, 104, 105, 201, 9), body, (type, bytes) => {
        const packet = Buffer.concat([packetOf(type), bytes]);
        assert.equal(typeof readReply(packet).kind, 'string');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('fits', () => {
  const handle = readReply(packetOf(102, ID, 'h'));
  const data = readReply(packetOf(103, ID, 'x'));
  const one = readReply(packetOf(104, ID, { u32: 1 }, 'a', '', ...ATTRS));
  const two = readReply(packetOf(104, ID, { u32: 2 }, 'a', '', ...ATTRS, 'b', '', ...ATTRS));

  it('takes a status for anything, and else only what answers the request', () => {
    assert.ok(fits('write', readReply(statusReply(5, 0, ''))));
    assert.ok(fits('open', handle) && fits('opendir', handle) && !fits('stat', handle));
    assert.ok(fits('read', data) && !fits('write', data) && !fits('close', data));
    assert.ok(fits('readdir', two) && !fits('realpath', two) && fits('realpath', one));
    assert.ok(!fits('open', readReply(versionReply(3, new Map()))));
  });
});
