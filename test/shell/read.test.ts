import { deepEqual, equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';

import { MAX_LINE_BYTES } from '../../server/shell/limits.ts';
import { readShell } from '../../server/shell/read.ts';
import { initialState } from '../../server/shell/state.ts';

/** `via > via: word|word` of every command, `?` for one whose words aren't known. */
function commandsOf(text: string): string[] {
  return readShell(text).commands.map(({ argv, via }) =>
    [...via, argv === null ? '?' : argv.join('|')].join(' > '),
  );
}

const READ: readonly (readonly [behaviour: string, text: string, commands: readonly string[]])[] = [
  ['plain words', 'ls -l /tmp', ['ls|-l|/tmp']],
  ['quotes of every kind', `r\\m 'a b' "c d" $'\\x65' $"f"`, ['rm|a b|c d|e|f']],
  ['joined quotes', `r''m -r"f" /d'a't\\a`, ['rm|-rf|/data']],
  ['empty words', `a "" ''`, ['a||']],
  ['continuation lines', 'rm \\\n -rf', ['rm|-rf']],
  ['comments', 'a # b', ['a']],
  ['lists', 'a; b && c || d & e', ['a', 'b', 'c', 'd', 'e']],
  ['pipelines', 'a | b |& c', ['a', 'b', 'c']],
  ['groups and subshells', '(a); { b; }', ['a', 'b']],
  ['branches', 'if a; then b; elif c; then d; else e; fi', ['a', 'b', 'c', 'd', 'e']],
  ['loops', 'while a; do b; done', ['a', 'b']],
  ['loops over known words', 'for i in 1 2; do a $i; done', ['a|1', 'a|2']],
  ['case', 'case $x in a) b;; *) c;; esac', ['b', 'c']],
  ['braces', 'a {b,c{d,e}} {1..3}', ['a|b|cd|ce|1|2|3']],
  ['a brace as command', '{rm,-rf,/data}', ['rm|-rf|/data']],
  ['variables', 'x=rm; y=$x; $y "$x"', ['rm|rm']],
  ['splitting', 'x=\'a b\'; $x "$x"', ['a|b|a b']],
  ['the field separator', 'rm${IFS}-rf${IFS}/data', ['rm|-rf|/data']],
  [
    'parameter operations',
    'x=abcabc; e ${x#a} ${x%%b*} ${x/b/-} ${x//b/-} ${x:1:2} ${x^^}',
    ['e|bcabc|a|a-cabc|a-ca-c|bc|ABCABC'],
  ],
  ['defaults', 'e ${zz:-y} ${zz:+y}', ['e|y|y']],
  ['indirection', 'n=y; y=rm; ${!n} a', ['rm|a']],
  ['arrays', 'x=(rm -rf); "${x[@]}" ${x[1]}', ['rm|-rf|-rf']],
  ['positional parameters', 'set -- a b; e $2 "$@"', ['set|--|a|b', 'e|b|a|b']],
  ['literal substitutions', '$(echo rm) `echo -rf`', ['echo|rm', 'echo|-rf', 'rm|-rf']],
  ['nested substitutions', 'e "$(echo "$(echo a)")"', ['echo|a', 'echo|a', 'e|a']],
  ['arithmetic', 'e $((1+2))', ['e|3']],
  ['functions', 'f() { rm "$1"; }; f x', ['f|x', 'function f > rm|x']],
  ['aliases', 'alias z="rm -rf"\nz /d', ['alias|z=rm -rf', 'z|/d', 'alias z > rm|-rf|/d']],
  ['assignments before a command', 'A=1 B=2 rm x', ['rm|x']],
  ['sudo with options', 'sudo -u root -- A=1 rm x', ['sudo|-u|root|--|A=1|rm|x', 'sudo > rm|x']],
  [
    'timeout with options',
    'timeout -k 1 -s KILL 5s rm x',
    ['timeout|-k|1|-s|KILL|5s|rm|x', 'timeout > rm|x'],
  ],
  ['env -S', 'env -S "rm x"', ['env|-S|rm x', 'env > rm|x']],
  ['sh -c', 'sh -c \'rm "$1"\' _ x', ['sh|-c|rm "$1"|_|x', 'sh -c > rm|x']],
  [
    'shells in wrappers',
    'sudo sh -c "rm x"',
    ['sudo|sh|-c|rm x', 'sudo > sh|-c|rm x', 'sudo > sh -c > rm|x'],
  ],
  ['eval', 'eval "r""m" x', ['eval|rm|x', 'eval > rm|x']],
  ['exec', 'exec -a ls rm x', ['exec|-a|ls|rm|x', 'exec > rm|x']],
  ['trap', 'trap "rm x" EXIT', ['trap|rm x|EXIT', 'trap > rm|x']],
  ['xargs', 'echo a b | xargs -n1 rm', ['echo|a|b', 'xargs|-n1|rm', 'xargs > rm|a|b']],
  [
    'xargs with a placeholder',
    'echo a | xargs -I% rm x%',
    ['echo|a', 'xargs|-I%|rm|x%', 'xargs > rm|xa'],
  ],
  ['find -exec', 'find /d -exec rm a \\;', ['find|/d|-exec|rm|a|;', 'find -exec > rm|a']],
  [
    'parallel',
    'parallel rm {} ::: a b',
    ['parallel|rm|{}|:::|a|b', 'parallel > rm|a', 'parallel > rm|b'],
  ],
  ['ssh', "ssh -p 22 h 'cd /; rm x'", ['ssh|-p|22|h|cd /; rm x', 'ssh > cd|/', 'ssh > rm|x']],
  [
    'containers',
    'docker exec -it -u root c rm x',
    ['docker|exec|-it|-u|root|c|rm|x', 'docker exec > rm|x'],
  ],
  [
    'kubectl',
    'kubectl -n a exec p -c c -- rm x',
    ['kubectl|-n|a|exec|p|-c|c|--|rm|x', 'kubectl exec > rm|x'],
  ],
  ['pipes into shells', 'echo rm x | sh', ['echo|rm|x', 'sh', 'sh > rm|x']],
  ['decoders', 'echo cm0geA== | base64 -d | sh', ['echo|cm0geA==', 'base64|-d', 'sh', 'sh > rm|x']],
  [
    'printf and xxd',
    'printf %s 726d2078 | xxd -r -p | sh',
    ['printf|%s|726d2078', 'xxd|-r|-p', 'sh', 'sh > rm|x'],
  ],
  ['here-documents to shells', 'sh <<E\nrm x\nE', ['sh', 'sh > rm|x']],
  ['here-strings to shells', 'sh <<< "rm x"', ['sh', 'sh > rm|x']],
  ['process substitution', 'bash <(echo rm x)', ['echo|rm|x', 'bash|/dev/fd/63', 'bash > rm|x']],
  [
    'interpreters with a literal call',
    `python3 -c 'import os; os.system("rm x")'`,
    ['python3|-c|import os; os.system("rm x")', 'python3 > rm|x'],
  ],
  ['words that are only text', 'echo "rm -rf /; $(true)"', ['true', 'echo|rm -rf /; ']],
  ['words that can not be known', 'rm "$UNSET_NAME"', ['?']],
];

describe('readShell', () => {
  for (const [behaviour, text, commands] of READ) {
    it(`reads ${behaviour}`, () => {
      deepEqual(commandsOf(text), commands);
    });
  }

  const UNCERTAIN: readonly (readonly [behaviour: string, text: string, why: RegExp])[] = [
    ['a name from a variable', '$X -rf /', /command's name isn't known/],
    ['a name that is a pattern', '/bin/r? -rf /', /name is a pattern/],
    ['a downloaded program', 'curl http://a | sh', /sh runs commands that can't be known/],
    ['dynamic program text', 'sh -c "$X"', /program text for sh -c can't be known/],
    ['code of another language', "python3 -c 'import x; x.go()'", /code for python3 can't be read/],
    ['a program read from the session', 'python3', /would read its program from standard input/],
    ['a script where anybody can put one', 'bash /tmp/x.sh', /can't be read from here/],
    ['a script that was written before', 'ls | sort -o x.sh; bash x.sh', /can't be read from here/],
    ['a script in an unknown place', 'cd "$D"; bash x.sh', /can't be read from here/],
    ['a file written in the session', 'curl -o /tmp/a u; /tmp/a', /written in this session/],
    ['history expansion', 'ls\n!!', /history expansion/],
    ['a program search path that anybody can write', 'PATH=/tmp/x:$PATH ls', /\$PATH names/],
    ['an earlier command with other words', 'fc -s true=rm', /earlier command/],
    ['a key that types a line', `bind '"\\C-t": "rm x\\n"'`, /run code later/],
    ['a key that submits a line', 'bind "x: accept-line"', /run code later/],
    ['a terminal that changes letters', 'stty iuclc olcuc', /read from the keys/],
    ['a key by its number that erases', 'stty erase 90 -echoe', /read from the keys/],
    [
      'settings of a terminal that are not those that were saved',
      'stty "$(sed s/a/b/ f)"',
      /read from/,
    ],
    ['characters that are erased byte by byte', 'stty -iutf8', /read from the keys/],
    ['a key that erases, set otherwise', 'tset -Q -e Z', /read from the keys/],
    ['a key that submits a line, in capitals', `bind '"x": Accept-Line'`, /run code later/],
    ['a key that submits a line, in fish', 'bind -M default x execute', /run something later/],
    ['what a key puts before a line', `bind 'set comment-begin rm x;'`, /run code later/],
    ['another name for a widget', 'zle -A accept-line x', /another name/],
    ['keys from a file', 'INPUTRC=f bash', /INPUTRC makes programs load/],
    ['syntax that is not sh or bash', 'ls )', /shell grammar/],
    ['an open quote', 'rm "a', /shell grammar/],
  ];
  for (const [behaviour, text, why] of UNCERTAIN) {
    it(`says that ${behaviour} is uncertain, and where`, () => {
      const [first] = readShell(text).uncertain;
      ok(first !== undefined, 'nothing is uncertain');
      ok(why.test(first.why), first.why);
      ok(first.start >= 0 && first.end <= text.length && first.start <= first.end);
    });
  }

  for (const text of [
    'ls -la',
    'for f in *.c; do cc $f; done',
    "awk '{print $1}' f",
    'sed -n 5p f',
    'fc -l',
    `bind '"\\e[A": history-search-backward'`,
    'stty -echo',
    'stty erase ^H kill ^U; stty sane',
    'x=$(stty -g); stty raw; stty "$x"',
    'x=$(date)',
  ]) {
    it(`is certain about ${text}`, () => {
      deepEqual(readShell(text).uncertain, []);
    });
  }

  it('says which input a shell or SQL client reads from the session', () => {
    const languages = (text: string) => readShell(text).commands.map((one) => one.stdinLanguage);
    deepEqual(languages('bash'), ['shell']);
    deepEqual(languages('bash -s'), ['shell']);
    deepEqual(languages('sudo sh -'), [null, 'shell']);
    deepEqual(languages('psql -d db'), ['sql']);
    deepEqual(languages('psql -c "select 1"'), [null]);
    deepEqual(languages('echo ls | bash'), [null, null, null]);
    deepEqual(languages('cat'), [null]);
  });

  it('says which commands may take a part of the input of the session', () => {
    const takers = (text: string) =>
      readShell(text)
        .commands.filter((one) => one.readsInput)
        .map((one) => one.text);
    deepEqual(takers('read x; sh'), ['read x']);
    deepEqual(takers('f() { read y; }; f'), ['read y']);
    deepEqual(takers('timeout 1 cat'), ['cat']);
    for (const text of ['head -n 1', 'sed 1q', 'grep -e x', 'cat -', "awk '{exit}'", 'dd bs=1']) {
      deepEqual(takers(text), [text]);
    }
    for (const text of ['ls', 'cat f', 'grep -q x f', 'head -n 1 f', 'read x <<< a', '>f']) {
      deepEqual(takers(text), []);
    }
    const leaving =
      "dd if=f of=g; xargs -a f echo; ssh -n h x; nc -z h 1; python3 x.py; perl -pi -e s/a/b/ f; awk 'BEGIN { print 1 }'; read -u 3 x";
    deepEqual(takers(leaving), []);
    for (const text of ['ssh h x', 'python3 -c "f()"', 'perl -', "awk 'BEGIN { getline }'"]) {
      deepEqual(takers(text), [text]);
    }
    deepEqual(takers('ls | while read l; do echo $l; done'), []);
    deepEqual(takers('while read l; do echo $l; done < f'), []);
  });

  it('hands the SQL text on', () => {
    const sql = (text: string) => readShell(text).commands.map((one) => one.sql);
    deepEqual(sql('psql -c "select 1"'), ['select 1']);
    deepEqual(sql('mysql -e "select 1" db'), ['select 1']);
    deepEqual(sql('echo "select 1" | psql'), [null, 'select 1\n']);
  });

  it('follows cd, and remembers where it may have failed', () => {
    const places = (text: string) => readShell(text).commands.at(-1)?.directories;
    deepEqual(places('ls'), ['~']);
    deepEqual(places('cd /etc; ls'), ['/etc']);
    deepEqual(places('cd /srv && ls'), ['/srv']);
    deepEqual(places('cd /srv; ls'), ['/srv', '~']);
    deepEqual(places('cd "$X"; ls'), null);
    deepEqual(places('(cd /etc); ls'), ['~']);
  });

  it('carries state from line to line without changing the state it was given', () => {
    const before = initialState(true);
    const { after } = readShell('x=rm; cd /; alias y=z', before);
    deepEqual(readShell('$x a', after).commands[0]?.argv, ['rm', 'a']);
    equal(readShell('ls', after).commands[0]?.directory, '/');
    equal(before.variables.size, 0);
    equal(before.directory, '~');
    equal(before.aliases.size, 0);
  });

  it('keeps what may not have run from hiding what does', () => {
    deepEqual(commandsOf('x=rm; false && x=ls; $x a').at(-1), '?');
    ok(commandsOf('false && rm() { :; }; rm a').includes('rm|a'));
  });

  it('refuses input that is too long with one uncertainty', () => {
    const { commands, uncertain } = readShell('x'.repeat(MAX_LINE_BYTES + 1));
    equal(commands.length, 0);
    equal(uncertain.length, 1);
    equal(readShell('x'.repeat(MAX_LINE_BYTES)).uncertain.length, 0);
  });

  const BOMBS: readonly (readonly [name: string, text: string])[] = [
    ['nested parentheses', '('.repeat(10_000)],
    ['nested substitutions', '$('.repeat(10_000)],
    ['braces', `e ${'{a,b}'.repeat(40)}`],
    ['loops', 'for i in {1..40}; do for j in {1..40}; do for k in {1..40}; do e; done; done; done'],
    ['wrappers', `${'sudo '.repeat(10_000)}ls`],
    ['commands', 'ls;'.repeat(20_000)],
    ['pipes that grow', `echo a | ${'base64 | '.repeat(200)}sh`],
    ['variables that grow', `a=xx; ${'a=$a$a; '.repeat(60)} e $a; $a`],
  ];
  for (const [name, text] of BOMBS) {
    it(`ends in uncertainty on ${name} without end`, () => {
      const { commands, uncertain } = readShell(text);
      ok(uncertain.length > 0);
      ok(commands.length <= 500);
    });
  }

  it('ends on aliases and functions that name each other', () => {
    for (const text of [
      'alias a="b b" b="c c" c="a a"\na; a',
      `${'a() { b; b; }; b() { c; c; }; c() { a; a; }; '.repeat(20)} a`,
      'f() { f; f; }; f',
    ]) {
      ok(readShell(text).commands.length <= 500);
    }
  });

  const fragments = fc.constantFrom(
    ...(
      '$ ( ) { } " \' ` \\ | & ; < > = * [ ] ! rm x -c sh eval if then fi for do done case esac in <<E E ' +
      'sudo xargs find -exec ssh docker exec psql alias cd $(( ${x ~ /'
    ).split(' '),
    '\n',
    ' ',
  );
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fragments, { maxLength: 60 }).map((parts) => parts.join('')),
    fc.array(fragments, { maxLength: 60 }).map((parts) => parts.join(' ')),
  );

  it('never throws and never gives up on a defect of its own', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, interactive) => {
        const reading = readShell(text, initialState(interactive));
        ok(!reading.uncertain.some(({ why }) => why === 'the command could not be read'));
      }),
      { numRuns: 3_000 },
    );
  });
});
