/** `export` and `versions …`: the directory as YAML, now and as it was. */
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { withStores } from '../context.ts';
import { messageOf, SallyportError } from '../errors.ts';
import type { WrittenDirectory } from '../store/directory-written.ts';
import { changesText } from './changes.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

const DEFAULT_LISTED = 20;
const MAX_LISTED = 500;

const exportDirectory: Verb = {
  name: 'export',
  usage: '[-o FILE]',
  summary: 'print the directory as YAML that can be applied again; without secrets',
  options: { output: { type: 'string', short: 'o' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ versions }) => {
      const written = await versions.written();
      if (input.options.flag('json')) await give(input, `${JSON.stringify(written)}\n`);
      else await give(input, yamlOf(written, `version ${await versions.current()}`));
      return 0;
    }),
};

async function give(input: VerbInput, text: string): Promise<void> {
  const file = input.options.text('output');
  if (file === null) return input.terminal.out(text);
  // It says who may do what: nobody else's business.
  await writeFile(file, text, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
    throw new SallyportError(
      'usage.invalid',
      `${file} can't be written (${messageOf(error)})`,
      'name a file that is not there yet, in a folder that can be written',
    );
  });
}

/** @param what stands in the first line */
export function yamlOf(written: WrittenDirectory, what: string): string {
  const sections = Object.entries(written).filter(([, value]) =>
    Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0,
  );
  const text =
    sections.length === 0
      ? '{}\n'
      : stringify(Object.fromEntries(sections), { lineWidth: 0, aliasDuplicateObjects: false });
  return `# Sallyport directory, ${what}\n${text}`;
}

const list: Verb = {
  name: 'versions list',
  usage: '[--limit N]',
  summary: 'versions of the directory, the newest first: who changed what, when and from where',
  options: { limit: { type: 'string' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ versions }) => {
      const limit = Number(input.options.text('limit') ?? DEFAULT_LISTED);
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED) {
        throw new SallyportError(
          'usage.invalid',
          '--limit is out of range',
          `take 1 to ${MAX_LISTED}`,
        );
      }
      const page = await versions.list({ limit, before: null });
      const rows = page.items.map((one) => [
        one.version,
        one.at,
        one.principal ?? one.source ?? 'the bastion',
        one.via,
        one.from,
        one.changes.length,
        one.changes.map(({ change, name, object }) => `${change} ${object} ${name}`).join('; '),
      ]);
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify(page)}\n`
          : table(['VERSION', 'AT', 'BY', 'VIA', 'FROM', 'CHANGES', 'WHAT'], rows),
      );
      return 0;
    }),
};

const show: Verb = {
  name: 'versions show',
  usage: 'N [--document]',
  summary: 'what a version changed, or with --document the whole directory as it was then, as YAML',
  options: { document: { type: 'boolean' } },
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async ({ versions }) => {
      const number = input.positionals[0] ?? '';
      const found = /^\d{1,9}$/.test(number) ? await versions.one(Number(number)) : null;
      if (found === null) {
        throw new SallyportError(
          'object.unknown',
          `there is no version ${number}`,
          'see which there are: sallyport versions list',
        );
      }
      const { at, changes, document, from, principal, source, version, via } = found;
      if (input.options.flag('json')) await input.terminal.out(`${JSON.stringify(found)}\n`);
      else if (input.options.flag('document')) {
        await input.terminal.out(yamlOf(document, `version ${version} of ${at}`));
      } else {
        const who = [principal, source].filter((one) => one !== null).join(', ') || 'the bastion';
        const head = `version ${version} of ${at}, by ${who} (${via}: ${from})\n`;
        await input.terminal.out(head + changesText(changes, false, null));
      }
      return 0;
    }),
};

export const versionVerbs: readonly Verb[] = [exportDirectory, list, show];
