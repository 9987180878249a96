import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { NO_NAMES, readConsoleLine, type ConsoleNames } from '../../server/shell/console.ts';

/** `mark<TAB>line`; `ok`: harmless, `--`: not; a line of its own console each time after `==`. */
function cases(program: string): { mark: string; text: string }[] {
  const file = new URL(`../cases/shell/console-${program}.tsv`, import.meta.url);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [mark = '', text = ''] = line.split('\t');
      return { mark, text: text.replaceAll('\\n', '\n') };
    });
}

function commandsOf(program: string, ...lines: string[]): string[] {
  let names: ConsoleNames = NO_NAMES;
  return lines.flatMap((text) => {
    const { commands, after } = readConsoleLine(text, program, names);
    names = after;
    return [...commands];
  });
}

describe('a line for a console', () => {
  for (const program of ['python', 'node', 'ruby']) {
    it(`of ${program} is harmless only if all of it is`, () => {
      let names: ConsoleNames = NO_NAMES;
      const wrong: string[] = [];
      for (const { mark, text } of cases(program)) {
        const { isHarmless, after } = readConsoleLine(text, program, names);
        if (isHarmless !== (mark === 'ok')) wrong.push(`${mark} ${text}`);
        // What nobody could read is held back here, as a policy would do it.
        if (isHarmless) names = after;
      }
      assert.deepEqual(wrong, []);
    });
  }

  it('gives back the commands that it starts with literal words', () => {
    assert.deepEqual(
      commandsOf(
        'python',
        'import os, subprocess as s',
        'os.system("ls -la")',
        "s.run(['rm', 'a b'])",
      ),
      ['ls -la', "'rm' 'a b'"],
    );
    assert.deepEqual(
      commandsOf('python', 'import subprocess', 'subprocess.run("id; ls", shell=True)'),
      ['id; ls'],
    );
    assert.deepEqual(commandsOf('node', "require('child_process').execSync('ls /').toString()"), [
      'ls /',
    ]);
  });

  it('taints what a line may have made that nobody could read', () => {
    const { after } = readConsoleLine('x = __import__("os").system', 'python', NO_NAMES);
    assert.equal(readConsoleLine('x("id")', 'python', after).isHarmless, false);
    const bound = readConsoleLine('x = 1', 'python', after).after;
    assert.equal(readConsoleLine('x("id")', 'python', bound).isHarmless, false);
    const shadowed = readConsoleLine('print = eval', 'python', NO_NAMES).after;
    assert.equal(readConsoleLine('print("1")', 'python', shadowed).isHarmless, false);
    const used = readConsoleLine('print(open(p).read())', 'python', NO_NAMES).after;
    assert.equal(readConsoleLine('print("1")', 'python', used).isHarmless, true);
  });

  it('takes nothing for harmless while a text may be open', () => {
    const { after } = readConsoleLine('x = """', 'python', NO_NAMES);
    assert.equal(
      readConsoleLine('1 # """; __import__("os").system("id")', 'python', after).isHarmless,
      false,
    );
  });

  it('says when the console is left', () => {
    for (const [program, text] of [
      ['python', 'exit()'],
      ['python', 'quit'],
      ['node', '.exit'],
      ['node', 'process.exit(1)'],
      ['irb', 'exit'],
    ] as const) {
      assert.equal(readConsoleLine(text, program, NO_NAMES).isLeaving, true, text);
    }
    assert.equal(readConsoleLine('print("exit()")', 'python', NO_NAMES).isLeaving, false);
  });
});
