/** `policy test`: what a policy says about commands, without a database when a file is named. */
import { systemClock } from '../clock.ts';
import { formatProblem } from '../config/problem.ts';
import { readTexts } from '../config/load.ts';
import { SallyportError } from '../errors.ts';
import { readPrincipals } from '../store/directory.ts';
import { LineBatch, linesIn } from './line-stream.ts';
import type { PolicyTexts } from './policy-source.ts';
import { withStores } from '../context.ts';
import type { Verb, VerbInput } from './verb.ts';

export const policyTest: Verb = {
  name: 'policy test',
  usage: '[--policy FILE] [--policy-name NAME] [--at TIME] [--stdin | COMMAND…]',
  summary: 'judge commands: one JSON line each',
  options: {
    policy: { type: 'string' },
    'policy-name': { type: 'string' },
    at: { type: 'string' },
    stdin: { type: 'boolean' },
  },
  positionals: [0, 1000],
  run: async (input) => {
    const { options, positionals, terminal } = input;
    if (options.flag('stdin') === positionals.length > 0) {
      throw new SallyportError(
        'usage.invalid',
        'commands come either as arguments or, with --stdin, as JSON lines',
        "for instance: npx sallyport policy test 'rm -rf /'",
      );
    }
    const atMs = timeOf(options.text('at'));
    const { runPolicyTest } = await import('./policy-test.ts');
    const texts = await policyTexts(input);
    const batch = new LineBatch((text) => terminal.out(text));
    const status = await runPolicyTest({
      texts,
      policyName: options.text('policy-name'),
      atMs,
      commands: options.flag('stdin')
        ? { kind: 'lines', lines: linesIn(terminal.stdin, () => batch.flush()) }
        : { kind: 'texts', texts: positionals },
      write: (line) => batch.write(line),
    });
    await batch.flush();
    return status;
  },
};

/** When it is judged, which matters to rules with hours. */
function timeOf(text: string | null): number {
  if (text === null) return systemClock.nowMs();
  const atMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(atMs)) return atMs;
  throw new SallyportError(
    'usage.invalid',
    '--at is no time',
    'write it as 2026-11-22T18:30:00+01:00',
  );
}

async function policyTexts(input: VerbInput): Promise<PolicyTexts> {
  const path = input.options.text('policy');
  if (path !== null) {
    const read = await readTexts(path);
    if (read.kind === 'texts') return read.texts;
    const [first] = read.problems;
    throw new SallyportError(
      'usage.invalid',
      `the policy can't be read: ${first === undefined ? path : formatProblem(first)}`,
      'name a YAML file with a `policies:` map, or a folder of such files',
    );
  }
  const name = input.options.text('policy-name') ?? 'default';
  const applied = await withStores(input, async (stores) => ({
    document: await stores.policyDocument(name),
    principals: await readPrincipals(stores.database.knex),
    targets: await stores.directory.allTargets(),
  }));
  if (applied.document === null) {
    throw new SallyportError(
      'object.unknown',
      `no policy named "${name}" is applied`,
      'apply a configuration first, or name a file with --policy',
    );
  }
  const content = {
    policies: { [name]: applied.document },
    principals: applied.principals.map(({ name: one, groups }) => ({ name: one, groups })),
    targets: applied.targets.map(({ name: one, labels }) => ({ name: one, labels })),
  };
  return [{ file: 'applied', text: JSON.stringify(content) }];
}
