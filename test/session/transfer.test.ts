import { deepEqual, equal } from 'node:assert/strict';
import { downloadPlace, uploadPlace, type ScpCall } from '../../server/session/scp-call.ts';
import { refusedTransfer, transferOf } from '../../server/session/transfer.ts';
import { request } from '../support/session-fakes.ts';

function kindOf(command: string): string | null {
  const transfer = transferOf(request('exec', command));
  if (transfer === null) return null;
  if (transfer.kind === 'scp') return transfer.call.direction;
  const { reads, writes, deletes } = transfer.does;
  const does = [reads && 'reads', writes && 'writes', deletes && 'deletes'].filter(Boolean);
  return `${transfer.program} ${does.join('+')}`;
}

const KINDS: readonly (readonly [command: string, kind: string | null])[] = [
  ['scp -t /srv', 'upload'],
  ['scp -r -p -f /srv/*.log', 'download'],
  ['/usr/bin/scp -d -t -- "a b"', 'upload'],
  ['sudo -n scp -t /srv', 'upload'],
  ['nice scp -f x', 'download'],
  ["sh -c 'scp -t /srv'", 'upload'],
  ["scp -f 'a;b'", 'download'],
  ['scp -f a; id', null],
  ['scp -f a && id', null],
  ['scp -f a | gzip', null],
  ['scp -f $(id)', null],
  ['scp -f `id`', null],
  ['scp -f a > b', null],
  ['scp -f a\nid', null],
  ["sh -c 'scp -t /srv; id'", null],
  ['while :; do scp -t x; done', null],
  ['bash -c "scp -t $X"', null],
  ['scp a host:b', null],
  ['scp -t a b', null],
  ['scp -t -f a', null],
  ['scp -t', null],
  ['xargs scp -t /srv', null],
  ['ssh other scp -t /srv', null],
  ['cat scp -t', null],
  ['rsync --server --sender -logDtpre.iLsfxCIvu . /srv', 'rsync reads'],
  ['rsync --server -logDtpre.iLsfxCIvu . /srv', 'rsync writes'],
  ['rsync --server -logDtpre.iLsfxCIvu --delete . /srv', 'rsync writes+deletes'],
  ['rsync --server --sender -e.x --remove-source-files . /srv', 'rsync reads+deletes'],
  ['rsync -a a b', null],
  ["git-upload-pack '/srv/a.git'", 'git-upload-pack reads'],
  ["git-receive-pack '/srv/a.git'", 'git-receive-pack writes'],
  ["git receive-pack '/srv/a.git'", 'git writes'],
  ["git-upload-archive '/srv/a.git'", 'git-upload-archive reads'],
  ['git status', null],
  ['hg -R a serve --stdio', 'hg reads+writes+deletes'],
  ['svnserve -t', 'svnserve reads+writes+deletes'],
  ['tar cz /srv', null],
  // Own programs under those names: what they print must not go unrecorded.
  ['/tmp/git-upload-pack x', null],
  ['./rsync --server . x', null],
  ['~/bin/scp -f x', null],
  ['/usr/bin/../../tmp/scp -f x', null],
  ['/home/a/bin/rsync --server . x', null],
  ['PATH=/tmp/x git-upload-pack y', null],
  ['env PATH=/tmp/x git-upload-pack y', null],
  ["sudo 'PATH=/tmp/x' scp -f y", null],
  ["sh -c 'PATH=/tmp/x scp -f y'", null],
  ['GIT_EXEC_PATH=/tmp/x git upload-pack y', null],
  ['git --exec-path=/tmp/x upload-pack y', null],
  ["hg -R a serve --stdio --config alias.serve='!cat /etc/passwd'", null],
  ["hg --config alias.serve='!id' -R a serve --stdio", null],
  ['rsync --daemon --server .', null],
  ['rsync --server --daemon .', null],
  ['/usr/lib/git-core/git-upload-pack a', 'git-upload-pack reads'],
  ['/usr/local/bin/rsync --server . a', 'rsync writes'],
];

function call(command: string): ScpCall {
  const transfer = transferOf(request('exec', command));
  if (transfer?.kind !== 'scp') throw new Error(`${command} is no transfer`);
  return transfer.call;
}

const UPLOADS: readonly (readonly [
  command: string,
  names: readonly string[],
  path: string,
  spelt: string | null,
])[] = [
  ['scp -t /srv/a', ['x'], '/srv/a/x', '/srv/a'],
  ['scp -r -t /srv/a', ['d', 'x'], '/srv/a/d/x', '/srv/a/x'],
  ['scp -d -t /srv/a', ['x'], '/srv/a/x', null],
  ['scp -t /srv/a/', ['x'], '/srv/a/x', null],
  ['scp -t .', ['x'], '~/x', null],
  ["scp -t ''", ['x'], '~/x', null],
  ['scp -t a', ['x'], '~/a/x', '~/a'],
  ['scp -t ~', ['x'], '~/x', '~'],
  ['scp -t ~bob/a', ['x'], '~bob/a/x', '~bob/a'],
  ['scp -t /srv/../etc/./a', ['x'], '/etc/a/x', '/etc/a'],
  ['scp -t //etc//a', ['x'], '/etc/a/x', '/etc/a'],
  ['scp -t ../a', ['x'], '~/../a/x', '~/../a'],
];

const DOWNLOADS: readonly (readonly [
  command: string,
  names: readonly string[],
  path: string | null,
])[] = [
  ['scp -f /etc/hosts', ['hosts'], '/etc/hosts'],
  ['scp -f /etc/hosts', ['shadow'], null],
  ['scp -f /etc/hosts a', ['a'], '~/a'],
  ['scp -f /var/log/*.log', ['a.log'], '/var/log/a.log'],
  ['scp -f /var/log/*.log', ['a.txt'], null],
  ['scp -f {a,b}.txt', ['b.txt'], '~/b.txt'],
  ['scp -f {a,b}.txt', ['c.txt'], null],
  ['scp -r -f /etc/', ['etc', 'shadow'], '/etc/shadow'],
  ['scp -r -f ~', ['root', '.ssh', 'id_rsa'], '~/.ssh/id_rsa'],
  ['scp -f ~/x', ['x'], '~/x'],
];

describe('what a request transfers', () => {
  for (const [command, kind] of KINDS) {
    it(`${JSON.stringify(command)}: ${kind ?? 'nothing'}`, () => equal(kindOf(command), kind));
  }

  it('is nothing at a terminal, whose line discipline would change it', () => {
    equal(transferOf(request('exec', 'scp -t /srv', true)), null);
  });

  it('keeps to what the grant says about files', () => {
    const verdictOf = (files: 'read-only' | 'upload-only' | 'full', command: string): string => {
      const transfer = transferOf(request('exec', command));
      if (transfer?.kind === 'scp') throw new Error('its files are judged one by one');
      return refusedTransfer(files, transfer)?.verdict ?? 'left to the policy';
    };
    const rsync = 'rsync --server -e.x . a';
    equal(verdictOf('full', rsync), 'left to the policy');
    equal(verdictOf('read-only', rsync), 'deny');
    equal(verdictOf('upload-only', rsync), 'left to the policy');
    equal(verdictOf('upload-only', `${rsync} --delete`), 'deny');
    equal(verdictOf('upload-only', 'rsync --server --sender -e.x . a'), 'deny');
    equal(verdictOf('read-only', 'rsync --server --sender -e.x . a'), 'left to the policy');
    equal(verdictOf('read-only', 'rsync --server --sender --remove-source-files . a'), 'deny');
    equal(verdictOf('read-only', 'git-receive-pack a'), 'deny');
    equal(verdictOf('upload-only', 'git upload-pack a'), 'deny');
    equal(verdictOf('read-only', 'svnserve -t'), 'deny');
    equal(verdictOf('read-only', 'ls'), 'left to the policy');
  });
});

describe('where a file of scp lies', () => {
  for (const [command, names, path, spelt] of UPLOADS) {
    it(`${command} and ${names.join('/')}: ${path}`, () => {
      deepEqual(uploadPlace(call(command), names), { path, spelt });
    });
  }
  for (const [command, names, path] of DOWNLOADS) {
    it(`${command} and ${names.join('/')}: ${path ?? 'nobody asked for it'}`, () => {
      equal(downloadPlace(call(command), names)?.path ?? null, path);
    });
  }

  it('is not said by the words where a directory is a pattern', () => {
    equal(call('scp -f /srv/*/x').isExact, false);
    equal(call('scp -f /srv/x*').isExact, true);
    equal(call('scp -f $X').isExact, false);
  });
});
