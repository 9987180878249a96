/** `approvals …`: decide on what is held at the bastion's own command line, as its operator. */
import { readScope, SCOPE_FORM, type GrantedScope } from '../access/approval-scope.ts';
import type { Principal } from '../access/principal.ts';
import { withStores } from '../context.ts';
import { SallyportError } from '../errors.ts';
import type { ApprovalView } from '../http/ports.ts';
import { printable } from '../printable.ts';
import { table } from './table.ts';
import type { Verb, VerbInput } from './verb.ts';

const MAX_LISTED = 200;

const list: Verb = {
  name: 'approvals list',
  usage: '[--all]',
  summary: 'what waits for a decision',
  options: { all: { type: 'boolean' } },
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ approvals }) => {
      const items = await approvals.listApprovals({
        limit: MAX_LISTED,
        ...(input.options.flag('all') ? {} : { status: 'waiting' as const }),
      });
      return show(input, items, ['EXPIRES', 'COMMAND', 'REASON'], (one) => [
        one.expiresAt,
        one.text,
        one.reason,
      ]);
    }),
};

const standing: Verb = {
  name: 'approvals standing',
  usage: '',
  summary: 'approvals that count for more than once',
  options: {},
  positionals: [0, 0],
  run: (input) =>
    withStores(input, async ({ approvals }) =>
      show(
        input,
        await approvals.standing(MAX_LISTED),
        ['SCOPE', 'UNTIL', 'USES', 'BY', 'COMMAND'],
        (one) => [one.scope, one.until, String(one.uses), one.decidedBy, one.text],
      ),
    ),
};

async function show(
  input: VerbInput,
  items: readonly ApprovalView[],
  heads: readonly string[],
  cells: (one: ApprovalView) => readonly (string | null)[],
): Promise<number> {
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
    ...cells(one),
  ]);
  await input.terminal.out(table(['ID', 'STATUS', 'PRINCIPAL', 'TARGET', 'RULE', ...heads], rows));
  return 0;
}

function decision(verb: 'approve' | 'deny'): Verb {
  const isScoped = verb === 'approve';
  return {
    name: `approvals ${verb}`,
    usage: isScoped ? 'ID [--for once|session|30m] [--reason TEXT]' : 'ID [--reason TEXT]',
    summary: `${verb} what is held`,
    options: {
      reason: { type: 'string' },
      ...(isScoped && { for: { type: 'string' as const } }),
    },
    positionals: [1, 1],
    run: (input) =>
      withStores(input, async ({ approvals }) => {
        const id = input.positionals[0] ?? '';
        const outcome = await approvals.decide(id, verb === 'approve' ? 'approved' : 'refused', {
          ...operator(input),
          reason: input.options.text('reason'),
          scope: scopeOf(isScoped ? input.options.text('for') : null),
        });
        if (outcome.kind === 'decided' || outcome.kind === 'agreed') {
          const { status, until } = outcome.approval;
          const more = outcome.kind === 'agreed' ? `, ${outcome.missing} more must approve` : '';
          const limit = until === null ? '' : ` until ${until}`;
          return said(input, outcome.approval, `${outcome.approval.id} ${status}${limit}${more}`);
        }
        const by = outcome.kind === 'already-decided' ? outcome.approval.decidedBy : null;
        const why = outcome.kind === 'once-only' ? `: ${outcome.why}` : '';
        return failed(
          input,
          `approval ${printable(id, 40)} was not decided: ${outcome.kind}` +
            `${by === null ? why : ` by ${by}`}; see: npx sallyport approvals list --all`,
        );
      }),
  };
}

const revoke: Verb = {
  name: 'approvals revoke',
  usage: 'ID [--reason TEXT]',
  summary: 'end an approval that counts for more than once',
  options: { reason: { type: 'string' } },
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async ({ approvals }) => {
      const id = input.positionals[0] ?? '';
      const by = { ...operator(input), reason: input.options.text('reason') };
      const outcome = await approvals.revoke(id, by);
      if (outcome.kind === 'revoked') {
        return said(input, outcome.approval, `${outcome.approval.id} revoked`);
      }
      return failed(
        input,
        `approval ${printable(id, 40)} was not revoked: ${outcome.kind}; see: npx sallyport approvals standing`,
      );
    }),
};

const wait: Verb = {
  name: 'approvals wait',
  usage: 'ID',
  summary: 'wait for a decision: exit status 0 when approved, 126 otherwise',
  options: {},
  positionals: [1, 1],
  run: (input) =>
    withStores(input, async ({ approvals }) => {
      const id = input.positionals[0] ?? '';
      const approval = await approvals.decided(id, new AbortController().signal);
      if (approval === null) return failed(input, `there is no approval ${printable(id, 40)}`);
      await said(input, approval, `${approval.id} ${approval.status}`);
      return approval.status === 'approved' ? 0 : 126;
    }),
};

export const approvalVerbs: readonly Verb[] = [
  list,
  decision('approve'),
  decision('deny'),
  wait,
  standing,
  revoke,
];

function scopeOf(text: string | null): GrantedScope {
  const scope = text === null ? ({ kind: 'once' } as const) : readScope(text);
  if (scope !== null) return scope;
  throw new SallyportError(
    'usage.invalid',
    '--for is no scope that an approval can have',
    `write ${SCOPE_FORM}`,
  );
}

async function said(input: VerbInput, approval: ApprovalView, words: string): Promise<number> {
  const text = input.options.flag('json') ? JSON.stringify(approval) : words;
  await input.terminal.out(`${text}\n`);
  return 0;
}

function failed(input: VerbInput, words: string): number {
  input.terminal.err(`sallyport: ${words}\n`);
  return 1;
}

/** Whoever has the bastion's home folder and its command line is its operator. */
function operator(input: VerbInput): {
  readonly principal: Principal;
  readonly source: string;
  readonly isOperator: true;
} {
  return {
    principal: {
      id: '00000000-0000-7000-8000-000000000000',
      name: input.source,
      kind: 'human',
      roles: ['admin'],
      groups: [],
    },
    source: input.source,
    isOperator: true,
  };
}
