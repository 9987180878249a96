import { deepEqual, equal, ok } from 'node:assert/strict';

import { effectsOf, isKnownProgram } from '../../server/policy/effects.ts';
import { PROGRAM_EFFECTS } from '../../server/policy/effects-programs.ts';
import { FILE_EFFECTS } from '../../server/policy/effects-table.ts';
import { readShell } from '../../server/shell/read.ts';
import { showWord } from '../../server/shell/word.ts';

/** `access path` of everything but the program's own execution. */
function effects(text: string): string[] {
  const [command] = readShell(text).commands;
  ok(command !== undefined);
  const program = command.argv?.[0] ?? null;
  return effectsOf(command, program)
    .filter(({ access }) => !(access.size === 1 && access.has('execute')))
    .map(
      ({ access, word, tree }) =>
        `${[...access].join('+')} ${showWord(word)}${tree ? ' and below' : ''}`,
    );
}

describe('the effects table', () => {
  it('has every line in the form that it describes, each program once', () => {
    const lines = (FILE_EFFECTS + PROGRAM_EFFECTS).split('\n').filter(Boolean);

    const names = new Set<string>();
    for (const line of lines) {
      const found = /^(\S(?:.*?\S)?): ([rwdx]+<)?(-|[rwdx]+)(>[rwdx]+)?( [\w.=:,>/@~-]+)*$/.exec(
        line,
      );
      ok(found !== null, line);
      for (const name of found[1]?.split(' ') ?? []) {
        ok(!names.has(name), `${name} is there twice`);
        names.add(name);
        ok(isKnownProgram(name.split('+', 1)[0] ?? name), name);
      }
    }
    ok(names.size > 1_000);
  });

  it('says what operands, options and redirections do', () => {
    deepEqual(effects('rm -r a b'), ['delete a and below', 'delete b and below']);
    deepEqual(effects('rm a'), ['delete a']);
    deepEqual(effects('cp a b'), ['read a', 'write b', 'write b/a']);
    deepEqual(effects('mv -t d a'), ['read+delete a and below', 'write d', 'write d/a and below']);
    deepEqual(effects('sort -o out in'), ['read in', 'write out']);
    deepEqual(effects('dd if=a of=b'), ['read a', 'write b']);
    deepEqual(effects('cat < a > b'), ['read a', 'write b']);
    deepEqual(effects('grep -e x a'), ['read a']);
    deepEqual(effects('grep x a'), ['read a']);
    deepEqual(effects('openssl enc -in a -out b'), ['read a', 'write b']);
    deepEqual(effects('ls a'), []);
    deepEqual(effects('echo a'), []);
  });

  it('takes a program that it does not know to do anything', () => {
    deepEqual(effects('nobody-knows a --in=b'), [
      'read+write+delete+execute a and below',
      'read+write+delete+execute b and below',
    ]);
    equal(isKnownProgram('nobody-knows'), false);
    equal(isKnownProgram('python3.11'), true);
  });
});
