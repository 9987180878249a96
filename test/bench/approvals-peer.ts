/** The process that decides; see approvals.ts. Ends when the other one lets go. */
import { v7 as uuidV7 } from 'uuid';
import { monotonicMs, openDesk, type Heard } from './approvals.ts';

const { approvals, database } = await openDesk(process.argv[2] ?? '');
const principal = {
  id: uuidV7(),
  name: 'bob',
  kind: 'human',
  roles: ['approver' as const],
  groups: [],
} as const;
await database
  .knex('principals')
  .insert({ id: principal.id, name: 'bob', kind: 'human', roles: ['approver'] });
const seen = new Set<string>();

async function decide(id: string): Promise<void> {
  if (id === '' || seen.has(id)) return;
  seen.add(id);
  const heardMs = monotonicMs();
  if ((await approvals.approval(id))?.status !== 'waiting') return;
  const decidingMs = monotonicMs();
  await approvals.decide(id, 'approved', { principal, source: 'bench', reason: null });
  process.send?.({ id, heardMs, decidingMs } satisfies Heard);
}

await approvals.watch((id) => void decide(id));
process.send?.('ready');
process.once('disconnect', () => {
  void database.close().then(() => process.exit(0));
});
