import { deepEqual } from 'node:assert/strict';
import { readShell } from '../../server/shell/read.ts';

/** Where `true` may run behind this, the likeliest first; null = anywhere. */
function directories(text: string): readonly string[] | null {
  const command = readShell(`${text}; true`).commands.findLast(({ argv }) => argv?.[0] === 'true');
  return command?.directories ?? null;
}

const CASES: readonly (readonly [text: string, expected: readonly string[] | null])[] = [
  ['cd /tmp', ['/tmp']],
  ['cd /srv/a', ['/srv/a', '~']],
  ['cd /srv/a; cd -', ['~', '/srv/a']],
  ['cd /tmp; cd /etc; cd -', ['/tmp', '~', '/etc']],
  ['cd /srv/a && cd -', ['/srv/a', '~']],
  ['cd -', ['~']],
  ['pushd /tmp; popd', ['~', '/tmp']],
  ['pushd /tmp; pushd /etc; popd', ['/tmp', '~', '/etc']],
  ['if [ -d /srv ]; then cd /srv; cd - > /dev/null; fi', ['~', '/srv']],
  ['cd "$X"; cd -', null],
  ['cd /tmp; cd "$X"; popd', null],
  ['OLDPWD=/data; cd -', null],
  ['cd /tmp; OLDPWD=$X; cd -', null],
  ['DIRSTACK[1]=/data; popd', null],
  ['pushd -n /data; popd', null],
];

describe('directories that a shell goes back to', () => {
  for (const [text, expected] of CASES) {
    it(`${text}: ${expected?.join(', ') ?? 'anywhere'}`, () => {
      deepEqual(directories(text), expected);
    });
  }
});
