import { equal } from 'node:assert/strict';

import { isCompleteInput } from '../../server/shell/complete.ts';

const CASES = {
  complete: [
    'ls\n',
    'if a; then b; fi\n',
    'cat <<E\nx\nE\n',
    'cat <<-E\nx\n\tE\n',
    'f() { a; }\n',
    'echo "a\nb"\n',
    'a \\\nb\n',
    '# a \\\n',
    '# "open\n',
    '\n',
    '',
    'for i in 1 2\ndo a\ndone\n',
    'echo a\\\\\n',
    'a &\n',
    'a ;\n',
    'time\n',
    'a # \\\n',
    'echo a#b\n',
    'echo {a,\n',
    'f()\n{ a; }\n',
    'cat <<E && \\\nb\nx\nE\n',
    'a $(cat <<E\nx\nE\n)\n',
    'alias x=y\n',
  ],
  incomplete: [
    'if a\n',
    'if a; then\n',
    'if a; then b\nelse\n',
    'for i in 1; do\n',
    'while true\n',
    'case x in\n',
    'case x in a) b\n',
    'f() {\n',
    '(\n',
    '{ a\n',
    'cat <<E\nx\n',
    'cat <<A <<B\nx\nA\n',
    'echo "a\n',
    "echo 'a\n",
    'echo `a\n',
    'echo $(a\n',
    'echo $((1 +\n',
    'echo ${a\n',
    'a |\n',
    'a &&\n',
    'a ||\n',
    'a \\\n',
    '[[ a\n',
    '[[ a &&\n',
    'f()\n',
    'f()\n\n',
    'f()\n{\n',
    'a () # c\n',
    'function f\n',
    'a&&\\\n',
    'a |\\\n',
    'a |\n\n',
    'a | # c\n',
    'a |&\n',
    'time {\n',
    'coproc {\n',
    'select i in 1\n',
    'until a; do\n',
    'for ((i=0;\n',
    'for ((;;)) do\n',
    'case x\n',
    'case x in (a)\n',
    'echo <(a\n',
    "echo $'a\n",
    'a; b; if\n',
    'echo $(if a\n',
    'echo $(case x in a) b;;\n',
    'cat <<E; if a\nx\nE\n',
    'cat << E\nx\nE \n',
    'a $(cat <<E\nx\nE\n',
    'while a; do b; done < <(c\n',
    '{ a; } |\n',
    'x=(\n',
  ],
  invalid: [
    '( )\n',
    '{ }\n',
    'a | | b\n',
    '&& a\n',
    'a (b)\n',
    'a() b\n',
    'done\n',
    'esac\n',
    'do\n',
    'a >\n',
    'a <<\n',
    'if ; then a; fi\n',
    'case x in a b) c;; esac\n',
    'fi\n',
    'a;;\n',
    'echo )\n',
    'then\n',
    '}\n',
    `${'('.repeat(10_000)}\n`,
  ],
} as const;

describe('isCompleteInput', () => {
  for (const [outcome, texts] of Object.entries(CASES)) {
    for (const text of texts) {
      it(`says that ${JSON.stringify(text.slice(0, 40))} is ${outcome}`, () => {
        equal(isCompleteInput(text), outcome);
      });
    }
  }

  it('asks for more at every line of a script until a command is whole', () => {
    const script = ['for i in 1 2', 'do', '  if a', '  then cat <<E', 'x', 'E', '  fi', 'done'];
    for (let lines = 1; lines < script.length; lines++) {
      equal(
        isCompleteInput(`${script.slice(0, lines).join('\n')}\n`),
        'incomplete',
        script[lines - 1],
      );
    }
    equal(isCompleteInput(`${script.join('\n')}\n`), 'complete');
  });
});
