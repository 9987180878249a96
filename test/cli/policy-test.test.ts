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
    texts: [{ file: 'policy.yaml', text: policyText }],
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

  it('reads what a corpus says: other keys, null, interactive lines', async () => {
    const { answers, status } = await run({
      lines: [
        '{"id":"a","class":"x","intent":"y","expect":"deny","mode":"exec","command":"ls\\nls"}',
        '{"id":"b","mode":"interactive","command":"alias x=\\"rm -rf\\"\\nx /data\\nls"}',
        '{"id":"c","mode":"interactive","command":"cd /\\nrm -r data"}',
        '{"id":null,"principal":null,"target":null,"language":null,"command":"ls"}\r',
        '{"id":{"n":1},"mode":"interactive","language":"sql","command":"select 1;\\ndrop table x;"}',
      ],
    });
    equal(status, 0);
    deepEqual(
      answers.map(({ id, decision, rule }) => [id, decision, rule]),
      [
        ['a', 'allow', null],
        ['b', 'deny', 'wipe'],
        ['c', 'deny', 'wipe'],
        [null, 'allow', null],
        [{ n: 1 }, 'deny', 'drop'],
      ],
    );
  });

  it('bounds what it does with a huge command', async () => {
    const command = `echo ${'x'.repeat(1_000_000)}`;
    const { answers } = await run({ lines: [JSON.stringify({ command })] });
    deepEqual([answers[0]?.['decision'], answers[0]?.['certainty']], ['hold', 'uncertain']);
  });

  it('joins the files of a folder, and reads a whole configuration', async () => {
    const answers: Record<string, unknown>[] = [];
    await runPolicyTest({
      texts: [
        {
          file: 'a.yaml',
          text: 'principals: [{name: bot, kind: agent, groups: [agents], keys: []}]',
        },
        {
          file: 'b.yaml',
          text:
            'grants: []\npolicies:\n  default:\n    rules:\n' +
            '      - {name: r, action: deny, match: {command: ls}, for: {principals: ["group:agents"]}}',
        },
      ],
      policyName: null,
      commands: {
        kind: 'lines',
        lines: (async function* () {
          yield await Promise.resolve('{"command": "ls", "principal": "bot"}');
          yield '{"command": "ls", "principal": "alice"}';
        })(),
      },
      write: (line) => void answers.push(JSON.parse(line) as Record<string, unknown>),
    });
    deepEqual(
      answers.map(({ decision }) => decision),
      ['deny', 'allow'],
    );
  });

  const BAD: readonly (readonly [behaviour: string, text: string, message: RegExp])[] = [
    ['broken YAML', 'policies: {', /policy\.yaml:1:12: /],
    [
      'groups that are no list',
      'principals: [{name: a, groups: x}]\npolicies: {a: {}}',
      /policy\.yaml:1:32: .* must be a list/,
    ],
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
