import assert from 'node:assert/strict';
import { permit } from '../../server/access/permission.ts';
import type { Principal } from '../../server/access/principal.ts';
import {
  approvalView,
  commandView,
  type HttpWorld,
  keptSession,
  people,
  sessionId,
  startHttpWorld,
} from '../support/http-world.ts';
import {
  addressOf,
  isOfSession,
  type MatrixRow,
  prepareFor,
  requestOf,
  ROUTES,
  routesOf,
} from '../support/route-matrix.ts';

const BOT: Principal = {
  id: 'id-of-bot',
  name: 'deploy-bot',
  kind: 'agent',
  roles: [],
  groups: [],
};
/** Everybody that a route may meet; "gone" has a token that isn't valid any more. */
const PERSONS: readonly (readonly [name: string, person: Principal | null])[] = [
  ['nobody', null],
  ['somebody shut out', { ...people.uma, id: 'id-of-gone', name: 'gone' }],
  ['a user', people.uma],
  ['an agent', BOT],
  ['an auditor', people.audrey],
  ['an approver', people.piet],
  ['an admin', people.alice],
  [
    "an admin's token for something else",
    { ...people.alice, id: 'id-of-scoped', scopes: ['access'] },
  ],
];
const [MINE, OTHERS, UNKNOWN] = [sessionId(1), sessionId(2), sessionId(99)];
const OWNERS: Readonly<Record<string, string>> = { [MINE]: 'uma', [OTHERS]: 'deploy-bot' };

const worlds: HttpWorld[] = [];

/** Uma's and the bot's session, both running, and a request of a third. */
async function newWorld(): Promise<HttpWorld> {
  const world = await startHttpWorld();
  worlds.push(world);
  const running = { status: 'active', endedAt: null } as const;
  for (const [number, name, kind] of [
    [1, 'uma', 'human'],
    [2, 'deploy-bot', 'agent'],
  ] as const) {
    const commands = [1, 2, 3].map((seq) => commandView(seq));
    world.recordings.add(keptSession(number, commands, { ...running, principal: { name, kind } }));
  }
  world.approvals.views.push(approvalView('ab12', { principal: 'somebody-else' }));
  return world;
}

interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

async function ask(
  world: HttpWorld,
  row: MatrixRow,
  session: string,
  person: Principal | null,
  method = row.method,
): Promise<Answer> {
  const init = { ...requestOf({ ...row, method }) };
  if (method === 'HEAD') delete init.body;
  const stop = new AbortController();
  const gone = person?.name === 'gone';
  const headers = { ...(init.headers as object), ...(gone && { authorization: 'Bearer none' }) };
  const response = await world.fetch(
    addressOf(row, session, OWNERS[session] ?? 'nobody-there'),
    gone ? null : person,
    {
      ...init,
      headers,
      signal: stop.signal,
    },
  );
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const body = isStream ? '' : await response.text();
  if (isStream) stop.abort();
  const shown = [...response.headers].filter(([name]) => name !== 'date');
  return { status: response.status, headers: JSON.stringify(shown), body };
}

/** What an attempt must not have changed. */
function stateOf({
  approvals,
  audit,
  holds,
  recordings,
  shortKeys,
  terminated,
}: HttpWorld): string {
  const { eventsRead } = recordings;
  const events = audit.events.filter(({ type }) => type !== 'auth.failed');
  const kept = { events, holds: holds.views, approvals: approvals.views };
  return JSON.stringify({ ...kept, terminated, eventsRead, keys: shortKeys.registered });
}

function expected(row: MatrixRow, person: Principal | null, session: string): number {
  const { needs, success, successSignedIn } = row;
  const who = person?.name === 'gone' ? null : person;
  if (needs === 'open') return who === null ? success : successSignedIn;
  if (needs === 'bearer') return person === null ? 401 : success;
  const outcome = permit(who, needs, OWNERS[session] ?? null);
  switch (outcome.kind) {
    case 'unauthenticated':
      return 401;
    case 'hidden':
      return 404;
    case 'forbidden':
      return session === UNKNOWN ? 404 : 403;
    case 'out-of-scope':
      return session === UNKNOWN && row.path.includes('/sessions/:id') ? 404 : 403;
    case 'allowed':
      if (row.isForAll && outcome.scope === 'own') return 403;
      return session === UNKNOWN ? 404 : success;
  }
}

describe('the matrix of routes', () => {
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.close();
  });

  it('has every route of the application, and no other', async () => {
    const world = await newWorld();
    const there = routesOf(world.options).filter((one) => !/^(HEAD|OPTIONS|\*) /.test(one));
    const listed = ROUTES.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(there.toSorted(), listed.toSorted());
  });

  it('closes every path to all other methods', async () => {
    const world = await newWorld();
    const there = routesOf(world.options);
    const open = ROUTES.map(({ path }) => path).filter((path) => !there.includes(`* ${path}`));
    assert.deepEqual(open, []);
  });

  for (const path of new Set(ROUTES.map((one) => one.path))) {
    it(`answers 405 to every other method on ${path}`, async () => {
      const rows = ROUTES.filter((one) => one.path === path);
      const methods = rows.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
      const [row] = rows;
      assert.ok(row !== undefined);
      const world = await newWorld();
      const before = stateOf(world);
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (methods.includes(method)) continue;
        const { status, headers } = await ask(world, row, MINE, people.alice, method);
        assert.equal(status, 405, method);
        const [, allowed = ''] = /\["allow","([^"]*)"\]/.exec(headers) ?? [];
        assert.deepEqual(allowed.split(', ').toSorted(), methods.toSorted(), method);
      }
      assert.equal(stateOf(world), before);
    });
  }

  for (const row of ROUTES) {
    const sessions = isOfSession(row) ? [MINE, OTHERS, UNKNOWN] : [MINE];
    it(`${row.method} ${row.path} is for those who may, and changes nothing for others`, async () => {
      let world = await newWorld();
      await prepareFor(row, world);
      for (const [name, person] of PERSONS) {
        const refusals = new Map<string, Answer>();
        for (const session of sessions) {
          const before = stateOf(world);
          const answer = await ask(world, row, session, person);
          const words = `${name}, ${OWNERS[session] ?? 'unknown'}: ${answer.body.slice(0, 300)}`;
          assert.equal(answer.status, expected(row, person, session), words);
          if (answer.status >= 400) {
            assert.equal(stateOf(world), before, words);
            refusals.set(session, answer);
          }
          if (row.method !== 'GET' && answer.status < 400) {
            world = await newWorld();
            await prepareFor(row, world);
          }
          if (row.method === 'GET') {
            const head = await ask(world, row, session, person, 'HEAD');
            assert.equal(head.status, answer.status, `HEAD, ${words}`);
          }
        }
        const unknown = refusals.get(UNKNOWN);
        for (const [session, refused] of refusals) {
          if (unknown === undefined || refused.status === 403) continue;
          // An answer may repeat the address that was asked for, and nothing else may differ.
          const same = { ...unknown, body: unknown.body.replaceAll(UNKNOWN, session) };
          assert.deepEqual(refused, same, `${name} can tell ${session} from an unknown one`);
        }
      }
    });
  }

  const reads = ['recording.viewed', 'recording.exported', 'journal.read', 'journal.exported'];
  const read = ROUTES.filter(({ journal }) => journal !== null && reads.includes(journal));
  for (const row of read) {
    // Approvers see what waits; everything else of others is for auditors.
    const reader = row.needs === 'approval.list' ? people.piet : people.audrey;
    it(`${row.method} ${row.path} is in the journal before anything is read`, async () => {
      const world = await newWorld();
      const { status } = await ask(world, row, OTHERS, reader);
      assert.equal(status, row.success);
      const rows = world.audit.events.map(({ type, principal }) => `${type} ${principal ?? '-'}`);
      assert.deepEqual([...new Set(rows)], [`${row.journal ?? ''} ${reader.name}`]);
      const broken = await newWorld();
      broken.audit.failing = true;
      const refused = await ask(broken, row, OTHERS, reader);
      assert.equal(refused.status, 503);
      assert.ok(!refused.body.includes('echo 1'), refused.body);
      assert.equal(broken.recordings.eventsRead, 0);
    });
  }

  it('journals the search of a list by what others typed, and not a list without a text', async () => {
    for (const path of ['/sessions', '/api/v1/sessions']) {
      const world = await newWorld();
      for (const query of ['?q=echo', '', '?q=echo&principal=audrey']) {
        assert.equal((await world.fetch(`${path}${query}`, people.audrey)).status, 200);
      }
      assert.equal((await world.fetch(`${path}?q=echo`, people.uma)).status, 200);
      assert.deepEqual(world.audit.ofType('recording.viewed'), ['audrey -'], path);
      world.audit.failing = true;
      assert.equal((await world.fetch(`${path}?q=echo`, people.audrey)).status, 503);
    }
  });
});
