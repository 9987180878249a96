import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { readRequest, type Request } from '../../server/sftp/request.ts';
import { MAX_HANDLE_BYTES, packetOf, type Field } from '../../server/sftp/wire.ts';

const ID = { u32: 5 };
const NO_ATTRIBUTES = { u32: 0 };
const PLAIN = { size: null, owner: null, mode: null, times: null, pairs: 0 };
const path = Buffer.from('/a');
const from = Buffer.from('/f');
const to = Buffer.from('/t');
const extended = (name: string, ...fields: readonly Field[]) => packetOf(200, ID, name, ...fields);

type Case = readonly [packet: Buffer, request: { readonly kind: string } & Record<string, unknown>];

const CASES: readonly Case[] = [
  [
    packetOf(3, ID, '/a', { u32: 0x1a }, NO_ATTRIBUTES),
    { kind: 'open', path, flags: 0x1a, attributes: PLAIN },
  ],
  [packetOf(4, ID, 'h'), { kind: 'close', handle: 'h' }],
  [
    packetOf(5, ID, 'h', { u64: 2 ** 40 }, { u32: 9 }),
    { kind: 'read', handle: 'h', offset: 2 ** 40, length: 9 },
  ],
  [
    packetOf(6, ID, 'h', { u64: 1 }, 'xyz'),
    { kind: 'write', handle: 'h', offset: 1, data: Buffer.from('xyz') },
  ],
  [packetOf(7, ID, '/a'), { kind: 'lstat', path }],
  [packetOf(8, ID, 'h'), { kind: 'fstat', handle: 'h' }],
  [
    packetOf(
      9,
      ID,
      '/a',
      { u32: 0xf },
      { u64: 12 },
      { u32: 1 },
      { u32: 2 },
      { u32: 0o644 },
      { u32: 3 },
      { u32: 4 },
    ),
    {
      kind: 'setstat',
      path,
      attributes: {
        size: 12,
        owner: { uid: 1, gid: 2 },
        mode: 0o644,
        times: { accessed: 3, modified: 4 },
        pairs: 0,
      },
    },
  ],
  [
    packetOf(10, ID, 'h', { u32: 0x8000_0000 }, { u32: 1 }, 'k', 'v'),
    { kind: 'fsetstat', handle: 'h', attributes: { ...PLAIN, pairs: 1 } },
  ],
  [packetOf(11, ID, '/a'), { kind: 'opendir', path }],
  [packetOf(12, ID, 'h'), { kind: 'readdir', handle: 'h' }],
  [packetOf(13, ID, '/a'), { kind: 'remove', path }],
  [packetOf(14, ID, '/a', NO_ATTRIBUTES), { kind: 'mkdir', path, attributes: PLAIN }],
  [packetOf(15, ID, '/a'), { kind: 'rmdir', path }],
  [packetOf(16, ID, '/a'), { kind: 'realpath', path }],
  [packetOf(17, ID, '/a'), { kind: 'stat', path }],
  [packetOf(18, ID, '/f', '/t'), { kind: 'rename', from, to }],
  [packetOf(19, ID, '/a'), { kind: 'readlink', path }],
  [packetOf(20, ID, '/f', '/t'), { kind: 'symlink', leadsTo: from, link: to }],
  [extended('posix-rename@openssh.com', '/f', '/t'), { kind: 'posix-rename', from, to }],
  [extended('hardlink@openssh.com', '/f', '/t'), { kind: 'hardlink', from, to }],
  [extended('statvfs@openssh.com', '/a'), { kind: 'statvfs', path }],
  [extended('fstatvfs@openssh.com', 'h'), { kind: 'fstatvfs', handle: 'h' }],
  [extended('fsync@openssh.com', 'h'), { kind: 'fsync', handle: 'h' }],
  [
    extended('lsetstat@openssh.com', '/a', NO_ATTRIBUTES),
    { kind: 'lsetstat', path, attributes: PLAIN },
  ],
  [extended('limits@openssh.com'), { kind: 'limits' }],
  [extended('expand-path@openssh.com', '/a'), { kind: 'expand-path', path }],
  [
    extended('copy-data', 'h', { u64: 1 }, { u64: 0 }, 'i', { u64: 2 }),
    { kind: 'copy-data', handle: 'h', offset: 1, length: 0, toHandle: 'i', toOffset: 2 },
  ],
  [extended('home-directory', 'ann'), { kind: 'home-directory' }],
  [
    extended('users-groups-by-id@openssh.com', Buffer.alloc(4), Buffer.alloc(8)),
    { kind: 'users-groups-by-id' },
  ],
  [extended('md5-hash', 'whatever'), { kind: 'unknown', name: 'md5-hash' }],
  [packetOf(21, ID, 'x'), { kind: 'unknown', name: 'type 21' }],
  [packetOf(2, ID), { kind: 'unknown', name: 'type 2' }],
];

describe('readRequest', () => {
  for (const [packet, request] of CASES) {
    it(`reads ${request.kind} from type ${packet[4]}`, () => {
      assert.deepEqual(readRequest(packet), { id: 5, ...request });
    });
  }

  it('reads a beginning, whatever follows the version', () => {
    assert.deepEqual(readRequest(packetOf(1, { u32: 6 }, 'x', 'y')), { kind: 'init', version: 6 });
  });

  const malformed: readonly (readonly [what: string, packet: Buffer])[] = [
    [
      'a text that is longer than its packet',
      Buffer.concat([packetOf(7, ID).subarray(0, 9), Buffer.from('ffffffff', 'hex')]),
    ],
    ['bytes behind the end', packetOf(7, ID, '/a', 'more')],
    ['a handle that is too long', packetOf(4, ID, 'h'.repeat(MAX_HANDLE_BYTES + 1))],
    ['a way to open of another version', packetOf(3, ID, '/a', { u32: 0x40 }, NO_ATTRIBUTES)],
    ['attributes of another version', packetOf(9, ID, '/a', { u32: 0x10 })],
    ['thousands of attributes', packetOf(9, ID, '/a', { u32: 0x8000_0000 }, { u32: 0xffff_ffff })],
    [
      'an offset beyond any file',
      packetOf(5, ID, 'h', { u32: 0xffff_ffff }, { u32: 0 }, { u32: 1 }),
    ],
    ['an extension without its fields', extended('copy-data')],
  ];
  for (const [what, packet] of malformed) {
    it(`tells the id of a packet with ${what}, to answer it`, () => {
      const request = readRequest(packet);
      assert.equal(request.kind, 'malformed');
      assert.equal('id' in request && request.id, 5);
    });
  }

  it('finds no id in what is too short', () => {
    assert.equal(readRequest(Buffer.from([0, 0, 0, 1, 9])).kind, 'nameless');
    assert.equal(readRequest(Buffer.from([0, 0, 0, 3, 1, 0, 0])).kind, 'nameless');
  });

  it('reads whatever comes as some request and never throws', () => {
    const kinds = new Set<Request['kind']>();
    const body = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(fc.constantFrom(1, 3, 5, 6, 9, 14, 18, 20, 200, 77), body, (type, bytes) => {
        const packet = Buffer.concat([packetOf(type, ID), bytes]);
        packet.writeUInt32BE(packet.length - 4);
        kinds.add(readRequest(packet).kind);
      }),
      { numRuns: 2000 },
    );
    assert.ok(kinds.has('malformed') && kinds.has('unknown'));
  });
});
