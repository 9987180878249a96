/** `policy test`: what a policy says about commands, without a database when a file is named. */
import { readFile } from 'node:fs/promises';
import { messageOf, SallyportError } from '../errors.ts';
import { LineBatch, linesIn } from './line-stream.ts';
import { runPolicyTest } from './policy-test.ts';
import { withStores } from '../context.ts';
import type { Verb, VerbInput } from './verb.ts';

export const policyTest: Verb = {
  name: 'policy test',
  usage: '[--policy FILE] [--policy-name NAME] [--stdin | COMMAND…]',
  summary: 'judge commands: one JSON line each',
  options: {
    policy: { type: 'string' },
    'policy-name': { type: 'string' },
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
    const source = await policySource(input);
    const batch = new LineBatch((text) => terminal.out(text));
    const status = await runPolicyTest({
      ...source,
      policyName: options.text('policy-name'),
      commands: options.flag('stdin')
        ? { kind: 'lines', lines: linesIn(terminal.stdin, () => batch.flush()) }
        : { kind: 'texts', texts: positionals },
      write: (line) => batch.write(line),
    });
    await batch.flush();
    return status;
  },
};

async function policySource(
  input: VerbInput,
): Promise<{ readonly policyText: string; readonly fileName: string }> {
  const file = input.options.text('policy');
  if (file !== null) {
    try {
      return { policyText: await readFile(file, 'utf8'), fileName: file };
    } catch (error) {
      throw new SallyportError(
        'usage.invalid',
        `the policy file ${file} can't be read (${messageOf(error)})`,
        'name a YAML file with a `policies:` map',
        { cause: error },
      );
    }
  }
  const name = input.options.text('policy-name') ?? 'default';
  const document = await withStores(input, (stores) => stores.policyDocument(name));
  if (document === null) {
    throw new SallyportError(
      'object.unknown',
      `no policy named "${name}" is applied`,
      'apply a configuration first, or name a file with --policy',
    );
  }
  return { policyText: JSON.stringify({ policies: { [name]: document } }), fileName: 'applied' };
}
