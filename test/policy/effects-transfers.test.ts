/** What the far end of a transfer does to files, and rules about it. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { effectsOf } from '../../server/policy/effects.ts';
import { toldByInput } from '../../server/policy/file-servers.ts';
import { readShell } from '../../server/shell/read.ts';
import { showWord } from '../../server/shell/word.ts';
import { judged } from './support.ts';

/** `access path` of everything but the program's own execution; `…` = a name that the client says. */
function effects(text: string): string[] {
  const reading = readShell(text);
  deepEqual(reading.uncertain, []);
  const command = reading.commands.at(-1);
  ok(command !== undefined);
  return effectsOf(command, command.argv?.[0]?.replace(/^.*\//, '') ?? null)
    .filter(({ access }) => !(access.size === 1 && access.has('execute')))
    .map(
      ({ access, word, tree }) =>
        `${[...access].join('+')} ${showWord(word)}${tree ? ' and below' : ''}`,
    );
}

const CASES: readonly (readonly [command: string, ...effects: string[]])[] = [
  ['scp -t /srv/a', 'write /srv/a', 'write /srv/a/…'],
  ['scp -r -p -d -t -- /srv/a', 'write /srv/a and below'],
  ['scp -rpt .', 'write . and below'],
  ['scp -f /etc/hosts b', 'read /etc/hosts', 'read b'],
  ['scp -prf /etc', 'read /etc and below'],
  ['sudo scp -f /etc/hosts', 'read /etc/hosts'],
  ['rsync --server --sender -logDte.iLsfxCIvu . /etc/hosts', 'read /etc/hosts'],
  [
    'rsync --server --sender -vlogDtpre.iLsfxCIvu . /etc x',
    'read /etc and below',
    'read x and below',
  ],
  ['rsync --server --sender -re.iLsfxCIvu /etc ssl', 'read /etc/ssl and below'],
  ['rsync --server --sender -re.iLsfxCIvu /etc', 'read /etc and below'],
  ['rsync --server --sender -te.iLsfxCIvu --files-from=- --from0 . /srv', 'read /srv and below'],
  [
    'rsync --server --sender -re.iLsfxCIvu --remove-source-files . /srv',
    'read+delete /srv and below',
  ],
  ['rsync --server -logDtpre.iLsfxCIvu . /srv/a:b', 'write /srv/a:b and below'],
  ['rsync --server -re.iLsfxCIvu --delete . /srv', 'write+delete /srv and below'],
  ['rsync --server -re.iLsfxCIvu --delete-excluded . /srv', 'write+delete /srv and below'],
  [
    'rsync --server -re.iLsfxCIvu --partial-dir .part --log-file=/var/log/x --copy-dest /old --temp-dir=/t . /srv',
    'write /srv and below',
    'write .part and below',
    'write /var/log/x',
    'read /old and below',
    'write /t and below',
  ],
  [
    'rsync --server -e.LsfxCIvu --backup-dir b /srv d',
    'write /srv/d and below',
    'write /srv/b and below',
  ],
  [
    "rsync --server -e.LsfxCIvu --filter='merge /etc/shadow' . d",
    'write d and below',
    'read /etc/shadow',
  ],
  ["rsync --server -e.LsfxCIvu -f '. /etc/shadow' . d", 'write d and below', 'read /etc/shadow'],
  ["rsync --server -e.LsfxCIvu -f '- *.o' . d", 'write d and below'],
  ["git-upload-pack '/srv/a'", 'read /srv/a and below', 'read /srv/a.git and below'],
  ["git upload-pack --strict '/srv/a'", 'read /srv/a and below', 'read /srv/a.git and below'],
  ["git-receive-pack '~/a'", 'write ~/a and below', 'write ~/a.git and below'],
  ["git-upload-archive '~bob/a'", 'read ~bob/a and below', 'read ~bob/a.git and below'],
  ['hg -R /srv/a serve --stdio', 'read+write /srv/a and below'],
  ['svnserve -t -r /srv/svn', 'read+write /srv/svn and below'],
];

const TOLD: readonly (readonly [command: string, why: RegExp | null])[] = [
  ['rsync --server --sender -logDtprse.iLsfxCIvu', /paths from its input/],
  ['rsync --server -s', /paths from its input/],
  ['rsync --server --protect-args .', /paths from its input/],
  ['rsync --server -vlogDtpre.iLsfxCIvu . d', null],
  ['rsync --server $X . d', /not known/],
  ['rsync --server --daemon .', /daemon/],
  ['rsync -s a b', null],
  ['/usr/lib/openssh/sftp-server', /files from its input/],
  ['internal-sftp -R', /files from its input/],
  ['unison -server', /unison/],
  ['borg serve', /--restrict-to-path/],
  ['borg serve --restrict-to-path /srv', null],
  ['borg create a b', null],
  ['svnserve -t', /-r DIR/],
  ['svnserve -t --root=/srv', null],
];

describe('the far end of a transfer', () => {
  for (const [command, ...expected] of CASES) {
    it(`does to files what it says: ${command}`, () => deepEqual(effects(command), expected));
  }

  for (const [command, why] of TOLD) {
    it(`${why === null ? 'says' : 'does not say'} in its words what it does: ${command}`, () => {
      const [found] = readShell(command).commands;
      ok(found !== undefined);
      const program = found.words[0] === undefined ? '' : showWord(found.words[0]);
      const told = toldByInput(program.replace(/^.*\//, ''), found);
      if (why === null) equal(told, null);
      else ok(told !== null && why.test(told), String(told));
    });
  }
});

describe('rules about git over ssh', () => {
  for (const pattern of ['git-receive-pack *', 'git receive-pack *', 'git-{receive,send}-pack']) {
    for (const command of [
      "git-receive-pack '/srv/a.git'",
      "git receive-pack '/srv/a.git'",
      '/usr/lib/git-core/git-receive-pack a',
      'sudo git -C x receive-pack a',
    ]) {
      it(`${pattern} fits ${command}`, () => {
        equal(judged([{ match: { command: pattern } }], command).verdict, 'deny');
      });
    }
    for (const command of ["git-upload-pack 'receive-pack'", 'git receive-pack-x', 'git push a']) {
      it(`${pattern} doesn't fit ${command}`, () => {
        equal(judged([{ match: { command: pattern } }], command).verdict, 'allow');
      });
    }
  }

  it('tells repositories apart', () => {
    const rules = [{ match: { command: 'git-receive-pack /srv/prod.git' } }];
    equal(judged(rules, "git-receive-pack '/srv/prod.git'").verdict, 'deny');
    equal(judged(rules, "git-receive-pack '/srv/../srv/prod.git'").verdict, 'deny');
    equal(judged(rules, "git receive-pack '/srv/test.git'").verdict, 'allow');
  });
});
