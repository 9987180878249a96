/** Every form of the three dialects: what they run is found, or said not to be known. */
import { deepEqual, equal, ok } from 'node:assert/strict';

import { parseShell } from '../../server/shell/grammar.ts';
import { readShell } from '../../server/shell/read.ts';

const MARKED = 'rm -rf /data';

/** X stands for a command that must be found among those that would or could run. */
const FOUND = [
  'X; ls',
  'ls && X',
  'ls || X',
  '! X',
  'X &',
  'ls | X',
  'ls |& X',
  '(X)',
  '( (X) )',
  '{ X; }',
  'time X',
  'time -p X',
  'if X; then a; fi',
  'if a; then X; fi',
  'if a; then b; elif X; then c; fi',
  'if a; then b; else X; fi',
  'while X; do a; done',
  'while a; do X; done',
  'until a; do X; done',
  'for i in 1 2; do X; done',
  'for i; do X; done',
  'for ((i=0; i<3; i++)); do X; done',
  'select i in 1; do X; done',
  'case a in (a) X;; esac',
  'case a in a|b) c;; *) X; esac',
  'case a in a) b;& c) X;;& esac',
  'f() { X; }; f',
  'function f { X; }; f',
  'function f() (X); f',
  'f() if a; then X; fi; f',
  'coproc X',
  'coproc NAME { X; }',
  'cat <<E\n$(X)\nE',
  'cat <<-E\n\t$(X)\n\tE',
  'cat <<"E" | sh\nX\nE',
  'cat <<E; X\nb\nE',
  'cat <<A <<B\n$(X)\nA\nb\nB',
  'sh <<<"X"',
  'cat <<<$(X)',
  'cat <(X)',
  'tee >(X)',
  'a=$(X)',
  'a=(1 $(X))',
  'a[$(X)]=1',
  'a+=$(X)',
  'echo `X`',
  'echo "`X`"',
  'echo $(X)',
  'echo "$(X)"',
  'echo ${a:-$(X)}',
  'echo ${a/$(X)/b}',
  'echo ${a//`X`}',
  'echo "${a/#x$(X)/$(ls)}"',
  'echo ${a:$(X)}',
  'echo ${a#$(X)}',
  'echo ${a[$(X)]}',
  'echo $(( $(X) + 1 ))',
  'echo $[ $(X) ]',
  '(( a = $(X) ))',
  'let "a=$(X)"',
  '[[ -n $(X) ]]',
  '[[ a =~ $(X) ]]',
  '[ -n "$(X)" ]',
  'ls > $(X)',
  'ls 2>$(X)',
  'ls {fd}>$(X)',
  'echo @($(X)|b)',
  'echo {a,$(X)}',
  'echo ~/$(X)',
  'a=1 b=2 X',
  '<in X',
  'X >out 2>&1',
  'X <<E\nE',
  '\\\nX',
  'X # comment',
  '# comment\nX',
  'if a\nthen\nX\nfi',
  'a;\n\n\nX',
  'a &\nX',
  'X\r\n'.trim(),
  'ls;X',
  'ls;;X'.replace(';;', ';'),
  '${x:-rm} -rf /data',
  "$'rm' -rf /data",
  '$"rm" -rf /data',
  '((rm -rf /data))',
  '$(( (1) )); X',
  // zsh
  'X &!',
  'X &|',
  'case x { (x) X;; }',
  'precmd() { X; }; precmd',
  'noglob X',
  '- X',
  'echo ${$(X)}',
  'repeat 2 X',
  'echo ${`X`}',
  "bindkey -s '^A' 'X^M'",
] as const;

/** What they run isn't known, which must be said. */
const UNCERTAIN = [
  // zsh
  'x="rm -rf /data"; $=x',
  'x="rm -rf /data"; ${=x}',
  'x="rm -rf /data"; $~x',
  'x=(rm -rf /data); $x',
  'x=(rm a); $x[1] -rf /data',
  '() { rm x }',
  'if [[ a ]] { rm x }',
  'for i (1 2) { rm x }',
  'foreach i (1) ls; end',
  '{ ls } always { ls }',
  'ls >! /etc/shadow',
  'ls &>! /etc/shadow',
  'rm /disk<->',
  'rm /disk<1-9>',
  "ls *(e:'rm $REPLY':)",
  'ls *(+f)',
  'alias -s txt=rm',
  '{rm -rf /data}',
  'setopt extendedglob',
  '=rm -rf /data',
  'echo ${(e)x}',
  'print -z rm',
  'cat =(ls)',
  'rm -rf /data(N)',
  // what no shell takes
  'ls (',
  'ls (a',
  'if',
  ')',
  'fi',
  'a;;b',
  'case x in',
  'echo "a',
  "echo 'a",
  'echo $(a',
  'echo ${a',
  'for',
  'a | | b',
  '&& a',
  '< ',
  'rm \0 x',
  // nested too deeply
  `echo $((${'2**'.repeat(300)}$(rm x)))`,
  `echo $((${'1?'.repeat(300)}$(rm x)${':1'.repeat(300)}))`,
  `${'if a; then '.repeat(400)}b${'; fi'.repeat(400)}`,
  `echo ${'$('.repeat(300)}ls${')'.repeat(300)}`,
  `${'{ '.repeat(300)}ls${'; }'.repeat(300)}`,
  'f() { f; }; f',
] as const;

/** Plain bash that looks like something else. */
const CERTAIN = [
  'for ((i=0; i<3; i++)); do echo $i; done',
  '(( count += 1 ))',
  '(( a - b ))',
  '(( flag ))',
  'git show HEAD^ HEAD~1',
  'echo a=~b',
  'ls @(a|e*)',
  'a=(1); echo "$a"',
  'echo ${x:?not set}',
  'echo ${#x}',
  '[[ $a =~ ^x$ ]]',
  'echo $',
  'echo "$" \'$=\'',
  'ls <in >out',
  'find . -name "*.c" -exec wc {} +',
] as const;

describe('the shell grammar', () => {
  for (const form of FOUND) {
    it(`finds the command in ${JSON.stringify(form)}`, () => {
      const { commands } = readShell(form.replaceAll('X', MARKED));
      ok(
        commands.some(({ argv }) => argv?.join(' ') === MARKED),
        JSON.stringify(commands.map(({ argv }) => argv)),
      );
    });
  }

  for (const text of UNCERTAIN) {
    it(`says that it can't know ${JSON.stringify(text.slice(0, 50))}`, () => {
      ok(readShell(text).uncertain.length > 0);
    });
  }

  for (const text of CERTAIN) {
    it(`is sure of ${JSON.stringify(text)}`, () => {
      deepEqual(readShell(text).uncertain, []);
    });
  }

  it('names the place of what it did not understand', () => {
    const text = 'ls; echo ok; ) rm';
    const [first] = readShell(text).uncertain;
    ok(first !== undefined);
    equal(text.slice(first.start, first.start + 1), ')');
  });

  it('refuses what is nested too deeply without throwing', () => {
    equal(parseShell('('.repeat(10_000)).kind, 'refused');
  });
});
