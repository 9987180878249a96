/** `check` and `apply`: configuration as code. */
import type { DirectoryDocument } from '../access/directory.ts';
import { CHECKS } from '../config/checks.ts';
import { loadDocument } from '../config/load.ts';
import { formatProblem, inReadingOrder, type Problem } from '../config/problem.ts';
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { applyDocument } from '../store/directory-apply.ts';
import { changesText, notNamed, stayingText, withTakenBack } from './changes.ts';
import { endDemo } from './demo.ts';
import { journalChanges } from './journal.ts';
import type { Verb, VerbInput } from './verb.ts';

/** The document at `path`. Throws `config.invalid` with the first problem. */
export async function loadConfiguration(path: string): Promise<DirectoryDocument> {
  const outcome = await loadDocument(path, CHECKS);
  if (outcome.kind === 'ok') return outcome.document;
  const [first] = inReadingOrder(outcome.problems);
  const more = outcome.problems.length - 1;
  throw new SallyportError(
    'config.invalid',
    `${first === undefined ? path : formatProblem(first)}${more > 0 ? ` and ${more} more` : ''}`,
    `see all with: npx sallyport check ${path}`,
  );
}

const check: Verb = {
  name: 'check',
  usage: 'FILE',
  summary: 'read a configuration and say what is wrong with it; needs no database',
  options: {},
  positionals: [1, 1],
  run: async (input) => {
    const outcome = await loadDocument(input.positionals[0] ?? '', CHECKS);
    const problems = outcome.kind === 'invalid' ? outcome.problems : [];
    const warnings = outcome.kind === 'ok' ? outcome.warnings : [];
    if (input.options.flag('json')) {
      const ok = outcome.kind === 'ok';
      await input.terminal.out(`${JSON.stringify({ ok, problems, warnings })}\n`);
    } else {
      complain(input, problems, '');
      complain(input, warnings, 'warning: ');
      if (outcome.kind === 'ok') await input.terminal.out('ok\n');
    }
    return outcome.kind === 'ok' ? 0 : 2;
  },
};

const apply: Verb = {
  name: 'apply',
  usage: 'FILE [--dry-run] [--prune]',
  summary: 'bring principals, targets, grants and policies to what a configuration says',
  options: { 'dry-run': { type: 'boolean' }, prune: { type: 'boolean' } },
  positionals: [1, 1],
  run: async (input) => {
    const path = input.positionals[0] ?? '';
    const dryRun = input.options.flag('dry-run');
    const outcome = await loadDocument(path, CHECKS);
    if (outcome.kind === 'invalid') {
      if (input.options.flag('json')) {
        const { problems } = outcome;
        await input.terminal.out(`${JSON.stringify({ ok: false, problems, warnings: [] })}\n`);
      } else complain(input, outcome.problems, '');
      return 2;
    }
    const { document, warnings } = outcome;
    const isJson = input.options.flag('json');
    if (!isJson) complain(input, warnings, 'warning: ');
    const prune = input.options.flag('prune');
    return withStores(input, async (stores) => {
      const origin = { via: 'apply', principal: null, source: input.source, from: path } as const;
      const applied = await applyDocument(stores.database, document, { prune, dryRun, origin });
      if (!dryRun) {
        await endDemo(stores.settings);
        await journalChanges(stores.journal, applied, origin);
      }
      const changes = await withTakenBack(stores.versions, applied.changes, dryRun);
      const staying = dryRun && !prune ? notNamed(document, await stores.versions.written()) : [];
      const { version } = applied;
      await input.terminal.out(
        isJson
          ? `${JSON.stringify({ dryRun, version, changes, staying, warnings })}\n`
          : `${changesText(changes, dryRun, version)}${stayingText(staying)}`,
      );
      return 0;
    });
  },
};

export const configurationVerbs: readonly Verb[] = [check, apply];

function complain(input: VerbInput, problems: readonly Problem[], prefix: string): void {
  for (const problem of inReadingOrder(problems)) {
    input.terminal.err(`${prefix}${formatProblem(problem)}\n`);
  }
}
