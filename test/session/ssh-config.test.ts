import assert from 'node:assert/strict';
import {
  knownHostsLines,
  readPlace,
  sshConfigLines,
  type BastionPlace,
} from '../../server/session/ssh-config.ts';

const IDENTITY = { hostKey: 'ssh-ed25519 HOST', hostAuthority: 'ssh-ed25519 AUTHORITY ca' };
const TARGETS = [
  { name: 'web1', logins: ['deploy'] },
  { name: 'db1', logins: ['postgres', 'root'] },
];

describe('the lines for ssh', () => {
  const places: [text: string, place: BastionPlace | null][] = [
    ['bastion.example', { host: 'bastion.example', port: 2222 }],
    ['bastion.example:22', { host: 'bastion.example', port: 22 }],
    ['[2001:db8::1]:2200', { host: '2001:db8::1', port: 2200 }],
    ['[2001:db8::1]', { host: '2001:db8::1', port: 2222 }],
    ['192.0.2.1:65535', { host: '192.0.2.1', port: 65_535 }],
    ['bastion:0', null],
    ['bastion:65536', null],
    ['-oProxyCommand=id', null],
    ['-x', null],
    ['a b', null],
    ['a\nHost *', null],
    ['$(id)', null],
    ['', null],
  ];
  for (const [text, place] of places) {
    it(`read ${JSON.stringify(text)} as ${place === null ? 'no place' : 'a place'}`, () => {
      assert.deepEqual(readPlace(text, 2222), place);
    });
  }

  it('trust the authority for the names of targets and for no other', () => {
    const place = { host: 'bastion.example', port: 2222 };
    assert.deepEqual(knownHostsLines(IDENTITY, place, TARGETS), [
      '[bastion.example]:2222 ssh-ed25519 HOST',
      '@cert-authority web1,db1 ssh-ed25519 AUTHORITY ca',
    ]);
    assert.equal(
      knownHostsLines(IDENTITY, { ...place, port: 22 }, TARGETS)[0],
      'bastion.example ssh-ed25519 HOST',
    );
  });

  it('have a block for every target, with the first login as the usual one', () => {
    const place = { host: '2001:db8::1', port: 2222 };
    const text = sshConfigLines(IDENTITY, place, 'ann', TARGETS).join('\n');
    const blocks = text.split(/^(?=Host )/m).slice(2);
    assert.deepEqual(
      blocks.map((block) => block.split('\n').filter((line) => /^ {2}[A-Z]/.test(line))),
      [
        [
          '  HostName 2001:db8::1',
          '  Port 2222',
          '  User ann',
          '  KnownHostsCommand /bin/echo "[2001:db8::1]:2222 ssh-ed25519 HOST"',
        ],
        [
          '  HostName web1',
          '  Port 22',
          '  User deploy',
          '  ProxyJump sallyport-2001-db8-1-2222',
          '  KnownHostsCommand /bin/echo "@cert-authority web1 ssh-ed25519 AUTHORITY ca"',
        ],
        [
          '  HostName db1',
          '  Port 22',
          '  User postgres',
          '  ProxyJump sallyport-2001-db8-1-2222',
          '  KnownHostsCommand /bin/echo "@cert-authority db1 ssh-ed25519 AUTHORITY ca"',
        ],
      ],
    );
    assert.match(text, /# Logins: postgres, root; for instance ssh root@db1\nHost db1\n/);
  });

  it('can follow a file without a last line end', () => {
    const lines = sshConfigLines(IDENTITY, { host: 'b', port: 22 }, 'ann', TARGETS);
    assert.equal(lines[0], '');
    assert.ok(lines.includes('#   ssh ann@b ssh-config >> ~/.ssh/config'));
  });
});
