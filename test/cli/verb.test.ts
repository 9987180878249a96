import assert from 'node:assert/strict';
import { durationMs, parseCommandLine, type Verb } from '../../server/cli/verb.ts';
import { SallyportError } from '../../server/errors.ts';

function verb(
  name: string,
  positionals: Verb['positionals'] = [0, 0],
  options: Verb['options'] = {},
): Verb {
  const usage = `USAGE OF ${name}`;
  return { name, usage, summary: '', options, positionals, run: () => Promise.resolve(0) };
}

const VERBS = [
  verb('serve'),
  verb('check', [1, 1]),
  verb('sessions list', [0, 0], {
    limit: { type: 'string' },
    all: { type: 'boolean', short: 'a' },
  }),
  verb('sessions show', [1, 1]),
  verb('policy test', [0, 2]),
];

describe('parseCommandLine', () => {
  const found: [line: string, name: string, positionals: string[]][] = [
    ['serve', 'serve', []],
    ['check a.yaml', 'check', ['a.yaml']],
    ['check -- --help', 'check', ['--help']],
    ['check -- --no-such-option', 'check', ['--no-such-option']],
    ['sessions list', 'sessions list', []],
    ['sessions show 1', 'sessions show', ['1']],
    ['policy test', 'policy test', []],
    ['policy test a b', 'policy test', ['a', 'b']],
  ];
  for (const [line, name, positionals] of found) {
    it(`finds the verb of: ${line}`, () => {
      const parsed = parseCommandLine(line.split(' '), VERBS);
      assert.ok(parsed.kind === 'verb');
      assert.equal(parsed.verb.name, name);
      assert.deepEqual(parsed.positionals, positionals);
    });
  }

  it('reads options, and --json with every verb', () => {
    const line = ['sessions', 'list', '--limit', '5', '-a', '--json'];
    const parsed = parseCommandLine(line, VERBS);
    assert.ok(parsed.kind === 'verb');
    const { options } = parsed;
    assert.deepEqual([options.text('limit'), options.text('other')], ['5', null]);
    assert.deepEqual([options.flag('all'), options.flag('json')], [true, true]);
    assert.equal(options.flag('limit'), false, 'a text is no flag');
    assert.equal(options.text('all'), null, 'a flag is no text');
  });

  for (const line of ['help', 'help serve', '--help', '-h', 'sessions list --help', 'serve -h']) {
    it(`gives help for: ${line}`, () => {
      assert.deepEqual(parseCommandLine(line.split(' '), VERBS), { kind: 'help' });
    });
  }

  it('gives help for nothing', () => {
    assert.deepEqual(parseCommandLine([], VERBS), { kind: 'help' });
  });

  const refused: [line: string, message: RegExp][] = [
    ['nonsense', /^there is no verb "nonsense"/],
    ['constructor', /^there is no verb "constructor"/],
    ['sessions', /^there is no verb "sessions"/],
    ['sessions burn', /^there is no verb "sessions burn"/],
    ['list sessions', /^there is no verb "list sessions"/],
    ['--json serve', /^there is no verb /],
    ['serve --no-such-option', /^Unknown option '--no-such-option'/],
    ['serve --limit 5', /^Unknown option '--limit'/],
    ['sessions list --limit', /^Option '--limit <value>' argument missing/],
    ['sessions list --all=yes', /^Option '-a, --all' does not take an argument/],
    ['serve now', /^the number of arguments is wrong/],
    ['check', /^the number of arguments is wrong/],
    ['check a b', /^the number of arguments is wrong/],
  ];
  for (const [line, message] of refused) {
    it(`explains what is wrong with: ${line}`, () => {
      const parsed = parseCommandLine(line.split(' '), VERBS);
      assert.ok(parsed.kind === 'usage', parsed.kind);
      assert.match(parsed.message, message);
    });
  }

  it('names the verbs that begin alike, or the usage of the verb', () => {
    const near = parseCommandLine(['sessions'], VERBS);
    assert.match(JSON.stringify(near), /one of: sessions list, sessions show/);
    const usage = parseCommandLine(['check'], VERBS);
    assert.match(JSON.stringify(usage), /usage: npx sallyport check USAGE OF check/);
  });
});

describe('durationMs', () => {
  const durations: [text: string, ms: number][] = [
    ['0s', 0],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['999999d', 86_399_913_600_000],
  ];
  for (const [text, ms] of durations) {
    it(`reads ${text}`, () => assert.equal(durationMs(text), ms));
  }

  for (const text of ['', '5', 's', '5w', '5S', '-5s', '1.5h', '5 m', ' 5m', '5m\n', '1h30m']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => durationMs(text),
        (error) => error instanceof SallyportError && error.code === 'usage.invalid',
      );
    });
  }

  it('refuses more than six digits', () => {
    assert.throws(() => durationMs('1000000s'), SallyportError);
  });
});
