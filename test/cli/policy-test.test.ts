import { deepEqual, equal, ok, rejects } from 'node:assert/strict';

import { runPolicyTest } from '../../server/cli/policy-test.ts';
import { SallyportError } from '../../server/errors.ts';

const POLICY = `principals:
  - {name: bot, kind: agent, groups: [agents]}
targets:
  - {name: web1, labels: {env: prod}}
policies:
  default:
    rules:
      - {name: wipe, action: deny, match: {path: /data, access: delete}, reason: data}
      - {name: power, action: hold, match: {command: reboot}, for: {principals: ["group:agents"], targets: ["label:env=prod"]}}
      - {name: drop, action: deny, match: {sql: drop table *}}
  other:
    default: deny
`;

async function run(
  commands: readonly string[] | { readonly lines: readonly string[] },
  policyName: string | null = null,
  policyText = POLICY,
): Promise<{ readonly status: number; readonly answers: Record<string, unknown>[] }> {
  const answers: Record<string, unknown>[] = [];
  async function* each(lines: readonly string[]): AsyncGenerator<string> {
    yield* lines;
  }
  const status = await runPolicyTest({
    policyText,
    fileName: 'policy.yaml',
    policyName,
    commands:
      'lines' in commands
        ? { kind: 'lines', lines: each(commands.lines) }
        : { kind: 'texts', texts: commands },
    write: (line) => {
      ok(!line.includes('\n'));
      answers.push(JSON.parse(line) as Record<string, unknown>);
    },
  });
  return { status, answers };
}

describe('policy test', () => {
  it('answers each command with one JSON object of the agreed form', async () => {
    const { status, answers } = await run(['sudo rm -rf /data']);
    equal(status, 0);
    deepEqual(answers, [
      {
        id: 1,
        decision: 'deny',
        certainty: 'exact',
        rule: 'wipe',
        reason: 'data (`rm -rf /data` inside `sudo`)',
        commands: [
          {
            argv: ['sudo', 'rm', '-rf', '/data'],
            text: 'sudo rm -rf /data',
            via: [],
            language: 'shell',
          },
          { argv: ['rm', '-rf', '/data'], text: 'rm -rf /data', via: ['sudo'], language: 'shell' },
        ],
      },
    ]);
  });

  it('reads questions from lines, with who asks and where', async () => {
    const { status, answers } = await run({
      lines: [
        '{"id": "a", "command": "reboot", "principal": "bot", "target": "web1"}',
        '{"id": 7, "command": "reboot"}',
        '',
        '{"command": "DROP TABLE x", "language": "sql", "class": "other keys are ignored"}',
      ],
    });
    equal(status, 0);
    deepEqual(
      answers.map(({ id, decision, rule }) => [id, decision, rule]),
      [
        ['a', 'hold', 'power'],
        [7, 'allow', null],
        [null, 'deny', 'drop'],
      ],
    );
  });

  it('answers a bad line with an error and goes on', async () => {
    const { status, answers } = await run({
      lines: [
        '{"id": 1',
        '{"id": 2}',
        '{"id": 3, "command": "ls", "language": "cobol"}',
        '{"id": 4, "command": "ls"}',
      ],
    });
    equal(status, 1);
    deepEqual(
      answers.map(({ id, error, decision }) => [id, error !== undefined, decision]),
      [
        [null, true, undefined],
        [2, true, undefined],
        [3, true, undefined],
        [4, false, 'allow'],
      ],
    );
  });

  it('takes the policy that is named', async () => {
    const { answers } = await run(['ls'], 'other');
    equal(answers[0]?.['decision'], 'deny');
  });

  it('takes the only policy of a file when none is called default', async () => {
    const { answers } = await run(['ls'], null, 'policies: {mine: {default: hold}}');
    equal(answers[0]?.['decision'], 'hold');
  });

  const BAD: readonly (readonly [behaviour: string, text: string, message: RegExp])[] = [
    ['broken YAML', 'policies: {', /policy\.yaml:1:12: /],
    ['a file without policies', 'a: 1', /no policies: map/],
    ['a name that is not there', 'policies: {a: {}, b: {}}', /no policy named default/],
    ['an unknown key', 'policies:\n  p:\n    rulez: []\n', /policy\.yaml:3:5: rulez is not known/],
    [
      'a bad pattern',
      'policies:\n  p:\n    rules:\n      - {name: r, action: deny, match: {path: [/a, b]}}\n',
      /policy\.yaml:4:52: the path is not absolute/,
    ],
  ];
  for (const [behaviour, text, message] of BAD) {
    it(`refuses ${behaviour} with file, line and column`, async () => {
      await rejects(run(['ls'], null, text), (error) => {
        ok(error instanceof SallyportError);
        equal(error.code, 'config.invalid');
        ok(message.test(error.message), error.message);
        return true;
      });
    });
  }
});
