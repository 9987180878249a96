/** `approvals …`: decide on held commands at the bastion's own command line, as its operator. */
import type { Principal } from '../access/principal.ts';
import { withStores } from '../context.ts';
import { printable } from '../printable.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

const MAX_LISTED = 200;

const list: Verb = {
  name: 'approvals list',
  usage: '[--all]',
  summary: 'commands that wait for a decision',
  options: { all: { type: 'boolean' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ approvals }) => {
      const items = await approvals.listApprovals({
        limit: MAX_LISTED,
        ...(input.options.flag('all') ? {} : { status: 'waiting' as const }),
      });
      if (input.options.flag('json')) {
        await input.terminal.out(`${JSON.stringify({ items, next: null })}\n`);
        return 0;
      }
      const rows = items.map((one) => [
        one.id,
        one.status,
        one.principal,
        one.target,
        one.rule,
        one.expiresAt,
        one.text,
        one.reason,
      ]);
      await input.terminal.out(
        table(
          ['ID', 'STATUS', 'PRINCIPAL', 'TARGET', 'RULE', 'EXPIRES', 'COMMAND', 'REASON'],
          rows,
        ),
      );
      return 0;
    }),
};

function decision(verb: 'approve' | 'deny'): Verb {
  return {
    name: `approvals ${verb}`,
    usage: 'ID [--reason TEXT]',
    summary: `${verb} a held command`,
    options: { reason: { type: 'string' } },
    positionals: [1, 1],
    run: (input) =>
      withStores(input, async ({ approvals }) => {
        const id = input.positionals[0] ?? '';
        const outcome = await approvals.decide(id, verb === 'approve' ? 'approved' : 'refused', {
          principal: operator(input),
          source: input.source,
          reason: input.options.text('reason'),
        });
        if (outcome.kind === 'decided') {
          await input.terminal.out(
            input.options.flag('json')
              ? `${JSON.stringify(outcome.approval)}\n`
              : `${outcome.approval.id} ${outcome.approval.status}\n`,
          );
          return 0;
        }
        input.terminal.err(
          `sallyport: approval ${printable(id, 40)} was not decided: ${outcome.kind}; see: npx sallyport approvals list --all\n`,
        );
        return 1;
      }),
  };
}

export const approvalVerbs: readonly Verb[] = [list, decision('approve'), decision('deny')];

/** Whoever has the bastion's home folder and its command line is its operator. */
function operator(input: VerbInput): Principal {
  return {
    id: '00000000-0000-7000-8000-000000000000',
    name: input.source,
    kind: 'human',
    roles: ['admin'],
    groups: [],
  };
}
