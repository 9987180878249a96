import assert from 'node:assert/strict';
import type { ApprovalView } from '../../server/http/ports.ts';
import { EventStream } from '../support/event-stream.ts';
import {
  approvalView,
  keptSession,
  people,
  sessionId,
  startHttpWorld,
  type HttpWorld,
} from '../support/http-world.ts';

type Person = keyof typeof people | 'nobody';

describe('http approvals', () => {
  let world: HttpWorld;
  beforeEach(async () => {
    world = await startHttpWorld();
    world.approvals.views.push(
      approvalView('wait1'),
      approvalView('mine1', { principal: 'piet' }),
      approvalView('other', {}),
      approvalView('done1', { status: 'refused', decidedBy: 'alice' }),
    );
    world.approvals.named.set('other', ['somebody-else']);
  });
  afterEach(() => world.close());

  const personOf = (person: Person) => (person === 'nobody' ? null : people[person]);

  const MATRIX: readonly [person: Person, status: number][] = [
    ['nobody', 401],
    ['uma', 403],
    ['audrey', 403],
    ['piet', 200],
    ['alice', 200],
  ];
  for (const [person, status] of MATRIX) {
    it(`answers ${status} to ${person} everywhere`, async () => {
      for (const path of ['/api/v1/approvals', '/api/v1/approvals/wait1', '/approvals']) {
        assert.equal((await world.fetch(path, personOf(person))).status, status, path);
      }
      const path = '/api/v1/approvals/wait1/approve';
      const answer = await world.fetch(path, personOf(person), { method: 'POST' });
      assert.equal(answer.status, status);
      const state = world.approvals.views[0]?.status;
      assert.equal(state, status === 200 ? 'approved' : 'waiting');
    });
  }

  const DECISIONS: readonly [id: string, verb: string, status: number][] = [
    ['wait1', 'approve', 200],
    ['wait1', 'deny', 200],
    ['mine1', 'approve', 403],
    ['other', 'approve', 403],
    ['done1', 'approve', 409],
    ['nope1', 'deny', 404],
    ['x'.repeat(100), 'deny', 404],
    ['wait1', 'allow', 404],
  ];
  for (const [id, verb, status] of DECISIONS) {
    it(`answers ${status} to ${verb} of ${id.slice(0, 9)}`, async () => {
      const answer = await world.fetch(`/api/v1/approvals/${id}/${verb}`, people.piet, {
        method: 'POST',
        body: JSON.stringify({ reason: '  looks fine ' }),
        headers: { 'content-type': 'application/json' },
      });
      assert.equal(answer.status, status);
      if (status !== 200) return;
      const decided = (await answer.json()) as ApprovalView;
      assert.equal(decided.status, verb === 'approve' ? 'approved' : 'refused');
      assert.equal(decided.decidedBy, 'piet');
      assert.equal(decided.decisionReason, 'looks fine');
    });
  }

  it('lists by status', async () => {
    const answer = await world.fetch('/api/v1/approvals?status=refused', people.piet);
    const { items } = (await answer.json()) as { items: ApprovalView[] };
    assert.deepEqual(
      items.map((one) => one.id),
      ['done1'],
    );
  });

  const FORMS: readonly [id: string, decision: string, notice: string][] = [
    ['wait1', 'approve', 'approved'],
    ['wait1', 'deny', 'refused'],
    ['mine1', 'approve', 'own-request'],
    ['done1', 'deny', 'already-decided'],
    ['nope1', 'deny', 'unknown'],
  ];
  for (const [id, decision, notice] of FORMS) {
    it(`takes the form's ${decision} of ${id} and tells "${notice}" on the page`, async () => {
      const answer = await world.fetch(`/approvals/${id}`, people.piet, {
        method: 'POST',
        body: new URLSearchParams({ decision, reason: '' }),
      });
      assert.equal(answer.status, 303);
      const location = answer.headers.get('location') ?? '';
      assert.equal(location, `/approvals?notice=${notice}&id=${id}`);
      const page = await (await world.fetch(location, people.piet)).text();
      assert.match(page, /role="status"><strong>Request/);
    });
  }

  it('does nothing for a form that says neither', async () => {
    const answer = await world.fetch('/approvals/wait1', people.piet, {
      method: 'POST',
      body: new URLSearchParams({ decision: 'later' }),
    });
    assert.equal(answer.status, 400);
    assert.equal(world.approvals.views[0]?.status, 'waiting');
  });

  describe('whose sessions run', () => {
    const running = { status: 'active', endedAt: null, exitStatus: null } as const;
    beforeEach(() =>
      world.recordings.add(keptSession(1, [], running), keptSession(2, [], running)),
    );

    const ACTS: readonly [person: Person, kind: string, approval: string | null, to: string][] = [
      ['piet', 'pause', null, '/approvals?done=pause'],
      ['piet', 'pause', 'wait1', '/approvals/wait1?done=pause'],
      ['piet', 'notice', 'wait1', '/approvals/wait1?done=notice'],
      ['piet', 'resume', 'elsewhere', '/approvals?done=resume'],
      ['piet', 'pause', '//evil.example', '/approvals?done=pause'],
      ['alice', 'terminate', null, `/sessions/${sessionId(1)}?done=terminate`],
      ['alice', 'terminate', 'wait1', '/approvals/wait1?done=terminate'],
    ];
    for (const [person, kind, approval, to] of ACTS) {
      it(`leads ${person} from ${kind}, asked for on ${approval ?? 'no page'}, to a page of theirs that says so`, async () => {
        world.approvals.views.push(approvalView('elsewhere', { session: sessionId(2) }));
        const answer = await world.fetch(`/sessions/${sessionId(1)}/${kind}`, personOf(person), {
          method: 'POST',
          body: new URLSearchParams({ text: 'hello', ...(approval !== null && { approval }) }),
        });
        assert.equal(answer.status, 303);
        assert.equal(answer.headers.get('location'), to);
        const page = await world.fetch(to, personOf(person));
        assert.equal(page.status, 200);
        const said = /being paused|Paused by|goes on\.|on its way|told to end/;
        assert.match(await page.text(), said);
      });
    }

    it('have the means to act on them for whoever may, and for nobody else', async () => {
      const shown = async (person: Person, id: string): Promise<string> =>
        await (await world.fetch(`/approvals/${id}`, personOf(person))).text();
      const own = { principal: 'uma', session: sessionId(1) };
      const ended = { session: sessionId(3) };
      world.recordings.add(keptSession(3, []));
      world.approvals.views.push(approvalView('umas', own), approvalView('ended', ended));
      assert.match(await shown('piet', 'wait1'), /action="[^"]*\/pause"/);
      assert.doesNotMatch(await shown('piet', 'wait1'), /action="[^"]*\/terminate"/);
      assert.match(await shown('alice', 'wait1'), /action="[^"]*\/terminate"/);
      assert.doesNotMatch(await shown('uma', 'umas'), /live-controls/);
      assert.doesNotMatch(await shown('piet', 'ended'), /live-controls/);
    });
  });

  it('shows only notices that it knows', async () => {
    const path = '/approvals?notice=%3Cb%3E&id=%3Cb%3E';
    const page = await (await world.fetch(path, people.piet)).text();
    assert.doesNotMatch(page, /Request/);
  });

  it('shows one request with what is around it, and only to who may decide on it', async () => {
    const read = async (id: string, person: Person): Promise<Record<string, unknown>> => {
      const answer = await world.fetch(`/api/v1/approvals/${id}`, personOf(person));
      return (await answer.json()) as Record<string, unknown>;
    };
    const shown = await read('wait1', 'piet');
    assert.equal(shown['mayDecide'], 'may');
    assert.deepEqual(Object.keys(shown['surroundings'] as object).toSorted(), [
      'certainty',
      'earlier',
      'moreResolved',
      'resolved',
      'screen',
      'session',
    ]);
    const other = await read('other', 'piet');
    assert.deepEqual([other['mayDecide'], other['surroundings']], ['not-an-approver', null]);
    const page = await world.fetch('/approvals/wait1', people.piet);
    assert.equal(page.status, 200);
    assert.match(await page.text(), /value="approve"/);
  });

  const SCOPES: readonly [scope: unknown, status: number][] = [
    ['session', 200],
    ['30m', 200],
    ['once', 200],
    [undefined, 200],
    ['25h', 400],
    ['ever', 400],
    [30, 400],
    [['30m'], 400],
  ];
  for (const [scope, status] of SCOPES) {
    it(`answers ${status} to the scope ${JSON.stringify(scope)}`, async () => {
      const answer = await world.fetch('/api/v1/approvals/wait1/approve', people.piet, {
        method: 'POST',
        body: JSON.stringify({ scope }),
        headers: { 'content-type': 'application/json' },
      });
      assert.equal(answer.status, status);
      assert.equal(world.approvals.views[0]?.status, status === 200 ? 'approved' : 'waiting');
    });
  }

  it('says who was first, takes the same decision twice, and revokes what counts for longer', async () => {
    const post = (path: string, person: Person): Promise<Response> =>
      world.fetch(`/api/v1/approvals/${path}`, personOf(person), { method: 'POST' });
    assert.equal((await post('wait1/approve', 'piet')).status, 200);
    assert.equal((await post('wait1/approve', 'piet')).status, 200);
    const late = await post('wait1/deny', 'alice');
    assert.equal(late.status, 409);
    assert.match(await late.text(), /the request is approved already by piet/);
    assert.equal((await post('wait1/revoke', 'piet')).status, 409);
    assert.equal((await post('nope1/revoke', 'piet')).status, 404);
    assert.equal((await post('wait1/revoke', 'audrey')).status, 403);
  });

  it('streams changes from where a listener left', async () => {
    const open = async (lastId: string | null): Promise<EventStream> =>
      new EventStream(
        await world.fetch('/api/v1/approvals/stream', people.piet, {
          headers: lastId === null ? {} : { 'last-event-id': lastId },
        }),
      );
    const first = await open(null);
    const start = await first.next();
    assert.equal(start?.event, 'start');
    assert.equal((JSON.parse(start.data) as { items: unknown[] }).items.length, 3);
    world.approvals.change('wait1', 'approval.requested');
    const change = await first.next();
    assert.equal(change?.event, 'change');
    await first.close();
    world.approvals.change('other', 'approval.escalated');
    const again = await open(change.id);
    const missed = JSON.parse((await again.next())?.data ?? '') as {
      what: string;
      approval: ApprovalView;
    };
    assert.deepEqual([missed.what, missed.approval.id], ['escalated', 'other']);
    await again.close();
    assert.equal((await world.fetch('/api/v1/approvals/stream', people.uma)).status, 403);
  });

  it('streams again after changes could not be watched, and says so meanwhile', async () => {
    const stream = () => world.fetch('/api/v1/approvals/stream', people.piet);
    const { approvals } = world;
    const watch = approvals.watch.bind(approvals);
    approvals.watch = () => Promise.reject(new Error('away'));
    assert.equal((await stream()).status, 500);
    approvals.watch = watch;
    const again = new EventStream(await stream());
    assert.equal((await again.next())?.event, 'start');
    await again.close();
  });
});
