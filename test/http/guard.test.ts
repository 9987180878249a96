import assert from 'node:assert/strict';
import { ACTIONS, guard, refusal } from '../../server/http/guard.ts';
import { people } from '../support/http-world.ts';

/** Rows: person; columns: action on a session of `uma`. */
const MATRIX = `
            session.list  session.read  session.terminate  session.control  session.hold   session.review  approval.list    approval.decide        access.request    journal.read    directory.read  directory.write   token.list        token.create      token.revoke      ssh-key.list      ssh-key.revoke    ssh-key.register
nobody      who           who           who                who              who            who             who              who                   who               who             who  who               who               who               who               who               who               who
uma         own           own           needs:admin        needs:approver   needs:auditor  needs:auditor   needs:approver   needs:approver        own               needs:auditor   needs:auditor  needs:admin       own               own               own               own               own               own
bob         own           hidden        hidden             hidden           hidden         hidden          needs:approver   needs:approver        own               needs:auditor   needs:auditor  needs:admin       own               own               own               own               own               own
audrey      all           all           needs:admin        needs:approver   all            all             needs:approver   needs:approver        own               all             all  needs:admin       own               own               own               own               own               own
piet        own           hidden        hidden             all              hidden         hidden          all              all                   all               needs:auditor   needs:auditor  needs:admin       own               own               own               own               own               own
alice       all           all           all                all              all            all             all              all                   all               all             all  all               all               all               all               all               all               all
`;

function said(outcome: ReturnType<typeof guard>): string {
  if (outcome.kind === 'allowed') return outcome.scope;
  if (outcome.kind === 'unauthenticated') return 'who';
  return outcome.kind === 'hidden' ? 'hidden' : `needs:${outcome.needs}`;
}

describe('http guard', () => {
  const everybody = {
    ...people,
    nobody: null,
    bob: { ...people.uma, id: 'id-of-bob', name: 'bob' },
  };
  const [head = '', ...rows] = MATRIX.trim().split('\n');
  const columns = head.trim().split(/\s+/);

  it('has a column for every action', () => {
    assert.deepEqual(columns, [...ACTIONS]);
  });

  for (const row of rows) {
    const [name = '', ...cells] = row.split(/\s+/);
    for (const [index, expected] of cells.entries()) {
      const action = ACTIONS[index] ?? 'session.list';
      it(`says "${expected}" to ${name} for ${action}`, () => {
        const person = everybody[name as keyof typeof everybody];
        assert.equal(said(guard(person, action, 'uma')), expected);
      });
    }
  }

  it('knows no owner of a session unless it is told', () => {
    assert.equal(guard(people.uma, 'session.read').kind, 'hidden');
  });

  it('answers what is hidden exactly like what does not exist', () => {
    const hidden = refusal({ kind: 'hidden' }, 'session');
    assert.equal(hidden.code, 'object.unknown');
    assert.equal(hidden.httpStatus, 404);
  });
});
