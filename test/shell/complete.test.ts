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
    'x=(\n',
  ],
  invalid: ['fi\n', 'a;;\n', 'echo )\n', 'then\n', '}\n', `${'('.repeat(10_000)}\n`],
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
