/** `sessions prune`, and legal holds. */
import { coldStore, withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import { printable } from '../printable.ts';
import { prune, type Pruned } from '../store/retention.ts';
import { DAY_MS, dueSessions } from '../store/retention-rows.ts';
import { recordingSigner } from './recording-keys.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

/** Sessions that are read at once. */
const PAGE = 500;
/** Holds that are listed. */
const MAX_HOLDS = 1000;

const pruneVerb: Verb = {
  name: 'sessions prune',
  usage: '[--dry-run]',
  summary:
    'delete sessions whose keepDays are over, leaving a signed tombstone of each; the bastion does it every hour',
  options: { 'dry-run': { type: 'boolean' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ clock, database, home, journal }) => {
      const isJson = input.options.flag('json');
      if (input.options.flag('dry-run')) {
        let count = 0;
        for (let after: string | null = null; ;) {
          const page = await dueSessions(database.knex, clock.nowMs(), after, PAGE);
          count += page.length;
          for (const { endedAt, id, keepDays, principal, target } of page) {
            const since = new Date(Date.parse(endedAt) + keepDays * DAY_MS).toISOString();
            const due = { id, principal, target, endedAt, keepDays, dueSince: since };
            await input.terminal.out(
              isJson
                ? `${JSON.stringify(due)}\n`
                : `${id}  due since ${since}  ${printable(`${principal} on ${target}`, 100)}\n`,
            );
          }
          if (page.length < PAGE) break;
          after = page.at(-1)?.id ?? null;
        }
        if (!isJson) await input.terminal.out(`${count} sessions are due; nothing was deleted\n`);
        return 0;
      }
      const signer = await recordingSigner(home);
      const objects = coldStore(input.config);
      const pruned = await prune(
        { database, journal, signer, clock, logger: input.logger, objects },
        { by: input.source, source: input.source },
      );
      await input.terminal.out(isJson ? `${JSON.stringify(pruned)}\n` : `${said(pruned)}\n`);
      return pruned.kind === 'done' ? 0 : 1;
    }),
};

function said(pruned: Pruned): string {
  switch (pruned.kind) {
    case 'done':
      return `${pruned.sessions} sessions deleted, ${pruned.months} whole months of recordings dropped`;
    case 'busy':
      return 'another process is deleting or moving recordings; try again when it is done';
    case 'not-here':
      return 'the role of DATABASE_URL may not delete recordings: set SALLYPORT_DATABASE_OWNER_URL';
  }
}

const hold = holdVerb('hold', 'keep a session from being deleted, however old it gets');
const release = holdVerb(
  'release',
  'end the hold of a session; it is deleted when its time is over',
);

const holdsVerb: Verb = {
  name: 'sessions holds',
  usage: '[ID]',
  summary: 'sessions that are held, or all holds of one',
  options: {},
  positionals: [0, 1],
  run: (input) =>
    withStores(input, async ({ holds }) => {
      const [id] = input.positionals;
      const items = id === undefined ? await holds.open(MAX_HOLDS) : await holds.of(id);
      await input.terminal.out(
        input.options.flag('json')
          ? `${JSON.stringify({ items, next: null })}\n`
          : table(
              ['SESSION', 'HELD', 'BY', 'REASON', 'RELEASED', 'BY'],
              items.map((one) => [
                one.session,
                one.heldAt,
                one.heldBy,
                one.reason,
                one.releasedAt,
                one.releasedBy,
              ]),
            ),
      );
      return 0;
    }),
};

function holdVerb(name: 'hold' | 'release', summary: string): Verb {
  return {
    name: `sessions ${name}`,
    usage: 'ID --reason TEXT',
    summary,
    options: { reason: { type: 'string' } },
    positionals: [1, 1],
    run: (input) => {
      const reason = input.options.text('reason');
      if (reason === null) {
        throw new SallyportError('usage.invalid', 'say why', 'give --reason TEXT');
      }
      return changeHold(input, name, reason);
    },
  };
}

async function changeHold(
  input: VerbInput,
  name: 'hold' | 'release',
  reason: string,
): Promise<number> {
  return withStores(input, async ({ holds }) => {
    const { source } = input;
    const session = input.positionals[0] ?? '';
    const done = await holds[name]({ session, reason, by: source, principal: null, source });
    const words = name === 'hold' ? 'is held' : 'is no longer held';
    await input.terminal.out(
      input.options.flag('json') ? `${JSON.stringify(done)}\n` : `${done.session} ${words}\n`,
    );
    return 0;
  });
}

export const retentionVerbs: readonly Verb[] = [pruneVerb, hold, release, holdsVerb];
